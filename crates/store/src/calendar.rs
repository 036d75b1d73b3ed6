//! Business calendars, by name.

use std::collections::BTreeMap;

use domain::calendar::BusinessCalendar;

use crate::db::{Change, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

impl Store {
    /// Saves a calendar; it replaces one of its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_calendar(
        &self,
        name: &str,
        calendar: &BusinessCalendar,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "INSERT INTO calendars (name, body) VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET body = $2";
        // Days are texts, which is all that JSON asks of the keys of a map.
        let body = serde_json::to_string(calendar).unwrap_or_default();
        let change = Change::new().run(SAVE, params![name, body]);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Removes a calendar.
    ///
    /// # Errors
    /// `Conflict` when there is none of that name; when the database fails.
    pub async fn remove_calendar(&self, name: &str, audit: &AuditEntry) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM calendars WHERE name = $1";
        let change = Change::new().run(REMOVE, params![name]).expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// The calendars by name, at most 100.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calendars(&self) -> Result<BTreeMap<String, BusinessCalendar>, StoreError> {
        const LIST: &str = "SELECT name, body FROM calendars ORDER BY name LIMIT 100";
        let rows = self.db.read(LIST, vec![]).await?;
        let read = |row: &crate::db::Row| {
            let body = row.str(1)?;
            let calendar =
                serde_json::from_str(body).map_err(|_| corrupt("business calendar", &body))?;
            Ok((row.text(0)?, calendar))
        };
        rows.iter().map(read).collect()
    }
}
