//! What was posted is corrected in the open.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use serde_json::{Value, json};
use support::{Answer, Plane};

struct Told {
    plane: Plane,
    token: String,
    incident: String,
    update: String,
}

/// An incident with one update.
async fn told(text: &str) -> Told {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let opened = json!({"title": "Sign-in fails"}).to_string();
    let opened = plane
        .send("POST", "/api/v1/incidents", Some(&token), opened)
        .await;
    let opened: Value = serde_json::from_str(&opened.text).unwrap();
    let incident = opened["id"].as_str().unwrap().to_owned();
    let update = json!({"text": text, "state": "identified"}).to_string();
    let path = format!("/api/v1/incidents/{incident}/updates");
    let posted = plane.send("POST", &path, Some(&token), update).await;
    let posted: Value = serde_json::from_str(&posted.text).unwrap();
    let update = posted["update"]["id"].as_str().unwrap().to_owned();
    plane.hand.advance(std::time::Duration::from_secs(600));
    Told {
        plane,
        token,
        incident,
        update,
    }
}

impl Told {
    async fn correct(&self, update: &str, body: Value) -> Answer {
        let path = format!(
            "/api/v1/incidents/{}/updates/{update}/correct",
            self.incident
        );
        self.plane
            .send("POST", &path, Some(&self.token), body.to_string())
            .await
    }

    async fn page(&self) -> String {
        let path = format!("/incidents/{}", self.incident);
        self.plane.send("GET", &path, None, "").await.text
    }
}

#[tokio::test]
async fn customers_read_what_stands_and_what_stood_there() {
    let told = told("Fixed by **five** <b>").await;
    let body = json!({"text": "Fixed by six", "reason": "a wrong <hour>"});
    let corrected = told.correct(&told.update, body).await;
    assert_eq!(corrected.status, 200, "{}", corrected.text);
    let page = told.page().await;
    for part in [
        "<p>Fixed by six</p>",
        "Corrected <time datetime=\"2023-07-11T20:40:00Z\">",
        "a wrong &#60;hour&#62;",
        "<p>Fixed by <strong>five</strong> &lt;b&gt;</p>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let path = format!("/api/v1/public/incidents/{}", told.incident);
    let public: Value =
        serde_json::from_str(&told.plane.send("GET", &path, None, "").await.text).unwrap();
    let update = &public["updates"][0];
    assert_eq!(update["body"], "Fixed by six");
    assert_eq!(update["corrections"][0]["before"], "Fixed by **five** <b>");
    let feed = told.plane.send("GET", "/feed.atom", None, "").await.text;
    assert!(
        feed.contains("<published>2023-07-11T20:30:00Z</published>"),
        "{feed}"
    );
    assert!(
        feed.contains("<updated>2023-07-11T20:40:00Z</updated>"),
        "{feed}"
    );
    let timeline = format!("/api/v1/incidents/{}/timeline", told.incident);
    let timeline = told
        .plane
        .send("GET", &timeline, Some(&told.token), "")
        .await
        .text;
    assert!(timeline.contains(r#""fact":"corrected""#), "{timeline}");
}

#[tokio::test]
async fn what_corrects_nothing_is_refused_and_changes_nothing() {
    let told = told("Fixed by five").await;
    let before = told.page().await;
    let good = told.update.as_str();
    let unknown = "01890000-0000-7000-8000-000000000000";
    for (update, body, status, at) in [
        (
            good,
            json!({"text": "Fixed by five", "reason": "none"}),
            422,
            "text",
        ),
        (good, json!({"text": " ", "reason": "none"}), 422, "text"),
        (
            good,
            json!({"text": "x".repeat(20_001), "reason": "none"}),
            422,
            "text",
        ),
        (
            good,
            json!({"text": "Fixed by six", "reason": " "}),
            422,
            "reason",
        ),
        (
            unknown,
            json!({"text": "Fixed by six", "reason": "hour"}),
            404,
            "",
        ),
    ] {
        let answer = told.correct(update, body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let error: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(error["error"]["at"].as_str().unwrap_or(""), at, "{error}");
    }
    assert_eq!(told.page().await, before);
}

#[tokio::test]
async fn the_console_corrects_too() {
    let told = told("Fixed by five").await;
    let path = format!("/console/incidents/{}", told.incident);
    let send = async |body: &str| {
        let request = Request::post(format!("{path}/updates/{}/correct", told.update))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {}", told.token));
        told.plane
            .answer(request.body(Body::from(body.to_owned())).unwrap())
            .await
    };
    assert_eq!(send("text=Fixed+by+five&reason=none").await.status, 422);
    assert_eq!(
        send("text=Fixed+by+six&reason=A+wrong+hour").await.status,
        303
    );
    let page = told
        .plane
        .send("GET", &path, Some(&told.token), "")
        .await
        .text;
    assert!(page.contains("corrected a post: A wrong hour"), "{page}");
}
