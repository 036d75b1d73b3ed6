//! Comments: read by everybody, judged by staff. They are written on the pages, by people.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::comment::{Comment, Standing};
use domain::id::{CommentId, IncidentId};
use serde_json::{Value, json};
use store::WrittenComment;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::Route;

/// The most that one answer lists.
const PER_PAGE_MAX: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get(
            "/api/v1/public/incidents/{id}/comments",
            Access::Public,
            shown,
        )
        .kept(),
        Route::get("/api/v1/comments", see, list),
        Route::post("/api/v1/comments/{id}/judge", tell, judge),
        Route::post("/api/v1/comments/{id}/ban", tell, ban),
        Route::post("/api/v1/comments/{id}/unban", tell, unban),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Held ones without one: those wait for staff.
    standing: Option<Standing>,
    before: Option<CommentId>,
    limit: Option<u32>,
}

async fn shown(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(asked): Query<Asked>,
) -> Result<JsonBody<Value>, ApiError> {
    let limit = page_size(asked.limit, PER_PAGE_MAX, PER_PAGE_MAX)?;
    let comments = app.engine().shown_comments(id, asked.before, limit).await?;
    let view = |one: &Comment| json!({"id": one.id, "at": one.at, "name": one.name, "text": one.text, "votes": one.votes});
    let comments: Vec<_> = comments.iter().map(view).collect();
    Ok(JsonBody(json!({ "comments": comments })))
}

/// The newest first.
async fn list(
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<JsonBody<Value>, ApiError> {
    let limit = page_size(asked.limit, PER_PAGE_MAX, PER_PAGE_MAX)?;
    let standing = asked.standing.unwrap_or(Standing::Held);
    let comments = app.engine().comments(standing, asked.before, limit).await?;
    let comments: Vec<_> = comments.iter().map(written).collect();
    Ok(JsonBody(json!({ "comments": comments })))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    standing: Standing,
    #[serde(default)]
    reason: String,
}

async fn judge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
    Json(judgement): Json<Judgement>,
) -> Result<JsonBody<Value>, ApiError> {
    let how = (caller.name(), &*judgement.reason);
    let engine = app.engine();
    let judged = engine.judge_comment(id, judgement.standing, how).await?;
    Ok(JsonBody(written(&judged)))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    reason: String,
}

async fn ban(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
    Json(ban): Json<Ban>,
) -> Result<JsonBody<Value>, ApiError> {
    let how = (caller.name(), &*ban.reason);
    let banned = app.engine().ban_commenter(id, how).await?;
    Ok(JsonBody(written(&banned)))
}

async fn unban(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
) -> Result<JsonBody<Value>, ApiError> {
    let allowed = app.engine().unban_commenter(id, caller.name()).await?;
    Ok(JsonBody(written(&allowed)))
}

fn written(one: &WrittenComment) -> Value {
    let mut view = json!(one.comment);
    view["email"] = json!(one.email.to_string());
    view["banned"] = json!(one.banned);
    view
}
