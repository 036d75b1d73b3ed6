//! A template as somebody writes it: checked, it becomes one that posts can be made from.

use super::{BadTemplate, Kind, Placeholder, Template, Value};
use crate::incident::{PromiseKind, Stage, TEXT_CHARACTERS_MAX};
use crate::text::{has_controls, is_blank};

/// The longest name of a template or a gap, in characters.
pub const NAME_CHARACTERS_MAX: usize = 60;
/// The most gaps of a template.
pub const GAPS_MAX: usize = 20;

/// A template, as somebody wants it.
#[derive(
    Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// The text: `{gap}`, and `[[…]]` around a sentence that is left out when a gap in it is open.
    pub text: String,
    /// Its gaps.
    #[serde(default)]
    pub placeholders: Vec<NewPlaceholder>,
    /// The state it suggests; none leaves the incident where it is.
    #[serde(default)]
    pub state: Option<Stage>,
    /// What it promises, and the gap that says how soon.
    #[serde(default)]
    pub promise: Option<(PromiseKind, String)>,
}

/// A gap, as somebody wants it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlaceholder {
    /// Its name in the text: letters, digits and `_`.
    pub name: String,
    /// What it takes.
    pub kind: Kind,
    /// Whether it must be filled.
    #[serde(default)]
    pub required: bool,
    /// What stands there unless it is filled, as it would be given.
    #[serde(default)]
    pub default: Option<serde_json::Value>,
    /// Of the length by which the template promises: the calendar that it is counted on, by name,
    /// unless the update names one; the default one without.
    #[serde(default)]
    pub calendar: Option<String>,
}

impl NewTemplate {
    /// The template, as version `version` of `name`.
    ///
    /// # Errors
    /// Names what does not fit.
    pub fn check(self, name: &str, version: u32) -> Result<Template, BadTemplate> {
        let bad = |why: String| BadTemplate::Unfit(name.to_owned(), why);
        if !is_name(name) {
            let rule = format!("a name has 1 to {NAME_CHARACTERS_MAX} characters on one line");
            return Err(bad(rule));
        }
        let long = self.text.chars().count() > TEXT_CHARACTERS_MAX;
        if long || is_blank(&self.text) || has_controls(&self.text) {
            let rule =
                format!("a text says something, in at most {TEXT_CHARACTERS_MAX} characters");
            return Err(bad(rule));
        }
        if self.placeholders.len() > GAPS_MAX {
            return Err(bad(format!("it has more than {GAPS_MAX} gaps")));
        }
        if let Some(Stage::Proposed | Stage::Dismissed | Stage::Scheduled) = self.state {
            return Err(bad(
                "no post makes an incident proposed, dismissed or scheduled".into(),
            ));
        }
        let gaps = self.placeholders.into_iter().map(NewPlaceholder::check);
        let placeholders = gaps.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let mut names: Vec<_> = placeholders.iter().map(|one| &one.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(bad(format!("it describes the gap {:?} twice", twice[0])));
        }
        let template = Template {
            name: name.to_owned(),
            version,
            text: self.text,
            placeholders,
            state: self.state,
            promise: self.promise,
        };
        template.check()
    }
}

impl NewPlaceholder {
    fn check(self) -> Result<Placeholder, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !is_name(&self.name) || !self.name.chars().all(is_plain) {
            let name = crate::text::shown(&self.name);
            return Err(format!(
                "a gap is named with letters, digits and _, not {name}"
            ));
        }
        let default =
            match &self.default {
                None => None,
                Some(json) => Some(Value::read(self.kind, json).ok_or_else(|| {
                    format!("the default of {:?} must be {}", self.name, self.kind)
                })?),
            };
        Ok(Placeholder {
            name: self.name,
            kind: self.kind,
            required: self.required,
            default,
            calendar: self.calendar,
        })
    }
}

fn is_name(name: &str) -> bool {
    let fits = name.chars().count() <= NAME_CHARACTERS_MAX && name.trim() == name;
    fits && !is_blank(name) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, json: &str, expected: Result<(), &str>) {
        let new: NewTemplate = serde_json::from_str(json).unwrap();
        let found = new.check(name, 1).map(drop).map_err(|bad| bad.to_string());
        match (found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(says)) if found.contains(says) => {}
            (found, expected) => panic!("{json}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        check("Word", r#"{"text": "We look into it."}"#, Ok(()));
        check(
            "Until",
            r#"{"text": "Back {when} on {sites}.", "placeholders": [
                {"name": "when", "kind": "date_time", "required": true},
                {"name": "sites", "kind": "site_list", "default": ["a.example"]}]}"#,
            Ok(()),
        );
        check("", r#"{"text": "a"}"#, Err("a name has 1 to 60 characters"));
        check("A", r#"{"text": " "}"#, Err("a text says something"));
        check("A", r#"{"text": "{x}"}"#, Err("without describing it"));
        check(
            "A",
            r#"{"text": "{x}", "placeholders": [{"name": "x", "kind": "text", "default": ""}]}"#,
            Err("the default of \"x\" must be 1 to 500 characters"),
        );
        check(
            "A",
            r#"{"text": "{x}", "placeholders": [{"name": "x", "kind": "text"}, {"name": "x", "kind": "text"}]}"#,
            Err("describes the gap \"x\" twice"),
        );
        check(
            "A",
            r#"{"text": "{x y}", "placeholders": [{"name": "x y", "kind": "text"}]}"#,
            Err("letters, digits and _"),
        );
        check(
            "A",
            r#"{"text": "{x}", "placeholders": [{"name": "x", "kind": "text"}], "promise": ["report", "x"]}"#,
            Err("is not a required or defaulted duration"),
        );
        check(
            "Soon",
            r#"{"text": "{x}", "placeholders": [{"name": "x", "kind": "duration", "calendar": "Ohio"}], "promise": ["report", "x"]}"#,
            Ok(()),
        );
        for kind in ["text", "duration"] {
            check(
                "A",
                &format!(
                    r#"{{"text": "{{x}}", "placeholders": [{{"name": "x", "kind": "{kind}", "calendar": "Ohio"}}]}}"#
                ),
                Err("leave the calendar out, or promise by this gap"),
            );
        }
        check(
            "A",
            r#"{"text": "a", "state": "dismissed"}"#,
            Err("proposed, dismissed or scheduled"),
        );
    }
}
