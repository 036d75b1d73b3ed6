//! Campaigns over real connections: a platform of sites that clear their cache when asked by a
//! signed request, a provider that knows the canary, and an engine that may be killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clock::{Clock, Pace as ClockPace};
use domain::campaign::pace::Pace;
use domain::campaign::selection::Selection;
use domain::campaign::{Action, Command, Order};
use domain::document::{DocumentKey, Lane};
use domain::enrolment::Bounds;
use domain::id::{AgentId, CampaignId, IncidentId};
use domain::incident::Scope;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use domain::product::{Product, ProductSettings};
use domain::release::ReleaseState;
use domain::site::import::Defaults;
use domain::site::state::SiteState;
use engine::{Acceptance, Engine, NewDocument, Probe, Progress, Proposal};
use protocol::action::{Act, ActionResult};
use protocol::delivery::{Acks, Enrol, Held};
use standardwebhooks::Webhook;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SPEED: f64 = 30.0;

/// Sites behind one listener, and the provider behind another.
#[derive(Clone)]
struct Platform(Arc<Inner>);

struct Inner {
    clock: Clock,
    provider: String,
    /// The generation each site was cleared at last, and how often it was cleared.
    cleared: Mutex<HashMap<String, (u64, u32)>>,
    /// Sites for which clearing does not help.
    broken: fn(&str) -> bool,
}

impl Platform {
    fn cleared(&self) -> HashMap<String, (u64, u32)> {
        self.0.cleared.lock().unwrap().clone()
    }
}

async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn provider() -> String {
    async fn authorize(
        Query(query): Query<HashMap<String, String>>,
        headers: HeaderMap,
    ) -> Response {
        let canary = headers
            .get(header::COOKIE)
            .is_some_and(|cookie| cookie == "canary=yes");
        let site = &query["site"];
        let back = format!("http://{site}/callback?canary={canary}");
        (StatusCode::FOUND, [(header::LOCATION, back)]).into_response()
    }
    listen(Router::new().route("/authorize", get(authorize))).await
}

fn host(headers: &HeaderMap) -> String {
    headers[header::HOST].to_str().unwrap().to_owned()
}

async fn sign_in(State(platform): State<Platform>, headers: HeaderMap) -> Response {
    let to = format!(
        "http://{}/authorize?site={}",
        platform.0.provider,
        host(&headers)
    );
    let cookie = "begun=1; Path=/; HttpOnly".to_owned();
    (
        StatusCode::FOUND,
        [(header::LOCATION, to), (header::SET_COOKIE, cookie)],
    )
        .into_response()
}

async fn callback(
    State(platform): State<Platform>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (site, cookie) = (host(&headers), headers.get(header::COOKIE).cloned());
    let fails =
        |code: &'static str| (StatusCode::FORBIDDEN, [("sign-in-error", code)]).into_response();
    if cookie.is_none_or(|cookie| cookie != "begun=1") || query["canary"] != "true" {
        return fails("not_begun_here");
    }
    if !platform.cleared().contains_key(&site) || (platform.0.broken)(&site) {
        return fails("stale_config");
    }
    (
        StatusCode::OK,
        [("lamplighter-signed-in", "canary")],
        "welcome",
    )
        .into_response()
}

async fn act(State(platform): State<Platform>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers[name].to_str().unwrap();
    let at = text("webhook-timestamp").parse().unwrap();
    let expected = Webhook::new(SECRET)
        .unwrap()
        .sign(text("webhook-id"), at, &body)
        .unwrap();
    if text("webhook-signature") != expected {
        return StatusCode::UNAUTHORIZED;
    }
    let action: protocol::action::Action = serde_json::from_slice(&body).unwrap();
    let mut cleared = platform.0.cleared.lock().unwrap();
    let (generation, times) = cleared.entry(action.site.to_string()).or_default();
    if *generation < action.generation {
        (*generation, *times) = (action.generation, *times + 1);
    }
    StatusCode::OK
}

async fn telemetry(State(platform): State<Platform>) -> axum::Json<protocol::origin::Telemetry> {
    let at_ms = platform.0.clock.now().as_millisecond();
    axum::Json(protocol::origin::Telemetry {
        at_ms,
        utilisation: 0.3,
        p95_seconds: Some(0.25),
    })
}

/// Starts sites and provider; gives the platform, its address and the clock's pace.
async fn platform(broken: fn(&str) -> bool) -> (Platform, String, ClockPace) {
    let start = "2023-07-11T21:00:00Z".parse().unwrap();
    let (clock, pace) = Clock::starting_at(start, SPEED);
    let (provider, cleared) = (provider().await, Mutex::default());
    let platform = Platform(Arc::new(Inner {
        clock,
        provider,
        cleared,
        broken,
    }));
    let router = Router::new()
        .route("/sign-in", get(sign_in))
        .route("/callback", get(callback))
        .route("/hooks", post(act))
        .route("/telemetry", get(telemetry))
        .with_state(platform.clone());
    (platform, listen(router).await, pace)
}

/// An engine on the state in `folder`, with its workers running.
async fn engine(folder: &Path, provider: &str, pace: ClockPace) -> Engine {
    let store = support::store(folder).await;
    let base_url = format!("http://{provider}");
    let engine = support::engine(store, Clock::paced(pace), &base_url).await;
    engine.set_canary_session(Arc::new(|| Box::pin(async { Ok("canary=yes".to_owned()) })));
    // Workers end with their runtime.
    std::mem::forget(engine.run_workers(&CancellationToken::new()));
    engine
}

fn product() -> ProductName {
    ProductName::parse("web-central").unwrap()
}

/// Imports `sites` sites over three zones, behind `address`.
async fn import(engine: &Engine, sites: usize, address: &str) {
    let zones = ["America/Los_Angeles", "America/Denver", "America/Chicago"];
    let mut csv = "hostname,organization,kind,city,state,timezone,population\n".to_owned();
    for number in 0..sites {
        let zone = zones[number % 3];
        csv += &format!("s{number}.example,City of S{number},City,S,CA,{zone},100\n");
    }
    let defaults = Defaults {
        product: product(),
        running: semver::Version::new(5, 2, 0),
    };
    engine
        .import_fleet(csv.as_bytes(), &defaults, "a test")
        .await
        .unwrap();
    let url = |path: &str| Some(format!("http://{address}{path}").parse().unwrap());
    let settings = ProductSettings {
        webhook_url: url("/hooks"),
        telemetry_url: url("/telemetry"),
        connect: Some(address.to_owned()),
        ..ProductSettings::default()
    };
    let product = Product {
        name: product(),
        settings,
    };
    engine
        .save_product(&product, Some(SECRET.as_bytes()), "a test")
        .await
        .unwrap();
}

async fn start(engine: &Engine, pace: Pace) -> CampaignId {
    start_order(engine, &order(Action::ClearCache, pace)).await
}

fn order(action: Action, pace: Pace) -> Order {
    Order {
        action,
        selection: Selection::all(product()),
        incident: None,
        pace,
    }
}

async fn start_order(engine: &Engine, order: &Order) -> CampaignId {
    let id = engine.create_campaign(order, "a test").await.unwrap().id;
    engine
        .command_campaign(id, Command::Start, "a test")
        .await
        .unwrap();
    id
}

/// Waits, within reason, until a campaign's progress is as wanted.
async fn until(engine: &Engine, id: CampaignId, wanted: fn(&Progress) -> bool) -> Progress {
    for _ in 0..600 {
        let progress = engine.campaign_progress(id).await.unwrap();
        if wanted(&progress) {
            return progress;
        }
        Clock::system().sleep(Duration::from_millis(25)).await;
    }
    panic!(
        "it never came: {:?}",
        engine.campaign_progress(id).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_site_is_restored_once_and_proved() {
    let (platform, address, pace) = platform(|_| false).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), &platform.0.provider, pace).await;
    import(&engine, 60, &address).await;
    let site = engine
        .fleet()
        .find(&Hostname::parse("s7.example").unwrap())
        .unwrap();
    assert_eq!(
        engine.probe(site).await,
        Probe::Fails {
            code: "stale_config".into()
        }
    );
    let id = start(&engine, Pace::Adaptive).await;
    let done = until(&engine, id, |progress| {
        progress.campaign.state == "finished"
    })
    .await;
    assert_eq!((done.counts.verified, done.counts.failed), (60, 0));
    let waves: Vec<_> = done.waves.iter().map(|wave| wave.name.as_str()).collect();
    assert_eq!(
        waves,
        [
            "canaries",
            "America/Los_Angeles",
            "America/Denver",
            "America/Chicago"
        ]
    );
    assert_eq!(done.waves.iter().map(|wave| wave.verified).sum::<u64>(), 60);
    let cleared = platform.cleared();
    assert_eq!(cleared.len(), 60);
    assert!(
        cleared.values().all(|(_, times)| *times == 1),
        "{cleared:?}"
    );
    assert!(matches!(engine.probe(site).await, Probe::Works { .. }));
}

#[test]
fn a_kill_in_the_middle_loses_nothing_and_repeats_nothing() {
    let outside = tokio::runtime::Runtime::new().unwrap();
    let (platform, address, pace) = outside.block_on(platform(|_| false));
    let folder = tempfile::tempdir().unwrap();
    // A runtime that is shut down drops its tasks wherever they stand, as a kill does.
    let killed = tokio::runtime::Runtime::new().unwrap();
    let id = killed.block_on(async {
        let engine = engine(folder.path(), &platform.0.provider, pace).await;
        import(&engine, 120, &address).await;
        let order = Order {
            incident: Some(incident(&engine).await),
            ..order(Action::ClearCache, Pace::FixedConcurrency { sites: 16 })
        };
        let id = start_order(&engine, &order).await;
        until(&engine, id, |progress| progress.counts.verified > 20).await;
        id
    });
    killed.shutdown_background();
    let before = platform.cleared().len();
    assert!(before < 120, "it was killed too late to show anything");
    let killed = tokio::runtime::Runtime::new().unwrap();
    killed.block_on(async {
        let engine = engine(folder.path(), &platform.0.provider, pace).await;
        let done = until(&engine, id, |progress| {
            progress.campaign.state == "finished"
        })
        .await;
        assert_eq!((done.counts.verified, done.counts.failed), (120, 0));
    });
    killed.shutdown_background();
    let cleared = platform.cleared();
    assert_eq!(cleared.len(), 120, "no site was lost");
    assert!(
        cleared.values().all(|(_, times)| *times == 1),
        "no site was done twice"
    );
    outside.block_on(async {
        let engine = engine(folder.path(), &platform.0.provider, pace).await;
        let lit = || engine.light_counts()[1];
        for _ in 0..200 {
            if lit() == (SiteState::Restored, 120) {
                return;
            }
            Clock::system().sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "after a start the open incident shows {:?}",
            engine.light_counts()
        );
    });
}

/// An incident of the whole fleet that a person accepted.
async fn incident(engine: &Engine) -> IncidentId {
    let clock = engine.clock();
    let proposal = Proposal {
        alarm: clock.id(),
        words: "5 sites reported within 3 minutes".into(),
        scope: Scope::default(),
        raised_at: clock.now(),
        first_report: None,
        reports: vec![],
    };
    let id = engine.propose(&proposal).await.unwrap();
    engine
        .accept_incident(id, "a test", Acceptance::default())
        .await
        .unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_does_not_help_halts_with_its_canaries() {
    let (platform, address, pace) = platform(|_| true).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), &platform.0.provider, pace).await;
    import(&engine, 60, &address).await;
    let id = start(&engine, Pace::Adaptive).await;
    let halted = until(&engine, id, |progress| progress.campaign.state == "halted").await;
    let why = halted.campaign.halted.unwrap();
    assert_eq!(why.wave, "canaries");
    assert!(why.reason.contains("stale_config"), "{}", why.reason);
    assert_eq!(
        platform.cleared().len(),
        1,
        "nobody but the canary was touched"
    );
    // Somebody accepts the canary's failure; then the next wave shows the same.
    engine
        .command_campaign(id, Command::Resume, "a test")
        .await
        .unwrap();
    let again = until(&engine, id, |progress| {
        progress.campaign.state == "halted" && progress.counts.failed > 1
    });
    let again = again.await;
    assert_ne!(again.campaign.halted.unwrap().wave, "canaries");
    assert!(
        again.counts.waiting > 30,
        "it stopped within the wave: {:?}",
        again.counts
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_campaign_begins_nothing_and_goes_on_after() {
    let (platform, address, pace) = platform(|_| false).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), &platform.0.provider, pace).await;
    import(&engine, 60, &address).await;
    let id = start(&engine, Pace::FixedConcurrency { sites: 4 }).await;
    until(&engine, id, |progress| progress.counts.verified > 5).await;
    engine
        .command_campaign(id, Command::Pause, "a test")
        .await
        .unwrap();
    let quiet = until(&engine, id, |p| p.counts.sent + p.counts.acted == 0).await;
    Clock::system().sleep(Duration::from_millis(300)).await;
    let later = engine.campaign_progress(id).await.unwrap();
    assert_eq!(later.counts, quiet.counts);
    assert!(
        engine
            .command_campaign(id, Command::Start, "a test")
            .await
            .is_err()
    );
    engine
        .command_campaign(id, Command::Resume, "a test")
        .await
        .unwrap();
    until(&engine, id, |progress| {
        progress.campaign.state == "finished"
    })
    .await;
    let cleared = platform.cleared();
    assert!(cleared.len() == 60 && cleared.values().all(|(_, times)| *times == 1));
}

/// Enrols an agent of all sites, which holds a document for every release.
async fn agent(engine: &Engine) -> AgentId {
    let key = DocumentKey::base(
        product(),
        ServiceName::parse("sign-in").unwrap(),
        DocumentName::parse("links").unwrap(),
    );
    let document = NewDocument {
        key: key.clone(),
        accepts: "*".parse().unwrap(),
        lane: Some(Lane::First),
        schema: None,
        body: b"{}".to_vec(),
        how: engine::How::default(),
    };
    let version = engine.publish_document(document, "a test").await.unwrap();
    let sites = engine
        .fleet()
        .sites()
        .map(|(_, site)| site.hostname.clone())
        .collect();
    let enrol = Enrol {
        token: engine
            .make_enrolment(&Bounds::default(), "a test")
            .await
            .unwrap(),
        secret: format!("lmp_{:a>43}", engine.clock().id::<AgentId>().to_string()),
        host: "a host".into(),
        sites,
    };
    let agent = engine.enrol_agent(&enrol).await.unwrap().agent;
    let (repository, held) = (2, vec![Held { key, version }]);
    engine
        .take_acks(
            agent,
            Acks {
                repository,
                held,
                ..Acks::default()
            },
        )
        .await
        .unwrap();
    agent
}

/// Does what the agent's actions ask, for ever: the new code works as soon as it runs.
async fn obey(engine: Engine, agent: AgentId, platform: Platform) {
    let sites = engine.sites_of_agent(agent);
    loop {
        let actions = engine.actions_for(&sites, 100);
        let results: Vec<_> = actions
            .into_iter()
            .map(|action| {
                if let Act::ActivateRelease { repository, .. } = action.act {
                    assert_eq!(repository, engine.repository().version());
                }
                let generation = (action.generation, 1);
                let mut cleared = platform.0.cleared.lock().unwrap();
                cleared.insert(action.site.to_string(), generation);
                ActionResult {
                    campaign: action.campaign,
                    site: action.site,
                    fence: action.fence,
                    refused: None,
                }
            })
            .collect();
        engine.take_action_results(&sites, &results);
        Clock::system().sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_a_campaign_activates_is_live() {
    let (platform, address, pace) = platform(|_| false).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), &platform.0.provider, pace).await;
    import(&engine, 12, &address).await;
    let agent = agent(&engine).await;
    let version = semver::Version::new(5, 3, 0);
    engine
        .stage_release(&product(), &version, "a test")
        .await
        .unwrap();
    let state = async || engine.store().releases().await.unwrap()[0].state;
    let action = Action::ActivateRelease {
        version: version.clone(),
    };
    let id = start_order(&engine, &order(action, Pace::FixedConcurrency { sites: 4 })).await;
    assert_eq!(state().await, ReleaseState::Staged, "no site runs it yet");
    tokio::spawn(obey(engine.clone(), agent, platform));
    let done = until(&engine, id, |progress| {
        progress.campaign.state == "finished"
    })
    .await;
    assert_eq!((done.counts.verified, done.counts.failed), (12, 0));
    assert!(
        engine
            .fleet()
            .sites()
            .all(|(_, site)| site.running == version)
    );
    assert_eq!(state().await, ReleaseState::Live);
    let audit = engine.audit_before(None, 100).await.unwrap();
    let made = audit
        .iter()
        .filter(|entry| entry.act == "made a release live");
    assert_eq!(made.count(), 1, "by the first of its sites");
}
