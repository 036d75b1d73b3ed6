//! What the outboxes share: when they are looked at, and how long a failed attempt waits.
//! Never knows what is sent.

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineError, Signal};

/// First and longest wait between attempts.
const BACKOFF_SECONDS_MIN: f64 = 5.0;
const BACKOFF_SECONDS_MAX: f64 = 600.0;
/// How often an outbox is looked at when no signal says so: another node may have filled it.
const LOOK_SECONDS: u64 = 15;
/// Longer than an attempt may take, so that a live worker's claim does not run out under it.
const LEASE_SECONDS: i64 = 180;

/// Does what is due until it is stopped; `due` says how long until something may be due again.
pub(crate) async fn run<F, D>(engine: Engine, stop: CancellationToken, due: F)
where
    F: Fn(Engine) -> D,
    D: Future<Output = Result<Duration, EngineError>>,
{
    let mut signals = engine.signals();
    loop {
        let wait = due(engine.clone()).await.unwrap_or_else(|error| {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, "could not look at the outbox");
            Duration::from_secs(LOOK_SECONDS)
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = engine.clock().sleep(wait) => {}
            () = changed(&mut signals) => {}
        }
    }
}

/// When a claim made now runs out.
pub(crate) fn lease(engine: &Engine) -> (Timestamp, Timestamp) {
    let now = engine.clock().now();
    let lease = SignedDuration::from_secs(LEASE_SECONDS);
    (now, now.saturating_add(lease).unwrap_or(Timestamp::MAX))
}

/// How long until `next`, or until the outbox is looked at anyway.
pub(crate) fn wait_until(engine: &Engine, next: Option<Timestamp>) -> Duration {
    let look = Duration::from_secs(LOOK_SECONDS);
    let left = next.map(|at| at.duration_since(engine.clock().now()));
    left.map_or(look, |left| {
        Duration::try_from(left).unwrap_or_default().min(look)
    })
}

/// When to try again after `attempts` that failed.
pub(crate) fn again_at(engine: &Engine, attempts: u32) -> Timestamp {
    let wait = backoff(attempts, rand::random());
    let at = engine.clock().now().saturating_add(wait);
    at.unwrap_or(Timestamp::MAX)
}

async fn changed(signals: &mut Receiver<Signal>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match signals.recv().await {
            Ok(Signal::OutboxChanged) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Full jitter: any wait from none to the exponential bound, so that retries never march in step.
/// "Exponential Backoff and Jitter", AWS Architecture Blog, 2015. `share` is in 0..1.
fn backoff(attempts: u32, share: f64) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(20);
    let bound = (BACKOFF_SECONDS_MIN * f64::from(1_u32 << doublings)).min(BACKOFF_SECONDS_MAX);
    SignedDuration::try_from_secs_f64(bound * share).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_cap_and_are_jittered() {
        for (attempts, share, seconds) in [
            (1, 1.0, 5),
            (1, 0.0, 0),
            (2, 1.0, 10),
            (4, 0.5, 20),
            (8, 1.0, 600),
            (1_000, 1.0, 600),
        ] {
            assert_eq!(
                backoff(attempts, share).as_secs(),
                seconds,
                "attempt {attempts}, {share}"
            );
        }
    }
}
