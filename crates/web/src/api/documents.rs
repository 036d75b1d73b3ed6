//! Documents: published by engineers, read by whoever has no agent.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::document::{Document, DocumentKey, Lane};
use domain::name::{DocumentName, ProductName, ServiceName};
use engine::NewDocument;
use semver::{Version, VersionReq};
use serde_json::Value;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::routes::Route;

/// Above the largest document, so that one that is a little too large is told so by name.
const PUBLISH_BYTES_MAX: usize = 4 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let see = Access::Holder(Permission::SeeConsole);
    let read = "/api/v1/config/{product}/{service}/{document}";
    vec![
        Route::post("/api/v1/documents", change, publish).body_max(PUBLISH_BYTES_MAX),
        Route::get("/api/v1/documents", see, list),
        Route::get(read, Access::Public, config),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    product: ProductName,
    service: ServiceName,
    name: DocumentName,
    accepts: VersionReq,
    lane: Lane,
    schema: Option<Value>,
    body: Value,
}

async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(publish): Json<Publish>,
) -> Result<Response, ApiError> {
    let Publish {
        product,
        service,
        name,
        accepts,
        lane,
        schema,
        body,
    } = publish;
    let key = DocumentKey {
        product,
        service,
        name,
    };
    let body = body.to_string().into_bytes();
    let new = NewDocument {
        key,
        accepts,
        lane,
        schema,
        body,
    };
    let version = app.engine().publish_document(new, caller.name()).await?;
    Ok((
        StatusCode::CREATED,
        JsonBody(serde_json::json!({ "version": version })),
    )
        .into_response())
}

/// A version of a document as the API lists it.
#[derive(serde::Serialize)]
struct DocumentView<'a> {
    #[serde(flatten)]
    key: &'a DocumentKey,
    version: u64,
    accepts: &'a VersionReq,
    lane: Lane,
    bytes: usize,
}

async fn list(State(app): State<App>) -> Response {
    let repository = app.engine().repository();
    let all = repository.documents().values().flatten();
    let documents: Vec<_> = all.map(|document| view(document)).collect();
    JsonBody(serde_json::json!({ "documents": documents })).into_response()
}

fn view(document: &Document) -> DocumentView<'_> {
    DocumentView {
        key: &document.key,
        version: document.version,
        accepts: &document.accepts,
        lane: document.lane,
        bytes: document.body.len(),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigQuery {
    code: Version,
}

/// Public: it is what a site's page source would show anyway, and a site whose sign-in is broken
/// must be able to refill its cache.
async fn config(
    State(app): State<App>,
    Path((product, service, name)): Path<(ProductName, ServiceName, DocumentName)>,
    Query(query): Query<ConfigQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = DocumentKey {
        product,
        service,
        name,
    };
    let code = query.code;
    let document = app.engine().document_for(&key, &code);
    let document = document.ok_or_else(|| {
        ApiError::not_found(format!("no version of document {key} accepts code {code}"))
    })?;
    let etag = format!("\"{}.{}\"", document.key.name, document.version);
    let version = document.version.to_string();
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let tags = [
        (header::ETAG.as_str(), etag),
        ("lamplighter-document-version", version),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, tags).into_response());
    }
    let kind = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((tags, kind, document.body.clone()).into_response())
}
