//! Alarms, with their evidence and their promise.

use axum::Json;
use axum::extract::State;
use domain::access::Permission;
use domain::detection::Alarm;
use jiff::Timestamp;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Query, page_size};
use crate::routes::{Api, Route};

const ALARMS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    vec![Api::get(
        "/api/v1/alarms",
        Access::Holder(Permission::SeeConsole),
        "List alarms, newest first",
        list,
    )]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Only those raised at this moment or later.
    #[schemars(with = "Option<domain::schema::Moment>")]
    since: Option<Timestamp>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

/// Alarms.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Alarms {
    /// Newest first.
    alarms: Vec<AlarmView>,
}

/// An alarm with its sentence.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "AlarmInWords")]
struct AlarmView {
    /// What it says.
    sentence: String,
    #[serde(flatten)]
    alarm: Alarm,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Alarms>, ApiError> {
    let limit = page_size(query.limit, 100, ALARMS_PER_PAGE_MAX)?;
    let since = query.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let alarms = app.engine().alarms_since(since, limit).await?;
    let alarms = alarms
        .into_iter()
        .map(|alarm| AlarmView {
            sentence: alarm.sentence(),
            alarm,
        })
        .collect();
    Ok(Json(Alarms { alarms }))
}
