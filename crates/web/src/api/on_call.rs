//! The people on call: who is paged, and who has answered.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::id::PageId;
use engine::EngineError;
use serde_json::{Value, json};
use store::{OnCallStep, Page};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::Route;

/// How many pages one answer lists.
const PAGES_PER_ANSWER_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Route::get("/api/v1/on-call", see, on_call),
        Route::put(
            "/api/v1/on-call",
            Access::Holder(Permission::ChangeOnCall),
            save,
        ),
        Route::get("/api/v1/pages", see, pages),
        Route::post(
            "/api/v1/pages/{id}/acknowledge",
            Access::Holder(Permission::AcknowledgePages),
            acknowledge,
        ),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OnCall {
    steps: Vec<Step>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    url: String,
    secret: Option<String>,
    #[serde(default)]
    after_seconds: u32,
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(on_call): Json<OnCall>,
) -> Result<StatusCode, ApiError> {
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
    Ok(StatusCode::NO_CONTENT)
}

/// The steps, without their secrets: those are only ever written.
async fn on_call(State(app): State<App>) -> Result<JsonBody<Value>, ApiError> {
    let steps = app
        .engine()
        .store()
        .on_call()
        .await
        .map_err(EngineError::from)?;
    let steps: Vec<_> = steps
        .iter()
        .map(|step| json!({"url": step.url, "signed": step.secret.is_some(), "after_seconds": step.after_seconds}))
        .collect();
    Ok(JsonBody(json!({ "steps": steps })))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PagesQuery {
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
