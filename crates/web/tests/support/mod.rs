//! A whole control plane in memory of one test: real store, real engine, real router.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use clock::{Clock, Hand};
use domain::access::Role;
use domain::detection::{Alarm, Evidence as Seen, Explanation, Localisation, Node, Stream};
use domain::follower::{About, Channel, Follower};
use domain::id::IncidentId;
use domain::language::Language;
use domain::name::ProductName;
use domain::site::Zone;
use domain::site::import::Defaults;
use domain::site::state::Evidence;
use engine::{Engine, Settings};
use store::{Place, Store};
use tower::ServiceExt as _;

/// The control plane under test.
pub(crate) struct Plane {
    pub(crate) engine: Engine,
    pub(crate) router: Router,
    #[allow(dead_code, reason = "not every test file moves the clock")]
    pub(crate) hand: Hand,
    #[allow(dead_code, reason = "not every test file looks behind the engine")]
    pub(crate) store: Store,
    #[allow(dead_code, reason = "not every test file breaks the store")]
    pub(crate) folder: tempfile::TempDir,
}

/// An answer, read whole.
#[allow(dead_code, reason = "not every test file looks at every part")]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Plane {
    pub(crate) async fn new() -> Self {
        Self::of_team(Language::English).await
    }

    /// Whose team writes in a language.
    pub(crate) async fn of_team(language: Language) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            folder: folder.path().to_owned(),
            postgres: None,
        };
        let (clock, hand) = Clock::manual("2023-07-11T20:30:00Z".parse().unwrap());
        let settings = Settings {
            base_url: "http://127.0.0.1:8080".into(),
            team: engine::usual_team(language).into(),
            home_zone: Zone::parse("America/Chicago").unwrap(),
            language,
        };
        let store = Store::open(&place).await.unwrap();
        let engine = Engine::open(store.clone(), clock, settings).await.unwrap();
        // Receivers of tests listen on this machine.
        engine.allow_private_webhooks();
        let mut sign_in = signin::Settings::new(&engine.settings().base_url);
        sign_in.language = language;
        let provider = web::open_provider(&engine, sign_in, web::ACTIVATION_OVERLAP)
            .await
            .unwrap();
        let router = web::App::new(engine.clone(), provider).router();
        Self {
            engine,
            router,
            hand,
            store,
            folder,
        }
    }

    /// With the fleet of US cities, all of whose sites work.
    #[allow(dead_code, reason = "not every test file needs a fleet")]
    pub(crate) async fn with_fleet() -> Self {
        Self::new().await.filled().await
    }

    #[allow(dead_code, reason = "not every test file needs a fleet")]
    pub(crate) async fn filled(self) -> Self {
        const FLEET: &[u8] = include_bytes!("../../../../fleets/us-cities.csv");
        let plane = self;
        let defaults = Defaults {
            product: ProductName::parse("web-central").unwrap(),
            running: semver::Version::new(5, 1, 0),
        };
        let imported = plane.engine.import_fleet(FLEET, &defaults, "a test");
        imported.await.unwrap();
        let sites: Vec<_> = plane.engine.fleet().sites().map(|(at, _)| at).collect();
        plane.engine.learn(sites, Evidence::Worked);
        plane
    }

    /// An incident over the whole fleet, proposed by an alarm.
    #[allow(dead_code, reason = "not every test file needs an incident")]
    pub(crate) async fn propose(&self) -> IncidentId {
        self.engine.propose_incident(&self.alarm()).await.unwrap()
    }

    /// An alarm over the whole fleet, as detection would raise it.
    #[allow(dead_code, reason = "not every test file needs an alarm")]
    pub(crate) fn alarm(&self) -> Alarm {
        let now = self.engine.clock().now();
        Alarm {
            id: self.engine.clock().id(),
            at: now,
            node: Node::Fleet,
            stream: Stream::Reports,
            evidence: Seen {
                count: 14,
                sites: 14,
                expected: 0.2,
                since: now,
            },
            localisation: Localisation {
                explanations: vec![Explanation::default()],
            },
            promise_seconds: 2_592_000.0,
        }
    }

    /// What a customer wrote under an incident.
    #[allow(dead_code, reason = "not every test file needs a comment")]
    pub(crate) async fn comment(&self, incident: IncidentId) {
        let account = store::Account {
            id: self.engine.clock().id(),
            email: "clerk@city.example".parse().unwrap(),
            password: None,
            canary: false,
        };
        let audit = self.engine.audit("a test", "added", "an account", "");
        let accounts = std::slice::from_ref(&account);
        self.store.add_accounts(accounts, &audit).await.unwrap();
        let reader = store::Reader {
            account: account.id,
            email: account.email,
            banned: None,
        };
        let written = ("Kim, Anchorage", "It works again here. Thank you!");
        let added = self.engine.add_comment(incident, &reader, written);
        added.await.unwrap();
    }

    /// A follower, who has said yes if `confirmed`.
    #[allow(dead_code, reason = "not every test file needs a follower")]
    pub(crate) async fn follow(&self, channel: Channel, about: About, confirmed: bool) -> Follower {
        let now = self.engine.clock().now();
        let follower = Follower {
            id: self.engine.clock().id(),
            channel,
            about,
            language: Language::English,
            asked_at: now,
            confirmed_at: confirmed.then_some(now),
        };
        let token = follower.id.to_string();
        let audit = self.engine.audit("a test", "added a follower", &token, "");
        let added = self.store.add_follower(&follower, &token, None, &audit);
        added.await.unwrap();
        follower
    }

    /// A token of that role.
    #[allow(dead_code, reason = "not every test file needs a token")]
    pub(crate) async fn token(&self, role: Role) -> String {
        self.engine
            .make_token(&self.unused_name(role), role, "a test")
            .await
            .unwrap()
            .token
    }

    #[allow(dead_code, reason = "not every test file needs a token")]
    fn unused_name(&self, role: Role) -> String {
        let id: domain::id::HolderId = self.engine.clock().id();
        format!("{} {id}", role.as_str())
    }

    /// Sends a request, with a token if one is given.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request
            .header("content-type", "application/json")
            .header("host", "127.0.0.1:8080");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    /// Sends any request.
    pub(crate) async fn answer(&self, mut request: Request<Body>) -> Answer {
        let from: std::net::SocketAddr = "127.0.0.1:40000".parse().unwrap();
        request
            .extensions_mut()
            .insert(axum::extract::ConnectInfo(from));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

/// What a drill showed that took two minutes; everything held.
#[allow(dead_code, reason = "not every test file records a drill")]
pub(crate) fn drill(id: &str, began_at: &str) -> serde_json::Value {
    let ended_at: jiff::Timestamp = began_at.parse().unwrap();
    let ended_at = ended_at + jiff::SignedDuration::from_mins(2);
    let point = |(minute, failing, renewed): (f64, u32, u32)| serde_json::json!({"minute": minute, "failing": failing, "renewed": renewed});
    let fell = [
        (-6.0, 0, 0),
        (0.0, 600, 0),
        (19.0, 600, 0),
        (30.0, 420, 180),
        (48.5, 130, 470),
        (63.0, 0, 600),
        (73.0, 0, 600),
    ];
    let rose = [(0.0, 0, 0), (6.0, 0, 210), (14.5, 0, 600), (16.5, 0, 600)];
    serde_json::json!({
        "id": id, "scenario": "july-11", "title": "Sign-in Issue Identified | July 11, 2023",
        "seed": 7, "sites": 600, "speed": 60.0, "version": "0.1.0", "began_at": began_at,
        "ended_at": ended_at.to_string(), "server_peak_memory_bytes": 140_000_000,
        "happened": {"first_report": 6, "engineering": 9, "script_ready": 83, "done": 147},
        "act1": {
            "figures": [
                {"what": "release to first report", "unit": "seconds", "measured": 406.0, "real": 360.0},
                {"what": "release to all restored", "unit": "seconds", "measured": 3_780.0, "at_most": 7_200.0, "real": 8_820.0},
                {"what": "time over the bound T*", "unit": "ratio", "measured": 1.39, "at_most": 1.6},
            ],
            "course": fell.map(point),
        },
        "act2": {
            "figures": [
                {"what": "failed sign-ins, as it should be", "unit": "count", "measured": 0.0, "of": 1_358.0, "at_most": 0.0},
                {"what": "rollout, start to last site proved", "unit": "seconds", "measured": 886.0},
            ],
            "course": rose.map(point),
        },
    })
}
