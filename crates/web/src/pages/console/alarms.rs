//! `/console/alarms`: what the statistics said, and what came of it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::detection::Alarm;
use domain::id::IncidentId;
use engine::EngineError;
use jiff::SignedDuration;

use crate::App;
use crate::access::Access;
use crate::language::{in_words, say};
use crate::pages::words::{Moment, Reader};
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

/// The newest alarms that the page lists, and how far it looks back, in hours.
const LISTED_MAX: u32 = 100;
const BACK_HOURS: i64 = 90 * 24;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![Route::get("/console/alarms", see, list)]
}

#[derive(Template)]
#[template(path = "console/alarms.html")]
struct View {
    page: Page,
    alarms: Vec<Line>,
}

struct Line {
    at: Moment,
    since: Moment,
    words: String,
    node: String,
    explained: String,
    promise_days: String,
    incident: Option<(IncidentId, String)>,
}

async fn list(State(app): State<App>) -> Answer {
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let back = SignedDuration::from_hours(BACK_HOURS);
    let since = reader.now.saturating_sub(back).unwrap_or(reader.now);
    let mut alarms = vec![];
    for alarm in app.engine().alarms_since(since, LISTED_MAX).await? {
        alarms.push(line(&app, &alarm, &reader).await?);
    }
    let view = View {
        page: Page::console(say("nav-alarms"), "/console/alarms"),
        alarms,
    };
    Ok(render(StatusCode::OK, &view))
}

async fn line(app: &App, alarm: &Alarm, reader: &Reader) -> Result<Line, EngineError> {
    let incident = match app.engine().store().incident_of_alarm(alarm.id).await? {
        Some(id) => app.engine().find_incident(id).await?,
        None => None,
    };
    Ok(Line {
        at: reader.moment(alarm.at),
        since: reader.moment(alarm.evidence.since),
        words: in_words().alarm_words(alarm),
        node: in_words().node(&alarm.node),
        explained: in_words().explained(&alarm.localisation),
        promise_days: format!("{:.0}", alarm.promise_seconds / 86_400.0),
        incident: incident.map(|view| (view.incident.id, view.incident.title.clone())),
    })
}
