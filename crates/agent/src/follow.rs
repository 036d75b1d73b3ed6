//! Follows the control plane's events. An event is a hint that saves a wait, never the truth.

use std::time::Duration;

use clock::Clock;
use jiff::Timestamp;
use protocol::delivery::{EVENT_ACTIONS, EVENT_HEARTBEAT, EVENT_REPOSITORY, Push};

use crate::counts::Came;
use crate::events::{Event, Events};
use crate::wire::Answer;
use crate::{AgentError, Shared, pause};

/// Three heartbeats without a byte: the connection is dead, whatever the socket says.
const SILENCE_MAX: Duration = Duration::from_secs(45);
const SILENCE_MACHINE_MIN: Duration = Duration::from_secs(3);
const EVENT_BYTES_MAX: usize = 16 << 20;
const RECONNECT_FIRST: Duration = Duration::from_millis(500);
const RECONNECT_MACHINE_MIN: Duration = Duration::from_millis(100);
const RECONNECT_DOUBLINGS_MAX: u32 = 6;

pub(crate) async fn follow(shared: &Shared) {
    let mut failures = 0;
    loop {
        for origin in shared.origins.order() {
            match connected(shared, origin).await {
                Ok(()) => failures = 0,
                Err(e) => tracing::debug!("not connected: {e}"),
            }
        }
        let wait = reconnect_after(failures, shared.clock.chance());
        failures += 1;
        pause(&shared.clock, wait, RECONNECT_MACHINE_MIN).await;
    }
}

/// How long an agent waits before it connects again, after so many failures in a row; `chance` is from 0
/// to 1.
///
/// Full jitter under a doubling cap: when a server restarts, its agents come back spread out.
#[must_use]
pub fn reconnect_after(failures: u32, chance: f64) -> Duration {
    let cap = RECONNECT_FIRST * 2_u32.pow(failures.min(RECONNECT_DOUBLINGS_MAX));
    cap.mul_f64(chance.clamp(0.0, 1.0))
}

/// Returns when the connection ends; an error when it never stood.
async fn connected(shared: &Shared, origin: usize) -> Result<(), AgentError> {
    let mut response = shared
        .origins
        .events(origin, &shared.identity.token)
        .await?;
    tracing::info!("connected to the control plane");
    // Whatever happened in between was missed, also what was said about acknowledgements.
    shared.looks_due.notify_one();
    shared.acks_due.notify_one();
    shared.actions_due.notify_one();
    let mut events = Events::default();
    while let Some(chunk) = next_chunk(&shared.clock, &mut response).await {
        events.add(&chunk);
        while let Some(event) = events.next() {
            take(shared, origin, &event).await;
        }
        if events.waiting() > EVENT_BYTES_MAX {
            break;
        }
    }
    tracing::info!("the connection to the control plane ended");
    Ok(())
}

async fn next_chunk(clock: &Clock, response: &mut Answer) -> Option<Vec<u8>> {
    tokio::select! {
        biased;
        chunk = response.chunk() => chunk.ok().flatten().map(Vec::from),
        () = pause(clock, SILENCE_MAX, SILENCE_MACHINE_MIN) => None,
    }
}

pub(crate) async fn take(shared: &Shared, origin: usize, event: &Event) {
    let came_at = shared.clock.now();
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

async fn take_push(shared: &Shared, origin: usize, push: &Push, came_at: Timestamp) {
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
            let took = shared.clock.now().duration_since(came_at);
            shared.counts.push_took(took);
            shared.counts.pushed(Came::Taken);
            if !cache.view().is_whole() {
                shared.looks_due.notify_one();
            }
        }
        Ok(false) => shared.counts.pushed(Came::Unchanged),
        Err(e) => {
            shared.counts.pushed(Came::Failed);
            tracing::debug!("a push did not pass: {e}");
            shared.looks_due.notify_one();
        }
    }
}
