//! Promises: what a post said would follow, and by when. Never reminds anybody.

use jiff::Timestamp;

use crate::calendar::{Calendar, Length};
use crate::id::UpdateId;

/// What a post promised.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Promise {
    /// What will follow.
    pub kind: PromiseKind,
    /// By when.
    pub due_at: Timestamp,
    /// The post that promised it.
    pub made_by: UpdateId,
    /// When that post was made.
    pub made_at: Timestamp,
    /// When it followed.
    pub kept_at: Option<Timestamp>,
}

/// What will follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseKind {
    /// Another update.
    NextUpdate,
    /// The incident report.
    Report,
}

impl PromiseKind {
    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NextUpdate => "next_update",
            Self::Report => "report",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::NextUpdate, Self::Report]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl Promise {
    /// The promise that a post makes by naming a length; its clock starts with the post.
    #[must_use]
    pub fn make(
        kind: PromiseKind,
        within: Length,
        post: (UpdateId, Timestamp),
        calendar: &Calendar,
    ) -> Self {
        let (made_by, made_at) = post;
        Self {
            kind,
            due_at: calendar.deadline(made_at, within),
            made_by,
            made_at,
            kept_at: None,
        }
    }

    /// Whether it is late.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.kept_at.is_none() && self.due_at < now
    }
}
