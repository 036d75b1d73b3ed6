//! Releases: staged, gated, activated, retired.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::name::{Hostname, ProductName};
use domain::release::Release;
use engine::{Activate, EngineError, Sites};
use protocol::delivery::{Activation, Readiness};
use semver::Version;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::Route;

const ACTIVATE_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Route::post("/api/v1/releases", change, stage),
        Route::get("/api/v1/releases", see, list),
        Route::get(
            "/api/v1/releases/{product}/{version}/readiness",
            see,
            readiness,
        ),
        Route::post(
            "/api/v1/releases/{product}/{version}/activate",
            change,
            activate,
        )
        .body_max(ACTIVATE_BYTES_MAX),
        Route::post(
            "/api/v1/releases/{product}/{version}/retire",
            change,
            retire,
        ),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    product: ProductName,
    version: Version,
}

async fn stage(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(stage): Json<Stage>,
) -> Result<StatusCode, ApiError> {
    app.engine()
        .stage_release(&stage.product, &stage.version, caller.name())
        .await?;
    Ok(StatusCode::CREATED)
}

async fn list(State(app): State<App>) -> Result<JsonBody<Vec<Release>>, ApiError> {
    Ok(JsonBody(
        app.engine()
            .store()
            .releases()
            .await
            .map_err(EngineError::from)?,
    ))
}

async fn readiness(
    State(app): State<App>,
    Path((product, version)): Path<(ProductName, Version)>,
) -> Result<JsonBody<Readiness>, ApiError> {
    let readiness = app.engine().release_readiness(&product, &version).await?;
    Ok(JsonBody(readiness))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivateBody {
    sites: Option<Vec<Hostname>>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    bypass_gate: bool,
    reason: Option<String>,
}

async fn activate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((product, version)): Path<(ProductName, Version)>,
    Json(body): Json<ActivateBody>,
) -> Result<JsonBody<Activation>, ApiError> {
    let sites = match (body.sites, body.all) {
        (Some(sites), false) if sites.is_empty() => {
            let reason = "no site is named; name some, or say `all`";
            return Err(ApiError::refused("sites", reason));
        }
        (Some(sites), false) => Sites::These(sites),
        (None, true) => Sites::All,
        _ => {
            return Err(ApiError::refused(
                "sites",
                "name `sites`, or say `all`: one of the two",
            ));
        }
    };
    // Without a reason the engine refuses; an empty one is none.
    let bypass = body.bypass_gate.then(|| body.reason.unwrap_or_default());
    let activate = Activate {
        product,
        version,
        sites,
        bypass,
    };
    Ok(JsonBody(
        app.engine().activate(&activate, caller.name()).await?,
    ))
}

async fn retire(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((product, version)): Path<(ProductName, Version)>,
) -> Result<StatusCode, ApiError> {
    app.engine()
        .retire_release(&product, &version, caller.name())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
