//! The keys that sign ID tokens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, response::IntoResponse};
use domain::access::Permission;
use signin::KeyState;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Path;
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::get("/api/v1/keys", Access::Holder(Permission::SeeConsole), list),
        Route::post("/api/v1/keys", manage, make),
        Route::post("/api/v1/keys/{kid}/{state}", manage, set_state),
    ]
}

async fn list(State(app): State<App>) -> impl IntoResponse {
    axum::Json(serde_json::json!({ "keys": app.provider().signing_keys() }))
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<impl IntoResponse, ApiError> {
    let key = app.provider().new_signing_key(caller.name()).await?;
    Ok((StatusCode::CREATED, axum::Json(key)))
}

async fn set_state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((kid, state)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let state = KeyState::parse(&state)
        .ok_or_else(|| ApiError::refused("state", "next, active or retired"))?;
    app.provider()
        .set_key_state(&kid, state, caller.name())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
