//! What agents call: enrolment, the signed repository, pushes, acknowledgements.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::AgentId;
use engine::DeliveryEvent;
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use protocol::action::{Action, ActionResult};
use protocol::delivery::{Acks, EVENT_LOOK_AGAIN, Enrol, Enrolled};
use protocol::outcome::Outcomes;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::Route;

const BULK_BYTES_MAX: usize = 1 << 20;
/// Room for the host names of 20,000 sites.
const ENROL_BYTES_MAX: usize = 8 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let agent = Access::Holder(Permission::SpeakAsAgent);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Route::post("/api/v1/agents/enrolments", change, make_enrolment),
        // The one-time token in the body is the credential.
        Route::post("/agent/v1/enrol", Access::Public, enrol).body_max(ENROL_BYTES_MAX),
        Route::get("/agent/v1/repository/{file}", agent, repository_file),
        Route::get("/agent/v1/targets/{*file}", agent, target_file),
        Route::get("/agent/v1/events", agent, events),
        Route::post("/agent/v1/acks", agent, acks).body_max(BULK_BYTES_MAX),
        Route::get("/agent/v1/actions", agent, actions),
        Route::post("/agent/v1/actions/results", agent, results).body_max(BULK_BYTES_MAX),
        Route::post("/agent/v1/outcomes", agent, outcomes).body_max(BULK_BYTES_MAX),
    ]
}

/// Actions of one answer. An agent asks again until there are none.
const ACTIONS_PER_PAGE_MAX: usize = 500;

/// The agent whose token the caller shows.
pub(crate) fn agent_of(app: &App, caller: &Caller) -> Result<AgentId, ApiError> {
    let agent = app.engine().agent_of_holder(caller.0.id);
    agent.ok_or_else(|| ApiError::forbidden("this token was not made by enrolling an agent"))
}

async fn make_enrolment(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let token = app.engine().make_enrolment(caller.name()).await?;
    Ok((
        StatusCode::CREATED,
        JsonBody(serde_json::json!({ "token": token })),
    )
        .into_response())
}

async fn enrol(
    State(app): State<App>,
    Json(enrol): Json<Enrol>,
) -> Result<JsonBody<Enrolled>, ApiError> {
    Ok(JsonBody(app.engine().enrol_agent(&enrol).await?))
}

async fn repository_file(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<Response, ApiError> {
    found(app.engine().repository_file(&file), &file)
}

async fn target_file(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<Response, ApiError> {
    found(app.engine().target_file(&file), &file)
}

fn found(bytes: Option<Bytes>, file: &str) -> Result<Response, ApiError> {
    let bytes =
        bytes.ok_or_else(|| ApiError::not_found(format!("the repository has no {file}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

async fn events(State(app): State<App>) -> Response {
    // Listen before greeting: an event in between comes twice rather than never.
    let listener = app.engine().delivery_events();
    let greeting = app.engine().delivery_greeting();
    let frames = stream::iter(frame(&greeting)).chain(follow(listener));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

/// The frames of all events; a connection that lags is told to look again and goes on.
fn follow(listener: Receiver<DeliveryEvent>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let events = stream::unfold(listener, |mut listener| async move {
        let event = match listener.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => DeliveryEvent {
                name: EVENT_LOOK_AGAIN,
                id: 0,
                data: Bytes::from_static(b"{}"),
            },
            Err(RecvError::Closed) => return None,
        };
        Some((event, listener))
    });
    events.flat_map(|event| stream::iter(frame(&event)))
}

/// The data is shared by all connections, so the frame comes in three pieces and copies none.
fn frame(event: &DeliveryEvent) -> [Result<Bytes, Infallible>; 3] {
    let head = format!("event: {}\nid: {}\ndata: ", event.name, event.id);
    [
        Ok(head.into()),
        Ok(event.data.clone()),
        Ok(Bytes::from_static(b"\n\n")),
    ]
}

async fn acks(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(acks): Json<Acks>,
) -> Result<StatusCode, ApiError> {
    let agent = agent_of(&app, &caller)?;
    app.engine().take_acks(agent, acks).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn actions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<JsonBody<Vec<Action>>, ApiError> {
    let sites = app.engine().sites_of_agent(agent_of(&app, &caller)?);
    Ok(JsonBody(
        app.engine().actions_for(&sites, ACTIONS_PER_PAGE_MAX),
    ))
}

/// Results that came late, twice or under an older fence are no error: they just do not count.
async fn results(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(results): Json<Vec<ActionResult>>,
) -> Result<StatusCode, ApiError> {
    let sites = app.engine().sites_of_agent(agent_of(&app, &caller)?);
    app.engine().take_action_results(&sites, &results);
    Ok(StatusCode::NO_CONTENT)
}

/// An agent counts for its own sites; rows of sites that moved to another agent are left out.
async fn outcomes(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(mut outcomes): Json<Outcomes>,
) -> Result<StatusCode, ApiError> {
    let agent = agent_of(&app, &caller)?;
    let (engine, fleet) = (app.engine(), app.engine().fleet());
    outcomes.rows.retain(|row| {
        let site = fleet.site_at(&row.site);
        site.and_then(|site| engine.agent_of_site(site.id)) == Some(agent)
    });
    engine.take_outcomes(&outcomes, caller.0.id).await?;
    Ok(StatusCode::ACCEPTED)
}
