//! Orders about what does not exist are refused, with what and where, before anything begins.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

const HEADER: &str = "hostname,organization,kind,city,state,timezone,population\n";

struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    /// Two sites of one product, without telemetry; release 5.2.0 is not staged.
    async fn open() -> Self {
        let plane = Plane::new().await;
        let token = plane.token(Role::Admin).await;
        let desk = Self { plane, token };
        let lines = "a.gov,A,City,A,CA,UTC,1\nb.gov,B,City,B,CA,UTC,1\n";
        let path = "/api/v1/fleet/import?product=web-central&release=5.1.0";
        let fleet = format!("{HEADER}{lines}");
        let answer = desk.plane.send("POST", path, Some(&desk.token), fleet);
        assert_eq!(answer.await.status.as_u16(), 201);
        desk
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let sent = self
            .plane
            .send(method, path, Some(&self.token), body.to_string());
        let answer = sent.await;
        let said = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        (answer.status.as_u16(), said)
    }
}

fn order(change: impl FnOnce(&mut Value)) -> Value {
    let mut order = json!({
        "action": "clear_cache",
        "selection": {"product": "web-central", "all": true},
        "pace": {"kind": "fixed_rate", "sites_per_second": 1.0},
    });
    change(&mut order);
    order
}

#[tokio::test]
async fn a_campaign_names_only_what_exists() {
    let desk = Desk::open().await;
    let activate = |version: &str| json!({"activate_release": {"version": version}});
    let hosts = |hosts: Value| json!({"product": "web-central", "hostnames": hosts});
    let many = json!(["a.gov", "x1.gov", "x2.gov", "x3.gov", "x4.gov", "x5.gov"]);
    for (order, status, at, says) in [
        (order(|_| ()), 200, None, ""),
        // The way back to what sites run is always open.
        (order(|o| o["action"] = activate("5.1.0")), 200, None, ""),
        (
            order(|o| o["action"] = activate("9.9.9")),
            422,
            Some("action"),
            "stage it first",
        ),
        (
            order(|o| o["incident"] = json!("0197fc2a-0000-7000-8000-000000000000")),
            404,
            None,
            "no incident",
        ),
        (
            order(|o| o["selection"] = hosts(json!(["a.gov", "typo.gov"]))),
            422,
            Some("selection.hostnames"),
            "no site typo.gov",
        ),
        (
            order(|o| o["selection"] = hosts(many)),
            422,
            Some("selection.hostnames"),
            "x1.gov, x2.gov, x3.gov and 2 more",
        ),
        (
            order(|o| o["pace"] = json!({"kind": "adaptive"})),
            422,
            Some("pace"),
            "telemetry_url",
        ),
    ] {
        for path in ["/api/v1/campaigns/plan", "/api/v1/campaigns"] {
            let (found, said) = desk.send("POST", path, &order).await;
            let wanted = if status == 200 && !path.ends_with("plan") {
                201
            } else {
                status
            };
            assert_eq!(found, wanted, "{order}: {said}");
            assert_eq!(said["error"]["at"].as_str(), at, "{order}: {said}");
            let message = said["error"]["message"].as_str().unwrap_or("");
            assert!(message.contains(says), "{order}: {said}");
        }
    }
    let unstaged = json!({"action": activate("9.9.9")});
    let path = "/api/v1/sites/a.gov/actions";
    assert_eq!(desk.send("POST", path, &unstaged).await.0, 422);
}

#[tokio::test]
async fn what_is_asked_of_a_campaign_or_release_exists() {
    let desk = Desk::open().await;
    let (status, campaign) = desk.send("POST", "/api/v1/campaigns", &order(|_| ())).await;
    assert_eq!(status, 201, "{campaign}");
    let campaign = format!("/api/v1/campaigns/{}", campaign["id"].as_str().unwrap());
    let releases = "/api/v1/releases/web-central";
    for (method, path, body, status, says) in [
        (
            "GET",
            format!("{campaign}/sites?state=waiting"),
            json!(null),
            200,
            "",
        ),
        (
            "GET",
            format!("{campaign}/sites?state=nope"),
            json!(null),
            422,
            "waiting, sent",
        ),
        (
            "POST",
            format!("{campaign}/pace"),
            json!({"kind": "adaptive"}),
            422,
            "telemetry_url",
        ),
        (
            "GET",
            format!("{releases}/9.9.9/readiness"),
            json!(null),
            404,
            "stage it first",
        ),
        (
            "POST",
            "/api/v1/releases".to_owned(),
            json!({"product": "web-central", "version": "5.2.0", "why": "it must"}),
            422,
            "set bypass_coverage, too",
        ),
        (
            "POST",
            format!("{releases}/5.1.0/activate"),
            json!({"all": true, "reason": "it must"}),
            422,
            "set bypass_gate, too",
        ),
        (
            "GET",
            "/api/v1/config/web-central/sign-in/clinet?code=5.1.0".to_owned(),
            json!(null),
            404,
            "there is no document",
        ),
        (
            "POST",
            format!("{releases}/5.1.0/activate"),
            json!({"sites": []}),
            422,
            "no site is named",
        ),
    ] {
        let (found, said) = desk.send(method, &path, &body).await;
        assert_eq!(found, status, "{path}: {said}");
        assert!(said.to_string().contains(says), "{path}: {said}");
    }
}

#[tokio::test]
async fn a_product_names_the_setting_that_does_not_fit() {
    let desk = Desk::open().await;
    let path = "/api/v1/products/web-central";
    for (field, value, status) in [
        ("webhook_url", json!("https://cms.example/hooks"), 204),
        ("webhook_url", json!("ftp://cms.example/"), 422),
        ("webhook_url", json!("not a URL"), 422),
        ("telemetry_url", json!("file:///etc/passwd"), 422),
        ("webhook_secret", json!(""), 422),
        ("idle_p95_seconds", json!("fast"), 422),
        ("webhok_url", json!("https://cms.example/"), 422),
    ] {
        let (found, said) = desk.send("PUT", path, &json!({ field: value })).await;
        assert_eq!(found, status, "{field} {value}: {said}");
        if status == 422 {
            assert_eq!(said["error"]["at"], field, "{value}: {said}");
        }
    }
}

#[tokio::test]
async fn a_post_that_cannot_be_meant_is_refused_by_field() {
    let desk = Desk::open().await;
    let incident = format!("/api/v1/incidents/{}", desk.plane.propose().await);
    let accept = format!("{incident}/accept");
    assert_eq!(desk.send("POST", &accept, &json!({})).await.0, 200);
    let (updates, comment) = (
        format!("{incident}/updates"),
        format!("{incident}/official-comment"),
    );
    for (path, body, status, at) in [
        (&updates, json!({"text": "a\u{7}b"}), 422, Some("text")),
        (&updates, json!({"text": "\u{200b}"}), 422, Some("text")),
        (&comment, json!({"text": "a\u{1b}[2J"}), 422, Some("text")),
        (
            &updates,
            json!({"text": "Fixed.", "state": "monitoring", "watch_until": "2023-07-11T20:00:00Z"}),
            422,
            Some("watch_until"),
        ),
        (
            &updates,
            json!({"text": "Over.", "state": "completed"}),
            200,
            None,
        ),
        (
            &updates,
            json!({"text": "More.", "report_within": {"amount": 2, "unit": "hours"}}),
            422,
            Some("report_within"),
        ),
        (&comment, json!({"text": "It was the cache."}), 200, None),
    ] {
        let (found, said) = desk.send("POST", path, &body).await;
        assert_eq!(
            (found, said["error"]["at"].as_str()),
            (status, at),
            "{body}: {said}"
        );
    }
}
