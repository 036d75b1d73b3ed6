//! The description of the API (OpenAPI 3.1), read off its routes: `GET /api/openapi.json`.
//!
//! What an operation takes and gives follows from the types of its handler (`sheet`); routes add a
//! summary in words. Never describes pages.

mod schemas;
mod sheet;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::Role;
use serde_json::{Map, Value, json};

pub(crate) use sheet::{Described, Gives, Sheet, Takes};

use crate::access::Access;
use crate::error::ErrorBody;
use crate::routes::{Endpoint, Route, operations};
use schemas::Schemas;

/// The document, drawn once: it changes only with the code.
static DOCUMENT: LazyLock<Value> = LazyLock::new(draw);
static BYTES: LazyLock<Bytes> = LazyLock::new(|| DOCUMENT.to_string().into());

const ABOUT: &str = "Everything that the console and the command line do, and what sites, agents \
and customers call. A token is sent as `Authorization: Bearer lmp_…`; each operation says which \
roles may call it. Moments are RFC 3339. An answer that is not 2xx says `{\"error\": {\"code\", \
\"message\", \"at\"}}`. Lists give one page; where more follow, `after`, `next`, or `before_at` and \
`before_id`, is what the query for the next page takes. Fields may be added to replies without \
notice.";

/// What the code cannot say by itself.
pub(crate) struct Operation {
    /// A few words, without a full stop.
    pub(crate) summary: &'static str,
    /// More, where more is to be known: Markdown.
    pub(crate) about: &'static str,
    /// What it is about.
    pub(crate) noun: Noun,
    /// Tells what its handler takes and gives.
    pub(crate) describe: fn(&mut Sheet<'_>),
}

/// What operations are about: a heading of the description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noun {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/api/openapi.json", Access::Public, json_document).kept()]
}

async fn json_document() -> Response {
    let anybody = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let kind = (header::CONTENT_TYPE, "application/json");
    ([kind, anybody], BYTES.clone()).into_response()
}

/// The document.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

fn draw() -> Value {
    let mut schemas = Schemas::new();
    let mut nouns: Vec<Noun> = vec![];
    let mut paths: Map<String, Value> = Map::new();
    for (endpoint, operation, bytes_max) in operations() {
        if !nouns.contains(&operation.noun) {
            nouns.push(operation.noun);
        }
        let drawn = draw_operation(&endpoint, &operation, bytes_max, &mut schemas);
        let path = paths.entry(plain_path(endpoint.path)).or_insert(json!({}));
        path[endpoint.method.as_str().to_lowercase()] = drawn;
    }
    let responses = errors(&mut schemas);
    let tags = nouns
        .iter()
        .map(|noun| json!({"name": noun.name, "description": noun.about}));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lamplighter",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Config delivery, incidents and sign-in for many sites",
            "description": ABOUT,
            "license": {"name": "Apache-2.0 or MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "responses": responses,
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token made by `POST /api/v1/tokens` or by the command line.",
            }},
        },
    });
    let written = schemas.finish(&mut document);
    document["components"]["schemas"] = written;
    document
}

fn draw_operation(
    endpoint: &Endpoint,
    operation: &Operation,
    bytes_max: usize,
    schemas: &mut Schemas,
) -> Value {
    let mut sheet = schemas.sheet();
    (operation.describe)(&mut sheet);
    let mut drawn = json!({
        "operationId": operation_id(endpoint),
        "summary": operation.summary,
        "description": description(endpoint, operation),
        "tags": [operation.noun.name],
        "parameters": parameters(endpoint, &mut sheet),
        "responses": responses(endpoint, &sheet),
        "security": security(endpoint.access),
    });
    if let Access::Holder(_) = endpoint.access {
        drawn["x-roles"] = json!(roles(endpoint.access));
    }
    if let Some((medium, schema)) = sheet.body.take() {
        drawn["requestBody"] = json!({
            "required": true,
            "content": {medium: {"schema": schema}},
            "description": format!("At most {}.", size(bytes_max)),
            "x-bytes-max": bytes_max,
        });
    }
    drawn
}

/// Such as "64 KiB".
fn size(bytes: usize) -> String {
    match bytes {
        mebi if mebi % (1 << 20) == 0 => format!("{} MiB", mebi >> 20),
        kibi if kibi % (1 << 10) == 0 => format!("{} KiB", kibi >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// The path without the mark of a parameter that takes the rest of it.
fn plain_path(path: &str) -> String {
    path.replace("{*", "{")
}

/// Such as `get_incidents_id_timeline`: stable as long as the address is.
fn operation_id(endpoint: &Endpoint) -> String {
    let path = endpoint.path;
    let path = path.strip_prefix("/api/v1/").unwrap_or(path);
    let path = path.strip_prefix("/api/").unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    format!(
        "{}_{}",
        endpoint.method.as_str().to_lowercase(),
        words.join("_")
    )
}

/// The roles whose holders may call it; none where anybody may.
fn roles(access: Access) -> Vec<&'static str> {
    match access {
        Access::Public => vec![],
        Access::Holder(permission) => {
            let may = Role::ALL.into_iter().filter(|role| role.may(permission));
            may.map(Role::as_str).collect()
        }
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Holder(_) => json!([{"token": []}]),
    }
}

fn description(endpoint: &Endpoint, operation: &Operation) -> String {
    let who = match endpoint.access {
        Access::Public => "Anybody may call it, without a token.".to_owned(),
        access => format!("For tokens of the roles: {}.", roles(access).join(", ")),
    };
    let about = operation.about;
    [about, &*who].join(if about.is_empty() { "" } else { "\n\n" })
}

fn parameters(endpoint: &Endpoint, sheet: &mut Sheet<'_>) -> Value {
    let names = endpoint.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(name.trim_start_matches('*').to_owned())
    });
    let in_path = names.zip(std::mem::take(&mut sheet.path));
    let mut all: Vec<_> = in_path
        .map(|(name, schema)| parameter("path", &name, schema, true))
        .collect();
    let (members, required) = sheet.query.take().map(sheet::members).unwrap_or_default();
    for (name, schema) in members {
        let is_required = required.contains(&name);
        all.push(parameter("query", &name, schema, is_required));
    }
    for (name, words) in &sheet.headers {
        let schema = json!({"type": "string", "description": words});
        all.push(parameter("header", name, schema, false));
    }
    json!(all)
}

fn parameter(place: &str, name: &str, schema: Value, required: bool) -> Value {
    let mut schema = schemas::without_null(schema);
    let words = schema
        .as_object_mut()
        .and_then(|all| all.remove("description"));
    let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
    if let Some(words) = words {
        parameter["description"] = words;
    }
    parameter
}

fn responses(endpoint: &Endpoint, sheet: &Sheet<'_>) -> Value {
    let mut all = Map::new();
    for (status, reply) in &sheet.replies {
        let mut drawn = json!({"description": reply.words});
        if let Some((medium, schema)) = &reply.content {
            drawn["content"] = json!({*medium: {"schema": schema}});
        }
        all.insert(status.to_string(), drawn);
    }
    let asks = matches!(endpoint.access, Access::Holder(_));
    let reads = sheet.body.is_some() || endpoint.path.contains('{');
    let fails = [
        ("401", asks),
        ("403", asks),
        ("404", sheet.may_fail && endpoint.path.contains('{')),
        ("422", sheet.may_fail && reads),
        ("default", sheet.may_fail || asks),
    ];
    for (status, may) in fails {
        if may && !all.contains_key(status) {
            let to = format!("#/components/responses/{status}");
            all.insert(status.into(), json!({"$ref": to}));
        }
    }
    json!(all)
}

/// What any operation may answer that fails.
fn errors(schemas: &mut Schemas) -> Value {
    let mut sheet = schemas.sheet();
    let says = [
        (
            401,
            "No token was sent, or one that is wrong or was withdrawn.",
        ),
        (403, "The role of the token does not carry this."),
        (404, "What the path names is not there."),
        (422, "A value breaks a rule; `at` names it."),
        (
            500,
            "Any other error, such as 400 for a request that cannot be read, 409 for one that the \
             state of things forbids, 413 for a body that is too large, 429 for too many requests, \
             503 while the server cannot save. `Retry-After` says when to try again, where it is known.",
        ),
    ];
    for (status, words) in says {
        sheet.reply_json::<ErrorBody>(status, words);
    }
    let mut all = Map::new();
    for (status, reply) in &sheet.replies {
        let content = reply
            .content
            .as_ref()
            .map(|(medium, schema)| json!({*medium: {"schema": schema}}));
        let name = if *status == 500 {
            "default".to_owned()
        } else {
            status.to_string()
        };
        all.insert(
            name,
            json!({"description": reply.words, "content": content}),
        );
    }
    json!(all)
}
