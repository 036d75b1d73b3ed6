//! Files of the product whose functions nobody else may call, as they are there, and the little of their
//! crates that they ask for.
#![allow(dead_code, reason = "a target calls some of what these files hold")]
#![allow(
    unreachable_pub,
    reason = "these files are public in a crate of their own"
)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

#[path = "../../crates/engine/src/calendar/holidays.rs"]
mod holidays;
#[path = "../../crates/web/src/pages/prose.rs"]
pub(crate) mod prose;
#[path = "../../crates/engine/src/publish/schema.rs"]
mod schema;

/// The holidays of an iCalendar file.
pub(crate) fn holidays_of(file: &str) -> Result<BTreeMap<Date, String>, String> {
    holidays::read(file).map(|read| read.days)
}

/// A JSON Schema as it is stored; `None` for one that is refused or fits everything.
pub(crate) fn stored_schema(schema: &Value) -> Option<Box<str>> {
    schema::written(schema).ok().flatten()
}

/// Whether a body fits a stored schema.
pub(crate) fn fits(schema: &str, body: &Value) -> Result<(), String> {
    let schema = schema::Schema::read(schema).map_err(|e| e.0)?;
    schema.check(body)
}

/// Stands for the engine's.
#[derive(Debug)]
pub(crate) struct EngineError(String);

impl EngineError {
    pub(crate) fn refused_at(at: &str, why: impl ToString) -> Self {
        Self(format!("{at}: {}", why.to_string()))
    }
}

/// Stands for the language of the request that a page answers.
pub(crate) mod language {
    use domain::language::Language;

    pub(crate) fn here() -> Language {
        Language::English
    }

    pub(crate) fn say(key: &str) -> String {
        key.to_owned()
    }
}
