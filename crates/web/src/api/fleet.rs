//! The fleet: import, products, sites.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::name::{Hostname, ProductName};
use domain::product::{Product, ProductSettings};
use domain::site::Site;
use domain::site::import::Defaults;
use domain::site::state::SiteState;
use engine::{ImportError, SiteIndex};
use serde_json::{Map, Value};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Body, Json, Path, Query, page_size};
use crate::routes::Route;

/// The largest fleet file, in bytes: some 300,000 lines.
const IMPORT_BYTES_MAX: usize = 32 << 20;
const SITES_PER_PAGE_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Route::post("/api/v1/fleet/import", change, import).body_max(IMPORT_BYTES_MAX),
        Route::get("/api/v1/products", see, products),
        Route::put("/api/v1/products/{name}", change, save_product),
        Route::get("/api/v1/sites", see, sites),
        Route::get("/api/v1/sites/{hostname}", see, site),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    product: Option<ProductName>,
    release: Option<semver::Version>,
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    Body(csv): Body,
) -> Result<Response, ApiError> {
    let defaults = Defaults {
        product: match query.product {
            Some(product) => product,
            None => {
                ProductName::parse("web-central").map_err(|e| ApiError::refused("product", e))?
            }
        },
        running: query.release.unwrap_or(semver::Version::new(1, 0, 0)),
    };
    match app
        .engine()
        .import_fleet(&csv, &defaults, caller.name())
        .await
    {
        Ok(imported) => Ok((StatusCode::CREATED, JsonBody(imported)).into_response()),
        Err(ImportError::Engine(e)) => Err(e.into()),
        Err(ImportError::BadLines(bad)) => {
            let message = format!("nothing was imported: {bad}");
            let body = serde_json::json!({"error": {"code": "bad_lines", "message": message},
                "lines": bad.lines, "count": bad.count});
            Ok((StatusCode::UNPROCESSABLE_ENTITY, JsonBody(body)).into_response())
        }
    }
}

#[derive(serde::Deserialize)]
struct SaveProduct {
    #[serde(flatten)]
    settings: Map<String, Value>,
    webhook_secret: Option<String>,
}

async fn save_product(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<ProductName>,
    Json(save): Json<SaveProduct>,
) -> Result<StatusCode, ApiError> {
    let settings = read_settings(save.settings)?;
    let secret = save.webhook_secret.as_deref().map(str::as_bytes);
    app.engine()
        .save_product(&Product { name, settings }, secret, caller.name())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every setting has a default, so that each can be tried by itself to find the one that does not fit.
fn read_settings(fields: Map<String, Value>) -> Result<ProductSettings, ApiError> {
    for (name, value) in &fields {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<ProductSettings>(alone.into())
            .map_err(|e| ApiError::refused(name, e))?;
    }
    serde_json::from_value(fields.into()).map_err(|e| ApiError::refused("settings", e))
}

async fn products(State(app): State<App>) -> JsonBody<Vec<Product>> {
    JsonBody(
        app.engine()
            .fleet()
            .products()
            .map(|product| Product::clone(product))
            .collect(),
    )
}

/// A site as the API shows it.
#[derive(serde::Serialize)]
struct SiteView {
    #[serde(flatten)]
    site: Site,
    organization_name: String,
    state: SiteState,
}

fn view(app: &App, index: SiteIndex) -> Option<SiteView> {
    let fleet = app.engine().fleet();
    let site = Site::clone(&*fleet.site(index)?);
    let organization_name = fleet.organization(site.organization)?.to_string();
    Some(SiteView {
        site,
        organization_name,
        state: fleet.state(index),
    })
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SitesQuery {
    #[serde(default)]
    after: Option<u32>,
    #[serde(default)]
    limit: Option<usize>,
}

async fn sites(
    State(app): State<App>,
    Query(query): Query<SitesQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, 100, SITES_PER_PAGE_MAX)?;
    let start = query.after.map_or(0, |after| after.saturating_add(1));
    let total = u32::try_from(app.engine().fleet().len()).unwrap_or(u32::MAX);
    let page: Vec<_> = (start..total).take(limit).collect();
    let next = page.last().filter(|last| **last + 1 < total).copied();
    let sites: Vec<_> = page
        .into_iter()
        .filter_map(|index| view(&app, SiteIndex(index)))
        .collect();
    let body = serde_json::json!({"sites": sites, "total": total, "after": next});
    Ok(JsonBody(body).into_response())
}

async fn site(
    State(app): State<App>,
    Path(hostname): Path<Hostname>,
) -> Result<JsonBody<SiteView>, ApiError> {
    let index = app.engine().fleet().find(&hostname);
    index
        .and_then(|index| view(&app, index))
        .map(JsonBody)
        .ok_or_else(|| ApiError::not_found(format!("there is no site {hostname}")))
}
