//! What changes between the look at what is to be published and its commit.

use std::time::Duration;

use clock::Clock;
use domain::sign_in::{Jwk, settings_of};
use domain::site::import::Defaults;
use semver::Version;
use store::{KeyState, SigningKeyRow};

use super::*;
use crate::support;

fn key(kid: &str, state: KeyState, at: jiff::Timestamp) -> SigningKeyRow {
    let text = |text: &str| text.to_owned();
    SigningKeyRow {
        public: Jwk {
            kty: text("RSA"),
            usage: text("sig"),
            alg: text("RS256"),
            kid: text(kid),
            n: text("AQ"),
            e: text("AQAB"),
        },
        state,
        private: vec![1],
        published_at: at,
    }
}

/// One site of web-central, and two keys of sign-in.
async fn plane(folder: &std::path::Path) -> Engine {
    let (clock, _) = Clock::starting_at("2023-07-11T20:00:00Z".parse().unwrap(), 1.0);
    let store = support::store(folder).await;
    let engine = support::engine(store, clock, "http://127.0.0.1:1").await;
    let fleet = "hostname,organization,kind,city,state,timezone,population\n\
        a.example,A,City,C,TX,America/Chicago,1\n";
    let defaults = Defaults {
        product: ProductName::parse("web-central").unwrap(),
        running: Version::new(5, 1, 0),
    };
    let imported = engine.import_fleet(fleet.as_bytes(), &defaults, "a test");
    imported.await.unwrap();
    for (kid, state) in [("old", KeyState::Active), ("new", KeyState::Next)] {
        let key = key(kid, state, engine.clock().now());
        let audit = engine.audit("a test", "made a signing key", kid, "");
        engine.store().add_signing_key(&key, &audit).await.unwrap();
    }
    engine
}

fn settings(engine: &Engine, kid: &str) -> NewDocument {
    let base = &engine.settings().base_url;
    let at = |path: &str| format!("{base}/oidc/{path}");
    let public = key(kid, KeyState::Next, engine.clock().now()).public;
    let body = serde_json::json!({
        "issuer": base, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"), "jwks": {"keys": [public]}, "pkce": "optional",
        "signing_kid": kid, "redirect_path": "/callback", "scopes": ["openid"],
    });
    NewDocument {
        key: settings_of(ProductName::parse("web-central").unwrap()).unwrap(),
        accepts: "^5".parse().unwrap(),
        lane: None,
        schema: None,
        body: body.to_string().into_bytes(),
        how: How::default(),
    }
}

/// Settings are checked before the lock is had, and whoever holds it may take a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_retired_while_settings_wait_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let engine = plane(folder.path()).await;
    let lock = engine.0.delivery.publishing.lock().await;
    let (publisher, new) = (engine.clone(), settings(&engine, "new"));
    let publishing = tokio::spawn(async move { publisher.publish_document(new, "a test").await });
    // Long enough to be checked. Were it not, the check would refuse it, too.
    engine.clock().sleep(Duration::from_secs(2)).await;
    let audit = engine.audit("a test", "made a signing key retired", "new", "");
    let retired = engine
        .store()
        .set_key_state("new", KeyState::Retired, &audit);
    assert!(retired.await.unwrap());
    drop(lock);
    let published = publishing.await.unwrap().unwrap_err().to_string();
    assert!(published.contains("key"), "{published}");
    assert!(engine.repository().documents().is_empty());
    let other = engine.publish_document(settings(&engine, "old"), "a test");
    assert_eq!(other.await.unwrap(), 1);
}
