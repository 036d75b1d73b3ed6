//! Comments: read by everybody, judged by staff. They are written on the pages, by people.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::comment::{Comment, Standing};
use domain::id::{CommentId, IncidentId};
use domain::schema::Moment;
use jiff::Timestamp;
use store::WrittenComment;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::{Api, Route};

/// The most that one answer lists.
const PER_PAGE_MAX: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get(
            "/api/v1/public/incidents/{id}/comments",
            Access::Public,
            "List the comments under an incident",
            shown,
        )
        .kept(),
        Api::get("/api/v1/comments", see, "List comments to judge", list),
        Api::post(
            "/api/v1/comments/{id}/judge",
            tell,
            "Show, hold or hide a comment",
            judge,
        ),
        Api::post(
            "/api/v1/comments/{id}/ban",
            tell,
            "Ban the author of a comment",
            ban,
        )
        .about("Hides all that they wrote."),
        Api::post(
            "/api/v1/comments/{id}/unban",
            tell,
            "Let the author of a comment write again",
            unban,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PageOf {
    /// Those before this one.
    before: Option<CommentId>,
    /// How many, at most 100.
    limit: Option<u32>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Held ones without one: those wait for staff.
    standing: Option<Standing>,
    /// Those before this one.
    before: Option<CommentId>,
    /// How many, at most 100.
    limit: Option<u32>,
}

/// Comments as everybody reads them.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ShownComments {
    /// The newest first.
    comments: Vec<ShownComment>,
}

/// A comment as everybody reads it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ShownComment {
    /// Its identifier.
    id: CommentId,
    /// When it was written.
    #[schemars(with = "Moment")]
    at: Timestamp,
    /// What its author is called.
    name: String,
    /// Plain text.
    text: String,
    /// How many readers found it helpful.
    votes: u64,
}

/// Comments as staff see them.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct JudgedComments {
    /// The newest first.
    comments: Vec<JudgedComment>,
}

/// A comment as staff see it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct JudgedComment {
    #[serde(flatten)]
    comment: Comment,
    /// Its author's address.
    email: String,
    /// Whether the author may write no more.
    banned: bool,
}

/// What is decided about a comment.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Judgement {
    /// Whether it is shown.
    standing: Standing,
    /// Why; for staff.
    #[serde(default)]
    reason: String,
}

/// Why an author may write no more.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ban {
    /// The author reads it.
    reason: String,
}

async fn shown(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(asked): Query<PageOf>,
) -> Result<JsonBody<ShownComments>, ApiError> {
    let limit = page_size(asked.limit, PER_PAGE_MAX, PER_PAGE_MAX)?;
    let view = app.engine().find_incident(id).await?;
    if !view.is_some_and(|view| view.incident.is_public()) {
        return Err(ApiError::not_found(format!("there is no incident {id}")));
    }
    let comments = app.engine().shown_comments(id, asked.before, limit).await?;
    let view = |one: Comment| ShownComment {
        id: one.id,
        at: one.at,
        name: one.name,
        text: one.text,
        votes: one.votes,
    };
    Ok(JsonBody(ShownComments {
        comments: comments.into_iter().map(view).collect(),
    }))
}

async fn list(
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<JsonBody<JudgedComments>, ApiError> {
    let limit = page_size(asked.limit, PER_PAGE_MAX, PER_PAGE_MAX)?;
    let standing = asked.standing.unwrap_or(Standing::Held);
    let comments = app.engine().comments(standing, asked.before, limit).await?;
    Ok(JsonBody(JudgedComments {
        comments: comments.into_iter().map(judged).collect(),
    }))
}

async fn judge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
    Json(judgement): Json<Judgement>,
) -> Result<JsonBody<JudgedComment>, ApiError> {
    let how = (caller.name(), &*judgement.reason);
    let engine = app.engine();
    let known = engine.judge_comment(id, judgement.standing, how).await?;
    Ok(JsonBody(judged(known)))
}

async fn ban(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
    Json(ban): Json<Ban>,
) -> Result<JsonBody<JudgedComment>, ApiError> {
    let how = (caller.name(), &*ban.reason);
    let known = app.engine().ban_commenter(id, how).await?;
    Ok(JsonBody(judged(known)))
}

async fn unban(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
) -> Result<JsonBody<JudgedComment>, ApiError> {
    let known = app.engine().unban_commenter(id, caller.name()).await?;
    Ok(JsonBody(judged(known)))
}

fn judged(known: WrittenComment) -> JudgedComment {
    JudgedComment {
        comment: known.comment,
        email: known.email.to_string(),
        banned: known.banned,
    }
}
