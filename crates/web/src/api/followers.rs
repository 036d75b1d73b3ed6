//! Followers, and the notifications that tell them: seen and ended by staff.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::follower::Follower;
use domain::id::{FollowerId, IncidentId, NotificationId};
use engine::NewWebhook;
use serde_json::{Value, json};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::pages::followed;
use crate::routes::Route;

const FOLLOWERS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/api/v1/followers", see, list),
        Route::post("/api/v1/followers", tell, add),
        Route::post("/api/v1/followers/{id}/end", tell, end),
        Route::get("/api/v1/incidents/{id}/notifications", see, notifications),
        Route::post("/api/v1/notifications/{id}/retry", tell, retry),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended.
    after: Option<FollowerId>,
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Value>, ApiError> {
    let limit = page_size(query.limit, 100, FOLLOWERS_PER_PAGE_MAX)?;
    let page = app.engine().followers_after(query.after, limit).await?;
    let full = page.len() == limit as usize;
    let next = page.last().filter(|_| full).map(|last| last.id);
    let counts = app.engine().follower_counts().await?;
    let followers: Vec<_> = page.iter().map(|one| view(&app, one)).collect();
    Ok(JsonBody(
        json!({"followers": followers, "counts": counts, "after": next}),
    ))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<NewWebhook>,
) -> Result<(StatusCode, JsonBody<Value>), ApiError> {
    let (follower, secret) = app.engine().add_webhook(new, caller.name()).await?;
    let mut view = view(&app, &follower);
    // Shown once, as a token is.
    view["secret"] = json!(secret);
    Ok((StatusCode::CREATED, JsonBody(view)))
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowerId>,
) -> Result<JsonBody<Value>, ApiError> {
    app.engine().end_follower(id, caller.name()).await?;
    Ok(JsonBody(json!({ "id": id })))
}

async fn notifications(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Value>, ApiError> {
    let told = app.engine().told_followers(id).await?;
    let failures: Vec<_> = told
        .failures
        .iter()
        .map(|(id, failure)| json!({"notification": id, "failure": failure}))
        .collect();
    Ok(JsonBody(json!({
        "waiting": told.waiting,
        "delivered": told.delivered,
        "given_up": told.given_up,
        "dropped": told.dropped,
        "failures": failures,
    })))
}

async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<NotificationId>,
) -> Result<JsonBody<Value>, ApiError> {
    app.engine().retry_notification(id, caller.name()).await?;
    Ok(JsonBody(json!({ "id": id })))
}

fn view(app: &App, follower: &Follower) -> Value {
    json!({
        "id": follower.id,
        "channel": follower.channel.as_str(),
        "address": follower.channel.masked(),
        "about": followed(app, &follower.about),
        "asked_at": follower.asked_at,
        "confirmed_at": follower.confirmed_at,
    })
}
