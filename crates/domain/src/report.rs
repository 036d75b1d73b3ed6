//! Reports: what customers say is broken. Never counts them; `detection` does.

use jiff::Timestamp;

use crate::id::{ReportId, SiteId};
use crate::text::{has_controls, is_blank};

/// The longest text of a report, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// The longest contact, in characters.
pub const CONTACT_CHARS_MAX: usize = 254;

/// A customer's complaint about one site.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Its identifier.
    pub id: ReportId,
    /// The site it is about.
    pub site: SiteId,
    /// What the customer wrote.
    pub text: ReportText,
    /// Where to answer, if the customer said so.
    pub contact: Option<Contact>,
    /// How it came.
    pub channel: Channel,
    /// When it was taken.
    pub at: Timestamp,
}

impl Report {
    /// Whether two reports are one that was sent twice: later, or through another channel.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.site == other.site && self.text == other.text && self.contact == other.contact
    }
}

/// Why a part of a report was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} {rule}")]
pub struct BadReport {
    /// The part: `text` or `contact`.
    pub part: &'static str,
    /// The rule it breaks.
    pub rule: String,
}

/// 1 to 4,000 characters, trimmed, without control characters but line ends and tabs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct ReportText(Box<str>);

impl ReportText {
    /// Checks what a customer wrote.
    ///
    /// # Errors
    /// When nothing is left after trimming, it is too long, or holds control characters.
    pub fn parse(text: &str) -> Result<Self, BadReport> {
        check("text", text, TEXT_CHARS_MAX, has_controls).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address or a telephone number, on one line; not proved to reach anybody.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Contact(Box<str>);

impl Contact {
    /// Checks a contact; empty means that there is none.
    ///
    /// # Errors
    /// When it is too long or holds control characters.
    pub fn parse(text: &str) -> Result<Option<Self>, BadReport> {
        if is_blank(text) {
            return Ok(None);
        }
        check("contact", text, CONTACT_CHARS_MAX, |text| {
            text.chars().any(char::is_control)
        })
        .map(|text| Some(Self(text)))
    }

    /// The contact.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(
    part: &'static str,
    text: &str,
    chars_max: usize,
    is_wrong: impl Fn(&str) -> bool,
) -> Result<Box<str>, BadReport> {
    let fail = |rule: String| Err(BadReport { part, rule });
    let text = text.trim();
    let chars = text.chars().count();
    if is_blank(text) {
        return fail("is empty; say what does not work".into());
    }
    if chars > chars_max {
        return fail(format!("has {chars} characters; {chars_max} are allowed"));
    }
    if is_wrong(text) {
        return fail("holds control characters".into());
    }
    Ok(text.into())
}

/// How a report came.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The signed-out form.
    Web,
    /// The API.
    Api,
    /// A support agent took it, by telephone or e-mail.
    Support,
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 3] = [Self::Web, Self::Api, Self::Support];

    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Api => "api",
            Self::Support => "support",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_contacts_are_checked() {
        let long = "é".repeat(TEXT_CHARS_MAX);
        for good in ["Sign-in fails", " two\nlines ", &long] {
            assert_eq!(ReportText::parse(good).unwrap().as_str(), good.trim());
        }
        let longer = format!("{long}x");
        for bad in ["", " \n ", "\u{200b}\u{2060}", "bell \u{7}", &longer] {
            assert!(ReportText::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Contact::parse("  ").unwrap(), None);
        assert_eq!(Contact::parse("\u{200b}").unwrap(), None);
        assert!(Contact::parse("a@b.us\nBcc: all@b.us").is_err());
    }
}
