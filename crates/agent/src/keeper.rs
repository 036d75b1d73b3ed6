//! Keeps the cache current: fetches, checks, writes to disk, then shows to readers. In that order.
//!
//! What an update shows is always what signed metadata of one moment lists, except where a file cannot be had
//! yet: such a document is read as it was, whole, and the agent says that it is not current. Documents of the
//! first lane are fetched by whoever holds the state; all others afterwards, while newer pushes are
//! taken, so that no backlog delays the first lane (`docs/decisions/0022-first-lane.md`).

mod bodies;
mod source;
mod trust_file;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clock::Clock;
use domain::document::Lane;
use jiff::Timestamp;
use protocol::delivery::Push;
use tokio::sync::{Mutex, Notify};
use tuf::{Entry, Interest, Listing, Trust};

use crate::AgentError;
use crate::cache::told::HeldShard;
use crate::cache::{Cache, CachedDocument, Freshness, View};
use crate::disk::Disk;
use crate::identity::Identity;
use crate::origin::Origins;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};
use bodies::Bodies;
pub(crate) use source::Source;
pub(crate) use trust_file::{Behind, TrustFile};

/// A heartbeat changes nothing but the timestamp. Losing some minutes of those in a crash makes the
/// agent look older than it is, never newer, so the disk is spared.
const TIMESTAMP_SAVED_EACH: Duration = Duration::from_secs(300);

pub(crate) struct Keeper {
    disk: Disk,
    bodies: Bodies,
    pub(crate) clock: Clock,
    pub(crate) state: Mutex<State>,
    /// When origins were last asked with success. Held by the look that is under way; others wait for it.
    pub(crate) looked_at: Mutex<Option<Duration>>,
    /// When a newer timestamp was verified by this process, in milliseconds that passed of the clock; 0
    /// for never. Beside the wall's time, which somebody may set.
    measured_at: AtomicU64,
    /// Of the clock that nobody sets.
    began_at: Duration,
    /// Told when what is held changed.
    changed: Arc<Notify>,
}

pub(crate) struct State {
    pub(crate) listing: Listing,
    /// When its timestamp came; `None` while that is the one from disk.
    seen: Option<Seen>,
    saved_at: Option<Duration>,
}

/// When a newer timestamp was verified.
#[derive(Clone, Copy)]
struct Seen {
    /// The moment for which it proves that nothing newer exists.
    proven_at: Timestamp,
    /// Of the clock that nobody sets.
    passed: Duration,
}

impl Keeper {
    /// Loads the last known good. Files that do not pass the checks are as good as missing.
    pub(crate) fn load(
        disk: Disk,
        identity: &Identity,
        cache: &Cache,
        clock: Clock,
        changed: Arc<Notify>,
    ) -> Result<Self, AgentError> {
        let bodies = Bodies::new(disk.clone());
        let stored = TrustFile::read(&disk);
        #[cfg(feature = "trial")]
        let stored = stored.filter(|_| !planted(Bug::ForgetTrust));
        let restored = stored.and_then(|stored| Some((stored.listing()?, stored)));
        let listing = match restored {
            Some((listing, stored)) if stored.is_whole() => {
                cache.replace(&last_known_good(&stored, &listing, &bodies, cache));
                cache.set_verified_at(stored.verified_at());
                listing
            }
            // What was signed verifies, so that trust does not go back. All the rest of the file is as good as missing:
            // nobody knows how old what is read is.
            Some((listing, stored)) if listing.trust().has_all(&own(cache)) => {
                tracing::warn!("what is believed changed on disk: its age is not known any more");
                cache.replace(&last_known_good(&stored, &listing, &bodies, cache));
                listing
            }
            // A document without one of its layers is worse than none.
            Some((listing, _)) => {
                tracing::warn!(
                    "what is believed changed on disk: nothing is read until an origin answers"
                );
                listing
            }
            None => Listing::read(Trust::pin(identity.root.as_bytes())?)?,
        };
        let state = Mutex::new(State {
            listing,
            seen: None,
            saved_at: None,
        });
        Ok(Self {
            disk,
            bodies,
            began_at: clock.passed(),
            clock,
            state,
            looked_at: Mutex::new(None),
            measured_at: AtomicU64::new(0),
            changed,
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

    /// Checks a push and keeps it; fetches what it lacks of the first lane. True when the documents changed.
    ///
    /// # Errors
    /// When a check fails or a file cannot be had.
    pub(crate) async fn take_push(
        &self,
        push: &Push,
        origin: usize,
        origins: &Origins,
        identity: &Identity,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let source = Source::new(origins, origin, identity).with(push);
        let take = async {
            let mut state = self.state.lock().await;
            self.update(&mut state, &source, cache).await
        };
        // The next push waits for this one.
        tokio::select! {
            biased;
            came = take => came,
            e = origins.out_of_time(origin) => Err(e),
        }
    }

    /// Takes what is newest of metadata, all documents of the first lane, and of others those that are at hand. True
    /// when the documents changed.
    ///
    /// # Errors
    /// When a check fails or a file cannot be had. Documents that are whole are shown all the same.
    pub(crate) async fn update(
        &self,
        state: &mut State,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let came = self.try_update(state, source, cache).await;
        self.make_room_after(&came, state, cache);
        came
    }

    /// A full disk must not stay so by what was fetched ahead: it would keep the first lane out for ever.
    fn make_room_after<T>(&self, came: &Result<T, AgentError>, state: &State, cache: &Cache) {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        // Other failures may have left the new state on disk, which needs all that it lists.
        let is_full = |e: &AgentError| matches!(e, AgentError::Disk { source, .. } if [StorageFull, QuotaExceeded].contains(&source.kind()));
        if came.as_ref().is_err_and(is_full) {
            self.bodies.make_room(&state.listing, &cache.view(), cache);
        }
    }

    async fn try_update(
        &self,
        state: &mut State,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<bool, AgentError> {
        let (now, passed) = (self.clock.now(), self.clock.passed());
        let listing = self.listed(state, source, cache).await?;
        let trust = listing.trust();
        let newer = trust.timestamp_version() > state.listing.trust().timestamp_version();
        #[cfg(feature = "trial")]
        let newer = newer || planted(Bug::AnyTimestampIsNews);
        // The same timestamp again proves nothing: a frozen mirror would send it forever.
        let seen = newer.then(|| Seen {
            proven_at: source.proven_at(trust, now),
            passed,
        });
        let view = cache.view();
        if view.listed == trust.version() && view.is_whole() {
            return self.believe(state, listing, seen, cache).map(|()| false);
        }
        #[cfg(feature = "trial")]
        if planted(Bug::PersistBeforeVerifying) {
            TrustFile::of(trust, now, &View::default())?.write(&self.disk)?;
        }
        let shards = self.shards(&listing, source, cache).await?;
        let (held, failed) = self.gather(&listing, Some(source), &view).await;
        let next = view.followed_by(&listing, held, shards);
        let changed = !next.is_same(&view);
        if changed {
            self.show(state, listing, seen, cache, &next)?;
        } else {
            self.believe(state, listing, seen, cache)?;
        }
        failed.map_or(Ok(changed), Err)
    }

    /// Fetches what is missing of documents, the first lane first. Newer pushes are taken meanwhile: nothing is
    /// locked while an origin is waited for. Stopped anywhere, what came lies on disk.
    ///
    /// # Errors
    /// When a file cannot be had. Documents that are whole are shown all the same.
    pub(crate) async fn catch_up(
        &self,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<(), AgentError> {
        let came = self.try_to_catch_up(source, cache).await;
        if came.is_err() {
            self.make_room_after(&came, &*self.state.lock().await, cache);
        }
        came
    }

    async fn try_to_catch_up(&self, source: &Source<'_>, cache: &Cache) -> Result<(), AgentError> {
        while !cache.view().is_whole() {
            let listing = self.state.lock().await.listing.clone();
            let view = cache.view();
            let mut missing: Vec<&Entry> = listing.entries().collect();
            missing.retain(|entry| view.misses(entry));
            missing.sort_by_key(|entry| entry.lane);
            let mut fetched = Ok(());
            for entry in missing {
                fetched = self.bodies.obtain(entry, source).await.map(drop);
                if fetched.is_err() {
                    break;
                }
            }
            let mut state = self.state.lock().await;
            let (listing, view) = (state.listing.clone(), cache.view());
            let (held, failed) = self.gather(&listing, None, &view).await;
            let next = view.followed_by(&listing, held, view.shards().to_vec());
            if !next.is_same(&view) {
                self.show(&mut state, listing, None, cache, &next)?;
            }
            failed.map_or(fetched, Err)?;
        }
        Ok(())
    }

    /// What the newest metadata lists, all checks passed; nothing is changed.
    async fn listed(
        &self,
        state: &State,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<Listing, AgentError> {
        let at = self.clock.now();
        #[cfg(feature = "trial")]
        let at = if planted(Bug::IgnoreExpiry) {
            Timestamp::UNIX_EPOCH
        } else {
            at
        };
        let trust = state.listing.trust();
        let mut update = trust.update(at, own(cache));
        while let Some(want) = update.wants() {
            update.give(source.metadata(&want).await?.as_deref())?;
        }
        match update.finish() {
            Some(trust) => Ok(state.listing.next(trust)?),
            None => Ok(state.listing.clone()),
        }
    }

    /// Documents that metadata lists, as far as they are on disk and verified. A source is asked for those of the
    /// first lane; after a first failure, which is given too, it is asked for no more.
    async fn gather(
        &self,
        listing: &Listing,
        source: Option<&Source<'_>>,
        view: &View,
    ) -> (Vec<Arc<CachedDocument>>, Option<AgentError>) {
        let held: HashMap<[u8; 32], &Arc<CachedDocument>> = view
            .all()
            .map(|document| (document.entry.sha256, document))
            .collect();
        let first = listing.entries().filter(|entry| entry.lane == Lane::First);
        let first: HashSet<_> = first.map(|entry| entry.key.document()).collect();
        let mut entries: Vec<(bool, &Entry)> = listing
            .entries()
            .map(|entry| (!first.contains(&entry.key.document()), entry))
            .collect();
        entries.sort_by_key(|(waits, _)| *waits);
        let mut documents = Vec::with_capacity(entries.len());
        let mut failed = None;
        for (waits, entry) in entries {
            #[cfg(feature = "trial")]
            let waits = waits && !planted(Bug::AllAtOnce);
            let known = held
                .get(&entry.sha256)
                .filter(|document| document.entry == *entry);
            let came = match (known, source) {
                (Some(document), _) => {
                    documents.push(Arc::clone(document));
                    continue;
                }
                (None, Some(source)) if !waits && failed.is_none() => {
                    self.bodies.obtain(entry, source).await.map(Some)
                }
                (None, source) => self.bodies.at_hand(entry, source),
            };
            match came {
                Ok(document) => documents.extend(document.map(Arc::new)),
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        (documents, failed)
    }

    /// What is told of the sites of this agent, on disk and verified. All of it goes with the first lane: it
    /// says which layers a site reads.
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
                None => Arc::new(self.bodies.obtain_shard(entry, source, cache).await?),
            });
        }
        Ok(shards)
    }

    /// Believes newer metadata and shows other documents: disk first.
    fn show(
        &self,
        state: &mut State,
        listing: Listing,
        seen: Option<Seen>,
        cache: &Cache,
        next: &View,
    ) -> Result<(), AgentError> {
        #[cfg(feature = "trial")]
        if planted(Bug::MemoryBeforeDisk) {
            cache.replace(next);
        }
        let proof = self.proof(seen.or(state.seen), next, cache);
        self.bodies.keep_behind(next)?;
        TrustFile::of(listing.trust(), proof, next)?.write(&self.disk)?;
        cache.replace(next);
        self.changed.notify_one();
        state.saved_at = Some(self.clock.passed());
        // By what is believed now: what a try that fails fetched is needed by the next.
        self.bodies.sweep(&listing, next, cache);
        self.note(state, listing, seen, cache);
        Ok(())
    }

    /// Believes newer metadata that changes no document.
    fn believe(
        &self,
        state: &mut State,
        listing: Listing,
        seen: Option<Seen>,
        cache: &Cache,
    ) -> Result<(), AgentError> {
        let (trust, view) = (listing.trust(), cache.view());
        if self.is_to_save(state, trust, seen.is_some() && view.is_whole()) {
            let proof = self.proof(seen, &view, cache);
            TrustFile::of(trust, proof, &view)?.write(&self.disk)?;
            state.saved_at = Some(self.clock.passed());
        }
        self.note(state, listing, seen, cache);
        Ok(())
    }

    /// Remembers what is believed now. Only who has everything is as fresh as what he believes.
    fn note(&self, state: &mut State, listing: Listing, seen: Option<Seen>, cache: &Cache) {
        state.listing = listing;
        state.seen = seen.or(state.seen);
        let view = cache.view();
        cache.set_verified_at(self.proof(state.seen, &view, cache));
        if let Some(seen) = state.seen.filter(|_| view.is_whole()) {
            let passed = u64::try_from(seen.passed.as_millis()).unwrap_or(u64::MAX);
            self.measured_at.store(passed.max(1), Ordering::Relaxed);
        }
    }

    /// The moment for which it is proven that `view` is the newest.
    fn proof(&self, seen: Option<Seen>, view: &View, cache: &Cache) -> Timestamp {
        let before = cache.verified_at();
        match seen.filter(|_| view.is_whole()) {
            // Before the clock was set back, another proof was of a moment that is yet to come: it says nothing.
            Some(seen) if before > self.clock.now() => seen.proven_at,
            Some(seen) => before.max(seen.proven_at),
            None => before,
        }
    }

    /// A new root at once: the keys it ends must not come back with a restart.
    fn is_to_save(&self, state: &State, trust: &Trust, is_proof: bool) -> bool {
        let since = state
            .saved_at
            .map(|at| self.clock.passed().saturating_sub(at));
        let is_due = since.is_none_or(|since| since >= TIMESTAMP_SAVED_EACH);
        #[cfg(feature = "trial")]
        let is_due = is_due && !planted(Bug::ForgetTimestamps);
        trust.root_version() > state.listing.trust().root_version() || (is_proof && is_due)
    }

    /// With what this process measured, by a clock that nobody sets: the greater age is the honest one.
    pub(crate) fn measured(&self, fresh: Freshness, stale_after: Duration) -> Freshness {
        let at = self.measured_at.load(Ordering::Relaxed);
        let passed = self.clock.passed();
        let since = |at: Duration| passed.saturating_sub(at);
        if at > 0 {
            return fresh.at_least(since(Duration::from_millis(at)), stale_after);
        }
        // What was on disk is older than this process.
        match fresh.age {
            Some(_) => fresh.at_least(since(self.began_at), stale_after),
            None => fresh,
        }
    }
}

/// The roles that concern the sites of this agent.
fn own(cache: &Cache) -> Interest {
    Interest::Sites(Arc::clone(cache.places()))
}

fn last_known_good(stored: &TrustFile, listing: &Listing, bodies: &Bodies, cache: &Cache) -> View {
    // Where the file changed, something may have been behind.
    let none_behind = || Behind {
        repository: if stored.is_whole() {
            listing.trust().version()
        } else {
            0
        },
        ..Behind::default()
    };
    let behind = stored.behind().unwrap_or_else(none_behind);
    let find = |entry: &Entry| bodies.find(entry).map(Arc::new);
    let (mut before, mut holes) = (vec![], behind.holes);
    for entry in behind.entries {
        match find(&entry) {
            Some(found) => before.push(found),
            // Its file rotted.
            None => holes.push(entry),
        }
    }
    let before = View::before(behind.repository, before, holes);
    let own = listing
        .shards()
        .filter(|one| cache.places().are_in(&one.shard));
    let shards = own.map(|entry| {
        let held = bodies.find_shard(entry, cache);
        Arc::new(held.unwrap_or_else(|| HeldShard::missing(entry.clone())))
    });
    let held = listing.entries().filter_map(find).collect();
    before.followed_by(listing, held, shards.collect())
}
