//! The local API: what sites on this host read and tell, over loopback or a Unix socket. Has no
//! credentials, and serves nothing secret.

mod banners;
mod config;
mod health;
mod metrics;
mod ofrep;
mod told;

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use domain::name::Hostname;
use tokio_util::sync::CancellationToken;

use crate::{Freshness, Shared};

const BODY_BYTES_MAX: usize = 1 << 20;
/// What is said about a request that cannot be read.
const REASON_BYTES_MAX: usize = 4_096;
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
        .layer(map_response(in_json))
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
    let body = serde_json::json!({"error": {"code": code(status), "message": reason}});
    (status, Json(body)).into_response()
}

/// For programs, as the control plane's API says it.
fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::INSUFFICIENT_STORAGE => "not_kept",
        _ => "bad_request",
    }
}

/// What a request lacks is found before a handler runs, and told as plain text: callers read one kind of error.
async fn in_json(answer: Response) -> Response {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !is_plain || !answer.status().is_client_error() {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let reason = to_bytes(body, REASON_BYTES_MAX).await.unwrap_or_default();
    refusal(parts.status, &String::from_utf8_lossy(&reason))
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
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;
    use crate::Clock;
    use crate::plane::plane;

    async fn asked(request: Request<Body>) -> (StatusCode, serde_json::Value) {
        let plane = plane(Clock::system(), |_| StatusCode::NOT_FOUND.into_response()).await;
        let answer = router(Arc::clone(&plane.shared)).oneshot(request);
        let answer = answer.await.unwrap();
        let status = answer.status();
        let says = to_bytes(answer.into_body(), BODY_BYTES_MAX).await.unwrap();
        let says = serde_json::from_slice(&says);
        (status, says.unwrap_or_default())
    }

    #[tokio::test]
    async fn every_refusal_is_json_and_has_its_code() {
        let path = "/v1/sites/a.example/config/sign-in/client";
        let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let post = |path: &str, body: &'static str| {
            let kind = (header::CONTENT_TYPE, "application/json");
            let request = Request::post(path).header(kind.0, kind.1);
            request.body(Body::from(body)).unwrap()
        };
        let refusals = format!("{path}/refusals");
        for (request, status, code, names) in [
            (get(path), 400, "bad_request", "code"),
            (get(&format!("{path}?code=x")), 400, "bad_request", "code"),
            (
                post(&refusals, r#"{"version": 1}"#),
                422,
                "bad_request",
                "reason",
            ),
            (post(&refusals, "{"), 400, "bad_request", "JSON"),
            (
                post("/v1/outcomes", r#"{"site": "other.example"}"#),
                404,
                "not_found",
                "other.example",
            ),
            (
                get("/v1/sites/other.example/config/a/b?code=1.0.0"),
                404,
                "not_found",
                "other.example",
            ),
        ] {
            let asked_for = request.uri().clone();
            let (found, says) = asked(request).await;
            let error = &says["error"];
            assert_eq!(
                (found.as_u16(), &error["code"]),
                (status, &code.into()),
                "{asked_for} {says}"
            );
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(names), "{message}");
        }
        assert_ne!(code(StatusCode::INSUFFICIENT_STORAGE), "not_found");
    }

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
