//! Sign-in outcomes in bulk, from whoever counts them beside the sites.

use axum::Extension;
use axum::extract::State;
use domain::access::Permission;
use protocol::outcome::Outcomes;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::reply::Accepted;
use crate::routes::{Api, Route};

/// 5,000 sites with a few error codes each.
const BODY_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let send = Access::Holder(Permission::SendOutcomes);
    vec![Api::post("/api/v1/outcomes", send, "Send counted sign-ins", take)
        .about("At most 5,000 sites in one message. With a `batch`, the same message sent again counts once.")
        .body_max(BODY_BYTES_MAX)]
}

/// What was not counted.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct OutcomesTaken {
    /// How many rows named a site that the fleet does not have.
    unknown_sites: usize,
}

async fn take(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(outcomes): Json<Outcomes>,
) -> Result<Accepted<OutcomesTaken>, ApiError> {
    let unknown_sites = app.engine().take_outcomes(&outcomes, caller.0.id).await?;
    Ok(Accepted(OutcomesTaken { unknown_sites }))
}
