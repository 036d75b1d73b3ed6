//! Banners: made by staff, read by everybody whose sites they are about.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::banner::{Area, Banner, Severity};
use domain::id::BannerId;
use domain::name::{Hostname, ProductName};
use engine::NewBanner;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::open_api::{Gives, Sheet};
use crate::routes::{Api, Route};

/// Room for an area of some thousand host names.
const BODY_BYTES_MAX: usize = 512 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get(
            "/api/v1/public/banners",
            Access::Public,
            "List the banners that stand",
            standing,
        )
        .kept(),
        Api::get("/api/v1/banners", see, "List banners", list)
            .about("Those that stand or will stand, oldest first, then the last that are over."),
        Api::post("/api/v1/banners", tell, "Put up a banner", add).body_max(BODY_BYTES_MAX),
        Api::put("/api/v1/banners/{id}", tell, "Change a banner", change)
            .about("The whole banner is given anew.")
            .body_max(BODY_BYTES_MAX),
        Api::post("/api/v1/banners/{id}/end", tell, "End a banner", end),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Of {
    /// Those on a site's pages; all that stand without one.
    site: Option<Hostname>,
}

/// Banners that stand.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct StandingBanners {
    /// Without a site the order they began in; on a site's pages the most urgent first.
    banners: Vec<StandingBanner>,
}

/// A banner that stands, as everybody may read it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct StandingBanner {
    /// Its identifier.
    id: BannerId,
    /// What it says: Markdown.
    text: String,
    /// How urgent it is.
    severity: Severity,
    /// The sites it is about.
    area: Area,
    /// From when it stands.
    #[schemars(with = "domain::schema::Moment")]
    from: Timestamp,
    /// Until when; none until somebody ends it.
    #[schemars(with = "Option<domain::schema::Moment>")]
    until: Option<Timestamp>,
}

/// Banners.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Banners {
    /// Each as staff see it.
    banners: Vec<BannerView>,
}

/// A banner as staff see it.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct BannerView {
    #[serde(flatten)]
    banner: Banner,
    /// Whether it stands now.
    stands: bool,
    /// How many sites it is about.
    sites: usize,
    /// How many sites have no point on the map, and so cannot lie in its drawn area; none without one.
    without_point: Option<usize>,
    /// The products whose sites do not show it on their own pages, because the banners of the product would
    /// be longer than sites read, with the names of the sites of their counties and drawn areas.
    left_out: BTreeSet<ProductName>,
}

// Taken apart by hand: a flattened struct cannot refuse unknown fields.
/// A banner, as somebody wants it, and whether it is only to be looked at.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "BannerToAdd")]
struct ToAdd(#[schemars(with = "AddFields")] Map<String, Value>);

/// A banner, as somebody wants it, and the version that this was decided on.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "BannerToChange")]
struct ToChange(#[schemars(with = "ChangeFields")] Map<String, Value>);

#[derive(schemars::JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
#[expect(dead_code, reason = "says what the fields of a body are")]
struct AddFields {
    #[serde(flatten)]
    new: NewBanner,
    /// Whether it is only to be looked at: nothing is saved.
    preview: Option<bool>,
}

#[derive(schemars::JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
#[expect(dead_code, reason = "says what the fields of a body are")]
struct ChangeFields {
    #[serde(flatten)]
    new: NewBanner,
    /// The version that the change was decided on; refused if it is not the newest.
    version: Option<u64>,
}

/// A banner that was put up, or only looked at.
enum Added {
    Put(BannerView),
    Preview(BannerView),
}

impl IntoResponse for Added {
    fn into_response(self) -> Response {
        let (status, view) = match self {
            Self::Put(view) => (StatusCode::CREATED, view),
            Self::Preview(view) => (StatusCode::OK, view),
        };
        (status, JsonBody(view)).into_response()
    }
}

impl Gives for Added {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<BannerView>(201, "It was put up.");
        sheet.reply_json::<BannerView>(200, "It was only looked at.");
    }
}

async fn standing(
    State(app): State<App>,
    Query(of): Query<Of>,
) -> Result<JsonBody<StandingBanners>, ApiError> {
    let banners = match &of.site {
        None => app.engine().standing_banners(),
        Some(hostname) => {
            let site = app.engine().fleet().site_at(hostname);
            let site =
                site.ok_or_else(|| ApiError::not_found(format!("there is no site {hostname}")))?;
            app.engine().banners_of(&site)
        }
    };
    let banners = banners.iter().map(|one| StandingBanner {
        id: one.id,
        text: one.text.clone(),
        severity: one.severity,
        area: one.area.clone(),
        from: one.from,
        until: one.until,
    });
    Ok(JsonBody(StandingBanners {
        banners: banners.collect(),
    }))
}

/// Those that stand or will stand, oldest first, then the last that are over.
async fn list(State(app): State<App>) -> JsonBody<Banners> {
    let all = app.engine().banners();
    let banners = all.iter().map(|one| view(&app, one)).collect();
    JsonBody(Banners { banners })
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(ToAdd(mut body)): Json<ToAdd>,
) -> Result<Added, ApiError> {
    let preview = match body.remove("preview") {
        None => false,
        Some(Value::Bool(preview)) => preview,
        Some(_) => return Err(ApiError::refused("preview", "give true or false")),
    };
    let new = read(body)?;
    if preview {
        let banner = app.engine().preview_banner(new)?;
        return Ok(Added::Preview(view(&app, &banner)));
    }
    let banner = app.engine().add_banner(new, caller.name()).await?;
    Ok(Added::Put(view(&app, &banner)))
}

/// The whole banner anew; `version`, if given, is the one it was decided on.
async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<BannerId>,
    Json(ToChange(mut body)): Json<ToChange>,
) -> Result<JsonBody<BannerView>, ApiError> {
    let version = match body.remove("version") {
        None => None,
        Some(version) => Some(
            version
                .as_u64()
                .ok_or_else(|| ApiError::refused("version", "give a whole number"))?,
        ),
    };
    let new = read(body)?;
    let banner = app.engine().change_banner(id, version, new, caller.name());
    Ok(JsonBody(view(&app, &banner.await?)))
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<BannerId>,
) -> Result<JsonBody<BannerView>, ApiError> {
    let banner = app.engine().end_banner(id, caller.name()).await?;
    Ok(JsonBody(view(&app, &banner)))
}

fn read(body: Map<String, Value>) -> Result<NewBanner, ApiError> {
    serde_json::from_value(body.into())
        .map_err(|e| ApiError::bad_request(format!("the body is not the JSON expected here: {e}")))
}

fn view(app: &App, banner: &Banner) -> BannerView {
    BannerView {
        banner: banner.clone(),
        stands: banner.stands(app.engine().clock().now()),
        sites: app.engine().sites_in_area(&banner.area),
        without_point: (!banner.area.polygon.is_empty())
            .then(|| app.engine().sites_without_point(&banner.area)),
        left_out: app.engine().left_out_of(banner.id),
    }
}
