//! OpenFeature's remote evaluation protocol (OFREP 0.3): any OpenFeature SDK reads config as flags.
//! What a flag's key means: `docs/decisions/0019-files-and-flags.md`.

mod flags;

use std::sync::Arc;

use aws_lc_rs::digest::{Context as Hash, SHA256};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use domain::name::{Hostname, ServiceName};
use semver::Version;
use serde_json::{Map, Value, json};

use self::flags::{FLAGS_MAX, Flag, FlagKey};
use super::{age_headers, freshness, has_already};
use crate::counts::Read;
use crate::{CachedDocument, Freshness, Shared};

/// A body holds a context: a few names and values.
const CONTEXT_BYTES_MAX: usize = 65_536;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/ofrep/v1/evaluate/flags", post(evaluate_all))
        .route("/ofrep/v1/evaluate/flags/{key}", post(evaluate))
        .layer(DefaultBodyLimit::max(CONTEXT_BYTES_MAX))
}

/// Which site asks, and what it runs.
struct Asking {
    site: Hostname,
    code: Version,
    service: Option<ServiceName>,
}

/// Why there is no value, with the error code of OpenFeature.
struct Failure {
    code: &'static str,
    details: String,
}

impl Failure {
    fn new(code: &'static str, details: impl Into<String>) -> Self {
        let details = details.into();
        Self { code, details }
    }

    fn answer(self, shared: &Shared, key: Option<&str>) -> Response {
        let (status, read) = if self.code == flags::NOT_FOUND {
            (StatusCode::NOT_FOUND, Read::Missing)
        } else {
            (StatusCode::BAD_REQUEST, Read::Refused)
        };
        shared.counts.read(read);
        let mut body = json!({"errorCode": self.code, "errorDetails": self.details});
        if let Some(key) = key {
            body["key"] = key.into();
        }
        let age = age_headers(freshness(shared));
        (status, age, Json(body)).into_response()
    }
}

async fn evaluate(
    State(shared): State<Arc<Shared>>,
    Path(key): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match try_evaluate(&shared, &key, body) {
        Ok(answer) => answer,
        Err(failure) => failure.answer(&shared, Some(&key)),
    }
}

fn try_evaluate(
    shared: &Shared,
    key: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let Asking { site, code, .. } = asking(shared, body)?;
    let flag = FlagKey::parse(key)?;
    let found = shared
        .cache
        .read(&site, &flag.service, &flag.document, &code);
    let found = found.ok_or_else(|| {
        let of = (&flag.service, &flag.document);
        let why = shared.cache.why_unread(&site, of, &code);
        Failure::new(flags::NOT_FOUND, why)
    })?;
    let document = parsed(&found)?;
    let value = flag.value(&document)?;
    let fresh = freshness(shared);
    let mut metadata = metadata(&found, fresh);
    if let Some(age) = fresh.age {
        metadata.insert("age_seconds".into(), age.as_secs().into());
    }
    shared.counts.read(Read::Found);
    let body = Json(evaluated(key, value, &found, (fresh, metadata)));
    Ok((age_headers(fresh), body).into_response())
}

async fn evaluate_all(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match try_evaluate_all(&shared, &headers, body) {
        Ok(answer) => answer,
        Err(failure) => failure.answer(&shared, None),
    }
}

fn try_evaluate_all(
    shared: &Shared,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let asking = asking(shared, body)?;
    let (site, code, service) = (&asking.site, &asking.code, asking.service.as_ref());
    let found = shared.cache.read_all(site, code, service);
    let fresh = freshness(shared);
    let age = age_headers(fresh);
    let etag = etag(&found, fresh);
    let tag = HeaderValue::from_str(&etag)
        .ok()
        .map(|etag| (header::ETAG, etag));
    let tag = HeaderMap::from_iter(tag);
    if has_already(headers, &etag) {
        shared.counts.read(Read::Unchanged);
        return Ok((StatusCode::NOT_MODIFIED, age, tag).into_response());
    }
    let mut all = vec![];
    for one in &found {
        let document = parsed(one)?;
        for Flag { key, value } in flags::of(&one.entry.key, &document) {
            if all.len() == FLAGS_MAX {
                let details = format!(
                    "more than {FLAGS_MAX} flags: name a `service` in the context to get its flags only"
                );
                return Err(Failure::new("GENERAL", details));
            }
            all.push(evaluated(&key, value, one, (fresh, metadata(one, fresh))));
        }
    }
    shared.counts.read(Read::Found);
    let body = json!({
        "flags": all,
        "metadata": {
            "repository_version": shared.cache.repository_version(),
            // A moment, and no age: clients keep it as long as nothing changed.
            "verified_at": fresh.age.map_or_else(String::new, |_| shared.cache.verified_at().to_string()),
            "stale": fresh.stale,
        },
    });
    Ok((age, tag, Json(body)).into_response())
}

/// Reads the context, and what is missing in it.
fn asking(shared: &Shared, body: Result<Bytes, BytesRejection>) -> Result<Asking, Failure> {
    let body = body.map_err(|e| Failure::new("PARSE_ERROR", e.body_text()))?;
    let body: Value = serde_json::from_slice(&body)
        .map_err(|e| Failure::new("PARSE_ERROR", format!("the body is not JSON: {e}")))?;
    let invalid = |details: String| Failure::new("INVALID_CONTEXT", details);
    let context = match &body["context"] {
        Value::Null => &Map::new(),
        Value::Object(context) => context,
        _ => return Err(invalid("`context` is not an object".into())),
    };
    let text = |name: &str| match context.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(invalid(format!("`{name}` in the context is not a string"))),
    };
    let site = text("targetingKey")?.ok_or_else(|| {
        let details = "`targetingKey` in the context is the site's host name";
        Failure::new("TARGETING_KEY_MISSING", details)
    })?;
    let site = Hostname::parse(site).map_err(|e| invalid(format!("`targetingKey`: {e}")))?;
    if shared.cache.product_of(&site).is_none() {
        return Err(invalid(format!("this agent does not serve {site}")));
    }
    let code = text("code")?
        .ok_or_else(|| invalid("`code` in the context is the version that the site runs".into()))?;
    let code = Version::parse(code).map_err(|e| invalid(format!("`code` {code:?}: {e}")))?;
    let service = text("service")?.map(|text| ServiceName::parse(text));
    let service = service.transpose();
    let service = service.map_err(|e| invalid(format!("`service`: {e}")))?;
    Ok(Asking {
        site,
        code,
        service,
    })
}

/// Documents are checked to be JSON where they are published.
fn parsed(found: &CachedDocument) -> Result<Value, Failure> {
    serde_json::from_slice(&found.body).map_err(|e| {
        let details = format!("{} is not JSON: {e}", found.entry.key);
        Failure::new("PARSE_ERROR", details)
    })
}

fn metadata(found: &CachedDocument, fresh: Freshness) -> Map<String, Value> {
    let known = [
        ("version", found.entry.version.into()),
        ("stale", fresh.stale.into()),
    ];
    let known = known.map(|(name, value)| (name.to_owned(), value));
    let layers = found.layers.iter();
    let layers = layers.map(|one| format!("{}={}", one.key.layer, one.version));
    let layers = layers.collect::<Vec<_>>().join(", ");
    let layers = (!layers.is_empty()).then(|| ("layers".to_owned(), layers.into()));
    known.into_iter().chain(layers).collect()
}

/// `STALE` is a reason of OpenFeature that the OFREP schema leaves out. It is said all the same: who
/// logs reasons sees that the value may be old.
fn evaluated(
    key: &str,
    value: &Value,
    found: &CachedDocument,
    (fresh, metadata): (Freshness, Map<String, Value>),
) -> Value {
    let reason = if fresh.stale { "STALE" } else { "STATIC" };
    let variant = found.entry.version.to_string();
    json!({"key": key, "value": value, "reason": reason, "variant": variant, "metadata": metadata})
}

/// Changes with every document and version that is read, and when the agent becomes stale or fresh.
fn etag(found: &[Arc<CachedDocument>], fresh: Freshness) -> String {
    let mut hash = Hash::new(&SHA256);
    hash.update(&[u8::from(fresh.stale)]);
    for one in found {
        let (key, version) = (&one.entry.key, one.entry.version);
        hash.update(format!("{key} {version} {}\n", one.etag).as_bytes());
    }
    format!("\"{}\"", hex::encode(&hash.finish().as_ref()[..16]))
}
