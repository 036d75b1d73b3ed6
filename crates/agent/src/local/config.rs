//! Reads of documents, and refusals of their versions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::document::DocumentKey;
use domain::name::{DocumentName, Hostname, ServiceName};
use protocol::delivery::{Held, Refused};
use semver::Version;

use super::{age_headers, freshness, has_already, not_served, refusal};
use crate::counts::Read;
use crate::{CachedDocument, Shared};

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
            Some(_) => refusal(
                StatusCode::NOT_FOUND,
                &format!("no version of {service}/{document} accepts code {code}"),
            ),
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
    etag.into_iter()
        .chain([(VERSION, HeaderValue::from(found.entry.version))])
        .collect()
}

/// A version that the site cannot use.
#[derive(serde::Deserialize)]
pub(super) struct Refusal {
    version: u64,
    reason: String,
}

/// The site reads the version before from now on, and the control plane is told.
pub(super) async fn refuse(
    State(shared): State<Arc<Shared>>,
    Path((site, service, name)): Path<(Hostname, ServiceName, DocumentName)>,
    Json(Refusal { version, reason }): Json<Refusal>,
) -> Response {
    let Some(product) = shared.cache.product_of(&site).cloned() else {
        return not_served(&site);
    };
    let key = DocumentKey::base(product, service, name);
    let missing = format!("this agent does not hold version {version} of {key}");
    let held = Held { key, version };
    let refused = Refused { site, held, reason };
    match shared.refusals.refuse(&shared.cache, refused) {
        Ok(true) => {
            shared.counts.refused();
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
