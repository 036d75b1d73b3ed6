//! The banners that stand on a site now.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use domain::name::{DocumentName, Hostname, ServiceName};
use domain::site::Zone;
use protocol::banner::{DOCUMENT, SERVICE, Standing};

use super::{age_headers, freshness, not_served};
use crate::Shared;

/// Where the site is: its agent knows only its product. Sites also say their code, as for config;
/// banners are for every code, prereleases too.
#[derive(serde::Deserialize)]
pub(super) struct PlaceQuery {
    zone: Zone,
    state: String,
}

/// The banners that stand on a site now, the most urgent first; also while no server answers.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(site): Path<Hostname>,
    Query(query): Query<PlaceQuery>,
) -> Response {
    let age = age_headers(freshness(&shared));
    let (Some(product), Ok(service), Ok(document)) = (
        shared.cache.product_of(&site),
        ServiceName::parse(SERVICE),
        DocumentName::parse(DOCUMENT),
    ) else {
        return (age, not_served(&site)).into_response();
    };
    let found = shared.cache.newest(&site, &service, &document);
    // Before its first banner a product has no such document.
    let standing = found.and_then(|found| serde_json::from_slice::<Standing>(&found.body).ok());
    let standing = standing.unwrap_or_default();
    let place = (&query.zone, &*query.state);
    let shown = standing.on((product, &site), place, shared.clock.now());
    (age, Json(serde_json::json!({ "banners": shown }))).into_response()
}
