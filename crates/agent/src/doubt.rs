//! Looks for newer config because a site doubts what it has. Many doubts cost one look, and looks
//! are seconds apart: failing sign-ins must not become a storm on the origins.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Mutex, Notify};

use crate::{Shared, pause};

/// The least time from one look to the next.
const DOUBT_SECONDS_MIN: u64 = 5;
const DOUBT_MACHINE_MIN: Duration = Duration::from_millis(200);

/// What came of a doubt.
pub(crate) enum Looked {
    /// An origin was asked, or somebody's look was shared, after the doubt came.
    Now,
    /// No origin gave an answer that passes the checks.
    InVain(String),
    /// Somebody looked a moment ago; the agent looks by itself when its turn comes.
    Recently { again_in: Duration },
}

/// Doubts of sites.
#[derive(Default)]
pub(crate) struct Doubts {
    /// When the newest look began, and what it came to. Held while looking: others wait, and share it.
    last: Mutex<Option<(Duration, Result<(), String>)>>,
    due: Notify,
}

impl Doubts {
    /// Looks as soon as it may; nobody waits for it.
    pub(crate) fn soon(&self) {
        self.due.notify_one();
    }

    /// Looks now, unless somebody did a moment ago; then later.
    pub(crate) async fn look(&self, shared: &Shared) -> Looked {
        let looked = self.look_if_may(shared).await;
        if matches!(looked, Looked::Recently { .. }) {
            self.soon();
        }
        looked
    }

    async fn look_if_may(&self, shared: &Shared) -> Looked {
        let asked_at = shared.clock.passed();
        let mut last = self.last.lock().await;
        let now = shared.clock.passed();
        if let Some((began_at, came_to)) = &*last {
            if *began_at >= asked_at {
                return said(came_to);
            }
            let left = least().checked_sub(now.saturating_sub(*began_at));
            if let Some(again_in) = left.filter(|left| !left.is_zero()) {
                return Looked::Recently { again_in };
            }
        }
        shared.counts.doubted();
        let came_to = shared.refresh(now).await.map_err(|e| e.to_string());
        let answer = said(&came_to);
        *last = Some((now, came_to));
        answer
    }

    /// Does what waits for its turn.
    pub(crate) async fn work(&self, shared: &Shared) {
        loop {
            self.due.notified().await;
            while let Looked::Recently { again_in } = self.look_if_may(shared).await {
                pause(&shared.clock, again_in, DOUBT_MACHINE_MIN).await;
                // The look that comes now is for these doubts, too.
                self.due.notified().now_or_never();
            }
        }
    }
}

fn least() -> Duration {
    Duration::from_secs(DOUBT_SECONDS_MIN)
}

fn said(came_to: &Result<(), String>) -> Looked {
    match came_to {
        Ok(()) => Looked::Now,
        Err(e) => Looked::InVain(e.clone()),
    }
}
