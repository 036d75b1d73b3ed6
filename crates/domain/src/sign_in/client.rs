//! A site's settings for sign-in, and which of them the provider applies to it at a moment.
//!
//! The settings are an ordinary document: a tightening of security reaches a site together with
//! the code that can honour it. Never reads the fleet or the repository; both are arguments.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use semver::{Version, VersionReq};
use url::Url;

use crate::rollout::Rollout;

const SETTINGS_KEYS_MAX: usize = 16;
const PATH_CHARACTERS_MAX: usize = 200;

/// What a site needs to sign residents in: the document `sign-in/client`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClientSettings {
    /// Who issues ID tokens.
    pub issuer: String,
    /// Where a sign-in begins.
    pub authorization_endpoint: Url,
    /// Where a code becomes tokens.
    pub token_endpoint: Url,
    /// Where an access token becomes claims.
    pub userinfo_endpoint: Url,
    /// The keys that ID tokens may be signed with.
    pub jwks: Jwks,
    /// Whether the site proves that it began the sign-in.
    pub pkce: Pkce,
    /// The key that the provider signs with for this site.
    pub signing_kid: String,
    /// Where the provider sends residents back to, on the site's own host.
    pub redirect_path: String,
    /// What the site asks for; `openid` is among them.
    pub scopes: Vec<String>,
}

/// A set of public keys (RFC 7517).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// An RSA public key (RFC 7517, RFC 7518 section 6.3.1).
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Jwk {
    /// `RSA`.
    pub kty: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `RS256`.
    pub alg: String,
    /// Names the key in the head of an ID token.
    pub kid: String,
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
}

/// Whether a site proves with PKCE (RFC 7636) that the same site began and ends a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// Accepted, and then checked, but not asked for.
    Optional,
    /// A sign-in without it is refused.
    Required,
}

/// Why a document is not a site's settings for sign-in.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// Not a JSON object.
    #[error("the document sign-in/client is not a JSON object: {0}")]
    Shape(#[from] serde_json::Error),
    /// A field is missing.
    #[error("the document sign-in/client has no {0}; sites cannot sign anybody in without it")]
    Missing(&'static str),
    /// A field is not of its type.
    #[error("the document sign-in/client is wrong at {at}: {source}")]
    Type {
        /// The field.
        at: &'static str,
        /// What is expected.
        source: serde_json::Error,
    },
    /// A value breaks a rule.
    #[error("the document sign-in/client is wrong at {at}: {rule}")]
    Value {
        /// The field.
        at: &'static str,
        /// What is expected.
        rule: String,
    },
}

impl BadSettings {
    /// The field that is missing or wrong, where it is one.
    #[must_use]
    pub fn at(&self) -> Option<&'static str> {
        match self {
            Self::Shape(_) => None,
            Self::Missing(at) | Self::Type { at, .. } | Self::Value { at, .. } => Some(at),
        }
    }
}

/// What the provider that reads a document is and has.
#[derive(Clone, Copy, Debug)]
pub struct ProviderFacts<'a> {
    /// Who it says that it is, in every ID token.
    pub issuer: &'a str,
    /// The public halves of the keys that it signs with, now or next.
    pub keys: &'a [Jwk],
}

impl ClientSettings {
    /// Reads and checks the body of a document.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn parse(body: &[u8]) -> Result<Self, BadSettings> {
        let fields: Fields = serde_json::from_slice(body)?;
        let settings = Self {
            issuer: read(&fields, "issuer")?,
            authorization_endpoint: read(&fields, "authorization_endpoint")?,
            token_endpoint: read(&fields, "token_endpoint")?,
            userinfo_endpoint: read(&fields, "userinfo_endpoint")?,
            jwks: read(&fields, "jwks")?,
            pkce: read(&fields, "pkce")?,
            signing_kid: read(&fields, "signing_kid")?,
            redirect_path: read(&fields, "redirect_path")?,
            scopes: read(&fields, "scopes")?,
        };
        settings.check().map_err(|(at, rule)| BadSettings::Value {
            at,
            rule: rule.into(),
        })?;
        Ok(settings)
    }

    /// Checks that a provider can do what these settings tell sites to expect of it.
    ///
    /// # Errors
    /// Names the field that the provider cannot honour, and what it could.
    pub fn check_with(&self, provider: ProviderFacts<'_>) -> Result<(), BadSettings> {
        let wrong = |at, rule| Err(BadSettings::Value { at, rule });
        if self.issuer != provider.issuer {
            let rule = format!("every ID token is issued by {}", provider.issuer);
            return wrong("issuer", rule);
        }
        let ours = provider.keys.iter().find(|key| key.kid == self.signing_kid);
        let Some(ours) = ours else {
            let rule = "no active or next key has this kid; GET /api/v1/keys lists them";
            return wrong("signing_kid", rule.into());
        };
        if !self.jwks.keys.contains(ours) {
            let rule = format!(
                "the key {} is not the one that signs under this kid",
                ours.kid
            );
            return wrong("jwks.keys", rule);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let rule = |holds: bool, at, rule| if holds { Ok(()) } else { Err((at, rule)) };
        let keys = &self.jwks.keys;
        rule(
            Url::parse(&self.issuer).is_ok_and(|url| is_web(&url)),
            "issuer",
            "an http(s) URL",
        )?;
        for (at, url) in [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
        ] {
            rule(is_web(url), at, "an http(s) URL")?;
        }
        rule(
            (1..=SETTINGS_KEYS_MAX).contains(&keys.len()),
            "jwks.keys",
            "1 to 16 keys",
        )?;
        let kids: HashSet<_> = keys.iter().map(|key| key.kid.as_str()).collect();
        rule(
            kids.len() == keys.len(),
            "jwks.keys",
            "no two keys with the same kid",
        )?;
        rule(
            self.lists_key(&self.signing_kid),
            "signing_kid",
            "a kid among jwks.keys",
        )?;
        rule(
            is_path(&self.redirect_path),
            "redirect_path",
            "an absolute path without '?' and '#'",
        )?;
        rule(
            self.scopes.iter().any(|scope| scope == "openid"),
            "scopes",
            "contains openid",
        )
    }

    /// Whether a site with these settings can check what the key `kid` signed.
    #[must_use]
    pub fn lists_key(&self, kid: &str) -> bool {
        self.jwks.keys.iter().any(|key| key.kid == kid)
    }
}

type Fields = serde_json::Map<String, serde_json::Value>;

/// A field by itself, so that an error can name it.
fn read<T: serde::de::DeserializeOwned>(
    fields: &Fields,
    at: &'static str,
) -> Result<T, BadSettings> {
    let value = fields.get(at).ok_or(BadSettings::Missing(at))?;
    T::deserialize(value).map_err(|source| BadSettings::Type { at, source })
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.host().is_some()
}

fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"?#\\\"<>".contains(c);
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= PATH_CHARACTERS_MAX
        && path.chars().all(plain)
        && path
            .split('/')
            .all(|segment| segment != "." && segment != "..")
}

/// The code a site runs, and ran.
#[derive(Clone, Copy, Debug)]
pub struct CodeHistory<'a> {
    /// The release it runs.
    pub running: &'a Version,
    /// The release it ran before.
    pub ran_before: Option<&'a Version>,
    /// When `running` was activated.
    pub activated_at: Timestamp,
}

/// A kept version of the document, for one product.
#[derive(Clone, Debug)]
pub struct SettingsVersion {
    /// Counts up.
    pub version: u64,
    /// Which sites are given it.
    pub rollout: Rollout,
    /// The releases that can honour it.
    pub accepts: VersionReq,
    /// The settings.
    pub settings: ClientSettings,
}

/// What the provider holds a site to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether a sign-in without PKCE is refused.
    pub pkce: Pkce,
    /// The key that signs.
    pub signing_kid: String,
    /// Where residents may be sent back to, on the site's own host; at least one.
    pub redirect_paths: Vec<String>,
}

/// The rules for a site at `now`: those of the release it runs, and for `overlap` after an
/// activation also those of the release it ran before, because a sign-in may have begun under it.
/// `versions` are those that the site is given.
///
/// `None` when no version of the document accepts the code.
#[must_use]
pub fn rules_at(
    code: CodeHistory<'_>,
    versions: &[&SettingsVersion],
    overlap: SignedDuration,
    now: Timestamp,
) -> Option<Rules> {
    let current = newest_for(versions, code.running);
    let overlaps = now.duration_since(code.activated_at) < overlap;
    let before = code
        .ran_before
        .filter(|_| overlaps)
        .and_then(|ran| newest_for(versions, ran));
    match (current, before) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(rules_of(one)),
        (Some(current), Some(before)) => Some(rules_of_both(current, before)),
    }
}

fn newest_for<'a>(versions: &[&'a SettingsVersion], code: &Version) -> Option<&'a ClientSettings> {
    let accepting = versions.iter().filter(|one| one.accepts.matches(code));
    accepting
        .max_by_key(|one| one.version)
        .map(|one| &one.settings)
}

fn rules_of(settings: &ClientSettings) -> Rules {
    Rules {
        pkce: settings.pkce,
        signing_kid: settings.signing_kid.clone(),
        redirect_paths: vec![settings.redirect_path.clone()],
    }
}

fn rules_of_both(current: &ClientSettings, before: &ClientSettings) -> Rules {
    let mut rules = rules_of(current);
    if before.pkce == Pkce::Optional {
        rules.pkce = Pkce::Optional;
    }
    // The site may check the token under either document. The old key is safe with both when the
    // new document still lists it; otherwise the new document decides.
    if current.lists_key(&before.signing_kid) {
        rules.signing_kid.clone_from(&before.signing_kid);
    }
    if before.redirect_path != current.redirect_path {
        rules.redirect_paths.push(before.redirect_path.clone());
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> serde_json::Value {
        serde_json::json!({
            "issuer": "https://id.example.com",
            "authorization_endpoint": "https://id.example.com/oidc/authorize",
            "token_endpoint": "https://id.example.com/oidc/token",
            "userinfo_endpoint": "https://id.example.com/oidc/userinfo",
            "jwks": { "keys": [key("old")] },
            "pkce": "optional",
            "signing_kid": "old",
            "redirect_path": "/sign-in/callback",
            "scopes": ["openid", "email"],
        })
    }

    fn key(kid: &str) -> serde_json::Value {
        serde_json::json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": "AQ", "e": "AQAB" })
    }

    fn parse(change: impl FnOnce(&mut serde_json::Value)) -> Result<ClientSettings, String> {
        let mut body = body();
        change(&mut body);
        ClientSettings::parse(body.to_string().as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn wrong_settings_are_refused_by_field() {
        assert!(parse(|_| ()).is_ok());
        for (at, value) in [
            ("issuer", "id.example.com".into()),
            ("issuer", 7.into()),
            ("token_endpoint", "ftp://x.us".into()),
            ("signing_kid", "new".into()),
            ("redirect_path", "callback".into()),
            ("redirect_path", "//evil.example".into()),
            ("redirect_path", "/a/../b".into()),
            ("redirect_path", "/a?b".into()),
            ("redirect_path", "//evil.example/".into()),
            ("redirect_path", "@evil".into()),
            ("redirect_path", "/cb\n".into()),
            ("redirect_path", "/cb\\evil".into()),
            ("scopes", serde_json::json!(["email"])),
            ("pkce", "never".into()),
            ("jwks.keys", serde_json::json!([])),
            ("jwks.keys[1]", key("old")),
        ] {
            let error = parse(|body| put(body, at, value)).unwrap_err();
            let field = at.split('[').next().unwrap_or(at);
            assert!(error.contains(field), "{at}: {error}");
        }
        let missing = parse(|body| drop(body.as_object_mut().unwrap().remove("pkce"))).unwrap_err();
        assert!(missing.contains("pkce"), "{missing}");
        assert_eq!(
            ClientSettings::parse(b"{}").unwrap_err().at(),
            Some("issuer")
        );
        assert_eq!(ClientSettings::parse(b"[]").unwrap_err().at(), None);
    }

    fn put(body: &mut serde_json::Value, at: &str, value: serde_json::Value) {
        match at {
            "jwks.keys" => body["jwks"]["keys"] = value,
            "jwks.keys[1]" => body["jwks"]["keys"].as_array_mut().unwrap().push(value),
            field => body[field] = value,
        }
    }

    #[test]
    fn settings_that_the_provider_cannot_honour_are_refused_by_field() {
        let jwk = |value| serde_json::from_value::<Jwk>(value).unwrap();
        let other = serde_json::json!({ "n": "Ag", "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": "old", "e": "AQAB" });
        for (issuer, keys, at) in [
            (
                "https://id.example.com",
                vec![key("old"), key("next")],
                None,
            ),
            ("https://id.example.com/", vec![key("old")], Some("issuer")),
            ("https://other.example", vec![key("old")], Some("issuer")),
            (
                "https://id.example.com",
                vec![key("next")],
                Some("signing_kid"),
            ),
            ("https://id.example.com", vec![], Some("signing_kid")),
            ("https://id.example.com", vec![other], Some("jwks.keys")),
        ] {
            let keys: Vec<Jwk> = keys.into_iter().map(jwk).collect();
            let settings = parse(|_| ()).unwrap();
            let provider = ProviderFacts {
                issuer,
                keys: &keys,
            };
            let found = settings.check_with(provider).err().and_then(|e| e.at());
            assert_eq!(found, at, "{issuer} {keys:?}");
        }
    }

    /// 5.1: PKCE optional, signed with `old`. 5.2: required, signed with `new`, lists both keys.
    fn versions() -> Vec<SettingsVersion> {
        let old = parse(|_| ()).unwrap();
        let new = parse(|body| {
            body["pkce"] = "required".into();
            body["signing_kid"] = "new".into();
            body["jwks"] = serde_json::json!({ "keys": [key("old"), key("new")] });
            body["redirect_path"] = "/callback".into();
        });
        let version = |version, accepts: &str, settings| SettingsVersion {
            version,
            rollout: Rollout::everywhere(),
            accepts: accepts.parse().unwrap(),
            settings,
        };
        vec![version(1, "<5.2", old), version(2, ">=5.2", new.unwrap())]
    }

    fn rules(running: &str, before: Option<&str>, seconds_after: i64) -> Option<String> {
        let activated_at: Timestamp = "2023-07-11T23:00:00Z".parse().unwrap();
        let now = activated_at + SignedDuration::from_secs(seconds_after);
        let running: Version = running.parse().unwrap();
        let before: Option<Version> = before.map(|text| text.parse().unwrap());
        let code = CodeHistory {
            running: &running,
            ran_before: before.as_ref(),
            activated_at,
        };
        let versions = versions();
        let versions: Vec<_> = versions.iter().collect();
        rules_at(code, &versions, SignedDuration::from_secs(60), now).map(|rules| {
            format!(
                "{:?} {} {}",
                rules.pkce,
                rules.signing_kid,
                rules.redirect_paths.join(" ")
            )
        })
    }

    #[test]
    fn the_rules_follow_the_code_and_overlap_after_an_activation() {
        let old = "Optional old /sign-in/callback";
        let new = "Required new /callback";
        for (running, before, seconds_after, expected) in [
            ("5.1.0", None, 0, Some(old)),
            ("5.2.0", None, 0, Some(new)),
            // A release forward: the old document cannot check `new`, the new one checks both.
            (
                "5.2.0",
                Some("5.1.0"),
                0,
                Some("Optional old /callback /sign-in/callback"),
            ),
            (
                "5.2.0",
                Some("5.1.0"),
                59,
                Some("Optional old /callback /sign-in/callback"),
            ),
            ("5.2.0", Some("5.1.0"), 60, Some(new)),
            // Back: the document in force does not list `new`.
            (
                "5.1.0",
                Some("5.2.0"),
                0,
                Some("Optional old /sign-in/callback /callback"),
            ),
            ("5.1.0", Some("5.2.0"), 60, Some(old)),
            // A pre-release is accepted by neither range.
            ("5.2.0-rc.1", None, 0, None),
            ("5.2.0-rc.1", Some("5.1.0"), 1, Some(old)),
        ] {
            let found = rules(running, before, seconds_after);
            assert_eq!(
                found.as_deref(),
                expected,
                "{before:?} -> {running} after {seconds_after} s"
            );
        }
    }
}
