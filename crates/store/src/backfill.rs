//! Incidents that were added after they were over, and where they come from.

use domain::id::IncidentId;
use domain::incident::Incident;

use crate::db::params;
use crate::incident::inserted;
use crate::{AuditEntry, IncidentAdditions, Store, StoreError};

/// Where an incident comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which kind of place, such as "statuspage".
    pub source: &'static str,
    /// What it is known by there.
    pub key: String,
}

impl Store {
    /// Adds an incident of the past with all its records; false when one of that source is there already,
    /// and nothing was added.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_past_incident(
        &self,
        incident: &Incident,
        added: &IncidentAdditions,
        source: Option<&Source>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        const SOURCE: &str = "INSERT INTO incident_sources (source, key, incident) VALUES ($1, $2, $3) \
            ON CONFLICT (source, key) DO NOTHING";
        let sources: Vec<_> = source
            .iter()
            .map(|from| params![from.source, &from.key, incident.id])
            .collect();
        let count = sources.len() as u64;
        let change = inserted(incident, added)
            .run_many(SOURCE, sources)
            .expect_rows(count)
            .audit(audit);
        match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// The incident that was added from a source.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident_from(&self, source: &Source) -> Result<Option<IncidentId>, StoreError> {
        const GET: &str = "SELECT incident FROM incident_sources WHERE source = $1 AND key = $2";
        let rows = self
            .db
            .read(GET, params![source.source, &source.key])
            .await?;
        rows.first()
            .map(|row| row.id(0, IncidentId::from_bytes))
            .transpose()
    }
}
