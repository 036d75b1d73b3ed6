//! A look: origins are asked in their order until nothing newer can be had.
//!
//! A control plane that is well ends it, because it signs what all others copy. Mirrors do not: one that lags
//! must not hide one that is fresher, so each look asks all of them that do not rest. What each brings is checked
//! and kept by itself; a mirror that lies, is frozen, slow or without end costs its time and nothing else.

use std::time::Duration;

use crate::AgentError;
use crate::cache::Cache;
use crate::identity::Identity;
use crate::keeper::{Keeper, Source};
use crate::origin::Origins;

/// What came of asking one origin.
enum Tried {
    /// It gave what passes all checks, and nothing older than what is believed. True when documents changed.
    Answered(bool),
    Failed(AgentError),
    /// Left in the middle: a control plane answers again, and is better.
    Left,
}

impl Keeper {
    /// Asks origins for what is newest, unless that was done since `asked_at`. True when the
    /// documents changed.
    ///
    /// # Errors
    /// What the last origin did wrong, when none gave an update that passes all checks.
    pub(crate) async fn refresh(
        &self,
        asked_at: Duration,
        origins: &Origins,
        identity: &Identity,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let mut looked_at = self.looked_at.lock().await;
        if looked_at.is_some_and(|at| at > asked_at) {
            return Ok(false);
        }
        let started_at = self.clock.passed();
        let mut came = Err(AgentError::NoOrigin);
        for origin in origins.turns() {
            match self.ask(origin, origins, identity, cache).await {
                Tried::Answered(changed) => {
                    came = Ok(changed || matches!(came, Ok(true)));
                    if origins.is_newest(origin) {
                        break;
                    }
                }
                Tried::Failed(e) => {
                    tracing::debug!("an origin gave nothing that passes the checks: {e}");
                    came = came.or(Err(e));
                }
                Tried::Left => break,
            }
        }
        if came.is_ok() {
            *looked_at = Some(started_at);
        }
        came
    }

    async fn ask(
        &self,
        origin: usize,
        origins: &Origins,
        identity: &Identity,
        cache: &Cache,
    ) -> Tried {
        let source = Source::new(origins, origin, identity);
        let all = async {
            let changed = self.ask_for_first(origin, origins, &source, cache).await?;
            let is_whole = cache.view().is_whole();
            self.catch_up(&source, cache).await?;
            Ok(changed || !is_whole)
        };
        let came = tokio::select! {
            biased;
            came = all => came,
            e = origins.out_of_time(origin) => Err(e),
            () = origins.server_is_back(origin) => return Tried::Left,
        };
        match came {
            Ok(changed) => Tried::Answered(changed),
            Err(e) => {
                origins.failed(origin);
                Tried::Failed(e)
            }
        }
    }

    /// Metadata and the first lane. Pushes wait for that of one origin, and for nothing else.
    async fn ask_for_first(
        &self,
        origin: usize,
        origins: &Origins,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let mut state = self.state.lock().await;
        let asked_at = self.clock.passed();
        let changed = self.update(&mut state, source, cache).await?;
        let timestamp = state.listing.trust().timestamp_version();
        origins.answered(origin, asked_at, timestamp);
        Ok(changed)
    }
}
