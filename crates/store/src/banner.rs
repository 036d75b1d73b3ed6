//! Banners. Every change names the version it was decided on.

use domain::banner::{Banner, Severity};
use domain::id::BannerId;
use jiff::Timestamp;

use crate::db::{Change, Row, Value, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

impl Store {
    /// Adds a banner.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_banner(&self, banner: &Banner, audit: &AuditEntry) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO banners (id, version, text, severity, area, from_at, until_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let change = Change::new().run(ADD, banner_params(banner));
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Saves the next version of a banner.
    ///
    /// # Errors
    /// `Conflict` when its version is not the one before; when the database fails.
    pub async fn save_banner(&self, banner: &Banner, audit: &AuditEntry) -> Result<(), StoreError> {
        const SAVE: &str = "UPDATE banners SET version = $2, text = $3, severity = $4, area = $5, \
            from_at = $6, until_at = $7 WHERE id = $1 AND version = $2 - 1";
        let change = Change::new()
            .run(SAVE, banner_params(banner))
            .expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// The banners that stand or will stand at `now`, oldest first, and after them the last that
    /// are over, newest first; at most `limit` of each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn banners(&self, now: Timestamp, limit: u32) -> Result<Vec<Banner>, StoreError> {
        const LEFT: &str = "SELECT id, version, text, severity, area, from_at, until_at FROM banners \
            WHERE until_at IS NULL OR until_at > $1 ORDER BY from_at, id LIMIT $2";
        const OVER: &str = "SELECT id, version, text, severity, area, from_at, until_at FROM banners \
            WHERE until_at <= $1 ORDER BY until_at DESC, id DESC LIMIT $2";
        let mut rows = self.db.read(LEFT, params![now, limit]).await?;
        rows.extend(self.db.read(OVER, params![now, limit]).await?);
        rows.iter().map(banner).collect()
    }
}

fn banner_params(banner: &Banner) -> Vec<Value> {
    // An area has no map with keys that are not text, which is all that JSON refuses.
    let area = serde_json::to_string(&banner.area).unwrap_or_default();
    params![
        banner.id,
        banner.version,
        &banner.text,
        banner.severity.as_str(),
        area,
        banner.from,
        banner.until,
    ]
}

fn banner(row: &Row) -> Result<Banner, StoreError> {
    let (severity, area) = (row.str(3)?, row.str(4)?);
    Ok(Banner {
        id: row.id(0, BannerId::from_bytes)?,
        version: row.count(1)?,
        text: row.text(2)?,
        severity: Severity::parse(severity).ok_or_else(|| corrupt("severity", &severity))?,
        area: serde_json::from_str(area).map_err(|_| corrupt("area", &area))?,
        from: row.time(5)?,
        until: row.optional(6, |row| row.time(6))?,
    })
}
