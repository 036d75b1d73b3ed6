//! Followers, and the notifications that tell them: seen and ended by staff.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::follower::Follower;
use domain::id::{FollowerId, IncidentId, NotificationId};
use domain::language::Language;
use engine::NewWebhook;
use jiff::Timestamp;
use store::FollowerCount;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::pages::followed;
use crate::reply::Created;
use crate::routes::{Api, Route};

const FOLLOWERS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get("/api/v1/followers", see, "List followers", list),
        Api::post("/api/v1/followers", tell, "Add a webhook", add),
        Api::post(
            "/api/v1/followers/{id}/end",
            tell,
            "Tell a follower nothing more",
            end,
        ),
        Api::get(
            "/api/v1/incidents/{id}/notifications",
            see,
            "Show how followers were told",
            notifications,
        ),
        Api::post(
            "/api/v1/notifications/{id}/retry",
            tell,
            "Send a notification again",
            retry,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended.
    after: Option<FollowerId>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

/// A page of followers.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Followers {
    /// In the order of their identifiers.
    followers: Vec<FollowerView>,
    /// How many there are of each kind.
    counts: Vec<FollowerCount>,
    /// The last one, when more follow.
    after: Option<FollowerId>,
}

/// A follower as staff see it.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Follower")]
struct FollowerView {
    /// Its identifier.
    id: FollowerId,
    /// `email`, or the shape of a webhook.
    channel: &'static str,
    /// Where it is told, with most of it hidden.
    address: String,
    /// What it follows, in words.
    about: String,
    /// In which language it is told.
    language: Language,
    /// When it asked.
    #[schemars(with = "domain::schema::Moment")]
    asked_at: Timestamp,
    /// When it said yes.
    #[schemars(with = "Option<domain::schema::Moment>")]
    confirmed_at: Option<Timestamp>,
}

/// A webhook that was added.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct WebhookAdded {
    #[serde(flatten)]
    follower: FollowerView,
    /// Signs what is sent to it; none where the shape has no signature. It can be read only now.
    secret: Option<String>,
}

/// A follower that ended.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct FollowerEnded {
    /// Which one it was.
    id: FollowerId,
}

/// How the followers of an incident were told.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Notifications {
    /// Messages that wait.
    waiting: u64,
    /// Messages that came through.
    delivered: u64,
    /// Messages that are not tried again by themselves.
    given_up: u64,
    /// Messages that nobody wants any more.
    dropped: u64,
    /// Some that failed.
    failures: Vec<Failure>,
}

/// A message that failed.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "NotificationFailure")]
struct Failure {
    /// The message.
    notification: NotificationId,
    /// Why, and when it is tried again, if it is.
    failure: String,
}

/// A message that is sent again.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Retried {
    /// The message.
    id: NotificationId,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Followers>, ApiError> {
    let limit = page_size(query.limit, 100, FOLLOWERS_PER_PAGE_MAX)?;
    let page = app.engine().followers_after(query.after, limit).await?;
    let full = page.len() == limit as usize;
    let next = page.last().filter(|_| full).map(|last| last.id);
    let counts = app.engine().follower_counts().await?;
    Ok(JsonBody(Followers {
        followers: page.iter().map(|one| view(&app, one)).collect(),
        counts,
        after: next,
    }))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<NewWebhook>,
) -> Result<Created<WebhookAdded>, ApiError> {
    let (follower, secret) = app.engine().add_webhook(new, caller.name()).await?;
    Ok(Created(WebhookAdded {
        follower: view(&app, &follower),
        secret,
    }))
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowerId>,
) -> Result<JsonBody<FollowerEnded>, ApiError> {
    app.engine().end_follower(id, caller.name()).await?;
    Ok(JsonBody(FollowerEnded { id }))
}

async fn notifications(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Notifications>, ApiError> {
    let told = app.engine().told_followers(id).await?;
    let failure = |(notification, failure)| Failure {
        notification,
        failure,
    };
    Ok(JsonBody(Notifications {
        waiting: told.waiting,
        delivered: told.delivered,
        given_up: told.given_up,
        dropped: told.dropped,
        failures: told.failures.into_iter().map(failure).collect(),
    }))
}

async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<NotificationId>,
) -> Result<JsonBody<Retried>, ApiError> {
    app.engine().retry_notification(id, caller.name()).await?;
    Ok(JsonBody(Retried { id }))
}

fn view(app: &App, follower: &Follower) -> FollowerView {
    FollowerView {
        id: follower.id,
        channel: follower.channel.as_str(),
        address: follower.channel.masked(),
        about: followed(app, &follower.about),
        language: follower.language,
        asked_at: follower.asked_at,
        confirmed_at: follower.confirmed_at,
    }
}
