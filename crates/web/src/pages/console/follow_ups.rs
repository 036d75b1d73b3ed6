//! `/console/follow-ups`: what is still to be done after incidents; and how pages list follow-ups.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::id::{FollowUpId, IncidentId};
use domain::incident::FollowUp;
use engine::{EngineError, Kind, NewFollowUp};
use jiff::civil::Date;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{reworded, say, tell};
use crate::pages::console::respond::{Typed, then_back};
use crate::pages::words;
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

/// The most that the page lists.
const LISTED_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/follow-ups", see, list),
        Route::post("/console/incidents/{id}/follow-ups", tell, add),
        Route::post("/console/follow-ups/{id}", tell, end),
    ]
}

/// A follow-up as a page shows it.
pub(in crate::pages) struct Shown {
    pub(in crate::pages) id: FollowUpId,
    pub(in crate::pages) text: String,
    pub(in crate::pages) owner: String,
    pub(in crate::pages) due: String,
    /// What became of it; nothing while it is to be done.
    pub(in crate::pages) ended: Option<String>,
    pub(in crate::pages) overdue: bool,
}

impl Shown {
    pub(in crate::pages) fn of(follow_up: &FollowUp, today: Date) -> Self {
        let ended = follow_up.end.as_ref().map(|end| match &end.dropped {
            None => say("follow-up-done").to_owned(),
            Some(reason) => tell("follow-up-dropped", [("reason", reason.as_str().into())]),
        });
        Self {
            id: follow_up.id,
            text: follow_up.text.clone(),
            owner: follow_up.owner.clone(),
            due: words::day_short(follow_up.due),
            ended,
            overdue: follow_up.is_overdue(today),
        }
    }
}

/// The follow-ups of an incident, for a page.
pub(in crate::pages) fn of(app: &App, follow_ups: &[FollowUp]) -> Vec<Shown> {
    let today = app.engine().today();
    follow_ups.iter().map(|one| Shown::of(one, today)).collect()
}

#[derive(Template)]
#[template(path = "console/follow_ups.html")]
struct View {
    page: Page,
    problem: Option<String>,
    total: String,
    overdue: Option<String>,
    follow_ups: Vec<(IncidentId, String, Shown)>,
}

async fn list(State(app): State<App>) -> Answer {
    show(&app, StatusCode::OK, None).await
}

async fn show(app: &App, status: StatusCode, problem: Option<String>) -> Answer {
    let open = app.engine().open_follow_ups(LISTED_MAX).await?;
    let today = app.engine().today();
    let mut follow_ups = vec![];
    for one in &open {
        let view = app.engine().find_incident(one.incident).await?;
        let title = view.map_or_else(String::new, |view| view.incident.title.clone());
        follow_ups.push((one.incident, title, Shown::of(one, today)));
    }
    let overdue = open.iter().filter(|one| one.is_overdue(today)).count();
    let view = View {
        page: Page::console(say("nav-follow-ups"), "/console/follow-ups"),
        problem,
        total: tell("follow-ups-left", [("n", open.len().into())]),
        overdue: (overdue > 0).then(|| tell("follow-ups-overdue", [("n", overdue.into())])),
        follow_ups,
    };
    Ok(render(status, &view))
}

#[derive(serde::Deserialize)]
struct New {
    text: String,
    owner: String,
    due: String,
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(new): Form<New>,
) -> Answer {
    let due = new.due.trim().parse();
    let due = due.map_err(|_| EngineError::refused_at("due", say("give-the-day")));
    let added = match due {
        Ok(due) => {
            let new = NewFollowUp {
                text: new.text,
                owner: new.owner,
                due,
            };
            app.engine().add_follow_up(id, new, caller.name()).await
        }
        Err(error) => Err(error),
    };
    then_back(&app, id, added.map(drop), Typed::default()).await
}

#[derive(serde::Deserialize)]
struct Ended {
    act: String,
    #[serde(default)]
    reason: String,
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowUpId>,
    Form(ended): Form<Ended>,
) -> Answer {
    let dropped = (ended.act == "drop").then_some(ended.reason);
    let done = app.engine().end_follow_up(id, dropped, caller.name()).await;
    let error = match done {
        Ok(_) => return Ok(Redirect::to("/console/follow-ups").into_response()),
        Err(error) => error,
    };
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    show(&app, status, Some(reworded(&error))).await
}
