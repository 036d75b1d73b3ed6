//! `/maintenance.ics`: planned work for people's calendars (RFC 5545), for everything or for what is
//! named, as the feeds are. Drawn from memory.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::incident::{Maintenance, Stage, Window};
use domain::site::Zone;
use engine::IncidentView;
use icalendar::{Calendar, Component as _, Event, EventStatus, Property};
use jiff::Timestamp;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Query;
use crate::language::{kept, read_post, say};
use crate::pages::public::feed::About;
use crate::pages::words::cut;
use crate::routes::Route;

/// How much of what is said a calendar shows; the rest stands at the address.
const SAID_CHARACTERS_MAX: usize = 1_000;
/// The most entries of a calendar, the last to begin first.
const ENTRIES_MAX: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/maintenance.ics", Access::Public, calendar).kept()]
}

async fn calendar(
    State(app): State<App>,
    Query(about): Query<About>,
) -> Result<Response, ApiError> {
    let fleet = app.engine().fleet();
    let sites = about.sites(&fleet)?;
    let own = match sites.as_deref() {
        Some([site]) => Some(site.zone.clone()),
        _ => None,
    };
    let concerns = |view: &IncidentView| {
        let scope = &view.incident.scope;
        let mut sites = sites.iter().flatten();
        about.is_all() || sites.any(|site| scope.holds(site))
    };
    let work = app.engine().public_maintenances().into_iter();
    let mut calendar = Calendar::new();
    calendar
        .name(&about.title(say("planned-work")))
        .append_property(Property::new("METHOD", "PUBLISH"))
        .append_property(
            Property::new("REFRESH-INTERVAL", "PT1H")
                .append_parameter(icalendar::Parameter::new("VALUE", "DURATION"))
                .done(),
        );
    for view in work.filter(|view| concerns(view)).take(ENTRIES_MAX) {
        if let Some(work) = &view.incident.maintenance {
            calendar.push(event(&app, &view, work, own.as_ref()));
        }
    }
    let kind = HeaderValue::from_static("text/calendar; charset=utf-8");
    let keep = HeaderValue::from_static("max-age=60");
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)];
    Ok((headers, calendar.to_string()).into_response())
}

fn event(app: &App, view: &IncidentView, work: &Maintenance, own: Option<&Zone>) -> Event {
    let settings = app.engine().settings();
    let incident = &view.incident;
    let url = kept(&format!("{}/incidents/{}", settings.base_url, incident.id));
    let changed = view.updates.iter().map(|update| update.changed_at()).max();
    let changed = changed.unwrap_or(incident.started_at);
    let (from, until) = ends(&work.window, own);
    let said = view.updates.first().map_or("", |update| &update.body);
    let said = read_post(own.unwrap_or(&settings.home_zone), said);
    // A carriage return would begin a line of the calendar; folding a long text takes its square.
    let said = cut(&said.replace('\r', ""), SAID_CHARACTERS_MAX);
    let status = match incident.state.stage() {
        Stage::Cancelled => EventStatus::Cancelled,
        _ => EventStatus::Confirmed,
    };
    let mut event = Event::new();
    event
        .uid(&incident.id.to_string())
        .summary(&incident.title)
        .description(&said)
        .url(&url)
        .status(status)
        .sequence(u32::try_from(incident.version).unwrap_or(u32::MAX))
        .add_property("DTSTAMP", utc(changed))
        .add_property("LAST-MODIFIED", utc(changed))
        .add_property("DTSTART", from)
        .add_property("DTEND", until)
        // Nobody is busy because a vendor works at night.
        .add_property("TRANSP", "TRANSPARENT");
    event.done()
}

/// Begin and end. Without a site's own zone, a window on local clocks is floating: the same time of
/// day wherever the calendar is read (RFC 5545, section 3.3.5, form 1).
fn ends(window: &Window, own: Option<&Zone>) -> (String, String) {
    match (window, own) {
        (Window::Local { from, until }, None) => {
            let floating = |at: &jiff::civil::DateTime| at.strftime("%Y%m%dT%H%M%S").to_string();
            (floating(from), floating(until))
        }
        (window, own) => {
            let (from, until) = window.in_zone(own.unwrap_or(&Zone::utc()));
            (utc(from), utc(until))
        }
    }
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}
