//! Several origins: what an agent does when its control plane is gone, and when mirrors lie, freeze or crawl.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use agent::MirrorPlace;
use axum::body::{Body, Bytes};
use axum::http::header::AUTHORIZATION;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A web server with the files of a folder, and what it does wrong with them.
#[derive(Default)]
struct Web {
    wrong: Mutex<Option<Wrong>>,
    asked: Mutex<Vec<String>>,
    /// Requests with something of the agent's in them that is no mirror's business.
    told: AtomicU32,
    bytes: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
enum Wrong {
    Garbage,
    /// Bodies without end.
    Huge,
    /// A byte now and then.
    Slow,
    /// The metadata is right, the documents are not.
    Documents,
}

impl Web {
    async fn serve(folder: PathBuf, wrong: Option<Wrong>) -> (Arc<Self>, MirrorPlace) {
        let web = Arc::new(Self {
            wrong: Mutex::new(wrong),
            ..Self::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/copy/", listener.local_addr().unwrap());
        let at_the_door = Arc::clone(&web);
        let router = axum::Router::new()
            .fallback(async move |request: Request| at_the_door.answer(&folder, &request));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (web, url.parse().unwrap())
    }

    fn answer(self: &Arc<Self>, folder: &Path, request: &Request) -> Response {
        let path = request.uri().path().strip_prefix("/copy/").unwrap();
        assert!(!path.contains(".."));
        self.asked.lock().unwrap().push(path.to_owned());
        let known = ["host", "accept"];
        let strange = |name: &axum::http::HeaderName| !known.contains(&name.as_str());
        if request.headers().contains_key(AUTHORIZATION) || request.headers().keys().any(strange) {
            self.told.fetch_add(1, Ordering::SeqCst);
        }
        let wrong = *self.wrong.lock().unwrap();
        match wrong {
            Some(Wrong::Garbage) => "<html>It works!</html>".into_response(),
            Some(Wrong::Huge) => self.without_end(None, 1 << 16),
            Some(Wrong::Slow) => self.without_end(Some(Duration::from_millis(300)), 1),
            Some(Wrong::Documents) if path.starts_with("targets/") => "{}".into_response(),
            _ => match std::fs::read(folder.join(path)) {
                Ok(bytes) => bytes.into_response(),
                Err(_) => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }

    fn without_end(self: &Arc<Self>, wait: Option<Duration>, length: usize) -> Response {
        let web = Arc::clone(self);
        let (clock, chunk) = (Clock::system(), Bytes::from(vec![b' '; length]));
        let body = stream::repeat(()).then(move |()| {
            let (clock, chunk, web) = (clock.clone(), chunk.clone(), Arc::clone(&web));
            async move {
                if let Some(wait) = wait {
                    clock.sleep(wait).await;
                }
                web.bytes.fetch_add(chunk.len() as u64, Ordering::SeqCst);
                Ok::<_, std::io::Error>(chunk)
            }
        });
        Body::from_stream(body).into_response()
    }
}

/// The way to a control plane, which can be cut.
pub(crate) struct Gate {
    pub(crate) url: Url,
    is_open: tokio::sync::watch::Sender<bool>,
}

impl Gate {
    pub(crate) async fn before(plane: &Plane) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (is_open, watched) = tokio::sync::watch::channel(true);
        let there = plane.url.socket_addrs(|| None).unwrap()[0];
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let mut is_open = watched.clone();
                tokio::spawn(async move {
                    let mut there = TcpStream::connect(there).await.unwrap();
                    tokio::select! {
                        biased;
                        _ = is_open.wait_for(|is_open| !is_open) => {}
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                    }
                });
            }
        });
        Self {
            url: url.parse().unwrap(),
            is_open,
        }
    }

    /// Cuts also what goes through it now.
    pub(crate) fn close(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }
}

/// Copies the signed repository as `lamplighter repository export` does, timestamp last.
pub(crate) fn copy(engine: &Engine, folder: &Path) {
    let write = |file: PathBuf, bytes: &[u8]| {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, bytes).unwrap();
        std::fs::rename(fresh, file).unwrap();
    };
    let repository = engine.repository();
    for (name, _) in repository.target_files() {
        let body = engine.target_file(name).unwrap();
        write(folder.join("targets").join(name), &body);
    }
    for name in repository.metadata_files() {
        let bytes = engine.repository_file(&name).unwrap();
        write(folder.join("repository").join(name), &bytes);
    }
}

impl Plane {
    /// A folder that follows the repository until the plane is stopped.
    fn mirror(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        copy(&self.engine, &folder);
        let (engine, clock, into) = (self.engine.clone(), self.clock.clone(), folder.clone());
        let stop = self.stop.clone();
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                clock.sleep(Duration::from_secs(10)).await;
                copy(&engine, &into);
            }
        });
        folder
    }

    /// An agent of sites a and b whose control plane is at `server`.
    pub(crate) async fn agent_with(
        &self,
        server: &Url,
        mirrors: Vec<MirrorPlace>,
        stop: &CancellationToken,
    ) -> Agent {
        let settings = AgentSettings {
            mirrors,
            enrolment_token: Some(
                self.engine
                    .make_enrolment(&Bounds::default(), "a test")
                    .await
                    .unwrap(),
            ),
            sites: vec![host("a.example"), host("b.example")],
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..AgentSettings::new(vec![server.clone()], self.folder.path().join("agent"))
        };
        let agent = Agent::start(settings, self.clock.clone(), stop.clone());
        agent.await.unwrap()
    }

    /// Enrols an agent, then takes everything from it but its identity.
    async fn enrol_and_empty(&self) {
        let stop = CancellationToken::new();
        let agent = self.agent_with(&self.url, vec![], &stop).await;
        self.ready_sites(&Version::new(5, 1, 0), 2).await;
        stop.cancel();
        agent.wait().await;
        std::fs::remove_file(self.folder.path().join("agent/trust.json")).unwrap();
        for file in std::fs::read_dir(self.targets()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

pub(crate) fn nowhere() -> Url {
    "http://127.0.0.1:9".parse().unwrap()
}

pub(crate) fn reads(agent: &Agent, body: &str) -> bool {
    let (key, code) = (key(), Version::new(5, 1, 0));
    let site = host("a.example");
    let found = agent.cache().read(&site, &key.service, &key.name, &code);
    found.is_some_and(|found| found.body == body)
}

pub(crate) async fn ask(agent: &Agent, path: &str) -> String {
    let url = format!("http://{}{path}", agent.address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(url).send().await.unwrap().text().await.unwrap()
}

/// What an agent says of an origin.
pub(crate) async fn told_of(agent: &Agent, origin: &str) -> Value {
    let status: Value = serde_json::from_str(&ask(agent, "/v1/status").await).unwrap();
    let origins = status["origins"].as_array().unwrap();
    let found = origins
        .iter()
        .find(|one| one["origin"].as_str().unwrap().contains(origin));
    found.unwrap_or_else(|| panic!("{status}")).clone()
}

pub(crate) async fn until_well(plane: &Plane, agent: &Agent, origin: &str, well: bool) {
    for _ in 0..600 {
        if told_of(agent, origin).await["well"] == well {
            return;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
    }
    panic!("{}", told_of(agent, origin).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_with_an_empty_disk_boots_from_a_folder_or_any_web_server() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let folder = plane.mirror("mirror");
    for from_web in [false, true] {
        plane.enrol_and_empty().await;
        let (web, url) = Web::serve(folder.clone(), None).await;
        let place = if from_web {
            url
        } else {
            MirrorPlace::Folder(folder.clone())
        };
        let stop = CancellationToken::new();
        let agent = plane.agent_with(&nowhere(), vec![place], &stop).await;
        plane
            .until("the first version", || reads(&agent, r#"{"n":1}"#))
            .await;
        let found = read(&agent, "a.example", "5.1.0", None).await;
        assert_eq!((found.status, found.stale), (200, false));
        assert_eq!(
            web.told.load(Ordering::SeqCst),
            0,
            "a mirror is told nothing"
        );
        assert_eq!(web.asked.lock().unwrap().is_empty(), !from_web);
        let server = told_of(&agent, "127.0.0.1:9").await;
        assert_eq!(
            (&server["kind"], &server["well"]),
            (&"server".into(), &false.into())
        );
        let mirror = told_of(&agent, if from_web { "/copy" } else { "/mirror" }).await;
        assert_eq!(
            (&mirror["kind"], &mirror["well"]),
            (&"mirror".into(), &true.into())
        );
        assert!(
            mirror["timestamp_version"].as_u64().unwrap() > 0,
            "{mirror}"
        );
        let metrics = ask(&agent, "/metrics").await;
        let line = "lamplighter_agent_origin_well{origin=\"http://127.0.0.1:9\"} 0";
        assert!(metrics.contains(line), "{metrics}");
        stop.cancel();
        agent.wait().await;
    }
    plane.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_mirror_hides_no_fresher_one_and_counts_as_unwell() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let frozen = plane.folder.path().join("frozen");
    copy(&plane.engine, &frozen);
    plane.enrol_and_empty().await;
    let fresh = plane.mirror("fresh");
    let mirrors = [&frozen, &fresh].map(|folder| MirrorPlace::Folder(folder.clone()));
    let stop = CancellationToken::new();
    let agent = plane.agent_with(&nowhere(), mirrors.to_vec(), &stop).await;
    plane
        .until("the first version", || reads(&agent, r#"{"n":1}"#))
        .await;
    plane.publish("^5", r#"{"n":2}"#).await.unwrap();
    let published_at = plane.clock.now();
    // a.example is the canary, so it has the second version at once.
    plane
        .until("the second version", || reads(&agent, r#"{"n":2}"#))
        .await;
    let took = plane.clock.now().duration_since(published_at).as_secs();
    assert!(
        took <= 45,
        "a copy each 10 s, a look each 30 s; it took {took} s"
    );
    plane.clock.sleep(Duration::from_secs(120)).await;
    let (frozen, fresh) = (
        told_of(&agent, "/frozen").await,
        told_of(&agent, "/fresh").await,
    );
    assert_eq!(
        (&frozen["well"], &fresh["well"]),
        (&false.into(), &true.into())
    );
    assert!(!read(&agent, "a.example", "5.1.0", None).await.stale);
    // Only the frozen one is left: it serves on, and says that it is old.
    plane.stop.cancel();
    let gone = plane.folder.path().join("gone");
    plane.clock.sleep(Duration::from_secs(20)).await;
    std::fs::rename(plane.folder.path().join("fresh"), gone).unwrap();
    plane.clock.sleep(Duration::from_secs(330)).await;
    let found = read(&agent, "a.example", "5.1.0", None).await;
    assert_eq!((found.body.as_str(), found.stale), (r#"{"n":2}"#, true));
    stop.cancel();
    agent.wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_mirror_delays_and_nothing_else() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let folder = plane.mirror("mirror");
    for wrong in [Wrong::Garbage, Wrong::Huge, Wrong::Slow, Wrong::Documents] {
        plane.enrol_and_empty().await;
        let (web, url) = Web::serve(folder.clone(), Some(wrong)).await;
        let mirrors = vec![url, MirrorPlace::Folder(folder.clone())];
        let (stop, began_at) = (CancellationToken::new(), Clock::system().now());
        let agent = plane.agent_with(&nowhere(), mirrors, &stop).await;
        plane
            .until("the version", || reads(&agent, r#"{"n":1}"#))
            .await;
        let took = Clock::system().now().duration_since(began_at).as_secs();
        assert!(
            took <= 20,
            "{wrong:?}: one try may take 15 s of the machine, not {took}"
        );
        until_well(&plane, &agent, "/copy", false).await;
        // What its kind of body costs at most: one file, and what lies in buffers.
        let bytes = web.bytes.load(Ordering::SeqCst);
        let tries = web.asked.lock().unwrap().len() as u64;
        assert!(
            bytes <= tries * (8 << 20),
            "{wrong:?}: {bytes} in {tries} tries"
        );
        assert_eq!(web.told.load(Ordering::SeqCst), 0);
        stop.cancel();
        agent.wait().await;
    }
    plane.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_plane_that_returns_is_heard_within_a_look_whatever_mirrors_do() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let gate = Gate::before(&plane).await;
    let lagging = plane.folder.path().join("lagging");
    copy(&plane.engine, &lagging);
    let (slow, url) = Web::serve(lagging.clone(), None).await;
    let mirrors = vec![MirrorPlace::Folder(lagging), url];
    let stop = CancellationToken::new();
    let agent = plane.agent_with(&gate.url, mirrors, &stop).await;
    plane.ready_sites(&Version::new(5, 1, 0), 2).await;
    assert!(
        slow.asked.lock().unwrap().is_empty(),
        "the control plane is well"
    );
    gate.close();
    *slow.wrong.lock().unwrap() = Some(Wrong::Slow);
    plane.clock.sleep(Duration::from_secs(90)).await;
    plane.publish("^5", r#"{"n":2}"#).await.unwrap();
    plane.clock.sleep(Duration::from_secs(30)).await;
    assert!(reads(&agent, r#"{"n":1}"#), "the mirrors lag");
    assert!(!slow.asked.lock().unwrap().is_empty());
    gate.open();
    let opened_at = plane.clock.now();
    plane
        .until("the second version", || reads(&agent, r#"{"n":2}"#))
        .await;
    let took = plane.clock.now().duration_since(opened_at).as_secs();
    // A connection is tried again each 32 s at the latest; a look comes each 27 s at the latest.
    assert!(took <= 60, "it took {took} s");
    until_well(
        &plane,
        &agent,
        gate.url.as_str().trim_end_matches('/'),
        true,
    )
    .await;
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}
