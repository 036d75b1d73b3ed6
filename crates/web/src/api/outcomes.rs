//! Sign-in outcomes in bulk, from whoever counts them beside the sites.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, response::IntoResponse};
use domain::access::Permission;
use protocol::outcome::Outcomes;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::routes::Route;

/// 5,000 sites with a few error codes each.
const BODY_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let send = Access::Holder(Permission::SendOutcomes);
    vec![Route::post("/api/v1/outcomes", send, take).body_max(BODY_BYTES_MAX)]
}

async fn take(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(outcomes): Json<Outcomes>,
) -> Result<impl IntoResponse, ApiError> {
    let unknown = app.engine().take_outcomes(&outcomes, caller.0.id).await?;
    Ok((
        StatusCode::ACCEPTED,
        axum::Json(serde_json::json!({"unknown_sites": unknown})),
    ))
}
