//! Templates: what posts are made from.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::incident::template::{NewTemplate, Template, read_in};
use serde_json::{Map, Value, json};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::Route;

/// Room for a text of 20,000 characters, each of four bytes, and its gaps.
const BODY_BYTES_MAX: usize = 128 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/api/v1/templates", see, list),
        Route::post("/api/v1/templates/preview", see, preview).body_max(BODY_BYTES_MAX),
        Route::get("/api/v1/templates/{name}", see, show),
        Route::put("/api/v1/templates/{name}", tell, save).body_max(BODY_BYTES_MAX),
        Route::post("/api/v1/templates/{name}/withdraw", tell, withdraw),
    ]
}

async fn list(State(app): State<App>) -> JsonBody<Vec<Template>> {
    JsonBody(app.engine().templates())
}

/// The template as it stands, and every version of one of the team's own, newest first.
async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<JsonBody<Value>, ApiError> {
    let stands = app.engine().templates();
    let stands = stands.iter().find(|one| one.name == name);
    let versions = match app.engine().template_versions(&name).await {
        Ok(versions) => versions,
        // Those that come with Lamplighter have no versions here.
        Err(_) if stands.is_some() => vec![],
        Err(error) => return Err(error.into()),
    };
    Ok(JsonBody(
        json!({ "template": stands, "versions": versions }),
    ))
}

/// `NewTemplate`, and the version it follows. Taken apart by hand: a flattened struct cannot refuse
/// unknown fields.
async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<JsonBody<Template>, ApiError> {
    let follows = body.remove("follows").map(serde_json::from_value);
    let follows = follows.transpose();
    let follows =
        follows.map_err(|_| ApiError::refused("follows", "give the number of a version"))?;
    let new = read(body.into())?;
    let saved = app
        .engine()
        .save_template(&name, new, follows, caller.name());
    Ok(JsonBody(saved.await?))
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.engine().withdraw_template(&name, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Preview {
    template: Value,
    #[serde(default)]
    values: BTreeMap<String, Value>,
}

async fn preview(
    State(app): State<App>,
    Json(preview): Json<Preview>,
) -> Result<JsonBody<Value>, ApiError> {
    let new = read(preview.template)?;
    let filled = app.engine().preview_template(new, &preview.values)?;
    let body = read_in(&app.engine().settings().home_zone, &filled.body);
    Ok(JsonBody(json!({ "body": body, "promise": filled.promise })))
}

fn read(template: Value) -> Result<NewTemplate, ApiError> {
    serde_json::from_value(template).map_err(|e| {
        ApiError::bad_request(format!("the template is not the JSON expected here: {e}"))
    })
}
