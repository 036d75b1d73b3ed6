//! The people on call: who is paged, and who has answered.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::PageId;
use engine::EngineError;
use store::{OnCallStep, Page};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::reply::Bare;
use crate::routes::{Api, Route};

/// How many pages one answer lists.
const PAGES_PER_ANSWER_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::get("/api/v1/on-call", see, "Show who is paged", on_call),
        Api::put(
            "/api/v1/on-call",
            Access::Holder(Permission::ChangeOnCall),
            "Say who is paged",
            save,
        ),
        Api::get("/api/v1/pages", see, "List pages, newest first", pages),
        Api::post(
            "/api/v1/pages/{id}/acknowledge",
            Access::Holder(Permission::AcknowledgePages),
            "Acknowledge a page",
            acknowledge,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewOnCall")]
struct OnCall {
    /// In the order that they are paged.
    steps: Vec<Step>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewOnCallStep")]
struct Step {
    /// Takes the page: HTTP or HTTPS.
    url: String,
    /// Signs it (Standard Webhooks).
    secret: Option<String>,
    /// How long after the page was made, unless somebody has acknowledged it.
    #[serde(default)]
    after_seconds: u32,
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(on_call): Json<OnCall>,
) -> Result<Bare<204>, ApiError> {
    let step = |Step {
                    url,
                    secret,
                    after_seconds,
                }| OnCallStep {
        url,
        secret,
        after_seconds,
    };
    let steps: Vec<_> = on_call.steps.into_iter().map(step).collect();
    app.engine().save_on_call(&steps, caller.name()).await?;
    Ok(Bare)
}

/// Who is paged.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "OnCall")]
struct Steps {
    /// In the order that they are paged.
    steps: Vec<StepView>,
}

/// A step, without its secret.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "OnCallStep")]
struct StepView {
    /// Takes the page.
    url: String,
    /// Whether what it receives is signed.
    signed: bool,
    /// How long after the page was made.
    after_seconds: u32,
}

/// The steps, without their secrets: those are only ever written.
async fn on_call(State(app): State<App>) -> Result<JsonBody<Steps>, ApiError> {
    let steps = app
        .engine()
        .store()
        .on_call()
        .await
        .map_err(EngineError::from)?;
    let view = |step: OnCallStep| StepView {
        url: step.url,
        signed: step.secret.is_some(),
        after_seconds: step.after_seconds,
    };
    let steps = steps.into_iter().map(view).collect();
    Ok(JsonBody(Steps { steps }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PagesQuery {
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
}

async fn pages(
    State(app): State<App>,
    Query(query): Query<PagesQuery>,
) -> Result<JsonBody<Vec<Page>>, ApiError> {
    let limit = page_size(query.limit, 100, PAGES_PER_ANSWER_MAX)?;
    let pages = app.engine().store().pages(limit).await;
    Ok(JsonBody(pages.map_err(EngineError::from)?))
}

async fn acknowledge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<PageId>,
) -> Result<JsonBody<Page>, ApiError> {
    Ok(JsonBody(
        app.engine().acknowledge_page(id, caller.name()).await?,
    ))
}
