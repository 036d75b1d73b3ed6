//! Tokens of staff, agents and sites.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, response::IntoResponse};
use domain::access::{Permission, Role};
use domain::id::HolderId;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::post("/api/v1/tokens", manage, make),
        Route::post("/api/v1/tokens/{id}/withdraw", manage, withdraw),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    role: Role,
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<New>,
) -> Result<impl IntoResponse, ApiError> {
    let made = app
        .engine()
        .make_token(&new.name, new.role, caller.name())
        .await?;
    let body = serde_json::json!({"id": made.holder.id, "name": made.holder.name,
        "role": made.holder.role, "token": made.token});
    Ok((StatusCode::CREATED, axum::Json(body)))
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<HolderId>,
) -> Result<StatusCode, ApiError> {
    app.engine().withdraw_token(id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
