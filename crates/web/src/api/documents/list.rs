//! The versions of all documents, page by page.

use std::fmt;
use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use domain::access::Permission;
use domain::document::{Document, DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{DocumentName, ProductName, ServiceName};
use domain::rollout::Rollout;
use engine::Repository;
use semver::VersionReq;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Query, page_size};
use crate::routes::{Api, Route};

/// As layers may be for single sites, there may be very many.
const VERSIONS_PER_PAGE_MAX: usize = 500;

pub(super) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::get(
            "/api/v1/documents",
            see,
            "List documents and their versions",
            list,
        )
        .about("By document, layer and version, the newest first."),
    ]
}

/// A page of the versions of documents.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Documents {
    /// Versions that some site reads or will read.
    documents: Vec<DocumentView>,
    /// The last one, when more follow.
    after: Option<String>,
}

/// A version of a document as the API lists it.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "DocumentVersion")]
struct DocumentView {
    #[serde(flatten)]
    key: DocumentKey,
    /// Counts up from 1.
    version: u64,
    /// The releases of the product that can honour it.
    #[schemars(with = "String")]
    accepts: VersionReq,
    /// How urgent it is.
    lane: Lane,
    /// Which sites are given it.
    rollout: Rollout,
    /// How long it is.
    bytes: usize,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended.
    after: Option<String>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<usize>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Documents>, ApiError> {
    let limit = page_size(query.limit, 100, VERSIONS_PER_PAGE_MAX)?;
    let after = query.after.as_deref().map(|text| {
        let place = Place::parse(text);
        place.ok_or_else(|| ApiError::refused("after", "give the `after` of the page before"))
    });
    let repository = app.engine().repository();
    let mut rest = versions_after(&repository, after.transpose()?);
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let last = page.last().filter(|_| rest.next().is_some());
    let after = last.map(|last| Place::of(last).to_string());
    let documents = page.iter().map(|document| view(document)).collect();
    Ok(JsonBody(Documents { documents, after }))
}

fn versions_after(
    repository: &Repository,
    after: Option<Place>,
) -> Box<dyn Iterator<Item = &Arc<Document>> + '_> {
    let all = repository.documents();
    let Some(Place { key, version }) = after else {
        return Box::new(all.values().flatten());
    };
    let from = all.range(key.clone()..).flat_map(|(_, versions)| versions);
    Box::new(from.filter(move |one| one.key != key || one.version < version))
}

/// Where a page ended. Also of a version that is gone by now: the next page begins behind it.
struct Place {
    key: DocumentKey,
    version: u64,
}

impl Place {
    fn of(document: &Document) -> Self {
        Self {
            key: document.key.clone(),
            version: document.version,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '/');
        let mut next = || parts.next();
        let (product, service) = (next()?, next()?);
        let (name, version, layer) = (next()?, next()?, next()?);
        let key = DocumentKey::base(
            ProductName::parse(product).ok()?,
            ServiceName::parse(service).ok()?,
            DocumentName::parse(name).ok()?,
        );
        Some(Self {
            key: key.with_layer(Layer::parse(layer).ok()?),
            version: version.parse().ok()?,
        })
    }
}

/// `product/service/name/version/layer`. The layer comes last, because only it may hold slashes.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, version } = self;
        write!(f, "{}/{version}/{}", key.path(), key.layer)
    }
}

fn view(document: &Document) -> DocumentView {
    DocumentView {
        key: document.key.clone(),
        version: document.version,
        accepts: document.accepts.clone(),
        lane: document.lane,
        rollout: document.rollout.clone(),
        bytes: document.body.len(),
    }
}
