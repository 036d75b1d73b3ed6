//! An incident that a person opens, without an alarm.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

#[tokio::test]
async fn it_is_public_at_once_and_takes_the_alarms_of_its_scope() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let body = json!({"title": "Sign-in fails", "started_at": "2023-07-11T15:00:00-05:00"});
    let opened = plane
        .send("POST", "/api/v1/incidents", Some(&token), body.to_string())
        .await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let opened: Value = serde_json::from_str(&opened.text).unwrap();
    assert_eq!(opened["state"], "investigating");
    assert_eq!(opened["impact"], "critical", "by the share of the fleet");
    assert_eq!(opened["started_at"], "2023-07-11T20:00:00Z");
    assert_eq!(opened["affected"]["failing"], 3_405);
    let id = opened["id"].as_str().unwrap();
    let page = plane
        .send("GET", &format!("/incidents/{id}"), None, "")
        .await;
    assert!(page.text.contains("Sign-in fails"), "{}", page.text);
    let timeline = format!("/api/v1/incidents/{id}/timeline");
    let timeline = plane.send("GET", &timeline, Some(&token), "").await.text;
    assert!(timeline.contains(r#""fact":"opened""#), "{timeline}");
    assert_eq!(
        plane.propose().await.to_string(),
        id,
        "an alarm inside of it belongs to it"
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    for (body, at) in [
        (json!({"title": " "}), "title"),
        (json!({"title": "x".repeat(201)}), "title"),
        (json!({"title": "a\nb"}), "title"),
        (
            json!({"title": "T", "started_at": "2023-07-11T20:30:01Z"}),
            "started_at",
        ),
        (
            json!({"title": "T", "started_at": "1969-07-11T20:30:01Z"}),
            "started_at",
        ),
        (
            json!({"title": "T", "scope": {"zones": ["Europe/Berlin"]}}),
            "scope",
        ),
        (
            json!({"title": "T", "scope": {"releases": ["9.9.9"]}}),
            "scope",
        ),
    ] {
        let answer = plane
            .send("POST", "/api/v1/incidents", Some(&token), body.to_string())
            .await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        let error: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(error["error"]["at"], at, "{body}: {error}");
    }
    assert!(plane.engine.all_incidents().is_empty());
}

#[tokio::test]
async fn the_form_opens_one_for_all_zones_of_a_clock() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let send = async |body: &str| {
        let request = Request::post("/console/incidents/new")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {token}"));
        plane
            .answer(request.body(Body::from(body.to_owned())).unwrap())
            .await
    };
    let refused = send("title=+&zone=America%2FDenver").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("role=\"alert\""), "{}", refused.text);
    assert!(
        refused.text.contains("value=\"America/Denver\" selected"),
        "{}",
        refused.text
    );
    let opened = send("title=Sign-in+fails&zone=America%2FDenver&impact=minor").await;
    assert_eq!(opened.status, 303, "{}", opened.text);
    let incidents = plane.engine.public_incidents();
    let scope = &incidents[0].incident.scope;
    let zones: Vec<_> = scope.zones.iter().map(ToString::to_string).collect();
    assert_eq!(zones, ["America/Boise", "America/Denver"]);
    let to = opened.headers["location"].to_str().unwrap();
    assert_eq!(plane.send("GET", to, Some(&token), "").await.status, 200);
}
