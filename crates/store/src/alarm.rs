//! Alarms. Only ever added: an alarm was raised or it was not.

use domain::detection::Alarm;
use domain::id::AlarmId;
use jiff::Timestamp;

use crate::db::{Change, Row, corrupt, params};
use crate::{Store, StoreError};

impl Store {
    /// Adds an alarm; nothing happens when it is stored already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_alarm(&self, alarm: &Alarm) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO alarms (id, at, stream, since, alarm) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
        let text = serde_json::to_string(alarm).map_err(|e| StoreError::Database {
            act: "write an alarm",
            source: e.into(),
        })?;
        let stream = alarm.stream.as_str();
        let params = params![alarm.id, alarm.at, stream, alarm.evidence.since, text];
        self.db
            .write(Change::new().run(ADD, params))
            .await
            .map(drop)
    }

    /// One alarm.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alarm(&self, id: AlarmId) -> Result<Option<Alarm>, StoreError> {
        let rows = self
            .db
            .read("SELECT alarm FROM alarms WHERE id = $1", params![id])
            .await?;
        rows.first().map(alarm).transpose()
    }

    /// Alarms raised at `since` or later, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alarms_since(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Alarm>, StoreError> {
        const LIST: &str =
            "SELECT alarm FROM alarms WHERE at >= $1 ORDER BY at DESC, id DESC LIMIT $2";
        let rows = self.db.read(LIST, params![since, limit]).await?;
        rows.iter().map(alarm).collect()
    }
}

fn alarm(row: &Row) -> Result<Alarm, StoreError> {
    let text = row.str(0)?;
    serde_json::from_str(text).map_err(|_| corrupt("alarm", &text))
}
