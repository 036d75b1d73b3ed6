//! `/console/incidents`: every incident in memory, proposals and dismissed ones among them.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::incident::Stage;
use engine::IncidentView;

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::{in_words, say, tell};
use crate::pages::public::incident::{impact, promised, stage};
use crate::pages::words::{Moment, Reader};
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

/// The newest that the page lists; no more are kept in memory.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![Route::get("/console/incidents", see, list)]
}

#[derive(Default, serde::Deserialize)]
struct Filter {
    #[serde(default)]
    state: String,
}

#[derive(Template)]
#[template(path = "console/incidents.html")]
struct View {
    page: Page,
    choices: Vec<Choice>,
    total: String,
    incidents: Vec<Line>,
}

struct Choice {
    value: &'static str,
    name: &'static str,
    here: bool,
}

struct Line {
    id: String,
    title: String,
    stage: &'static str,
    stage_class: &'static str,
    impact: &'static str,
    scope: String,
    failing: String,
    began: Moment,
    promise: Option<(String, bool)>,
    is_added: bool,
}

/// The kinds of incidents that one looks for, with the keys of their names.
const CHOICES: [(&str, &str); 4] = [
    ("", "incidents-all"),
    ("open", "incidents-open"),
    ("proposed", "incidents-proposed"),
    ("past", "incidents-past"),
];

async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Answer {
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let all = app.engine().all_incidents().into_iter();
    let wanted: Vec<_> = all
        .filter(|view| is_wanted(&filter.state, view.incident.state.stage()))
        .collect();
    let view = View {
        page: Page::console(say("nav-incidents"), "/console/incidents"),
        choices: CHOICES
            .into_iter()
            .map(|(value, name)| Choice {
                value,
                name: say(name),
                here: value == filter.state,
            })
            .collect(),
        total: tell("incidents-total", [("n", wanted.len().into())]),
        incidents: wanted
            .iter()
            .take(LISTED_MAX)
            .map(|view| line(&app, view, &reader))
            .collect(),
    };
    Ok(render(StatusCode::OK, &view))
}

fn is_wanted(state: &str, stage: Stage) -> bool {
    match state {
        "open" => stage.is_open() && stage != Stage::Proposed,
        "proposed" => stage == Stage::Proposed,
        "past" => !stage.is_open(),
        _ => true,
    }
}

fn line(app: &App, view: &IncidentView, reader: &Reader) -> Line {
    let incident = &view.incident;
    let failing = match incident.is_open() {
        true => {
            let affected = app.engine().affected_by(view);
            let not_well = affected.failing + affected.restoring;
            let values = [("n", not_well.into()), ("total", affected.total.into())];
            tell("n-of-total", values)
        }
        false => String::new(),
    };
    Line {
        id: incident.id.to_string(),
        title: incident.title.clone(),
        stage: stage(incident.state.stage()),
        stage_class: incident.state.stage().as_str(),
        impact: impact(incident.impact),
        scope: in_words().scope(&incident.scope),
        failing,
        began: reader.moment(incident.started_at),
        promise: view
            .promises
            .iter()
            .find_map(|promise| promised(promise, reader))
            .map(|promise| (promise.words, promise.overdue)),
        is_added: incident.added_at.is_some(),
    }
}
