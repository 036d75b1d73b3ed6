//! Documents that nobody signed, for tests of code that reads. An agent never makes one.

use std::sync::Arc;

use bytes::Bytes;
use domain::document::{Document, DocumentKey, Lane};
use domain::name::{Hostname, ProductName};
use domain::rollout::Rollout;
use semver::VersionReq;
use tuf::Entry;

use crate::cache::{Cache, CachedDocument, View};

impl CachedDocument {
    /// A version of a document that nobody signed, for all sites: for tests of code that reads.
    ///
    /// `body` is JSON, and is taken as it is.
    #[must_use]
    pub fn unchecked(
        key: DocumentKey,
        version: u64,
        accepts: VersionReq,
        body: impl Into<Bytes>,
    ) -> Self {
        let body = body.into();
        let entry = Entry::of(&Document {
            key,
            version,
            accepts,
            lane: Lane::Other,
            json_schema: None,
            rollout: Rollout::everywhere(),
            published: 0,
            body: body.to_vec(),
        });
        Self::new(entry, body)
    }
}

impl Cache {
    /// A cache that holds `documents` as they are, for tests of code that reads: nobody signed them, no
    /// agent follows them, and it is stale from the start.
    ///
    /// What [`crate::Agent::cache`] gives holds what was verified, and nothing else.
    #[must_use]
    pub fn unchecked(
        sites: impl IntoIterator<Item = (Hostname, ProductName)>,
        documents: impl IntoIterator<Item = CachedDocument>,
    ) -> Self {
        let cache = Self::new(sites);
        cache.replace(&View::new(1, documents.into_iter().map(Arc::new), vec![]));
        cache
    }
}
