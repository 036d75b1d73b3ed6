//! Named groups of sites, which layers of config can be for.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::name::{GroupName, Hostname};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::{Api, Route};

/// The most sites of a group, each with its name.
const GROUP_BYTES_MAX: usize = 8 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Api::get("/api/v1/groups", see, "List the groups of sites", list),
        Api::get(
            "/api/v1/groups/{group}",
            see,
            "List the sites of a group",
            show,
        ),
        Api::put(
            "/api/v1/groups/{group}",
            change,
            "Set the sites of a group",
            set,
        )
        .body_max(GROUP_BYTES_MAX)
        .about("Those there were are replaced; without a site the group is no more. Layers of documents can be for a group."),
    ]
}

/// The groups of sites.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Groups {
    /// By name.
    groups: Vec<GroupLine>,
}

/// A group.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct GroupLine {
    /// What it is called.
    name: GroupName,
    /// How many sites it has.
    sites: usize,
}

async fn list(State(app): State<App>) -> JsonBody<Groups> {
    let groups = app.engine().groups().into_iter();
    let groups = groups.map(|(name, sites)| GroupLine {
        name,
        sites: sites.len(),
    });
    JsonBody(Groups {
        groups: groups.collect(),
    })
}

/// The sites of a group.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct GroupSites {
    /// At most 20,000.
    sites: BTreeSet<Hostname>,
}

async fn show(
    State(app): State<App>,
    Path(group): Path<GroupName>,
) -> Result<JsonBody<GroupSites>, ApiError> {
    let sites = app.engine().group(&group)?;
    Ok(JsonBody(GroupSites { sites }))
}

async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(group): Path<GroupName>,
    Json(new): Json<GroupSites>,
) -> Result<JsonBody<GroupSites>, ApiError> {
    let set = app.engine().set_group(&group, new.sites, caller.name());
    Ok(JsonBody(GroupSites { sites: set.await? }))
}
