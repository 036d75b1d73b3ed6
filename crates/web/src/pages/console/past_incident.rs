//! `/console/incidents/past`: where a person adds an incident that is over.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::backfill::{NewPast, NewPastUpdate};
use domain::incident::{Impact, Stage, UpdateKind};
use engine::EngineError;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::Form;
use crate::language::{reworded, say, tell};
use crate::pages::console::open_incident::{Choices, scope};
use crate::pages::console::typed::local;
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/incidents/past", tell, form),
        Route::post("/console/incidents/past", tell, add),
    ]
}

#[derive(Template)]
#[template(path = "console/past_incident.html")]
struct View {
    page: Page,
    problem: Option<String>,
    typed: Typed,
    choices: Choices,
    zone_name: String,
}

/// What a person typed; an empty field says nothing.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    /// Made with the form: sent twice, it is one incident.
    key: String,
    title: String,
    product: String,
    zone: String,
    impact: String,
    started_at: String,
    resolved_at: String,
    text: String,
}

async fn form(State(app): State<App>) -> Answer {
    let key: IncidentId = app.engine().clock().id();
    let typed = Typed {
        key: key.to_string(),
        ..Typed::default()
    };
    Ok(show(&app, StatusCode::OK, None, typed))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    let added = match typed.past(&app) {
        Ok(past) => app.engine().backfill_incident(caller.name(), past).await,
        Err(refused) => Err(refused),
    };
    match added {
        Ok(added) => {
            let to = format!("/console/incidents/{}", added.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) if error.kind() == engine::Kind::Refused => {
            let problem = Some(problem(&error));
            Ok(show(&app, StatusCode::UNPROCESSABLE_ENTITY, problem, typed))
        }
        Err(error) => Err(PageError::from(error)),
    }
}

impl Typed {
    /// With one update: what was typed, said when it was over.
    fn past(&self, app: &App) -> Result<NewPast, EngineError> {
        let resolved_at = moment(app, "resolved_at", &self.resolved_at)?;
        let said = NewPastUpdate {
            at: resolved_at,
            state: Stage::Completed,
            kind: UpdateKind::Update,
            text: self.text.clone(),
        };
        let impact = Impact::parse(&self.impact);
        Ok(NewPast {
            key: Some(self.key.clone()).filter(|key| !key.is_empty()),
            title: self.title.clone(),
            impact: impact
                .ok_or_else(|| EngineError::refused_at("impact", say("choose-an-impact")))?,
            scope: scope(app, &self.product, &self.zone)?,
            started_at: moment(app, "started_at", &self.started_at)?,
            resolved_at,
            updates: vec![said],
        })
    }
}

fn moment(app: &App, at: &str, text: &str) -> Result<jiff::Timestamp, EngineError> {
    let moment = local(at, text, &app.engine().settings().home_zone)?;
    moment.ok_or_else(|| EngineError::refused_at(at, say("give-day-and-time")))
}

/// What is wrong, by the name that the form gives its field.
fn problem(error: &EngineError) -> String {
    let EngineError::Refused { at: Some(at), .. } = error else {
        return reworded(error);
    };
    let field = match at.as_str() {
        "title" => say("title-label"),
        "impact" => say("impact"),
        "started_at" | "updates[0].at" => say("began"),
        "resolved_at" => say("was-over"),
        "updates[0].text" => say("what-customers-read"),
        _ => return reworded(error),
    };
    let values = [("field", field.into()), ("problem", reworded(error).into())];
    tell("field-problem", values)
}

fn show(app: &App, status: StatusCode, problem: Option<String>, typed: Typed) -> Response {
    let view = View {
        page: Page::console(say("past-heading"), "/console/incidents"),
        problem,
        choices: Choices::of(app, &typed.product, &typed.zone, &typed.impact),
        zone_name: app.engine().settings().home_zone.to_string(),
        typed,
    };
    render(status, &view)
}
