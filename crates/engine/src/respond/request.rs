//! What alarms and people ask of an incident.

use domain::incident::{Audience, Window};

use super::*;

/// An alarm, as it proposes an incident.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The alarm.
    pub alarm: AlarmId,
    /// What it says, without a full stop, such as "14 sites reported in 3 minutes".
    pub words: String,
    /// Which sites it points at.
    pub scope: Scope,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// The first report that it counts.
    pub first_report: Option<(ReportId, Hostname, Timestamp)>,
    /// The reports that it counts.
    pub reports: Vec<ReportId>,
}

/// What a person decides on accepting a proposal.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Acceptance {
    /// A better title.
    pub title: Option<String>,
    /// How bad it is; by the share of the fleet in scope without one.
    pub impact: Option<Impact>,
    /// Which sites it is about.
    pub scope: Option<Scope>,
    /// Who may read it; everybody without one.
    pub audience: Audience,
}

/// An incident that a person opens.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// One line, such as "Sign-in fails on some sites".
    pub title: String,
    /// Which sites it is about; all without one.
    #[serde(default)]
    pub scope: Scope,
    /// How bad it is; by the share of the fleet in scope without one.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// When it began; now without one.
    #[serde(default)]
    #[schemars(with = "Option<domain::schema::Moment>")]
    pub started_at: Option<Timestamp>,
    /// Who may read it; everybody without one.
    #[serde(default)]
    pub audience: Audience,
}

/// Work that a person plans.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedWork {
    /// One line, such as "Sign-in servers are replaced".
    pub title: String,
    /// What customers are told at once: Markdown.
    pub text: String,
    /// Which sites it is about; all without one.
    #[serde(default)]
    pub scope: Scope,
    /// How much they will notice; nothing without one.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// When it is done.
    pub window: Window,
    /// How long before it begins followers are told again, in minutes; never without one.
    #[serde(default)]
    pub remind_minutes: Option<u32>,
    /// Complete it by itself when its window ends. Without, people say how it went, and are paged
    /// when the window ends before they did.
    #[serde(default)]
    pub completes_itself: bool,
    /// Shows it on the pages and in the feeds, and tells no follower.
    #[serde(default)]
    pub quiet: bool,
    /// Who may read it; everybody without one.
    #[serde(default)]
    pub audience: Audience,
}

/// Another window for planned work.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovedWork {
    /// When it is done instead.
    pub window: Window,
    /// What customers are told: Markdown.
    pub text: String,
}

/// An update that a person wants to post: a template with its values, or a text.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewUpdate {
    /// The name of a template.
    pub template: Option<String>,
    /// Fills the template's gaps.
    pub values: BTreeMap<String, serde_json::Value>,
    /// Markdown, instead of a template.
    pub text: Option<String>,
    /// The state from now on; the template's suggestion without one, while the incident is open.
    pub state: Option<Stage>,
    /// The end of the watch period.
    #[schemars(with = "Option<domain::schema::Moment>")]
    pub watch_until: Option<Timestamp>,
    /// Complete the incident after its watch period if no site in scope fails.
    pub complete_after_watch: bool,
    /// How bad it is.
    pub impact: Option<Impact>,
    /// Promises another update.
    pub next_update_within: Option<Length>,
    /// Promises the incident report.
    pub report_within: Option<Length>,
    /// The calendar that its promises are counted on; the template's without, or the default one.
    pub calendar: Option<String>,
    /// Shows it on the pages and in the feeds, and tells no follower.
    pub quiet: bool,
}

/// Another text for something that was posted.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// Markdown: the whole text, as it shall stand.
    pub text: String,
    /// Why, on one line; customers read it.
    pub reason: String,
}
