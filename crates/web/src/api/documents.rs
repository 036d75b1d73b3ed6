//! Documents: published by engineers, read by whoever has no agent.

mod list;
mod past;
mod pieces;

use std::convert::Infallible;

use axum::Extension;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Permission;
use domain::document::{DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use domain::rollout::Rollout;
use engine::{EngineError, How, NewDocument};
use semver::{Version, VersionReq};
use serde_json::Value;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::open_api::{Gives, Sheet, Takes};
use crate::reply::Created;
use crate::routes::{Api, Route};

/// Above the largest document, so that one that is a little too large is told so by name.
const PUBLISH_BYTES_MAX: usize = 4 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let read = "/api/v1/config/{product}/{service}/{document}";
    vec![
        Api::post("/api/v1/documents", change, "Publish a document", publish)
            .about(PUBLISH)
            .body_max(PUBLISH_BYTES_MAX),
        Api::get(read, Access::Public, "Read the config of a release", config).about(READ),
    ]
    .into_iter()
    .chain(list::routes())
    .chain(past::routes())
    .chain(pieces::routes())
    .collect()
}

const PUBLISH: &str = "Refused when it would leave a live or staged release without a version it \
accepts. A version that changes what sites read goes to canaries first, and on from wave to wave.";
const READ: &str = "The newest version of the document that accepts the code, as JSON. With a \
site, also one that is on its way and given to the site already, and merged with the site's layers.";

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewDocument")]
struct Publish {
    /// The product whose sites read it.
    product: ProductName,
    /// The shared service it configures.
    service: ServiceName,
    /// Its name within the service.
    name: DocumentName,
    /// The layer that it is of, such as `zone:America/Chicago`, `state:CA`, `county:CA/Kern`, `group:NAME`
    /// or `site:HOST`: the body is a merge patch (RFC 7396) then. Without one, the document itself.
    #[serde(default)]
    layer: Layer,
    /// The releases of the product that can honour it, such as `>=2.3, <4`.
    #[schemars(with = "String")]
    accepts: VersionReq,
    /// How urgent it is; without one, as urgent as the version before.
    lane: Option<Lane>,
    /// A JSON Schema that the body must fit; without one, that of the version before. `true` fits
    /// everything.
    schema: Option<Value>,
    /// The document itself: JSON, at most 1 MiB.
    body: Value,
    /// To all sites at once, without canaries; needs `why`.
    #[serde(default)]
    at_once: bool,
    /// Also when a live or staged release is left without a version that it accepts; needs `why`.
    #[serde(default)]
    bypass_coverage: bool,
    /// Why, in at most 300 characters; it is audited.
    #[serde(default)]
    why: String,
}

/// A version was published.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Published {
    /// Counts up from 1 within the document.
    version: u64,
    /// Which sites are given it now.
    rollout: Rollout,
}

impl Published {
    fn of(app: &App, key: &DocumentKey, version: u64) -> Self {
        let repository = app.engine().repository();
        let versions = repository.documents().get(key).into_iter().flatten();
        let mut rollout = versions
            .filter(|one| one.version == version)
            .map(|one| one.rollout.clone());
        Self {
            version,
            // One that was halted in the meantime is given to nobody.
            rollout: rollout.next().unwrap_or_else(Rollout::nowhere),
        }
    }
}

async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(publish): Json<Publish>,
) -> Result<Created<Published>, ApiError> {
    let Publish {
        product,
        service,
        name,
        layer,
        accepts,
        lane,
        schema,
        body,
        at_once,
        bypass_coverage,
        why,
    } = publish;
    let key = DocumentKey::base(product, service, name).with_layer(layer);
    let body = body.to_string().into_bytes();
    let new = NewDocument {
        key,
        accepts,
        lane,
        schema,
        body,
        how: How {
            at_once,
            bypass_coverage,
            why,
        },
    };
    let key = new.key.clone();
    let version = app.engine().publish_document(new, caller.name()).await?;
    Ok(Created(Published::of(&app, &key, version)))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigQuery {
    /// The release that the site runs.
    code: Version,
    /// The site.
    site: Option<Hostname>,
}

/// What a caller holds already: the `ETag` of an answer before.
struct Known(Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(header::IF_NONE_MATCH).cloned()))
    }
}

impl Takes for Known {
    fn takes(sheet: &mut Sheet<'_>) {
        let words = "The `ETag` of an answer before: 304 while it is still that version.";
        sheet.header("If-None-Match", words);
    }
}

/// A document as it was published, or that the caller holds it.
struct Config(Response);

impl IntoResponse for Config {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Gives for Config {
    fn gives(sheet: &mut Sheet<'_>) {
        let words =
            "The document, as JSON. `ETag` and `Lamplighter-Document-Version` name its version.";
        sheet.reply(
            200,
            words,
            Some(("application/json", serde_json::json!({}))),
        );
        sheet.reply(304, "The caller holds this version.", None);
    }
}

/// Who mistypes a name must not look for a release that it accepts.
fn nothing_read(app: &App, key: &DocumentKey, code: &Version) -> ApiError {
    if app.engine().repository().documents().contains_key(key) {
        return ApiError::not_found(format!("no version of document {key} accepts code {code}"));
    }
    EngineError::not_found("document", key).into()
}

/// Public: it is what a site's page source would show anyway, and a site whose sign-in is broken
/// must be able to refill its cache.
async fn config(
    State(app): State<App>,
    Path((product, service, name)): Path<(ProductName, ServiceName, DocumentName)>,
    Query(query): Query<ConfigQuery>,
    Known(held): Known,
) -> Result<Config, ApiError> {
    let key = DocumentKey::base(product, service, name);
    let code = query.code;
    let fleet = app.engine().fleet();
    // A name that is mistyped must not read what is for all others.
    let site = query.site.map(|name| {
        let found = fleet.site_at(&name);
        let own = found.filter(|site| site.product == key.product);
        own.ok_or_else(|| {
            ApiError::not_found(format!("product {} has no site {name}", key.product))
        })
    });
    let site = site.transpose()?;
    let document = app.engine().document_for(&key, &code, site.as_deref());
    let document = document.ok_or_else(|| nothing_read(&app, &key, &code))?;
    let etag = format!("\"{}\"", document.tag());
    let version = document.version().to_string();
    let known = held.is_some_and(|held| held.as_bytes() == etag.as_bytes());
    let tags = [
        (header::ETAG.as_str(), etag),
        ("lamplighter-document-version", version),
    ];
    if known {
        return Ok(Config((StatusCode::NOT_MODIFIED, tags).into_response()));
    }
    let kind = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let found = (tags, kind, document.body().into_owned());
    Ok(Config(found.into_response()))
}
