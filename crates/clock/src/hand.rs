//! The hand of a manual clock. Moves only when told to; never reads the machine's time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Moves a manual clock. Clones move the same clock.
#[derive(Clone)]
pub struct Hand(watch::Sender<Timestamp>);

impl Hand {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self(watch::Sender::new(start))
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    /// Moves the clock forward and wakes those who waited for it.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.0
            .send_modify(|now| *now = now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }

    pub(crate) async fn wait(&self, duration: Duration) {
        let by = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let until = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        // The sender lives in this value, so the channel cannot close while we wait.
        let _ = self.0.subscribe().wait_for(|now| *now >= until).await;
    }
}
