//! The written report: saved in versions, approved by somebody other than its author, published as the
//! official comment. Publishing and the comment are one commit.

use domain::incident::report::{BadReport, ReportVersion};

use super::*;

impl Engine {
    /// The versions of an incident's report, the newest first.
    ///
    /// # Errors
    /// When there is no such incident or the store fails.
    pub async fn report_versions(&self, id: IncidentId) -> Result<Vec<ReportVersion>, EngineError> {
        self.stored_incident(id).await?;
        Ok(self.store().report_versions(id).await?)
    }

    /// Saves the next version of a report. `base` is the number of the version that it was written
    /// on, 0 for the draft.
    ///
    /// # Errors
    /// When there is no such incident, somebody else saved a version meanwhile, the text is empty or
    /// too long, or the store fails.
    pub async fn save_report(
        &self,
        id: IncidentId,
        (base, text): (u32, String),
        who: &str,
    ) -> Result<ReportVersion, EngineError> {
        let known = self.report_versions(id).await?;
        let last = known.first();
        if last.map_or(0, |last| last.number) != base {
            return Err(faster());
        }
        let now = self.clock().now();
        let version = ReportVersion::after(last, text, (who, now)).map_err(refused)?;
        let what = format!("{id}, version {}", version.number);
        let audit = self.audit(who, "saved a report", &what, "");
        let saved = self.store().add_report_version(id, &version, &audit).await;
        saved.map_err(slower)?;
        Ok(version)
    }

    /// Approves a version of a report.
    ///
    /// # Errors
    /// When there is no such version, something is left to write in it, its author approves, somebody
    /// did already, or the store fails.
    pub async fn approve_report(
        &self,
        id: IncidentId,
        number: u32,
        who: &str,
    ) -> Result<ReportVersion, EngineError> {
        let version = self.report_version(id, number).await?;
        let version = version.approve(who, self.clock().now()).map_err(refused)?;
        let what = format!("{id}, version {number}");
        let audit = self.audit(who, "approved a report", &what, "");
        if let Some(approval) = &version.approved {
            let of = (number, approval);
            let kept = self.store().approve_report_version(id, of, &audit).await;
            kept.map_err(slower)?;
        }
        Ok(version)
    }

    /// Publishes an approved version as the official comment, which keeps the promise of a report.
    ///
    /// # Errors
    /// When there is no such version, it is not approved, it or a newer one was published, customers do not
    /// see the incident, or the store fails.
    pub async fn publish_report(
        &self,
        id: IncidentId,
        number: u32,
        who: &str,
    ) -> Result<Posted, EngineError> {
        // Read before the versions: what is published meanwhile raises its version, and refuses this.
        let incident = self.stored_incident(id).await?;
        let known = self.report_versions(id).await?;
        let version = known.iter().find(|known| known.number == number).cloned();
        let version = version.ok_or_else(|| no_version(number))?;
        version.may_publish(&known).map_err(refused)?;
        let post = plain(version.text, UpdateKind::OfficialComment);
        let posted = self.posted(incident, post, who)?;
        let how = How {
            report: Some(number),
            ..How::default()
        };
        self.save_post(&posted, who, how).await?;
        Ok(posted)
    }

    async fn report_version(
        &self,
        id: IncidentId,
        number: u32,
    ) -> Result<ReportVersion, EngineError> {
        let known = self.report_versions(id).await?.into_iter();
        let version = known.into_iter().find(|known| known.number == number);
        version.ok_or_else(|| no_version(number))
    }
}

fn no_version(number: u32) -> EngineError {
    EngineError::not_found("version of this report", number)
}

fn refused(bad: BadReport) -> EngineError {
    match bad {
        BadReport::Text(bad) => EngineError::refused_at(bad.at().unwrap_or("text"), bad),
        bad => EngineError::conflict(bad),
    }
}

fn slower(error: StoreError) -> EngineError {
    match error {
        StoreError::Conflict { .. } => faster(),
        error => error.into(),
    }
}

fn faster() -> EngineError {
    EngineError::conflict(
        "Somebody else saved this report meanwhile; read the newest version, then save again.",
    )
}
