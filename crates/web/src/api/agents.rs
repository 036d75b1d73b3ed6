//! `/api/v1/agents`: the agents, for people and programs that look after them. What agents call: `agent`.

use axum::extract::State;
use domain::access::Permission;
use domain::id::AgentId;
use engine::Host;
use jiff::Timestamp;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Query, page_size};
use crate::routes::{Api, Route};

const AGENTS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    std::iter::once(Api::get("/api/v1/agents", see, "List agents", list))
        .chain(super::agent::routes())
        .collect()
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended.
    after: Option<AgentId>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

/// A page of agents.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Agents {
    /// In the order in which they enrolled.
    agents: Vec<AgentView>,
    /// The last one, when more follow.
    after: Option<AgentId>,
}

/// An agent.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Agent")]
struct AgentView {
    /// Its identifier.
    id: AgentId,
    /// What it called its host when it enrolled.
    host: String,
    /// How many sites it serves.
    sites: usize,
    /// When it asked for something last; nothing when it never did since the server started.
    #[schemars(with = "Option<domain::schema::Moment>")]
    heard_at: Option<Timestamp>,
    /// How many versions of documents it said that it holds.
    held: usize,
    /// How many versions its sites refuse, each for each site.
    refused: usize,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Agents>, ApiError> {
    let limit = page_size(query.limit, 100, AGENTS_PER_PAGE_MAX)?;
    let hosts = app.engine().hosts(query.after, limit as usize);
    let full = hosts.len() == limit as usize;
    let after = hosts.last().filter(|_| full).map(|last| last.agent);
    let agents = hosts.into_iter().map(shown).collect();
    Ok(axum::Json(Agents { agents, after }))
}

fn shown(one: Host) -> AgentView {
    AgentView {
        id: one.agent,
        host: one.name.to_string(),
        sites: one.sites,
        heard_at: one.heard_at,
        held: one.held,
        refused: one.refused,
    }
}
