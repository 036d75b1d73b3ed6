//! What the platform lets Lamplighter ask of it: clear a site's cache, switch a site's code.

use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::name::Hostname;
use protocol::action::{Act, Action};
use semver::Version;
use standardwebhooks::Webhook;

use super::cache::Cleared;
use super::{Platform, Source};

/// How far the time of a signed request may be off, in seconds (Standard Webhooks).
const TOLERANCE_SECONDS: i64 = 300;

/// Whether `body` is signed with `secret`, at a time near `now` in seconds. The library's own check
/// reads the machine's clock, which is not the scenario's.
pub(crate) fn signed(secret: &str, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(at), Some(signatures)) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    ) else {
        return false;
    };
    let Some(at) = at
        .parse()
        .ok()
        .filter(|at: &i64| (at - now).abs() <= TOLERANCE_SECONDS)
    else {
        return false;
    };
    let expected = Webhook::new(secret).and_then(|webhook| webhook.sign(id, at, body));
    expected.is_ok_and(|expected| signatures.split(' ').any(|signature| signature == expected))
}

/// `POST /hooks/actions`: a signed request to clear a site's cache.
pub(super) async fn act(
    State(platform): State<Platform>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let Source::Legacy { webhook_secret, .. } = &platform.0.source else {
        return (StatusCode::NOT_FOUND, "these sites have agents");
    };
    if !signed(
        webhook_secret,
        &headers,
        &body,
        platform.0.clock.now().as_second(),
    ) {
        return (StatusCode::UNAUTHORIZED, "the signature is not ours");
    }
    let Ok(action) = serde_json::from_slice::<Action>(&body) else {
        return (StatusCode::BAD_REQUEST, "not an action");
    };
    let (Act::ClearCache, Some(site)) = (&action.act, platform.find(action.site.as_str())) else {
        return (StatusCode::UNPROCESSABLE_ENTITY, "cannot do this to that");
    };
    match platform.0.sites[site].cache.clear(action.generation) {
        Cleared::Now => {
            platform
                .0
                .books
                .clear(action.campaign, u32::try_from(site).unwrap_or(u32::MAX));
            (StatusCode::OK, "cleared")
        }
        Cleared::Before => {
            platform.0.books.repeat();
            (StatusCode::OK, "cleared before")
        }
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Activate {
    site: Hostname,
    version: Version,
}

/// `POST /hooks/activate`: the agent of the site's host switches its code.
pub(super) async fn activate(
    State(platform): State<Platform>,
    axum::Json(Activate { site, version }): axum::Json<Activate>,
) -> StatusCode {
    let releases = &platform.0.releases;
    let code = u8::from(version == releases.to);
    match platform.find(site.as_str()) {
        Some(site) if version == releases.to || version == releases.from => {
            platform.0.sites[site].code.store(code, Ordering::Relaxed);
            StatusCode::NO_CONTENT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_signature_with_our_secret_counts() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = Webhook::new(secret)
            .unwrap()
            .sign("msg_1", 1_000, b"{}")
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", "1000".parse().unwrap());
        headers.insert(
            "webhook-signature",
            format!("v1,old {signature}").parse().unwrap(),
        );
        assert!(signed(secret, &headers, b"{}", 1_200));
        assert!(!signed(secret, &headers, b"{}", 1_400), "too old");
        assert!(!signed(secret, &headers, b"{ }", 1_000), "another body");
        assert!(!signed(
            "whsec_AAAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &headers,
            b"{}",
            1_000
        ));
    }
}
