//! The hand of a manual clock. Moves only when told to; never reads the machine's time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Moves a manual clock. Clones move the same clock.
#[derive(Clone)]
pub struct Hand(watch::Sender<Shown>);

#[derive(Clone, Copy)]
struct Shown {
    now: Timestamp,
    /// Since the start, whatever `now` was set to meanwhile.
    passed: Duration,
}

impl Hand {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self(watch::Sender::new(Shown {
            now: start,
            passed: Duration::ZERO,
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    pub(crate) fn passed(&self) -> Duration {
        self.0.borrow().passed
    }

    /// Moves the clock forward and wakes those who waited for it.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|shown| {
            shown.now = moved(shown.now, signed(by));
            shown.passed += by;
        });
    }

    /// Sets the clock forward or back, as whoever corrects a machine's clock does: no time passes, and
    /// nobody who waits wakes earlier or later.
    pub fn set(&self, by: SignedDuration) {
        self.0.send_modify(|shown| shown.now = moved(shown.now, by));
    }

    pub(crate) async fn wait(&self, duration: Duration) {
        let until = self.passed() + duration;
        // The sender lives in this value, so the channel cannot close while we wait.
        let mut shown = self.0.subscribe();
        let _ = shown.wait_for(|shown| shown.passed >= until).await;
    }
}

fn signed(by: Duration) -> SignedDuration {
    SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    at.saturating_add(by).unwrap_or(end)
}
