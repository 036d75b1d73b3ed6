//! Reads what was done: by whom, and to a site. Never writes: each act writes its own entry.

use domain::id::{AuditId, SiteId};
use store::{AuditEntry, CampaignRow};

use crate::{Engine, EngineError};

impl Engine {
    /// The newest entries of the audit, newest first, at most `limit`; those older than the entry
    /// `before`, if given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_before(
        &self,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, EngineError> {
        Ok(self.store().audit(before, limit).await?)
    }

    /// What campaigns did to a site, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn done_to_site(
        &self,
        site: SiteId,
        limit: u32,
    ) -> Result<Vec<CampaignRow>, EngineError> {
        Ok(self.store().rows_of_site(site, limit).await?)
    }
}
