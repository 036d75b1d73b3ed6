//! Follows the control plane's events. An event is a hint that saves a wait, never the truth.

use std::time::Duration;

use clock::Clock;
use jiff::Timestamp;
use protocol::delivery::{EVENT_ACTIONS, EVENT_HEARTBEAT, EVENT_REPOSITORY, Push};
use reqwest::Response;

use crate::counts::Came;
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
        let wait = reconnect_after(failures, rand::random());
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
    shared.look_again().await;
    shared.acks_due.notify_one();
    shared.actions_due.notify_one();
    let mut events = Events::default();
    while let Some(chunk) = next_chunk(&shared.clock, &mut response).await {
        events.add(&chunk);
        while let Some(event) = events.next() {
            take(shared, origin, &event).await;
        }
        if events.waiting.len() > EVENT_BYTES_MAX {
            break;
        }
    }
    tracing::info!("the connection to the control plane ended");
    Ok(())
}

async fn next_chunk(clock: &Clock, response: &mut Response) -> Option<Vec<u8>> {
    tokio::select! {
        chunk = response.chunk() => chunk.ok().flatten().map(Vec::from),
        () = pause(clock, SILENCE_MAX, SILENCE_MACHINE_MIN) => None,
    }
}

async fn take(shared: &Shared, origin: usize, event: &Event) {
    let came_at = shared.clock.now();
    match event.name.as_str() {
        EVENT_REPOSITORY | EVENT_HEARTBEAT => match serde_json::from_str(&event.data) {
            Ok(push) => take_push(shared, origin, &push, came_at).await,
            Err(e) => tracing::warn!("an event that does not read: {e}"),
        },
        EVENT_ACTIONS => shared.actions_due.notify_one(),
        // Also events of a newer control plane: looking again is never wrong.
        _ => shared.look_again().await,
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
            shared.acks_due.notify_one();
        }
        Ok(false) => shared.counts.pushed(Came::Unchanged),
        Err(e) => {
            shared.counts.pushed(Came::Failed);
            tracing::debug!("a push did not pass: {e}");
            shared.look_again().await;
        }
    }
}

/// One server-sent event.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    name: String,
    data: String,
}

/// Cuts a stream of bytes into events.
#[derive(Default)]
struct Events {
    waiting: Vec<u8>,
    /// No event ends before this byte: a large one comes in many pieces, and is not searched for each.
    searched: usize,
}

impl Events {
    fn add(&mut self, chunk: &[u8]) {
        self.waiting.extend_from_slice(chunk);
    }

    fn next(&mut self) -> Option<Event> {
        let rest = self.waiting.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|two| two == b"\n\n") else {
            self.searched = self.waiting.len().saturating_sub(1);
            return None;
        };
        let end = std::mem::take(&mut self.searched) + end;
        let block: Vec<u8> = self.waiting.drain(..end + 2).collect();
        let mut event = Event {
            name: "message".into(),
            data: String::new(),
        };
        for line in String::from_utf8_lossy(&block).lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event.name = value.into(),
                "data" if event.data.is_empty() => event.data = value.into(),
                "data" => event.data = format!("{}\n{value}", event.data),
                _ => {}
            }
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_stream_is() {
        let stream =
            b"event: heartbeat\nid: 7\ndata: {\"a\":1}\n\n: a comment\n\ndata: x\ndata: y\n\n";
        let expected = [
            ("heartbeat", "{\"a\":1}"),
            ("message", ""),
            ("message", "x\ny"),
        ];
        for cut in 0..stream.len() {
            let mut events = Events::default();
            let mut found = vec![];
            for part in [&stream[..cut], &stream[cut..]] {
                events.add(part);
                found.extend(std::iter::from_fn(|| events.next()));
            }
            let found: Vec<_> = found
                .iter()
                .map(|event| (event.name.as_str(), event.data.as_str()))
                .collect();
            assert_eq!(found, expected, "cut at {cut}");
        }
    }
}
