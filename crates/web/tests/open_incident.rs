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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_goes_on_when_its_client_goes_away() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let request = Request::post("/api/v1/incidents")
        .header("content-type", "application/json")
        .header("host", "127.0.0.1:8080")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(json!({"title": "Sign-in fails"}).to_string()))
        .unwrap();
    let mut asked = Box::pin(plane.answer(request));
    assert!(futures_util::poll!(&mut asked).is_pending());
    drop(asked);
    for _ in 0..2_000 {
        if !plane.engine.public_incidents().is_empty() {
            return;
        }
        clock::Clock::system()
            .sleep(std::time::Duration::from_millis(5))
            .await;
    }
    panic!("it was given up halfway");
}

#[tokio::test]
async fn what_was_only_believed_to_fail_ends_with_it() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let call = async |path: &str, body: Value| {
        let sent = plane.send("POST", path, Some(&token), body.to_string());
        let answer = sent.await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        serde_json::from_str::<Value>(&answer.text).unwrap()
    };
    let whole = call("/api/v1/incidents", json!({"title": "Sign-in fails"})).await;
    let scope = json!({"products": [], "zones": ["Pacific/Honolulu"], "releases": []});
    let part = call(
        "/api/v1/incidents",
        json!({"title": "Hawaii", "scope": scope}),
    )
    .await;
    let proved = plane.engine.fleet().sites().next().unwrap().0;
    plane
        .engine
        .learn([proved], domain::site::state::Evidence::Failed);
    let done = json!({"text": "All sites work.", "state": "completed"});
    let path = |incident: &Value| {
        format!(
            "/api/v1/incidents/{}/updates",
            incident["id"].as_str().unwrap()
        )
    };
    call(&path(&whole), done.clone()).await;
    let failing = |plane: &Plane| {
        let fleet = plane.engine.fleet();
        let states = fleet.sites().map(|(at, _)| fleet.state(at));
        states
            .filter(|one| *one == domain::site::state::SiteState::Failing)
            .count()
    };
    let in_hawaii = part["affected"]["total"].as_u64().unwrap() as usize;
    assert!(in_hawaii > 0);
    assert_eq!(
        failing(&plane),
        in_hawaii + 1,
        "what is proved, and what another incident holds"
    );
    call(&path(&part), done).await;
    assert_eq!(failing(&plane), 1, "what is proved");
}
