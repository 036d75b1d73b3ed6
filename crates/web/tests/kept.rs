//! Public pages are kept for a moment: not sent again while unchanged, told anew at once, shown as
//! they were while the database is down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use bytes::Bytes;
use domain::access::Role;
use domain::site::state::Evidence;
use futures_util::{Stream, StreamExt as _};
use support::{Answer, Plane};
use tower::ServiceExt as _;

async fn get(plane: &Plane, path: &str, known: Option<&str>) -> Answer {
    let mut request = Request::get(path).header("host", "127.0.0.1:8080");
    if let Some(tag) = known {
        request = request.header("if-none-match", tag);
    }
    plane.answer(request.body(Body::empty()).unwrap()).await
}

async fn post(plane: &Plane, token: &str, path: &str, body: &str) {
    let answer = plane.send("POST", path, Some(token), body.to_owned()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
}

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

/// Opens the stream that readers are told on.
async fn open_events(plane: &Plane) -> axum::response::Response {
    let from: std::net::SocketAddr = "127.0.0.1:40000".parse().unwrap();
    let request = Request::get("/events").extension(ConnectInfo(from));
    let request = request.body(Body::empty()).unwrap();
    plane.router.clone().oneshot(request).await.unwrap()
}

/// What comes next on a stream of events, within a while.
async fn next(events: &mut (impl Stream<Item = Result<Bytes, axum::Error>> + Unpin)) -> String {
    let next = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
    String::from_utf8(next.unwrap().unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn readers_are_told_that_something_changed() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let id = plane.propose().await;
    let answer = open_events(&plane).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    let mut events = answer.into_body().into_data_stream();
    let again = next(&mut events).await;
    let again: u64 = again
        .strip_prefix("retry: ")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!((2_000..10_000).contains(&again), "{again}");
    let accept = format!("/api/v1/incidents/{id}/accept");
    post(&plane, &token, &accept, "{}").await;
    while next(&mut events).await != "event: told\ndata: look\n\n" {}
    let site = plane.engine.fleet().sites().next().unwrap().0;
    plane.engine.learn([site], Evidence::Failed);
    while next(&mut events).await != "event: sites\ndata: look\n\n" {}
}

#[tokio::test]
async fn one_address_cannot_take_all_places_of_readers() {
    let plane = Plane::with_fleet().await;
    let mut open = vec![];
    let refused = loop {
        let answer = open_events(&plane).await;
        if answer.status() != 200 {
            break answer;
        }
        open.push(answer);
        assert!(open.len() <= 500, "one address has {} streams", open.len());
    };
    assert_eq!((refused.status().as_u16(), open.len()), (503, 500));
    open.clear();
    assert_eq!(open_events(&plane).await.status(), 200);
}

#[tokio::test]
async fn clients_that_do_not_take_gzip_are_not_sent_it() {
    let plane = Plane::with_fleet().await;
    let ask = async |encodings: &str| {
        let request = Request::get("/").header("accept-encoding", encodings);
        let request = request.body(Body::empty()).unwrap();
        let answer = plane.router.clone().oneshot(request).await.unwrap();
        answer.headers().get("content-encoding").cloned()
    };
    let gzip = Some("gzip".parse().unwrap());
    for (encodings, answered) in [
        ("gzip, deflate, br", &gzip),
        ("identity", &None),
        ("gzip;q=0", &None),
        ("br;q=1, GZIP;q=0.5", &gzip),
        ("gzip; q=0.0, deflate", &None),
        ("", &None),
    ] {
        // The first answer is drawn, the second kept.
        for _ in 0..2 {
            assert_eq!(&ask(encodings).await, answered, "{encodings}");
        }
    }
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again_and_news_is_told_at_once() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let id = plane.propose().await;
    let accept = format!("/api/v1/incidents/{id}/accept");
    post(&plane, &token, &accept, "{}").await;
    let page = format!("/incidents/{id}");
    for path in [
        "/",
        &page,
        "/sites/weirton.wv.example",
        "/feed.atom",
        "/api/v2/summary.json",
    ] {
        let first = get(&plane, path, None).await;
        assert_eq!(
            (first.status.as_u16(), &first.headers["cache-control"]),
            (200, &"no-cache".parse().unwrap())
        );
        let again = get(&plane, path, Some(&tag(&first))).await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (304, ""),
            "{path}"
        );
        assert_eq!(tag(&again), tag(&first));
        assert_eq!(again.headers["x-content-type-options"], "nosniff");
        let other = get(&plane, path, Some("\"0\", W/\"1\"")).await;
        assert_eq!(
            (other.status.as_u16(), other.text == first.text),
            (200, true),
            "{path}"
        );
    }
    let known = tag(&get(&plane, &page, None).await);
    let updates = format!("/api/v1/incidents/{id}/updates");
    let update = r#"{"text": "The cause is known.", "state": "identified"}"#;
    post(&plane, &token, &updates, update).await;
    for path in ["/", &page, "/feed.rss", "/api/v2/incidents.json"] {
        let told = get(&plane, path, Some(&known)).await;
        assert!(
            told.text.contains("The cause is known."),
            "{path}: {}",
            told.text
        );
    }
}

#[tokio::test]
async fn a_lamp_is_at_most_a_second_late() {
    let plane = Plane::with_fleet().await;
    let path = "/sites/weirton.wv.example";
    let well = get(&plane, path, None).await.text;
    let site = plane
        .engine
        .fleet()
        .find(&"weirton.wv.example".parse().unwrap())
        .unwrap();
    plane.engine.learn([site], Evidence::Failed);
    plane.hand.advance(Duration::from_millis(999));
    assert_eq!(get(&plane, path, None).await.text, well);
    plane.hand.advance(Duration::from_millis(1));
    assert_ne!(get(&plane, path, None).await.text, well);
}

#[tokio::test]
async fn answers_to_one_encoding_do_not_reach_another() {
    let plane = Plane::with_fleet().await;
    let plain = get(&plane, "/", None).await;
    let request = Request::get("/").header("accept-encoding", "gzip");
    let packed = plane.answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_ne!(tag(&packed), tag(&plain));
    let plain = get(&plane, "/", None).await;
    assert!(plain.headers.get("content-encoding").is_none());
    assert!(plain.text.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn pages_stand_while_the_database_is_down() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let id = plane.propose().await;
    let accept = format!("/api/v1/incidents/{id}/accept");
    post(&plane, &token, &accept, "{}").await;
    for file in ["lamplighter.db", "lamplighter.db-wal"] {
        let path = plane.folder.path().join(file);
        let bytes = std::fs::metadata(&path).unwrap().len();
        std::fs::write(&path, vec![0x5a; usize::try_from(bytes).unwrap()]).unwrap();
    }
    let broken = plane
        .send("GET", "/api/v1/campaigns", Some(&token), "")
        .await;
    assert!(
        broken.status.is_server_error(),
        "{}: {}",
        broken.status,
        broken.text
    );
    plane.hand.advance(Duration::from_secs(60));
    let page = format!("/incidents/{id}");
    for path in [
        "/",
        &page,
        "/sites/weirton.wv.example",
        "/feed.atom",
        "/api/v2/summary.json",
    ] {
        let answer = get(&plane, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_takes_no_gzip_gets_none_whatever_others_asked() {
    let plane = Plane::with_fleet().await;
    // A proxy may join them, and readers of headers differ in which line they take.
    for lines in [["identity", "gzip"], ["gzip", "identity"]] {
        plane.hand.advance(Duration::from_secs(2));
        let mut request = Request::get("/").header("host", "127.0.0.1:8080");
        for line in lines {
            request = request.header("accept-encoding", line);
        }
        plane.answer(request.body(Body::empty()).unwrap()).await;
        let plain = get(&plane, "/", None).await;
        assert!(!plain.headers.contains_key("content-encoding"));
        assert!(plain.text.contains("<h1"), "{}", plain.text);
    }
}
