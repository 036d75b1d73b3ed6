//! Releases: staged, gated, activated, retired.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::name::{Hostname, ProductName};
use domain::release::Release;
use engine::{Activate, Sites};
use protocol::delivery::{Activation, Readiness};
use semver::Version;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::reply::Bare;
use crate::routes::{Api, Route};

const ACTIVATE_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let change = Access::Holder(Permission::ChangeDelivery);
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::post("/api/v1/releases", change, "Stage a release", stage)
            .about("Agents fetch what it needs; no site may run it yet."),
        Api::get("/api/v1/releases", see, "List releases", list),
        Api::get(
            "/api/v1/releases/{product}/{version}/readiness",
            see,
            "Show how ready sites are",
            readiness,
        ),
        Api::post(
            "/api/v1/releases/{product}/{version}/activate",
            change,
            "Let sites run a release",
            activate,
        )
        .about("Sites whose agent does not hold what the release needs are refused.")
        .body_max(ACTIVATE_BYTES_MAX),
        Api::post(
            "/api/v1/releases/{product}/{version}/retire",
            change,
            "Retire a release",
            retire,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRelease")]
struct Stage {
    /// The product.
    product: ProductName,
    /// The version of its code.
    version: Version,
    /// Also when documents have no version that accepts it.
    #[serde(default)]
    bypass_coverage: bool,
    /// Why a check is left out; must be given then, and only then.
    why: Option<String>,
}

async fn stage(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(stage): Json<Stage>,
) -> Result<Bare<201>, ApiError> {
    let (engine, who) = (app.engine(), caller.name());
    let (product, version) = (&stage.product, &stage.version);
    if stage.bypass_coverage {
        let why = stage.why.unwrap_or_default();
        let staged = engine.stage_uncovered_release(product, version, &why, who);
        staged.await?;
    } else {
        let reason =
            "nothing is left out that needs a reason: set bypass_coverage, too, or give no reason";
        refuse_if_given("why", stage.why.as_deref(), reason)?;
        engine.stage_release(product, version, who).await?;
    }
    Ok(Bare)
}

/// What is written down nowhere is not taken: who gives a reason means that something is left out.
fn refuse_if_given(at: &str, why: Option<&str>, reason: &str) -> Result<(), ApiError> {
    match why {
        None | Some("") => Ok(()),
        Some(_) => Err(ApiError::refused(at, reason)),
    }
}

async fn list(State(app): State<App>) -> Result<JsonBody<Vec<Release>>, ApiError> {
    Ok(JsonBody(app.engine().releases().await?))
}

async fn readiness(
    State(app): State<App>,
    Path((product, version)): Path<(ProductName, Version)>,
) -> Result<JsonBody<Readiness>, ApiError> {
    let readiness = app.engine().release_readiness(&product, &version).await?;
    Ok(JsonBody(readiness))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Activate")]
struct ActivateBody {
    /// These sites; name some, or say `all`.
    sites: Option<Vec<Hostname>>,
    /// All sites of the product.
    #[serde(default)]
    all: bool,
    /// Also sites that are not ready. The audit keeps it.
    #[serde(default)]
    bypass_gate: bool,
    /// Why the gate is bypassed; must be given then, and only then.
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
    if !body.bypass_gate {
        let reason =
            "nothing is bypassed that needs a reason: set bypass_gate, too, or give no reason";
        refuse_if_given("reason", body.reason.as_deref(), reason)?;
    }
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
) -> Result<Bare<204>, ApiError> {
    app.engine()
        .retire_release(&product, &version, caller.name())
        .await?;
    Ok(Bare)
}
