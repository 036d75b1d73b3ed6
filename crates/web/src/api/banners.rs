//! Banners: made by staff, read by everybody whose sites they are about.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::banner::Banner;
use domain::id::BannerId;
use domain::name::Hostname;
use engine::NewBanner;
use serde_json::{Map, Value, json};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::routes::Route;

/// Room for an area of some thousand host names.
const BODY_BYTES_MAX: usize = 512 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/api/v1/public/banners", Access::Public, standing).kept(),
        Route::get("/api/v1/banners", see, list),
        Route::post("/api/v1/banners", tell, add).body_max(BODY_BYTES_MAX),
        Route::put("/api/v1/banners/{id}", tell, change).body_max(BODY_BYTES_MAX),
        Route::post("/api/v1/banners/{id}/end", tell, end),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    /// Those on a site's pages; all that stand without one.
    site: Option<Hostname>,
}

async fn standing(
    State(app): State<App>,
    Query(of): Query<Of>,
) -> Result<JsonBody<Value>, ApiError> {
    let banners = match &of.site {
        None => app.engine().standing_banners(),
        Some(hostname) => {
            let site = app.engine().fleet().site_at(hostname);
            let site =
                site.ok_or_else(|| ApiError::not_found(format!("there is no site {hostname}")))?;
            app.engine().banners_of(&site)
        }
    };
    let banners: Vec<_> = banners
        .iter()
        .map(|one| {
            json!({"id": one.id, "text": one.text, "severity": one.severity, "area": one.area,
            "from": one.from, "until": one.until})
        })
        .collect();
    Ok(JsonBody(json!({ "banners": banners })))
}

/// Those that stand or will stand, oldest first, then the last that are over.
async fn list(State(app): State<App>) -> JsonBody<Value> {
    let all = app.engine().banners();
    let banners: Vec<_> = all.iter().map(|one| view(&app, one)).collect();
    JsonBody(json!({ "banners": banners }))
}

/// `NewBanner`, and whether it is only to be looked at.
async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<(StatusCode, JsonBody<Value>), ApiError> {
    let preview = match body.remove("preview") {
        None => false,
        Some(Value::Bool(preview)) => preview,
        Some(_) => return Err(ApiError::refused("preview", "give true or false")),
    };
    let new = read(body)?;
    if preview {
        let banner = app.engine().preview_banner(new)?;
        return Ok((StatusCode::OK, JsonBody(view(&app, &banner))));
    }
    let banner = app.engine().add_banner(new, caller.name()).await?;
    Ok((StatusCode::CREATED, JsonBody(view(&app, &banner))))
}

/// The whole banner anew; `version`, if given, is the one it was decided on.
async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<BannerId>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<JsonBody<Value>, ApiError> {
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
) -> Result<JsonBody<Value>, ApiError> {
    let banner = app.engine().end_banner(id, caller.name()).await?;
    Ok(JsonBody(view(&app, &banner)))
}

fn read(body: Map<String, Value>) -> Result<NewBanner, ApiError> {
    serde_json::from_value(body.into())
        .map_err(|e| ApiError::bad_request(format!("the body is not the JSON expected here: {e}")))
}

fn view(app: &App, banner: &Banner) -> Value {
    let mut view = json!(banner);
    view["stands"] = json!(banner.stands(app.engine().clock().now()));
    view["sites"] = json!(app.engine().sites_in_area(&banner.area));
    view
}
