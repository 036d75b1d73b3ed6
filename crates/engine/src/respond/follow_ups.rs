//! What will be done after an incident, by whom and by when.

use domain::id::FollowUpId;
use domain::incident::{BadFollowUp, FollowUp, FollowUpEnd};
use jiff::civil::Date;

use super::*;

/// The most follow-ups of an incident.
const FOLLOW_UPS_MAX: usize = 100;

/// A follow-up, as somebody wants it.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFollowUp {
    /// What will be done, on one line. Customers read it.
    pub text: String,
    /// Who sees to it.
    pub owner: String,
    /// The day by whose end it is done.
    #[schemars(with = "domain::schema::Day")]
    pub due: Date,
}

impl Engine {
    /// Today, on the vendor's calendar.
    #[must_use]
    pub fn today(&self) -> Date {
        let zone = self.settings().home_zone.rules();
        self.clock().now().to_zoned_datetime(zone).date()
    }

    /// Follow-ups that are still to be done, the soonest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_follow_ups(&self, limit: u32) -> Result<Vec<FollowUp>, EngineError> {
        Ok(self.store().open_follow_ups(limit).await?)
    }

    /// Adds a follow-up to an incident.
    ///
    /// # Errors
    /// When there is no such incident or it was dismissed, a field breaks its rule, there are too many,
    /// or the store fails.
    pub async fn add_follow_up(
        &self,
        id: IncidentId,
        new: NewFollowUp,
        who: &str,
    ) -> Result<FollowUp, EngineError> {
        let incident = self.stored_incident(id).await?;
        if incident.state.stage() == Stage::Dismissed {
            return Err(EngineError::conflict("This incident was dismissed."));
        }
        if self.store().follow_ups(id).await?.len() >= FOLLOW_UPS_MAX {
            let reason = format!("this incident has {FOLLOW_UPS_MAX} follow-ups already");
            return Err(EngineError::conflict(reason));
        }
        let follow_up = FollowUp {
            id: self.clock().id(),
            incident: id,
            version: 1,
            text: new.text.trim().to_owned(),
            owner: new.owner.trim().to_owned(),
            due: new.due,
            end: None,
        };
        let follow_up = follow_up.check().map_err(bad)?;
        let audit = self.audit(who, "added a follow-up", &id.to_string(), &follow_up.text);
        self.store().add_follow_up(&follow_up, &audit).await?;
        self.look_again(id).await?;
        Ok(follow_up)
    }

    /// Ends a follow-up: done, or dropped for a reason.
    ///
    /// # Errors
    /// When there is no such follow-up, it ended before, the reason is empty or too long, or the store
    /// fails.
    pub async fn end_follow_up(
        &self,
        id: FollowUpId,
        dropped: Option<String>,
        who: &str,
    ) -> Result<FollowUp, EngineError> {
        let found = self.store().follow_up(id).await?;
        let found = found.ok_or_else(|| EngineError::not_found("follow-up", id))?;
        let dropped = dropped.map(|reason| line("reason", &reason)).transpose()?;
        let act = match dropped {
            Some(_) => "dropped a follow-up",
            None => "did a follow-up",
        };
        let end = FollowUpEnd {
            at: self.clock().now(),
            by: who.to_owned(),
            dropped,
        };
        let ended = found.end(end).map_err(bad)?;
        let audit = self.audit(who, act, &ended.incident.to_string(), &ended.text);
        self.store().save_follow_up(&ended, &audit).await?;
        self.look_again(ended.incident).await?;
        Ok(ended)
    }
}

fn bad(bad: BadFollowUp) -> EngineError {
    match bad.at() {
        Some(field) => EngineError::refused_at(field, bad),
        None => EngineError::conflict(bad),
    }
}
