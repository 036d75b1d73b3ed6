//! Where an update takes its files from: one origin, and a push before it. Checks nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::document::DOCUMENT_BYTES_MAX;
use jiff::Timestamp;
use protocol::delivery::{Push, TIMESTAMP_LIFE_SECONDS};
use tuf::{Entry, Trust, Want};

use crate::AgentError;
use crate::identity::Identity;
use crate::origin::Origins;

/// Files that one look takes from one origin. Documents stay on disk: the next look goes on from there.
const FILES_PER_TRY_MAX: usize = 20_000;

/// Where an update takes its files from.
pub(crate) struct Source<'a> {
    push: Option<&'a Push>,
    origins: &'a Origins,
    origin: usize,
    token: &'a str,
    /// Files asked for until now.
    asked: AtomicUsize,
}

impl<'a> Source<'a> {
    pub(crate) fn new(origins: &'a Origins, origin: usize, identity: &'a Identity) -> Self {
        Self {
            push: None,
            origins,
            origin,
            token: &identity.token,
            asked: AtomicUsize::new(0),
        }
    }

    /// With what a push brought.
    pub(super) fn with(self, push: &'a Push) -> Self {
        Self {
            push: Some(push),
            ..self
        }
    }

    /// The moment for which a newer timestamp proves that nothing newer exists: now, from a control plane, which signed it
    /// a moment ago. A mirror may hold one back that it copied earlier, so there it is the moment of its signature.
    pub(super) fn proven_at(&self, trust: &Trust, now: Timestamp) -> Timestamp {
        let life = jiff::SignedDuration::from_secs(TIMESTAMP_LIFE_SECONDS);
        let signed_at = trust.fresh_until().map(|end| end.saturating_sub(life));
        match signed_at {
            Some(Ok(signed_at)) if !self.origins.is_server(self.origin) => now.min(signed_at),
            _ => now,
        }
    }

    /// Fetches a file, unless this look has fetched too many of this origin.
    async fn fetch(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, AgentError> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= FILES_PER_TRY_MAX {
            return Err(AgentError::TooManyFiles {
                limit: FILES_PER_TRY_MAX,
            });
        }
        let (origins, origin) = (self.origins, self.origin);
        origins.file(origin, path, self.token, limit).await
    }

    pub(super) async fn metadata(&self, want: &Want) -> Result<Option<Vec<u8>>, AgentError> {
        if let Some(push) = self.push {
            match push.metadata.get(&want.file) {
                Some(text) => return Ok(Some(text.clone().into_bytes())),
                // A push need not say that there is no newer root; the next look does.
                None if want.may_be_missing => return Ok(None),
                None => {}
            }
        }
        let path = format!("/agent/v1/repository/{}", want.file);
        self.fetch(&path, want.bytes_max).await
    }

    pub(super) async fn document(&self, entry: &Entry) -> Result<Vec<u8>, AgentError> {
        match self.pushed(entry) {
            Some(body) => Ok(body),
            None => self.target(&entry.file(), entry.length).await,
        }
    }

    /// The body of a document, where the push brought it.
    pub(super) fn pushed(&self, entry: &Entry) -> Option<Vec<u8>> {
        let body = self.push?.documents.get(&entry.file())?;
        Some(body.clone().into_bytes())
    }

    pub(super) async fn target(&self, file: &str, length: u64) -> Result<Vec<u8>, AgentError> {
        let path = format!("/agent/v1/targets/{file}");
        let limit = length.min(DOCUMENT_BYTES_MAX as u64);
        let body = self.fetch(&path, limit).await?;
        let file = file.to_owned();
        body.ok_or(AgentError::Document { file })
    }
}
