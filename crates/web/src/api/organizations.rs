//! The customers, and who belongs to each.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::OrganizationId;
use domain::member::Member;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::{Api, Route};

const PER_PAGE_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Api::get("/api/v1/organizations", see, "List organizations", list)
            .about("By name."),
        Api::get(
            "/api/v1/organizations/{id}/members",
            see,
            "List the members of an organization",
            members,
        ),
        Api::put(
            "/api/v1/organizations/{id}/members",
            manage,
            "Set the members of an organization",
            set,
        )
        .about("They read what is told only to the organizations that an incident concerns. Those there were are replaced."),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only those with these words in their name.
    #[serde(default)]
    name: String,
    /// How many to leave out: those before.
    #[serde(default)]
    skip: usize,
    /// At most so many: 1 to 1,000, and 100 unless it is said.
    limit: Option<usize>,
}

/// A page of the organizations.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Organizations {
    /// By name.
    organizations: Vec<OrganizationLine>,
    /// How many match.
    total: usize,
}

/// An organization.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct OrganizationLine {
    /// Its identifier.
    id: OrganizationId,
    /// What it is called.
    name: String,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Organizations>, ApiError> {
    let limit = page_size(query.limit, 100, PER_PAGE_MAX)?;
    let all = app.engine().fleet().organizations_named(&query.name);
    let line = |(id, name): &(OrganizationId, std::sync::Arc<str>)| OrganizationLine {
        id: *id,
        name: name.to_string(),
    };
    Ok(JsonBody(Organizations {
        organizations: all.iter().skip(query.skip).take(limit).map(line).collect(),
        total: all.len(),
    }))
}

/// Who belongs to an organization.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Members {
    /// Addresses, or mail domains such as `@anytown.gov`, at most 100.
    members: Vec<Member>,
}

async fn members(
    State(app): State<App>,
    Path(id): Path<OrganizationId>,
) -> Result<JsonBody<Members>, ApiError> {
    let members = app.engine().members(id).await?;
    Ok(JsonBody(Members { members }))
}

async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<OrganizationId>,
    Json(new): Json<Members>,
) -> Result<JsonBody<Members>, ApiError> {
    let set = app.engine().set_members(id, caller.name(), new.members);
    Ok(JsonBody(Members {
        members: set.await?,
    }))
}
