//! Business calendars: when the team works, for promises in business hours.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request, State};
use axum::{Extension, Json as JsonBody};
use bytes::Bytes;
use domain::access::Permission;
use domain::calendar::BusinessCalendar;
use engine::{HOLIDAYS_BYTES_MAX, ImportedHolidays};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Body, Json, Path};
use crate::open_api::{Sheet, Takes};
use crate::reply::Bare;
use crate::routes::{Api, Route};

/// Room for 2,000 holidays with their names.
const BODY_BYTES_MAX: usize = 512 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeOnCall);
    vec![
        Api::get("/api/v1/calendars", see, "List business calendars", list),
        Api::put(
            "/api/v1/calendars/{name}",
            change,
            "Save a business calendar",
            save,
        )
        .about("Promises are counted on the one called default, unless they name another.")
        .body_max(BODY_BYTES_MAX),
        Api::post(
            "/api/v1/calendars/{name}/holidays",
            change,
            "Import holidays",
            import,
        )
        .about("An iCalendar file: whole-day events, each day of them.")
        .body_max(HOLIDAYS_BYTES_MAX),
        Api::post(
            "/api/v1/calendars/{name}/remove",
            change,
            "Remove a business calendar",
            remove,
        ),
    ]
}

/// The business calendars.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Calendars {
    /// By name.
    calendars: BTreeMap<String, BusinessCalendar>,
}

/// An iCalendar file.
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
        sheet.takes_text("text/calendar");
    }
}

async fn list(State(app): State<App>) -> JsonBody<Calendars> {
    let calendars = app.engine().calendars();
    JsonBody(Calendars { calendars })
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(calendar): Json<BusinessCalendar>,
) -> Result<JsonBody<BusinessCalendar>, ApiError> {
    let saved = app.engine().save_calendar(&name, calendar, caller.name());
    Ok(JsonBody(saved.await?))
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    File(file): File,
) -> Result<JsonBody<ImportedHolidays>, ApiError> {
    let imported = app.engine().import_holidays(&name, &file, caller.name());
    Ok(JsonBody(imported.await?))
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Bare<204>, ApiError> {
    app.engine().remove_calendar(&name, caller.name()).await?;
    Ok(Bare)
}
