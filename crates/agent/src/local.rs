//! The local API: what sites on this host read and tell. Loopback only; nothing secret is served.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::document::DocumentKey;
use domain::name::{DocumentName, Hostname, ServiceName};
use domain::site::Zone;
use protocol::banner::{DOCUMENT, SERVICE, Standing};
use protocol::delivery::{Held, Refused};
use semver::Version;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{CachedDocument, Freshness, Shared};

const BODY_BYTES_MAX: usize = 1 << 20;
/// Seconds since the last proof that nothing newer exists.
const AGE: HeaderName = HeaderName::from_static("lamplighter-age-seconds");
/// Set past the staleness bound, and when there never was a proof.
const STALE: HeaderName = HeaderName::from_static("lamplighter-stale");
const VERSION: HeaderName = HeaderName::from_static("lamplighter-document-version");

pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    let router = Router::new()
        .route("/v1/sites/{site}/config/{service}/{document}", get(config))
        .route(
            "/v1/sites/{site}/config/{service}/{document}/refusals",
            post(refuse),
        )
        .route("/v1/sites/{site}/banners", get(banners))
        .route("/v1/outcomes", post(outcomes))
        .route("/v1/status", get(status))
        .route("/readyz", get(ready))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.cancelled().await;
    });
    if let Err(e) = served.await {
        tracing::error!("the local API ended: {e}");
    }
}

#[derive(serde::Deserialize)]
struct ConfigQuery {
    code: Version,
}

async fn config(
    State(shared): State<Arc<Shared>>,
    Path((site, service, document)): Path<(Hostname, ServiceName, DocumentName)>,
    Query(query): Query<ConfigQuery>,
    headers: HeaderMap,
) -> Response {
    let fresh = freshness(&shared);
    let Some(found) = shared.cache.read(&site, &service, &document, &query.code) else {
        let reason = if shared.cache.product_of(&site).is_none() {
            format!("this agent does not serve {site}")
        } else {
            format!(
                "no version of {service}/{document} accepts code {}",
                query.code
            )
        };
        return (age_headers(fresh), refusal(StatusCode::NOT_FOUND, &reason)).into_response();
    };
    let known = headers.get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == found.etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, age_headers(fresh), tags(&found)).into_response();
    }
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (age_headers(fresh), tags(&found), kind, found.body.clone()).into_response()
}

/// A version that the site cannot use.
#[derive(serde::Deserialize)]
struct Refusal {
    version: u64,
    reason: String,
}

/// The site reads the version before from now on, and the control plane is told.
async fn refuse(
    State(shared): State<Arc<Shared>>,
    Path((site, service, name)): Path<(Hostname, ServiceName, DocumentName)>,
    Json(Refusal { version, reason }): Json<Refusal>,
) -> Response {
    let Some(product) = shared.cache.product_of(&site).cloned() else {
        let reason = format!("this agent does not serve {site}");
        return refusal(StatusCode::NOT_FOUND, &reason);
    };
    let key = DocumentKey {
        product,
        service,
        name,
    };
    let missing = format!("this agent does not hold version {version} of {key}");
    let held = Held { key, version };
    let refused = Refused { site, held, reason };
    match shared.refusals.refuse(&shared.cache, refused) {
        Ok(true) => {
            shared.acks_due.notify_one();
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(false) => refusal(StatusCode::NOT_FOUND, &missing),
        Err(e) => {
            tracing::error!("could not keep a refusal: {e}");
            refusal(StatusCode::INSUFFICIENT_STORAGE, &e.to_string())
        }
    }
}

/// Where the site is: its agent knows only its product. Sites also say their code, as for config;
/// banners are for every code, prereleases too.
#[derive(serde::Deserialize)]
struct BannersQuery {
    zone: Zone,
    state: String,
}

/// The banners that stand on a site now, the most urgent first; also while no server answers.
async fn banners(
    State(shared): State<Arc<Shared>>,
    Path(site): Path<Hostname>,
    Query(query): Query<BannersQuery>,
) -> Response {
    let fresh = freshness(&shared);
    let (Some(product), Ok(service), Ok(document)) = (
        shared.cache.product_of(&site),
        ServiceName::parse(SERVICE),
        DocumentName::parse(DOCUMENT),
    ) else {
        let reason = format!("this agent does not serve {site}");
        return (age_headers(fresh), refusal(StatusCode::NOT_FOUND, &reason)).into_response();
    };
    let found = shared.cache.newest(&site, &service, &document);
    // Before its first banner a product has no such document.
    let standing = found.and_then(|found| serde_json::from_slice::<Standing>(&found.body).ok());
    let standing = standing.unwrap_or_default();
    let place = (&query.zone, &*query.state);
    let shown = standing.on((product, &site), place, shared.clock.now());
    (
        age_headers(fresh),
        Json(serde_json::json!({ "banners": shown })),
    )
        .into_response()
}

fn tags(found: &CachedDocument) -> HeaderMap {
    let etag = HeaderValue::from_str(&found.etag)
        .ok()
        .map(|etag| (header::ETAG, etag));
    etag.into_iter()
        .chain([(VERSION, HeaderValue::from(found.entry.version))])
        .collect()
}

fn age_headers(fresh: Freshness) -> HeaderMap {
    let age = fresh.age.map(|age| (AGE, HeaderValue::from(age.as_secs())));
    let stale = fresh
        .stale
        .then_some((STALE, HeaderValue::from_static("1")));
    age.into_iter().chain(stale).collect()
}

fn freshness(shared: &Shared) -> Freshness {
    shared
        .cache
        .freshness(shared.clock.now(), shared.settings.stale_after)
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    let body = serde_json::json!({"error": {"code": "not_found", "message": reason}});
    (status, Json(body)).into_response()
}

/// How a sign-in ended: `error` is absent when it went well.
#[derive(serde::Deserialize)]
struct Outcome {
    site: Hostname,
    #[serde(default)]
    error: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Outcome),
    Many(Vec<Outcome>),
}

async fn outcomes(State(shared): State<Arc<Shared>>, Json(body): Json<OneOrMany>) -> StatusCode {
    let outcomes = match body {
        OneOrMany::One(outcome) => vec![outcome],
        OneOrMany::Many(outcomes) => outcomes,
    };
    if outcomes
        .iter()
        .any(|outcome| shared.cache.product_of(&outcome.site).is_none())
    {
        return StatusCode::NOT_FOUND;
    }
    for outcome in outcomes {
        shared
            .outcomes
            .count(&outcome.site, outcome.error.as_deref());
    }
    StatusCode::ACCEPTED
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let fresh = freshness(&shared);
    let view = shared.cache.view();
    let documents: Vec<_> = view
        .all()
        .map(|document| {
            let entry = &document.entry;
            serde_json::json!({"document": entry.key, "version": entry.version,
                "accepts": entry.accepts.to_string(), "lane": entry.lane})
        })
        .collect();
    Json(serde_json::json!({
        "agent": shared.identity.agent,
        "repository_version": view.repository,
        "age_seconds": fresh.age.map(|age| age.as_secs()),
        "stale": fresh.stale,
        "sites": shared.cache.site_count(),
        "documents": documents,
    }))
    .into_response()
}

/// Ready is: it has config, and knows that it is fresh. It serves in any case.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.cache.repository_version() == 0 {
        return (StatusCode::SERVICE_UNAVAILABLE, "no verified config yet").into_response();
    }
    if freshness(&shared).stale {
        return (StatusCode::SERVICE_UNAVAILABLE, "STALE").into_response();
    }
    "ok".into_response()
}
