//! The languages that the system speaks to the public. Never holds a text.

/// A language that the texts are complete in.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Spanish, as it is written in the USA.
    #[serde(rename = "es")]
    Spanish,
}

/// Why a text names no language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is en (English) or es (Spanish)")]
pub struct BadLanguage;

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// Its tag (BCP 47).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
        }
    }

    /// The language of a tag such as `es` or `es-MX`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL
            .into_iter()
            .find(|one| one.tag().eq_ignore_ascii_case(primary))
    }
}

impl std::str::FromStr for Language {
    type Err = BadLanguage;

    /// Reads exactly a tag of ours.
    fn from_str(text: &str) -> Result<Self, BadLanguage> {
        let known = Self::ALL.into_iter().find(|one| one.tag() == text);
        known.ok_or(BadLanguage)
    }
}
