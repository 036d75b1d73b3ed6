//! Reads what was done, by whom. Never writes: each act writes its own entry.

use jiff::Timestamp;
use store::AuditEntry;

use crate::{Engine, EngineError};

impl Engine {
    /// The newest entries of the audit before `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_before(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, EngineError> {
        Ok(self.store().audit(before, limit).await?)
    }
}
