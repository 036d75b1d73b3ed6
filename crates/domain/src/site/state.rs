//! What a site's lamp shows, and how evidence changes it. Never gathers evidence.

/// The state of a site, as its lamp shows it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
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

/// What was learned of a site's sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A customer reported it.
    Reported,
    /// It lies in the scope of an open incident, and nothing proves it works.
    BelievedFailing,
    /// A probe or its own outcomes show a failure.
    Failed,
    /// A probe or its own outcomes show it working.
    Worked,
    /// An action on it was sent.
    ActionSent,
    /// A probe after an action shows it working.
    Verified,
    /// An action on it was tried as often as it may be, without proof.
    GivenUp,
    /// The incident that it was restored in is over.
    Settled,
}

impl SiteState {
    /// The state after one more piece of evidence.
    ///
    /// Proof outweighs belief: a report does not darken a lamp that is known to fail or that is
    /// being restored, and belief does not darken one that was proven since.
    #[must_use]
    pub fn after(self, evidence: Evidence) -> Self {
        match (self, evidence) {
            (Self::Failing | Self::Restoring, Evidence::Reported) => self,
            (_, Evidence::Reported) => Self::Reported,
            (Self::Restoring | Self::Restored, Evidence::BelievedFailing) => self,
            (_, Evidence::BelievedFailing) => Self::Failing,
            // A probe may come before the refill: the campaign decides when a restoration failed.
            (Self::Restoring, Evidence::Failed) => self,
            (_, Evidence::Failed | Evidence::GivenUp) => Self::Failing,
            (Self::Restoring | Self::Restored, Evidence::Worked) => self,
            (_, Evidence::Worked) => Self::Well,
            (_, Evidence::ActionSent) => Self::Restoring,
            (_, Evidence::Verified) => Self::Restored,
            (Self::Restored, Evidence::Settled) => Self::Well,
            (_, Evidence::Settled) => self,
        }
    }
}

/// A site's state, and what it rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lamp {
    /// What is shown.
    pub state: SiteState,
    /// Whether it fails only because an incident says so: nothing was seen to fail.
    pub is_believed: bool,
}

impl Lamp {
    /// The lamp after one more piece of evidence. What was only believed ends with the incident.
    #[must_use]
    pub fn after(self, evidence: Evidence) -> Self {
        let fails = self.state == SiteState::Failing;
        if evidence == Evidence::Settled && fails && self.is_believed {
            return Self::default();
        }
        let state = self.state.after(evidence);
        let is_believed = match evidence {
            Evidence::BelievedFailing => self.is_believed || !fails,
            Evidence::Failed | Evidence::GivenUp => false,
            _ => self.is_believed,
        };
        Self {
            state,
            is_believed: is_believed && state == SiteState::Failing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_outweighs_belief() {
        use Evidence as E;
        use SiteState as S;
        for (before, evidence, after) in [
            (S::Unknown, E::Reported, S::Reported),
            (S::Failing, E::Reported, S::Failing),
            (S::Restored, E::Reported, S::Reported),
            (S::Restored, E::BelievedFailing, S::Restored),
            (S::Well, E::BelievedFailing, S::Failing),
            (S::Restoring, E::Failed, S::Restoring),
            (S::Restored, E::Failed, S::Failing),
            (S::Failing, E::ActionSent, S::Restoring),
            (S::Restoring, E::Verified, S::Restored),
            (S::Restored, E::Settled, S::Well),
        ] {
            assert_eq!(
                before.after(evidence),
                after,
                "{before:?} after {evidence:?}"
            );
        }
    }

    #[test]
    fn what_was_only_believed_ends_with_the_incident() {
        use Evidence as E;
        use SiteState as S;
        for (evidence, state, is_believed) in [
            (&[E::BelievedFailing][..], S::Failing, true),
            (&[E::BelievedFailing, E::Settled], S::Unknown, false),
            (
                &[E::BelievedFailing, E::Reported, E::Settled],
                S::Unknown,
                false,
            ),
            (
                &[E::BelievedFailing, E::Failed, E::Settled],
                S::Failing,
                false,
            ),
            (
                &[E::Failed, E::BelievedFailing, E::Settled],
                S::Failing,
                false,
            ),
            (
                &[E::BelievedFailing, E::ActionSent, E::GivenUp, E::Settled],
                S::Failing,
                false,
            ),
            (
                &[E::BelievedFailing, E::ActionSent, E::Verified, E::Settled],
                S::Well,
                false,
            ),
            (&[E::BelievedFailing, E::Worked, E::Settled], S::Well, false),
        ] {
            let lamp = evidence
                .iter()
                .fold(Lamp::default(), |lamp, one| lamp.after(*one));
            assert_eq!(lamp, Lamp { state, is_believed }, "{evidence:?}");
        }
    }
}
