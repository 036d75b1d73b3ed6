//! Incidents: what state one is in, and which acts that state allows.
//! Decides; never stores, never tells anybody. Posts to customers begin with a person's `accept`.

mod audience;
pub mod backfill;
mod correction;
mod follow_up;
mod maintenance;
mod post;
pub mod promise;
pub mod report;
mod scope;
mod state;
pub mod statuspage;
pub mod template;
pub mod timeline;
mod update;

pub use audience::Audience;
pub use correction::{CORRECTIONS_MAX, Correction};
pub use follow_up::{BadFollowUp, End as FollowUpEnd, FollowUp};
pub use maintenance::{
    AHEAD_DAYS_MAX, BadWindow, Maintenance, REMIND_MINUTES_MAX, WINDOW_HOURS_MAX, Window,
};
pub use post::{BadPost, Post, Posted};
pub use promise::{Promise, PromiseKind};
pub use scope::{Affected, Fit, Scope};
pub use state::{Impact, Stage, State, WrongAct};
pub use update::{Update, UpdateKind};

use jiff::Timestamp;

use crate::id::{AlarmId, IncidentId};

/// The longest body of a post, in characters: a whole incident report fits.
pub const TEXT_CHARACTERS_MAX: usize = 20_000;

/// An incident, as it is stored: its updates, promises and timeline stand beside it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Incident {
    /// Its identifier.
    pub id: IncidentId,
    /// Grows with every change: a change decided on an older version cannot be saved.
    pub version: u64,
    /// How far it has come.
    pub state: State,
    /// How bad it is.
    pub impact: Impact,
    /// One line, such as "Sign-in Issue Identified".
    pub title: String,
    /// Which sites it is about.
    pub scope: Scope,
    /// Who may read it, once it is told.
    pub audience: Audience,
    /// When it began, as far as is known.
    pub started_at: Timestamp,
    /// When a person accepted it; from then on its audience may read it.
    pub accepted_at: Option<Timestamp>,
    /// Complete it when the watch period ends and no site in scope fails.
    pub complete_after_watch: bool,
    /// When it was added, if that was after it was over: nobody was told of it while it went on.
    pub added_at: Option<Timestamp>,
    /// When the work is done, where it is planned.
    pub maintenance: Option<Maintenance>,
}

impl Incident {
    /// An incident that an alarm proposes. Customers see nothing of it.
    #[must_use]
    pub fn propose(
        id: IncidentId,
        by: AlarmId,
        title: String,
        scope: Scope,
        started_at: Timestamp,
    ) -> Self {
        Self {
            id,
            version: 1,
            state: State::Proposed { by },
            impact: Impact::None,
            title,
            scope,
            audience: Audience::default(),
            started_at,
            accepted_at: None,
            complete_after_watch: false,
            added_at: None,
            maintenance: None,
        }
    }

    /// An incident that a person opens, without an alarm. It is told at once.
    #[must_use]
    pub fn open(
        id: IncidentId,
        (title, scope, impact): (String, Scope, Impact),
        started_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            version: 1,
            state: State::Investigating,
            impact,
            title,
            scope,
            audience: Audience::default(),
            started_at,
            accepted_at: Some(now),
            complete_after_watch: false,
            added_at: None,
            maintenance: None,
        }
    }

    /// Planned work. It is told at once.
    #[must_use]
    pub fn plan(
        id: IncidentId,
        (title, scope, impact): (String, Scope, Impact),
        maintenance: Maintenance,
        now: Timestamp,
    ) -> Self {
        Self {
            state: State::Scheduled,
            maintenance: Some(maintenance.clone()),
            ..Self::open(id, (title, scope, impact), maintenance.from, now)
        }
    }

    /// Planned work in another window, before a post says so. Followers are reminded of it anew.
    ///
    /// # Errors
    /// When it is over, or no planned work.
    pub fn move_window(self, to: Maintenance) -> Result<Self, WrongAct> {
        let state = match self.state.stage() {
            Stage::Scheduled => self.state.clone(),
            _ => self.state.clone().begin()?,
        };
        Ok(Self {
            state,
            started_at: to.from,
            maintenance: Some(to),
            ..self
        })
    }

    /// The incident after an act that leaves it in `state`, as the next version.
    ///
    /// # Errors
    /// Passes on why the act was refused.
    pub fn after(
        self,
        act: impl FnOnce(State) -> Result<State, WrongAct>,
    ) -> Result<Self, WrongAct> {
        Ok(Self {
            state: act(self.state)?,
            version: self.version + 1,
            ..self
        })
    }

    /// The incident after a person took it up.
    ///
    /// # Errors
    /// When it is not a proposal.
    pub fn accept(self, now: Timestamp) -> Result<Self, WrongAct> {
        self.after(State::accept).map(|incident| Self {
            accepted_at: Some(now),
            ..incident
        })
    }

    /// The incident for another audience, as the next version.
    #[must_use]
    pub fn for_audience(self, audience: Audience) -> Self {
        Self {
            audience,
            version: self.version + 1,
            ..self
        }
    }

    /// Whether its audience may read it: a proposal is the team's own.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.accepted_at.is_some()
    }

    /// Whether everybody may read it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.is_told() && self.audience == Audience::Everybody
    }

    /// Whether it still goes on, so that alarms of its scope belong to it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.stage().is_open()
    }
}
