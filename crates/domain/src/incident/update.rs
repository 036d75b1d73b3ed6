//! Updates: the dated entries that customers read.

use jiff::Timestamp;

use super::{Correction, Stage};
use crate::id::UpdateId;

/// A dated entry of an incident. Changes in the open only: by corrections.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Update {
    /// Its identifier.
    pub id: UpdateId,
    /// When it was posted.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// Who posted it.
    pub by: String,
    /// How far the incident had come, this entry included.
    pub state: Stage,
    /// What customers read: Markdown.
    pub body: String,
    /// The template it was made from, as `name` and `version`.
    pub template: Option<(String, u32)>,
    /// What kind of entry it is.
    pub kind: UpdateKind,
    /// Changes of its text, the first one first.
    pub corrections: Vec<Correction>,
}

/// What kind of entry an update is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// One of many, newest first.
    Update,
    /// The vendor's word on the whole incident; stands above the others.
    OfficialComment,
}

impl UpdateKind {
    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::OfficialComment => "official_comment",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Update, Self::OfficialComment]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}
