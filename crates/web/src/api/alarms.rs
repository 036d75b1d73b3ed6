//! Alarms, with their evidence and their promise.

use axum::extract::State;
use axum::response::IntoResponse;
use domain::access::Permission;
use domain::detection::Alarm;
use jiff::Timestamp;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Query, page_size};
use crate::routes::Route;

const ALARMS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/api/v1/alarms",
        Access::Holder(Permission::SeeConsole),
        list,
    )]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    since: Option<Timestamp>,
    limit: Option<u32>,
}

/// An alarm with its sentence.
#[derive(serde::Serialize)]
struct AlarmView {
    sentence: String,
    #[serde(flatten)]
    alarm: Alarm,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let limit = page_size(query.limit, 100, ALARMS_PER_PAGE_MAX)?;
    let since = query.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let alarms = app.engine().alarms_since(since, limit).await?;
    let alarms: Vec<_> = alarms
        .into_iter()
        .map(|alarm| AlarmView {
            sentence: alarm.sentence(),
            alarm,
        })
        .collect();
    Ok(axum::Json(serde_json::json!({"alarms": alarms})))
}
