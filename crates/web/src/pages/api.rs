//! `/api`: the description of the API for people, drawn from the same document that programs read.

mod sample;
mod words;

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use self::words::{Piece, kind, resolved, text};
use super::{Answer, Page, render};
use crate::App;
use crate::access::Access;
use crate::open_api;
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/api", Access::Public, api).kept()]
}

#[derive(Template)]
#[template(path = "api.html")]
struct View {
    page: Page,
    about: String,
    nouns: Vec<Noun>,
    types: Vec<Type>,
}

/// Operations about one thing.
struct Noun {
    name: String,
    slug: String,
    about: String,
    operations: Vec<Shown>,
}

/// An operation.
struct Shown {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Vec<String>,
    parameters: Vec<Field>,
    body: Option<Part>,
    replies: Vec<Part>,
    curl: String,
}

/// A body or a reply.
struct Part {
    /// Such as "201".
    name: String,
    words: String,
    medium: String,
    kind: Vec<Piece>,
    shape: Shape,
}

/// A type that others are made of.
struct Type {
    name: String,
    words: String,
    kind: Vec<Piece>,
    shape: Shape,
}

/// The fields of an object; where there are several kinds of it, those of each.
#[derive(Default)]
struct Shape {
    fields: Vec<Field>,
    choices: Vec<Choice>,
}

struct Choice {
    words: String,
    kind: Vec<Piece>,
    fields: Vec<Field>,
}

/// A parameter, or a member of an object.
struct Field {
    name: String,
    /// Such as "in the path"; nothing for a member.
    place: &'static str,
    kind: Vec<Piece>,
    required: bool,
    words: String,
}

impl Shape {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.choices.is_empty()
    }
}

async fn api(State(app): State<App>) -> Answer {
    let document = open_api::document();
    let base_url = &app.engine().settings().base_url;
    let view = View {
        page: Page::public("API", "/api"),
        about: text(&document["info"], "description"),
        nouns: nouns(document, base_url),
        types: types(document),
    };
    Ok(render(StatusCode::OK, &view))
}

fn nouns(document: &Value, base_url: &str) -> Vec<Noun> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let noun = |tag: &Value| {
        let name = text(tag, "name");
        Noun {
            slug: slug(&name),
            about: text(tag, "description"),
            operations: operations(document, &name, base_url),
            name,
        }
    };
    tags.map(noun).collect()
}

fn slug(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn operations(document: &Value, noun: &str, base_url: &str) -> Vec<Shown> {
    let mut all = vec![];
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            if operation["tags"][0] == noun {
                all.push(shown(document, (method, path), operation, base_url));
            }
        }
    }
    all
}

fn shown(
    document: &Value,
    (method, path): (&str, &str),
    operation: &Value,
    base_url: &str,
) -> Shown {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let body = &operation["requestBody"];
    let about = text(operation, "description");
    Shown {
        id: text(operation, "operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(operation, "summary"),
        about: about.split("\n\n").map(ToOwned::to_owned).collect(),
        parameters: parameters.map(|one| parameter(document, one)).collect(),
        body: body.is_object().then(|| part(document, "Body", body)),
        replies: replies(document, operation),
        curl: sample::curl(document, (method, path), operation, base_url),
    }
}

fn parameter(document: &Value, parameter: &Value) -> Field {
    let said = text(parameter, "description");
    let schema = &parameter["schema"];
    Field {
        name: text(parameter, "name"),
        place: match parameter["in"].as_str() {
            Some("path") => "in the path",
            Some("header") => "header",
            _ => "in the query",
        },
        kind: kind(schema),
        required: parameter["required"] == true,
        words: if said.is_empty() {
            text(resolved(document, schema), "description")
        } else {
            said
        },
    }
}

/// The replies that are not errors of every operation; those are told once.
fn replies(document: &Value, operation: &Value) -> Vec<Part> {
    let all = members(&operation["responses"]).filter(|(_, reply)| reply.get("$ref").is_none());
    all.map(|(status, reply)| part(document, status, reply))
        .collect()
}

fn part(document: &Value, name: &str, part: &Value) -> Part {
    let content = members(&part["content"]).next();
    let (medium, schema) = match content {
        Some((medium, content)) => (medium.to_owned(), &content["schema"]),
        None => (String::new(), &Value::Null),
    };
    let is_json = medium == "application/json";
    Part {
        name: name.to_owned(),
        words: text(part, "description"),
        kind: if is_json { kind(schema) } else { vec![] },
        shape: if is_json {
            shape(document, schema)
        } else {
            Shape::default()
        },
        medium,
    }
}

/// What an object holds. What lists hold is what is told of them.
fn shape(document: &Value, schema: &Value) -> Shape {
    let mut schema = resolved(document, schema);
    if schema["type"] == "array" {
        schema = resolved(document, &schema["items"]);
    }
    let several = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|several| schema[several].as_array());
    let choice = |one: &Value| Choice {
        words: text(resolved(document, one), "description"),
        kind: kind(one),
        fields: fields(resolved(document, one)),
    };
    Shape {
        fields: fields(schema),
        choices: several.into_iter().flatten().map(choice).collect(),
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let field = |(name, schema): (&str, &Value)| Field {
        name: name.to_owned(),
        place: "",
        kind: kind(schema),
        required: required.iter().any(|one| *one == name),
        words: text(schema, "description"),
    };
    members(&schema["properties"]).map(field).collect()
}

/// The types that members of other types have: what else there is stands beside its operation.
fn types(document: &Value) -> Vec<Type> {
    let schemas = &document["components"]["schemas"];
    let mut held = BTreeSet::new();
    for (_, schema) in members(schemas) {
        words::held(schema, &mut held);
    }
    for (_, path) in members(&document["paths"]) {
        for (_, operation) in members(path) {
            words::held(&operation["parameters"], &mut held);
        }
    }
    let shown = members(schemas).filter(|(name, _)| held.contains(*name));
    shown
        .map(|(name, schema)| {
            let shape = shape(document, schema);
            Type {
                name: name.to_owned(),
                words: text(schema, "description"),
                kind: if shape.is_empty() {
                    kind(schema)
                } else {
                    vec![]
                },
                shape,
            }
        })
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flat_map(Map::iter);
    members.map(|(name, value)| (name.as_str(), value))
}
