//! What a site reads of a document, piece by piece.

use axum::Json as JsonBody;
use axum::extract::State;
use domain::access::Permission;
use domain::document::DocumentKey;
use domain::layer::Layer;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use semver::{Version, VersionReq};
use serde_json::Value;

use super::nothing_read;
use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::routes::{Api, Route};

pub(super) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::get(
            "/api/v1/config/{product}/{service}/{document}/pieces",
            see,
            "Show which layers a site reads",
            pieces,
        )
        .about("The document and what each of the site's layers adds to it, in the order of merging (RFC 7396)."),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PiecesQuery {
    /// The site.
    site: Hostname,
    /// The release that it runs; the one it does run without one.
    code: Option<Version>,
}

/// What a site reads of a document.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Pieces {
    /// The release it was asked for.
    #[schemars(with = "String")]
    code: Version,
    /// In the order of merging; the first is the document itself.
    pieces: Vec<PieceView>,
    /// What comes of it.
    merged: Value,
}

/// A version of a document or of a layer.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct PieceView {
    /// Empty for the document itself.
    layer: Layer,
    /// Counts up from 1 within the layer.
    version: u64,
    /// The releases of the product that can honour it.
    #[schemars(with = "String")]
    accepts: VersionReq,
    /// The repository version that brought it: the largest is what was published last.
    published: u64,
    /// The document, or the merge patch.
    body: Value,
}

async fn pieces(
    State(app): State<App>,
    Path((product, service, name)): Path<(ProductName, ServiceName, DocumentName)>,
    Query(PiecesQuery { site, code }): Query<PiecesQuery>,
) -> Result<JsonBody<Pieces>, ApiError> {
    let key = DocumentKey::base(product, service, name);
    let found = app.engine().fleet().site_at(&site);
    let found = found.filter(|found| found.product == key.product);
    let found = found
        .ok_or_else(|| ApiError::not_found(format!("there is no site of this product {site}")))?;
    let code = code.unwrap_or_else(|| found.running.clone());
    let answer = app.engine().document_for(&key, &code, Some(&found));
    let answer = answer.ok_or_else(|| nothing_read(&app, &key, &code))?;
    let read = |body: &[u8]| serde_json::from_slice(body).unwrap_or(Value::Null);
    let pieces = answer.pieces().iter().map(|one| PieceView {
        layer: one.key.layer.clone(),
        version: one.version,
        accepts: one.accepts.clone(),
        published: one.published,
        body: read(&one.body),
    });
    Ok(JsonBody(Pieces {
        pieces: pieces.collect(),
        merged: read(&answer.body()),
        code,
    }))
}
