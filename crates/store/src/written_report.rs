//! Versions of incident reports. A version is saved once; of two people who save the same one, the
//! slower is told to look again.

use domain::id::{IncidentId, UpdateId};
use domain::incident::report::{Approval, ReportVersion};

use crate::db::{Change, Row, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

impl Store {
    /// Adds a version of an incident's report.
    ///
    /// # Errors
    /// `Conflict` when there is this version already, or the one before is missing; when the database
    /// fails.
    pub async fn add_report_version(
        &self,
        incident: IncidentId,
        version: &ReportVersion,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO incident_reports_written (incident, number, at, author, body) \
            SELECT $1, CAST($2 AS BIGINT), $3, $4, $5 WHERE CAST($2 AS BIGINT) - 1 = \
            (SELECT COALESCE(MAX(number), 0) FROM incident_reports_written WHERE incident = $1)";
        let params = params![
            incident,
            version.number,
            version.at,
            &version.by,
            &version.text
        ];
        let change = Change::new().run(ADD, params).expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Keeps somebody's approval of a version.
    ///
    /// # Errors
    /// `Conflict` when there is no such version, or somebody was faster; when the database fails.
    pub async fn approve_report_version(
        &self,
        incident: IncidentId,
        (number, approval): (u32, &Approval),
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const APPROVE: &str = "UPDATE incident_reports_written SET approved_by = $3, approved_at = $4 \
            WHERE incident = $1 AND number = $2 AND approved_at IS NULL";
        let params = params![incident, number, &approval.by, approval.at];
        let change = Change::new().run(APPROVE, params).expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// The versions of an incident's report, the newest first, at most 200.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_versions(
        &self,
        incident: IncidentId,
    ) -> Result<Vec<ReportVersion>, StoreError> {
        const LIST: &str = "SELECT number, at, author, body, approved_by, approved_at, published \
            FROM incident_reports_written WHERE incident = $1 ORDER BY number DESC LIMIT 200";
        let rows = self.db.read(LIST, params![incident]).await?;
        rows.iter().map(version).collect()
    }
}

fn version(row: &Row) -> Result<ReportVersion, StoreError> {
    let number = row.count(0)?;
    Ok(ReportVersion {
        number: u32::try_from(number).map_err(|_| corrupt("report version", &number))?,
        at: row.time(1)?,
        by: row.text(2)?,
        text: row.text(3)?,
        approved: row.optional(4, |row| {
            Ok(Approval {
                by: row.text(4)?,
                at: row.time(5)?,
            })
        })?,
        published: row.optional(6, |row| row.id(6, UpdateId::from_bytes))?,
    })
}
