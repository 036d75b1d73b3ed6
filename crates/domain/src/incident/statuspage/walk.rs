//! Walks through JSON that others wrote, and knows where it is when something is wrong.

use jiff::Timestamp;
use serde_json::Value;

use super::Problem;
use crate::incident::backfill::TITLE_CHARACTERS_MAX;
use crate::text::{is_blank, shown};

/// What is found where nothing is.
const NOTHING: &Value = &Value::Null;

/// A value and where it stands, such as `incidents[3].id`.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) at: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            at: String::new(),
        }
    }

    /// A field; nothing where there is none.
    pub(super) fn get(&self, field: &str) -> Node<'a> {
        let at = if self.at.is_empty() {
            field.to_owned()
        } else {
            format!("{}.{field}", self.at)
        };
        Node {
            value: self.value.get(field).unwrap_or(NOTHING),
            at,
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.value.is_null()
    }

    pub(super) fn problem(&self, reason: impl Into<String>) -> Problem {
        Problem {
            at: self.at.clone(),
            reason: reason.into(),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, Problem> {
        let listed = self.value.as_array();
        let listed = listed.ok_or_else(|| self.expected("a list"))?;
        let item = |(place, value)| Node {
            value,
            at: format!("{}[{place}]", self.at),
        };
        Ok(listed.iter().enumerate().map(item).collect())
    }

    /// A word, if it is text.
    pub(super) fn word(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A text; `None` where there is none.
    pub(super) fn optional_text(&self) -> Result<Option<&'a str>, Problem> {
        match self.value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(self.expected("a text")),
        }
    }

    /// One line that says something; control characters are spaces.
    pub(super) fn line(&self, characters_max: usize) -> Result<String, Problem> {
        let text = self.word().ok_or_else(|| self.expected("a text"))?;
        let plain = text.replace(char::is_control, " ");
        let plain = plain.trim();
        let characters = plain.chars().count();
        if is_blank(plain) {
            return Err(self.problem("it is empty"));
        }
        if characters > characters_max {
            let reason = format!("it has {characters} characters; {characters_max} are allowed");
            return Err(self.problem(reason));
        }
        Ok(plain.to_owned())
    }

    /// As [`Node::line`]; `None` where there is none.
    pub(super) fn optional_line(&self) -> Result<Option<String>, Problem> {
        if self.is_nothing() {
            return Ok(None);
        }
        self.line(TITLE_CHARACTERS_MAX).map(Some)
    }

    /// A moment.
    pub(super) fn moment(&self) -> Result<Timestamp, Problem> {
        let example = "a moment such as 2023-07-11T16:00:00.000-05:00";
        let text = self.word().ok_or_else(|| self.expected(example))?;
        text.parse()
            .map_err(|_| self.problem(format!("{} is not {example}", shown(text))))
    }

    fn expected(&self, what: &str) -> Problem {
        let found = match self.value {
            Value::Null => "nothing is there",
            Value::Bool(_) => "this is true or false",
            Value::Number(_) => "this is a number",
            Value::String(_) => "this is a text",
            Value::Array(_) => "this is a list",
            Value::Object(_) => "this is an object",
        };
        self.problem(format!("{what} is expected, and {found}"))
    }
}
