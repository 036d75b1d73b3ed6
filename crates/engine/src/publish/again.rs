//! All metadata signed anew: before it expires, and when its keys change.

use std::collections::BTreeSet;

use domain::document::DocumentKey;
use store::AuditEntry;
use tuf::MetadataFile;

use super::Changed;
use crate::delivery::Repository;
use crate::told::Telling;
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
        let telling = Telling::of_all(before.told.clone());
        let keys = self.0.delivery.keys.load_full();
        let mut files = self.signing(&keys, before).all(&documents, &telling)?;
        // No snapshot lists a root.
        files.extend(root);
        let documents = (documents, dropped);
        self.save_publication(before, documents, changed, (files, telling), audit)
            .await
    }
}
