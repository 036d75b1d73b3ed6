//! The local API: what sites on this host read and tell, over loopback or a Unix socket. Has no
//! credentials, and serves nothing secret.

mod banners;
mod config;
mod health;
mod metrics;
mod ofrep;
mod told;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use domain::name::Hostname;
use tokio_util::sync::CancellationToken;

use crate::{Freshness, Shared};

const BODY_BYTES_MAX: usize = 1 << 20;
/// Seconds since the last proof that nothing newer exists.
const AGE: HeaderName = HeaderName::from_static("lamplighter-age-seconds");
/// Set past the staleness bound, and when there never was a proof.
const STALE: HeaderName = HeaderName::from_static("lamplighter-stale");

/// Answers sites until `stop`.
pub(crate) async fn serve<L>(shared: Arc<Shared>, listener: L, stop: CancellationToken)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let served = axum::serve(listener, router(shared)).with_graceful_shutdown(async move {
        stop.cancelled().await;
    });
    if let Err(e) = served.await {
        tracing::error!("the local API ended: {e}");
    }
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(
            "/v1/sites/{site}/config/{service}/{document}",
            get(config::read),
        )
        .route(
            "/v1/sites/{site}/config/{service}/{document}/refusals",
            post(config::refuse),
        )
        .route("/v1/sites/{site}/banners", get(banners::read))
        .route("/v1/sites/{site}/doubt", post(told::doubt))
        .route("/v1/outcomes", post(told::outcomes))
        .route("/v1/status", get(health::status))
        .route("/readyz", get(health::ready))
        .route("/livez", get(health::live))
        .route("/metrics", get(metrics::show))
        .merge(ofrep::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

fn freshness(shared: &Shared) -> Freshness {
    shared.freshness()
}

fn age_headers(fresh: Freshness) -> HeaderMap {
    let age = fresh.age.map(|age| (AGE, HeaderValue::from(age.as_secs())));
    let stale = fresh
        .stale
        .then_some((STALE, HeaderValue::from_static("1")));
    age.into_iter().chain(stale).collect()
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    let body = serde_json::json!({"error": {"code": "not_found", "message": reason}});
    (status, Json(body)).into_response()
}

fn not_served(site: &Hostname) -> Response {
    let reason = format!("this agent does not serve {site}");
    refusal(StatusCode::NOT_FOUND, &reason)
}

/// Whether the caller has what `etag` names: any of a list, weak or not, as RFC 9110 compares them.
fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    known
        .filter_map(|known| known.to_str().ok())
        .flat_map(|known| known.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_what_it_names_alone_in_a_list_or_as_weak() {
        for (known, has) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let value = HeaderValue::from_str(known).unwrap();
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            assert_eq!(has_already(&headers, "\"a\""), has, "{known}");
        }
        assert!(!has_already(&HeaderMap::new(), "\"a\""));
    }
}
