//! What drills showed, as the team records it. Drills are run by the command line, not here.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::drill::{DrillResult, Tally};
use domain::id::DrillId;
use jiff::Timestamp;
use store::RecordedDrill;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::reply::Created;
use crate::routes::{Api, Route};

const DRILLS_PER_PAGE_MAX: u32 = 500;
/// Room for both courses, however they are indented.
const RESULT_BYTES_MAX: usize = 256 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let record = Access::Holder(Permission::RecordDrills);
    vec![
        Api::get("/api/v1/drills", see, "List drills, newest first", list),
        Api::get("/api/v1/drills/{id}", see, "Show a drill", show),
        Api::post("/api/v1/drills", record, "Record a drill", add)
            .about(
                "What `lamplighter drill --json FILE` writes. The same result again is kept once.",
            )
            .body_max(RESULT_BYTES_MAX),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The last drill of the page before.
    before: Option<DrillId>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

/// Drills.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Drills {
    /// Those that began last first, without their courses.
    drills: Vec<DrillView>,
}

/// A drill that was recorded.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "RecordedDrill")]
struct DrillView {
    #[serde(flatten)]
    result: DrillResult,
    /// Whether everything held that must.
    held: bool,
    /// How much of what must hold did.
    tally: Tally,
    /// When it was recorded.
    #[schemars(with = "domain::schema::Moment")]
    recorded_at: Timestamp,
    /// Who recorded it.
    recorded_by: String,
}

impl From<RecordedDrill> for DrillView {
    fn from(drill: RecordedDrill) -> Self {
        let RecordedDrill {
            result,
            recorded_at,
            recorded_by,
        } = drill;
        Self {
            held: result.held(),
            tally: result.tally(),
            result,
            recorded_at,
            recorded_by,
        }
    }
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Drills>, ApiError> {
    let limit = page_size(query.limit, 100, DRILLS_PER_PAGE_MAX)?;
    let drills = app.engine().drills(query.before, limit).await?;
    let drills = drills.into_iter().map(DrillView::from).collect();
    Ok(JsonBody(Drills { drills }))
}

async fn show(
    State(app): State<App>,
    Path(id): Path<DrillId>,
) -> Result<JsonBody<DrillView>, ApiError> {
    let drill = app.engine().drill(id).await?;
    Ok(JsonBody(drill.into()))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(result): Json<DrillResult>,
) -> Result<Created<DrillView>, ApiError> {
    let drill = app.engine().record_drill(result, caller.name()).await?;
    Ok(Created(drill.into()))
}
