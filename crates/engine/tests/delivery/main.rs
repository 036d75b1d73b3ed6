//! What one host, or one order of events, must not do to delivery: stories over the engine and a real store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod enrol;
mod releases;
#[path = "../support/mod.rs"]
mod support;
mod told;

use std::collections::BTreeSet;
use std::time::Duration;

use clock::Clock;
use domain::campaign::{Command, Order};
use domain::document::DocumentKey;
use domain::enrolment::Bounds;
use domain::id::AgentId;
use domain::layer::Layer;
use domain::name::{DocumentName, GroupName, Hostname, ProductName, ServiceName};
use domain::site::import::Defaults;
use engine::{Activate, Engine, How, NewDocument, Sites};
use protocol::delivery::{Acks, Enrol, Held, Part, REFUSED_PER_PART_MAX, Refused};
use semver::Version;
use tokio_util::sync::CancellationToken;

fn product(name: &str) -> ProductName {
    ProductName::parse(name).unwrap()
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

fn key() -> DocumentKey {
    DocumentKey::base(
        product("web-central"),
        ServiceName::parse("app").unwrap(),
        DocumentName::parse("links").unwrap(),
    )
}

fn at_once() -> How {
    How {
        at_once: true,
        bypass_coverage: false,
        why: "a test".into(),
    }
}

struct Plane {
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Plane {
    /// Two sites of web-central and one of another product; a second of the machine is ten minutes.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _) = Clock::starting_at("2023-07-11T20:00:00Z".parse().unwrap(), 600.0);
        let store = support::store(folder.path()).await;
        let engine = support::engine(store, clock, "http://127.0.0.1:1").await;
        for (name, sites) in [("web-central", &["a", "b"][..]), ("other", &["c"])] {
            let mut fleet =
                "hostname,organization,kind,city,state,timezone,population\n".to_owned();
            for site in sites {
                fleet += &format!("{site}.example,O{site},City,C,TX,America/Chicago,1\n");
            }
            let defaults = Defaults {
                product: product(name),
                running: Version::new(5, 1, 0),
            };
            let imported = engine.import_fleet(fleet.as_bytes(), &defaults, "a test");
            imported.await.unwrap();
        }
        Self {
            engine,
            _folder: folder,
        }
    }

    async fn publish(&self, layer: &str, accepts: &str, body: &str, how: How) -> u64 {
        let new = document(layer, accepts, body, how);
        self.engine.publish_document(new, "a test").await.unwrap()
    }

    fn fresh_secret(&self) -> String {
        let drawn: AgentId = self.engine.clock().id();
        format!("lmp_{:a>43}", drawn.to_string())
    }

    async fn agent(&self, site: &str) -> AgentId {
        let enrol = Enrol {
            token: self
                .engine
                .make_enrolment(&Bounds::default(), "a test")
                .await
                .unwrap(),
            secret: self.fresh_secret(),
            host: "a host".into(),
            sites: vec![host(site)],
        };
        let agent = self.engine.enrol_agent(&enrol).await.unwrap().agent;
        self.engine.hear(agent);
        agent
    }

    /// The agent says that it holds a version, and nothing else.
    async fn hold(&self, agent: AgentId, version: u64) {
        let acks = Acks {
            repository: 1,
            held: vec![Held {
                key: key(),
                version,
            }],
            ..Acks::default()
        };
        self.engine.take_acks(agent, acks).await.unwrap();
    }

    async fn refuse(&self, agent: AgentId, site: &str, versions: &[u64]) {
        let refused = |version: &u64| Refused {
            site: host(site),
            held: Held {
                key: key(),
                version: *version,
            },
            reason: "because".into(),
        };
        let acks = Acks {
            repository: 1,
            refused: versions.iter().map(refused).collect(),
            ..Acks::default()
        };
        self.engine.take_acks(agent, acks).await.unwrap();
    }

    /// What the store has of what an agent holds: versions of the document, in order.
    async fn held(&self) -> Vec<u64> {
        let acks = self.engine.store().acks().await.unwrap();
        let mut versions: Vec<_> = acks.into_iter().map(|one| one.version).collect();
        versions.sort_unstable();
        versions
    }

    async fn is_everywhere(&self, version: u64) -> bool {
        let history = self.engine.document_history(&key(), None).await.unwrap();
        let found = history.versions.iter();
        let mut found = found.filter(|one| one.version.version == version);
        found.next().unwrap().version.rollout.is_everywhere()
    }
}

fn says(repository: u64, versions: &[u64]) -> Acks {
    let held = |version: &u64| Held {
        key: key(),
        version: *version,
    };
    Acks {
        repository,
        held: versions.iter().map(held).collect(),
        ..Acks::default()
    }
}

fn document(layer: &str, accepts: &str, body: &str, how: How) -> NewDocument {
    NewDocument {
        key: key().with_layer(Layer::parse(layer).unwrap()),
        accepts: accepts.parse().unwrap(),
        lane: None,
        schema: None,
        body: body.into(),
        how,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_refuses_only_what_it_is_given() {
    let plane = Plane::start().await;
    let (a, c) = (
        plane.agent("a.example").await,
        plane.agent("c.example").await,
    );
    let b = plane.agent("b.example").await;
    let first = plane.publish("", "^5", r#"{"n":1}"#, How::default()).await;
    let second = plane.publish("", "^5", r#"{"n":2}"#, How::default()).await;
    assert!(!plane.is_everywhere(second).await, "it has a canary");
    let refused = || plane.engine.refused(&key(), second).len();
    // Another product's host, and the site that is no canary: before, both would have halted it.
    plane
        .refuse(c, "c.example", &[first, second, second + 1])
        .await;
    assert_eq!(refused(), 0);
    assert_eq!(plane.engine.refused(&key(), first).len(), 0);
    let repository = plane.engine.repository();
    let canary = repository.documents()[&key()][0].rollout.canary_sites();
    let is_a = canary.contains(&host("a.example"));
    let (canary, other) = if is_a {
        ((a, "a.example"), (b, "b.example"))
    } else {
        ((b, "b.example"), (a, "a.example"))
    };
    plane.refuse(other.0, other.1, &[second]).await;
    assert_eq!(refused(), 0);
    plane
        .refuse(canary.0, canary.1, &[second, second + 1])
        .await;
    assert_eq!(refused(), 1);
    assert_eq!(plane.engine.refused(&key(), second + 1).len(), 0);
    // What it refused stays refused when the version is for nobody any more.
    let nowhere = domain::rollout::Rollout::nowhere();
    let key = key();
    let halted = plane
        .engine
        .end_rollout((&key, second), nowhere, "a test", "a test");
    halted.await.unwrap();
    plane.refuse(canary.0, canary.1, &[second]).await;
    assert_eq!(refused(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_refuses_again_and_again_pages_once() {
    let plane = Plane::start().await;
    let a = plane.agent("a.example").await;
    let version = plane.publish("", "^5", r#"{"n":1}"#, at_once()).await;
    for _ in 0..4 {
        plane.refuse(a, "a.example", &[version]).await;
        plane.refuse(a, "a.example", &[]).await;
    }
    let pages = plane.engine.store().pages(50).await.unwrap();
    assert_eq!(pages.len(), 1, "{pages:?}");
}

/// A network between the server and the hosts of one product, for longer than two minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_waits_for_canaries_that_are_silent() {
    let plane = Plane::start().await;
    plane.agent("a.example").await;
    let c = plane.agent("c.example").await;
    plane.publish("", "^5", r#"{"n":1}"#, How::default()).await;
    plane.engine.clock().sleep(Duration::from_secs(150)).await;
    plane.engine.hear(c);
    let second = plane.publish("", "^5", r#"{"n":2}"#, How::default()).await;
    assert!(!plane.is_everywhere(second).await);
}

/// Settings of a product are saved, and the fleet read again, while sites move to another release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_site_runs_is_not_lost_when_the_fleet_is_read_again() {
    let plane = Plane::start().await;
    let (engine, name) = (&plane.engine, product("web-central"));
    plane.publish("", "^5", r#"{"n":1}"#, at_once()).await;
    for version in [Version::new(5, 1, 0), Version::new(5, 2, 0)] {
        engine
            .stage_release(&name, &version, "a test")
            .await
            .unwrap();
    }
    let settings = engine.fleet().product(&name).unwrap().clone();
    for round in 0..300 {
        let version = Version::new(5, 1 + round % 2, 0);
        let activate = Activate {
            product: name.clone(),
            version: version.clone(),
            sites: Sites::All,
            bypass: Some("a test".into()),
        };
        let (saved, activated) = tokio::join!(
            engine.save_product(&settings, None, "a test"),
            engine.activate(&activate, "a test"),
        );
        saved.unwrap();
        activated.unwrap();
        let site = engine.fleet().site_at(&host("a.example")).unwrap();
        assert_eq!(site.running, version, "round {round}");
    }
}

/// A version that a site could not use, then one that was to mend it and did not: what it read first is still there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_refuses_two_versions_reads_the_one_before_both() {
    let plane = Plane::start().await;
    let a = plane.agent("a.example").await;
    for version in 1..=3 {
        let body = format!(r#"{{"n":{version}}}"#);
        assert_eq!(plane.publish("", "^5", &body, at_once()).await, version);
        let refused: Vec<_> = (2..=version).collect();
        plane.refuse(a, "a.example", &refused).await;
    }
    let site = plane.engine.fleet().site_at(&host("a.example")).unwrap();
    let code = Version::new(5, 1, 0);
    let read = plane.engine.document_for(&key(), &code, Some(&site));
    assert_eq!(read.map(|read| read.version()), Some(1));
}

/// A server that was restored from a backup publishes something else under numbers that agents hold already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_published_here_is_held_by_nobody() {
    let plane = Plane::start().await;
    let a = plane.agent("a.example").await;
    let (engine, name) = (&plane.engine, product("web-central"));
    let is_ready = |minor| {
        let version = Version::new(5, minor, 0);
        engine.readiness(&name, &version).unwrap().ready == 1
    };
    plane.publish("", "~5.1", r#"{"n":1}"#, at_once()).await;
    let now = engine.repository().version();
    let mut other = says(now, &[0, 1, 2, 3]);
    let stranger = DocumentName::parse("stranger").unwrap();
    other.held.push(Held {
        key: DocumentKey::base(name.clone(), ServiceName::parse("app").unwrap(), stranger),
        version: 1,
    });
    engine.take_acks(a, other).await.unwrap();
    assert_eq!(plane.held().await, [1], "the rest counts");
    assert!(is_ready(1));
    // The agent is ahead: it refuses this repository as older, whatever the numbers of documents say.
    engine.take_acks(a, says(now + 3, &[1, 2])).await.unwrap();
    assert_eq!(plane.held().await, [] as [u64; 0]);
    plane.publish("", "~5.2", r#"{"n":2}"#, at_once()).await;
    assert!(!is_ready(1) && !is_ready(2), "nobody holds this version 2");
    let now = engine.repository().version();
    engine.take_acks(a, says(now, &[1, 2])).await.unwrap();
    assert!(is_ready(1) && is_ready(2));
}

/// An agent, three versions of one document, and the version of the repository with all of them.
async fn three_versions() -> (Plane, AgentId, u64) {
    let plane = Plane::start().await;
    let a = plane.agent("a.example").await;
    for version in 1..=3 {
        let body = format!(r#"{{"n":{version}}}"#);
        plane.publish("", "^5", &body, at_once()).await;
    }
    let now = plane.engine.repository().version();
    (plane, a, now)
}

/// An agent of very many sites with layers of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_told_in_parts() {
    let (plane, a, now) = three_versions().await;
    let part = |number, of, version| Acks {
        part: Some(Part { number, of }),
        ..says(now, &[version])
    };
    let take = async |acks| plane.engine.take_acks(a, acks).await;
    take(says(now, &[3])).await.unwrap();
    take(part(1, 3, 1)).await.unwrap();
    take(part(2, 3, 2)).await.unwrap();
    assert_eq!(
        plane.held().await,
        [3],
        "nothing changes before the last part"
    );
    take(part(3, 3, 3)).await.unwrap();
    assert_eq!(plane.held().await, [1, 2, 3]);
    let late = take(part(3, 3, 3)).await.unwrap_err().to_string();
    assert!(late.contains("from the first part"), "{late}");
    for (number, of) in [(0, 2), (3, 2), (1, 21)] {
        let refused = take(part(number, of, 1)).await.unwrap_err().to_string();
        assert!(
            refused.contains("at most 20 parts"),
            "{number} of {of}: {refused}"
        );
    }
    assert_eq!(plane.held().await, [1, 2, 3]);
}

/// A version that no site of a very large host can use: more of them refuse it than one message may tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_told_in_parts() {
    let (plane, a, now) = three_versions().await;
    let refused = |version| Refused {
        site: host("a.example"),
        held: Held {
            key: key(),
            version,
        },
        reason: "because".into(),
    };
    let part = |number, version| Acks {
        part: Some(Part { number, of: 2 }),
        refused: vec![refused(version)],
        ..says(now, &[version])
    };
    let take = async |acks| plane.engine.take_acks(a, acks).await;
    let refusals = || [1, 2, 3].map(|version| plane.engine.refused(&key(), version).len());
    take(part(1, 2)).await.unwrap();
    assert_eq!(
        refusals(),
        [0, 0, 0],
        "nothing changes before the last part"
    );
    take(part(2, 3)).await.unwrap();
    assert_eq!(refusals(), [0, 1, 1]);
    let more = Acks {
        refused: vec![refused(3); REFUSED_PER_PART_MAX + 1],
        ..says(now, &[3])
    };
    let too_many = take(more).await.unwrap_err().to_string();
    assert!(too_many.contains("1000 refusals"), "{too_many}");
    assert_eq!(refusals(), [0, 1, 1]);
}
