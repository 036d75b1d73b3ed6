//! Keeps what is believed: updates trust and documents, on disk first, then in memory.
//!
//! One update at a time. An update that fails a check changes nothing. Documents are on disk before
//! the metadata that names them, and both before a read sees them: a kill at any byte leaves the
//! old state or the new one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clock::Clock;
use domain::document::DOCUMENT_BYTES_MAX;
use jiff::Timestamp;
use protocol::delivery::{Push, TIMESTAMP_LIFE_SECONDS};
use tokio::sync::Mutex;
use tuf::{Entry, Interest, Listing, Places, ShardEntry, Trust, Want};

use crate::AgentError;
use crate::cache::told::HeldShard;
use crate::cache::{Cache, CachedDocument, View};
use crate::disk::Disk;
use crate::identity::Identity;
use crate::origin::Origins;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

const TARGETS: &str = "targets";
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
    pub(crate) looked_at: Mutex<Option<Duration>>,
    /// When a newer timestamp was verified by this process, in milliseconds that passed of the clock; 0
    /// for never. Beside the wall's time, which somebody may set.
    measured_at: AtomicU64,
}

pub(crate) struct State {
    pub(crate) listing: Listing,
    saved_at: Option<Duration>,
}

/// All believed metadata, in one file: it is replaced whole.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct TrustFile {
    verified_at_ms: i64,
    pub(crate) files: BTreeMap<String, String>,
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
        let stored = disk.read_if_well(TRUST_FILE);
        #[cfg(feature = "trial")]
        let stored = stored.filter(|_| !planted(Bug::ForgetTrust));
        let stored = stored.and_then(|bytes| serde_json::from_slice::<TrustFile>(&bytes).ok());
        let restored = stored.and_then(|stored| restore(&stored).map(|listing| (listing, stored)));
        let listing = match restored {
            Some((listing, stored)) => {
                let documents = listing.entries();
                let documents = documents.filter_map(|entry| from_disk(&disk, entry));
                let version = listing.trust().version();
                let own = listing
                    .shards()
                    .filter(|one| cache.places().are_in(&one.shard));
                let shards = own.map(|entry| {
                    let held = shard_from_disk(&disk, entry, cache);
                    Arc::new(held.unwrap_or_else(|| HeldShard::missing(entry.clone())))
                });
                cache.replace(&View::new(
                    version,
                    documents.map(Arc::new),
                    shards.collect(),
                ));
                let verified_at = Timestamp::from_millisecond(stored.verified_at_ms);
                cache.set_verified_at(verified_at.unwrap_or(Timestamp::UNIX_EPOCH));
                listing
            }
            None => Listing::read(Trust::pin(identity.root.as_bytes())?)?,
        };
        let state = Mutex::new(State {
            listing,
            saved_at: None,
        });
        Ok(Self {
            disk,
            clock,
            state,
            looked_at: Mutex::new(None),
            measured_at: AtomicU64::new(0),
        })
    }

    /// What is believed; `None` while an update is under way.
    #[cfg(feature = "trial")]
    pub(crate) fn versions(&self) -> Option<crate::trial::Versions> {
        let state = self.state.try_lock().ok()?;
        let trust = state.listing.trust();
        Some(crate::trial::Versions {
            root: trust.root_version(),
            repository: trust.version(),
            timestamp: trust.timestamp_version(),
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
        let at = now;
        #[cfg(feature = "trial")]
        let at = if planted(Bug::IgnoreExpiry) {
            Timestamp::UNIX_EPOCH
        } else {
            at
        };
        let mut update = trust.update(at, Interest::Sites(Arc::clone(cache.places())));
        while let Some(want) = update.wants() {
            update.give(source.metadata(&want).await?.as_deref())?;
        }
        let Some(trust) = update.finish() else {
            return Ok(false);
        };
        let listing = state.listing.next(trust)?;
        let trust = listing.trust();
        let newer = trust.timestamp_version() > state.listing.trust().timestamp_version();
        #[cfg(feature = "trial")]
        let newer = newer || planted(Bug::AnyTimestampIsNews);
        // The same timestamp again proves nothing: a frozen mirror would send it forever.
        let verified_at = if newer {
            source.proven_at(trust, now).max(cache.verified_at())
        } else {
            cache.verified_at()
        };
        let view = cache.view();
        let has_all = view.has_all(&listing, cache.places());
        let changed = trust.version() != view.repository || !has_all;
        if changed {
            #[cfg(feature = "trial")]
            if planted(Bug::PersistBeforeVerifying) {
                self.save(trust, verified_at)?;
            }
            let documents = self.documents(&listing, source, &view).await?;
            let shards = self.shards(&listing, source, cache).await?;
            #[cfg(feature = "trial")]
            if planted(Bug::MemoryBeforeDisk) {
                cache.replace(&View::new(
                    trust.version(),
                    documents.clone(),
                    shards.clone(),
                ));
            }
            self.save(trust, verified_at)?;
            cache.replace(&View::new(trust.version(), documents, shards));
            state.saved_at = Some(self.clock.passed());
            self.sweep(&listing, cache.places());
        } else if self.is_to_save(state, trust, newer) {
            self.save(trust, verified_at)?;
            state.saved_at = Some(self.clock.passed());
        }
        state.listing = listing;
        cache.set_verified_at(verified_at);
        if newer {
            let passed = u64::try_from(self.clock.passed().as_millis()).unwrap_or(u64::MAX);
            self.measured_at.store(passed.max(1), Ordering::Relaxed);
        }
        Ok(changed)
    }

    /// A new root at once: the keys it ends must not come back with a restart.
    fn is_to_save(&self, state: &State, trust: &Trust, newer: bool) -> bool {
        let since = state
            .saved_at
            .map(|at| self.clock.passed().saturating_sub(at));
        let is_due = since.is_none_or(|since| since >= TIMESTAMP_SAVED_EACH);
        trust.root_version() > state.listing.trust().root_version() || (newer && is_due)
    }

    /// How long ago this process verified a newer timestamp, as it measured; `None` if it did not yet.
    pub(crate) fn age(&self) -> Option<Duration> {
        let at = self.measured_at.load(Ordering::Relaxed);
        let measured = (at > 0).then(|| Duration::from_millis(at))?;
        Some(self.clock.passed().saturating_sub(measured))
    }

    /// Removes documents that metadata names no more, and what a stopped write left: a disk must not fill
    /// up with the past.
    fn sweep(&self, listing: &Listing, places: &Places) {
        let shards = listing.shards().filter(|one| places.are_in(&one.shard));
        let shards = shards.map(|one| by_content(&one.sha256));
        let kept: HashSet<String> = listing.entries().map(on_disk).chain(shards).collect();
        let names = self.disk.names_in(TARGETS).unwrap_or_default();
        for name in names {
            let file = format!("{TARGETS}/{name}");
            if !kept.contains(&file)
                && let Err(e) = self.disk.remove(&file)
            {
                tracing::warn!("{e}");
            }
        }
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

    /// What is told of the sites of this agent, on disk and verified.
    async fn shards(
        &self,
        listing: &Listing,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<Vec<Arc<HeldShard>>, AgentError> {
        let view = cache.view();
        let mut shards = vec![];
        for entry in listing
            .shards()
            .filter(|one| cache.places().are_in(&one.shard))
        {
            let mut held = view.shards().iter();
            let known = held.find(|one| one.entry == *entry && !one.is_missing());
            shards.push(match known {
                Some(known) => Arc::clone(known),
                None => Arc::new(self.obtain_shard(entry, source, cache).await?),
            });
        }
        Ok(shards)
    }

    async fn obtain_shard(
        &self,
        entry: &ShardEntry,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<HeldShard, AgentError> {
        if let Some(held) = shard_from_disk(&self.disk, entry, cache) {
            return Ok(held);
        }
        let file = entry.file();
        let body = source.target(&file, entry.length).await?;
        let held = read_shard(entry, &body, cache).ok_or(AgentError::Document { file })?;
        self.disk.write(&by_content(&entry.sha256), &body)?;
        Ok(held)
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
        let fits = entry.fits(&body);
        #[cfg(feature = "trial")]
        let fits = fits || planted(Bug::SkipHash);
        if !fits {
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
        self.target(&file, entry.length).await
    }

    async fn target(&self, file: &str, length: u64) -> Result<Vec<u8>, AgentError> {
        let path = format!("/agent/v1/targets/{file}");
        let limit = length.min(DOCUMENT_BYTES_MAX as u64);
        let body = self.fetch(&path, limit).await?;
        let file = file.to_owned();
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
    by_content(&entry.sha256)
}

fn by_content(sha256: &[u8; 32]) -> String {
    format!("{TARGETS}/{}.json", hex::encode(sha256))
}

fn shard_from_disk(disk: &Disk, entry: &ShardEntry, cache: &Cache) -> Option<HeldShard> {
    let body = disk.read(&by_content(&entry.sha256)).ok().flatten()?;
    read_shard(entry, &body, cache)
}

fn read_shard(entry: &ShardEntry, body: &[u8], cache: &Cache) -> Option<HeldShard> {
    if !entry.fits(body) {
        return None;
    }
    HeldShard::read(entry.clone(), body, |site, product| {
        cache.product_of(site) == Some(product)
    })
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
