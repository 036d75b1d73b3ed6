//! Incidents of the past: one by hand, or the history of a Statuspage.

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use bytes::Bytes;
use domain::access::Permission;
use domain::incident::backfill::NewPast;
use domain::incident::statuspage::{BadHistory, FILE_BYTES_MAX, Problem};
use engine::{HistoryError, ImportedHistory};

use super::incidents::{StaffIncident, found};
use crate::App;
use crate::access::{Access, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Json, Query};
use crate::open_api::{Gives, Sheet, Takes};
use crate::routes::{Api, Route};

/// The largest incident of the past, in bytes: its updates may be long and many.
const BACKFILL_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::post(
            "/api/v1/incidents/backfill",
            tell,
            "Add an incident of the past",
            backfill,
        )
        .about("No follower is told. With a key it is added once, however often it is sent.")
        .body_max(BACKFILL_BYTES_MAX),
        Api::post(
            "/api/v1/incidents/import",
            tell,
            "Import the history of a Statuspage",
            import,
        )
        .about(
            "A file with a mistake is refused whole. Then each incident is added by itself, and what is here \
            already is left as it is: where an import was interrupted, the same file goes on.",
        )
        .body_max(FILE_BYTES_MAX),
    ]
}

/// An incident of the past that was added, or was there.
enum Added {
    New(StaffIncident),
    Known(StaffIncident),
}

impl IntoResponse for Added {
    fn into_response(self) -> Response {
        let (status, view) = match self {
            Self::New(view) => (StatusCode::CREATED, view),
            Self::Known(view) => (StatusCode::OK, view),
        };
        (status, JsonBody(view)).into_response()
    }
}

impl Gives for Added {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<StaffIncident>(201, "It was added.");
        sheet.reply_json::<StaffIncident>(200, "One of its key was there already.");
    }
}

async fn backfill(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(past): Json<NewPast>,
) -> Result<Added, ApiError> {
    let added = app.engine().backfill_incident(caller.name(), past).await?;
    let JsonBody(view) = found(&app, added.id).await?;
    Ok(match added.is_new {
        true => Added::New(view),
        false => Added::Known(view),
    })
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// Says what would be added, and adds nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What a Statuspage answers at `/api/v2/incidents.json`, as it came.
struct File(Bytes);

impl<S: Send + Sync> FromRequest<S> for File {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Body(file) = Body::from_request(request, state).await?;
        Ok(Self(file))
    }
}

impl Takes for File {
    fn takes(sheet: &mut Sheet<'_>) {
        sheet.takes_any_json();
    }
}

/// Why nothing was imported.
enum NotImported {
    Bad(BadHistory),
    Other(ApiError),
}

/// What is wrong in a file: every problem at once, so that whoever mends it need not try again for each.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct BadHistoryView {
    #[serde(flatten)]
    error: ErrorBody,
    /// The first problem of each incident, at most 100.
    problems: Vec<Problem>,
    /// How many incidents have one.
    count: usize,
}

impl IntoResponse for NotImported {
    fn into_response(self) -> Response {
        let bad = match self {
            Self::Bad(bad) => bad,
            Self::Other(error) => return error.into_response(),
        };
        let message = format!("nothing was imported: {bad}");
        let first = bad.problems.first().map(|problem| problem.at.clone());
        let body = BadHistoryView {
            error: ErrorBody::new("refused", message).at(first),
            problems: bad.problems,
            count: bad.count,
        };
        (StatusCode::UNPROCESSABLE_ENTITY, JsonBody(body)).into_response()
    }
}

impl Gives for NotImported {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<BadHistoryView>(422, "The file breaks rules; nothing was imported.");
        sheet.may_fail();
    }
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    File(file): File,
) -> Result<JsonBody<ImportedHistory>, NotImported> {
    let engine = app.engine();
    let imported = engine.import_history(caller.name(), &file, query.dry_run);
    match imported.await {
        Ok(imported) => Ok(JsonBody(imported)),
        Err(HistoryError::Engine(error)) => Err(NotImported::Other(error.into())),
        Err(HistoryError::Bad(bad)) => Err(NotImported::Bad(bad)),
    }
}
