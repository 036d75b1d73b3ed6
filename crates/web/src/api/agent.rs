//! What agents call: enrolment, the signed repository, pushes, acknowledgements.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::enrolment::Bounds;
use domain::id::AgentId;
use engine::DeliveryEvent;
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use protocol::action::{Action, ActionResult};
use protocol::delivery::{Acks, EVENT_LOOK_AGAIN, Enrol, Enrolled};
use protocol::outcome::Outcomes;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::repository::found;
use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::open_api::{Gives, Sheet};
use crate::reply::{AnyJson, Bare, Created, Raw};
use crate::routes::{Api, Route};
use crate::streams::Place;

const BULK_BYTES_MAX: usize = 1 << 20;
/// Room for 10,000 versions and 1,000 refusals, all with the longest names and reasons.
const ACKS_BYTES_MAX: usize = 8 << 20;
/// Room for the host names of 20,000 sites.
const ENROL_BYTES_MAX: usize = 8 << 20;
/// When an agent comes again that found no place to be told of what happens.
const NO_PLACE_SECONDS: u32 = 60;

pub(crate) fn routes() -> Vec<Route> {
    let agent = Access::Holder(Permission::SpeakAsAgent);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Api::post(
            "/api/v1/agents/enrolments",
            change,
            "Let a host become an agent",
            make_enrolment,
        )
        .about("Of any sites, unless the product or the sites are named: a host that names others is refused.")
        .body_max(ENROL_BYTES_MAX),
        // The one-time token in the body is the credential.
        Api::post("/agent/v1/enrol", Access::Public, "Become an agent", enrol)
            .about("The token in the body, which works once, is what is asked for.")
            .body_max(ENROL_BYTES_MAX),
        Api::get(
            "/agent/v1/repository/{file}",
            agent,
            "Fetch a metadata file",
            repository_file,
        )
        .about("Signed metadata of the repository (TUF), such as `timestamp.json`."),
        Api::get(
            "/agent/v1/targets/{*file}",
            agent,
            "Fetch a document",
            target_file,
        )
        .about("The file is named as the metadata names it; its name may have slashes."),
        Api::get("/agent/v1/events", agent, "Follow changes", events).about(EVENTS),
        Api::post("/agent/v1/acks", agent, "Say what is held", acks)
            .about("Versions that do not exist here do not count. What is more than one message may hold comes in parts.")
            .body_max(ACKS_BYTES_MAX),
        Api::get("/agent/v1/actions", agent, "Fetch actions", actions)
            .about("At most 500; an agent asks again until there are none."),
        Api::post(
            "/agent/v1/actions/results",
            agent,
            "Say what became of actions",
            results,
        )
        .about("Results that came late, twice or under an older fence do not count.")
        .body_max(BULK_BYTES_MAX),
        Api::post(
            "/agent/v1/outcomes",
            agent,
            "Send counted sign-ins",
            outcomes,
        )
        .about("Rows of sites that are not the agent's are left out.")
        .body_max(BULK_BYTES_MAX),
    ]
}

const EVENTS: &str = "Server-sent events that do not end: `repository` carries new metadata and \
small documents, and its id is the version of the repository; `heartbeat` carries a fresh \
timestamp; `actions` says that actions wait; `look-again` says that events were left out. Who comes with \
too many others at once is answered 503, with the time of its turn in `Retry-After`.";

/// Actions of one answer. An agent asks again until there are none.
const ACTIONS_PER_PAGE_MAX: usize = 500;

/// The agent whose token the caller shows; it was heard now.
pub(crate) fn agent_of(app: &App, caller: &Caller) -> Result<AgentId, ApiError> {
    let agent = app.engine().agent_of_holder(caller.0.id);
    let agent = agent
        .ok_or_else(|| ApiError::forbidden("this token was not made by enrolling an agent"))?;
    app.engine().hear(agent);
    Ok(agent)
}

/// Lets one host become an agent.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Enrolment {
    /// Works once. It can be read only now.
    token: String,
}

async fn make_enrolment(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(bounds): Json<Bounds>,
) -> Result<Created<Enrolment>, ApiError> {
    let token = app.engine().make_enrolment(&bounds, caller.name()).await?;
    Ok(Created(Enrolment { token }))
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
) -> Result<Raw<AnyJson>, ApiError> {
    found(app.engine().repository_file(&file), &file)
}

async fn target_file(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<Raw<AnyJson>, ApiError> {
    found(app.engine().target_file(&file), &file)
}

/// Server-sent events, without an end.
struct Events(Body);

impl IntoResponse for Events {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, self.0).into_response()
    }
}

impl Gives for Events {
    fn gives(sheet: &mut Sheet<'_>) {
        let schema = serde_json::json!({"type": "string"});
        let words = "Events, one after the other, until the connection is closed.";
        sheet.reply(200, words, Some(("text/event-stream", schema)));
    }
}

async fn events(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Events, ApiError> {
    let agent = agent_of(&app, &caller)?;
    app.turnstile().admit(app.engine().clock().now())?;
    // Meanwhile it asks from time to time, as it does behind a proxy that cuts streams.
    let place = app.streams().agent();
    let place = place.ok_or_else(|| ApiError::busy(NO_PLACE_SECONDS))?;
    // Listen before greeting: an event in between comes twice rather than never.
    let listener = app.engine().delivery_events();
    let greeting = app.engine().delivery_greeting();
    let frames = stream::once(std::future::ready(Ok(greeting.frame)));
    let frames = frames.chain(follow(listener, agent, place));
    Ok(Events(Body::from_stream(frames)))
}

/// The frames of all events that are for an agent; a connection that lags is told to look again and goes on.
fn follow(
    listener: Receiver<DeliveryEvent>,
    agent: AgentId,
    place: Place,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((listener, place), move |(mut listener, place)| async move {
        let event = loop {
            match listener.recv().await {
                Ok(event) if event.is_for(agent) => break event,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    break DeliveryEvent::new(EVENT_LOOK_AGAIN, 0, b"{}");
                }
                Err(RecvError::Closed) => return None,
            }
        };
        Some((Ok(event.frame), (listener, place)))
    })
}

async fn acks(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(acks): Json<Acks>,
) -> Result<Bare<204>, ApiError> {
    let agent = agent_of(&app, &caller)?;
    app.engine().take_acks(agent, acks).await?;
    Ok(Bare)
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
) -> Result<Bare<204>, ApiError> {
    let sites = app.engine().sites_of_agent(agent_of(&app, &caller)?);
    app.engine().take_action_results(&sites, &results);
    Ok(Bare)
}

/// An agent counts for its own sites; rows of sites that moved to another agent are left out.
async fn outcomes(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(mut outcomes): Json<Outcomes>,
) -> Result<Bare<202>, ApiError> {
    let agent = agent_of(&app, &caller)?;
    let (engine, fleet) = (app.engine(), app.engine().fleet());
    outcomes.rows.retain(|row| {
        let site = fleet.site_at(&row.site);
        site.and_then(|site| engine.agent_of_site(site.id)) == Some(agent)
    });
    engine.take_outcomes(&outcomes, caller.0.id).await?;
    Ok(Bare)
}
