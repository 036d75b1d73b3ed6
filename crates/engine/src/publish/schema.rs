//! JSON Schemas of documents (draft 2020-12 unless the schema names another): what a body must look like.
//! Never fetches a schema, and patterns run in linear time: a schema comes from outside, too.

use domain::document::SCHEMA_BYTES_MAX;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::EngineError;

/// References of a schema. Each may be followed by several: with n of them, checking one value takes up to
/// 3^(n/3) steps.
const REFERENCES_MAX: usize = 32;
/// Problems that a refusal names; one is rarely alone.
const PROBLEMS_NAMED_MAX: usize = 5;

/// A schema as it is stored; `None` for one that fits everything.
pub(super) fn written(schema: &Value) -> Result<Option<Box<str>>, EngineError> {
    let text = schema.to_string();
    if text.len() > SCHEMA_BYTES_MAX {
        let rule = format!("a schema has at most {SCHEMA_BYTES_MAX} bytes");
        return Err(EngineError::refused_at("schema", rule));
    }
    if references(schema) > REFERENCES_MAX {
        let rule = format!("a schema has at most {REFERENCES_MAX} references ($ref)");
        return Err(EngineError::refused_at("schema", rule));
    }
    validator(schema)?;
    let fits_everything = *schema == Value::Bool(true) || *schema == serde_json::json!({});
    Ok((!fits_everything).then(|| text.into()))
}

/// How often a schema refers to another part of it.
fn references(schema: &Value) -> usize {
    match schema {
        Value::Array(parts) => parts.iter().map(references).sum(),
        Value::Object(parts) => {
            let own = parts
                .keys()
                .filter(|key| key.ends_with("Ref") || *key == "$ref");
            own.count() + parts.values().map(references).sum::<usize>()
        }
        _ => 0,
    }
}

/// A stored schema, ready to check many bodies.
pub(super) struct Schema(Validator);

impl Schema {
    pub(super) fn read(json_schema: &str) -> Result<Self, EngineError> {
        let schema: Value =
            serde_json::from_str(json_schema).map_err(|e| EngineError::refused_at("schema", e))?;
        validator(&schema).map(Self)
    }

    /// Whether a body fits it.
    ///
    /// # Errors
    /// Names the first problems.
    pub(super) fn check(&self, body: &Value) -> Result<(), String> {
        let problems: Vec<String> = self
            .0
            .iter_errors(body)
            .take(PROBLEMS_NAMED_MAX)
            .map(|problem| match problem.instance_path().as_str() {
                // Without the value, which may be the whole document.
                "" => problem.masked().to_string(),
                at => format!("{at}: {}", problem.masked()),
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(format!(
            "the document does not fit its schema: {}",
            problems.join("; ")
        ))
    }
}

fn validator(schema: &Value) -> Result<Validator, EngineError> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|e| {
            EngineError::refused_at("schema", format!("this is no usable JSON Schema: {e}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_fits_its_schema_or_the_problem_is_named() {
        let schema = serde_json::json!({
            "type": "object",
            "required": ["pkce"],
            "properties": { "pkce": { "enum": ["optional", "required"] }, "port": { "type": "integer" } },
        });
        let schema = written(&schema).unwrap().unwrap();
        let check = |body: &str| {
            let schema = Schema::read(&schema).unwrap();
            schema.check(&serde_json::from_str(body).unwrap())
        };
        assert!(check(r#"{"pkce": "required"}"#).is_ok());
        for (body, named) in [
            (r#"{}"#, "pkce"),
            (r#"{"pkce": "perhaps"}"#, "/pkce"),
            (r#"{"pkce": "required", "port": "80"}"#, "/port"),
            (r#"[]"#, "object"),
        ] {
            let refused = check(body).unwrap_err();
            assert!(refused.contains(named), "{body}: {refused}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused_and_true_is_none() {
        for bad in [
            serde_json::json!({"type": "thing"}),
            serde_json::json!({"$ref": "https://schemas.example/other.json"}),
            serde_json::json!({"pattern": "(?=a)"}),
            serde_json::json!(3),
        ] {
            assert!(written(&bad).is_err(), "{bad}");
        }
        let wide = serde_json::json!({"allOf": vec![serde_json::json!({"$ref": "#/$defs/a"}); 33],
            "$defs": {"a": true}});
        assert!(written(&wide).is_err());
        let long = serde_json::json!({"title": "x".repeat(SCHEMA_BYTES_MAX)});
        assert!(written(&long).is_err());
        for everything in [serde_json::json!(true), serde_json::json!({})] {
            assert_eq!(written(&everything).unwrap(), None);
        }
    }
}
