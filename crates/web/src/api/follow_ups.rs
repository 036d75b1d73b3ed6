//! Follow-ups of incidents.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::{FollowUpId, IncidentId};
use domain::incident::FollowUp;
use engine::NewFollowUp;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::reply::Created;
use crate::routes::{Api, Route};

const FOLLOW_UPS_PER_ANSWER_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get(
            "/api/v1/follow-ups",
            see,
            "List what is still to be done",
            list,
        ),
        Api::post(
            "/api/v1/incidents/{id}/follow-ups",
            tell,
            "Add a follow-up",
            add,
        ),
        Api::post(
            "/api/v1/follow-ups/{id}/done",
            tell,
            "Say that it was done",
            done,
        ),
        Api::post(
            "/api/v1/follow-ups/{id}/drop",
            tell,
            "Say that it will not be done",
            leave,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

/// Follow-ups that are still to be done.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct FollowUps {
    /// The soonest first.
    follow_ups: Vec<OpenFollowUp>,
}

/// A follow-up that is still to be done.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct OpenFollowUp {
    #[serde(flatten)]
    follow_up: FollowUp,
    /// Whether its day is over.
    overdue: bool,
}

/// Those that are still to be done, the soonest first.
async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<FollowUps>, ApiError> {
    let limit = page_size(query.limit, 100, FOLLOW_UPS_PER_ANSWER_MAX)?;
    let today = app.engine().today();
    let open = app.engine().open_follow_ups(limit).await?;
    let view = |follow_up: FollowUp| OpenFollowUp {
        overdue: follow_up.is_overdue(today),
        follow_up,
    };
    let follow_ups = open.into_iter().map(view).collect();
    Ok(JsonBody(FollowUps { follow_ups }))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(new): Json<NewFollowUp>,
) -> Result<Created<FollowUp>, ApiError> {
    let added = app.engine().add_follow_up(id, new, caller.name()).await?;
    Ok(Created(added))
}

async fn done(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowUpId>,
) -> Result<JsonBody<FollowUp>, ApiError> {
    let ended = app.engine().end_follow_up(id, None, caller.name()).await?;
    Ok(JsonBody(ended))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DropReason")]
struct Reason {
    /// Why not; customers read it.
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
