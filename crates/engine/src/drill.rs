//! What drills showed, as the team records it. Never runs a drill: that is the command line's.

use domain::drill::DrillResult;
use domain::id::DrillId;
use jiff::SignedDuration;
use store::{RecordedDrill, Recording};

use crate::{Engine, EngineError};

/// How far the clock of the machine that ran a drill may be before ours.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_mins(10);

impl Engine {
    /// Records what a drill showed. The same result again is kept once; gives what is kept.
    ///
    /// # Errors
    /// When it breaks a rule, another one is kept under its identifier, or the store fails.
    pub async fn record_drill(
        &self,
        result: DrillResult,
        who: &str,
    ) -> Result<RecordedDrill, EngineError> {
        result
            .check()
            .map_err(|bad| EngineError::refused_at(bad.at(), &bad))?;
        let now = self.clock().now();
        let latest = now.saturating_add(CLOCKS_APART_MAX).unwrap_or(now);
        if result.ended_at > latest {
            let reason = format!("it ended at {}, and now it is {now}", result.ended_at);
            return Err(EngineError::refused_at("ended_at", reason));
        }
        let id = result.id;
        let tally = result.tally();
        let what = format!("{}, {id}", result.scenario);
        let detail = format!("{} of {} held", tally.held, tally.must_hold);
        let audit = self.audit(who, "recorded a drill", &what, &detail);
        let drill = RecordedDrill {
            result,
            recorded_at: now,
            recorded_by: who.into(),
        };
        match self.store().record_drill(&drill, &audit).await? {
            Recording::Kept | Recording::KeptBefore => self.drill(id).await,
            Recording::Other => {
                let reason = format!(
                    "another result is recorded as {id}; a drill that is run again has an identifier of its own"
                );
                Err(EngineError::conflict(reason))
            }
        }
    }

    /// A drill with its courses.
    ///
    /// # Errors
    /// When there is no such drill, or the store fails.
    pub async fn drill(&self, id: DrillId) -> Result<RecordedDrill, EngineError> {
        let kept = self.store().drill(id).await?;
        kept.ok_or_else(|| EngineError::not_found("drill", id))
    }

    /// Drills without their courses, those that began last first, at most `limit`; those before the
    /// drill `before`, if given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drills(
        &self,
        before: Option<DrillId>,
        limit: u32,
    ) -> Result<Vec<RecordedDrill>, EngineError> {
        Ok(self.store().drills(before, limit).await?)
    }

    /// The drill of the same scenario that began before a drill, without its courses.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drill_before(
        &self,
        drill: &DrillResult,
    ) -> Result<Option<RecordedDrill>, EngineError> {
        Ok(self.store().drill_before(drill).await?)
    }
}
