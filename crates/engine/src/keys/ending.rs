//! What of signed config ends soon, because nobody signed it anew in time. Agents refuse what is over, so the team must
//! hear of it before sites do. Never signs.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{ROOT_WARNED_DAYS_BEFORE, read_root};
use crate::delivery::{Repository, expires, later};
use crate::{Engine, EngineError};

/// What is signed here is signed anew earlier than this: with less left, something fails.
pub const OVERDUE_DAYS_BEFORE: i64 = 29;
/// People are paged when so many days are left, and each day from the last of these on.
const PAGED_DAYS_BEFORE: [i64; 4] = [30, 14, 7, 2];

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// The root, which is signed elsewhere.
    RootElsewhere,
    /// The root, which this server should have signed anew.
    Root,
    /// Other metadata, which this server should have signed anew.
    Metadata,
}

/// Something of signed config that ends soon, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What.
    pub what: Ends,
    /// Until when it is good.
    pub until: Timestamp,
}

/// The days that were left when the team was warned last.
pub(crate) type Warned = HashMap<Ends, i64>;

impl Engine {
    /// What of signed config ends soon and needs a person; nothing while all is signed anew in time.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub fn config_endings(&self) -> Result<Vec<Ending>, EngineError> {
        let is_here = self.0.delivery.keys.load().root.is_here();
        endings(&self.repository(), is_here, self.clock().now())
    }

    /// Once a day into the log, and to the people on call when little time is left.
    pub(crate) async fn warn_of_endings(&self) -> Result<(), EngineError> {
        let now = self.clock().now();
        for Ending { what, until } in self.config_endings()? {
            let days = until.duration_since(now).as_hours().div_euclid(24);
            if !self.is_to_warn(what, days) {
                continue;
            }
            log(what, until);
            if is_paged(days) {
                let words = match what {
                    Ends::RootElsewhere => self.words().page_root_expires(days.max(0)),
                    Ends::Root => self.words().page_root_unsigned(days.max(0)),
                    Ends::Metadata => self.words().page_metadata_unsigned(days.max(0)),
                };
                self.page(None, &words).await?;
            }
            // Only now: a page that could not be saved is tried again with the next heartbeat.
            self.remember_warned(what, days);
        }
        Ok(())
    }

    fn is_to_warn(&self, what: Ends, days: i64) -> bool {
        let last = self.warned().get(&what).copied();
        // What was signed anew begins anew; a clock that is set back a little repeats nothing.
        last.is_none_or(|last| !(last..=last + 1).contains(&days))
    }

    fn remember_warned(&self, what: Ends, days: i64) {
        self.warned().insert(what, days);
    }

    fn warned(&self) -> MutexGuard<'_, Warned> {
        let warned = self.0.delivery.warned.lock();
        warned.unwrap_or_else(PoisonError::into_inner)
    }
}

fn endings(
    repository: &Repository,
    root_is_here: bool,
    now: Timestamp,
) -> Result<Vec<Ending>, EngineError> {
    let (root, days) = if root_is_here {
        (Ends::Root, OVERDUE_DAYS_BEFORE)
    } else {
        (Ends::RootElsewhere, ROOT_WARNED_DAYS_BEFORE)
    };
    let root = (root, Some(read_root(&repository.root)?.expires), days);
    // What tells no end is signed anew at once.
    let others = repository.needed().filter_map(expires).min();
    let others = (Ends::Metadata, others, OVERDUE_DAYS_BEFORE);
    let ending = |(what, until, days): (Ends, Option<Timestamp>, i64)| {
        let soon = later(now, SignedDuration::from_hours(24 * days));
        let until = until.filter(|until| *until < soon)?;
        Some(Ending { what, until })
    };
    Ok([root, others].into_iter().filter_map(ending).collect())
}

fn is_paged(days: i64) -> bool {
    let [.., last] = PAGED_DAYS_BEFORE;
    PAGED_DAYS_BEFORE.contains(&days) || days < last
}

fn log(what: Ends, until: Timestamp) {
    match what {
        Ends::RootElsewhere => tracing::warn!(
            "the root of config is good until {until}, and is signed elsewhere: draft the next with `lamplighter keys root draft`, sign it there and publish it; agents take no config after that"
        ),
        Ends::Root => tracing::error!(
            "the root of config is good until {until}, and could not be signed anew; agents take no config after that"
        ),
        Ends::Metadata => tracing::error!(
            "signed config is good until {until}, and could not be signed anew; agents take no config after that"
        ),
    }
}
