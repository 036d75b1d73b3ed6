//! From a customer's report to an alarm, through the store, and over a restart.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use std::time::Duration;

use clock::{Clock, Hand};
use domain::id::IncidentId;
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{Incident, Stage};
use domain::report::Channel;
use domain::site::import::Defaults;
use engine::{Acceptance, Engine, NewReport, NewUpdate, Signal};
use jiff::Timestamp;
use protocol::outcome::{Outcomes, SiteOutcomes};
use tokio_util::sync::CancellationToken;

async fn engine(folder: &std::path::Path, clock: &Clock) -> Engine {
    let store = support::store(folder).await;
    support::engine(store, clock.clone(), "http://127.0.0.1:1").await
}

async fn import(engine: &Engine, sites: usize, zones: &[&str]) {
    let mut csv = String::from("hostname,organization,kind,city,state,timezone,population\n");
    for number in 0..sites {
        let zone = zones[number % zones.len()];
        csv += &format!("site-{number}.gov,City {number},City,City {number},CO,{zone},100\n");
    }
    let product = domain::name::ProductName::parse("web-central").unwrap();
    let defaults = Defaults {
        product,
        running: semver::Version::new(5, 2, 0),
    };
    engine
        .import_fleet(csv.as_bytes(), &defaults, "a test")
        .await
        .unwrap();
}

async fn report(engine: &Engine, number: usize) {
    let site = domain::name::Hostname::parse(&format!("site-{number}.gov")).unwrap();
    let text = "Sign-in shows an error";
    let (contact, channel) = ("", Channel::Web);
    let new = NewReport {
        site: &site,
        text,
        contact,
        channel,
        idempotency_key: None,
    };
    engine.take_report(&new).await.unwrap();
}

/// Waits on the machine's clock for what workers do, at most 10 s.
async fn until<F: Future<Output = bool>>(mut done: impl FnMut() -> F) -> bool {
    for _ in 0..200 {
        if done().await {
            return true;
        }
        Clock::system().sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn alarms(engine: &Engine) -> usize {
    engine
        .alarms_since(Timestamp::UNIX_EPOCH, 9)
        .await
        .unwrap()
        .len()
}

async fn spike(engine: &Engine, hand: &Hand, sites: std::ops::Range<usize>) {
    for number in sites {
        hand.advance(Duration::from_secs(20));
        report(engine, number).await;
    }
}

async fn complete_all(engine: &Engine) {
    for incident in engine.store().open_incidents(9).await.unwrap() {
        engine
            .accept_incident(incident.id, "a test", Acceptance::default())
            .await
            .unwrap();
        let over = NewUpdate {
            text: Some("It works again.".into()),
            state: Some(Stage::Completed),
            ..NewUpdate::default()
        };
        engine
            .post_update(incident.id, "a test", over)
            .await
            .unwrap();
    }
}

/// A message without a batch.
fn whole(at_ms: i64, rows: Vec<SiteOutcomes>) -> Outcomes {
    Outcomes {
        at_ms,
        rows,
        batch: None,
    }
}

/// Two sign-ins at each of these sites, of which `failed` fail.
async fn sign_ins(engine: &Engine, sites: impl Iterator<Item = usize>, failed: u32) {
    let rows = sites.map(|number| SiteOutcomes {
        site: domain::name::Hostname::parse(&format!("site-{number}.gov")).unwrap(),
        attempts: 2,
        failures: [("provider_down".to_owned(), failed)].into(),
    });
    let outcomes = Outcomes {
        at_ms: engine.clock().now().as_millisecond(),
        rows: rows.collect(),
        batch: None,
    };
    let sender = engine.clock().id();
    engine.take_outcomes(&outcomes, sender).await.unwrap();
}

/// The incident that an alarm has just proposed.
async fn proposed(engine: &Engine) -> Incident {
    let open = || async { engine.store().open_incidents(9).await.unwrap() };
    assert!(until(|| async { !open().await.is_empty() }).await);
    open().await.remove(0)
}

/// How often people were paged about an incident.
async fn pages(engine: &Engine, incident: IncidentId) -> usize {
    let timeline = engine.incident_timeline(incident).await.unwrap();
    let paged = |entry: &&TimelineEntry| matches!(entry.fact, Fact::Paged { .. });
    timeline.iter().filter(paged).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dismissal_does_not_make_the_detector_deaf() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual("2023-07-11T21:00:00Z".parse().unwrap());
    let engine = engine(folder.path(), &clock).await;
    import(&engine, 50, &["America/Denver"]).await;
    let stop = CancellationToken::new();
    let mut workers = engine.run_workers(&stop);
    spike(&engine, &hand, 0..5).await;
    let proposed = proposed(&engine).await;
    engine
        .dismiss_incident(proposed.id, "a test", "A drill of theirs.")
        .await
        .unwrap();
    Clock::system().sleep(Duration::from_millis(500)).await;
    spike(&engine, &hand, 5..8).await;
    Clock::system().sleep(Duration::from_millis(500)).await;
    assert_eq!(alarms(&engine).await, 1, "more of the same");
    for _ in 0..5 {
        sign_ins(&engine, 0..50, 2).await;
        hand.advance(Duration::from_secs(2));
        Clock::system().sleep(Duration::from_millis(200)).await;
    }
    assert!(
        until(|| async { alarms(&engine).await == 2 }).await,
        "a total outage after a dismissal raised nothing"
    );
    stop.cancel();
    hand.advance(Duration::from_secs(5));
    while workers.join_next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_incident_grows_with_the_outage() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual("2023-07-11T21:00:00Z".parse().unwrap());
    let engine = engine(folder.path(), &clock).await;
    let zones = ["America/Denver", "America/Phoenix", "America/Chicago"];
    import(&engine, 90, &zones).await;
    let stop = CancellationToken::new();
    let mut workers = engine.run_workers(&stop);
    for number in (1..15).step_by(3) {
        spike(&engine, &hand, number..number + 1).await;
    }
    let small = proposed(&engine).await;
    assert_eq!(small.scope.to_string(), "all sites in America/Phoenix");
    engine
        .accept_incident(small.id, "a test", Acceptance::default())
        .await
        .unwrap();
    for _ in 0..20 {
        sign_ins(&engine, 0..80, 2).await;
        sign_ins(&engine, 80..90, 0).await;
        hand.advance(Duration::from_secs(2));
        Clock::system().sleep(Duration::from_millis(100)).await;
    }
    let open = engine.store().open_incidents(9).await.unwrap();
    assert_eq!(open.len(), 1, "one outage in pieces: {open:#?}");
    assert_eq!(open[0].scope.to_string(), "all sites");
    assert_eq!(open[0].title, "Sign-in issue reported for all sites");
    assert_eq!(pages(&engine, small.id).await, 2);
    stop.cancel();
    hand.advance(Duration::from_secs(5));
    while workers.join_next().await.is_some() {}
}

#[tokio::test]
async fn implausible_outcomes_are_refused_and_one_site_counts_up_to_its_allowance() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual("2023-07-11T21:00:00Z".parse().unwrap());
    let engine = engine(folder.path(), &clock).await;
    import(&engine, 2, &["America/Denver"]).await;
    let row = |number: usize, attempts| SiteOutcomes {
        site: domain::name::Hostname::parse(&format!("site-{number}.gov")).unwrap(),
        attempts,
        failures: [("x".to_owned(), attempts / 2)].into(),
    };
    let at_ms = clock.now().as_millisecond();
    for (rows, refusal) in [
        (
            vec![row(0, 1), row(1, u32::MAX)],
            "4294967295 attempts of site-1.gov; a site has at most 12000 in one message",
        ),
        (
            vec![row(0, 1), row(1, 1), row(0, 1)],
            "names site-0.gov again, after rows[0]; a site has one row in a message",
        ),
    ] {
        let error = engine
            .take_outcomes(&whole(at_ms, rows), clock.id())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(refusal), "{error}");
    }
    let from = Timestamp::UNIX_EPOCH;
    let site = engine.fleet().site_at(&row(0, 0).site).unwrap().id;
    assert_eq!(
        engine.store().site_outcomes(site, from).await.unwrap(),
        (0, 0)
    );
    for (seconds, counted) in [(0, (10, 5)), (1, (10, 5)), (10, (20, 10))] {
        hand.advance(Duration::from_secs(seconds));
        let rows = vec![row(0, 9_000)];
        let at_ms = clock.now().as_millisecond();
        engine
            .take_outcomes(&whole(at_ms, rows), clock.id())
            .await
            .unwrap();
        assert_eq!(
            engine.store().site_outcomes(site, from).await.unwrap(),
            counted
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spike_is_one_alarm_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual("2023-07-11T21:00:00Z".parse().unwrap());
    let first = engine(folder.path(), &clock).await;
    import(&first, 50, &["America/Denver"]).await;
    let mut signals = first.signals();
    let stop = CancellationToken::new();
    let mut workers = first.run_workers(&stop);
    hand.advance(Duration::from_secs(60));
    // The same customer ten times is one.
    for _ in 0..10 {
        report(&first, 0).await;
    }
    spike(&first, &hand, 1..12).await;
    assert!(
        until(|| async { alarms(&first).await == 1 }).await,
        "no alarm was raised"
    );
    let mut raised = false;
    while let Ok(signal) = signals.try_recv() {
        raised |= matches!(signal, Signal::AlarmRaised(_));
    }
    assert!(raised, "the alarm was not signalled");
    let alarm = first
        .alarms_since(Timestamp::UNIX_EPOCH, 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(first.reports_of(&alarm).await.unwrap().len(), 21);
    stop.cancel();
    hand.advance(Duration::from_secs(5));
    while workers.join_next().await.is_some() {}

    let second = engine(folder.path(), &clock).await;
    let stop = CancellationToken::new();
    let mut workers = second.run_workers(&stop);
    spike(&second, &hand, 12..30).await;
    // Long enough for the worker to have seen them all.
    Clock::system().sleep(Duration::from_millis(500)).await;
    assert_eq!(
        alarms(&second).await,
        1,
        "the same trouble was raised twice"
    );

    complete_all(&second).await;
    Clock::system().sleep(Duration::from_millis(500)).await;
    spike(&second, &hand, 30..45).await;
    assert!(
        until(|| async { alarms(&second).await == 2 }).await,
        "new trouble was not raised"
    );
    let newest = second
        .alarms_since(Timestamp::UNIX_EPOCH, 1)
        .await
        .unwrap()
        .remove(0);
    assert!(
        newest.evidence.count <= 15,
        "old reports count again: {}",
        newest.sentence()
    );
    stop.cancel();
    hand.advance(Duration::from_secs(5));
    while workers.join_next().await.is_some() {}
}
