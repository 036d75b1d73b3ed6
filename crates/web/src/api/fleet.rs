//! The fleet: import, products, sites.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::name::{Hostname, ProductName};
use domain::place::County;
use domain::product::{Product, ProductSettings};
use domain::site::Site;
use domain::site::import::{BadFile, BadLine, Defaults};
use domain::site::state::SiteState;
use engine::{Import, ImportError, Imported, SiteIndex};
use serde_json::{Map, Value};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Json, Path, Query, page_size};
use crate::open_api::{Gives, Sheet};
use crate::reply::Bare;
use crate::routes::{Api, Route};

/// The largest fleet file, in bytes: some 300,000 lines.
const IMPORT_BYTES_MAX: usize = 32 << 20;
const SITES_PER_PAGE_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::post("/api/v1/fleet/import", change, "Import sites", import)
            .about("A CSV file with a header. All lines are taken, or none is. A line of a site that is there already is \
                refused, unless `update` is given: then it changes what it says of the site's kind, city, state, \
                time zone, population, county and coordinates. An empty field, or a column that is left out, \
                leaves what is known; what the site runs is left as it is; another organization or product than \
                the site's is refused. A file of known sites needs only `hostname` and what it changes.")
            .body_max(IMPORT_BYTES_MAX),
        Api::get("/api/v1/products", see, "List products", products),
        Api::put("/api/v1/products/{name}", change, "Save a product", save_product)
            .about("Settings that are left out get their defaults."),
        Api::get("/api/v1/sites", see, "List sites", sites),
        Api::get("/api/v1/sites/{hostname}", see, "Show a site", site),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// The product of lines that name none; `web-central` unless it is said.
    product: Option<ProductName>,
    /// The release that lines run that name none; 1.0.0 unless it is said.
    release: Option<semver::Version>,
    /// Changes known sites by what the file says of them; without it, a known site is refused.
    #[serde(default)]
    update: bool,
    /// Says what would be added and changed, and does nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What came of a file.
enum Done {
    Imported(Imported),
    Tried(Imported),
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let (status, imported) = match self {
            Self::Imported(imported) => (StatusCode::CREATED, imported),
            Self::Tried(imported) => (StatusCode::OK, imported),
        };
        (status, JsonBody(imported)).into_response()
    }
}

impl Gives for Done {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<Imported>(201, "It was imported.");
        sheet.reply_json::<Imported>(200, "It was only tried.");
    }
}

/// Why nothing was imported.
enum NotImported {
    Lines(BadFile),
    Other(ApiError),
}

/// The lines of a file that are wrong. Nothing was imported.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct BadLines {
    #[serde(flatten)]
    error: ErrorBody,
    /// The first of them.
    lines: Vec<BadLine>,
    /// How many there are.
    count: usize,
}

impl IntoResponse for NotImported {
    fn into_response(self) -> Response {
        let bad = match self {
            Self::Lines(bad) => bad,
            Self::Other(error) => return error.into_response(),
        };
        let body = BadLines {
            error: ErrorBody::new("bad_lines", format!("nothing was imported: {bad}")),
            count: bad.count,
            lines: bad.lines,
        };
        (StatusCode::UNPROCESSABLE_ENTITY, JsonBody(body)).into_response()
    }
}

impl Gives for NotImported {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<BadLines>(422, "Lines are wrong; nothing was imported.");
        sheet.may_fail();
    }
}

impl From<ApiError> for NotImported {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    Body(csv): Body,
) -> Result<Done, NotImported> {
    let defaults = Defaults {
        product: match query.product {
            Some(product) => product,
            None => {
                ProductName::parse("web-central").map_err(|e| ApiError::refused("product", e))?
            }
        },
        running: query.release.unwrap_or(semver::Version::new(1, 0, 0)),
    };
    let how = Import {
        update: query.update,
        dry_run: query.dry_run,
    };
    let imported = app
        .engine()
        .import_fleet_as(how, &csv, &defaults, caller.name());
    match imported.await {
        Ok(imported) if imported.dry_run => Ok(Done::Tried(imported)),
        Ok(imported) => Ok(Done::Imported(imported)),
        Err(ImportError::Engine(e)) => Err(NotImported::Other(e.into())),
        Err(ImportError::BadLines(bad)) => Err(NotImported::Lines(bad)),
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct SaveProduct {
    #[serde(flatten)]
    #[schemars(with = "ProductSettings")]
    settings: Map<String, Value>,
    /// Signs what the webhook receives; the one before stays without it. It is only ever written.
    webhook_secret: Option<String>,
}

async fn save_product(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<ProductName>,
    Json(save): Json<SaveProduct>,
) -> Result<Bare<204>, ApiError> {
    let settings = read_settings(save.settings)?;
    let secret = save.webhook_secret.as_deref().map(str::as_bytes);
    app.engine()
        .save_product(&Product { name, settings }, secret, caller.name())
        .await?;
    Ok(Bare)
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

/// A page of the fleet.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct SitesPage {
    /// In the order they were added.
    sites: Vec<SiteView>,
    /// How many there are on all pages.
    total: u32,
    /// The last one, when more follow.
    after: Option<u32>,
}

/// A site as the API shows it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct SiteView {
    #[serde(flatten)]
    site: Site,
    /// What its customer is called.
    organization_name: String,
    /// How it is.
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

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SitesQuery {
    /// Where the page before ended.
    #[serde(default)]
    after: Option<u32>,
    /// At most so many; 100 unless it is said. More than 1,000 are never given.
    #[serde(default)]
    limit: Option<usize>,
    /// Only the sites of this county.
    #[serde(default)]
    county: Option<County>,
}

async fn sites(
    State(app): State<App>,
    Query(query): Query<SitesQuery>,
) -> Result<JsonBody<SitesPage>, ApiError> {
    let limit = page_size(query.limit, 100, SITES_PER_PAGE_MAX)?;
    let fleet = app.engine().fleet();
    let whole = u32::try_from(fleet.len()).unwrap_or(u32::MAX);
    let start = query.after.map_or(0, |after| after.saturating_add(1));
    let (total, mut page): (u32, Vec<u32>) = match &query.county {
        None => (whole, (start..whole).take(limit + 1).collect()),
        Some(county) => {
            let all = fleet.in_county(county);
            let before = all.partition_point(|index| index.0 < start);
            let page = all.iter().skip(before).take(limit + 1);
            let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
            (total, page.map(|index| index.0).collect())
        }
    };
    // One more was looked for, to know whether more follow.
    let more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| more).copied();
    let sites = page
        .into_iter()
        .filter_map(|index| view(&app, SiteIndex(index)))
        .collect();
    Ok(JsonBody(SitesPage {
        sites,
        total,
        after: next,
    }))
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
