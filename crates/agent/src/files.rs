//! Config as files, for sites that only read files: an index for each site, and the documents that
//! the indexes name. What a site reads is decided as in `cache`; the site compares its code.
//! Why they lie like this: `docs/decisions/0019-files-and-flags.md`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::name::Hostname;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cache::{Cache, CachedDocument, Readable, View};
use crate::disk::Disk;
use crate::{AgentError, Shared, pause};

/// Refusals and new documents are in the files about this long after reads show them.
const LOOK_EACH: Duration = Duration::from_secs(1);
const LOOK_MACHINE_MIN: Duration = Duration::from_millis(100);
/// How fresh the files are is written this often; a new proof comes as often.
const STATUS_EACH: Duration = Duration::from_secs(15);
/// After a failure: a full disk is not mended by trying harder.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// A document that no index names any more stays this long, for who read the index before.
const DOCUMENT_KEPT_SECONDS: u64 = 60;
const STATUS_FILE: &str = "status.json";

/// The folder of files.
pub(crate) struct Files {
    top: Disk,
    sites: Disk,
    documents: Disk,
    /// Documents that this process wrote, or found to be whole.
    whole: HashSet<[u8; 32]>,
    /// Documents that no index names, and since when.
    unnamed: HashMap<String, Timestamp>,
    /// What the files show. Kept so that the next of either is not taken for it.
    shown: Option<Arc<View>>,
}

impl Files {
    pub(crate) fn open(folder: &Path) -> Result<Self, AgentError> {
        Ok(Self {
            top: Disk::create_shared(folder)?,
            sites: Disk::create_shared(&folder.join("sites"))?,
            documents: Disk::create_shared(&folder.join("documents"))?,
            whole: HashSet::new(),
            unnamed: HashMap::new(),
            shown: None,
        })
    }

    /// Keeps the files as what sites read, until `stop`. They stay afterwards: the last known good.
    pub(crate) async fn keep(mut self, shared: Arc<Shared>, stop: CancellationToken) {
        let mut status = Status::default();
        while !stop.is_cancelled() {
            let with = Arc::clone(&shared);
            // Much may be written, and synced.
            let done = tokio::task::spawn_blocking(move || {
                let done = self
                    .look(&with)
                    .and_then(|()| status.keep(&self.top, &with));
                (self, status, done)
            });
            let done = match done.await {
                Ok((files, kept, done)) => {
                    (self, status) = (files, kept);
                    done
                }
                Err(e) => return tracing::error!("files are written no more: {e}"),
            };
            let wait = match done {
                Ok(()) => LOOK_EACH,
                Err(e) => {
                    tracing::error!("could not keep the files for sites: {e}");
                    shared.counts.file_failed(shared.clock.now(), &e);
                    RETRY_AFTER
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = pause(&shared.clock, wait, LOOK_MACHINE_MIN) => {}
            }
        }
    }

    /// Writes what changed since the last look.
    fn look(&mut self, shared: &Shared) -> Result<(), AgentError> {
        let now = shared.clock.now();
        let view = shared.cache.view();
        let same = self
            .shown
            .as_ref()
            .is_some_and(|old| Arc::ptr_eq(old, &view));
        // Before the first config there is nothing to show, and what an earlier run left stands. The first lane does not
        // wait until everything else came.
        let has_some = view.repository > 0 || view.all().next().is_some();
        if !same && has_some {
            self.write_all(&shared.cache, &view, now)?;
            self.shown = Some(view);
        }
        self.forget(now)
    }

    /// Documents first, then the indexes that name them.
    fn write_all(&mut self, cache: &Cache, view: &View, now: Timestamp) -> Result<(), AgentError> {
        let mut documents = BTreeSet::new();
        let mut indexes = BTreeSet::new();
        for site in cache.sites() {
            let readable = cache.readable(view, site);
            for (one, _) in readable.iter().flat_map(|(_, versions)| versions) {
                if documents.insert(file_of(one)) {
                    self.write_document(one)?;
                }
            }
            let mut versions = BTreeMap::new();
            for (key, all) in &readable {
                let all: Vec<_> = all.iter().map(listed).collect();
                versions.insert(format!("{}/{}", key.service, key.name), all);
            }
            let index = json!({
                "site": site, "product": cache.product_of(site), "documents": versions,
            });
            let file = format!("{site}.json");
            write_changed(&self.sites, &file, &index)?;
            indexes.insert(file);
        }
        for name in self.sites.names()? {
            if !indexes.contains(&name) && is_index(&name) {
                self.sites.remove(&name)?;
            }
        }
        for name in self.documents.names()? {
            if documents.contains(&name) {
                self.unnamed.remove(&name);
            } else if is_document(&name) {
                self.unnamed.entry(name).or_insert(now);
            }
        }
        Ok(())
    }

    fn write_document(&mut self, one: &CachedDocument) -> Result<(), AgentError> {
        let file = file_of(one);
        if self.whole.contains(&one.sha256) {
            return Ok(());
        }
        let there = self.documents.read(&file)?;
        if there.is_none_or(|there| there != one.body) {
            self.documents.write(&file, &one.body)?;
        }
        self.whole.insert(one.sha256);
        Ok(())
    }

    /// Removes documents that no index named for a while.
    fn forget(&mut self, now: Timestamp) -> Result<(), AgentError> {
        let kept = jiff::SignedDuration::from_secs(DOCUMENT_KEPT_SECONDS.cast_signed());
        let old = self.unnamed.iter();
        let old = old.filter(|(_, since)| now.duration_since(**since) > kept);
        let old: Vec<String> = old.map(|(name, _)| name.clone()).collect();
        for name in old {
            self.documents.remove(&name)?;
            self.whole.retain(|hash| hex::encode(hash) != name[..64]);
            self.unnamed.remove(&name);
        }
        Ok(())
    }
}

/// By content, so that a file never changes: an index and what it names always fit.
fn file_of(one: &CachedDocument) -> String {
    format!("{}.json", hex::encode(one.sha256))
}

fn listed((one, accepts): &Readable) -> Value {
    let mut listed = json!({
        "version": one.entry.version,
        "accepts": accepts.to_string(),
        "file": format!("documents/{}", file_of(one)),
        "sha256": hex::encode(one.sha256),
        "length": one.body.len(),
    });
    if !one.layers.is_empty() {
        let layers = one.layers.iter();
        let layers = layers.map(|one| (one.key.layer.to_string(), one.version.into()));
        listed["layers"] = Value::Object(layers.collect());
    }
    listed
}

fn write_changed(disk: &Disk, file: &str, value: &Value) -> Result<(), AgentError> {
    let bytes = value.to_string().into_bytes();
    if disk.read(file)?.is_some_and(|there| there == bytes) {
        return Ok(());
    }
    disk.write(file, &bytes)
}

/// A name that this agent may have given, whole or cut off by a kill: nothing else is removed.
fn is_index(name: &str) -> bool {
    let site = name
        .strip_suffix("+new")
        .unwrap_or(name)
        .strip_suffix(".json");
    site.is_some_and(|site| Hostname::parse(site).is_ok())
}

fn is_document(name: &str) -> bool {
    let hash = name
        .strip_suffix("+new")
        .unwrap_or(name)
        .strip_suffix(".json");
    hash.is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// How fresh the files are, in a file beside them.
#[derive(Default)]
struct Status {
    written_at: Option<Timestamp>,
    stale: bool,
    repository: u64,
}

impl Status {
    /// Writes it when it is due, or says something else.
    fn keep(&mut self, top: &Disk, shared: &Shared) -> Result<(), AgentError> {
        let now = shared.clock.now();
        let fresh = shared.freshness();
        let repository = shared.cache.repository_version();
        let each = jiff::SignedDuration::try_from(STATUS_EACH).unwrap_or_default();
        let due = self
            .written_at
            .is_none_or(|at| now.duration_since(at).abs() >= each);
        if !due && (self.stale, self.repository) == (fresh.stale, repository) {
            return Ok(());
        }
        // Who reads it counts the age itself: an agent that died writes nothing any more.
        let verified_at = fresh.age.map(|_| shared.cache.verified_at());
        let status = json!({
            "repository_version": repository,
            "verified_at": verified_at,
            "age_seconds": fresh.age.map(|age| age.as_secs()),
            "stale": fresh.stale,
            "stale_after_seconds": shared.settings.stale_after.as_secs(),
            "written_at": now,
        });
        top.write(STATUS_FILE, status.to_string().as_bytes())?;
        *self = Self {
            written_at: Some(now),
            stale: fresh.stale,
            repository,
        };
        Ok(())
    }
}
