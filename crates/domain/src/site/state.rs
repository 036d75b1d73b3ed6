//! What a site's lamp shows. Never decides the state; engines set it from evidence.

/// The state of a site, as its lamp shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// No evidence yet.
    #[default]
    Unknown,
    /// A probe, or its own outcomes, show sign-in working.
    Well,
    /// A customer reported it; nothing proved it yet.
    Reported,
    /// Sign-in is known, or believed by an open incident, to fail.
    Failing,
    /// An action on it is under way.
    Restoring,
    /// An action on it was verified by a probe.
    Restored,
}

impl SiteState {
    /// All states, in the order a legend shows them.
    pub const ALL: [Self; 6] = [
        Self::Well,
        Self::Restored,
        Self::Restoring,
        Self::Reported,
        Self::Failing,
        Self::Unknown,
    ];

    /// The word it is shown and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Well => "well",
            Self::Reported => "reported",
            Self::Failing => "failing",
            Self::Restoring => "restoring",
            Self::Restored => "restored",
        }
    }
}
