//! Signed config that is not signed anew in time: the team hears of it before agents refuse it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use clock::{Clock, Hand};
use domain::document::DocumentKey;
use domain::layer::Layer;
use domain::name::ProductName;
use domain::site::import::Defaults;
use engine::{Ends, Engine, How, NewDocument};
use semver::Version;
use store::Store;
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(86_400);

async fn engine(store: &Store, clock: &Clock) -> Engine {
    support::engine(store.clone(), clock.clone(), "http://127.0.0.1:1").await
}

/// Publishes a version of a document of web-central, which has two sites.
async fn publish(engine: &Engine, layer: &str, body: &str) {
    let product = ProductName::parse("web-central").unwrap();
    if engine.fleet().product(&product).is_none() {
        let defaults = Defaults {
            product: product.clone(),
            running: Version::new(5, 1, 0),
        };
        let fleet = "hostname,organization,kind,city,state,timezone,population\n\
            a.example,A,City,C,TX,America/Chicago,1\nb.example,B,City,C,TX,America/Chicago,1\n";
        let imported = engine.import_fleet(fleet.as_bytes(), &defaults, "a test");
        imported.await.unwrap();
    }
    let [service, name] = ["app", "links"];
    let key = DocumentKey::base(product, service.parse().unwrap(), name.parse().unwrap());
    let new = NewDocument {
        key: key.with_layer(Layer::parse(layer).unwrap()),
        accepts: "^5".parse().unwrap(),
        lane: None,
        schema: None,
        body: body.into(),
        how: How::default(),
    };
    engine.publish_document(new, "a test").await.unwrap();
}

struct Story {
    store: Store,
    clock: Clock,
    hand: Hand,
    engine: Engine,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Story {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = support::store(folder.path()).await;
        let (clock, hand) = Clock::manual("2023-07-11T20:00:00Z".parse().unwrap());
        Self {
            engine: engine(&store, &clock).await,
            store,
            clock,
            hand,
            stop: CancellationToken::new(),
            _folder: folder,
        }
    }

    fn endings(&self) -> Vec<Ends> {
        let endings = self.engine.config_endings().unwrap();
        endings.into_iter().map(|one| one.what).collect()
    }

    /// Lets the heart beat until something holds.
    async fn until(&self, holds: impl AsyncFn() -> bool) {
        for _ in 0..2_000 {
            if holds().await {
                return;
            }
            self.hand.advance(Duration::from_secs(5));
            Clock::system().sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came to hold");
    }

    /// Lets it beat three times.
    async fn beats(&self) {
        let beat = || self.engine.repository_file("timestamp.json");
        for _ in 0..3 {
            let before = beat();
            self.until(async || beat() != before).await;
        }
    }

    async fn pages(&self) -> Vec<String> {
        let pages = self.store.pages(50).await.unwrap();
        pages.into_iter().map(|one| one.words).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_anew_in_time_needs_nobody() {
    let story = Story::begin().await;
    story.hand.advance(60 * DAY);
    assert_eq!(story.endings(), []);
    story.hand.advance(2 * DAY);
    assert_eq!(story.endings(), [Ends::Metadata], "nobody signs it anew");
    let _workers = story.engine.run_workers(&story.stop);
    story.until(async || story.endings().is_empty()).await;
    assert_eq!(story.pages().await, [] as [String; 0]);
    story.stop.cancel();
}

/// Sites were told of in one shard once, and in two now: the role of that one is over some day, and nobody misses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agents_are_led_to_no_more_is_not_signed_anew() {
    let story = Story::begin().await;
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(600_000));
    for (layer, body) in [
        ("", "{}"),
        ("site:a.example", &long),
        ("site:b.example", &long),
    ] {
        publish(&story.engine, layer, body).await;
    }
    story.hand.advance(62 * DAY);
    assert_eq!(story.endings(), [Ends::Metadata]);
    let _workers = story.engine.run_workers(&story.stop);
    story.until(async || story.endings().is_empty()).await;
    let signed = story.engine.repository().version();
    story.beats().await;
    assert_eq!(
        story.engine.repository().version(),
        signed,
        "once is enough"
    );
    assert_eq!(story.pages().await, [] as [String; 0]);
    story.stop.cancel();
}

/// Another process publishes, and this one never learns of it: whatever it signs is refused by the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_paged_when_metadata_cannot_be_signed_anew() {
    let story = Story::begin().await;
    let other = engine(&story.store, &story.clock).await;
    publish(&other, "", "{}").await;
    story.hand.advance(75 * DAY + DAY / 2);
    let _workers = story.engine.run_workers(&story.stop);
    story.until(async || !story.pages().await.is_empty()).await;
    // More beats of the same day.
    story.beats().await;
    let pages = story.pages().await;
    assert_eq!(pages.len(), 1, "{pages:?}");
    let words = "is good for 14 more days, and this server could not sign it anew";
    assert!(pages[0].contains(words), "{pages:?}");
    story.stop.cancel();
}
