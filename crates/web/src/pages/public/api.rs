//! `/api`: the description of the API for people, drawn from the same document that programs read.

mod sample;
mod words;

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use self::words::{Piece, kind, resolved, said, text};
use crate::App;
use crate::access::Access;
use crate::open_api;
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/api", Access::Public, api).kept()]
}

#[derive(Template)]
#[template(path = "api.html")]
struct View {
    page: Page,
    about: Vec<Piece>,
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
    about: Vec<Vec<Piece>>,
    parameters: Vec<Field>,
    body: Option<Part>,
    replies: Vec<Part>,
    curl: String,
}

/// A body or a reply.
struct Part {
    /// Such as "201".
    name: String,
    words: Vec<Piece>,
    medium: String,
    kind: Vec<Piece>,
    shape: Shape,
}

/// A type that others are made of.
struct Type {
    name: String,
    words: Vec<Piece>,
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
    words: Vec<Piece>,
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
    words: Vec<Piece>,
}

impl Shape {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.choices.is_empty()
    }
}

/// What the page is drawn from.
struct Told<'a> {
    document: &'a Value,
    base_url: &'a str,
    /// The names of the types that the page tells by themselves.
    types: BTreeSet<String>,
}

async fn api(State(app): State<App>) -> Answer {
    let document = open_api::document();
    let told = Told {
        document,
        base_url: &app.engine().settings().base_url,
        types: held(document),
    };
    let view = View {
        page: Page::public("API", "/api"),
        about: said(&document["info"]),
        nouns: told.nouns(),
        types: told.types(),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The types that members of other types have: what else there is stands beside its operation.
fn held(document: &Value) -> BTreeSet<String> {
    let mut held = BTreeSet::from(["Error".to_owned()]);
    for (_, schema) in members(&document["components"]["schemas"]) {
        words::held(schema, &mut held);
    }
    for (_, path) in members(&document["paths"]) {
        for (_, operation) in members(path) {
            words::held(&operation["parameters"], &mut held);
        }
    }
    held
}

impl Told<'_> {
    fn nouns(&self) -> Vec<Noun> {
        let tags = self.document["tags"].as_array().into_iter().flatten();
        let noun = |tag: &Value| {
            let name = text(tag, "name");
            Noun {
                slug: name.to_lowercase().replace(' ', "-"),
                about: text(tag, "description"),
                operations: self.operations(&name),
                name,
            }
        };
        tags.map(noun).collect()
    }

    fn operations(&self, noun: &str) -> Vec<Shown> {
        let mut all = vec![];
        for (path, methods) in members(&self.document["paths"]) {
            for (method, operation) in members(methods) {
                if operation["tags"][0] == noun {
                    all.push(self.shown((method, path), operation));
                }
            }
        }
        all
    }

    fn shown(&self, (method, path): (&str, &str), operation: &Value) -> Shown {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let body = Some(&operation["requestBody"]).filter(|body| body.is_object());
        let about = text(operation, "description");
        Shown {
            id: text(operation, "operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            about: about.split("\n\n").map(words::pieces).collect(),
            parameters: parameters.map(|one| self.parameter(one)).collect(),
            body: body.map(|body| self.part("Body", body)),
            replies: self.replies(operation),
            curl: sample::curl(self.document, (method, path), operation, self.base_url),
        }
    }

    fn parameter(&self, parameter: &Value) -> Field {
        let words = said(parameter);
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
            words: if words.is_empty() {
                said(resolved(self.document, schema))
            } else {
                words
            },
        }
    }

    /// The replies that are not errors of every operation; those are told once.
    fn replies(&self, operation: &Value) -> Vec<Part> {
        let all = members(&operation["responses"]);
        let own = all.filter(|(_, reply)| reply.get("$ref").is_none());
        own.map(|(status, reply)| self.part(status, reply))
            .collect()
    }

    fn part(&self, name: &str, part: &Value) -> Part {
        let content = members(&part["content"]).next();
        let (medium, schema) = match content {
            Some((medium, content)) => (medium, &content["schema"]),
            None => ("", &Value::Null),
        };
        let mut shown = Part {
            name: name.to_owned(),
            words: said(part),
            medium: medium.to_owned(),
            kind: vec![],
            shape: Shape::default(),
        };
        if medium == "application/json" {
            shown.kind = kind(schema);
            shown.shape = self.shape(schema);
        }
        for piece in &mut shown.kind {
            let is_told = |to: &String| self.types.contains(to.trim_start_matches("type-"));
            piece.to = piece.to.take().filter(is_told);
        }
        shown
    }

    /// What an object holds; of a list, what each of its objects holds.
    fn shape(&self, schema: &Value) -> Shape {
        let mut schema = resolved(self.document, schema);
        if schema["type"] == "array" {
            schema = resolved(self.document, &schema["items"]);
        }
        let several = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        let choice = |one: &Value| Choice {
            words: said(resolved(self.document, one)),
            kind: kind(one),
            fields: fields(resolved(self.document, one)),
        };
        Shape {
            fields: fields(schema),
            choices: several.into_iter().flatten().map(choice).collect(),
        }
    }

    fn types(&self) -> Vec<Type> {
        let schemas = members(&self.document["components"]["schemas"]);
        let shown = schemas.filter(|(name, _)| self.types.contains(*name));
        let of = |(name, schema): (&str, &Value)| {
            let shape = self.shape(schema);
            let kind = if shape.is_empty() {
                kind(schema)
            } else {
                vec![]
            };
            Type {
                name: name.to_owned(),
                words: said(schema),
                kind,
                shape,
            }
        };
        shown.map(of).collect()
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
        words: said(schema),
    };
    members(&schema["properties"]).map(field).collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flat_map(Map::iter);
    members.map(|(name, value)| (name.as_str(), value))
}
