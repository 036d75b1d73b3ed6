//! `/history`: what is over, month by month, the newest first. Drawn from memory.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::IncidentId;
use domain::incident::State as IncidentState;
use engine::IncidentView;

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::say;
use crate::pages::public::incident::impact;
use crate::pages::public::status::ZoneQuery;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Choice, Page, reader, render, zone_choices};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/history", Access::Public, history).kept()]
}

#[derive(Template)]
#[template(path = "history.html")]
struct View {
    page: Page,
    months: Vec<Month>,
    zones: Vec<Choice>,
    chosen_zone: String,
}

struct Month {
    name: String,
    incidents: Vec<Past>,
}

struct Past {
    id: IncidentId,
    title: String,
    impact: &'static str,
    started: Moment,
    ended: Option<Moment>,
    /// Whether the vendor's word on the whole of it can be read.
    has_report: bool,
    /// Whether it was added after it was over.
    is_added: bool,
}

async fn history(State(app): State<App>, Query(query): Query<ZoneQuery>) -> Answer {
    let home = &app.engine().settings().home_zone;
    let reader = reader(&app, query.zone.as_deref(), home);
    let lamps = app.drawn().lamps(&app.engine().fleet());
    let public = app.engine().public_incidents().into_iter();
    let past = public.filter(|view| !view.incident.is_open());
    let mut months: Vec<Month> = vec![];
    for view in past {
        let name = month(&view, &reader);
        let incident = Past::of(&view, &reader);
        match months.last_mut() {
            Some(last) if last.name == name => last.incidents.push(incident),
            _ => months.push(Month {
                name,
                incidents: vec![incident],
            }),
        }
    }
    let view = View {
        page: Page::public(say("past-incidents"), "/"),
        months,
        zones: zone_choices(&lamps.bands, home, &reader),
        chosen_zone: reader.zone.to_string(),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The month that an incident began in, such as "March 2023".
fn month(view: &IncidentView, reader: &Reader) -> String {
    let began = view.incident.started_at;
    let local = began.to_zoned_datetime(reader.zone.rules());
    words::month(local.date())
}

impl Past {
    fn of(view: &IncidentView, reader: &Reader) -> Self {
        let ended = match view.incident.state {
            IncidentState::Completed { at, .. } => Some(reader.moment(at)),
            _ => None,
        };
        Self {
            id: view.incident.id,
            title: view.incident.title.clone(),
            impact: impact(view.incident.impact),
            started: reader.moment(view.incident.started_at),
            ended,
            has_report: view.official_comment().is_some(),
            is_added: view.incident.added_at.is_some(),
        }
    }
}
