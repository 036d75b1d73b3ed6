//! States and the acts that lead from one to the next. Each act takes the state it leaves.

use std::fmt;

use jiff::Timestamp;

use crate::id::AlarmId;

/// How far an incident has come, with what belongs to that state only.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schemars(rename = "IncidentState")]
pub enum State {
    /// An alarm proposes it; no person has looked yet.
    Proposed {
        /// The alarm.
        by: AlarmId,
    },
    /// People look for the cause.
    Investigating,
    /// The cause is known.
    Identified,
    /// A fix is in place and is watched.
    Monitoring {
        /// The end of the watch period.
        #[schemars(with = "crate::schema::Moment")]
        until: Timestamp,
    },
    /// It is over.
    Completed {
        /// Since when.
        #[schemars(with = "crate::schema::Moment")]
        at: Timestamp,
        /// Who said so.
        by: String,
    },
    /// The proposal was turned down.
    Dismissed {
        /// When.
        #[schemars(with = "crate::schema::Moment")]
        at: Timestamp,
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// Planned work that has not begun.
    Scheduled,
    /// Planned work is being done.
    InProgress,
    /// Planned work was done; people check that all works.
    Verifying,
    /// Planned work will not be done.
    Cancelled {
        /// Since when.
        #[schemars(with = "crate::schema::Moment")]
        at: Timestamp,
        /// Who said so.
        by: String,
    },
}

/// The name of a state, without its data.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Proposed by an alarm.
    Proposed,
    /// Being looked into.
    Investigating,
    /// Cause known.
    Identified,
    /// Fixed and watched.
    Monitoring,
    /// Over.
    Completed,
    /// Turned down.
    Dismissed,
    /// Planned, not begun.
    Scheduled,
    /// Planned work, being done.
    InProgress,
    /// Planned work, done and being checked.
    Verifying,
    /// Planned work, given up.
    Cancelled,
}

/// An act that the incident's state does not allow, in words for whoever tried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAct {
    /// Only a proposal can be accepted or dismissed.
    #[error("This incident was accepted already; it is {}.", .0.as_str())]
    AcceptedAlready(Stage),
    /// Nobody has accepted it.
    #[error("This incident is only proposed; accept it first.")]
    OnlyProposed,
    /// It is over.
    #[error("This incident is completed already.")]
    CompletedAlready,
    /// It was turned down.
    #[error("This incident was dismissed.")]
    Dismissed,
    /// An update cannot lead there.
    #[error("An update cannot make an incident {}; it can be investigating, identified, monitoring or completed.", .0.as_str())]
    NotByUpdate(Stage),
    /// It is planned work, which goes another way.
    #[error("This is planned work: it can be in progress, verifying, completed or cancelled.")]
    IsPlanned,
    /// It is no planned work.
    #[error("This is no planned work; it cannot be {}.", .0.as_str())]
    NotPlanned(Stage),
    /// Planned work that has not begun cannot be over.
    #[error("The planned work has not begun; begin it, or cancel it.")]
    NotBegun,
    /// Planned work that is done or given up.
    #[error("This planned work is over.")]
    WorkIsOver,
    /// A watch period must end later than it begins.
    #[error("The watch period must end in the future.")]
    WatchIsOver,
}

impl State {
    /// Since when it is over, if it is.
    #[must_use]
    pub fn over_since(&self) -> Option<Timestamp> {
        match self {
            Self::Completed { at, .. }
            | Self::Dismissed { at, .. }
            | Self::Cancelled { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// A person takes the proposal up.
    ///
    /// # Errors
    /// When it is not a proposal any more.
    pub fn accept(self) -> Result<Self, WrongAct> {
        self.proposed().map(|_| Self::Investigating)
    }

    /// A person turns the proposal down.
    ///
    /// # Errors
    /// When it is not a proposal any more.
    pub fn dismiss(self, at: Timestamp, by: &str, reason: &str) -> Result<Self, WrongAct> {
        self.proposed().map(|_| Self::Dismissed {
            at,
            by: by.into(),
            reason: reason.into(),
        })
    }

    /// Back to looking, also when a fix did not hold.
    ///
    /// # Errors
    /// When it is not an accepted, unfinished incident.
    pub fn investigate(self) -> Result<Self, WrongAct> {
        self.ongoing().map(|_| Self::Investigating)
    }

    /// The cause is found.
    ///
    /// # Errors
    /// When it is not an accepted, unfinished incident.
    pub fn identify(self) -> Result<Self, WrongAct> {
        self.ongoing().map(|_| Self::Identified)
    }

    /// A fix is in place and is watched until a moment.
    ///
    /// # Errors
    /// When it is not an accepted, unfinished incident, or `until` has passed.
    pub fn monitor(self, until: Timestamp, now: Timestamp) -> Result<Self, WrongAct> {
        let _ongoing = self.ongoing()?;
        if until <= now {
            Err(WrongAct::WatchIsOver)
        } else {
            Ok(Self::Monitoring { until })
        }
    }

    /// It is over.
    ///
    /// # Errors
    /// When it is not an accepted, unfinished incident, or is planned work that has not begun.
    pub fn complete(self, at: Timestamp, by: &str) -> Result<Self, WrongAct> {
        let done = Self::Completed { at, by: by.into() };
        match self.stage() {
            Stage::InProgress | Stage::Verifying => Ok(done),
            Stage::Scheduled => Err(WrongAct::NotBegun),
            _ => self.ongoing().map(|_| done),
        }
    }

    /// Planned work begins, or goes on after a check.
    ///
    /// # Errors
    /// When it is over, or no planned work.
    pub fn begin(self) -> Result<Self, WrongAct> {
        self.planned(Stage::InProgress).map(|_| Self::InProgress)
    }

    /// Planned work was done and is checked.
    ///
    /// # Errors
    /// When it has not begun or is over, or it is no planned work.
    pub fn verify(self) -> Result<Self, WrongAct> {
        match self.planned(Stage::Verifying)?.stage() {
            Stage::Scheduled => Err(WrongAct::NotBegun),
            _ => Ok(Self::Verifying),
        }
    }

    /// Planned work will not be done, or not finished.
    ///
    /// # Errors
    /// When it is over, or no planned work.
    pub fn cancel(self, at: Timestamp, by: &str) -> Result<Self, WrongAct> {
        self.planned(Stage::Cancelled)
            .map(|_| Self::Cancelled { at, by: by.into() })
    }

    /// Allows an entry that leaves the state as it is: also after completion, for the official
    /// comment and the report.
    ///
    /// # Errors
    /// When customers cannot see the incident.
    pub fn comment(self) -> Result<Self, WrongAct> {
        match self.stage() {
            Stage::Proposed => Err(WrongAct::OnlyProposed),
            Stage::Dismissed => Err(WrongAct::Dismissed),
            _ => Ok(self),
        }
    }

    /// Its name.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Proposed { .. } => Stage::Proposed,
            Self::Investigating => Stage::Investigating,
            Self::Identified => Stage::Identified,
            Self::Monitoring { .. } => Stage::Monitoring,
            Self::Completed { .. } => Stage::Completed,
            Self::Dismissed { .. } => Stage::Dismissed,
            Self::Scheduled => Stage::Scheduled,
            Self::InProgress => Stage::InProgress,
            Self::Verifying => Stage::Verifying,
            Self::Cancelled { .. } => Stage::Cancelled,
        }
    }

    /// The state of planned work that is not over, on its way to `to`.
    fn planned(self, to: Stage) -> Result<Self, WrongAct> {
        match self.stage() {
            Stage::Scheduled | Stage::InProgress | Stage::Verifying => Ok(self),
            Stage::Cancelled => Err(WrongAct::WorkIsOver),
            Stage::Completed => Err(WrongAct::CompletedAlready),
            _ => Err(WrongAct::NotPlanned(to)),
        }
    }

    fn proposed(self) -> Result<Self, WrongAct> {
        match self.stage() {
            Stage::Proposed => Ok(self),
            Stage::Dismissed => Err(WrongAct::Dismissed),
            other => Err(WrongAct::AcceptedAlready(other)),
        }
    }

    fn ongoing(self) -> Result<Self, WrongAct> {
        match self.stage() {
            Stage::Proposed => Err(WrongAct::OnlyProposed),
            Stage::Completed => Err(WrongAct::CompletedAlready),
            Stage::Dismissed => Err(WrongAct::Dismissed),
            Stage::Investigating | Stage::Identified | Stage::Monitoring => Ok(self),
            Stage::Scheduled | Stage::InProgress | Stage::Verifying => Err(WrongAct::IsPlanned),
            Stage::Cancelled => Err(WrongAct::WorkIsOver),
        }
    }
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 10] = [
        Self::Proposed,
        Self::Investigating,
        Self::Identified,
        Self::Monitoring,
        Self::Completed,
        Self::Dismissed,
        Self::Scheduled,
        Self::InProgress,
        Self::Verifying,
        Self::Cancelled,
    ];

    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Completed => "completed",
            Self::Dismissed => "dismissed",
            Self::Scheduled => "scheduled",
            Self::InProgress => "in_progress",
            Self::Verifying => "verifying",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == word)
    }

    /// Whether something may still happen.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Dismissed | Self::Cancelled)
    }
}

/// How bad an incident is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// Nobody notices.
    None,
    /// Few sites.
    Minor,
    /// Many sites.
    Major,
    /// Half of the fleet, or more.
    Critical,
}

impl Impact {
    /// All impacts, mildest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Minor, Self::Major, Self::Critical];

    /// The impact that a share of the fleet suggests; a person may say otherwise.
    #[must_use]
    pub fn of_sites(affected: usize, fleet: usize) -> Self {
        match (affected, fleet) {
            (0, _) => Self::None,
            (affected, fleet) if affected.saturating_mul(2) >= fleet => Self::Critical,
            (affected, fleet) if affected.saturating_mul(20) >= fleet => Self::Major,
            _ => Self::Minor,
        }
    }

    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|impact| impact.as_str() == word)
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each act from each state: allowed, or refused with a reason that a person can read.
    #[test]
    fn acts_fit_states() {
        let now: Timestamp = "2023-07-11T21:10:00Z".parse().unwrap();
        let later: Timestamp = "2023-07-12T21:10:00Z".parse().unwrap();
        let states = || {
            [
                State::Proposed {
                    by: AlarmId::from_bytes(&[1; 16]).unwrap(),
                },
                State::Investigating,
                State::Identified,
                State::Monitoring { until: later },
                State::Completed {
                    at: now,
                    by: "a".into(),
                },
                State::Dismissed {
                    at: now,
                    by: "a".into(),
                    reason: "b".into(),
                },
                State::Scheduled,
                State::InProgress,
                State::Verifying,
                State::Cancelled {
                    at: now,
                    by: "a".into(),
                },
            ]
        };
        let allowed = |act: &dyn Fn(State) -> Result<State, WrongAct>| {
            states()
                .map(|state| if act(state).is_ok() { '+' } else { '-' })
                .iter()
                .collect::<String>()
        };
        assert_eq!(allowed(&State::accept), "+---------");
        assert_eq!(
            allowed(&|state| state.dismiss(now, "a", "quiet")),
            "+---------"
        );
        assert_eq!(allowed(&State::investigate), "-+++------");
        assert_eq!(allowed(&State::identify), "-+++------");
        assert_eq!(allowed(&|state| state.monitor(later, now)), "-+++------");
        assert_eq!(allowed(&|state| state.complete(now, "a")), "-+++---++-");
        assert_eq!(allowed(&State::begin), "------+++-");
        assert_eq!(allowed(&State::verify), "-------++-");
        assert_eq!(allowed(&|state| state.cancel(now, "a")), "------+++-");
        assert_eq!(allowed(&State::comment), "-++++-++++");
        assert_eq!(
            State::Identified.monitor(now, now),
            Err(WrongAct::WatchIsOver)
        );
        assert_eq!(
            State::Identified.accept().unwrap_err().to_string(),
            "This incident was accepted already; it is identified."
        );
    }

    #[test]
    fn impact_grows_with_the_share_of_the_fleet() {
        for (affected, impact) in [(0, "none"), (49, "minor"), (50, "major"), (500, "critical")] {
            assert_eq!(Impact::of_sites(affected, 1_000).as_str(), impact);
        }
    }
}
