//! Tokens of staff, agents and sites.

use axum::Extension;
use axum::extract::State;
use domain::access::{Permission, Role};
use domain::id::{AgentId, HolderId};
use jiff::Timestamp;
use store::HolderInUse;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::reply::{Bare, Created};
use crate::routes::{Api, Route};

const TOKENS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Api::post("/api/v1/tokens", manage, "Make a token", make),
        Api::get("/api/v1/tokens", manage, "List the tokens in use", list)
            .about("By their holders: a token itself is shown only once."),
        Api::post(
            "/api/v1/tokens/{id}/withdraw",
            manage,
            "Withdraw a token",
            withdraw,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewToken")]
struct New {
    /// What the audit calls its holder.
    name: String,
    /// What it may do.
    role: Role,
}

/// A token that was made.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct TokenMade {
    /// Its holder.
    id: HolderId,
    /// What the audit calls its holder.
    name: String,
    /// What it may do.
    role: Role,
    /// The token. It can be read only now.
    token: String,
}

/// A page of holders.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Tokens {
    /// In the order of their identifiers.
    tokens: Vec<TokenView>,
    /// The last one, when more follow.
    after: Option<HolderId>,
}

/// A token in use, by its holder.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Token")]
struct TokenView {
    /// Its holder.
    id: HolderId,
    /// What the audit calls its holder.
    name: String,
    /// What it may do.
    role: Role,
    /// When it was made.
    #[schemars(with = "domain::schema::Moment")]
    made_at: Timestamp,
    /// The agent that holds it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<AgentId>,
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<New>,
) -> Result<Created<TokenMade>, ApiError> {
    let made = app
        .engine()
        .make_token(&new.name, new.role, caller.name())
        .await?;
    Ok(Created(TokenMade {
        id: made.holder.id,
        name: made.holder.name,
        role: made.holder.role,
        token: made.token,
    }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended.
    after: Option<HolderId>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

/// The tokens in use, by their holders: a token itself is shown only once.
async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Tokens>, ApiError> {
    let limit = page_size(query.limit, 100, TOKENS_PER_PAGE_MAX)?;
    let holders = app.engine().holders(query.after, limit).await?;
    let full = holders.len() == limit as usize;
    let after = holders.last().filter(|_| full).map(|last| last.holder.id);
    let tokens = holders.into_iter().map(shown).collect();
    Ok(axum::Json(Tokens { tokens, after }))
}

fn shown(one: HolderInUse) -> TokenView {
    TokenView {
        id: one.holder.id,
        name: one.holder.name,
        role: one.holder.role,
        made_at: one.made_at,
        agent: one.agent,
    }
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<HolderId>,
) -> Result<Bare<204>, ApiError> {
    app.engine().withdraw_token(id, caller.name()).await?;
    Ok(Bare)
}
