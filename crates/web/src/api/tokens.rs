//! Tokens of staff, agents and sites.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, response::IntoResponse};
use domain::access::{Permission, Role};
use domain::id::HolderId;
use store::HolderInUse;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::Route;

const TOKENS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::post("/api/v1/tokens", manage, make),
        Route::get("/api/v1/tokens", manage, list),
        Route::post("/api/v1/tokens/{id}/withdraw", manage, withdraw),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    role: Role,
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<New>,
) -> Result<impl IntoResponse, ApiError> {
    let made = app
        .engine()
        .make_token(&new.name, new.role, caller.name())
        .await?;
    let body = serde_json::json!({"id": made.holder.id, "name": made.holder.name,
        "role": made.holder.role, "token": made.token});
    Ok((StatusCode::CREATED, axum::Json(body)))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended.
    after: Option<HolderId>,
    limit: Option<u32>,
}

/// The tokens in use, by their holders: a token itself is shown only once.
async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let limit = page_size(query.limit, 100, TOKENS_PER_PAGE_MAX)?;
    let holders = app.engine().holders(query.after, limit).await?;
    let full = holders.len() == limit as usize;
    let after = holders.last().filter(|_| full).map(|last| last.holder.id);
    let tokens: Vec<_> = holders.iter().map(shown).collect();
    Ok(axum::Json(
        serde_json::json!({ "tokens": tokens, "after": after }),
    ))
}

fn shown(one: &HolderInUse) -> serde_json::Value {
    let HolderInUse {
        holder,
        agent,
        made_at,
    } = one;
    let mut shown = serde_json::json!({"id": holder.id, "name": holder.name, "role": holder.role,
        "made_at": made_at});
    if let Some(agent) = agent {
        shown["agent"] = serde_json::json!(agent);
    }
    shown
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<HolderId>,
) -> Result<StatusCode, ApiError> {
    app.engine().withdraw_token(id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
