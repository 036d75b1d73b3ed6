//! The signed repository and what agents hold of it, in memory.
//!
//! Reads take no lock that a publication holds. Never decides what is published or activated;
//! `publish` and `release` do.

mod layers;
mod repository;
mod wake;

pub(crate) use repository::{ROOT_EXPIRES_AFTER, expires};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use clock::Clock;
use domain::document::{Document, DocumentKey};
use domain::id::{AgentId, HolderId, SiteId};
use domain::rollout::Waiting;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{
    EVENT_ACTIONS, EVENT_HEARTBEAT, EVENT_REPOSITORY, Held, Push, Refused, TIMESTAMP_LIFE_SECONDS,
};
use semver::Version;
use store::{FILES_KEPT, RepositoryFile, Store, StoreError, StoredRepository};
use tokio::sync::{Mutex, broadcast};
use tokio_util::sync::CancellationToken;
use tuf::{Entry, Keys, MetadataFile, SigningKey};

use crate::acks::{Parts, Turns};
use crate::keys::Warned;
use crate::told::Told;
use crate::{Engine, EngineError, Signal};
use wake::To;

/// Events that a slow connection may miss before it is told to look again.
const EVENTS_KEPT: usize = 64;
const HEARTBEAT: Duration = Duration::from_secs(15);
const TIMESTAMP_EXPIRES_AFTER: SignedDuration = SignedDuration::from_secs(TIMESTAMP_LIFE_SECONDS);
/// Timestamp versions reserved at a time: a heartbeat writes to the store once in 42 hours.
const TIMESTAMPS_RESERVED: u64 = 10_000;
pub(crate) const METADATA_EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Something to send to connected agents.
#[derive(Clone, Debug)]
pub struct DeliveryEvent {
    to: To,
    /// A server-sent event to the byte, made once: each connection writes it with one call, and copies
    /// nothing.
    pub frame: Bytes,
}

impl DeliveryEvent {
    /// An event for all, of that name at a version of the repository; `data` is JSON, in one line.
    #[must_use]
    pub fn new(name: &str, id: u64, data: &[u8]) -> Self {
        let head = format!("event: {name}\nid: {id}\ndata: ");
        let frame = [head.as_bytes(), data, b"\n\n"].concat().into();
        Self { to: To::All, frame }
    }

    /// Whether an agent is to have it.
    #[must_use]
    pub fn is_for(&self, agent: AgentId) -> bool {
        match &self.to {
            To::All => true,
            To::These(agents) => agents.contains(&agent),
        }
    }
}

/// The repository at one version.
pub struct Repository {
    pub(crate) version: u64,
    pub(crate) files: BTreeMap<String, Bytes>,
    /// The newest file of each role but root and timestamp.
    pub(crate) current: BTreeMap<String, MetadataFile>,
    targets: HashMap<String, Bytes>,
    /// Newest first.
    documents: BTreeMap<DocumentKey, Vec<Arc<Document>>>,
    /// What agents are told of sites.
    pub(crate) told: Told,
    pub(crate) root: Bytes,
}

pub(crate) struct Delivery {
    /// Changed under `publishing` only.
    pub(crate) keys: ArcSwap<Keys>,
    pub(crate) repository: ArcSwap<Repository>,
    timestamp: ArcSwap<Signed>,
    /// One publication at a time in this process; the store guards against other processes.
    pub(crate) publishing: Mutex<()>,
    events: broadcast::Sender<DeliveryEvent>,
    /// Held while it is read who serves what.
    pub(crate) enrolling: Mutex<()>,
    pub(crate) agents: ArcSwap<Agents>,
    pub(crate) acks: ArcSwap<PerAgent<Arc<HashSet<Held>>>>,
    /// What agents said in parts so far.
    pub(crate) parts: std::sync::Mutex<Parts>,
    /// Whose word is being taken.
    pub(crate) turns: Turns,
    /// Versions that sites refused, by the agent that says so.
    pub(crate) refusals: ArcSwap<PerAgent<Arc<[Refused]>>>,
    /// Versions about whose refusal people were paged by this process.
    pub(crate) refusals_paged: std::sync::Mutex<HashSet<Held>>,
    /// When each agent was heard last.
    pub(crate) heard: std::sync::Mutex<HashMap<AgentId, Timestamp>>,
    /// What the team was warned of.
    pub(crate) warned: std::sync::Mutex<Warned>,
    /// What versions that are on their way wait for.
    pub(crate) waiting: std::sync::Mutex<HashMap<(DocumentKey, u64), Waiting>>,
}

struct Signed {
    version: u64,
    /// The last version that this process may use.
    reserved: u64,
    bytes: Bytes,
}

/// What is known of each agent. A change shares all else with the map before it: what one of 20,000 agents says must not cost
/// a copy of what all of them said.
pub(crate) type PerAgent<T> = rpds::HashTrieMapSync<AgentId, T>;

/// Who serves which site.
#[derive(Clone, Default)]
pub(crate) struct Agents {
    pub(crate) by_holder: HashMap<HolderId, AgentId>,
    pub(crate) by_site: HashMap<SiteId, AgentId>,
    pub(crate) sites: HashMap<AgentId, Vec<SiteId>>,
    pub(crate) hosts: BTreeMap<AgentId, Arc<str>>,
}

impl Repository {
    pub(crate) fn build(stored: StoredRepository, documents: Vec<Document>, told: Told) -> Self {
        let mut files = BTreeMap::new();
        let mut current = BTreeMap::new();
        let mut root = Bytes::new();
        for RepositoryFile {
            role,
            version,
            body,
        } in stored.files
        {
            let file = MetadataFile {
                role,
                version,
                bytes: body,
            };
            let bytes = Bytes::from(file.bytes.clone());
            files.insert(file.name(), bytes.clone());
            // Files come by role and version: the last one of a role stays.
            if file.role == "root" {
                root = bytes;
            } else {
                current.insert(file.role.clone(), file);
            }
        }
        let mut targets = HashMap::new();
        let mut by_key: BTreeMap<DocumentKey, Vec<Arc<Document>>> = BTreeMap::new();
        for document in documents {
            if !document.key.layer.is_site() {
                targets.insert(
                    Entry::of(&document).file(),
                    Bytes::from(document.body.clone()),
                );
            }
            by_key
                .entry(document.key.clone())
                .or_default()
                .insert(0, Arc::new(document));
        }
        Self {
            version: stored.version,
            files,
            current,
            targets,
            documents: by_key,
            told,
            root,
        }
    }

    /// How often something was published: the version of the signed set.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The newest version of a document that accepts `code` and that all sites are given.
    #[must_use]
    pub fn document_for_all(&self, key: &DocumentKey, code: &Version) -> Option<Arc<Document>> {
        let mut versions = self.documents.get(key)?.iter();
        versions.find(|one| one.is_for(None, code)).cloned()
    }

    /// The newest metadata files, and every root; the timestamp, which names the others, is the last.
    #[must_use]
    pub fn metadata_files(&self) -> Vec<String> {
        let roots = self.files.keys();
        let mut roots: Vec<_> = roots.filter(|name| name.ends_with(".root.json")).collect();
        let version = |name: &&String| {
            let version = name.strip_suffix(".root.json");
            version.and_then(|version| version.parse::<u64>().ok())
        };
        roots.sort_by_key(version);
        let newest = self.current.values().map(MetadataFile::name);
        // Roots late, the oldest first: who reads a copy in the middle then reads all of the version before.
        let named = newest.chain(roots.into_iter().cloned());
        named.chain(["timestamp.json".to_owned()]).collect()
    }

    /// The bodies of documents, by the names that consistent snapshots have, with their lengths.
    pub fn target_files(&self) -> impl Iterator<Item = (&str, usize)> {
        let files = self.targets.iter().chain(self.told.files());
        files.map(|(name, body)| (name.as_str(), body.len()))
    }

    /// The versions of all documents that some site reads or will read, by key, newest first.
    #[must_use]
    pub fn documents(&self) -> &BTreeMap<DocumentKey, Vec<Arc<Document>>> {
        &self.documents
    }

    /// The repository that follows this one, with `documents`, what is `told` of sites, and the metadata
    /// that carries both.
    #[must_use]
    pub fn followed_by(
        &self,
        documents: BTreeMap<DocumentKey, Vec<Arc<Document>>>,
        told: Told,
        signed: &[MetadataFile],
    ) -> Self {
        let (mut files, mut current) = (self.files.clone(), self.current.clone());
        let mut root = self.root.clone();
        for file in signed {
            let bytes = Bytes::from(file.bytes.clone());
            files.insert(file.name(), bytes.clone());
            if file.role == "root" {
                // All roots are kept: an agent goes from the one that it enrolled with to the newest.
                root = bytes;
                continue;
            }
            current.insert(file.role.clone(), file.clone());
            // As the store does: for clients in the middle of an update.
            let forgotten = file.version.saturating_sub(FILES_KEPT + 1);
            files.remove(&format!("{forgotten}.{}.json", file.role));
        }
        let listed = documents.iter().filter(|(key, _)| !key.layer.is_site());
        let bodies = listed.flat_map(|(_, versions)| versions).map(|document| {
            let name = Entry::of(document).file();
            let known = self.targets.get(&name).cloned();
            let body = known.unwrap_or_else(|| Bytes::from(document.body.clone()));
            (name, body)
        });
        Self {
            version: self.version + 1,
            files,
            current,
            targets: bodies.collect(),
            documents,
            told,
            root,
        }
    }
}

impl Delivery {
    pub(crate) async fn open(store: &Store, clock: &Clock) -> Result<Self, EngineError> {
        if store.repository().await?.is_none() {
            found(store, clock).await?;
        }
        let repository = load(store).await?;
        let keys = load_keys(store, &repository).await?;
        let first = Signed {
            version: 0,
            reserved: 0,
            bytes: Bytes::new(),
        };
        let delivery = Self {
            keys: ArcSwap::from_pointee(keys),
            repository: ArcSwap::from_pointee(repository),
            timestamp: ArcSwap::from_pointee(first),
            publishing: Mutex::new(()),
            events: broadcast::Sender::new(EVENTS_KEPT),
            enrolling: Mutex::new(()),
            agents: ArcSwap::from_pointee(load_agents(store).await?),
            acks: ArcSwap::from_pointee(load_acks(store).await?),
            refusals: ArcSwap::from_pointee(load_refusals(store).await?),
            parts: std::sync::Mutex::default(),
            turns: Turns::default(),
            refusals_paged: std::sync::Mutex::default(),
            heard: std::sync::Mutex::default(),
            warned: std::sync::Mutex::default(),
            waiting: std::sync::Mutex::default(),
        };
        delivery.sign_timestamp(store, clock).await?;
        Ok(delivery)
    }

    /// Signs a timestamp for the snapshot in memory. Callers hold `publishing`, or are alone.
    pub(crate) async fn sign_timestamp(
        &self,
        store: &Store,
        clock: &Clock,
    ) -> Result<(), EngineError> {
        let before = self.timestamp.load();
        let (mut version, mut reserved) = (before.version + 1, before.reserved);
        if version > reserved {
            version = store.reserve_timestamps(TIMESTAMPS_RESERVED).await?;
            reserved = version + TIMESTAMPS_RESERVED - 1;
        }
        let repository = self.repository.load();
        let file = repository.timestamp(&self.keys.load(), version, clock.now())?;
        self.timestamp.store(Arc::new(Signed {
            version,
            reserved,
            bytes: file.bytes.into(),
        }));
        Ok(())
    }

    /// Puts a new repository in place and pushes what changed.
    async fn replace(&self, repository: Repository, store: &Store, clock: &Clock) {
        let before = self.repository.load_full();
        // The repository before the timestamp that names it: who follows the timestamp finds it.
        self.repository.store(Arc::new(repository));
        if let Err(e) = self.sign_timestamp(store, clock).await {
            // It is saved. Whoever published must not hear that it is not, and do it twice; the next heartbeat tells
            // agents of it.
            tracing::error!("could not sign a timestamp: {e}");
            return;
        }
        let now = self.repository.load();
        let push = now.push_after(&before, &self.timestamp.load().bytes);
        self.send(EVENT_REPOSITORY, &push);
    }

    fn heartbeat(&self) -> Push {
        let timestamp = self.timestamp.load();
        self.repository.load().heartbeat(&timestamp.bytes)
    }

    fn send(&self, name: &'static str, push: &Push) {
        let data = serde_json::to_vec(push).unwrap_or_default();
        // Without a connected agent nobody needs it.
        let event = DeliveryEvent::new(name, push.version, &data);
        let _ = self.events.send(event);
    }
}

impl Engine {
    /// The repository as it is now.
    #[must_use]
    pub fn repository(&self) -> Arc<Repository> {
        self.0.delivery.repository.load_full()
    }

    /// A metadata file by its name in the repository.
    #[must_use]
    pub fn repository_file(&self, name: &str) -> Option<Bytes> {
        if name == "timestamp.json" {
            return Some(self.0.delivery.timestamp.load().bytes.clone());
        }
        self.0.delivery.repository.load().file(name)
    }

    /// A document's body by its file name below the folder of targets.
    #[must_use]
    pub fn target_file(&self, name: &str) -> Option<Bytes> {
        self.0.delivery.repository.load().target(name)
    }

    /// The newest root file, which an agent trusts from its enrolment on.
    #[must_use]
    pub fn root_file(&self) -> Bytes {
        self.0.delivery.repository.load().root()
    }

    /// Events for connected agents. A listener that lags must tell its agent to look again.
    #[must_use]
    pub fn delivery_events(&self) -> broadcast::Receiver<DeliveryEvent> {
        self.0.delivery.events.subscribe()
    }

    /// The event that opens a connection: the newest timestamp.
    #[must_use]
    pub fn delivery_greeting(&self) -> DeliveryEvent {
        let push = self.0.delivery.heartbeat();
        let data = serde_json::to_vec(&push).unwrap_or_default();
        DeliveryEvent::new(EVENT_HEARTBEAT, push.version, &data)
    }

    /// Signs a fresh timestamp every few seconds. Waits for nothing else: what keeps it from signing makes the whole fleet
    /// stale.
    pub(crate) async fn deliver(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock().sleep(HEARTBEAT) => self.beat().await,
            }
        }
    }

    /// Waits until nobody publishes; nobody does until what it gives is dropped, and heartbeats wait, too.
    pub async fn hold_publishing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.delivery.publishing.lock().await
    }

    async fn beat(&self) {
        let delivery = &self.0.delivery;
        let _alone = delivery.publishing.lock().await;
        if let Err(e) = delivery.sign_timestamp(self.store(), self.clock()).await {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                "could not sign a timestamp: {e}"
            );
            return;
        }
        delivery.send(EVENT_HEARTBEAT, &delivery.heartbeat());
        let repository = delivery.repository.load_full();
        if repository.is_to_sign_again(self.clock().now()) {
            let signed = self.sign_again(&repository).await;
            signed.unwrap_or_else(|e| {
                tracing::error!(
                    error = &e as &dyn std::error::Error,
                    "could not sign metadata: {e}"
                );
            });
        }
        if let Err(e) = self.look_after_root().await {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                "could not look after the root: {e}"
            );
        }
        // After both: what could be signed anew needs nobody.
        if let Err(e) = self.warn_of_endings().await {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                "could not warn of what ends: {e}"
            );
        }
    }

    /// Reads the repository again: another process published.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn reload_repository(&self) -> Result<(), EngineError> {
        let repository = load(self.store()).await?;
        let keys = load_keys(self.store(), &repository).await?;
        self.0.delivery.keys.store(Arc::new(keys));
        self.put_in_place(repository).await;
        Ok(())
    }

    /// Serves a repository from now on, and pushes what changed. Callers hold `publishing`.
    pub(crate) async fn put_in_place(&self, repository: Repository) {
        let version = repository.version;
        let delivery = &self.0.delivery;
        delivery
            .replace(repository, self.store(), self.clock())
            .await;
        self.signal(Signal::RepositoryChanged(version));
    }
}

async fn found(store: &Store, clock: &Clock) -> Result<(), EngineError> {
    let fail = |e: tuf::KeyError| EngineError::remote("make signing keys", &e);
    let made = Keys::NAMES
        .iter()
        .map(|name| Ok((*name, SigningKey::generate().map_err(fail)?)))
        .collect::<Result<Vec<_>, EngineError>>()?;
    let find = |name: &str| {
        made.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, key)| key.clone())
    };
    let keys = Keys::read(find).map_err(fail)?;
    let files = repository::first_files(&keys, clock.now())?;
    match store.found_repository(&made, &files).await {
        // Another process was faster: its repository is the one.
        Ok(()) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

async fn load(store: &Store) -> Result<Repository, EngineError> {
    let documents = store.documents().await?;
    let stored = store.repository().await?;
    let stored = stored.ok_or_else(|| EngineError::not_found("repository", "in the store"))?;
    let told = Told::build(store.shards().await?)?;
    Ok(Repository::build(stored, documents, told))
}

async fn load_keys(store: &Store, repository: &Repository) -> Result<Keys, EngineError> {
    crate::keys::current(&repository.root, store.repository_keys().await?)
}

pub(crate) async fn load_agents(store: &Store) -> Result<Agents, StoreError> {
    let mut agents = Agents::default();
    for agent in store.agents().await? {
        agents.by_holder.insert(agent.holder, agent.id);
        agents.hosts.insert(agent.id, agent.host.into());
    }
    for (site, agent) in store.agent_sites().await? {
        agents.by_site.insert(site, agent);
        agents.sites.entry(agent).or_default().push(site);
    }
    Ok(agents)
}

async fn load_acks(store: &Store) -> Result<PerAgent<Arc<HashSet<Held>>>, StoreError> {
    let mut acks: HashMap<AgentId, HashSet<Held>> = HashMap::new();
    for ack in store.acks().await? {
        let held = Held {
            key: ack.key,
            version: ack.version,
        };
        acks.entry(ack.agent).or_default().insert(held);
    }
    Ok(acks
        .into_iter()
        .map(|(agent, held)| (agent, Arc::new(held)))
        .collect())
}

async fn load_refusals(store: &Store) -> Result<PerAgent<Arc<[Refused]>>, StoreError> {
    let mut refusals: HashMap<AgentId, Vec<Refused>> = HashMap::new();
    for (agent, one) in store.refusals().await? {
        let refused = Refused {
            site: one.site,
            held: Held {
                key: one.key,
                version: one.version,
            },
            reason: one.reason,
        };
        refusals.entry(agent).or_default().push(refused);
    }
    let shared = refusals.into_iter().map(|(agent, all)| (agent, all.into()));
    Ok(shared.collect())
}

pub(crate) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

pub(crate) fn stored(file: MetadataFile) -> RepositoryFile {
    RepositoryFile {
        role: file.role,
        version: file.version,
        body: file.bytes,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "named in `map_err`, which passes by value"
)]
pub(crate) fn signing(error: tuf::BuildError) -> EngineError {
    EngineError::remote("sign metadata", &error)
}
