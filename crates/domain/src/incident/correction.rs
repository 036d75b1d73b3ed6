//! Corrections: what was posted is changed in the open. What stood there before, who changed it, when
//! and why stay to be read.

use jiff::Timestamp;

use super::post::check_text;
use super::{BadPost, Update};

/// After so many corrections of one update, another update is clearer.
pub const CORRECTIONS_MAX: usize = 50;

/// A correction of an update.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Correction {
    /// When it was corrected.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What stood there until then: Markdown.
    pub before: String,
}

impl Update {
    /// The update with another text. Its state, its promises and its time stay as they were.
    ///
    /// # Errors
    /// When the text cannot be read, is too long, is what stands there already, or was corrected too
    /// often.
    pub fn correct(
        self,
        body: String,
        reason: String,
        (by, now): (&str, Timestamp),
    ) -> Result<Self, BadPost> {
        check_text(&body)?;
        if body == self.body {
            return Err(BadPost::Unchanged);
        }
        if self.corrections.len() >= CORRECTIONS_MAX {
            return Err(BadPost::CorrectedTooOften);
        }
        let mut corrections = self.corrections;
        corrections.push(Correction {
            at: now,
            by: by.into(),
            reason,
            before: self.body,
        });
        Ok(Self {
            body,
            corrections,
            ..self
        })
    }

    /// When its text last changed.
    #[must_use]
    pub fn changed_at(&self) -> Timestamp {
        self.corrections
            .last()
            .map_or(self.at, |correction| correction.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UpdateId;
    use crate::incident::{Stage, UpdateKind};

    #[test]
    fn a_correction_keeps_what_stood_there() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (posted, later) = (at("2023-07-11T21:30:00Z"), at("2023-07-11T21:40:00Z"));
        let update = Update {
            id: UpdateId::from_bytes(&[1; 16]).unwrap(),
            at: posted,
            by: "Kim".into(),
            state: Stage::Identified,
            body: "Fixed by 5.".into(),
            template: None,
            kind: UpdateKind::Update,
            corrections: vec![],
        };
        assert_eq!(update.changed_at(), posted);
        let correct = |update: Update, body: &str| {
            update.correct(body.into(), "a typing error".into(), ("Sam", later))
        };
        for (body, bad) in [
            (" ", BadPost::Empty),
            ("a\u{1b}b", BadPost::Controls),
            ("Fixed by 5.", BadPost::Unchanged),
        ] {
            assert_eq!(correct(update.clone(), body), Err(bad), "{body:?}");
        }
        let mut corrected = correct(update, "Fixed by 6.").unwrap();
        assert_eq!(corrected.corrections[0].before, "Fixed by 5.");
        assert_eq!((corrected.at, corrected.changed_at()), (posted, later));
        for n in 1..CORRECTIONS_MAX {
            corrected = correct(corrected, &format!("Fixed by {n} PM.")).unwrap();
        }
        let once_more = correct(corrected, "Fixed.");
        assert_eq!(once_more, Err(BadPost::CorrectedTooOften));
    }
}
