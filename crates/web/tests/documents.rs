//! The list of documents, page by page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

#[tokio::test]
async fn documents_are_listed_page_by_page() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Engineer).await;
    let call = async |method: &str, path: &str, body: Value| {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = plane.send(method, path, Some(&token), body).await;
        let read: Value = serde_json::from_str(&answer.text).unwrap();
        (answer.status, read)
    };
    for (service, layer, versions) in [
        ("parks", "", 3),
        ("parks", "zone:America/Anchorage", 2),
        ("parks", "state:AK", 1),
        ("roads", "", 2),
    ] {
        for version in 1..=versions {
            let new = json!({"product": "web-central", "service": service, "name": "settings", "layer": layer,
                "accepts": "^5", "body": {"n": version}, "at_once": true, "why": "a test"});
            let (status, answer) = call("POST", "/api/v1/documents", new).await;
            assert_eq!(status, 201, "{answer}");
        }
    }
    let list = async |query: &str| {
        let path = format!("/api/v1/documents{query}");
        call("GET", &path, Value::Null).await.1
    };
    let whole = list("").await;
    assert_eq!(whole["after"], Value::Null);
    let whole = whole["documents"].as_array().unwrap();
    let newest_first = |pair: &[Value]| {
        let of = |one: &Value| (one["service"].clone(), one["layer"].clone());
        of(&pair[0]) != of(&pair[1]) || pair[0]["version"].as_u64() > pair[1]["version"].as_u64()
    };
    assert!(whole.len() >= 5 && whole.windows(2).all(newest_first));
    for limit in 1..=whole.len() {
        let (mut after, mut found) = (String::new(), vec![]);
        loop {
            let page = list(&format!("?limit={limit}{after}")).await;
            let some = page["documents"].as_array().unwrap();
            assert!((1..=limit).contains(&some.len()), "{page}");
            found.extend(some.clone());
            match page["after"].as_str() {
                Some(last) => {
                    let last: String =
                        url::form_urlencoded::byte_serialize(last.as_bytes()).collect();
                    after = format!("&after={last}");
                }
                None => break,
            }
        }
        assert_eq!(&found, whole, "{limit} at a time");
    }
    // A place that is no more is a place all the same.
    let rest = list("?after=web-central/parks/settings/99/zone:America/Chicago").await;
    assert_eq!(rest["documents"][0]["layer"], "state:AK");
    for wrong in ["?after=web-central/parks", "?limit=0", "?after=a/b/c/x/"] {
        let path = format!("/api/v1/documents{wrong}");
        let (status, answer) = call("GET", &path, Value::Null).await;
        assert_eq!(status, 422, "{wrong}: {answer}");
    }
}
