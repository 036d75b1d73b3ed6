//! A control plane that answers as a test wants, and an agent of it of which a test runs the parts.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use clock::Clock;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::disk::Disk;
use crate::origin::Origins;
use crate::{AgentSettings, Shared};

/// The paths that were asked for, and when.
type Asked = Arc<Mutex<Vec<(String, Duration)>>>;

/// The agent, and what it asked for.
pub(crate) struct Plane {
    pub(crate) shared: Arc<Shared>,
    asked: Asked,
    machine: Clock,
    _folder: TempDir,
}

/// `answer` is told how many requests came before.
pub(crate) async fn plane(clock: Clock, answer: fn(usize) -> Response) -> Plane {
    let (asked, machine) = (Asked::default(), Clock::system());
    let (note, since) = (Arc::clone(&asked), machine.clone());
    let take = move |request: Request| {
        let mut asked = note.lock().unwrap();
        asked.push((request.uri().to_string(), since.passed()));
        std::future::ready(answer(asked.len() - 1))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(take);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let folder = tempfile::tempdir().unwrap();
    let identity = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/identity.json");
    std::fs::copy(identity, folder.path().join("identity.json")).unwrap();
    let settings = AgentSettings::new(vec![server.parse().unwrap()], folder.path().into());
    let disk = Disk::open(folder.path()).unwrap();
    let origins = Origins::new(&settings, clock.clone()).unwrap();
    let shared = Shared::open(settings, clock, disk, origins).await.unwrap();
    Plane {
        shared: Arc::new(shared),
        asked,
        machine,
        _folder: folder,
    }
}

impl Plane {
    pub(crate) fn asked(&self) -> Vec<(String, Duration)> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub(crate) async fn until_asked(&self, count: usize) -> Vec<(String, Duration)> {
        for _ in 0..3_000 {
            let asked = self.asked();
            if asked.len() >= count {
                return asked;
            }
            self.machine.sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} are not {count} requests", self.asked());
    }

    /// Long enough for whoever does not wait.
    pub(crate) async fn moment(&self) {
        self.machine.sleep(Duration::from_millis(200)).await;
    }

    pub(crate) fn last_error(&self) -> String {
        let last = self.shared.counts.last_error();
        last.map(|(_, what)| what).unwrap_or_default()
    }
}
