//! What a gap takes, and how it is written.

use std::fmt;

use jiff::Timestamp;

use crate::calendar::Length;
use crate::name::ProductName;
use crate::site::Zone;

/// The longest text of a gap, in characters.
const TEXT_CHARACTERS_MAX: usize = 500;

/// What a gap takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A length such as "24 business hours".
    Duration,
    /// A moment.
    DateTime,
    /// A length or a moment: when something is expected.
    Timeline,
    /// Words.
    Text,
    /// Products of the vendor.
    ProductList,
}

/// What stands in a gap.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A length.
    Duration(Length),
    /// A moment.
    DateTime(Timestamp),
    /// When something is expected, as a length.
    Within(Length),
    /// When something is expected, as a moment.
    By(Timestamp),
    /// Words.
    Text(String),
    /// At least one product.
    ProductList(Vec<ProductName>),
}

impl Value {
    /// Reads JSON as a gap's kind: a length as `{"amount":24,"unit":"business_hours"}` or
    /// "24 business hours", a moment as RFC 3339, products as a list of names.
    pub(super) fn read(kind: Kind, json: &serde_json::Value) -> Option<Self> {
        match kind {
            Kind::Duration => length(json).map(Self::Duration),
            Kind::DateTime => moment(json).map(Self::DateTime),
            Kind::Timeline => length(json)
                .map(Self::Within)
                .or_else(|| moment(json).map(Self::By)),
            Kind::Text => words(json).map(Self::Text),
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
            Self::ProductList(_) => Kind::ProductList,
        }
    }

    /// As customers read it; moments in `zone`.
    #[must_use]
    pub fn render(&self, zone: &Zone) -> String {
        match self {
            Self::Duration(length) => length.to_string(),
            Self::DateTime(moment) => written(*moment, zone),
            Self::Within(length) => format!("within {length}"),
            Self::By(moment) => format!("by {}", written(*moment, zone)),
            Self::Text(words) => words.clone(),
            Self::ProductList(names) => {
                let names: Vec<_> = names.iter().map(title).collect();
                format!("{} site", listed(&names))
            }
        }
    }
}

/// A moment as people write it, such as "July 11, 2023 at 6:27pm CDT".
#[must_use]
pub(in crate::incident) fn written(moment: Timestamp, zone: &Zone) -> String {
    moment
        .to_zoned_datetime(zone.rules())
        .strftime("%B %-d, %Y at %-I:%M%P %Z")
        .to_string()
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

fn listed(names: &[String]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
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
            Self::ProductList => "a list of at least one product, such as [\"web-central\"]",
        })
    }
}
