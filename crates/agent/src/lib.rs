//! The cache beside the sites: keeps config for the code each site runs.
//!
//! Verifies everything it is told with `tuf`, keeps it on disk and in memory, and says what it holds.
//! Reads take no lock. Never serves a document that does not accept the code it was asked for, and
//! never believes a push, an origin or its own disk without checking.
//!
//! # Reading in process
//!
//! A site that is written in Rust runs an agent inside its own process, and reads without a socket.
//! Start one with a folder of its own; the token, from `lamplighter agent token`, is needed until the
//! folder holds an identity:
//!
//! ```no_run
//! use agent::{Agent, AgentSettings, CancellationToken, Clock, Version};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = "https://lamplighter.example".parse()?;
//! let settings = AgentSettings {
//!     enrolment_token: std::env::var("LAMPLIGHTER_ENROLMENT_TOKEN").ok(),
//!     host: "www-1".into(),
//!     sites: vec!["anchorage.ak.example".parse()?],
//!     ..AgentSettings::new(vec![server], "agent-data".into())
//! };
//! let stop = CancellationToken::new();
//! // Ready with what its folder held, also when the server is away.
//! let agent = Agent::start(settings, Clock::system(), stop.clone()).await?;
//!
//! let site = "anchorage.ak.example".parse()?;
//! let (service, name) = ("sign-in".parse()?, "client".parse()?);
//! let code: Version = "5.1.0".parse()?;
//! if let Some(document) = agent.cache().read(&site, &service, &name, &code) {
//!     let settings: serde_json::Value = serde_json::from_slice(&document.body)?;
//!     println!("version {}: {settings}", document.entry.version);
//! }
//! if agent.freshness().stale {
//!     // What was read is the last known good. Say so; go on serving.
//! }
//! stop.cancel();
//! agent.wait().await;
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run --package lamplighter-agent --example read` does this against your server.
//!
//! # What a read gives
//!
//! The newest version that accepts the code the site runs: a site that moves to another release, or
//! back, gets the right one at once, because the agent holds those for either. Code that reads the same
//! document again and again keeps a [`Reading`], which allocates nothing and costs a few nanoseconds
//! until something changes. Tests of such code need no server:
//!
//! ```
//! use agent::{Cache, CachedDocument, DocumentKey, Layer, Version};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = DocumentKey {
//!     product: "web-central".parse()?,
//!     service: "sign-in".parse()?,
//!     name: "client".parse()?,
//!     layer: Layer::Base,
//! };
//! let site = "anchorage.ak.example".parse()?;
//! let version = |number, accepts: &str, body: &'static str| -> Result<_, semver::Error> {
//!     Ok(CachedDocument::unchecked(key.clone(), number, accepts.parse()?, body))
//! };
//! let cache = Cache::unchecked(
//!     [("anchorage.ak.example".parse()?, key.product.clone())],
//!     [
//!         version(1, "~5.1", r#"{"pkce":"optional"}"#)?,
//!         version(2, ">=5.2.0", r#"{"pkce":"required"}"#)?,
//!     ],
//! );
//!
//! // Both are held; which one is read goes by the code that asks.
//! let read = |code| cache.read(&site, &key.service, &key.name, &code).map(|found| found.body.clone());
//! assert_eq!(read(Version::new(5, 1, 7)).as_deref(), Some(&br#"{"pkce":"optional"}"#[..]));
//! assert_eq!(read(Version::new(5, 2, 0)).as_deref(), Some(&br#"{"pkce":"required"}"#[..]));
//! assert_eq!(read(Version::new(4, 0, 0)), None);
//!
//! // For a hot path: one of these for each thread, made once.
//! let reading = cache.reading(&site, &key.service, &key.name, &Version::new(5, 1, 7));
//! let mut reading = reading.ok_or("not a site of this agent")?;
//! assert_eq!(reading.get().map(|found| found.entry.version), Some(1));
//! reading.set_code(Version::new(5, 2, 0));
//! assert_eq!(reading.get().map(|found| found.entry.version), Some(2));
//! # Ok(())
//! # }
//! ```

mod acks;
mod actions;
mod cache;
mod counts;
mod device;
mod disk;
mod doubt;
#[cfg(test)]
mod dropped;
mod error;
mod events;
mod files;
mod follow;
mod identity;
mod keeper;
mod local;
mod look;
mod origin;
mod outcomes;
#[cfg(test)]
mod plane;
mod refusals;
#[cfg(test)]
mod smoke;
mod socket;
#[cfg(feature = "trial")]
pub mod trial;
mod tuf_client;
mod unchecked;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::document::Lane;
use protocol::delivery::Refused;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::DropGuard;

pub use cache::{Cache, CachedDocument, Freshness, Reading};
pub use error::AgentError;
pub use follow::reconnect_after;
pub use origin::MirrorPlace;
pub use tuf_client::{Folder, Mirror};

/// What the functions here take and give, so that a caller needs no other crate.
pub use clock::Clock;
pub use domain::document::DocumentKey;
pub use domain::layer::Layer;
pub use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
pub use semver::{Version, VersionReq};
pub use tokio_util::sync::CancellationToken;
pub use tuf::Entry;
pub use url::Url;

use crate::counts::Counts;
use crate::disk::Disk;
use crate::doubt::Doubts;
use crate::files::Files;
use crate::identity::Identity;
use crate::keeper::Keeper;
use crate::origin::Origins;
use crate::outcomes::Counter;
use crate::refusals::Desk;
use crate::socket::Socket;

/// What an agent is told when it starts.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// Control planes: the last that answered first. At least one.
    pub servers: Vec<Url>,
    /// Copies of the signed repository, asked when no control plane is well. 16 at most.
    pub mirrors: Vec<MirrorPlace>,
    /// Works once; needed only while `folder` holds no identity.
    pub enrolment_token: Option<String>,
    /// What this host is called, for people.
    pub host: String,
    /// The sites it serves; used when it enrols.
    pub sites: Vec<Hostname>,
    /// Its disk. Created if missing.
    pub folder: PathBuf,
    /// Where the local API listens; on loopback. It listens here, on `socket`, or on both.
    pub listen: Option<SocketAddr>,
    /// Where else it listens: a Unix socket, for its owner and group.
    pub socket: Option<PathBuf>,
    /// Where config is written for sites that only read files. Created if missing.
    pub files: Option<PathBuf>,
    /// Is posted `{site, version}` when a site shall run another release; answers 2xx when it does.
    pub activate_hook: Option<Url>,
    /// Looks again at least this often while it holds a document of the first lane, or none.
    pub revalidate_first_after: Duration,
    /// Looks again at least this often otherwise.
    pub revalidate_others_after: Duration,
    /// Says STALE when no newer timestamp was verified for this long.
    pub stale_after: Duration,
}

impl AgentSettings {
    /// Settings with the usual times: look again each 30 s for the first lane and each 5 minutes
    /// for others, stale after 5 minutes. It listens nowhere yet.
    #[must_use]
    pub fn new(servers: Vec<Url>, folder: PathBuf) -> Self {
        Self {
            servers,
            mirrors: vec![],
            enrolment_token: None,
            host: "localhost".into(),
            sites: vec![],
            folder,
            listen: None,
            socket: None,
            files: None,
            activate_hook: None,
            revalidate_first_after: Duration::from_secs(30),
            revalidate_others_after: Duration::from_secs(300),
            stale_after: Duration::from_secs(300),
        }
    }

    /// How long an origin is left alone at most: each of the agent's own looks finds all origins awake.
    pub(crate) fn rest_max(&self) -> Duration {
        self.revalidate_first_after.mul_f64(LOOKS_APART_MIN)
    }
}

/// The agent's own looks are apart by a share of what is set, by chance from this on.
const LOOKS_APART_MIN: f64 = 0.7;

/// What the parts of an agent share.
pub(crate) struct Shared {
    pub(crate) settings: AgentSettings,
    pub(crate) clock: Clock,
    pub(crate) origins: Origins,
    pub(crate) identity: Identity,
    pub(crate) cache: Cache,
    pub(crate) keeper: Keeper,
    pub(crate) outcomes: Counter,
    pub(crate) refusals: Desk,
    pub(crate) doubts: Doubts,
    pub(crate) counts: Counts,
    /// What is held changed, or may not have been heard.
    pub(crate) acks_due: Arc<Notify>,
    /// Something newer was heard of, or may have been missed.
    pub(crate) looks_due: Notify,
    /// Actions may wait at the control plane.
    pub(crate) actions_due: Notify,
}

/// A running agent. Dropping it ends it, also in the middle of a look, and gives its folder free a moment later, when
/// its last answer is out: another agent that is started at once may meet the lock ([`AgentError::InUse`]). To know
/// that it has ended, cancel the token that it was started with, and [`wait`](Agent::wait). Its folder is safe either way.
pub struct Agent {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    address: Option<SocketAddr>,
    /// Connections of sites are tasks of their own, and would hold the folder for as long as they stand.
    _ends: DropGuard,
}

impl Agent {
    /// Enrols or loads its identity, loads the last known good from disk, and starts to follow.
    /// Ready to serve what it had, even when no origin answers.
    ///
    /// # Errors
    /// When it is not enrolled and cannot enrol, or its folder or address cannot be used.
    pub async fn start(
        settings: AgentSettings,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<Self, AgentError> {
        let disk = Disk::open(&settings.folder)?;
        let origins = Origins::new(&settings, clock.clone())?;
        let shared = Shared::open(settings, clock, disk, origins).await?;
        let settings = &shared.settings;
        let files = settings.files.as_deref().map(Files::open).transpose()?;
        let listener = listen(settings.listen).await?;
        let stop = stop.child_token();
        let socket = settings.socket.as_deref().map(Socket::bind).transpose()?;
        let address = listener.as_ref().and_then(|one| one.local_addr().ok());
        let shared = Arc::new(shared);
        let mut tasks = JoinSet::new();
        if let Some(listener) = listener {
            tasks.spawn(local::serve(Arc::clone(&shared), listener, stop.clone()));
        }
        if let Some(socket) = socket {
            tasks.spawn(socket.serve(Arc::clone(&shared), stop.clone()));
        }
        if let Some(files) = files {
            tasks.spawn(files.keep(Arc::clone(&shared), stop.clone()));
        }
        for part in [
            Part::Follow,
            Part::Revalidate,
            Part::Looks,
            Part::Acks,
            Part::Actions,
            Part::Outcomes,
            Part::Doubts,
        ] {
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            tasks.spawn(async move {
                tokio::select! { () = stop.cancelled() => {} () = part.run(&shared) => {} }
            });
        }
        Ok(Self {
            shared,
            tasks,
            address,
            _ends: stop.drop_guard(),
        })
    }

    /// Reads in this process, without a lock.
    #[must_use]
    pub fn cache(&self) -> Cache {
        self.shared.cache.clone()
    }

    /// How fresh the cache is now, by the agent's own bound. What is stale is served all the same: this
    /// says whether to trust that nothing newer exists.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.shared.freshness()
    }

    /// Where the local API listens; `None` when it has a Unix socket only.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Waits until the agent was stopped.
    pub async fn wait(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Runs an agent until `stop` is cancelled.
///
/// # Errors
/// When it cannot start; see [`Agent::start`].
pub async fn run(
    settings: AgentSettings,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), AgentError> {
    Agent::start(settings, clock, stop).await?.wait().await;
    Ok(())
}

#[derive(Clone, Copy)]
enum Part {
    Follow,
    Revalidate,
    Looks,
    Acks,
    Actions,
    Outcomes,
    Doubts,
}

impl Part {
    async fn run(self, shared: &Shared) {
        match self {
            Self::Follow => follow::follow(shared).await,
            Self::Revalidate => revalidate(shared).await,
            Self::Looks => look_when_due(shared).await,
            Self::Acks => acks::send(shared).await,
            Self::Actions => actions::work(shared).await,
            Self::Outcomes => outcomes::send(shared).await,
            Self::Doubts => shared.doubts.work(shared).await,
        }
    }
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, AgentError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).await;
    bound
        .map(Some)
        .map_err(|e| AgentError::disk("listen for the sites", &address, e))
}

/// Looks again and again, whether or not pushes arrive: a push is only a hint.
async fn revalidate(shared: &Shared) {
    let step = shared.settings.revalidate_first_after;
    let mut waited = Duration::ZERO;
    loop {
        // Shorter only: what is looked for each 5 minutes must not be STALE for a moment after 5.
        let wait = step.mul_f64(LOOKS_APART_MIN + 0.2 * shared.clock.chance());
        shared.clock.sleep(wait).await;
        waited += wait;
        // Asked at each step: a document of the first lane may have come meanwhile.
        if waited + step > shared.revalidate_after() {
            waited = Duration::ZERO;
            shared.look_again().await;
        }
    }
}

/// Looks for whoever does not wait for it: who follows the events must hear the next.
async fn look_when_due(shared: &Shared) {
    loop {
        shared.looks_due.notified().await;
        shared.look_again().await;
    }
}

impl Shared {
    /// Loads what is on disk; enrols first when it holds no identity.
    pub(crate) async fn open(
        settings: AgentSettings,
        clock: Clock,
        disk: Disk,
        origins: Origins,
    ) -> Result<Self, AgentError> {
        let identity = Identity::load_or_enrol(&disk, &origins, &settings).await?;
        let sites = identity
            .sites
            .iter()
            .map(|one| (one.site.clone(), one.product.clone()));
        let cache = Cache::new(sites);
        let refusals = Desk::open(disk.clone(), &cache);
        let acks_due = Arc::new(Notify::new());
        let changed = Arc::clone(&acks_due);
        let keeper = Keeper::load(disk, &identity, &cache, clock.clone(), changed)?;
        Ok(Self {
            settings,
            clock,
            origins,
            identity,
            cache,
            keeper,
            outcomes: Counter::default(),
            refusals,
            doubts: Doubts::default(),
            counts: Counts::default(),
            acks_due,
            looks_due: Notify::new(),
            actions_due: Notify::new(),
        })
    }

    /// How fresh it is now.
    pub(crate) fn freshness(&self) -> Freshness {
        let fresh = self
            .cache
            .freshness(self.clock.now(), self.settings.stale_after);
        self.keeper.measured(fresh, self.settings.stale_after)
    }

    /// All documents come with one metadata, so the most urgent of them sets the pace.
    fn revalidate_after(&self) -> Duration {
        let view = self.cache.view();
        let others_only = view.repository > 0
            && view.is_whole()
            && view.all().all(|one| one.entry.lane == Lane::Other);
        if others_only {
            self.settings.revalidate_others_after
        } else {
            self.settings.revalidate_first_after
        }
    }

    /// Keeps what a site refuses, and tells the control plane soon. False where the version is not held.
    pub(crate) fn refuse(&self, refused: Refused) -> Result<bool, AgentError> {
        let is_kept = self.refusals.refuse(&self.cache, refused)?;
        if is_kept {
            self.counts.refused();
            self.acks_due.notify_one();
        }
        Ok(is_kept)
    }

    /// Says so where the control plane turns this agent away: with mirrors, or with what it holds, it would look well
    /// for long. True when it did: that says more than what was tried.
    pub(crate) fn note_if_turned_away(&self, came: &AgentError) -> bool {
        let is_away = came.turns_away();
        if is_away {
            self.counts.failed(self.clock.now(), came);
            tracing::warn!(
                "the control plane turns this agent away; if its token was withdrawn, enrol it anew into an empty folder: {came}"
            );
        }
        is_away
    }

    /// Looks again now; a failure is logged and shows in the age.
    pub(crate) async fn look_again(&self) {
        let asked_at = self.clock.passed();
        if let Err(e) = self.refresh(asked_at).await {
            tracing::warn!("could not look for newer config: {e}");
        }
    }

    /// Looks again unless somebody has since `asked_at`: many sites that ask at once cost one look.
    pub(crate) async fn refresh(&self, asked_at: Duration) -> Result<(), AgentError> {
        let (origins, identity) = (&self.origins, &self.identity);
        let came = self
            .keeper
            .refresh(asked_at, origins, identity, &self.cache);
        let came = came.await;
        self.counts.looked(&came, self.clock.now());
        came.map(drop)
    }
}

/// Not sooner than this is a control plane asked again what it gave no answer to.
const RETRY_MACHINE_MIN: Duration = Duration::from_millis(100);

/// Waits before the same is tried again, after so many failures in a row: as whoever connects again, or until
/// somebody did.
pub(crate) async fn pause_after(shared: &Shared, failures: u32, last: &AgentError) {
    let wait = reconnect_after(failures, last.turn(), shared.clock.chance());
    tokio::select! {
        biased;
        () = pause(&shared.clock, wait, RETRY_MACHINE_MIN) => {}
        () = shared.origins.any_server_is_back() => {}
    }
}

/// A wait of the agent's clock that is never shorter than `machine_min` of the machine's clock: a
/// compressed drill must not turn a loop into a storm.
pub(crate) async fn pause(clock: &Clock, wait: Duration, machine_min: Duration) {
    let machine = clock.on_machine(wait);
    let stretch = machine_min.as_secs_f64() / machine.as_secs_f64().max(1e-9);
    clock.sleep(wait.mul_f64(stretch.max(1.0))).await;
}
