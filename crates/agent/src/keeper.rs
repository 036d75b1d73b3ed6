//! Keeps what is believed: updates trust and documents, on disk first, then in memory.
//!
//! One update at a time. An update that fails a check changes nothing. Documents are on disk before
//! the metadata that names them, and both before a read sees them: a kill at any byte leaves the
//! old state or the new one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clock::Clock;
use domain::document::DOCUMENT_BYTES_MAX;
use jiff::Timestamp;
use protocol::delivery::{Push, TIMESTAMP_LIFE_SECONDS};
use tokio::sync::Mutex;
use tuf::{Entry, Interest, Listing, Trust, Want};

use crate::AgentError;
use crate::cache::{Cache, CachedDocument, View};
use crate::disk::Disk;
use crate::identity::Identity;
use crate::origin::Origins;

const TRUST_FILE: &str = "trust.json";
/// A heartbeat changes nothing but the timestamp. Losing some minutes of those in a crash makes the
/// agent look older than it is, never newer, so the disk is spared.
const TIMESTAMP_SAVED_EACH: Duration = Duration::from_secs(300);

/// Files that one look takes from one origin. Documents stay on disk: the next look goes on from there.
const FILES_PER_TRY_MAX: usize = 20_000;

pub(crate) struct Keeper {
    disk: Disk,
    pub(crate) clock: Clock,
    pub(crate) state: Mutex<State>,
    /// When origins were last asked with success. Held by the look that is under way; others wait for it.
    pub(crate) looked_at: Mutex<Timestamp>,
}

pub(crate) struct State {
    pub(crate) listing: Listing,
    saved_at: Timestamp,
}

/// All believed metadata, in one file: it is replaced whole.
#[derive(serde::Serialize, serde::Deserialize)]
struct TrustFile {
    verified_at_ms: i64,
    files: BTreeMap<String, String>,
}

/// Where an update takes its files from.
pub(crate) struct Source<'a> {
    push: Option<&'a Push>,
    origins: &'a Origins,
    origin: usize,
    token: &'a str,
    /// Files asked for until now.
    asked: AtomicUsize,
}

impl Keeper {
    /// Loads the last known good. Files that do not pass the checks are as good as missing.
    pub(crate) fn load(
        disk: Disk,
        identity: &Identity,
        cache: &Cache,
        clock: Clock,
    ) -> Result<Self, AgentError> {
        let stored = disk.read(TRUST_FILE)?;
        let stored = stored.and_then(|bytes| serde_json::from_slice::<TrustFile>(&bytes).ok());
        let restored = stored.and_then(|stored| restore(&stored).map(|listing| (listing, stored)));
        let listing = match restored {
            Some((listing, stored)) => {
                let documents = listing.entries();
                let documents = documents.filter_map(|entry| from_disk(&disk, entry));
                let version = listing.trust().version();
                cache.replace(&View::new(version, documents.map(Arc::new)));
                let verified_at = Timestamp::from_millisecond(stored.verified_at_ms);
                cache.set_verified_at(verified_at.unwrap_or(Timestamp::UNIX_EPOCH));
                listing
            }
            None => Listing::read(Trust::pin(identity.root.as_bytes())?)?,
        };
        let never = Timestamp::MIN;
        let state = Mutex::new(State {
            listing,
            saved_at: never,
        });
        Ok(Self {
            disk,
            clock,
            state,
            looked_at: Mutex::new(never),
        })
    }

    /// Checks a push and keeps it; fetches what it lacks. True when the documents changed.
    ///
    /// # Errors
    /// When a check fails or a file cannot be had; nothing is changed then.
    pub(crate) async fn take_push(
        &self,
        push: &Push,
        origin: usize,
        origins: &Origins,
        identity: &Identity,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let mut state = self.state.lock().await;
        let source = Source {
            push: Some(push),
            ..Source::new(origins, origin, identity)
        };
        self.update(&mut state, &source, cache).await
    }

    /// Stopped anywhere in between it has changed nothing but files on disk that nobody reads yet.
    pub(crate) async fn update(
        &self,
        state: &mut State,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let now = self.clock.now();
        let trust = state.listing.trust();
        let mut update = trust.update(now, Interest::Products(cache.products()));
        while let Some(want) = update.wants() {
            update.give(source.metadata(&want).await?.as_deref())?;
        }
        let Some(trust) = update.finish() else {
            return Ok(false);
        };
        let listing = state.listing.next(trust)?;
        let trust = listing.trust();
        let newer = trust.timestamp_version() > state.listing.trust().timestamp_version();
        // The same timestamp again proves nothing: a frozen mirror would send it forever.
        let verified_at = if newer {
            source.proven_at(trust, now).max(cache.verified_at())
        } else {
            cache.verified_at()
        };
        let view = cache.view();
        let held = view.all().count();
        let changed = trust.version() != view.repository || listing.entries().count() != held;
        if changed {
            let documents = self.documents(&listing, source, &view).await?;
            self.save(trust, verified_at)?;
            cache.replace(&View::new(trust.version(), documents));
            state.saved_at = now;
        } else if newer && now.duration_since(state.saved_at) >= bound(TIMESTAMP_SAVED_EACH) {
            self.save(trust, verified_at)?;
            state.saved_at = now;
        }
        state.listing = listing;
        cache.set_verified_at(verified_at);
        Ok(changed)
    }

    /// Every document that metadata names, on disk and verified; the first lane goes first.
    async fn documents(
        &self,
        listing: &Listing,
        source: &Source<'_>,
        view: &View,
    ) -> Result<Vec<Arc<CachedDocument>>, AgentError> {
        let held: HashMap<[u8; 32], &Arc<CachedDocument>> = view
            .all()
            .map(|document| (document.entry.sha256, document))
            .collect();
        let mut entries: Vec<&Entry> = listing.entries().collect();
        entries.sort_by_key(|entry| entry.lane);
        let mut documents = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = held
                .get(&entry.sha256)
                .filter(|document| document.entry == *entry);
            let document = match known {
                Some(document) => Arc::clone(document),
                None => Arc::new(self.obtain(entry, source).await?),
            };
            documents.push(document);
        }
        Ok(documents)
    }

    async fn obtain(
        &self,
        entry: &Entry,
        source: &Source<'_>,
    ) -> Result<CachedDocument, AgentError> {
        if let Some(document) = from_disk(&self.disk, entry) {
            return Ok(document);
        }
        let body = source.document(entry).await?;
        if !entry.fits(&body) {
            return Err(AgentError::Document { file: entry.file() });
        }
        self.disk.write(&on_disk(entry), &body)?;
        Ok(CachedDocument::new(entry.clone(), Bytes::from(body)))
    }

    fn save(&self, trust: &Trust, verified_at: Timestamp) -> Result<(), AgentError> {
        let files = trust.files().into_iter();
        let files = files.map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()));
        let file = TrustFile {
            verified_at_ms: verified_at.as_millisecond(),
            files: files.collect(),
        };
        let bytes = serde_json::to_vec(&file)
            .map_err(|e| AgentError::disk("write", &TRUST_FILE, e.into()))?;
        self.disk.write(TRUST_FILE, &bytes)
    }
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

    /// The moment for which a newer timestamp proves that nothing newer exists: now, from a control plane, which signed it
    /// a moment ago. A mirror may hold one back that it copied earlier, so there it is the moment of its signature.
    fn proven_at(&self, trust: &Trust, now: Timestamp) -> Timestamp {
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

    async fn metadata(&self, want: &Want) -> Result<Option<Vec<u8>>, AgentError> {
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

    async fn document(&self, entry: &Entry) -> Result<Vec<u8>, AgentError> {
        let file = entry.file();
        if let Some(body) = self.push.and_then(|push| push.documents.get(&file)) {
            return Ok(body.clone().into_bytes());
        }
        let path = format!("/agent/v1/targets/{file}");
        let limit = entry.length.min(DOCUMENT_BYTES_MAX as u64);
        let body = self.fetch(&path, limit).await?;
        body.ok_or(AgentError::Document { file })
    }
}

fn restore(stored: &TrustFile) -> Option<Listing> {
    let files = stored
        .files
        .iter()
        .map(|(name, text)| (name.clone(), text.clone().into_bytes()));
    match Trust::restore(&files.collect()).and_then(Listing::read) {
        Ok(listing) => Some(listing),
        Err(e) => {
            tracing::warn!("the metadata on disk does not pass the checks, and is left aside: {e}");
            None
        }
    }
}

/// By content: two versions with equal bodies share a file, and no version overwrites another.
fn on_disk(entry: &Entry) -> String {
    format!("targets/{}.json", hex::encode(entry.sha256))
}

fn from_disk(disk: &Disk, entry: &Entry) -> Option<CachedDocument> {
    let body = disk.read(&on_disk(entry)).ok().flatten()?;
    if !entry.fits(&body) {
        tracing::warn!(
            "document {} on disk was changed; it is fetched again",
            entry.file()
        );
        return None;
    }
    Some(CachedDocument::new(entry.clone(), Bytes::from(body)))
}

fn bound(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}
