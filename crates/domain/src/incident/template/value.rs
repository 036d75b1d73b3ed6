//! What a gap takes, and how it is written.

use std::fmt;

use jiff::Timestamp;

use crate::calendar::Length;
use crate::language::Language;
use crate::name::{Hostname, ProductName};
use crate::text::{grouped, has_controls, is_blank};

/// The longest text of a gap, in characters.
const TEXT_CHARACTERS_MAX: usize = 500;
/// The longest text of several lines, in characters.
const LONG_TEXT_CHARACTERS_MAX: usize = 5_000;
/// The most sites that a list takes, and the most that it names; the others are counted.
const SITES_MAX: usize = 5_000;
const SITES_NAMED_MAX: usize = 50;

/// What a gap takes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlaceholderKind")]
pub enum Kind {
    /// A length such as "24 business hours".
    Duration,
    /// A moment.
    DateTime,
    /// A length or a moment: when something is expected.
    Timeline,
    /// Words.
    Text,
    /// Words on several lines: Markdown.
    LongText,
    /// Products of the vendor.
    ProductList,
    /// Sites, by host name.
    SiteList,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Duration,
        Self::DateTime,
        Self::Timeline,
        Self::Text,
        Self::LongText,
        Self::ProductList,
        Self::SiteList,
    ];

    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::DateTime => "date_time",
            Self::Timeline => "timeline",
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::ProductList => "product_list",
            Self::SiteList => "site_list",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether a value of it is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::ProductList | Self::SiteList)
    }
}

/// What stands in a gap.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "PlaceholderValue")]
pub enum Value {
    /// A length.
    Duration(Length),
    /// A moment.
    DateTime(#[schemars(with = "crate::schema::Moment")] Timestamp),
    /// When something is expected, as a length.
    Within(Length),
    /// When something is expected, as a moment.
    By(#[schemars(with = "crate::schema::Moment")] Timestamp),
    /// Words.
    Text(String),
    /// Words on several lines.
    LongText(String),
    /// At least one product.
    ProductList(Vec<ProductName>),
    /// At least one site.
    SiteList(Vec<Hostname>),
}

impl Value {
    /// Reads JSON as a gap's kind: a length as `{"amount":24,"unit":"business_hours"}` or
    /// "24 business hours", a moment as RFC 3339, products and sites as a list of names. `None` when
    /// it does not fit.
    #[must_use]
    pub fn read(kind: Kind, json: &serde_json::Value) -> Option<Self> {
        match kind {
            Kind::Duration => length(json).map(Self::Duration),
            Kind::DateTime => moment(json).map(Self::DateTime),
            Kind::Timeline => length(json)
                .map(Self::Within)
                .or_else(|| moment(json).map(Self::By)),
            Kind::Text => words(json).map(Self::Text),
            Kind::LongText => lines(json).map(Self::LongText),
            Kind::SiteList => {
                let names: Vec<Hostname> = serde_json::from_value(json.clone()).ok()?;
                (1..=SITES_MAX)
                    .contains(&names.len())
                    .then_some(Self::SiteList(names))
            }
            Kind::ProductList => {
                let names: Vec<ProductName> = serde_json::from_value(json.clone()).ok()?;
                (!names.is_empty()).then_some(Self::ProductList(names))
            }
        }
    }

    /// What kind of gap it fits.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Duration(_) => Kind::Duration,
            Self::DateTime(_) => Kind::DateTime,
            Self::Within(_) | Self::By(_) => Kind::Timeline,
            Self::Text(_) => Kind::Text,
            Self::LongText(_) => Kind::LongText,
            Self::ProductList(_) => Kind::ProductList,
            Self::SiteList(_) => Kind::SiteList,
        }
    }

    /// As a post holds it: moments as marks, which [`super::read_in`] writes in the reader's zone.
    #[must_use]
    pub fn render(&self, language: Language) -> String {
        let is_english = language == Language::English;
        match self {
            Self::Duration(length) => length.in_words(language),
            Self::DateTime(moment) => super::moment::mark(*moment),
            Self::Within(length) if is_english => format!("within {length}"),
            Self::Within(length) => format!("en un plazo de {}", length.in_words(language)),
            Self::By(moment) if is_english => format!("by {}", super::moment::mark(*moment)),
            Self::By(moment) => format!("a más tardar el {}", super::moment::mark(*moment)),
            Self::Text(words) | Self::LongText(words) => words.clone(),
            Self::SiteList(names) => sites(names, language),
            Self::ProductList(names) => {
                let names: Vec<_> = names.iter().map(title).collect();
                let names = listed(&names, language);
                if is_english {
                    format!("{names} site")
                } else {
                    format!("sitio {names}")
                }
            }
        }
    }
}

fn length(json: &serde_json::Value) -> Option<Length> {
    match json {
        serde_json::Value::String(text) => text.parse().ok(),
        other => serde_json::from_value(other.clone()).ok(),
    }
}

fn moment(json: &serde_json::Value) -> Option<Timestamp> {
    json.as_str()?.parse().ok()
}

fn words(json: &serde_json::Value) -> Option<String> {
    let text = json.as_str()?.trim();
    let fits = (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn lines(json: &serde_json::Value) -> Option<String> {
    let text = json.as_str()?.trim();
    let fits = text.chars().count() <= LONG_TEXT_CHARACTERS_MAX && !is_blank(text);
    (fits && !has_controls(text)).then(|| text.to_owned())
}

/// The first sites by name, and how many more there are.
fn sites(names: &[Hostname], language: Language) -> String {
    let named = names.iter().take(SITES_NAMED_MAX);
    let named: Vec<_> = named.map(ToString::to_string).collect();
    match names.len().saturating_sub(SITES_NAMED_MAX) {
        0 => listed(&named, language),
        more => {
            let (named, more) = (named.join(", "), grouped(more as u64));
            match language {
                Language::English => format!("{named} and {more} more"),
                Language::Spanish => format!("{named} y {more} más"),
            }
        }
    }
}

/// "web-central" is "Web Central" to a customer.
fn title(name: &ProductName) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        })
    };
    name.as_str()
        .split('-')
        .map(capital)
        .collect::<Vec<String>>()
        .join(" ")
}

fn listed(names: &[String], language: Language) -> String {
    let and = match language {
        Language::English => "and",
        Language::Spanish => "y",
    };
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} {and} {last}", rest.join(", ")),
        names => names.concat(),
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duration => "a length such as \"24 business hours\" or \"2 business days\"",
            Self::DateTime => "a moment such as 2023-07-13T18:27:00-05:00",
            Self::Timeline => {
                "a length such as \"4 business hours\" or a moment such as 2023-07-13T18:27:00-05:00"
            }
            Self::Text => "1 to 500 characters of text on one line",
            Self::LongText => "1 to 5,000 characters of text",
            Self::SiteList => "a list of 1 to 5,000 host names, such as [\"anytown.gov\"]",
            Self::ProductList => "a list of at least one product, such as [\"web-central\"]",
        })
    }
}
