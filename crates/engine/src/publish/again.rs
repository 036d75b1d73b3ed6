//! All metadata signed anew: before it expires, and when its keys change.

use std::collections::BTreeSet;

use domain::document::DocumentKey;
use store::AuditEntry;
use tuf::MetadataFile;

use super::{Changed, service_of};
use crate::delivery::Repository;
use crate::{Engine, EngineError};

impl Engine {
    /// Signs all metadata anew, so that it does not expire. Callers hold `publishing`.
    pub(crate) async fn sign_again(&self, before: &Repository) -> Result<(), EngineError> {
        let audit = self.audit(
            "lamplighter",
            "signed metadata anew",
            "repository",
            "before it expires",
        );
        self.sign_all(before, Changed::default(), None, &audit)
            .await
    }

    /// Signs all metadata anew and saves it, with a new root if there is one. Callers hold `publishing`.
    pub(crate) async fn sign_all(
        &self,
        before: &Repository,
        changed: Changed,
        root: Option<MetadataFile>,
        audit: &AuditEntry,
    ) -> Result<(), EngineError> {
        let mut documents = before.documents().clone();
        let all: BTreeSet<DocumentKey> = documents.keys().cloned().collect();
        let dropped = self.drop_unread(&mut documents, &all).await?;
        let services: BTreeSet<_> = all.iter().map(service_of).collect();
        let mut files = self.sign(before, &documents, &services)?;
        files.retain(|file| file.role != "targets" && file.role != "snapshot");
        files.push(self.sign_targets(before, &documents)?);
        files.push(self.sign_snapshot(before, &files)?);
        // No snapshot lists a root.
        files.extend(root);
        self.save_publication(before, documents, changed, dropped, files, audit)
            .await
    }
}
