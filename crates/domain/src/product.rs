//! Products: what the vendor's sites run, and how Lamplighter reaches them.
//! Never holds secrets.

use crate::name::ProductName;

/// A product and how Lamplighter acts on its sites.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Product {
    /// Its name.
    pub name: ProductName,
    /// The rest.
    #[serde(flatten)]
    pub settings: ProductSettings,
}

/// How Lamplighter reaches and paces a product's sites.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
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

/// A setting that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at} {rule}")]
pub struct BadSetting {
    /// The setting.
    pub at: &'static str,
    /// What is expected.
    pub rule: &'static str,
}

impl ProductSettings {
    /// Checks what the types leave open.
    ///
    /// # Errors
    /// Names the setting and the rule.
    pub fn check(&self) -> Result<(), BadSetting> {
        let fail = |at, rule| Err(BadSetting { at, rule });
        for (at, url) in [
            ("webhook_url", &self.webhook_url),
            ("telemetry_url", &self.telemetry_url),
        ] {
            if url
                .as_ref()
                .is_some_and(|url| !matches!(url.scheme(), "http" | "https"))
            {
                return fail(at, "must be an http(s) URL");
            }
        }
        let (idle, promise) = (self.idle_p95_seconds, self.promise_p95_seconds);
        if !(0.0 < idle && idle < promise && promise <= 3_600.0) {
            let rule = "breaks 0 < idle_p95_seconds < promise_p95_seconds <= 3600";
            return fail("promise_p95_seconds", rule);
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        for (settings, at) in [
            (r#"{}"#, None),
            (r#"{"webhook_url": "https://cms.example/hooks"}"#, None),
            (
                r#"{"webhook_url": "ftp://cms.example/"}"#,
                Some("webhook_url"),
            ),
            (
                r#"{"webhook_url": "javascript:alert(1)"}"#,
                Some("webhook_url"),
            ),
            (
                r#"{"telemetry_url": "file:///etc/passwd"}"#,
                Some("telemetry_url"),
            ),
            (r#"{"idle_p95_seconds": 2.0}"#, Some("promise_p95_seconds")),
            (r#"{"idle_p95_seconds": 0.0}"#, Some("promise_p95_seconds")),
            (
                r#"{"promise_p95_seconds": 3601.0}"#,
                Some("promise_p95_seconds"),
            ),
        ] {
            let read: ProductSettings = serde_json::from_str(settings).unwrap();
            assert_eq!(read.check().err().map(|bad| bad.at), at, "{settings}");
        }
    }
}
