//! Documents: pieces of a service's config, and which code each one serves.
//! Decides whether a set of documents covers a set of releases. Never stores or signs.

use semver::{Version, VersionReq};

use crate::name::{DocumentName, ProductName, ServiceName};

/// The largest document that may be published, in bytes; agents refuse larger ones as well.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// Where a document belongs: what stays the same from version to version.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub struct DocumentKey {
    /// The product whose sites read it.
    pub product: ProductName,
    /// The shared service it configures.
    pub service: ServiceName,
    /// Its name within the service.
    pub name: DocumentName,
}

impl std::fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.product, self.service, self.name)
    }
}

/// How urgent a document is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Sign-in and what it needs: never queued behind others, never evicted.
    First,
    /// Everything else.
    Other,
}

impl Lane {
    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Other => "other",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::First, Self::Other]
            .into_iter()
            .find(|lane| lane.as_str() == word)
    }
}

/// One immutable version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it belongs.
    pub key: DocumentKey,
    /// Counts up from 1 within its key; a rollback is a new version.
    pub version: u64,
    /// The releases of the product that can honour it.
    pub accepts: VersionReq,
    /// How urgent it is.
    pub lane: Lane,
    /// JSON, at most [`DOCUMENT_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

/// The newest document of `key` that accepts the code a site runs.
///
/// This is the whole of invariant 1: no read for code `code` returns a document that does not
/// accept `code`.
#[must_use]
pub fn newest_for<'a>(
    documents: impl IntoIterator<Item = &'a Document>,
    key: &DocumentKey,
    code: &Version,
) -> Option<&'a Document> {
    documents
        .into_iter()
        .filter(|document| document.key == *key && document.accepts.matches(code))
        .max_by_key(|document| document.version)
}

/// A release that would be left without a document it accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("release {release} of {} has no version of document {key} that accepts it", key.product)]
pub struct Uncovered {
    /// The document.
    pub key: DocumentKey,
    /// The release that no version of it accepts.
    pub release: Version,
}

/// Checks that every release finds a version of every document of its product.
///
/// `documents` are all kept versions, `releases` the live and staged ones of one product.
///
/// # Errors
/// Lists each pair of document and release that lacks a match, in order.
pub fn check_coverage(documents: &[Document], releases: &[Version]) -> Result<(), Vec<Uncovered>> {
    let keys: std::collections::BTreeSet<_> =
        documents.iter().map(|document| &document.key).collect();
    let uncovered: Vec<_> = keys
        .into_iter()
        .flat_map(|key| releases.iter().map(move |release| (key, release)))
        .filter(|(key, release)| newest_for(documents, key, release).is_none())
        .map(|(key, release)| Uncovered {
            key: key.clone(),
            release: release.clone(),
        })
        .collect();
    if uncovered.is_empty() {
        Ok(())
    } else {
        Err(uncovered)
    }
}
