//! Products: what the vendor's sites run, and how Lamplighter reaches them.
//! Never holds secrets.

use crate::name::ProductName;

/// A product and how Lamplighter acts on its sites.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Product {
    /// Its name.
    pub name: ProductName,
    /// The rest.
    #[serde(flatten)]
    pub settings: ProductSettings,
}

/// How Lamplighter reaches and paces a product's sites.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductSettings {
    /// Takes actions for sites without an agent. Signed with the product's secret.
    pub webhook_url: Option<url::Url>,
    /// Answers with the origin's telemetry (`protocol::origin::Telemetry`).
    pub telemetry_url: Option<url::Url>,
    /// The origin's 95th percentile of latency when idle, in seconds (`L0`).
    pub idle_p95_seconds: f64,
    /// The promised 95th percentile of latency, in seconds (`L*`).
    pub promise_p95_seconds: f64,
    /// Connects to this `host:port` for every site instead of the site's own address.
    pub connect: Option<String>,
    /// Where a sign-in starts on every site.
    pub sign_in_path: String,
}

impl Default for ProductSettings {
    fn default() -> Self {
        Self {
            webhook_url: None,
            telemetry_url: None,
            idle_p95_seconds: 0.2,
            promise_p95_seconds: 1.0,
            connect: None,
            sign_in_path: "/sign-in".into(),
        }
    }
}
