//! The keys that sign ID tokens.

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use signin::{KeyState, PublishedKey};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
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
        .about(
            "`state` is `next`, `active` or `retired`. A key signs only when sites had the time to learn \
             of it, and is retired only when nobody can check a token of it any more.",
        ),
    ]
}

/// The keys that are not retired.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Keys {
    /// Oldest first.
    keys: Vec<PublishedKey>,
}

async fn list(State(app): State<App>) -> JsonBody<Keys> {
    let keys = app.provider().signing_keys();
    JsonBody(Keys { keys })
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Created<PublishedKey>, ApiError> {
    let key = app.provider().new_signing_key(caller.name()).await?;
    Ok(Created(key))
}

#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MoveKey")]
struct MoveKey {
    /// Without the time that sites need; for a key that is not safe any more.
    #[serde(default)]
    at_once: bool,
}

async fn set_state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((kid, state)): Path<(String, String)>,
    Json(body): Json<MoveKey>,
) -> Result<Bare<204>, ApiError> {
    let state = KeyState::parse(&state)
        .ok_or_else(|| ApiError::refused("state", "next, active or retired"))?;
    app.provider()
        .set_key_state(&kid, (state, body.at_once), caller.name())
        .await?;
    Ok(Bare)
}
