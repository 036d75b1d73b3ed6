//! The cache beside the sites: keeps config for the code each site runs.
//!
//! Verifies everything it is told with `tuf`, keeps it on disk and in memory, and says what it holds.
//! Reads take no lock. Never serves a document that does not accept the code it was asked for, and
//! never believes a push, an origin or its own disk without checking.

mod acks;
mod actions;
mod cache;
mod counts;
mod disk;
mod doubt;
mod error;
mod files;
mod follow;
mod identity;
mod keeper;
mod local;
mod look;
mod origin;
mod outcomes;
mod refusals;
mod socket;
mod tuf_client;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use domain::document::Lane;
use domain::name::Hostname;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use cache::{Cache, CachedDocument, Freshness, Reading};
pub use error::AgentError;
pub use origin::MirrorPlace;
pub use tuf_client::{Folder, Mirror};

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
    pub(crate) acks_due: Notify,
    /// Actions may wait at the control plane.
    pub(crate) actions_due: Notify,
}

/// A running agent.
pub struct Agent {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    address: Option<SocketAddr>,
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
        let identity = Identity::load_or_enrol(&disk, &origins, &settings).await?;
        let sites = identity
            .sites
            .iter()
            .map(|one| (one.site.clone(), one.product.clone()));
        let cache = Cache::new(sites.collect());
        let refusals = Desk::open(disk.clone(), &cache)?;
        let keeper = Keeper::load(disk, &identity, &cache, clock.clone())?;
        let files = settings.files.as_deref().map(Files::open).transpose()?;
        let listener = listen(settings.listen).await?;
        let socket = settings.socket.as_deref().map(Socket::bind).transpose()?;
        let address = listener.as_ref().and_then(|one| one.local_addr().ok());
        let shared = Arc::new(Shared {
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
            acks_due: Notify::new(),
            actions_due: Notify::new(),
        });
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
        })
    }

    /// Reads in this process, without a lock.
    #[must_use]
    pub fn cache(&self) -> Cache {
        self.shared.cache.clone()
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
        let wait = step.mul_f64(LOOKS_APART_MIN + 0.2 * rand::random::<f64>());
        shared.clock.sleep(wait).await;
        waited += wait;
        // Asked at each step: a document of the first lane may have come meanwhile.
        if waited + step > shared.revalidate_after() {
            waited = Duration::ZERO;
            shared.look_again().await;
        }
    }
}

impl Shared {
    /// All documents come with one metadata, so the most urgent of them sets the pace.
    fn revalidate_after(&self) -> Duration {
        let view = self.cache.view();
        let others_only =
            view.repository > 0 && view.all().all(|one| one.entry.lane == Lane::Other);
        if others_only {
            self.settings.revalidate_others_after
        } else {
            self.settings.revalidate_first_after
        }
    }

    /// Looks again now; a failure is logged and shows in the age.
    pub(crate) async fn look_again(&self) {
        let asked_at = self.clock.now();
        if let Err(e) = self.refresh(asked_at).await {
            tracing::warn!("could not look for newer config: {e}");
        }
    }

    /// Looks again unless somebody has since `asked_at`: many sites that ask at once cost one look.
    pub(crate) async fn refresh(&self, asked_at: jiff::Timestamp) -> Result<(), AgentError> {
        let (origins, identity) = (&self.origins, &self.identity);
        let came = self
            .keeper
            .refresh(asked_at, origins, identity, &self.cache);
        let came = came.await;
        self.counts.looked(&came, self.clock.now());
        if came? {
            self.acks_due.notify_one();
        }
        Ok(())
    }
}

/// A wait of the agent's clock that is never shorter than `machine_min` of the machine's clock: a
/// compressed drill must not turn a loop into a storm.
pub(crate) async fn pause(clock: &Clock, wait: Duration, machine_min: Duration) {
    let machine = clock.on_machine(wait);
    let stretch = machine_min.as_secs_f64() / machine.as_secs_f64().max(1e-9);
    clock.sleep(wait.mul_f64(stretch.max(1.0))).await;
}
