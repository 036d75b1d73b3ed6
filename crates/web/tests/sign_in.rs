//! Sign-in over the API and the provider: secrets, accounts, sessions, keys, and the rules that
//! follow the code a site runs.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

const HEADER: &str = "hostname,organization,kind,city,state,timezone,population\n";

struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    async fn open(sites: usize) -> Self {
        let plane = Plane::new().await;
        let token = plane.token(Role::Admin).await;
        let desk = Self { plane, token };
        let line = |at| format!("site-{at:05}.gov,A,City,A,CA,UTC,1\n");
        let lines: String = (0..sites).map(line).collect();
        let path = "/api/v1/fleet/import?product=web-central&release=5.1.0";
        let answer = desk
            .plane
            .send("POST", path, Some(&desk.token), format!("{HEADER}{lines}"))
            .await;
        assert!(answer.status.is_success(), "{}", answer.text);
        desk
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self
            .plane
            .send("POST", path, Some(&self.token), body.to_string())
            .await;
        let body = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status.as_u16(), body)
    }

    /// Posts what must be taken.
    async fn done(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Publishes settings for the releases that `accepts` names.
    async fn publish(&self, accepts: &str, pkce: &str, signing: &Value, keys: &[&Value]) {
        let document = document(accepts, settings(pkce, signing, keys));
        self.done("/api/v1/documents", document).await;
    }

    /// The provider's public keys.
    async fn keys(&self) -> Value {
        let jwks = self.plane.send("GET", "/oidc/jwks", None, "").await;
        serde_json::from_str::<Value>(&jwks.text).unwrap()["keys"].take()
    }

    /// Where a sign-in without PKCE is sent, as a browser with this session begins it.
    async fn begin(&self, session: &str) -> String {
        let path = "/oidc/authorize?client_id=site-00000.gov&response_type=code&scope=openid\
            &redirect_uri=https://site-00000.gov/sign-in/callback";
        let request = Request::get(path).header("cookie", format!("lamplighter-session={session}"));
        let answer = self
            .plane
            .answer(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        answer.headers["location"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_rules_follow_the_release_and_overlap_for_a_minute() {
    let desk = Desk::open(2).await;
    let account = json!({ "email": "resident@a.gov" });
    desk.done("/api/v1/accounts", account).await;
    let sessions = json!({ "emails": ["Resident@A.gov"] });
    let sessions = desk.done("/api/v1/accounts/sessions", sessions).await;
    let session = sessions["sessions"][0]["value"].as_str().unwrap();

    let keys = desk.keys().await;
    let old = &keys[0];
    let mut new = desk.done("/api/v1/keys", json!({})).await;
    assert_eq!(
        new.as_object_mut().unwrap().remove("state").unwrap(),
        "next"
    );
    desk.publish("<5.2", "optional", old, &[old]).await;
    desk.publish(">=5.2", "required", &new, &[old, &new]).await;
    assert!(desk.begin(session).await.contains("code="));

    desk.done(
        "/api/v1/releases",
        json!({ "product": "web-central", "version": "5.2.0" }),
    )
    .await;
    let bypass = json!({ "all": true, "bypass_gate": true, "reason": "a test" });
    desk.done("/api/v1/releases/web-central/5.2.0/activate", bypass)
        .await;
    assert!(
        desk.begin(session).await.contains("code="),
        "begun under the release before"
    );
    desk.plane.hand.advance(Duration::from_secs(60));
    let refused = desk.begin(session).await;
    assert!(
        refused.contains("error=invalid_request") && refused.contains("PKCE"),
        "{refused}"
    );
}

fn settings(pkce: &str, signing: &Value, keys: &[&Value]) -> Value {
    let base = "http://127.0.0.1:8080";
    json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/oidc/authorize"),
        "token_endpoint": format!("{base}/oidc/token"),
        "userinfo_endpoint": format!("{base}/oidc/userinfo"),
        "jwks": { "keys": keys },
        "pkce": pkce,
        "signing_kid": signing["kid"],
        "redirect_path": "/sign-in/callback",
        "scopes": ["openid", "email"],
    })
}

fn document(accepts: &str, body: Value) -> Value {
    json!({ "product": "web-central", "service": "sign-in", "name": "client",
        "accepts": accepts, "lane": "first", "body": body })
}

#[tokio::test]
async fn settings_that_would_break_sign_in_are_not_published() {
    let desk = Desk::open(1).await;
    let keys = desk.keys().await;
    let good = settings("optional", &keys[0], &[&keys[0]]);
    for (field, value) in [
        ("issuer", json!("https://evil.example")),
        ("issuer", json!("http://127.0.0.1:8080/")),
        ("token_endpoint", json!("javascript:alert(1)")),
        ("pkce", json!("never")),
        ("redirect_path", json!("//evil.example/")),
        ("redirect_path", json!("@evil")),
        ("redirect_path", json!("/cb?x=1")),
        ("redirect_path", json!("/cb\n")),
        ("signing_kid", json!("unknown")),
        ("jwks", json!({ "keys": "none" })),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, answer) = desk.post("/api/v1/documents", document("*", body)).await;
        let at = json!(format!("body.{field}"));
        assert_eq!((status, &answer["error"]["at"]), (422, &at), "{answer}");
    }
    let mut stranger = keys[0].clone();
    stranger["kid"] = json!("stranger");
    let strange = settings("optional", &stranger, &[&stranger]);
    for (body, at) in [
        (json!({}), "body.issuer"),
        (json!([]), "body"),
        (strange, "body.signing_kid"),
    ] {
        let (status, answer) = desk.post("/api/v1/documents", document("*", body)).await;
        assert_eq!(
            (status, &answer["error"]["at"]),
            (422, &json!(at)),
            "{answer}"
        );
    }
    let first = desk.done("/api/v1/documents", document("*", good)).await;
    assert_eq!(first["version"], 1, "nothing was published before");
}

#[tokio::test]
async fn secrets_are_issued_page_by_page_and_bad_calls_name_what_is_wrong() {
    let desk = Desk::open(30).await;
    let issue = "/api/v1/clients/issue";
    let page = desk
        .done(issue, json!({ "product": "web-central", "limit": 20 }))
        .await;
    assert_eq!(page["clients"].as_array().unwrap().len(), 20);
    let rest = json!({ "product": "web-central", "after": page["next"] });
    let rest = desk.done(issue, rest).await;
    assert_eq!(rest["clients"].as_array().unwrap().len(), 10);
    assert_eq!(
        (&rest["next"], &rest["clients"][0]["client_id"]),
        (&Value::Null, &json!("site-00020.gov"))
    );

    desk.done(
        "/api/v1/accounts",
        json!({ "email": "a@a.gov", "password": "long enough" }),
    )
    .await;
    for (path, body, at) in [
        (
            "/api/v1/accounts",
            json!({ "email": "a@a.gov" }),
            "accounts[0].email",
        ),
        (
            "/api/v1/accounts",
            json!({ "email": "a.gov" }),
            "account.email",
        ),
        (
            "/api/v1/accounts",
            json!({ "email": "b@a.gov", "password": "short" }),
            "accounts[0].password",
        ),
        (
            "/api/v1/accounts",
            json!({ "email": "b@a.gov", "password_hash": "md5" }),
            "account.password_hash",
        ),
        (
            "/api/v1/accounts/bulk",
            json!({ "accounts": [] }),
            "accounts",
        ),
        (
            "/api/v1/accounts/sessions",
            json!({ "emails": ["a@a.gov", "b@a.gov"] }),
            "emails[1]",
        ),
        (
            issue,
            json!({ "product": "web-central", "limit": 0 }),
            "limit",
        ),
        ("/api/v1/keys/none/active", json!({}), "kid"),
        ("/api/v1/keys/none/lost", json!({}), "state"),
    ] {
        let (status, answer) = desk.post(path, body).await;
        assert_eq!(
            (status, &answer["error"]["at"]),
            (422, &json!(at)),
            "{path}: {answer}"
        );
    }
    assert_eq!(desk.post(issue, json!({ "product": "other" })).await.0, 404);
}

#[tokio::test]
async fn an_administrator_unlocks_an_address() {
    let desk = Desk::open(1).await;
    let limit = store::AttemptLimit {
        attempts_max: 1,
        lock: jiff::SignedDuration::from_mins(30),
    };
    let hash = engine::token_hash("clerk@city.gov");
    let (store, now) = (desk.plane.engine.store(), desk.plane.engine.clock().now());
    let count = async || store.count_attempt(&hash, limit, now).await.unwrap();
    assert!(count().await && !count().await);
    let unlock = json!({"email": "Clerk@city.gov"});
    for unlocked in [true, false] {
        let answer = desk.done("/api/v1/accounts/unlock", unlock.clone()).await;
        assert_eq!(
            answer,
            json!({"email": "clerk@city.gov", "unlocked": unlocked})
        );
    }
    assert!(count().await);
    let audit = store.audit(None, 99).await.unwrap();
    let unlocked = audit.iter().filter(|one| one.act == "unlocked an account");
    let unlocked: Vec<_> = unlocked.map(|one| &*one.what).collect();
    assert_eq!(unlocked, ["clerk@city.gov"]);
    let (status, answer) = desk
        .post("/api/v1/accounts/unlock", json!({"email": "nobody"}))
        .await;
    assert_eq!((status, &answer["error"]["at"]), (422, &json!("email")));
}
