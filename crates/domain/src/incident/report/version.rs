//! The written report: versions of a draft, finished by people, approved by somebody else, published.

use jiff::Timestamp;

use crate::id::UpdateId;
use crate::incident::BadPost;
use crate::incident::post::check_text;
use crate::language::Language;

/// The most versions of a report.
pub const VERSIONS_MAX: u32 = 200;

/// A report as somebody saved it. Never changes: who changes it saves the next version.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ReportVersion {
    /// From 1.
    pub number: u32,
    /// When it was saved.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Markdown.
    pub text: String,
    /// Who approved it, and when.
    pub approved: Option<Approval>,
    /// The official comment that it was published as.
    pub published: Option<UpdateId>,
}

/// Somebody's word that a report may be published.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Approval {
    /// Whose.
    pub by: String,
    /// When it was given.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
}

/// Why a report goes no further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReport {
    /// Its text cannot be read, or says nothing.
    #[error(transparent)]
    Text(#[from] BadPost),
    /// Too many versions.
    #[error("A report has {VERSIONS_MAX} versions at most; publish this one.")]
    TooMany,
    /// Something is left to write, behind this mark.
    #[error("Something is still to be written: look for “{0}”.")]
    Unfinished(&'static str),
    /// Nobody approves their own work.
    #[error("Somebody else must approve what you wrote.")]
    OwnWork,
    /// It was approved before.
    #[error("This version was approved already.")]
    ApprovedAlready,
    /// It was not approved.
    #[error("This version is not approved; somebody other than its author must do so first.")]
    NotApproved,
    /// It would replace a newer one.
    #[error("A newer version was published already; publish the newest.")]
    Older,
    /// It was published before.
    #[error("This version was published already.")]
    PublishedAlready,
}

/// Begins what a draft in a language leaves to a person.
#[must_use]
pub fn open_mark(language: Language) -> &'static str {
    match language {
        Language::English => "To be written by a person:",
        Language::Spanish => "Falta que una persona escriba:",
    }
}

/// The mark of something that is left to write, in whichever language it was drafted: a team may have changed
/// its own since.
#[must_use]
pub fn left_open(text: &str) -> Option<&'static str> {
    let mut marks = Language::ALL.into_iter().map(open_mark);
    marks.find(|mark| text.contains(mark))
}

/// Whether a person has written all that a draft leaves to one.
#[must_use]
pub fn is_finished(text: &str) -> bool {
    left_open(text).is_none()
}

impl ReportVersion {
    /// The version after `last`. It may still leave something to write.
    ///
    /// # Errors
    /// When the text says nothing, is too long, or there are too many versions.
    pub fn after(
        last: Option<&Self>,
        text: String,
        (by, at): (&str, Timestamp),
    ) -> Result<Self, BadReport> {
        check_text(&text)?;
        let number = last.map_or(1, |last| last.number + 1);
        if number > VERSIONS_MAX {
            return Err(BadReport::TooMany);
        }
        Ok(Self {
            number,
            at,
            by: by.into(),
            text,
            approved: None,
            published: None,
        })
    }

    /// The version with somebody's approval.
    ///
    /// # Errors
    /// When something is left to write, its author approves, or somebody did already.
    pub fn approve(self, by: &str, at: Timestamp) -> Result<Self, BadReport> {
        if self.approved.is_some() {
            return Err(BadReport::ApprovedAlready);
        }
        if let Some(mark) = left_open(&self.text) {
            return Err(BadReport::Unfinished(mark));
        }
        if self.by == by {
            return Err(BadReport::OwnWork);
        }
        let approved = Some(Approval { by: by.into(), at });
        Ok(Self { approved, ..self })
    }

    /// Whether it may be published now, among all versions of its report.
    ///
    /// # Errors
    /// When it is not approved, or it or a newer one was published already.
    pub fn may_publish(&self, all: &[Self]) -> Result<(), BadReport> {
        let is_out = |other: &Self| other.number > self.number && other.published.is_some();
        match (&self.approved, &self.published) {
            (_, Some(_)) => Err(BadReport::PublishedAlready),
            _ if all.iter().any(is_out) => Err(BadReport::Older),
            (None, None) => Err(BadReport::NotApproved),
            (Some(_), None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_finished_and_approved_by_somebody_else_before_it_is_published() {
        let now: Timestamp = "2023-07-12T12:00:00Z".parse().unwrap();
        let write = |last: Option<&ReportVersion>, text: &str| {
            ReportVersion::after(last, text.into(), ("Kim", now)).unwrap()
        };
        let draft = write(None, "# Report\n\n> **To be written by a person:** why.");
        assert_eq!(draft.number, 1);
        for language in Language::ALL {
            let mark = open_mark(language);
            let open = write(None, &format!("# Report\n\n> **{mark}** why."));
            let early = open.approve("Ada", now);
            assert_eq!(early, Err(BadReport::Unfinished(mark)));
        }
        let done = write(Some(&draft), "# Report\n\nThe cache was stale.");
        assert_eq!(
            (done.number, done.may_publish(&[])),
            (2, Err(BadReport::NotApproved))
        );
        assert_eq!(done.clone().approve("Kim", now), Err(BadReport::OwnWork));
        let approved = done.approve("Ada", now).unwrap();
        assert_eq!(approved.may_publish(&[]), Ok(()));
        let twice = approved.clone().approve("Eve", now);
        assert_eq!(twice, Err(BadReport::ApprovedAlready));
        let published = ReportVersion {
            published: UpdateId::from_bytes(&[1; 16]),
            ..approved
        };
        let all = std::slice::from_ref(&published);
        assert_eq!(published.may_publish(all), Err(BadReport::PublishedAlready));
        let older = ReportVersion {
            number: 1,
            published: None,
            ..published.clone()
        };
        assert_eq!(older.may_publish(all), Err(BadReport::Older));
        let newer = ReportVersion { number: 3, ..older };
        assert_eq!(newer.may_publish(all), Ok(()));
        let last = ReportVersion {
            number: VERSIONS_MAX,
            ..published
        };
        let more = ReportVersion::after(Some(&last), "More.".into(), ("Kim", now));
        assert_eq!(more, Err(BadReport::TooMany));
    }
}
