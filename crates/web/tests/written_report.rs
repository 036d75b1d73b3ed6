//! The incident report: drafted, written in versions, approved by somebody else, published once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use engine::{Acceptance, NewUpdate};
use serde_json::{Value, json};
use support::{Answer, Plane};

struct Desk {
    plane: Plane,
    author: String,
    approver: String,
    id: String,
}

impl Desk {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let author = plane.token(Role::Engineer).await;
        let approver = plane.token(Role::Support).await;
        let id = plane.propose().await;
        let accepted = plane
            .engine
            .accept_incident(id, "Ada", Acceptance::default());
        accepted.await.unwrap();
        let promise = NewUpdate {
            text: Some("Fixed.".into()),
            report_within: Some("24 business hours".parse().unwrap()),
            ..NewUpdate::default()
        };
        plane.engine.post_update(id, "Ada", promise).await.unwrap();
        let id = id.to_string();
        Self {
            plane,
            author,
            approver,
            id,
        }
    }

    async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let path = format!("/api/v1/incidents/{}/report{path}", self.id);
        let answer = self
            .plane
            .send(method, &path, Some(token), body.to_string())
            .await;
        self.plane.hand.advance(Duration::from_millis(5));
        let body = serde_json::from_str(&answer.text).unwrap_or(answer.text.into());
        (answer.status.as_u16(), body)
    }

    async fn draft(&self) -> String {
        let (_, draft) = self.call(&self.author, "GET", ".md", Value::Null).await;
        draft.as_str().unwrap().to_owned()
    }

    async fn save(&self, text: &str, base: u32) -> (u16, Value) {
        let body = json!({"text": text, "base": base});
        self.call(&self.author, "POST", "/versions", body).await
    }

    async fn form(&self, token: &str, path: &str, form: String) -> Answer {
        let path = format!("/console/incidents/{}/report{path}", self.id);
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(form)).unwrap();
        let answer = self.plane.answer(request).await;
        self.plane.hand.advance(Duration::from_millis(5));
        answer
    }

    async fn page(&self, token: &str, query: &str) -> String {
        let path = format!("/console/incidents/{}/report{query}", self.id);
        let answer = self.plane.send("GET", &path, Some(token), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.text
    }
}

fn finished(draft: &str) -> String {
    draft.replace("**To be written by a person:** ", "We know ")
}

#[tokio::test]
async fn nobody_publishes_what_is_unfinished_or_only_their_own_word() {
    let desk = Desk::new().await;
    let draft = desk.draft().await;
    for heading in [
        "Impact",
        "Detection",
        "Response",
        "Cause",
        "What went well",
        "Follow-ups",
    ] {
        assert!(
            draft.contains(&format!("## {heading}\n")),
            "{heading}: {draft}"
        );
    }
    assert_eq!(desk.save(&draft, 0).await.0, 201);
    let (author, approver) = (&desk.author, &desk.approver);
    let nothing = || Value::Null;
    let (status, refused) = desk
        .call(approver, "POST", "/versions/1/approve", nothing())
        .await;
    assert_eq!(status, 409, "{refused}");
    assert!(
        refused.to_string().contains("still to be written"),
        "{refused}"
    );
    // Neither as an official comment nor as an update.
    let comment = format!("/api/v1/incidents/{}/official-comment", desk.id);
    let body = json!({ "text": draft }).to_string();
    let refused = desk.plane.send("POST", &comment, Some(author), body).await;
    assert_eq!(refused.status, 422, "{}", refused.text);

    let text = finished(&draft);
    assert_eq!(desk.save(&text, 0).await.0, 409, "somebody saved meanwhile");
    assert_eq!(desk.save(&text, 1).await.1["number"], 2);
    let own = desk
        .call(author, "POST", "/versions/2/approve", nothing())
        .await;
    assert_eq!(own.0, 409, "{}", own.1);
    let early = desk
        .call(approver, "POST", "/versions/2/publish", nothing())
        .await;
    assert_eq!(early.0, 409, "{}", early.1);
    let approved = desk
        .call(approver, "POST", "/versions/2/approve", nothing())
        .await;
    assert_eq!(approved.0, 200, "{}", approved.1);
    let public = format!("/incidents/{}/report", desk.id);
    assert_eq!(desk.plane.send("GET", &public, None, "").await.status, 404);
    let posted = desk
        .call(author, "POST", "/versions/2/publish", nothing())
        .await;
    assert_eq!(posted.0, 200, "{}", posted.1);
    let page = desk.plane.send("GET", &public, None, "").await;
    assert!(page.text.contains("What went well"), "{}", page.text);
    let again = desk
        .call(author, "POST", "/versions/2/publish", nothing())
        .await;
    assert_eq!(again.0, 409, "it is published once");
    let shown = format!("/api/v1/incidents/{}", desk.id);
    let shown = desk.plane.send("GET", &shown, Some(author), "").await;
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    assert_eq!(shown["report_due_at"], Value::Null, "the promise is kept");
    let (_, versions) = desk.call(author, "GET", "/versions", nothing()).await;
    let published = &versions["versions"][0]["published"];
    assert_eq!(*published, shown["updates"][0]["id"], "{versions}");
}

#[tokio::test]
async fn the_console_leads_from_the_draft_to_the_public_report() {
    let desk = Desk::new().await;
    let page = desk.page(&desk.author, "").await;
    assert!(
        page.contains("A draft, from the recorded timeline"),
        "{page}"
    );
    let text = finished(&desk.draft().await).replace('\n', "\r\n");
    let form = |base: u32| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("text", &text)
            .append_pair("base", &base.to_string());
        form.finish()
    };
    let saved = desk.form(&desk.author, "", form(0)).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let late = desk.form(&desk.author, "", form(0)).await;
    assert_eq!(late.status, 409);
    assert!(
        late.text
            .contains("Somebody else saved this report meanwhile"),
        "{}",
        late.text
    );
    assert!(
        late.text.contains("We know what failed"),
        "what was typed stands there: {}",
        late.text
    );
    let own = desk.page(&desk.author, "").await;
    assert!(
        !own.contains("Approve version 1"),
        "nobody approves their own work: {own}"
    );
    let other = desk.page(&desk.approver, "").await;
    assert!(other.contains("Approve version 1"), "{other}");
    assert!(!other.contains("Publish version 1"), "{other}");
    let approved = desk.form(&desk.approver, "/1", "act=approve".into()).await;
    assert_eq!(approved.status, 303, "{}", approved.text);
    let own = desk.page(&desk.author, "").await;
    assert!(own.contains("Publish version 1"), "{own}");
    let published = desk.form(&desk.author, "/1", "act=publish".into()).await;
    assert_eq!(published.status, 303, "{}", published.text);
    let own = desk.page(&desk.author, "").await;
    assert!(
        own.contains("published") && !own.contains("Publish version 1"),
        "{own}"
    );
    let draft = desk.page(&desk.author, "?version=0").await;
    assert!(draft.contains("To be written by a person"), "{draft}");
    let (_, audit) = {
        let audit = desk.plane.token(Role::Admin).await;
        let list = desk
            .plane
            .send("GET", "/api/v1/audit?limit=100", Some(&audit), "")
            .await;
        (list.status, list.text)
    };
    for act in ["saved a report", "approved a report"] {
        assert!(audit.contains(act), "{act}: {audit}");
    }
}

/// What was approved before something newer came out does not take its place.
#[tokio::test]
async fn an_older_version_is_not_published_over_a_newer_one() {
    let desk = Desk::new().await;
    let text = finished(&desk.draft().await);
    for base in 0..2 {
        assert_eq!(desk.save(&format!("{text}\n{base}"), base).await.0, 201);
    }
    let step = async |token: &str, step: &str| {
        let path = format!("/versions/{step}");
        desk.call(token, "POST", &path, Value::Null).await
    };
    for number in 1..3 {
        let approved = step(&desk.approver, &format!("{number}/approve")).await;
        assert_eq!(approved.0, 200, "{}", approved.1);
    }
    assert_eq!(step(&desk.author, "2/publish").await.0, 200);
    let (status, older) = step(&desk.author, "1/publish").await;
    assert_eq!(status, 409, "{older}");
    assert!(
        older.to_string().contains("A newer version was published"),
        "{older}"
    );
    assert_eq!(step(&desk.author, "9/publish").await.0, 404);
}

#[tokio::test]
async fn a_form_does_what_it_says_or_nothing() {
    let desk = Desk::new().await;
    let text = finished(&desk.draft().await);
    assert_eq!(desk.save(&text, 0).await.0, 201);
    for act in ["reject", "Approve", ""] {
        let refused = desk.form(&desk.approver, "/1", format!("act={act}")).await;
        assert_eq!(refused.status, 422, "{act}: {}", refused.text);
    }
    let (_, versions) = desk
        .call(&desk.author, "GET", "/versions", Value::Null)
        .await;
    assert_eq!(
        versions["versions"][0]["approved"],
        Value::Null,
        "{versions}"
    );
}

/// Both may be done without approval; the audit says who did.
#[tokio::test]
async fn comments_and_corrections_without_approval_are_audited() {
    let desk = Desk::new().await;
    let id = desk.id.parse().unwrap();
    let engine = &desk.plane.engine;
    let posted = engine.official_comment(id, "Eve", "It was the cache.".into());
    let posted = posted.await.unwrap();
    let correction = json!({"text": "It was us.", "reason": "A word was wrong."});
    let correction = serde_json::from_value(correction).unwrap();
    let corrected = engine.correct_update(id, posted.update.id, "Eve", correction);
    corrected.await.unwrap();
    let audit = desk.plane.store.audit(None, 99).await.unwrap();
    let acts: Vec<_> = audit.iter().filter(|one| one.who == "Eve").collect();
    for act in ["posted an official comment", "corrected an update"] {
        let of = acts
            .iter()
            .filter(|one| one.act == act && one.what.starts_with(&desk.id));
        assert_eq!(of.count(), 1, "{act}: {acts:?}");
    }
}
