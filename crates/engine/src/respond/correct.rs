//! Corrects what was posted, in the open.

use domain::incident::{BadPost, State};

use super::*;

impl Engine {
    /// Gives a post another text; what stood there stays to be read. Also after completion.
    ///
    /// # Errors
    /// When there is no such incident or post, the text is empty, too long or the same, the reason is
    /// empty or too long, or the store fails.
    pub async fn correct_update(
        &self,
        id: IncidentId,
        update: UpdateId,
        who: &str,
        correction: NewCorrection,
    ) -> Result<(), EngineError> {
        let incident = self.stored_incident(id).await?;
        let reason = line("reason", &correction.reason)?;
        let incident = incident
            .after(State::comment)
            .map_err(EngineError::conflict)?;
        let posted = self.store().updates(id).await?;
        let posted = posted.into_iter().find(|one| one.id == update);
        let posted = posted.ok_or_else(|| EngineError::not_found("update", update))?;
        let by = (who, self.clock().now());
        let corrected = posted
            .correct(correction.text, reason.clone(), by)
            .map_err(|bad: BadPost| EngineError::refused_at(bad.at().unwrap_or("text"), bad))?;
        let what = format!("{id}, update {update}");
        let audit = self.audit(who, "corrected an update", &what, &reason);
        let added = IncidentAdditions {
            corrected: vec![corrected],
            timeline: vec![self.entry_now(who, Fact::Corrected { update, reason })],
            ..IncidentAdditions::default()
        };
        self.save(&incident, &added, &audit).await
    }
}
