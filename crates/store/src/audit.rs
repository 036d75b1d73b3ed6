//! Who changed what, when. Entries are only ever added, in the change that they are about.

use domain::id::AuditId;
use jiff::Timestamp;

use crate::db::{Change, params};
use crate::{Store, StoreError};

/// An entry of the audit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct AuditEntry {
    /// Its identifier.
    pub id: AuditId,
    /// When it happened.
    #[schemars(with = "domain::schema::Moment")]
    pub at: Timestamp,
    /// Who did it, by name.
    pub who: String,
    /// What was done, such as "activated a release".
    pub act: String,
    /// What it was done to.
    pub what: String,
    /// Anything that explains it, such as the reason given.
    pub detail: String,
}

impl Change {
    /// Adds an audit entry to this change: it is kept if, and only if, the change is.
    pub(crate) fn audit(self, entry: &AuditEntry) -> Self {
        const ADD: &str =
            "INSERT INTO audit (id, at, who, act, what, detail) VALUES ($1, $2, $3, $4, $5, $6)";
        let AuditEntry {
            id,
            at,
            who,
            act,
            what,
            detail,
        } = entry;
        self.run(ADD, params![*id, *at, who, act, what, detail])
    }
}

impl Store {
    /// Adds an entry for a change that is not stored here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.db.write(Change::new().audit(entry)).await.map(drop)
    }

    /// The newest entries, newest first, at most `limit`; those older than `before`, if given. Entries
    /// sort by their identifiers: many may be of one millisecond.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &self,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        const LIST: &str = "SELECT id, at, who, act, what, detail FROM audit WHERE id < $1 \
            ORDER BY id DESC LIMIT $2";
        let rows = self
            .db
            .read(LIST, params![before.unwrap_or(AuditId::MAX), limit])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    id: row.id(0, AuditId::from_bytes)?,
                    at: row.time(1)?,
                    who: row.text(2)?,
                    act: row.text(3)?,
                    what: row.text(4)?,
                    detail: row.text(5)?,
                })
            })
            .collect()
    }
}
