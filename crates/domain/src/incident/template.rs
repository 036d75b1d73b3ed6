//! Templates: posts with typed gaps, so that no post leaves with a gap open or a date for a name.
//! Decides texts and what they promise. Never posts.

mod draft;
mod moment;
mod text;
mod value;

use std::collections::BTreeMap;

pub use draft::{GAPS_MAX, NAME_CHARACTERS_MAX, NewPlaceholder, NewTemplate};
pub use moment::{read_as, read_in, written, written_day};
pub use value::{Kind, Value};

use super::{PromiseKind, Stage};
use crate::calendar::Length;
use crate::language::Language;
use crate::name::Hostname;
use crate::text::shown;

/// A post with gaps.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Template {
    /// Its name, such as "Fix Implemented".
    pub name: String,
    /// Grows with every change of its text.
    pub version: u32,
    /// The text: `{gap}`, and `[[…]]` around a sentence that is left out when a gap in it is open.
    pub text: String,
    /// Its gaps.
    pub placeholders: Vec<Placeholder>,
    /// The state it suggests; none leaves the incident where it is.
    pub state: Option<Stage>,
    /// What it promises, and the gap that says how soon: text and clock cannot disagree.
    pub promise: Option<(PromiseKind, String)>,
}

/// A gap.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Placeholder {
    /// Its name in the text.
    pub name: String,
    /// What it takes.
    pub kind: Kind,
    /// Whether it must be filled.
    pub required: bool,
    /// What stands there unless it is filled.
    pub default: Option<Value>,
    /// Of the length by which the template promises: the calendar that it is counted on, by name,
    /// unless the update names one; the default one without.
    pub calendar: Option<String>,
}

/// Why a template was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// A brace or bracket has no partner.
    #[error("template {} has an unclosed {:?}", shown(.0), .1)]
    Unclosed(String, &'static str),
    /// The text has a gap that is not described.
    #[error("template {} uses the gap {} without describing it", shown(.0), shown(.1))]
    Undescribed(String, String),
    /// A gap is described that the text does not have.
    #[error("template {} describes the gap {} without using it", shown(.0), shown(.1))]
    Unused(String, String),
    /// Something else about it does not fit.
    #[error("template {} cannot be kept: {}", shown(.0), .1)]
    Unfit(String, String),
    /// The promise names no gap for a length.
    #[error(
        "template {} promises by the gap {}, which is not a required or defaulted duration", shown(.0), shown(.1)
    )]
    PromiseWithoutLength(String, String),
    /// A calendar would count nothing.
    #[error(
        "the gap {} of template {} names a calendar, which counts only the length by which the template promises: leave the calendar out, or promise by this gap",
        shown(.1),
        shown(.0)
    )]
    CalendarWithoutPromise(String, String),
}

/// What is wrong with one gap of a post.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGap {
    /// A required gap is open.
    #[error("{name:?} is required: give {kind}")]
    Open {
        /// The gap.
        name: String,
        /// What it takes.
        kind: Kind,
    },
    /// The template has no such gap.
    #[error("{name:?} is not in this template; it has {has}")]
    Unknown {
        /// What was given.
        name: String,
        /// The gaps there are.
        has: String,
    },
    /// The value is of another type.
    #[error("{name:?} must be {kind}, not {given}")]
    WrongType {
        /// The gap.
        name: String,
        /// What it takes.
        kind: Kind,
        /// What was given, cut short.
        given: String,
    },
}

/// Everything that is wrong with the values for a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct BadGaps(pub Vec<BadGap>);

/// A post made from a template.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Filled {
    /// The text that customers read.
    pub body: String,
    /// What it promises, and how soon.
    pub promise: Option<(PromiseKind, Length)>,
    /// The calendar that this is counted on, by name, unless the update names one.
    pub calendar: Option<String>,
    /// The sites that it names, which must be there.
    pub sites: Vec<Hostname>,
}

impl Template {
    /// Checks a template: every gap is described once and used.
    ///
    /// # Errors
    /// Names the gap or bracket that does not fit.
    pub fn check(self) -> Result<Self, BadTemplate> {
        let named = |what: &'static str| BadTemplate::Unclosed(self.name.clone(), what);
        let pieces = text::parse(&self.text).map_err(named)?;
        let used = text::gaps(&pieces);
        let described = |name: &str| self.placeholders.iter().find(|one| one.name == name);
        if let Some(gap) = used.iter().find(|gap| described(gap).is_none()) {
            return Err(BadTemplate::Undescribed(
                self.name.clone(),
                (*gap).to_owned(),
            ));
        }
        if let Some(one) = self
            .placeholders
            .iter()
            .find(|one| !used.contains(&one.name.as_str()))
        {
            return Err(BadTemplate::Unused(self.name.clone(), one.name.clone()));
        }
        let promises_by = |one: &Placeholder| {
            let gap = self.promise.as_ref().map(|(_, gap)| gap);
            gap == Some(&one.name) && one.kind == Kind::Duration
        };
        let mut counted = self
            .placeholders
            .iter()
            .filter(|one| one.calendar.is_some());
        if let Some(one) = counted.find(|one| !promises_by(one)) {
            return Err(BadTemplate::CalendarWithoutPromise(
                self.name.clone(),
                one.name.clone(),
            ));
        }
        match &self.promise {
            Some((_, gap)) if described(gap).is_none_or(|one| one.kind != Kind::Duration) => Err(
                BadTemplate::PromiseWithoutLength(self.name.clone(), gap.clone()),
            ),
            _ => Ok(self),
        }
    }

    /// The calendar that its promise is counted on, by name, unless the update names one; none for the
    /// default one.
    #[must_use]
    pub fn calendar(&self) -> Option<&str> {
        let (_, gap) = self.promise.as_ref()?;
        let gap = self.placeholders.iter().find(|one| one.name == *gap)?;
        gap.calendar.as_deref()
    }

    /// Fills the gaps from JSON values by name. What this gives is what is posted: the preview of a
    /// post is this call. Moments in it are marks, for [`read_in`].
    ///
    /// # Errors
    /// Names every gap that is open, unknown or of the wrong type.
    pub fn fill(
        &self,
        values: &BTreeMap<String, serde_json::Value>,
        language: Language,
    ) -> Result<Filled, BadGaps> {
        let values = self.read(values)?;
        let pieces = text::parse(&self.text).unwrap_or_default();
        let body = text::render(&pieces, &|gap| {
            values.get(gap).map(|value| value.render(language))
        });
        let promise =
            self.promise
                .as_ref()
                .and_then(|(kind, gap)| match values.get(gap.as_str()) {
                    Some(Value::Duration(length)) => Some((*kind, *length)),
                    _ => None,
                });
        let sites = values.values().filter_map(|value| match value {
            Value::SiteList(names) => Some(names.clone()),
            _ => None,
        });
        Ok(Filled {
            body,
            calendar: promise.and(self.calendar()).map(str::to_owned),
            promise,
            sites: sites.flatten().collect(),
        })
    }

    /// Types every value, and puts defaults where none was given.
    fn read<'a>(
        &'a self,
        given: &'a BTreeMap<String, serde_json::Value>,
    ) -> Result<BTreeMap<&'a str, Value>, BadGaps> {
        let mut bad: Vec<_> = given.keys().filter_map(|name| self.unknown(name)).collect();
        let mut values = BTreeMap::new();
        for one in &self.placeholders {
            match one.read(given.get(&one.name)) {
                Ok(Some(value)) => drop(values.insert(one.name.as_str(), value)),
                Ok(None) => {}
                Err(gap) => bad.push(gap),
            }
        }
        if bad.is_empty() {
            Ok(values)
        } else {
            Err(BadGaps(bad))
        }
    }

    fn unknown(&self, name: &str) -> Option<BadGap> {
        let names = || self.placeholders.iter().map(|one| one.name.as_str());
        let has = names().collect::<Vec<_>>().join(", ");
        (!names().any(|known| known == name)).then(|| BadGap::Unknown {
            name: name.into(),
            has,
        })
    }
}

impl Placeholder {
    /// A gap that may stay open.
    #[must_use]
    pub fn optional(name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            required: false,
            default: None,
            calendar: None,
        }
    }

    /// A gap that must be filled.
    #[must_use]
    pub fn required(name: &str, kind: Kind) -> Self {
        Self {
            required: true,
            ..Self::optional(name, kind)
        }
    }

    /// A gap that holds `value` unless it is filled.
    #[must_use]
    pub fn with_default(name: &str, value: Value) -> Self {
        Self {
            kind: value.kind(),
            default: Some(value),
            ..Self::optional(name, Kind::Text)
        }
    }

    fn read(&self, given: Option<&serde_json::Value>) -> Result<Option<Value>, BadGap> {
        let name = || self.name.clone();
        match given.filter(|value| !value.is_null()) {
            Some(value) => match Value::read(self.kind, value) {
                Some(value) => Ok(Some(value)),
                None => {
                    let given = value.to_string().chars().take(80).collect();
                    Err(BadGap::WrongType {
                        name: name(),
                        kind: self.kind,
                        given,
                    })
                }
            },
            None if self.required && self.default.is_none() => Err(BadGap::Open {
                name: name(),
                kind: self.kind,
            }),
            None => Ok(self.default.clone()),
        }
    }
}
