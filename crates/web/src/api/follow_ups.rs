//! Follow-ups of incidents.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::{FollowUpId, IncidentId};
use domain::incident::FollowUp;
use engine::NewFollowUp;
use serde_json::{Value, json};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::Route;

const FOLLOW_UPS_PER_ANSWER_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/api/v1/follow-ups", see, list),
        Route::post("/api/v1/incidents/{id}/follow-ups", tell, add),
        Route::post("/api/v1/follow-ups/{id}/done", tell, done),
        Route::post("/api/v1/follow-ups/{id}/drop", tell, leave),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<u32>,
}

/// Those that are still to be done, the soonest first.
async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Value>, ApiError> {
    let limit = page_size(query.limit, 100, FOLLOW_UPS_PER_ANSWER_MAX)?;
    let today = app.engine().today();
    let open = app.engine().open_follow_ups(limit).await?;
    let open: Vec<_> = open
        .iter()
        .map(|one| {
            let mut view = json!(one);
            view["overdue"] = json!(one.is_overdue(today));
            view
        })
        .collect();
    Ok(JsonBody(json!({ "follow_ups": open })))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(new): Json<NewFollowUp>,
) -> Result<(StatusCode, JsonBody<FollowUp>), ApiError> {
    let added = app.engine().add_follow_up(id, new, caller.name()).await?;
    Ok((StatusCode::CREATED, JsonBody(added)))
}

async fn done(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowUpId>,
) -> Result<JsonBody<FollowUp>, ApiError> {
    let ended = app.engine().end_follow_up(id, None, caller.name()).await?;
    Ok(JsonBody(ended))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn leave(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowUpId>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<JsonBody<FollowUp>, ApiError> {
    let ended = app.engine().end_follow_up(id, Some(reason), caller.name());
    Ok(JsonBody(ended.await?))
}
