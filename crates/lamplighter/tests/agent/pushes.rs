//! What pushes may suffer, and what must not wait for what: invariants 10 and 11 of delivery, over real connections.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt as _, stream};

use super::*;

/// Above what is pushed with metadata.
const TO_FETCH: usize = protocol::delivery::INLINE_BYTES_MAX + 1;
const PUBLICATIONS: u64 = 24;

/// Does to a stream of events whatever a network may: of each ten, some are lost, some come twice, and some after those
/// that were sent later.
pub(crate) fn suffering(body: Body) -> Body {
    let events = stream::unfold(
        (body.into_data_stream(), String::new()),
        async |(mut chunks, mut text)| loop {
            if let Some(end) = text.find("\n\n") {
                let rest = text.split_off(end + 2);
                return Some((text, (chunks, rest)));
            }
            let chunk = chunks.next().await?.ok()?;
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        },
    );
    let suffered = events
        .enumerate()
        .scan(VecDeque::new(), |late, (n, event)| {
            let is_push = event.contains("event: repository");
            let mut out = vec![];
            match n % 10 {
                3 | 4 | 7 if is_push => {}
                1 | 8 if is_push => late.push_back(event),
                2 | 6 => out.extend([event.clone(), event]),
                _ => out.push(event),
            }
            if n % 10 == 9 {
                out.extend(late.drain(..));
            }
            std::future::ready(Some(out))
        })
        .flat_map(stream::iter);
    Body::from_stream(ok(suffered))
}

fn ok(events: impl Stream<Item = String>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    events.map(|event| Ok(Bytes::from(event)))
}

/// Never an older document after a newer one, and at last the newest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_may_be_lost_doubled_and_late() {
    let plane = Plane::start().await;
    plane.losses.suffers.store(true, Ordering::SeqCst);
    let stop = CancellationToken::new();
    let agent = reading(&plane, &stop).await;
    let cache = agent.cache();
    let reader = tokio::spawn({
        let (clock, cache, stop) = (plane.clock.clone(), cache.clone(), stop.clone());
        async move {
            let mut seen = vec![];
            while !stop.is_cancelled() {
                seen.push(version_of(&cache));
                clock.sleep(Duration::from_millis(50)).await;
            }
            seen
        }
    });
    for n in 1..=PUBLICATIONS {
        at_once(&plane, ("links", Lane::First), format!(r#"{{"n":{n}}}"#)).await;
        plane.clock.sleep(Duration::from_secs(2)).await;
    }
    let newest = format!(r#"{{"n":{PUBLICATIONS}}}"#);
    plane
        .until("the newest", || origins::reads(&agent, &newest))
        .await;
    let metrics = origins::ask(&agent, "/metrics").await;
    stop.cancel();
    agent.wait().await;
    let seen = reader.await.unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    // Looks would bring the newest in any case.
    let taken = r#"lamplighter_agent_pushes_total{result="taken"} "#;
    let taken = metrics.lines().find_map(|line| line.strip_prefix(taken));
    let taken: u64 = taken.unwrap().parse().unwrap();
    assert!(taken > 6, "{taken} pushes were taken");
    plane.stop.cancel();
}

/// An agent that reads a first version.
async fn reading(plane: &Plane, stop: &CancellationToken) -> Agent {
    let first = r#"{"n":0}"#;
    plane.publish("^5", first).await.unwrap();
    let agent = plane.agent(&plane.url, stop).await;
    plane
        .until("the first version", || origins::reads(&agent, first))
        .await;
    agent
}

/// Publishes for all releases and sites.
async fn at_once(plane: &Plane, (name, lane): (&str, Lane), body: String) {
    let name = DocumentName::parse(name).unwrap();
    let new = NewDocument {
        key: DocumentKey::base(product(), key().service, name),
        accepts: VersionReq::parse("^5").unwrap(),
        lane: Some(lane),
        schema: None,
        body: body.into(),
        how: How {
            at_once: true,
            why: "a test".into(),
            ..How::default()
        },
    };
    plane.engine.publish_document(new, "a test").await.unwrap();
}

fn version_of(cache: &agent::Cache) -> u64 {
    let (key, code) = (key(), Version::new(5, 1, 0));
    let found = cache.read(&host("a.example"), &key.service, &key.name, &code);
    found.map_or(0, |found| found.entry.version)
}

/// Documents of another lane that no origin gives, and a fetch of them that never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_lane_passes_a_backlog_that_is_stuck() {
    let plane = Plane::start().await;
    let stop = CancellationToken::new();
    let agent = reading(&plane, &stop).await;
    let is_behind = || {
        let newest = plane.engine.repository().version();
        agent.cache().repository_version() < newest
    };
    plane.losses.is_stuck.store(true, Ordering::SeqCst);
    for n in 0..8 {
        let body = format!(r#"{{"n":{n},"text":"{}"}}"#, "x".repeat(TO_FETCH));
        let name = format!("backlog-{n}");
        at_once(&plane, (&name, Lane::Other), body).await;
    }
    plane
        .until("it hangs", || {
            plane.losses.hanging.load(Ordering::SeqCst) > 0
        })
        .await;
    for n in 1..=3 {
        let published_at = plane.clock.now();
        let body = format!(r#"{{"n":{n}}}"#);
        at_once(&plane, ("links", Lane::First), body.clone()).await;
        plane
            .until("the first lane", || origins::reads(&agent, &body))
            .await;
        let took = plane.clock.now().duration_since(published_at).as_secs();
        assert!(took <= 240, "{took} s");
        assert!(is_behind(), "the backlog came");
    }
    plane.losses.is_stuck.store(false, Ordering::SeqCst);
    plane.until("all of it", || !is_behind()).await;
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}
