//! A real agent on a disk, a network and a clock in memory.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use agent::trial::{Device, Driven, Enrolment, Network, Out, Reply, Request};
use agent::{AgentError, AgentSettings, Version};
use bytes::Bytes;
use clock::Clock;
use domain::id::AgentId;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use protocol::delivery::AgentSite;

use super::now;
use super::repository::{Repository, root, sites};

const FOLDER: &str = "/agent";
const SERVER: &str = "http://origin";

/// A disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<BTreeMap<PathBuf, Vec<u8>>>>);

impl Disk {
    fn files(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another disk with the same files.
    pub(crate) fn copied(&self) -> Self {
        Self(Arc::new(Mutex::new(self.files().clone())))
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.files()
            .insert(Path::new(FOLDER).join(name), bytes.to_vec());
    }

    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.files().get(&Path::new(FOLDER).join(name)).cloned()
    }
}

impl Device for Disk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let files = self.files();
        let inside = files.keys().filter(|file| file.parent() == Some(folder));
        let names = inside.filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()));
        Ok(names.collect())
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        let found = self.files().get(file).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn Out>> {
        self.files().insert(file.to_owned(), vec![]);
        Ok(Box::new(Written(self.clone(), file.to_owned())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let bytes = files.remove(from).unwrap_or_default();
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        self.files().remove(file);
        Ok(())
    }
}

struct Written(Disk, PathBuf);

impl Out for Written {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.0.files();
        files
            .entry(self.1.clone())
            .or_default()
            .extend_from_slice(bytes);
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers whatever an agent asks: a status and a body, for a path and what was posted.
pub(crate) type Answers = dyn Fn(&str, Option<&[u8]>) -> (u16, Vec<u8>) + Send + Sync;

struct Answering(Box<Answers>);

impl Network for Answering {
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Reply, String>> {
        let path = request.url.strip_prefix(SERVER).unwrap_or(&request.url);
        let (status, body) = (self.0)(path, request.body.as_deref());
        // Bodies come in two pieces.
        let (one, other) = body.split_at(body.len() / 2);
        let pieces = [one, other].map(|piece| Ok(Bytes::copy_from_slice(piece)));
        let body = futures_util::stream::iter(pieces).boxed();
        async move { Ok(Reply { status, body }) }.boxed()
    }
}

/// Runs until it is done; what waits for ever is a finding.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime")
    });
    RUNTIME.block_on(work)
}

/// An agent and its disk.
pub(crate) struct Host {
    pub(crate) disk: Disk,
    pub(crate) agent: Driven,
    /// What answers its sites.
    pub(crate) api: axum::Router,
}

impl Host {
    /// Starts an agent on a disk.
    pub(crate) fn start(
        disk: &Disk,
        answers: impl Fn(&str, Option<&[u8]>) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Result<Self, AgentError> {
        let server = SERVER.parse().expect("a URL");
        let settings = AgentSettings {
            activate_hook: "http://platform/activate".parse().ok(),
            enrolment_token: Some("token".into()),
            sites: sites().map(|(site, _)| site).into(),
            ..AgentSettings::new(vec![server], FOLDER.into())
        };
        let (clock, _) = Clock::manual(now());
        let network = Arc::new(Answering(Box::new(answers)));
        let agent = Driven::start(settings, clock, Arc::new(disk.clone()), network);
        let agent = wait(agent)?;
        Ok(Self {
            disk: disk.clone(),
            api: agent.local_api(),
            agent,
        })
    }

    /// With no server.
    pub(crate) fn alone(disk: &Disk) -> Result<Self, AgentError> {
        Self::start(disk, |_, _| (503, vec![]))
    }

    /// Everything that it would give a site for some code was signed, and is for that code.
    pub(crate) fn check(&self) {
        let codes =
            ["5.1.0", "5.2.0", "6.0.0"].map(|code| Version::parse(code).expect("a version"));
        let (cache, refused) = (self.agent.cache(), self.refused());
        for (site, _) in sites() {
            for code in &codes {
                for read in cache.read_all(&site, code, None) {
                    for piece in [&read.entry].into_iter().chain(&read.layers) {
                        assert!(was_signed(piece), "{piece:?} was never signed");
                        assert!(piece.accepts.matches(code), "{piece:?} is not for {code}");
                        let at = (site.to_string(), piece.key.to_string(), piece.version);
                        assert!(!refused.contains(&at), "{at:?} was refused");
                    }
                }
            }
        }
        let believed = self.agent.versions().expect("no update is under way");
        assert!(believed.repository <= 2 && believed.timestamp <= 2 && believed.root == 1);
    }

    /// It reads nothing yet.
    pub(crate) fn check_nothing(&self) {
        assert_eq!(self.agent.cache().repository_version(), 0);
    }

    /// What sites refused, by the disk.
    fn refused(&self) -> Vec<(String, String, u64)> {
        let file = self.disk.get("refused.json").unwrap_or_default();
        let all: Vec<protocol::delivery::Refused> =
            serde_json::from_slice(&file).unwrap_or_default();
        let all = all.into_iter();
        all.map(|one| {
            (
                one.site.to_string(),
                one.held.key.to_string(),
                one.held.version,
            )
        })
        .collect()
    }
}

fn was_signed(piece: &tuf::Entry) -> bool {
    let versions = [1, 2].map(Repository::at);
    // A site's own layer is told in a shard, and has no entry in metadata.
    piece.key.layer.is_site() || versions.iter().any(|one| one.entries.contains(piece))
}

/// The disk of an agent that holds everything of version 1.
pub(crate) fn held() -> &'static Disk {
    static HELD: LazyLock<Disk> = LazyLock::new(|| {
        let disk = Disk::default();
        let enrolment = Enrolment {
            token: "token".into(),
            root: String::from_utf8_lossy(&root().bytes).into_owned(),
            sites: sites()
                .map(|(site, product)| AgentSite { site, product })
                .into(),
        };
        let agent = AgentId::from_bytes(&[7; 16]).expect("an identifier");
        let (name, bytes) = enrolment.file(agent).expect("JSON");
        disk.put(name, &bytes);
        let host = Host::start(&disk, |path, _| match Repository::at(1).answer(path) {
            Some(body) => (200, body),
            None => (404, vec![]),
        });
        let host = host.expect("an agent");
        wait(host.agent.look()).expect("a look");
        assert!(host.agent.is_whole() && host.agent.cache().repository_version() == 1);
        host.check();
        disk
    });
    &HELD
}
