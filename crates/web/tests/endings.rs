//! What the console says of signed config that ends soon.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::access::Role;
use support::Plane;

/// Nobody signs here: no worker runs.
#[tokio::test]
async fn config_that_ends_soon_is_told_beside_the_lamps() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let get = async |path: &str| plane.send("GET", path, Some(&token), "").await.text;
    let warning = "this server could not sign it anew";
    let before = get("/console").await;
    assert!(!before.contains(warning), "{before}");
    let day = std::time::Duration::from_secs(86_400);
    plane.hand.advance(62 * day);
    let after = get("/console").await;
    assert!(
        after.contains(warning) && after.contains("It is good until"),
        "{after}"
    );
    let keys = get("/api/v1/repository/keys").await;
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let ending = &keys["endings"][0];
    assert_eq!(ending["what"], "metadata");
    assert_eq!(ending["until"], "2023-10-09T20:30:00Z");
}
