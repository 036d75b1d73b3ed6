//! Public pages are kept for a moment: not sent again while unchanged, told anew at once, shown as
//! they were while the database is down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::site::state::Evidence;
use support::{Answer, Plane};

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
