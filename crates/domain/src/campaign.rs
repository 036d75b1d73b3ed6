//! Campaigns: an action over many sites, at a pace their origin bears.
//!
//! Decides which sites, in which order, how fast, and when to stop. Never sends, waits or stores.

pub mod bound;
pub mod halt;
pub mod pace;
pub mod plan;
pub mod row;
pub mod selection;

use jiff::Timestamp;
use semver::Version;

use crate::id::{CampaignId, IncidentId};
use pace::Pace;
use selection::Selection;

/// What a campaign does to each of its sites.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CampaignAction")]
pub enum Action {
    /// Drop the site's config cache, so that it refills from the origin.
    ClearCache,
    /// Revalidate the site's documents at once.
    Refresh,
    /// Run this release from now on.
    ActivateRelease {
        /// The release.
        version: Version,
    },
}

impl Action {
    /// What it is called in sentences, such as "clear cache".
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::ClearCache => "clear cache".into(),
            Self::Refresh => "refresh".into(),
            Self::ActivateRelease { version } => format!("activate release {version}"),
        }
    }
}

/// What somebody asks for: everything a campaign needs except its identity and its time.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignOrder")]
pub struct Order {
    /// What is done to each site.
    pub action: Action,
    /// To which sites.
    pub selection: Selection,
    /// The incident it answers, if any.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// How fast.
    #[serde(default)]
    pub pace: Pace,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Campaign {
    /// Its identifier.
    pub id: CampaignId,
    /// What was asked for.
    #[serde(flatten)]
    pub order: Order,
    /// Grows from campaign to campaign; a site that acted at this generation does not act again.
    pub generation: u64,
    /// The names of its waves, in order.
    pub waves: Vec<String>,
    /// The wave that is being done; counts from 0.
    pub wave: usize,
    /// How far it has come.
    pub state: State,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// The rate it had last, in sites per second: where a restarted pacer finds its footing.
    pub rate_per_second: f64,
    /// Outcomes of the current wave that somebody has seen and accepted: they are not judged again.
    pub accepted: halt::Tally,
}

/// How far a campaign has come.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Created, and not started.
    Planned,
    /// Sites are being acted on.
    Running,
    /// Somebody paused it.
    Paused,
    /// It stopped itself.
    Halted {
        /// Names the wave, the release and the evidence.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Every site was verified, or given up with its reason.
    Finished {
        /// When.
        at: Timestamp,
    },
    /// Somebody ended it; sites not yet acted on were left alone.
    Aborted {
        /// When.
        at: Timestamp,
    },
}

/// What is asked of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin.
    Start,
    /// Begin no further sites.
    Pause,
    /// Go on after a pause, or after a halt, accepting the failures so far.
    Resume,
    /// End, leaving the remaining sites alone.
    Abort,
}

/// A command that the campaign's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This campaign is {state}, so it cannot {command}.")]
pub struct Refused {
    /// The word for the state it is in.
    pub state: &'static str,
    /// The word for what was asked.
    pub command: &'static str,
}

impl State {
    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Halted { .. } => "halted",
            Self::Finished { .. } => "finished",
            Self::Aborted { .. } => "aborted",
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Aborted { .. })
    }

    /// The state after `command` at `now`.
    ///
    /// # Errors
    /// When this state does not allow the command.
    pub fn after(&self, command: Command, now: Timestamp) -> Result<Self, Refused> {
        match (self, command) {
            (Self::Planned, Command::Start)
            | (Self::Paused | Self::Halted { .. }, Command::Resume) => Ok(Self::Running),
            (Self::Running, Command::Pause) => Ok(Self::Paused),
            (state, Command::Abort) if !state.is_over() => Ok(Self::Aborted { at: now }),
            (state, command) => Err(Refused {
                state: state.as_str(),
                command: command.as_str(),
            }),
        }
    }
}

impl Command {
    /// The word for it, as the API's path ends.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
        }
    }

    /// What happened to a campaign that obeyed.
    #[must_use]
    pub fn past(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Abort => "aborted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_follow_the_state() {
        let now = Timestamp::UNIX_EPOCH;
        let halted = State::Halted {
            reason: "canaries failed".into(),
            at: now,
        };
        let table = [
            (State::Planned, "start abort"),
            (State::Running, "pause abort"),
            (State::Paused, "resume abort"),
            (halted, "resume abort"),
            (State::Finished { at: now }, ""),
            (State::Aborted { at: now }, ""),
        ];
        for (state, allowed) in table {
            for command in [
                Command::Start,
                Command::Pause,
                Command::Resume,
                Command::Abort,
            ] {
                let expected = allowed.split(' ').any(|word| word == command.as_str());
                assert_eq!(
                    state.after(command, now).is_ok(),
                    expected,
                    "{state:?} {command:?}"
                );
            }
        }
    }
}
