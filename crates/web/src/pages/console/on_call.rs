//! `/console/on-call`: who is paged, in order, and what became of the newest pages.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::id::{IncidentId, PageId};
use engine::{EngineError, Kind};
use store::{OnCallStep, Page as Paged};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{reworded, say, tell};
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

/// The newest pages that are listed.
const PAGES_MAX: u32 = 30;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeOnCall);
    let answer = Access::Holder(Permission::AcknowledgePages);
    vec![
        Route::get("/console/on-call", see, list),
        Route::post("/console/on-call", change, add),
        Route::post("/console/on-call/remove", change, remove),
        Route::post("/console/pages/{id}/acknowledge", answer, acknowledge),
    ]
}

#[derive(Template)]
#[template(path = "console/on_call.html")]
struct View {
    page: Page,
    problem: Option<String>,
    steps: Vec<Step>,
    pages: Vec<Line>,
    typed: New,
}

struct Step {
    host: String,
    after: String,
    is_signed: bool,
}

struct Line {
    id: PageId,
    made: Moment,
    words: String,
    incident: Option<IncidentId>,
    acknowledged: Option<(Moment, String)>,
}

#[derive(Default, serde::Deserialize)]
struct New {
    url: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    after_minutes: String,
}

async fn list(State(app): State<App>) -> Answer {
    show(&app, StatusCode::OK, None, New::default()).await
}

async fn show(app: &App, status: StatusCode, problem: Option<String>, typed: New) -> Answer {
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let store = app.engine().store();
    let steps = store.on_call().await.map_err(EngineError::from)?;
    let pages = store.pages(PAGES_MAX).await.map_err(EngineError::from)?;
    let view = View {
        page: Page::console(say("on-call-title"), "/console/on-call"),
        problem,
        steps: steps.iter().map(step).collect(),
        pages: pages.into_iter().map(|page| line(page, &reader)).collect(),
        typed,
    };
    Ok(render(status, &view))
}

/// An address may be a secret of its own: its path is not shown.
fn step(step: &OnCallStep) -> Step {
    let url = url::Url::parse(&step.url).ok();
    let host = url.as_ref().and_then(|url| url.host_str());
    Step {
        host: host.unwrap_or_else(|| say("on-call-no-host")).to_owned(),
        after: match step.after_seconds {
            0 => say("on-call-at-once").into(),
            seconds => tell(
                "on-call-after",
                [("length", words::duration(seconds.into()).into())],
            ),
        },
        is_signed: step.secret.is_some(),
    }
}

fn line(page: Paged, reader: &Reader) -> Line {
    Line {
        id: page.id,
        made: reader.moment(page.made_at),
        words: reworded(page.words),
        incident: page.incident,
        acknowledged: page.acknowledged.map(|(at, by)| (reader.moment(at), by)),
    }
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<New>,
) -> Answer {
    let mut steps = app
        .engine()
        .store()
        .on_call()
        .await
        .map_err(EngineError::from)?;
    let saved = match typed.step() {
        Ok(step) => {
            steps.push(step);
            steps.sort_by_key(|step| step.after_seconds);
            app.engine().save_on_call(&steps, caller.name()).await
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(Redirect::to("/console/on-call").into_response()),
        Err(error) if error.kind() == Kind::Refused => {
            let problem = Some(reworded(&error));
            show(&app, StatusCode::UNPROCESSABLE_ENTITY, problem, typed).await
        }
        Err(error) => Err(error.into()),
    }
}

impl New {
    fn step(&self) -> Result<OnCallStep, EngineError> {
        let minutes = match self.after_minutes.trim() {
            "" => 0,
            text => text.parse::<u32>().map_err(|_| {
                EngineError::refused_at("after_minutes", say("on-call-whole-minutes"))
            })?,
        };
        let secret = self.secret.trim();
        Ok(OnCallStep {
            url: self.url.trim().to_owned(),
            secret: Some(secret.to_owned()).filter(|secret| !secret.is_empty()),
            after_seconds: minutes.saturating_mul(60),
        })
    }
}

#[derive(serde::Deserialize)]
struct Remove {
    /// Its place in the list, from 0, and the host that stood there: the list may have changed.
    place: usize,
    host: String,
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Remove>,
) -> Answer {
    let mut steps = app
        .engine()
        .store()
        .on_call()
        .await
        .map_err(EngineError::from)?;
    let is_there = steps
        .get(form.place)
        .is_some_and(|one| step(one).host == form.host);
    if !is_there {
        let problem = Some(say("on-call-changed").into());
        return show(&app, StatusCode::CONFLICT, problem, New::default()).await;
    }
    steps.remove(form.place);
    app.engine().save_on_call(&steps, caller.name()).await?;
    Ok(Redirect::to("/console/on-call").into_response())
}

async fn acknowledge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<PageId>,
) -> Answer {
    app.engine().acknowledge_page(id, caller.name()).await?;
    Ok(Redirect::to("/console/on-call").into_response())
}
