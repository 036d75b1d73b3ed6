//! `/api/v2`: the public API of Statuspage, field for field, so that clients made for it work here.
//!
//! Shapes: <https://metastatuspage.com/api/v2>. What has no counterpart here is chosen in
//! `docs/decisions/0005-statuspage-shapes.md`. Drawn from memory.

mod component;
mod incident;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::incident::{Impact, Stage};
use engine::IncidentView;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::App;
use crate::access::Access;
use crate::open_api::{Gives, Sheet};
use crate::routes::{Api, Route};
use component::Component;
use incident::Incident;

/// How many incidents an answer lists, as Statuspage does.
const INCIDENTS_MAX: usize = 50;

pub(crate) fn routes() -> Vec<Route> {
    let public = Access::Public;
    let routes = vec![
        Api::get("/api/v2/status.json", public, "How the whole is", status),
        Api::get(
            "/api/v2/summary.json",
            public,
            "Everything that is open",
            summary,
        ),
        Api::get(
            "/api/v2/components.json",
            public,
            "Products and their time zones",
            components,
        ),
        Api::get(
            "/api/v2/incidents.json",
            public,
            "The newest incidents",
            incidents,
        ),
        Api::get(
            "/api/v2/incidents/unresolved.json",
            public,
            "Incidents that are open",
            unresolved,
        ),
        Api::get(
            "/api/v2/scheduled-maintenances.json",
            public,
            "Planned work",
            maintenances,
        ),
        Api::get(
            "/api/v2/scheduled-maintenances/upcoming.json",
            public,
            "Planned work to come",
            upcoming,
        ),
        Api::get(
            "/api/v2/scheduled-maintenances/active.json",
            public,
            "Planned work under way",
            active,
        ),
    ];
    routes.into_iter().map(Route::kept).collect()
}

/// The page that every answer names.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "StatuspagePage")]
struct Page {
    /// The host that it is reached at.
    id: String,
    /// Whose it is.
    name: String,
    /// Where it is.
    url: String,
    /// The vendor's own.
    time_zone: String,
    /// When anything last changed.
    #[schemars(with = "domain::schema::Moment")]
    updated_at: Timestamp,
}

/// How the whole is.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "StatuspageStatus")]
struct Status {
    /// `none`, `minor`, `major` or `critical`.
    indicator: &'static str,
    /// The same in words.
    description: &'static str,
}

/// An answer: the page, and the parts that were asked for.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "StatuspageAnswer")]
struct Answer {
    /// The page.
    page: Page,
    /// How the whole is.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// Products, and in each its time zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Vec<Component>>,
    /// Newest first, at most 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<Vec<Incident>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_maintenances: Option<Vec<Incident>>,
}

/// What an answer is made from: incidents that customers may see, newest first, then planned work.
struct Facts(Vec<Arc<IncidentView>>);

impl Facts {
    fn of(app: &App) -> Self {
        let mut all = app.engine().public_incidents();
        all.extend(app.engine().public_maintenances());
        Self(all)
    }

    fn status(&self) -> Status {
        let open = self.0.iter().filter(|view| is_unresolved(view));
        let worst = open.map(|view| view.incident.impact).max();
        // An incident that people have not judged yet still is one.
        let worst = worst.map(|impact| impact.max(Impact::Minor));
        let (indicator, description) = match worst.unwrap_or(Impact::None) {
            Impact::None if self.0.iter().any(|view| is_active(view)) => {
                ("maintenance", "Service Under Maintenance")
            }
            Impact::None => ("none", "All Systems Operational"),
            Impact::Minor => ("minor", "Minor Service Outage"),
            Impact::Major => ("major", "Partial System Outage"),
            Impact::Critical => ("critical", "Major Service Outage"),
        };
        Status {
            indicator,
            description,
        }
    }

    /// The incidents that are wanted, among components as they are now.
    fn shaped(
        &self,
        app: &App,
        components: &[Component],
        wanted: impl Fn(&IncidentView) -> bool,
    ) -> Vec<Incident> {
        let page = page_id(app);
        let views = self.0.iter().enumerate();
        views
            .filter(|(_, view)| wanted(view))
            .take(INCIDENTS_MAX)
            .map(|(place, view)| incident::shaped(view, &page, app, (components, place)))
            .collect()
    }

    fn answer(&self, app: &App) -> Answer {
        let settings = app.engine().settings();
        let changes = self.0.iter().map(|view| incident::updated_at(view));
        Answer {
            page: Page {
                id: page_id(app),
                name: settings.team.clone(),
                url: settings.base_url.clone(),
                time_zone: settings.home_zone.to_string(),
                updated_at: changes.max().unwrap_or_else(|| app.engine().clock().now()),
            },
            status: None,
            components: None,
            incidents: None,
            scheduled_maintenances: None,
        }
    }
}

fn is_incident(view: &IncidentView) -> bool {
    view.incident.maintenance.is_none()
}

fn is_unresolved(view: &IncidentView) -> bool {
    is_incident(view) && view.incident.is_open()
}

fn is_planned(view: &IncidentView) -> bool {
    !is_incident(view)
}

fn is_upcoming(view: &IncidentView) -> bool {
    is_planned(view) && view.incident.state.stage() == Stage::Scheduled
}

/// Whether planned work is being done or checked.
fn is_active(view: &IncidentView) -> bool {
    matches!(
        view.incident.state.stage(),
        Stage::InProgress | Stage::Verifying
    )
}

/// What Statuspage sends to the webhooks of its subscribers when an incident changes.
/// Shape: <https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/>.
pub(crate) fn told(app: &App, view: &IncidentView, unsubscribe: &str) -> Value {
    let facts = Facts::of(app);
    let components = component::all(app, &facts.0);
    let status = facts.status();
    let incident = facts
        .shaped(app, &components, |one| one.incident.id == view.incident.id)
        .pop();
    serde_json::json!({
        "meta": {
            "unsubscribe": unsubscribe,
            "documentation": "https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/",
            "generated_at": app.engine().clock().now(),
        },
        "page": {
            "id": page_id(app),
            "status_indicator": status.indicator,
            "status_description": status.description,
        },
        "incident": incident,
    })
}

/// The page is known by the host that it is reached at.
fn page_id(app: &App) -> String {
    let url = &app.engine().settings().base_url;
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
    host.split('/').next().unwrap_or(host).to_owned()
}

async fn status(State(app): State<App>) -> OpenToAll {
    let facts = Facts::of(&app);
    OpenToAll(Answer {
        status: Some(facts.status()),
        ..facts.answer(&app)
    })
}

async fn summary(State(app): State<App>) -> OpenToAll {
    let facts = Facts::of(&app);
    let components = component::all(&app, &facts.0);
    OpenToAll(Answer {
        status: Some(facts.status()),
        incidents: Some(facts.shaped(&app, &components, is_unresolved)),
        scheduled_maintenances: Some(facts.shaped(&app, &components, |view| {
            is_upcoming(view) || is_active(view)
        })),
        components: Some(components),
        ..facts.answer(&app)
    })
}

async fn components(State(app): State<App>) -> OpenToAll {
    let facts = Facts::of(&app);
    OpenToAll(Answer {
        components: Some(component::all(&app, &facts.0)),
        ..facts.answer(&app)
    })
}

async fn incidents(State(app): State<App>) -> OpenToAll {
    let facts = Facts::of(&app);
    let components = component::all(&app, &facts.0);
    OpenToAll(Answer {
        incidents: Some(facts.shaped(&app, &components, is_incident)),
        ..facts.answer(&app)
    })
}

async fn unresolved(State(app): State<App>) -> OpenToAll {
    let facts = Facts::of(&app);
    let components = component::all(&app, &facts.0);
    OpenToAll(Answer {
        incidents: Some(facts.shaped(&app, &components, is_unresolved)),
        ..facts.answer(&app)
    })
}

async fn maintenances(State(app): State<App>) -> OpenToAll {
    planned(&app, is_planned)
}

async fn upcoming(State(app): State<App>) -> OpenToAll {
    planned(&app, is_upcoming)
}

async fn active(State(app): State<App>) -> OpenToAll {
    planned(&app, is_active)
}

fn planned(app: &App, wanted: fn(&IncidentView) -> bool) -> OpenToAll {
    let facts = Facts::of(app);
    let components = component::all(app, &facts.0);
    OpenToAll(Answer {
        scheduled_maintenances: Some(facts.shaped(app, &components, wanted)),
        ..facts.answer(app)
    })
}

/// Pages of any site may read what everybody may read.
struct OpenToAll(Answer);

impl IntoResponse for OpenToAll {
    fn into_response(self) -> Response {
        let anybody = HeaderValue::from_static("*");
        let anybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, anybody)];
        (anybody, axum::Json(self.0)).into_response()
    }
}

impl Gives for OpenToAll {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<Answer>(200, "The page, and what was asked for.");
    }
}
