//! The audit: who changed what, when.

use axum::Json;
use axum::extract::State;
use domain::access::Permission;
use domain::id::AuditId;
use store::AuditEntry;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Query, page_size};
use crate::routes::{Api, Route};

const ENTRIES_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    vec![Api::get(
        "/api/v1/audit",
        Access::Holder(Permission::SeeConsole),
        "List the audit, newest first",
        list,
    )]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The last entry of the page before.
    before: Option<AuditId>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<AuditEntry>>, ApiError> {
    let limit = page_size(query.limit, 100, ENTRIES_PER_PAGE_MAX)?;
    Ok(Json(app.engine().audit_before(query.before, limit).await?))
}
