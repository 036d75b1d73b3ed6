//! Schemas in words. Never decides what is a schema of what.

use std::collections::BTreeSet;

use serde_json::Value;

const PLACE: &str = "#/components/schemas/";

/// A piece of words about a type; a type that is named leads to where it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) to: Option<String>,
    /// Whether it is meant for machines.
    pub(super) code: bool,
}

fn piece(text: impl Into<String>, code: bool) -> Piece {
    Piece {
        text: text.into(),
        to: None,
        code,
    }
}

fn plain(text: impl Into<String>) -> Vec<Piece> {
    vec![piece(text, false)]
}

/// What a part of the document is described as.
pub(super) fn said(value: &Value) -> Vec<Piece> {
    pieces(value["description"].as_str().unwrap_or_default())
}

/// Words, with what stands between backticks apart.
pub(super) fn pieces(words: &str) -> Vec<Piece> {
    let parts = words.split('`').enumerate();
    let parts = parts.filter(|(_, part)| !part.is_empty());
    parts.map(|(at, part)| piece(part, at % 2 == 1)).collect()
}

/// A member that is text; empty without one.
pub(super) fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

/// The name of the type that a schema refers to.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(PLACE)
}

/// The schema, or the one that it refers to.
pub(super) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match named(schema) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}

/// What values of a schema are, in a few words.
pub(super) fn kind(schema: &Value) -> Vec<Piece> {
    if let Some(name) = named(schema) {
        let to = Some(format!("type-{name}"));
        return vec![Piece {
            to,
            ..piece(name, false)
        }];
    }
    if let Some(value) = schema.get("const") {
        return vec![piece(value.to_string(), true)];
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|one| vec![piece(one.to_string(), true)]);
        return joined(values, " or ");
    }
    let several = ["anyOf", "oneOf", "allOf"];
    let several = several
        .into_iter()
        .find_map(|several| schema[several].as_array());
    if let Some(all) = several.filter(|_| schema.get("properties").is_none()) {
        return joined(all.iter().map(kind), " or ");
    }
    match &schema["type"] {
        Value::Array(types) => {
            let one = |one: &Value| {
                let mut schema = schema.clone();
                schema["type"] = one.clone();
                kind(&schema)
            };
            joined(types.iter().map(one), " or ")
        }
        Value::String(one) => of_type(one, schema),
        _ => plain("any JSON"),
    }
}

fn of_type(one: &str, schema: &Value) -> Vec<Piece> {
    match one {
        "array" => list(schema),
        "object" => match schema.get("additionalProperties") {
            Some(values) if values.is_object() => {
                let of = plain("object of ").into_iter();
                of.chain(kind(values)).collect()
            }
            _ => plain("object"),
        },
        "string" => plain(match schema["format"].as_str() {
            Some("date-time") => "moment",
            Some("date") => "day",
            Some("uuid") => "identifier",
            Some("email") => "e-mail address",
            Some("uri") => "URL",
            _ => "text",
        }),
        "integer" => plain("whole number"),
        "boolean" => plain("true or false"),
        other => plain(other),
    }
}

fn list(schema: &Value) -> Vec<Piece> {
    if let Some(parts) = schema["prefixItems"].as_array() {
        let parts = joined(parts.iter().map(kind), ", ");
        return plain("list: ").into_iter().chain(parts).collect();
    }
    let of = plain("list of ").into_iter();
    of.chain(kind(&schema["items"])).collect()
}

fn joined(all: impl Iterator<Item = Vec<Piece>>, by: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = vec![];
    for one in all {
        if !pieces.is_empty() {
            pieces.extend(plain(by));
        }
        pieces.extend(one);
    }
    pieces
}

/// Adds the names of the types that a value refers to.
pub(super) fn held(value: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = named(value) {
        names.insert(name.to_owned());
    }
    match value {
        Value::Object(members) => members.values().for_each(|one| held(one, names)),
        Value::Array(all) => all.iter().for_each(|one| held(one, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_are_told_in_a_few_words() {
        for (schema, words) in [
            (json!({}), "any JSON"),
            (json!({"type": "string", "format": "date-time"}), "moment"),
            (json!({"type": ["string", "null"]}), "text or null"),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/Zone"}}),
                "list of Zone",
            ),
            (
                json!({"anyOf": [{"$ref": "#/components/schemas/Zone"}, {"type": "null"}]}),
                "Zone or null",
            ),
            (
                json!({"enum": ["a", "b"], "type": "string"}),
                r#""a" or "b""#,
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}}),
                "object of whole number",
            ),
        ] {
            let told: Vec<_> = kind(&schema).into_iter().map(|piece| piece.text).collect();
            assert_eq!(told.concat(), words, "{schema}");
        }
    }
}
