//! An example of each operation: a command that could be typed.

use serde_json::{Map, Value, json};

use super::members;
use super::words::{resolved, text};

/// How deep an example goes: types may hold themselves.
const DEPTH_MAX: u32 = 6;

/// A call with what must be given, and nothing else.
pub(super) fn curl(
    document: &Value,
    (method, path): (&str, &str),
    operation: &Value,
    base_url: &str,
) -> String {
    let mut lines = vec!["curl".to_owned()];
    if operation["security"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        lines.push("-H 'Authorization: Bearer lmp_…'".into());
    }
    if method != "get" {
        lines.push(format!("-X {}", method.to_uppercase()));
    }
    let content = members(&operation["requestBody"]["content"]).next();
    if let Some((medium, content)) = content {
        lines.push(format!("-H 'Content-Type: {medium}'"));
        lines.push(match medium {
            "application/json" => {
                let body = of(document, &content["schema"], 0).to_string();
                format!("-d '{}'", body.replace('\'', "'\\''"))
            }
            _ => "--data-binary @file.csv".into(),
        });
    }
    let target = target(document, path, operation);
    lines.push(format!("'{base_url}{target}'"));
    lines.join(" \\\n  ")
}

/// The path and query, filled.
fn target(document: &Value, path: &str, operation: &Value) -> String {
    let mut target = path.to_owned();
    let mut joint = '?';
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    for parameter in parameters.filter(|one| one["required"] == true) {
        let name = text(parameter, "name");
        let value = match of(document, &parameter["schema"], 0) {
            Value::String(value) if value == "…" => name.to_uppercase(),
            Value::String(value) => value,
            other => other.to_string(),
        };
        if parameter["in"] == "path" {
            target = target.replace(&format!("{{{name}}}"), &value);
        } else {
            target.push(joint);
            target.push_str(&format!("{name}={value}"));
            joint = '&';
        }
    }
    target
}

/// A value that fits a schema, as far as examples tell.
fn of(document: &Value, schema: &Value, depth: u32) -> Value {
    let schema = resolved(document, schema);
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    if let Some(first) = schema["examples"].get(0) {
        return first.clone();
    }
    if let Some(only) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return only.clone();
    }
    let choice = schema["oneOf"].get(0).or_else(|| schema["anyOf"].get(0));
    let object = object(document, schema, depth);
    match choice.map(|first| of(document, first, depth + 1)) {
        Some(Value::Object(more)) => json!(object.into_iter().chain(more).collect::<Map<_, _>>()),
        Some(other) if object.is_empty() => other,
        _ => of_type(document, schema, (object, depth)),
    }
}

fn object(document: &Value, schema: &Value, depth: u32) -> Map<String, Value> {
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let given =
        members(&schema["properties"]).filter(|(name, _)| required.iter().any(|one| one == name));
    given
        .map(|(name, schema)| (name.to_owned(), of(document, schema, depth + 1)))
        .collect()
}

fn of_type(document: &Value, schema: &Value, (object, depth): (Map<String, Value>, u32)) -> Value {
    let one = schema["type"]
        .as_str()
        .or_else(|| schema["type"][0].as_str());
    match one {
        Some("string") => json!(match schema["format"].as_str() {
            Some("date-time") => "2023-07-11T21:00:00Z",
            Some("date") => "2023-07-20",
            Some("uuid") => "01894a3e-7a00-7000-8000-000000000000",
            Some("email") => "ada@example.org",
            Some("uri") => "https://example.org/",
            // What must look like something has an example, but for versions.
            _ if schema.get("pattern").is_some() => "1.0.0",
            _ => "…",
        }),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        Some("array") => match schema["prefixItems"].as_array() {
            Some(parts) => parts
                .iter()
                .map(|one| of(document, one, depth + 1))
                .collect(),
            None => json!([of(document, &schema["items"], depth + 1)]),
        },
        Some("null") => Value::Null,
        _ => json!(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_bodies_fit_their_schemas() {
        let document = crate::open_api::document();
        let operations = members(&document["paths"]).flat_map(|(_, path)| members(path));
        let mut tried = 0;
        for (_, operation) in operations {
            let content = &operation["requestBody"]["content"]["application/json"];
            let Some(schema) = content.get("schema") else {
                continue;
            };
            let example = of(document, schema, 0);
            let mut schema = schema.clone();
            schema["components"] = document["components"].clone();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let wrong: Vec<_> = validator.iter_errors(&example).collect();
            assert!(wrong.is_empty(), "{operation:#}: {wrong:#?} in {example:#}");
            tried += 1;
        }
        assert!(tried > 20, "only {tried} bodies were tried");
    }
}
