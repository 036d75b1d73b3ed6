//! Follow-ups of incidents. Every change names the version it was decided on.

use domain::id::{FollowUpId, IncidentId};
use domain::incident::{FollowUp, FollowUpEnd};

use crate::db::{Change, Row, Value, params};
use crate::{AuditEntry, Store, StoreError};

impl Store {
    /// Adds a follow-up.
    ///
    /// # Errors
    /// When the database fails, or there is no such incident.
    pub async fn add_follow_up(
        &self,
        follow_up: &FollowUp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO follow_ups (id, incident, version, text, owner, due, ended_at, \
            ended_by, dropped) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let change = Change::new().run(ADD, follow_up_params(follow_up));
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Saves the next version of a follow-up.
    ///
    /// # Errors
    /// `Conflict` when its version is not the one before; when the database fails.
    pub async fn save_follow_up(
        &self,
        follow_up: &FollowUp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "UPDATE follow_ups SET version = $3, text = $4, owner = $5, due = $6, \
            ended_at = $7, ended_by = $8, dropped = $9 WHERE id = $1 AND incident = $2 AND version = $3 - 1";
        let change = Change::new()
            .run(SAVE, follow_up_params(follow_up))
            .expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// A follow-up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn follow_up(&self, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
        const GET: &str = "SELECT id, incident, version, text, owner, due, ended_at, ended_by, dropped \
            FROM follow_ups WHERE id = $1";
        let rows = self.db.read(GET, params![id]).await?;
        rows.first().map(follow_up).transpose()
    }

    /// The follow-ups of an incident, the soonest first, at most 200.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn follow_ups(&self, incident: IncidentId) -> Result<Vec<FollowUp>, StoreError> {
        const LIST: &str = "SELECT id, incident, version, text, owner, due, ended_at, ended_by, dropped \
            FROM follow_ups WHERE incident = $1 ORDER BY due, id LIMIT 200";
        let rows = self.db.read(LIST, params![incident]).await?;
        rows.iter().map(follow_up).collect()
    }

    /// Follow-ups that are still to be done, the soonest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_follow_ups(&self, limit: u32) -> Result<Vec<FollowUp>, StoreError> {
        const LIST: &str = "SELECT id, incident, version, text, owner, due, ended_at, ended_by, dropped \
            FROM follow_ups WHERE ended_at IS NULL ORDER BY due, id LIMIT $1";
        let rows = self.db.read(LIST, params![limit]).await?;
        rows.iter().map(follow_up).collect()
    }
}

fn follow_up_params(follow_up: &FollowUp) -> Vec<Value> {
    let end = follow_up.end.as_ref();
    params![
        follow_up.id,
        follow_up.incident,
        follow_up.version,
        &follow_up.text,
        &follow_up.owner,
        follow_up.due.to_string(),
        end.map(|end| end.at),
        end.map(|end| end.by.clone()),
        end.and_then(|end| end.dropped.clone()),
    ]
}

fn follow_up(row: &Row) -> Result<FollowUp, StoreError> {
    Ok(FollowUp {
        id: row.id(0, FollowUpId::from_bytes)?,
        incident: row.id(1, IncidentId::from_bytes)?,
        version: row.count(2)?,
        text: row.text(3)?,
        owner: row.text(4)?,
        due: row.parse(5, "date")?,
        end: row.optional(6, |row| {
            Ok(FollowUpEnd {
                at: row.time(6)?,
                by: row.text(7)?,
                dropped: row.optional(8, |row| row.text(8))?,
            })
        })?,
    })
}
