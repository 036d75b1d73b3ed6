//! The schemas of the types that the API reads and writes, under one name each.
//!
//! A type may be read more leniently than it is written: fields with defaults may be left out. Where
//! the two differ, what is read is called `…Input`.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Sheet;

const PLACE: &str = "/components/schemas";
/// Stands for [`PLACE`] in what is read, until it is known which names differ.
const INPUT_PLACE: &str = "/components/inputs";

/// Collects schemas.
pub(super) struct Schemas {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = |place: &str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = place.to_owned().into();
                settings.meta_schema = None;
            })
        };
        Self {
            inputs: settings(INPUT_PLACE).for_deserialize().into_generator(),
            outputs: settings(PLACE).for_serialize().into_generator(),
        }
    }

    /// A sheet for one operation.
    pub(super) fn sheet(&mut self) -> Sheet<'_> {
        Sheet::new(&mut self.inputs, &mut self.outputs)
    }

    /// The schemas by name; references of the document to what is read are led there.
    pub(super) fn finish(mut self, document: &mut Value) -> Value {
        let mut inputs = self.inputs.take_definitions(true);
        let mut all = self.outputs.take_definitions(true);
        let apart = apart(&inputs, &all);
        inputs.values_mut().for_each(|schema| lead(schema, &apart));
        lead(document, &apart);
        say_plainly(document);
        for (name, schema) in inputs {
            all.insert(named(&name, &apart), schema);
        }
        let mut all = Value::Object(all);
        say_plainly(&mut all);
        all
    }
}

/// The names of types that are read in another way than they are written: by themselves, or by what
/// they hold.
fn apart(inputs: &Map<String, Value>, outputs: &Map<String, Value>) -> BTreeSet<String> {
    let mut apart = BTreeSet::new();
    loop {
        let before = apart.len();
        for (name, input) in inputs {
            let mut input = input.clone();
            lead(&mut input, &apart);
            if outputs.get(name).is_some_and(|output| *output != input) {
                apart.insert(name.clone());
            }
        }
        if apart.len() == before {
            return apart;
        }
    }
}

fn named(name: &str, apart: &BTreeSet<String>) -> String {
    if apart.contains(name) {
        format!("{name}Input")
    } else {
        name.to_owned()
    }
}

/// Leads references to what is read to its name.
fn lead(schema: &mut Value, apart: &BTreeSet<String>) {
    each(schema, &mut |key, value| {
        let Value::String(to) = value else { return };
        let name = to
            .strip_prefix('#')
            .and_then(|to| to.strip_prefix(INPUT_PLACE));
        if let (Some(name), "$ref") = (name, key) {
            *to = format!("#{PLACE}/{}", named(name.trim_start_matches('/'), apart));
        }
    });
}

/// Descriptions come from the code's comments: their links lead nowhere here, and their lines break
/// where the code's do.
fn say_plainly(schema: &mut Value) {
    each(schema, &mut |key, value| {
        if let (Value::String(words), "description") = (value, key) {
            let paragraphs = words.split("\n\n").map(|one| one.replace('\n', " "));
            let paragraphs: Vec<_> = paragraphs.collect();
            let plain = paragraphs.join("\n\n");
            *words = plain.replace("[`", "`").replace("`]", "`");
        }
    });
}

fn each(value: &mut Value, act: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                act(key, value);
                each(value, act);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| each(value, act)),
        _ => {}
    }
}

/// The schema of a value that is there: a parameter that is left out is not `null`.
pub(super) fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &**types {
            schema["type"] = one.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|one| one.get("type") != Some(&"null".into()));
        if let [Value::Object(one)] = &**choices {
            let one = one.clone();
            if let Value::Object(members) = &mut schema {
                members.remove("anyOf");
                members.extend(one);
            }
        }
    }
    schema
}
