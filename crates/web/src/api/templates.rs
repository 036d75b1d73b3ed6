//! Templates: what posts are made from.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::calendar::Length;
use domain::incident::PromiseKind;
use domain::incident::template::{NewTemplate, Template, read_as};
use serde_json::{Map, Value};
use store::StoredTemplate;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::reply::Bare;
use crate::routes::{Api, Route};

/// Room for a text of 20,000 characters, each of four bytes, and its gaps.
const BODY_BYTES_MAX: usize = 128 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get("/api/v1/templates", see, "List templates", list),
        Api::post(
            "/api/v1/templates/preview",
            see,
            "Look at a template",
            preview,
        )
        .about("Fills a template that is not saved.")
        .body_max(BODY_BYTES_MAX),
        Api::get("/api/v1/templates/{name}", see, "Show a template", show),
        Api::put("/api/v1/templates/{name}", tell, "Save a template", save)
            .body_max(BODY_BYTES_MAX),
        Api::post(
            "/api/v1/templates/{name}/withdraw",
            tell,
            "Withdraw a template",
            withdraw,
        )
        .about("One that came with Lamplighter and was changed stands again as it came."),
    ]
}

async fn list(State(app): State<App>) -> JsonBody<Vec<Template>> {
    JsonBody(app.engine().templates())
}

/// A template and its past.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct TemplateHistory {
    /// As it stands; none when it was withdrawn.
    template: Option<Template>,
    /// Every version of one of the team's own, newest first.
    versions: Vec<StoredTemplate>,
}

/// The template as it stands, and every version of one of the team's own, newest first.
async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<JsonBody<TemplateHistory>, ApiError> {
    let stands = app.engine().templates();
    let template = stands.into_iter().find(|one| one.name == name);
    let versions = match app.engine().template_versions(&name).await {
        Ok(versions) => versions,
        // Those that come with Lamplighter have no versions here.
        Err(_) if template.is_some() => vec![],
        Err(error) => return Err(error.into()),
    };
    Ok(JsonBody(TemplateHistory { template, versions }))
}

// Taken apart by hand: a flattened struct cannot refuse unknown fields.
/// A template, as somebody wants it, and the version that it follows.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "TemplateToSave")]
struct ToSave(#[schemars(with = "SaveFields")] Map<String, Value>);

#[derive(schemars::JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
#[expect(dead_code, reason = "says what the fields of a body are")]
struct SaveFields {
    #[serde(flatten)]
    new: NewTemplate,
    /// The version that the change was decided on; refused if it is not the newest.
    follows: Option<u32>,
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(ToSave(mut body)): Json<ToSave>,
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
) -> Result<Bare<204>, ApiError> {
    app.engine().withdraw_template(&name, caller.name()).await?;
    Ok(Bare)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TemplatePreview")]
struct Preview {
    /// The template.
    #[schemars(with = "NewTemplate")]
    template: Value,
    /// Fills its gaps.
    #[serde(default)]
    values: BTreeMap<String, Value>,
}

/// A template, filled.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct FilledTemplate {
    /// What customers would read: Markdown.
    body: String,
    /// What it promises, and how soon.
    promise: Option<(PromiseKind, Length)>,
    /// The calendar that this is counted on, unless the update names one; the default one without.
    calendar: Option<String>,
}

async fn preview(
    State(app): State<App>,
    Json(preview): Json<Preview>,
) -> Result<JsonBody<FilledTemplate>, ApiError> {
    let new = read(preview.template)?;
    let filled = app.engine().preview_template(new, &preview.values)?;
    let settings = app.engine().settings();
    let body = read_as((&settings.home_zone, settings.language), &filled.body);
    Ok(JsonBody(FilledTemplate {
        body,
        promise: filled.promise,
        calendar: filled.calendar,
    }))
}

fn read(template: Value) -> Result<NewTemplate, ApiError> {
    serde_json::from_value(template).map_err(|e| {
        ApiError::bad_request(format!("the template is not the JSON expected here: {e}"))
    })
}
