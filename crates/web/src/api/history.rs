//! Incidents of the past: one by hand, or the history of a Statuspage.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::incident::backfill::NewPast;
use domain::incident::statuspage::{BadHistory, FILE_BYTES_MAX};
use engine::HistoryError;

use super::incidents::found;
use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Body, Json, Query};
use crate::routes::Route;

/// The largest incident of the past, in bytes: its updates may be long and many.
const BACKFILL_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::post("/api/v1/incidents/backfill", tell, backfill).body_max(BACKFILL_BYTES_MAX),
        Route::post("/api/v1/incidents/import", tell, import).body_max(FILE_BYTES_MAX),
    ]
}

/// Answers 201 with the incident, and 200 when one of its key was there already.
async fn backfill(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(past): Json<NewPast>,
) -> Result<Response, ApiError> {
    let added = app.engine().backfill_incident(caller.name(), past).await?;
    let status = match added.is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok((status, found(&app, added.id).await?).into_response())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// Says what would be added, and adds nothing.
    #[serde(default)]
    dry_run: bool,
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    Body(file): Body,
) -> Result<Response, ApiError> {
    let engine = app.engine();
    let imported = engine.import_history(caller.name(), &file, query.dry_run);
    match imported.await {
        Ok(imported) => Ok(JsonBody(imported).into_response()),
        Err(HistoryError::Engine(e)) => Err(e.into()),
        Err(HistoryError::Bad(bad)) => Ok(refused(&bad)),
    }
}

/// Every problem at once: whoever mends the file need not try again for each.
fn refused(bad: &BadHistory) -> Response {
    let first = bad.problems.first().map(|problem| &problem.at);
    let message = format!("nothing was imported: {bad}");
    let body = serde_json::json!({
        "error": {"code": "refused", "message": message, "at": first},
        "problems": bad.problems,
        "count": bad.count,
    });
    (StatusCode::UNPROCESSABLE_ENTITY, JsonBody(body)).into_response()
}
