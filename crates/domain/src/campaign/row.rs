//! One site of one campaign, from waiting to proved. Decides which answers count.
//! Never stores: the store's guarded statements follow these transitions, and a test compares.

use jiff::Timestamp;

/// How often a site is tried before it is given up.
pub const TRIES_MAX: u32 = 4;

/// The state of one site in one campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Row {
    /// Not begun.
    Waiting,
    /// Claimed under a fence; the action may have reached the site, or not.
    Sent {
        /// The claim.
        fence: u64,
        /// When.
        at: Timestamp,
    },
    /// The site took the action; not proved yet.
    Acted {
        /// The claim.
        fence: u64,
        /// When.
        at: Timestamp,
    },
    /// A probe signed in. Final.
    Verified {
        /// When.
        at: Timestamp,
    },
    /// Given up. Final.
    Failed {
        /// Why the last try failed.
        reason: String,
        /// How often it was tried.
        tries: u32,
    },
    /// Left alone: the campaign was aborted before its turn. Final.
    Skipped,
}

/// What happens to a row. Whoever reports carries the fence of the claim it works under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody takes the site on, under a fence that no claim had before.
    Claim {
        /// The new fence.
        fence: u64,
    },
    /// The site took the action.
    Act {
        /// The reporter's fence.
        fence: u64,
    },
    /// A probe signed in.
    Verify {
        /// The reporter's fence.
        fence: u64,
    },
    /// The last try failed.
    Fail {
        /// The reporter's fence.
        fence: u64,
        /// Why.
        reason: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The campaign was aborted.
    Skip,
}

/// An event that does not count. Not an error of anybody: a process died, or an answer was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer does not belong to the claim that holds the site")]
pub struct Stale;

impl Row {
    /// The row after `event` at `now`.
    ///
    /// # Errors
    /// [`Stale`] when the row is final, or held under another fence.
    pub fn after(self, event: Event, now: Timestamp) -> Result<Self, Stale> {
        let held = self.fence();
        match event {
            Event::Claim { fence } if !self.is_final() && held.is_none_or(|held| held < fence) => {
                Ok(Self::Sent { fence, at: now })
            }
            // Said again by a site that did not hear our answer: nothing to add.
            Event::Act { fence } if held == Some(fence) => Ok(match self {
                acted @ Self::Acted { .. } => acted,
                _ => Self::Acted { fence, at: now },
            }),
            Event::Verify { fence } if held == Some(fence) => Ok(Self::Verified { at: now }),
            Event::Fail {
                fence,
                reason,
                tries,
            } if held == Some(fence) => Ok(Self::Failed { reason, tries }),
            // A site that was begun is seen through to proof, also after an abort.
            Event::Skip if self == Self::Waiting => Ok(Self::Skipped),
            _ => Err(Stale),
        }
    }

    /// The claim that holds the row, if one does.
    #[must_use]
    pub fn fence(&self) -> Option<u64> {
        match self {
            Self::Sent { fence, .. } | Self::Acted { fence, .. } => Some(*fence),
            _ => None,
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Verified { .. } | Self::Failed { .. } | Self::Skipped
        )
    }

    /// The words of all states, in their order.
    pub const WORDS: [&str; 6] = ["waiting", "sent", "acted", "verified", "failed", "skipped"];

    /// The word it is stored and shown as; one of [`Row::WORDS`].
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent { .. } => "sent",
            Self::Acted { .. } => "acted",
            Self::Verified { .. } => "verified",
            Self::Failed { .. } => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// How long to wait before try number `tries` + 1, in seconds: 3, 9, 27, each spread by `jitter`
/// (0 to 1) over half to one and a half times, so that sites that failed together do not return
/// together.
#[must_use]
pub fn backoff_seconds(tries: u32, jitter: f64) -> f64 {
    3f64.powi(i32::try_from(tries.clamp(1, 3)).unwrap_or(3)) * (0.5 + jitter)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Every order of events of two workers, one of which lost its claim, from every state.
    #[test]
    fn every_order_of_events_keeps_the_rules() {
        let now = Timestamp::UNIX_EPOCH;
        let events = || {
            (1..=3u64).flat_map(|fence| {
                let reason = "no answer".to_owned();
                [
                    Event::Claim { fence },
                    Event::Act { fence },
                    Event::Verify { fence },
                    Event::Fail {
                        fence,
                        reason,
                        tries: TRIES_MAX,
                    },
                    Event::Skip,
                ]
            })
        };
        let mut seen = HashSet::from([Row::Waiting]);
        let mut open = vec![Row::Waiting];
        let mut steps = 0;
        while let Some(row) = open.pop() {
            for event in events() {
                let Ok(next) = row.clone().after(event.clone(), now) else {
                    continue;
                };
                steps += 1;
                assert!(!row.is_final(), "{row:?} is final, and {event:?} moved it");
                match &event {
                    Event::Claim { fence } => assert!(row.fence().is_none_or(|held| held < *fence)),
                    Event::Skip => assert_eq!(row, Row::Waiting, "what was begun is not skipped"),
                    Event::Act { fence } | Event::Verify { fence } | Event::Fail { fence, .. } => {
                        assert_eq!(row.fence(), Some(*fence), "an old fence counted");
                    }
                }
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        // Waiting, three claims sent or acted, three ends.
        assert_eq!(
            (seen.len(), seen.iter().filter(|row| row.is_final()).count()),
            (10, 3)
        );
        assert!(steps > 20, "{steps}");
    }

    #[test]
    fn waiting_grows_and_is_spread() {
        let waits: Vec<_> = (1..=5).map(|tries| backoff_seconds(tries, 0.5)).collect();
        assert_eq!(waits, [3.0, 9.0, 27.0, 27.0, 27.0]);
        assert!(backoff_seconds(1, 0.0) < backoff_seconds(1, 1.0));
    }
}
