//! From a customer's report to an alarm, through the store, and over a restart.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use std::time::Duration;

use clock::{Clock, Hand};
use domain::incident::Stage;
use domain::report::Channel;
use domain::site::Zone;
use domain::site::import::Defaults;
use engine::{Acceptance, Engine, NewReport, NewUpdate, Settings, Signal};
use jiff::Timestamp;
use store::{Place, Store};
use tokio_util::sync::CancellationToken;

async fn engine(folder: &std::path::Path, clock: &Clock) -> Engine {
    let place = Place {
        folder: folder.to_owned(),
        postgres: None,
    };
    let store = Store::open(&place).await.unwrap();
    let settings = Settings {
        base_url: "http://127.0.0.1:1".into(),
        team: "Our engineers".into(),
        home_zone: Zone::parse("America/Chicago").unwrap(),
    };
    Engine::open(store, clock.clone(), settings).await.unwrap()
}

async fn import(engine: &Engine, sites: usize) {
    let mut csv = String::from("hostname,organization,kind,city,state,timezone,population\n");
    for number in 0..sites {
        csv +=
            &format!("site-{number}.gov,City {number},City,City {number},CO,America/Denver,100\n");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spike_is_one_alarm_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual("2023-07-11T21:00:00Z".parse().unwrap());
    let first = engine(folder.path(), &clock).await;
    import(&first, 50).await;
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
