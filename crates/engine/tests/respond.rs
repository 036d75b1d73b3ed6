//! One incident from alarm to completion, with a real receiver of pages.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clock::Clock;
use domain::id::IncidentId;
use domain::incident::{PromiseKind, Scope, Stage};
use domain::name::{Hostname, ProductName};
use domain::site::Zone;
use domain::site::import::Defaults;
use domain::site::state::{Evidence, SiteState};
use engine::{Acceptance, Engine, NewUpdate, Proposal};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use store::OnCallStep;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const START: &str = "2023-07-11T21:06:00Z";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FLEET: &str = "hostname,organization,kind,city,state,timezone,population\n\
    a.example,A,City,A,CA,America/Los_Angeles,1\nb.example,B,City,B,IL,America/Chicago,1\n";

async fn engine(folder: &tempfile::TempDir) -> Engine {
    // Ten minutes of the incident pass in a second.
    let (clock, _) = Clock::starting_at(START.parse().unwrap(), 600.0);
    let store = support::store(folder.path()).await;
    let engine = support::engine(store, clock, "http://lamplighter.example").await;
    let product = ProductName::parse("web-central").unwrap();
    let defaults = Defaults {
        product,
        running: semver::Version::new(5, 2, 0),
    };
    engine
        .import_fleet(FLEET.as_bytes(), &defaults, "a test")
        .await
        .unwrap();
    engine
}

fn proposal(engine: &Engine) -> Proposal {
    let clock = engine.clock();
    let site = Hostname::parse("a.example").unwrap();
    Proposal {
        alarm: clock.id(),
        words: "5 sites reported within 3 minutes".into(),
        scope: Scope::default(),
        raised_at: clock.now(),
        first_report: Some((clock.id(), site, clock.now())),
        reports: vec![],
    }
}

/// Takes pages: refuses the first attempt, and checks every signature.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (sender, pages) = mpsc::unbounded_channel();
    let first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let take = move |headers: HeaderMap, body: Bytes| {
        let (sender, first) = (sender.clone(), first.clone());
        async move {
            if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            let at = header("webhook-timestamp").parse().unwrap();
            let expected = Webhook::new(SECRET)
                .unwrap()
                .sign(&header("webhook-id"), at, &body)
                .unwrap();
            assert_eq!(header("webhook-signature"), expected);
            let _ = sender.send(serde_json::from_slice(&body).unwrap());
            StatusCode::NO_CONTENT
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/page", listener.local_addr().unwrap());
    let router = Router::new().route("/page", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, pages)
}

fn update(json: Value) -> NewUpdate {
    serde_json::from_value(json).unwrap()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        Clock::system().sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_goes_from_alarm_to_completion() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let (url, mut pages) = receiver().await;
    let steps = [OnCallStep {
        url,
        secret: Some(SECRET.into()),
        after_seconds: 0,
    }];
    engine.save_on_call(&steps, "a test").await.unwrap();
    let stop = CancellationToken::new();
    let _workers = engine.run_workers(&stop);

    let proposal = proposal(&engine);
    let id = engine.propose(&proposal).await.unwrap();
    assert_eq!(
        engine.propose(&proposal).await.unwrap(),
        id,
        "twice is once"
    );
    assert!(
        engine.public_incidents().is_empty(),
        "customers see no proposal"
    );

    // The first attempt is refused; the second arrives.
    let page = tokio::time::timeout(Duration::from_secs(10), pages.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page["data"]["incident"], json!(id));
    let page_id = page["data"]["page"].as_str().unwrap().parse().unwrap();
    engine.acknowledge_page(page_id, "Kim").await.unwrap();

    let early = engine
        .post_update(id, "Kim", update(json!({"text": "x"})))
        .await
        .unwrap_err();
    assert_eq!(
        early.to_string(),
        "This incident is only proposed; accept it first."
    );
    engine
        .accept_incident(id, "Kim", Acceptance::default())
        .await
        .unwrap();
    let view = engine.incident_view(id).unwrap();
    assert_eq!(
        engine.affected_by(&view).failing,
        2,
        "sites in scope count as failing"
    );
    posts_and_watch(&engine, id).await;
    story_is_recorded(&engine, id).await;
    stop.cancel();
}

async fn posts_and_watch(engine: &Engine, id: IncidentId) {
    let wrong = json!({"template": "Fix Implemented", "values": {"report_within": "soon"}});
    let wrong = engine
        .post_update(id, "Kim", update(wrong))
        .await
        .unwrap_err();
    assert!(
        wrong
            .to_string()
            .starts_with("\"report_within\" must be a length"),
        "{wrong}"
    );
    let fix = json!({
        "template": "Fix Implemented",
        "watch_until": engine.clock().now() + jiff::SignedDuration::from_mins(5),
        "complete_after_watch": true,
    });
    let preview = engine
        .preview_update(id, "Kim", update(fix.clone()))
        .await
        .unwrap();
    assert!(
        preview
            .update
            .body
            .starts_with("Our engineers have applied a fix")
    );
    assert!(
        engine.incident_view(id).unwrap().updates.is_empty(),
        "a preview posts nothing"
    );
    engine.post_update(id, "Kim", update(fix)).await.unwrap();
    let view = engine.incident_view(id).unwrap();
    assert!(view.due_at(PromiseKind::Report).is_some());

    // The watch ends, and a site still fails: nothing is completed.
    let stage = || engine.incident_view(id).unwrap().incident.state.stage();
    Clock::system().sleep(Duration::from_secs(2)).await;
    assert_eq!(stage(), Stage::Monitoring);
    let sites = engine.sites_in(&Scope::default());
    engine.learn(sites.clone(), Evidence::ActionSent);
    engine.learn(sites.clone(), Evidence::Verified);
    until("completed", || stage() == Stage::Completed).await;
    until("settled", || {
        engine.fleet().state(sites[0]) == SiteState::Well
    })
    .await;
    engine
        .official_comment(id, "Kim", "What happened.".into())
        .await
        .unwrap();
    let view = engine.incident_view(id).unwrap();
    assert_eq!(view.official_comment().unwrap().body, "What happened.");
    assert_eq!(
        view.due_at(PromiseKind::Report),
        None,
        "the report's promise is kept"
    );
}

async fn story_is_recorded(engine: &Engine, id: IncidentId) {
    let timeline = engine.incident_timeline(id).await.unwrap();
    let facts: Vec<_> = timeline
        .iter()
        .map(|entry| serde_json::to_value(entry).unwrap()["fact"].clone())
        .collect();
    for fact in [
        "first_report",
        "alarm_raised",
        "proposed",
        "paged",
        "page_acknowledged",
        "accepted",
        "updated",
        "watch_ended",
        "completed",
        "official_comment",
    ] {
        let times = facts.iter().filter(|found| *found == fact).count();
        assert!(times >= 1, "{fact} is not in {facts:?}");
        assert!(
            times == 1 || fact == "updated",
            "{fact} was recorded {times} times"
        );
    }
    let zone = Zone::parse("America/Los_Angeles").unwrap();
    let zone_rules = zone.rules();
    let report = engine.report_draft(id, zone).await.unwrap();
    // The clock runs on while the machine is busy: the minute is the record's, not the test's.
    let reported = timeline
        .iter()
        .find(|entry| serde_json::to_value(entry).unwrap()["fact"] == "first_report")
        .map(|entry| zone_rules.to_datetime(entry.at))
        .unwrap();
    let minute = reported.strftime("%B %-d, %Y at %-I:%M%P PDT");
    let says = format!("{minute}, the first customer reported");
    assert!(report.contains(&says), "{says}: {report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_alarms_of_the_same_sites_are_one_incident() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let (first, second) = (proposal(&engine), proposal(&engine));
    let (one, other) = tokio::join!(engine.propose(&first), engine.propose(&second));
    assert_eq!(one.unwrap(), other.unwrap());
    let id = engine.all_incidents()[0].incident.id;
    assert_eq!(engine.incident_view(id).unwrap().alarms.len(), 2);
    engine
        .dismiss_incident(id, "Kim", "A test of the alarm.")
        .await
        .unwrap();
    let again = engine
        .accept_incident(id, "Kim", Acceptance::default())
        .await
        .unwrap_err();
    assert_eq!(again.to_string(), "This incident was dismissed.");
    assert_ne!(engine.propose(&proposal(&engine)).await.unwrap(), id);
}

/// Each alarm by its zone, or the whole fleet; then how many incidents are open, the newest one's
/// scope, and how often people were paged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wider_alarm_widens_its_incident_and_pages_once() {
    let (west, middle, all) = (Some("America/Los_Angeles"), Some("America/Chicago"), None);
    for (accepted, alarms, open, pages) in [
        (false, vec![west, all, all, west, middle], 1, 2),
        (true, vec![west, all, all, west, middle], 1, 2),
        (true, vec![all, west], 1, 1),
        // The wider one belongs to the newest that it holds; the other stays as it is.
        (false, vec![west, middle, all, west], 2, 3),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&folder).await;
        let mut newest = None;
        for zone in &alarms {
            let alarm = Proposal {
                scope: Scope {
                    zones: zone.iter().map(|zone| Zone::parse(zone).unwrap()).collect(),
                    ..Scope::default()
                },
                ..proposal(&engine)
            };
            let id = engine.propose(&alarm).await.unwrap();
            let is_first = newest.is_none();
            newest = newest.max(Some(id));
            if accepted && is_first {
                let acceptance = Acceptance::default();
                engine.accept_incident(id, "Kim", acceptance).await.unwrap();
            }
        }
        let incidents = engine.store().open_incidents(9).await.unwrap();
        let mut facts = vec![];
        for incident in &incidents {
            let timeline = engine.incident_timeline(incident.id).await.unwrap();
            facts.extend(
                timeline
                    .iter()
                    .map(|entry| serde_json::to_value(entry).unwrap()["fact"].clone()),
            );
        }
        let times = |fact: &str| facts.iter().filter(|found| *found == fact).count();
        assert_eq!(
            (incidents.len(), times("paged")),
            (open, pages),
            "{alarms:?}: {facts:?}"
        );
        assert_eq!(times("widened"), pages - open, "{alarms:?}");
        let view = engine.incident_view(newest.unwrap()).unwrap();
        assert_eq!(
            view.incident.title,
            "Sign-in issue reported for all sites".to_owned(),
            "{alarms:?}"
        );
        if accepted {
            assert_eq!(
                engine.affected_by(&view).failing,
                2,
                "added sites count as failing"
            );
        }
    }
}
