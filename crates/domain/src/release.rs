//! Releases: versions of a product's code.
//! Decides nothing about sites; `document` decides what a release needs.

use semver::Version;

use crate::name::ProductName;

/// A version of a product's code.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Release {
    /// The product.
    pub product: ProductName,
    /// The version of its code.
    pub version: Version,
    /// How far it has come.
    pub state: ReleaseState,
}

/// How far a release has come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// Agents fetch what it needs; no site may run it yet.
    Staged,
    /// Sites may run it.
    Live,
    /// No site runs it, and none may go back to it.
    Retired,
}

impl ReleaseState {
    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Live => "live",
            Self::Retired => "retired",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Staged, Self::Live, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}
