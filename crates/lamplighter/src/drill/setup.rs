//! Sets Lamplighter up for an act, over its API, as a vendor would in the weeks before.
//!
//! Happens at the machine's own pace: the scenario's clock starts afterwards.

use std::time::Duration;

use clock::{Clock, Pace};
use serde_json::{Value, json};
use sim::api::Api;
use sim::residents::Account;

use super::Drill;
use super::process::Server;
use crate::output::Failure;

/// Secrets of a drill on loopback: nothing outside the machine ever sees them.
pub(super) const WEBHOOK_SECRET: &str = "whsec_TGFtcGxpZ2h0ZXIgZHJpbGwgd2ViaG9vayBzZWNyZXQ=";
pub(super) const PAGER_SECRET: &str = "whsec_TGFtcGxpZ2h0ZXIgZHJpbGwgcGFnZXIgc2VjcmV0ISE=";
/// Plain passwords that are sent at once: what the API takes in one call.
const PASSWORDS_PER_CALL: usize = 20;
/// Client secrets that are asked for at once.
const CLIENTS_PER_CALL: usize = 5_000;

/// Addresses of the simulated vendor.
pub(super) struct Addresses {
    pub(super) platform: std::net::SocketAddr,
    pub(super) origin: String,
    pub(super) pager: String,
}

/// What the setting up brought.
pub(super) struct World {
    pub(super) admin: Api,
    pub(super) engineer: Api,
    pub(super) colleague: Api,
    pub(super) accounts: Vec<Account>,
    /// Host name and secret of each site.
    pub(super) secrets: Vec<(String, String)>,
}

/// The pace of the setting up: the machine's own, an hour before the scenario starts.
pub(super) fn pace_before(drill: &Drill) -> Pace {
    let before = drill.scenario.start - Duration::from_secs(3_600);
    Clock::starting_at(before, 1.0).1
}

/// A client that follows no redirects, for everything the simulated vendor does.
pub(super) fn http() -> Result<reqwest::Client, Failure> {
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(256)
        .timeout(Duration::from_secs(60))
        .build()?)
}

/// Products, fleet, documents, releases, accounts, secrets, the people on call.
pub(super) async fn set_up(
    drill: &Drill,
    server: &Server,
    http: &reqwest::Client,
    addresses: &Addresses,
    legacy: bool,
) -> Result<World, Failure> {
    let admin = Api::new(http.clone(), &server.url(), &server.token()?);
    let product = drill.scenario.product.as_str();
    let from = &drill.scenario.release.from;
    let settings = product_settings(drill, addresses, legacy);
    admin
        .put(&format!("/api/v1/products/{product}"), &settings)
        .await?;
    let import = format!("/api/v1/fleet/import?product={product}&release={from}");
    admin.post_bytes(&import, drill.csv.clone()).await?;
    publish(drill, &admin, server).await?;
    let accounts = accounts(drill, &admin).await?;
    let secrets = secrets(drill, &admin).await?;
    let step = json!({"url": addresses.pager, "secret": PAGER_SECRET, "after_seconds": 0});
    admin
        .put("/api/v1/on-call", &json!({"steps": [step]}))
        .await?;
    let token = json!({"name": "Engineer on call", "role": "engineer"});
    let token = admin.post("/api/v1/tokens", &token).await?;
    let engineer = Api::new(http.clone(), &server.url(), text(&token["token"])?);
    let token = json!({"name": "Support lead", "role": "support"});
    let token = admin.post("/api/v1/tokens", &token).await?;
    let colleague = Api::new(http.clone(), &server.url(), text(&token["token"])?);
    Ok(World {
        admin,
        engineer,
        colleague,
        accounts,
        secrets,
    })
}

fn product_settings(drill: &Drill, addresses: &Addresses, legacy: bool) -> Value {
    let origin = &drill.scenario.origin;
    let mut settings = json!({
        "telemetry_url": format!("{}/telemetry", addresses.origin),
        "idle_p95_seconds": origin.idle_p95_seconds,
        "promise_p95_seconds": origin.promise_p95_seconds,
        "connect": addresses.platform.to_string(),
        "sign_in_path": "/sign-in",
    });
    if legacy {
        settings["webhook_url"] = format!("http://{}/hooks/actions", addresses.platform).into();
        settings["webhook_secret"] = WEBHOOK_SECRET.into();
    }
    settings
}

/// Settings for both releases: the new one asks for PKCE, and is signed for with a new key.
async fn publish(drill: &Drill, admin: &Api, server: &Server) -> Result<(), Failure> {
    let old = admin.get("/api/v1/keys").await?["keys"].clone();
    let old_kid = text(&old[0]["kid"])?.to_owned();
    let new = admin.post("/api/v1/keys", &json!({})).await?;
    let new_kid = text(&new["kid"])?.to_owned();
    let (from, to) = (&drill.scenario.release.from, &drill.scenario.release.to);
    let product = drill.scenario.product.as_str();
    let mut both: Vec<_> = old.as_array().cloned().unwrap_or_default();
    both.push(new);
    let documents = [
        (
            format!(">={from}, <{to}"),
            settings(server, old.as_array(), &old_kid, "optional"),
        ),
        (
            format!(">={to}"),
            settings(server, Some(&both), &new_kid, "required"),
        ),
    ];
    for (accepts, body) in documents {
        let document = json!({"product": product, "service": "sign-in", "name": "client",
            "accepts": accepts, "lane": "first", "body": body});
        admin.post("/api/v1/documents", &document).await?;
    }
    let release = json!({"product": product, "version": to});
    admin.post("/api/v1/releases", &release).await?;
    Ok(())
}

fn settings(server: &Server, keys: Option<&Vec<Value>>, kid: &str, pkce: &str) -> Value {
    let issuer = server.url();
    let keys: Vec<_> = keys.into_iter().flatten().map(public_part).collect();
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oidc/authorize"),
        "token_endpoint": format!("{issuer}/oidc/token"),
        "userinfo_endpoint": format!("{issuer}/oidc/userinfo"),
        "jwks": {"keys": keys},
        "pkce": pkce,
        "signing_kid": kid,
        "redirect_path": "/sign-in/callback",
        "scopes": ["openid", "email"],
    })
}

fn public_part(key: &Value) -> Value {
    let mut key = key.clone();
    if let Some(fields) = key.as_object_mut() {
        fields.remove("state");
    }
    key
}

async fn accounts(drill: &Drill, admin: &Api) -> Result<Vec<Account>, Failure> {
    let accounts: Vec<_> = (0..drill.scenario.residents.accounts)
        .map(|n| Account {
            email: format!("clerk-{n}@people.example"),
            password: format!("correct horse battery {n}"),
        })
        .collect();
    for some in accounts.chunks(PASSWORDS_PER_CALL) {
        let row = |account: &Account| json!({"email": account.email, "password": account.password});
        let rows: Vec<_> = some.iter().map(row).collect();
        admin
            .post("/api/v1/accounts/bulk", &json!({"accounts": rows}))
            .await?;
    }
    Ok(accounts)
}

async fn secrets(drill: &Drill, admin: &Api) -> Result<Vec<(String, String)>, Failure> {
    let mut secrets = Vec::with_capacity(drill.fleet.len());
    let mut issue = json!({"product": drill.scenario.product, "limit": CLIENTS_PER_CALL});
    loop {
        let issued = admin.post("/api/v1/clients/issue", &issue).await?;
        for client in issued["clients"].as_array().into_iter().flatten() {
            let (id, secret) = (text(&client["client_id"])?, text(&client["client_secret"])?);
            secrets.push((id.to_owned(), secret.to_owned()));
        }
        match issued["next"].as_str() {
            Some(next) => issue["after"] = next.into(),
            None => return Ok(secrets),
        }
    }
}

pub(super) fn text(value: &Value) -> Result<&str, Failure> {
    value
        .as_str()
        .ok_or_else(|| Failure::new(format!("the API answered {value} where text was expected")))
}
