//! What one site's own layer costs in a fleet of 100,000 sites: the same however many sites have one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use clock::Clock;
use domain::document::{DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use domain::site::import::Defaults;
use engine::{DeliveryEvent, Engine, How, NewDocument, Repository};
use semver::Version;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tuf::{Shard, level_for};

const SITES: usize = 100_000;
/// Sites that get a layer of their own before the second measurement.
const LAYERED: usize = 40;

fn product() -> ProductName {
    ProductName::parse("web-central").unwrap()
}

fn host(number: usize) -> Hostname {
    Hostname::parse(&format!("town-{number}.example")).unwrap()
}

fn key() -> DocumentKey {
    DocumentKey::base(
        product(),
        ServiceName::parse("sign-in").unwrap(),
        DocumentName::parse("links").unwrap(),
    )
}

async fn plane(folder: &std::path::Path) -> Engine {
    let (clock, _) = Clock::starting_at("2023-07-11T20:00:00Z".parse().unwrap(), 1.0);
    let store = support::store(folder).await;
    let engine = support::engine(store, clock, "http://127.0.0.1:1").await;
    let mut fleet = "hostname,organization,kind,city,state,timezone,population,county\n".to_owned();
    for number in 0..SITES {
        fleet += &format!(
            "town-{number}.example,T{number},City,T{number},TX,America/Chicago,1,County {}\n",
            number % 254
        );
    }
    let defaults = Defaults {
        product: product(),
        running: Version::new(5, 1, 0),
    };
    engine
        .import_fleet(fleet.as_bytes(), &defaults, "a test")
        .await
        .unwrap();
    engine
}

async fn publish(engine: &Engine, layer: Layer, body: &str) {
    let new = NewDocument {
        key: key().with_layer(layer),
        accepts: "^5".parse().unwrap(),
        lane: Some(Lane::First),
        schema: None,
        body: body.into(),
        how: How::default(),
    };
    engine.publish_document(new, "a test").await.unwrap();
}

/// What the change of one site's layer costs.
#[derive(Debug)]
struct Cost {
    files: usize,
    pushed_bytes: usize,
    role_bytes: usize,
    shard_bytes: usize,
}

async fn cost(
    engine: &Engine,
    site: usize,
    body: &str,
    events: &mut Receiver<DeliveryEvent>,
) -> Cost {
    // What was pushed before is not counted, however much of it was left out.
    while !matches!(events.try_recv(), Err(TryRecvError::Empty)) {}
    let before = engine.repository();
    let started = engine.clock().now();
    publish(engine, Layer::Site(host(site)), body).await;
    let took = engine.clock().now().duration_since(started);
    let now = engine.repository();
    let files = |one: &Repository| -> Vec<String> { one.metadata_files() };
    let known = files(&before);
    let new: Vec<_> = files(&now)
        .into_iter()
        .filter(|name| !known.contains(name))
        .collect();
    let role = Shard::of(&product(), level_for(SITES), &host(site))
        .role()
        .name();
    let role = new
        .iter()
        .find(|name| name.ends_with(&format!(".{role}.json")))
        .unwrap();
    let targets: Vec<_> = before
        .target_files()
        .map(|(name, _)| name.to_owned())
        .collect();
    let targets: std::collections::HashSet<_> = targets.into_iter().collect();
    let moved: Vec<_> = now
        .target_files()
        .filter(|(name, _)| !targets.contains(*name))
        .collect();
    let [(_, shard_bytes)] = moved[..] else {
        panic!("one shard, not {moved:?}");
    };
    let cost = Cost {
        files: new.len() + 1,
        pushed_bytes: events.try_recv().unwrap().frame.len(),
        role_bytes: engine.repository_file(role).unwrap().len(),
        shard_bytes,
    };
    eprintln!("{cost:?}, published in {took:?}");
    cost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sites_layer_costs_the_same_however_many_have_one() {
    let folder = tempfile::tempdir().unwrap();
    let engine = plane(folder.path()).await;
    let mut events = engine.delivery_events();
    publish(&engine, Layer::Base, r#"{"greeting":"Hello"}"#).await;
    let plain = engine.repository();
    let shards = |one: &Repository| {
        one.target_files()
            .filter(|(name, _)| name.contains("_sites-"))
            .count()
    };
    assert_eq!(shards(&plain), 0, "without layers nothing is told of sites");
    let started = engine.clock().now();
    publish(&engine, Layer::Site(host(0)), r#"{"greeting":"Howdy"}"#).await;
    eprintln!(
        "first layer of {SITES} sites: {} shards in {:?}",
        shards(&engine.repository()),
        engine.clock().now().duration_since(started)
    );
    let first = cost(&engine, 1, r#"{"greeting":"Welcome"}"#, &mut events).await;
    for number in 2..LAYERED {
        publish(
            &engine,
            Layer::Site(host(number)),
            r#"{"greeting":"Good day"}"#,
        )
        .await;
    }
    let last = cost(&engine, LAYERED, r#"{"greeting":"Welcome"}"#, &mut events).await;
    assert_eq!(
        (first.files, last.files),
        (3, 3),
        "its role, the snapshot, the timestamp"
    );
    for one in [&first, &last] {
        assert!(
            one.pushed_bytes < 20_000 && one.role_bytes < 20_000 && one.shard_bytes < 20_000,
            "{one:?}"
        );
    }
    assert!(
        last.pushed_bytes < first.pushed_bytes + 500,
        "{first:?}, {last:?}"
    );
}
