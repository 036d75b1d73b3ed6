//! The keys that sign ID tokens.

use axum::extract::State;
use axum::{Extension, Json};
use domain::access::Permission;
use signin::{KeyState, PublishedKey};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Path;
use crate::reply::{Bare, Created};
use crate::routes::{Api, Route};

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Api::get(
            "/api/v1/keys",
            Access::Holder(Permission::SeeConsole),
            "List signing keys",
            list,
        ),
        Api::post("/api/v1/keys", manage, "Make a signing key", make)
            .about("It is published, and signs when it is made `active`."),
        Api::post(
            "/api/v1/keys/{kid}/{state}",
            manage,
            "Activate or retire a signing key",
            set_state,
        )
        .about("`state` is `next`, `active` or `retired`."),
    ]
}

/// The keys that are not retired.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Keys {
    /// Oldest first.
    keys: Vec<PublishedKey>,
}

async fn list(State(app): State<App>) -> Json<Keys> {
    let keys = app.provider().signing_keys();
    Json(Keys { keys })
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Created<PublishedKey>, ApiError> {
    let key = app.provider().new_signing_key(caller.name()).await?;
    Ok(Created(key))
}

async fn set_state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((kid, state)): Path<(String, String)>,
) -> Result<Bare<204>, ApiError> {
    let state = KeyState::parse(&state)
        .ok_or_else(|| ApiError::refused("state", "next, active or retired"))?;
    app.provider()
        .set_key_state(&kid, state, caller.name())
        .await?;
    Ok(Bare)
}
