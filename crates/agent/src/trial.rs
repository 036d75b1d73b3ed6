//! The real agent over a simulated file system, network and clock, and bugs planted into it on purpose.
//!
//! Only with the feature `trial`, which nothing but the simulation turns on. Never changes what the
//! agent does while no bug is planted.

mod bug;
mod outside;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::Clock;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use protocol::delivery::{AgentSite, Refused};
use serde::Serialize;

pub use bug::Bug;
pub(crate) use bug::planted;
pub use outside::{Told, events, told};

use crate::disk::Disk;
use crate::identity::{self, Identity};
use crate::keeper::TrustFile;
use crate::origin::Origins;
use crate::wire::Wire;
use crate::{AgentError, AgentSettings, Cache, Freshness, Part, Shared};

/// A file system that forgets what was not synced.
pub trait Device: Debug + Send + Sync {
    /// Creates a folder and those above it, if missing.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// The names in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The bytes of a file.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;
    /// Opens a file for writing, empty.
    fn create(&self, file: &Path) -> io::Result<Box<dyn Out>>;
    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, file: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub trait Out: Send {
    /// Adds bytes.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync_all(&self) -> io::Result<()>;
}

/// What lies between an agent and everybody it talks to.
pub trait Network: Send + Sync {
    /// Carries a request; gives why no answer came, or the answer.
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Reply, String>>;
}

/// A request of an agent.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// To whom.
    pub url: String,
    /// The agent's token, if it showed one.
    pub token: String,
    /// JSON, of a post; else it is a get.
    pub body: Option<Vec<u8>>,
    /// How long it waits until the last byte of the answer; for ever without.
    pub timeout: Option<Duration>,
}

/// An answer.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body as it comes, or why no more of it does.
    pub body: BoxStream<'static, Result<Bytes, String>>,
}

/// A request that can be sent.
pub(crate) struct Call {
    network: Arc<dyn Network>,
    request: Request,
}

impl Call {
    pub(crate) fn new(network: &Arc<dyn Network>, url: &str) -> Self {
        let request = Request {
            url: url.into(),
            ..Request::default()
        };
        Self {
            network: Arc::clone(network),
            request,
        }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.request.token = token.into();
        self
    }

    pub(crate) fn with_body(mut self, body: &impl Serialize) -> Self {
        self.request.body = serde_json::to_vec(body).ok();
        self
    }

    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    pub(crate) async fn send(self) -> Result<Reply, String> {
        self.network.send(self.request).await
    }
}

impl Reply {
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        self.body.next().await.transpose()
    }
}

/// Who an agent is, as it was enrolled once.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// Its own token.
    pub token: String,
    /// The root it trusts: JSON.
    pub root: String,
    /// Its sites.
    pub sites: Vec<AgentSite>,
}

impl Enrolment {
    /// The file that an agent keeps this in, and what is in it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn file(&self, agent: domain::id::AgentId) -> serde_json::Result<(&'static str, Vec<u8>)> {
        let identity = Identity {
            agent,
            token: self.token.clone(),
            root: self.root.clone(),
            sites: self.sites.clone(),
        };
        Ok((identity::FILE, serde_json::to_vec(&identity)?))
    }
}

/// How new the metadata is that an agent believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Versions {
    /// Of the root.
    pub root: u64,
    /// Of the snapshot.
    pub repository: u64,
    /// Of the timestamp.
    pub timestamp: u64,
}

/// The metadata that an agent keeps on its disk, by file name; `None` when the file does not read.
#[must_use]
pub fn kept(file: &[u8]) -> Option<std::collections::BTreeMap<String, Vec<u8>>> {
    let file: TrustFile = serde_json::from_slice(file).ok()?;
    let files = file.files.into_iter();
    Some(
        files
            .map(|(name, text)| (name, text.into_bytes()))
            .collect(),
    )
}

/// What an agent still reads of an older snapshot, by its disk: the newest repository version of which it held
/// everything, and the entries; `None` when everything that its metadata lists was held, or the file does not read.
#[must_use]
pub fn behind(file: &[u8]) -> Option<(u64, Vec<tuf::Entry>)> {
    let file: TrustFile = serde_json::from_slice(file).ok()?;
    let behind = file.behind()?;
    Some((behind.repository, behind.entries))
}

/// Everything that decides what the sites of an agent read, as it is at one moment.
#[derive(Clone)]
pub struct Shown(Arc<crate::cache::View>);

impl Shown {
    /// Whether nothing was changed since, or before: all that is read is the same then.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The newest repository version of which everything was held, 0 for none.
    #[must_use]
    pub fn repository(&self) -> u64 {
        self.0.repository
    }

    /// The repository version that it is of, where nothing is missing.
    #[must_use]
    pub fn listed(&self) -> u64 {
        self.0.listed
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_whole()
    }
}

/// An agent that somebody else drives.
#[derive(Clone)]
pub struct Driven(Arc<Shared>);

impl Driven {
    /// As [`crate::Agent::start`], listening nowhere.
    ///
    /// # Errors
    /// When it is not enrolled, or its disk cannot be used.
    pub async fn start(
        settings: AgentSettings,
        clock: Clock,
        device: Arc<dyn Device>,
        network: Arc<dyn Network>,
    ) -> Result<Self, AgentError> {
        let disk = Disk::open_on(crate::device::Device::Trial(device), &settings.folder)?;
        let origins = Origins::over(Wire::Trial(network), &settings, clock.clone())?;
        let shared = Shared::open(settings, clock, disk, origins).await?;
        Ok(Self(Arc::new(shared)))
    }

    /// What runs for as long as the agent does.
    #[must_use]
    pub fn parts(&self) -> Vec<BoxFuture<'static, ()>> {
        let parts = [
            Part::Follow,
            Part::Revalidate,
            Part::Looks,
            Part::Acks,
            Part::Actions,
            Part::Doubts,
        ];
        parts
            .map(|part| {
                let shared = Arc::clone(&self.0);
                async move { part.run(&shared).await }.boxed()
            })
            .into()
    }

    /// What its sites read.
    #[must_use]
    pub fn cache(&self) -> Cache {
        self.0.cache.clone()
    }

    /// How fresh it says it is.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.0.freshness()
    }

    /// What it believes; `None` while an update is under way.
    #[must_use]
    pub fn versions(&self) -> Option<Versions> {
        self.0.keeper.versions()
    }

    /// Whether everything is held that metadata lists.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shown().is_whole()
    }

    /// What decides its reads now.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown(self.0.cache.view())
    }

    /// A site doubts what it reads.
    pub fn doubt(&self) {
        self.0.doubts.soon();
    }

    /// A site refuses a version.
    ///
    /// # Errors
    /// When the disk fails, or there are too many.
    pub fn refuse(&self, refused: Refused) -> Result<bool, AgentError> {
        self.0.refuse(refused)
    }
}
