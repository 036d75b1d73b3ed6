//! What documents were, what changed in them, and how far a version has spread.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::document::{DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{DocumentName, ProductName, ServiceName};
use domain::rollout::Rollout;
use jiff::Timestamp;
use semver::VersionReq;
use serde_json::Value;

use super::Published;
use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::reply::Created;
use crate::routes::{Api, Route};

type Key = Path<(ProductName, ServiceName, DocumentName)>;

pub(super) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::get(
            "/api/v1/documents/{product}/{service}/{document}/versions",
            see,
            "Show the history of a document",
            history,
        )
        .about("The newest version first, with how many sites hold, read and refused each."),
        Api::get(
            "/api/v1/documents/{product}/{service}/{document}/versions/{version}",
            see,
            "Read one version of a document",
            version,
        ),
        Api::get(
            "/api/v1/documents/{product}/{service}/{document}/difference",
            see,
            "Compare two versions of a document",
            difference,
        ),
        Api::post(
            "/api/v1/documents/{product}/{service}/{document}/rollback",
            change,
            "Roll a document back",
            rollback,
        )
        .about("What the older version said becomes a new version, for all sites at once."),
        Api::post(
            "/api/v1/documents/{product}/{service}/{document}/halt",
            change,
            "Halt the rollout of a document",
            halt,
        )
        .about("Its sites read the version before again, at once."),
        Api::post(
            "/api/v1/documents/{product}/{service}/{document}/hasten",
            change,
            "Give a document to all sites now",
            hasten,
        )
        .about("Leaves out the waves that are still to come."),
    ]
}

fn key(
    (product, service, name): (ProductName, ServiceName, DocumentName),
    layer: Layer,
) -> DocumentKey {
    DocumentKey::base(product, service, name).with_layer(layer)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// Versions before this one.
    before: Option<u64>,
    /// Of this layer; without one, of the document itself.
    #[serde(default)]
    layer: Layer,
}

/// The history of a document.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "DocumentHistory")]
struct HistoryView {
    /// Versions, newest first; at most 50.
    versions: Vec<PastView>,
    /// Ask for versions before this one to go on; absent at the end.
    before: Option<u64>,
    /// Sites of the product.
    sites: usize,
}

/// A version, and what became of it.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "PastDocumentVersion")]
struct PastView {
    /// Counts up from 1.
    version: u64,
    /// The releases of the product that can honour it.
    #[schemars(with = "String")]
    accepts: VersionReq,
    /// How urgent it is.
    lane: Lane,
    /// How long it is.
    bytes: u64,
    /// When it was published.
    #[schemars(with = "domain::schema::Moment")]
    published_at: Timestamp,
    /// Who published it; empty where that was not written down.
    by: String,
    /// Why, where they said so.
    why: String,
    /// The version that it repeats.
    repeats: Option<u64>,
    /// Which sites are given it.
    rollout: Rollout,
    /// Why its rollout was halted.
    halted: Option<String>,
    /// Whether agents still hold it.
    is_kept: bool,
    /// Sites whose agent holds it, verified.
    holding: usize,
    /// Sites that are answered with it now.
    reading: usize,
    /// Sites that refused it.
    refused: usize,
}

async fn history(
    State(app): State<App>,
    Path(path): Key,
    Query(query): Query<HistoryQuery>,
) -> Result<JsonBody<HistoryView>, ApiError> {
    let history = app
        .engine()
        .document_history(&key(path, query.layer), query.before)
        .await?;
    let versions = history.versions.into_iter().map(|past| PastView {
        version: past.version.version,
        accepts: past.version.accepts,
        lane: past.version.lane,
        bytes: past.version.bytes,
        published_at: past.version.published_at,
        by: past.version.by,
        why: past.version.why,
        repeats: past.version.repeats,
        rollout: past.version.rollout,
        halted: Some(past.version.halted).filter(|why| !why.is_empty()),
        is_kept: past.version.is_kept,
        holding: past.holding,
        reading: past.reading,
        refused: past.refused,
    });
    Ok(JsonBody(HistoryView {
        versions: versions.collect(),
        before: history.before,
        sites: history.sites,
    }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct LayerQuery {
    /// Of this layer; without one, of the document itself.
    #[serde(default)]
    layer: Layer,
}

/// One version of a document.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "WholeDocumentVersion")]
struct VersionView {
    /// Counts up from 1.
    version: u64,
    /// The releases of the product that can honour it.
    #[schemars(with = "String")]
    accepts: VersionReq,
    /// How urgent it is.
    lane: Lane,
    /// The JSON Schema that it fits.
    schema: Option<Value>,
    /// The document itself.
    body: Value,
}

async fn version(
    State(app): State<App>,
    Path((product, service, name, version)): Path<(ProductName, ServiceName, DocumentName, u64)>,
    Query(query): Query<LayerQuery>,
) -> Result<JsonBody<VersionView>, ApiError> {
    let key = key((product, service, name), query.layer);
    let found = app.engine().document_version(&key, version).await?;
    let schema = found.json_schema.as_deref();
    Ok(JsonBody(VersionView {
        version,
        accepts: found.accepts,
        lane: found.lane,
        schema: schema.and_then(|schema| serde_json::from_str(schema).ok()),
        body: serde_json::from_slice(&found.body).unwrap_or(Value::Null),
    }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct DifferenceQuery {
    /// From this version.
    from: u64,
    /// To this one.
    to: u64,
    /// Of this layer; without one, of the document itself.
    #[serde(default)]
    layer: Layer,
}

/// What changed from one version to another.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct DocumentDifference {
    /// From this version.
    from: u64,
    /// To this one.
    to: u64,
    /// Lines as `diff -u` writes them; empty when both say the same.
    unified: String,
}

async fn difference(
    State(app): State<App>,
    Path(path): Key,
    Query(DifferenceQuery { from, to, layer }): Query<DifferenceQuery>,
) -> Result<JsonBody<DocumentDifference>, ApiError> {
    let found = app
        .engine()
        .document_difference(&key(path, layer), from, to)
        .await?;
    Ok(JsonBody(DocumentDifference {
        from,
        to,
        unified: found.unified,
    }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DocumentRollback")]
struct Rollback {
    /// The version that was right.
    to: u64,
    /// Of this layer; without one, of the document itself.
    #[serde(default)]
    layer: Layer,
    /// Why, in at most 300 characters; it is audited.
    why: String,
}

async fn rollback(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(path): Key,
    Json(Rollback { to, layer, why }): Json<Rollback>,
) -> Result<Created<Published>, ApiError> {
    let key = key(path, layer);
    let version = app
        .engine()
        .roll_document_back(&key, to, &why, caller.name())
        .await?;
    Ok(Created(Published::of(&app, &key, version)))
}

/// Ends a rollout.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct EndRollout {
    /// The version that is on its way.
    version: u64,
    /// Of this layer; without one, of the document itself.
    #[serde(default)]
    layer: Layer,
    /// Why, in at most 300 characters; it is audited.
    why: String,
}

async fn halt(
    app: State<App>,
    caller: Extension<Caller>,
    path: Key,
    body: Json<EndRollout>,
) -> Result<JsonBody<Published>, ApiError> {
    end((app, caller), path, body, Rollout::nowhere()).await
}

async fn hasten(
    app: State<App>,
    caller: Extension<Caller>,
    path: Key,
    body: Json<EndRollout>,
) -> Result<JsonBody<Published>, ApiError> {
    end((app, caller), path, body, Rollout::everywhere()).await
}

async fn end(
    (State(app), Extension(caller)): (State<App>, Extension<Caller>),
    Path(path): Key,
    Json(ending): Json<EndRollout>,
    rollout: Rollout,
) -> Result<JsonBody<Published>, ApiError> {
    let EndRollout {
        version,
        layer,
        why,
    } = ending;
    let key = key(path, layer);
    app.engine()
        .end_rollout((&key, version), rollout, &why, caller.name())
        .await?;
    Ok(JsonBody(Published::of(&app, &key, version)))
}
