//! The incident report as people write it: versions, an approval, its publication. The draft from the
//! records stands beside them in `incidents`.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::report::ReportVersion;

use super::incidents::{PostedView, posted_view};
use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::reply::Created;
use crate::routes::{Api, Route};

/// Room for a report of 20,000 characters of any language, as JSON.
const BODY_BYTES_MAX: usize = 256 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get(
            "/api/v1/incidents/{id}/report/versions",
            see,
            "List the versions of an incident report",
            versions,
        ),
        Api::post(
            "/api/v1/incidents/{id}/report/versions",
            tell,
            "Save a version of an incident report",
            save,
        )
        .about("Refused when somebody else saved one meanwhile.")
        .body_max(BODY_BYTES_MAX),
        Api::post(
            "/api/v1/incidents/{id}/report/versions/{number}/approve",
            tell,
            "Approve a version of an incident report",
            approve,
        )
        .about("Somebody other than its author does so, once nothing is left to write in it."),
        Api::post(
            "/api/v1/incidents/{id}/report/versions/{number}/publish",
            tell,
            "Publish an approved incident report",
            publish,
        )
        .about("It becomes the official comment, and keeps the promise of a report."),
    ]
}

/// The versions of an incident report.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ReportVersions {
    /// The newest first.
    versions: Vec<ReportVersion>,
}

/// A report to be saved.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReportToSave {
    /// Markdown.
    text: String,
    /// The version that it was written on; 0 for the draft from the records.
    #[serde(default)]
    base: u32,
}

async fn versions(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<ReportVersions>, ApiError> {
    let versions = app.engine().report_versions(id).await?;
    Ok(JsonBody(ReportVersions { versions }))
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(report): Json<ReportToSave>,
) -> Result<Created<ReportVersion>, ApiError> {
    let written = (report.base, report.text);
    let saved = app.engine().save_report(id, written, caller.name());
    Ok(Created(saved.await?))
}

async fn approve(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, number)): Path<(IncidentId, u32)>,
) -> Result<JsonBody<ReportVersion>, ApiError> {
    let approved = app.engine().approve_report(id, number, caller.name());
    Ok(JsonBody(approved.await?))
}

async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, number)): Path<(IncidentId, u32)>,
) -> Result<JsonBody<PostedView>, ApiError> {
    let posted = app.engine().publish_report(id, number, caller.name());
    Ok(JsonBody(posted_view(&app, &posted.await?, false)))
}
