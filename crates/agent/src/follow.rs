//! Follows the control plane's events. An event is a hint that saves a wait, never the truth.

use std::time::Duration;

use clock::Clock;
use protocol::delivery::{EVENT_ACTIONS, EVENT_HEARTBEAT, EVENT_REPOSITORY, Push};

use crate::counts::Came;
use crate::events::{Event, Events};
use crate::wire::Answer;
use crate::{AgentError, Shared, pause};

/// A connection that stood for less proves nothing: whoever answers 200 to everything, or greets and hangs up,
/// must not be asked several times a second by each agent.
const STANDS_AFTER: Duration = Duration::from_secs(5);
/// Three heartbeats without a byte: the connection is dead, whatever the socket says.
const SILENCE_MAX: Duration = Duration::from_secs(45);
const SILENCE_MACHINE_MIN: Duration = Duration::from_secs(3);
const EVENT_BYTES_MAX: usize = 16 << 20;
const RECONNECT_FIRST: Duration = Duration::from_millis(500);
const RECONNECT_MACHINE_MIN: Duration = Duration::from_millis(100);
const RECONNECT_DOUBLINGS_MAX: u32 = 6;
/// A control plane that was restarted lets its agents in one after another, and says when; never more than this is
/// waited for it.
const TURN_MAX: Duration = Duration::from_secs(60);
/// It says so in whole seconds: those of one second must not come as one.
const TURN_SPREAD: Duration = Duration::from_secs(1);

pub(crate) async fn follow(shared: &Shared) {
    let mut failures = 0;
    loop {
        let mut turn = None;
        for origin in shared.origins.order() {
            let began_at = shared.clock.passed();
            match connected(shared, origin).await {
                Ok(true) if shared.clock.passed().saturating_sub(began_at) >= STANDS_AFTER => {
                    failures = 0;
                }
                Ok(_) => tracing::debug!("a connection that did not last"),
                Err(e) => {
                    tracing::debug!("not connected: {e}");
                    shared.note_if_turned_away(&e);
                    turn = turn.into_iter().chain(e.turn()).min();
                }
            }
        }
        let chance = shared.clock.chance();
        let wait = reconnect_after(failures, turn, chance);
        failures = failures.saturating_add(1);
        pause(&shared.clock, wait, RECONNECT_MACHINE_MIN).await;
    }
}

/// How long an agent waits before it asks again, after so many failures in a row; `turn` is when a control plane said
/// that it has room; `chance` is from 0 to 1.
///
/// Full jitter under a doubling cap: when a server restarts, its agents come back spread out. Whoever is told its turn comes then.
#[must_use]
pub fn reconnect_after(failures: u32, turn: Option<Duration>, chance: f64) -> Duration {
    let chance = chance.clamp(0.0, 1.0);
    if let Some(turn) = turn {
        return turn.min(TURN_MAX) + TURN_SPREAD.mul_f64(chance);
    }
    let cap = RECONNECT_FIRST * 2_u32.pow(failures.min(RECONNECT_DOUBLINGS_MAX));
    cap.mul_f64(chance)
}

/// Returns when the connection ends, and says whether a control plane greeted on it; an error when it never stood.
async fn connected(shared: &Shared, origin: usize) -> Result<bool, AgentError> {
    let mut response = shared
        .origins
        .events(origin, &shared.identity.token)
        .await?;
    let mut is_greeted = false;
    let mut events = Events::default();
    while let Some(chunk) = next_chunk(&shared.clock, &mut response).await {
        events.add(&chunk);
        while let Some(event) = events.next() {
            // A proxy with a page of its own answers, and is no control plane.
            if !is_greeted && is_greeting(&event) {
                is_greeted = true;
                greeted(shared, origin);
            }
            take(shared, origin, &event).await;
        }
        if events.waiting() > EVENT_BYTES_MAX {
            break;
        }
    }
    tracing::info!("the connection to the control plane ended");
    Ok(is_greeted)
}

fn is_greeting(event: &Event) -> bool {
    let is_push = [EVENT_HEARTBEAT, EVENT_REPOSITORY].contains(&event.name.as_str());
    is_push && serde_json::from_str::<Push>(&event.data).is_ok()
}

/// Whatever happened in between was missed, also what was said about acknowledgements.
fn greeted(shared: &Shared, origin: usize) {
    tracing::info!("connected to the control plane");
    shared.origins.greeted(origin);
    shared.looks_due.notify_one();
    shared.acks_due.notify_one();
    shared.actions_due.notify_one();
}

async fn next_chunk(clock: &Clock, response: &mut Answer) -> Option<Vec<u8>> {
    tokio::select! {
        biased;
        chunk = response.chunk() => chunk.ok().flatten().map(Vec::from),
        () = pause(clock, SILENCE_MAX, SILENCE_MACHINE_MIN) => None,
    }
}

pub(crate) async fn take(shared: &Shared, origin: usize, event: &Event) {
    let came_at = shared.clock.passed();
    match event.name.as_str() {
        EVENT_REPOSITORY | EVENT_HEARTBEAT => match serde_json::from_str(&event.data) {
            Ok(push) => take_push(shared, origin, &push, came_at).await,
            Err(e) => tracing::warn!("an event that does not read: {e}"),
        },
        EVENT_ACTIONS => shared.actions_due.notify_one(),
        // Also events of a newer control plane: looking again is never wrong.
        _ => shared.looks_due.notify_one(),
    }
}

async fn take_push(shared: &Shared, origin: usize, push: &Push, came_at: Duration) {
    let Shared {
        keeper,
        origins,
        identity,
        cache,
        ..
    } = shared;
    match keeper
        .take_push(push, origin, origins, identity, cache)
        .await
    {
        Ok(true) => {
            let took = shared.clock.passed().saturating_sub(came_at);
            shared.counts.push_took(took);
            shared.counts.pushed(Came::Taken);
            if !cache.view().is_whole() {
                shared.looks_due.notify_one();
            }
        }
        Ok(false) => shared.counts.pushed(Came::Unchanged),
        Err(e) => {
            shared.counts.pushed(Came::Failed);
            shared.counts.failed(shared.clock.now(), &e);
            tracing::debug!("a push did not pass: {e}");
            shared.looks_due.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::plane::plane;
    use crate::{Agent, AgentSettings, acks, actions};

    /// A proxy before a control plane that is down, with a page of its own for everything. Were it believed, each agent
    /// would send all that it holds several times a second, and would leave every mirror in the middle.
    #[tokio::test]
    async fn who_answers_anything_is_no_control_plane() {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let note = Arc::clone(&asked);
        let page = move |request: Request| {
            note.lock().unwrap().push(request.uri().path().to_owned());
            std::future::ready("<html>We are back soon.</html>")
        };
        let app = Router::new().fallback(page);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let folder = tempfile::tempdir().unwrap();
        let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
        std::fs::copy(
            fuzz.join("identity.json"),
            folder.path().join("identity.json"),
        )
        .unwrap();
        let settings = AgentSettings::new(vec![server.parse().unwrap()], folder.path().into());
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let agent = Agent::start(settings, clock.clone(), stop.clone());
        let agent = agent.await.unwrap();
        let count = |path: &str| {
            let asked = asked.lock().unwrap();
            asked.iter().filter(|one| one.contains(path)).count()
        };
        while count("/events") < 4 {
            clock.sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(count("/acks") + count("/actions") + count("/repository"), 0);
        stop.cancel();
        agent.wait().await;
    }

    /// Its config may come from mirrors meanwhile, and is fresh: nothing else would say that nobody steers this agent.
    #[tokio::test]
    async fn an_agent_that_is_turned_away_says_so_whatever_it_asks() {
        let no = |_| StatusCode::UNAUTHORIZED.into_response();
        for part in ["events", "acks", "actions"] {
            let plane = plane(Clock::system(), no).await;
            let shared = &plane.shared;
            shared.acks_due.notify_one();
            let asks = async {
                match part {
                    "events" => follow(shared).await,
                    "acks" => acks::send(shared).await,
                    _ => drop(actions::work_once(shared, &actions::Done::default()).await),
                }
                std::future::pending::<()>().await;
            };
            tokio::select! { () = asks => {} _ = plane.until_asked(2) => {} () = said(&plane) => {} }
            assert!(plane.last_error().contains("401"), "{part}");
        }
    }

    async fn said(plane: &crate::plane::Plane) {
        while plane.last_error().is_empty() {
            plane.shared.clock.sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_push_that_does_not_pass_is_an_error_that_is_told() {
        let plane = plane(Clock::system(), |_| StatusCode::NOT_FOUND.into_response()).await;
        let push = serde_json::json!({"version": 9, "metadata": {"timestamp.json": "{}"}});
        let event = Event {
            name: EVENT_REPOSITORY.into(),
            data: push.to_string(),
        };
        take(&plane.shared, 0, &event).await;
        assert!(!plane.last_error().is_empty());
    }
}
