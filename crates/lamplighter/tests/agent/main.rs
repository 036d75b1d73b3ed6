//! A real agent beside a real control plane, over loopback: what is published is verified,
//! acknowledged and read; what was verified once is served whatever happens afterwards.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod banners;
mod beside;
mod flags;
mod keys;
mod layers;
mod losses;
mod origins;
mod pushes;
mod reconnects;
mod rollout;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use agent::{Agent, AgentSettings};
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use clock::Clock;
use domain::document::{DocumentKey, Lane};
use domain::enrolment::Bounds;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use domain::site::Zone;
use domain::site::import::Defaults;
use engine::{Activate, Engine, EngineError, How, NewDocument, Settings, Signal, Sites};
use jiff::Timestamp;
use losses::Losses;
use semver::{Version, VersionReq};
use store::{Place, Store};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Scenario seconds in one of the machine's.
const SPEED: f64 = 60.0;
const FLEET: &str = "hostname,organization,kind,city,state,timezone,population,county,latitude,longitude\n\
    a.example,A,City,A,CA,America/Los_Angeles,1,Alameda,37.8,-122.3\n\
    b.example,B,City,B,CA,America/Los_Angeles,1,Kern,35.4,-119.0\n\
    c.example,C,City,C,CA,America/Los_Angeles,1,,,\n";

struct Plane {
    engine: Engine,
    clock: Clock,
    url: Url,
    stop: CancellationToken,
    folder: tempfile::TempDir,
    losses: Arc<Losses>,
}

impl Plane {
    async fn start() -> Self {
        Self::start_with(web::Clients::default()).await
    }

    /// A control plane that published this for 5.1, and on the disk of an agent that ended since, the same.
    async fn with_an_agent_that_ended(body: &str) -> Self {
        let plane = Self::start().await;
        plane.publish("~5.1", body).await.unwrap();
        let stop = CancellationToken::new();
        let agent = plane.agent(&plane.url, &stop).await;
        plane.ready_sites(&Version::new(5, 1, 0), 2).await;
        stop.cancel();
        agent.wait().await;
        plane
    }

    async fn start_with(clients: web::Clients) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _) = Clock::starting_at("2023-07-11T20:00:00Z".parse().unwrap(), SPEED);
        let place = Place {
            folder: folder.path().join("plane"),
            postgres: None,
        };
        let store = Store::open(&place).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings {
            base_url: base_url.clone(),
            team: "Our engineers".into(),
            home_zone: Zone::parse("America/Chicago").unwrap(),
            language: domain::language::Language::English,
        };
        let engine = Engine::open(store, clock.clone(), settings).await.unwrap();
        let sign_in = signin::Settings::new(&base_url);
        let provider = web::open_provider(&engine, sign_in, web::ACTIVATION_OVERLAP)
            .await
            .unwrap();
        let losses = Arc::<Losses>::default();
        let at_the_door = Arc::clone(&losses);
        let watch = clock.clone();
        let pass = move |request: Request, next: Next| {
            let (losses, clock) = (Arc::clone(&at_the_door), watch.clone());
            async move { losses.pass(request, next, &clock).await }
        };
        let router = web::App::with_clients(engine.clone(), provider, clients).router();
        let router = router.layer(from_fn(pass));
        let stop = CancellationToken::new();
        engine.run_workers(&stop).detach_all();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let cut = stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = axum::serve(listener, service) => {} () = cut.cancelled() => {} }
        });
        let defaults = Defaults {
            product: product(),
            running: Version::new(5, 1, 0),
        };
        engine
            .import_fleet(FLEET.as_bytes(), &defaults, "a test")
            .await
            .unwrap();
        Self {
            engine,
            clock,
            url: base_url.parse().unwrap(),
            stop,
            folder,
            losses,
        }
    }

    async fn publish(&self, accepts: &str, body: &str) -> Result<u64, EngineError> {
        let new = NewDocument {
            key: key(),
            accepts: VersionReq::parse(accepts).unwrap(),
            lane: Some(Lane::First),
            schema: None,
            body: body.into(),
            how: How::default(),
        };
        self.engine.publish_document(new, "a test").await
    }

    /// An agent of sites a and b; `server` may be somewhere else, or nowhere.
    async fn agent(&self, server: &Url, stop: &CancellationToken) -> Agent {
        let token = self
            .engine
            .make_enrolment(&Bounds::default(), "a test")
            .await
            .unwrap();
        let settings = AgentSettings {
            enrolment_token: Some(token),
            sites: vec![host("a.example"), host("b.example")],
            stale_after: Duration::from_secs(60),
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..AgentSettings::new(vec![server.clone()], self.folder.path().join("agent"))
        };
        Agent::start(settings, self.clock.clone(), stop.clone())
            .await
            .unwrap()
    }

    async fn ready_sites(&self, version: &Version, count: usize) {
        for _ in 0..600 {
            if self.engine.readiness(&product(), version).unwrap().ready == count {
                return;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        panic!("{:?}", self.engine.readiness(&product(), version));
    }

    async fn until(&self, what: &str, so: impl Fn() -> bool) {
        for _ in 0..600 {
            if so() {
                return;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        panic!("not within ten minutes: {what}");
    }

    fn targets(&self) -> std::path::PathBuf {
        self.folder.path().join("agent").join("targets")
    }
}

struct Read {
    status: u16,
    body: String,
    etag: Option<String>,
    stale: bool,
}

async fn read(agent: &Agent, site: &str, code: &str, etag: Option<&str>) -> Read {
    let address = agent.address().unwrap();
    let url = format!("http://{address}/v1/sites/{site}/config/sign-in/links?code={code}");
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(url);
    let request = match etag {
        Some(etag) => request.header("if-none-match", etag),
        None => request,
    };
    let response = request.send().await.unwrap();
    let header = |name| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, etag) = (response.status().as_u16(), header("etag"));
    let stale = header("lamplighter-stale").is_some();
    Read {
        status,
        etag,
        stale,
        body: response.text().await.unwrap(),
    }
}

fn product() -> ProductName {
    ProductName::parse("web-central").unwrap()
}

fn key() -> DocumentKey {
    DocumentKey::base(
        product(),
        ServiceName::parse("sign-in").unwrap(),
        DocumentName::parse("links").unwrap(),
    )
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

fn activation(sites: Sites, bypass: Option<&str>) -> Activate {
    let version = Version::new(5, 2, 0);
    Activate {
        product: product(),
        version,
        sites,
        bypass: bypass.map(Into::into),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_activates_only_where_verified_config_waits() {
    let plane = Plane::start().await;
    let (old, new) = (Version::new(5, 1, 0), Version::new(5, 2, 0));
    assert!(
        plane
            .engine
            .stage_release(&product(), &new, "a test")
            .await
            .is_err(),
        "no documents"
    );
    let lost = plane.publish("^5.2", "{}").await.unwrap_err().to_string();
    assert!(
        lost.contains("5.1.0") && lost.contains("web-central/sign-in/links"),
        "{lost}"
    );
    assert_eq!(
        plane
            .publish("~5.1", r#"{"pkce":"optional"}"#)
            .await
            .unwrap(),
        1
    );
    let uncovered = plane
        .engine
        .stage_release(&product(), &new, "a test")
        .await
        .unwrap_err();
    assert!(uncovered.to_string().contains("5.2.0"), "{uncovered}");

    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.ready_sites(&old, 2).await;
    let one = read(&agent, "a.example", "5.1.0", None).await;
    assert_eq!(
        (one.status, one.body.as_str(), one.stale),
        (200, r#"{"pkce":"optional"}"#, false)
    );
    assert_eq!(
        read(&agent, "a.example", "5.1.0", one.etag.as_deref())
            .await
            .status,
        304
    );
    assert_eq!(read(&agent, "a.example", "5.2.0", None).await.status, 404);
    assert_eq!(read(&agent, "c.example", "5.1.0", None).await.status, 404);

    assert_eq!(
        plane
            .publish("^5.2", r#"{"pkce":"required"}"#)
            .await
            .unwrap(),
        2
    );
    plane
        .engine
        .stage_release(&product(), &new, "a test")
        .await
        .unwrap();
    plane.ready_sites(&new, 2).await;
    let readiness = plane.engine.readiness(&product(), &new).unwrap();
    assert_eq!((readiness.sites, readiness.unready.len()), (3, 1));
    assert!(
        readiness.unready[0].reason.contains("no agent"),
        "{readiness:?}"
    );
    let done = plane
        .engine
        .activate(&activation(Sites::All, None), "a test")
        .await
        .unwrap();
    assert_eq!((done.activated, done.refused), (2, 1));
    let running = |name: &str| {
        plane
            .engine
            .fleet()
            .site_at(&host(name))
            .unwrap()
            .running
            .clone()
    };
    assert_eq!(
        [
            running("a.example"),
            running("b.example"),
            running("c.example")
        ],
        [new.clone(), new.clone(), old]
    );
    // Either code is answered with its own document: before, during and after a switch.
    assert_eq!(
        read(&agent, "a.example", "5.1.0", None).await.body,
        r#"{"pkce":"optional"}"#
    );
    assert_eq!(
        read(&agent, "a.example", "5.2.0", None).await.body,
        r#"{"pkce":"required"}"#
    );

    let these = || Sites::These(vec![host("c.example")]);
    assert!(
        plane
            .engine
            .activate(&activation(these(), Some(" ")), "a test")
            .await
            .is_err()
    );
    let forced = activation(these(), Some("a test of the emergency exit"));
    assert_eq!(
        plane
            .engine
            .activate(&forced, "a test")
            .await
            .unwrap()
            .activated,
        1
    );
    assert_eq!(running("c.example"), new);
    outcomes_arrive(&plane, &agent).await;
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_known_good_is_served_at_cold_boot_and_flagged() {
    let body = r#"{"pkce":"optional"}"#;
    let plane = Plane::with_an_agent_that_ended(body).await;
    plane.clock.sleep(Duration::from_secs(61)).await;

    // No origin answers here.
    let nowhere: Url = "http://127.0.0.1:9".parse().unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&nowhere, &stop).await;
    let found = read(&agent, "b.example", "5.1.0", None).await;
    assert_eq!(
        (found.status, found.body.as_str(), found.stale),
        (200, body, true)
    );
    assert_eq!(read(&agent, "b.example", "5.2.0", None).await.status, 404);
    stop.cancel();
    agent.wait().await;

    // A file that was changed on disk is not served, and is fetched again.
    let changed = change_files(&plane.targets());
    assert!(changed > 0);
    let stop = CancellationToken::new();
    let agent = plane.agent(&nowhere, &stop).await;
    assert_eq!(read(&agent, "b.example", "5.1.0", None).await.status, 404);
    stop.cancel();
    agent.wait().await;
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    let mut found = read(&agent, "b.example", "5.1.0", None).await;
    for _ in 0..600 {
        // The timestamp it had proves nothing new: it is fresh with the next one, a moment later.
        if found.status == 200 && !found.stale {
            break;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
        found = read(&agent, "b.example", "5.1.0", None).await;
    }
    assert_eq!(
        (found.status, found.body.as_str(), found.stale),
        (200, body, false)
    );
    stop.cancel();
    agent.wait().await;

    // Without any metadata left, it starts over from its pinned root.
    std::fs::write(
        plane.folder.path().join("agent").join("trust.json"),
        "{\"torn",
    )
    .unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&nowhere, &stop).await;
    assert_eq!(read(&agent, "b.example", "5.1.0", None).await.status, 404);
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

/// A role whose name changed on disk reads like one of a product without sites here. Nothing newer is published, and the
/// site reads again all the same.
#[tokio::test]
async fn a_document_that_the_disk_hides_is_back_with_the_next_look() {
    let body = r#"{"pkce":"optional"}"#;
    let plane = Plane::with_an_agent_that_ended(body).await;

    let file = plane.folder.path().join("agent/trust.json");
    let text = std::fs::read_to_string(&file).unwrap();
    // When it was verified is signed by nobody: it reads on, as of unknown age.
    let verified = r#""verified_at_ms":1"#;
    assert!(text.contains(verified), "{text}");
    std::fs::write(&file, text.replace(verified, r#""verified_at_ms":2"#)).unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&origins::nowhere(), &stop).await;
    let found = read(&agent, "b.example", "5.1.0", None).await;
    assert_eq!((found.status, found.stale), (200, true));
    assert_eq!(agent.freshness().age, None);
    stop.cancel();
    agent.wait().await;

    let role = format!("{}.{}.json", key().product, key().service);
    assert!(text.contains(&role), "{text}");
    std::fs::write(&file, text.replace(&role, "2.web-c.sign-in.json")).unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&origins::nowhere(), &stop).await;
    let found = read(&agent, "b.example", "5.1.0", None).await;
    assert_eq!((found.status, found.stale), (404, true));
    assert_eq!(agent.cache().repository_version(), 0);
    stop.cancel();
    agent.wait().await;

    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    for _ in 0..120 {
        if origins::reads(&agent, body) {
            break;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
    }
    assert!(origins::reads(&agent, body));
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

fn change_files(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|file| std::fs::write(file, r#"{"pkce":"opti0nal"}"#).unwrap())
        .count()
}

/// Tells an agent how sign-ins ended; gives its answer.
async fn tell(agent: &Agent, outcomes: &serde_json::Value) -> u16 {
    let url = format!("http://{}/v1/outcomes", agent.address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let told = http.post(&url).json(outcomes).send().await.unwrap();
    told.status().as_u16()
}

/// What a site says of its sign-ins reaches the control plane within seconds.
async fn outcomes_arrive(plane: &Plane, agent: &Agent) {
    let mut signals = plane.engine.signals();
    let outcomes = serde_json::json!([{"site": "a.example"}, {"site": "b.example", "error": "x"}]);
    assert_eq!(tell(agent, &outcomes).await, 202);
    let foreign = serde_json::json!({"site": "c.example"});
    assert_eq!(tell(agent, &foreign).await, 404);
    loop {
        tokio::select! {
            signal = signals.recv() => {
                if matches!(signal.unwrap(), Signal::OutcomesTaken) {
                    return;
                }
            }
            () = plane.clock.sleep(Duration::from_secs(600)) => panic!("no outcomes came"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_whose_answer_was_lost_count_once() {
    let plane = Plane::start().await;
    plane.publish("~5.1", "{}").await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    let site = plane.engine.fleet().site_at(&host("a.example")).unwrap();
    let counted = async || {
        let from = Timestamp::UNIX_EPOCH;
        let counted = plane.engine.store().site_outcomes(site.id, from);
        counted.await.unwrap()
    };
    plane.losses.left.store(2, Ordering::SeqCst);
    let two = serde_json::json!([{"site": "a.example"}, {"site": "a.example", "error": "x"}]);
    assert_eq!(tell(&agent, &two).await, 202);
    plane
        .until("an answer is lost", || {
            plane.losses.left.load(Ordering::SeqCst) < 2
        })
        .await;
    assert_eq!(counted().await, (2, 1), "it was counted all the same");
    let later = serde_json::json!({"site": "a.example"});
    assert_eq!(tell(&agent, &later).await, 202);
    // The first batch again, and the one after it.
    plane
        .until("two answers come through", || {
            plane.losses.answered.load(Ordering::SeqCst) >= 2
        })
        .await;
    assert_eq!(counted().await, (3, 1));
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}
