//! Planned work: announced and moved by staff, read by everybody. What is said of it, and how far it
//! has come, are updates of the incident that it is.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::IncidentId;
use engine::{IncidentView, MovedWork, PlannedWork};
use serde_json::{Map, Value, json};

use super::incidents::{for_customers, posted_view};
use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::Route;

/// The most that one answer lists, the last to begin first.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/api/v1/public/maintenances", Access::Public, coming).kept(),
        Route::get("/api/v1/maintenances", see, list),
        Route::post("/api/v1/maintenances", tell, plan),
        Route::post("/api/v1/maintenances/{id}/move", tell, move_window),
    ]
}

/// What is not over, the first to begin first.
async fn coming(State(app): State<App>) -> JsonBody<Value> {
    let coming = app.engine().coming_maintenances();
    JsonBody(json!({ "maintenances": views(&app, coming) }))
}

async fn list(State(app): State<App>) -> JsonBody<Value> {
    let all = app.engine().maintenances();
    JsonBody(json!({ "maintenances": views(&app, all) }))
}

fn views(app: &App, all: Vec<std::sync::Arc<IncidentView>>) -> Vec<Value> {
    let listed = all.iter().take(LISTED_MAX);
    listed.map(|view| shown(app, view)).collect()
}

/// `PlannedWork`, and whether it is only to be looked at.
async fn plan(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<(StatusCode, JsonBody<Value>), ApiError> {
    let preview = match body.remove("preview") {
        None => false,
        Some(Value::Bool(preview)) => preview,
        Some(_) => return Err(ApiError::refused("preview", "give true or false")),
    };
    let work: PlannedWork = serde_json::from_value(body.into()).map_err(|e| {
        ApiError::bad_request(format!("the body is not the JSON expected here: {e}"))
    })?;
    if preview {
        let posted = app.engine().preview_maintenance(caller.name(), &work)?;
        let mut view = posted_view(&app, &posted, true);
        view["maintenance"] = json!(posted.incident.maintenance);
        return Ok((StatusCode::OK, JsonBody(view)));
    }
    let id = app.engine().plan_maintenance(caller.name(), work).await?;
    let view = found(&app, id).await?;
    Ok((StatusCode::CREATED, JsonBody(view)))
}

async fn move_window(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(moved): Json<MovedWork>,
) -> Result<JsonBody<Value>, ApiError> {
    let engine = app.engine();
    engine.move_maintenance(id, caller.name(), moved).await?;
    found(&app, id).await.map(JsonBody)
}

async fn found(app: &App, id: IncidentId) -> Result<Value, ApiError> {
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| ApiError::not_found(format!("there is no planned work {id}")))?;
    Ok(shown(app, &view))
}

fn shown(app: &App, view: &IncidentView) -> Value {
    let mut shown = for_customers(app, view);
    shown["scope"] = json!(view.incident.scope);
    shown
}
