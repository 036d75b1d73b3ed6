//! Who may read an incident. Decides by organizations; never knows who somebody is.

/// Who may read an incident once it is told.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody, signed in or not.
    #[default]
    Everybody,
    /// Members of the organizations that have a site in its scope, signed in.
    Affected,
}

impl Audience {
    /// Both, the wider one first.
    pub const ALL: [Self; 2] = [Self::Everybody, Self::Affected];

    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Affected => "affected",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}
