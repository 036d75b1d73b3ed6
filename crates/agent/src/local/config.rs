//! Reads of documents, and refusals of their versions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::document::DocumentKey;
use domain::layer::Layer;
use domain::name::{DocumentName, Hostname, ServiceName};
use protocol::delivery::{Held, Refused};
use semver::Version;

use super::{age_headers, freshness, has_already, not_served, refusal};
use crate::counts::Read;
use crate::{CachedDocument, Shared};

/// What of its layers is merged into the document: `zone:America/Chicago=3, site:29palms.gov=1`.
const LAYERS: HeaderName = HeaderName::from_static("lamplighter-document-layers");
const VERSION: HeaderName = HeaderName::from_static("lamplighter-document-version");

#[derive(serde::Deserialize)]
pub(super) struct CodeQuery {
    code: Version,
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path((site, service, document)): Path<(Hostname, ServiceName, DocumentName)>,
    Query(CodeQuery { code }): Query<CodeQuery>,
    headers: HeaderMap,
) -> Response {
    let age = age_headers(freshness(&shared));
    let Some(found) = shared.cache.read(&site, &service, &document, &code) else {
        shared.counts.read(Read::Missing);
        let answer = match shared.cache.product_of(&site) {
            None => not_served(&site),
            Some(_) => {
                let of = (&service, &document);
                let why = shared.cache.why_unread(&site, of, &code);
                refusal(StatusCode::NOT_FOUND, &why)
            }
        };
        return (age, answer).into_response();
    };
    if has_already(&headers, &found.etag) {
        shared.counts.read(Read::Unchanged);
        return (StatusCode::NOT_MODIFIED, age, tags(&found)).into_response();
    }
    shared.counts.read(Read::Found);
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (age, tags(&found), kind, found.body.clone()).into_response()
}

fn tags(found: &CachedDocument) -> HeaderMap {
    let etag = HeaderValue::from_str(&found.etag)
        .ok()
        .map(|etag| (header::ETAG, etag));
    let layers = found.layers.iter();
    let layers = layers.map(|one| format!("{}={}", one.key.layer, one.version));
    let layers = layers.collect::<Vec<_>>().join(", ");
    // A county's name may be written with more than ASCII.
    let layers = HeaderValue::from_bytes(layers.as_bytes())
        .ok()
        .filter(|layers| !layers.is_empty())
        .map(|layers| (LAYERS, layers));
    etag.into_iter()
        .chain([(VERSION, HeaderValue::from(found.entry.version))])
        .chain(layers)
        .collect()
}

/// A version that the site cannot use. Where the document has layers and none is named, the version is
/// that of the document, and what is refused is the piece that was published last of those the site reads.
#[derive(serde::Deserialize)]
pub(super) struct Refusal {
    version: u64,
    reason: String,
    /// The layer that the version is of.
    layer: Option<Layer>,
    /// The release that the site runs; it says more exactly what the site reads.
    code: Option<Version>,
}

/// The site reads the version before from now on, and the control plane is told.
pub(super) async fn refuse(
    State(shared): State<Arc<Shared>>,
    Path((site, service, name)): Path<(Hostname, ServiceName, DocumentName)>,
    Json(refused): Json<Refusal>,
) -> Response {
    let Some(product) = shared.cache.product_of(&site).cloned() else {
        return not_served(&site);
    };
    let Refusal {
        version,
        reason,
        layer,
        code,
    } = refused;
    let key = DocumentKey::base(product, service, name);
    let held = match layer {
        Some(layer) => Held {
            key: key.with_layer(layer),
            version,
        },
        None => {
            let view = shared.cache.view();
            view.newest_piece(&site, Held { key, version }, code.as_ref())
        }
    };
    let missing = format!(
        "this agent does not hold version {} of {}",
        held.version, held.key
    );
    let refused = Refused { site, held, reason };
    match shared.refuse(refused) {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => refusal(StatusCode::NOT_FOUND, &missing),
        Err(e) => {
            tracing::error!("could not keep a refusal: {e}");
            refusal(StatusCode::INSUFFICIENT_STORAGE, &e.to_string())
        }
    }
}
