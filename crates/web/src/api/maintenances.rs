//! Planned work: announced and moved by staff, read by everybody. What is said of it, and how far it
//! has come, are updates of the incident that it is.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::Maintenance;
use engine::{IncidentView, MovedWork, PlannedWork};

use super::incidents::{
    PostedView, PublicIncident, StaffIncident, for_customers, for_staff, posted_view,
};
use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::reply::Created;
use crate::routes::{Api, Route};

/// The most that one answer lists, the last to begin first.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get(
            "/api/v1/public/maintenances",
            Access::Public,
            "List planned work that is not over",
            coming,
        )
        .kept(),
        Api::get("/api/v1/maintenances", see, "List planned work", list),
        Api::post("/api/v1/maintenances", tell, "Plan work", plan)
            .about("Customers see it at once; followers are told."),
        Api::post(
            "/api/v1/maintenances/preview",
            tell,
            "Look at an announcement of work",
            preview,
        )
        .about("Nothing is saved."),
        Api::post(
            "/api/v1/maintenances/{id}/move",
            tell,
            "Move planned work to another window",
            move_window,
        ),
    ]
}

/// Planned work, as customers read it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ComingMaintenances {
    /// The first to begin first.
    maintenances: Vec<PublicIncident>,
}

/// Planned work, as staff see it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Maintenances {
    /// The last to begin first, at most 200.
    maintenances: Vec<StaffIncident>,
}

/// An announcement as it would be posted.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct MaintenancePreview {
    #[serde(flatten)]
    posted: PostedView,
    /// When it would be done.
    maintenance: Option<Maintenance>,
}

async fn coming(State(app): State<App>) -> JsonBody<ComingMaintenances> {
    let coming = app.engine().coming_maintenances();
    let listed = coming.iter().take(LISTED_MAX);
    JsonBody(ComingMaintenances {
        maintenances: listed.map(|view| for_customers(&app, view)).collect(),
    })
}

async fn list(State(app): State<App>) -> JsonBody<Maintenances> {
    let all = app.engine().maintenances();
    let listed = all.iter().take(LISTED_MAX);
    JsonBody(Maintenances {
        maintenances: listed.map(|view| for_staff(&app, view)).collect(),
    })
}

async fn plan(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(work): Json<PlannedWork>,
) -> Result<Created<StaffIncident>, ApiError> {
    let id = app.engine().plan_maintenance(caller.name(), work).await?;
    let view = found(&app, id).await?;
    Ok(Created(for_staff(&app, &view)))
}

async fn preview(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(work): Json<PlannedWork>,
) -> Result<JsonBody<MaintenancePreview>, ApiError> {
    let posted = app.engine().preview_maintenance(caller.name(), &work)?;
    Ok(JsonBody(MaintenancePreview {
        maintenance: posted.incident.maintenance.clone(),
        posted: posted_view(&app, &posted, true),
    }))
}

async fn move_window(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(moved): Json<MovedWork>,
) -> Result<JsonBody<StaffIncident>, ApiError> {
    let engine = app.engine();
    engine.move_maintenance(id, caller.name(), moved).await?;
    let view = found(&app, id).await?;
    Ok(JsonBody(for_staff(&app, &view)))
}

async fn found(app: &App, id: IncidentId) -> Result<std::sync::Arc<IncidentView>, ApiError> {
    let view = app.engine().find_incident(id).await?;
    view.ok_or_else(|| ApiError::not_found(format!("there is no planned work {id}")))
}
