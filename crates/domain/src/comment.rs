//! Comments of customers under an incident: what may be written, and what is shown at once.
//! Never knows who reads.

use jiff::Timestamp;

use crate::id::{AccountId, CommentId, IncidentId};
use crate::text::{has_bidi_controls, has_controls, is_blank};

/// The longest comment, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 2_000;
/// The longest name that is shown beside one, in characters.
pub const NAME_CHARACTERS_MAX: usize = 60;
/// So many readers who report a comment hold it back until staff have looked.
pub const REPORTS_HOLD: u64 = 3;

/// Something that a signed-in customer wrote under an incident.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Comment {
    /// Its identifier; grows with time.
    pub id: CommentId,
    /// Under which incident it stands.
    pub incident: IncidentId,
    /// Whose it is; never told to readers.
    pub account: AccountId,
    /// What its author is called.
    pub name: String,
    /// Plain text, shown as it was written.
    pub text: String,
    /// When it was written.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// Whether it is shown.
    pub standing: Standing,
    /// Why it is held or hidden.
    pub reason: Option<String>,
    /// Who on the staff decided so; nobody before they have looked.
    pub decided_by: Option<String>,
    /// How many readers found it helpful.
    pub votes: u64,
    /// How many readers reported it.
    pub reports: u64,
}

/// Whether a comment is shown.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everybody reads it.
    Shown,
    /// It waits for staff to look.
    Held,
    /// Staff took it away.
    Hidden,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shown, Self::Held, Self::Hidden];

    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Held => "held",
            Self::Hidden => "hidden",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// What is wrong with a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadComment {
    /// It says nothing, or too much.
    #[error("a comment says something, in at most {TEXT_CHARACTERS_MAX} characters")]
    Text,
    /// Its text turns the direction of what is read.
    #[error("a comment holds no characters that turn the direction of reading")]
    Direction,
    /// Nobody, or too long a name.
    #[error("give a name of 1 to {NAME_CHARACTERS_MAX} characters on one line")]
    Name,
    /// The name turns the direction of what is read.
    #[error("a name holds no characters that turn the direction of reading")]
    NameDirection,
}

impl BadComment {
    /// The field it is about.
    #[must_use]
    pub fn at(self) -> &'static str {
        match self {
            Self::Text | Self::Direction => "text",
            Self::Name | Self::NameDirection => "name",
        }
    }
}

impl Comment {
    /// A comment as it is first kept. One with a link waits for staff, until they have once shown a
    /// comment of its author: links are what spam is written for.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn write(
        (id, incident, account): (CommentId, IncidentId, AccountId),
        (name, text): (&str, &str),
        is_known: bool,
        at: Timestamp,
    ) -> Result<Self, BadComment> {
        let (name, text) = (name.trim(), text.trim());
        let fits = |text: &str, max| text.chars().count() <= max && !is_blank(text);
        if !fits(name, NAME_CHARACTERS_MAX) || name.chars().any(char::is_control) {
            return Err(BadComment::Name);
        }
        if !fits(text, TEXT_CHARACTERS_MAX) || has_controls(text) {
            return Err(BadComment::Text);
        }
        if has_bidi_controls(name) {
            return Err(BadComment::NameDirection);
        }
        if has_bidi_controls(text) {
            return Err(BadComment::Direction);
        }
        let waits = !is_known && (has_link(text) || has_link(name));
        Ok(Self {
            id,
            incident,
            account,
            name: name.into(),
            text: text.into(),
            at,
            standing: if waits {
                Standing::Held
            } else {
                Standing::Shown
            },
            reason: waits.then(|| "It holds a link, and its author is new here.".into()),
            decided_by: None,
            votes: 0,
            reports: 0,
        })
    }

    /// Whether it is to be held now, after readers reported it. What staff decided stands.
    #[must_use]
    pub fn is_reported_away(&self) -> bool {
        self.standing == Standing::Shown
            && self.decided_by.is_none()
            && self.reports >= REPORTS_HOLD
    }
}

fn has_link(text: &str) -> bool {
    let text = text.to_lowercase();
    ["http:", "https:", "www."]
        .iter()
        .any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(name: &str, text: &str, is_known: bool) -> Result<Comment, BadComment> {
        let ids = (
            CommentId::from_bytes(&[1; 16]).unwrap(),
            IncidentId::from_bytes(&[2; 16]).unwrap(),
            AccountId::from_bytes(&[3; 16]).unwrap(),
        );
        let now = "2023-07-11T21:00:00Z".parse().unwrap();
        Comment::write(ids, (name, text), is_known, now)
    }

    #[test]
    fn links_of_strangers_wait_for_staff() {
        let standing = |text, is_known| write("Kim", text, is_known).unwrap().standing;
        assert_eq!(standing("It works again here.", false), Standing::Shown);
        assert_eq!(standing("See HTTPS://x.example", false), Standing::Held);
        assert_eq!(standing("See https://x.example", true), Standing::Shown);
        let named = write("www.x.example", "Hi.", false).unwrap();
        assert_eq!(named.standing, Standing::Held);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (name, text, at) in [
            ("", "a", "name"),
            ("\u{200b}", "a", "name"),
            ("a\nb", "a", "name"),
            ("Kim", " ", "text"),
            ("Kim", "a\u{7}", "text"),
            ("\u{202e}miK", "a", "name"),
            ("Kim", "a \u{2066}b", "text"),
        ] {
            assert_eq!(write(name, text, true).unwrap_err().at(), at);
        }
        assert!(write("Kim", &"x".repeat(2_001), true).is_err());
        assert!(write(&"x".repeat(61), "a", true).is_err());
    }

    #[test]
    fn readers_hold_a_comment_until_staff_decided() {
        let mut one = write("Kim", "Rude words.", true).unwrap();
        one.reports = 2;
        assert!(!one.is_reported_away());
        one.reports = 3;
        assert!(one.is_reported_away());
        one.decided_by = Some("Ada".into());
        assert!(!one.is_reported_away(), "staff have looked");
    }
}
