//! Follow-ups: what will be done so that an incident does not come again, by whom and by when.
//! Never reminds anybody.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::id::{FollowUpId, IncidentId};
use crate::text::is_blank;

/// The longest text of a follow-up, in characters.
const TEXT_CHARACTERS_MAX: usize = 500;
/// The longest name of an owner, in characters.
const OWNER_CHARACTERS_MAX: usize = 100;

/// Something that will be done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FollowUp {
    /// Its identifier.
    pub id: FollowUpId,
    /// The incident that it follows from.
    pub incident: IncidentId,
    /// Grows with every change: a change decided on an older version cannot be saved.
    pub version: u64,
    /// What will be done, on one line. Customers read it.
    pub text: String,
    /// Who sees to it. Staff only.
    pub owner: String,
    /// The day by whose end it is done, on the vendor's calendar.
    #[schemars(with = "crate::schema::Day")]
    pub due: Date,
    /// What became of it.
    pub end: Option<End>,
}

/// What became of a follow-up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "FollowUpEnd")]
pub struct End {
    /// When.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why it will not be done; none when it was.
    pub dropped: Option<String>,
}

/// What is wrong with a follow-up, or with what is asked of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFollowUp {
    /// It says nothing, or too much.
    #[error(
        "a follow-up says on one line what will be done, in at most {TEXT_CHARACTERS_MAX} characters"
    )]
    Text,
    /// Nobody sees to it.
    #[error("a follow-up has an owner, named in at most {OWNER_CHARACTERS_MAX} characters")]
    Owner,
    /// It ended before.
    #[error("This follow-up has ended already.")]
    Ended,
}

impl BadFollowUp {
    /// The field it is about, if it is about one.
    #[must_use]
    pub fn at(self) -> Option<&'static str> {
        match self {
            Self::Text => Some("text"),
            Self::Owner => Some("owner"),
            Self::Ended => None,
        }
    }
}

impl FollowUp {
    /// Checks what the types leave open.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn check(self) -> Result<Self, BadFollowUp> {
        if !is_line(&self.text, TEXT_CHARACTERS_MAX) {
            return Err(BadFollowUp::Text);
        }
        if !is_line(&self.owner, OWNER_CHARACTERS_MAX) {
            return Err(BadFollowUp::Owner);
        }
        Ok(self)
    }

    /// The follow-up, done, or dropped for a reason.
    ///
    /// # Errors
    /// When it ended before.
    pub fn end(self, end: End) -> Result<Self, BadFollowUp> {
        if self.end.is_some() {
            return Err(BadFollowUp::Ended);
        }
        Ok(Self {
            version: self.version + 1,
            end: Some(end),
            ..self
        })
    }

    /// Whether its day has passed and it is still to be done.
    #[must_use]
    pub fn is_overdue(&self, today: Date) -> bool {
        self.end.is_none() && self.due < today
    }
}

fn is_line(text: &str, characters_max: usize) -> bool {
    let fits = text.chars().count() <= characters_max && !is_blank(text);
    fits && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow_up(text: &str, owner: &str) -> FollowUp {
        FollowUp {
            id: FollowUpId::from_bytes(&[1; 16]).unwrap(),
            incident: IncidentId::from_bytes(&[2; 16]).unwrap(),
            version: 1,
            text: text.into(),
            owner: owner.into(),
            due: "2023-08-01".parse().unwrap(),
            end: None,
        }
    }

    #[test]
    fn it_says_what_and_who() {
        let bad = |text: &str, owner: &str| follow_up(text, owner).check().err();
        assert_eq!(bad("Gate releases.", "Ada"), None);
        assert_eq!(bad(" ", "Ada"), Some(BadFollowUp::Text));
        assert_eq!(bad("a\nb", "Ada"), Some(BadFollowUp::Text));
        assert_eq!(bad(&"x".repeat(501), "Ada"), Some(BadFollowUp::Text));
        assert_eq!(bad("Gate releases.", ""), Some(BadFollowUp::Owner));
    }

    #[test]
    fn it_ends_once_and_is_late_after_its_day() {
        let one = follow_up("Gate releases.", "Ada");
        let today = |day: &str| one.is_overdue(day.parse().unwrap());
        assert!(!today("2023-08-01") && today("2023-08-02"));
        let end = End {
            at: "2023-07-30T12:00:00Z".parse().unwrap(),
            by: "Kim".into(),
            dropped: None,
        };
        let done = one.end(end.clone()).unwrap();
        assert!(!done.is_overdue("2024-01-01".parse().unwrap()) && done.version == 2);
        assert_eq!(done.end(end), Err(BadFollowUp::Ended));
    }
}
