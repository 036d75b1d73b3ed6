//! Incidents as programs read them: for customers and for staff.

use domain::id::{AlarmId, IncidentId, ReportId, UpdateId};
use domain::incident::template::read_as;
use domain::incident::{
    Affected, Audience, Correction, FollowUp, Impact, Posted, Promise, PromiseKind, Scope, Stage,
    State, Update, UpdateKind, Window,
};
use domain::name::Hostname;
use domain::schema::{Day, Moment};
use engine::{CampaignView, IncidentView, ReleaseBefore};
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// Incidents as customers read them.
#[derive(Serialize, JsonSchema)]
pub(super) struct PublicIncidents {
    /// Newest first, at most 200.
    pub(super) incidents: Vec<PublicIncident>,
}

/// Incidents as staff see them.
#[derive(Serialize, JsonSchema)]
pub(super) struct StaffIncidents {
    /// Newest first.
    pub(super) incidents: Vec<StaffIncident>,
}

/// What everybody may know of an incident besides its posts.
#[derive(Serialize, JsonSchema)]
struct Head {
    /// Its identifier.
    id: IncidentId,
    /// How far it has come.
    state: Stage,
    /// How bad it is.
    impact: Impact,
    /// One line.
    title: String,
    /// When it began, as far as is known.
    #[schemars(with = "Moment")]
    started_at: Timestamp,
    /// Its sites by state, now.
    affected: Affected,
    /// When the incident report was promised for.
    #[schemars(with = "Option<Moment>")]
    report_due_at: Option<Timestamp>,
    /// When the next update was promised for.
    #[schemars(with = "Option<Moment>")]
    next_update_due_at: Option<Timestamp>,
    /// When it was added afterwards, where it was.
    #[schemars(with = "Option<Moment>")]
    added_at: Option<Timestamp>,
    /// When it is done, where it is planned work.
    maintenance: Option<Planned>,
}

/// When planned work is done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PlannedWindow")]
struct Planned {
    /// The window, on one clock or on each site's own.
    window: Window,
    /// When the first site's window begins.
    #[schemars(with = "Moment")]
    from: Timestamp,
    /// When the last site's window ends.
    #[schemars(with = "Moment")]
    until: Timestamp,
}

/// An incident as customers read it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PublicIncident {
    #[serde(flatten)]
    head: Head,
    /// Its posts, newest first.
    updates: Vec<PublicUpdate>,
    /// What will be done after it, the soonest first.
    follow_ups: Vec<PublicFollowUp>,
}

/// A post as customers read it.
#[derive(Serialize, JsonSchema)]
struct PublicUpdate {
    /// Its identifier.
    id: UpdateId,
    /// When it was posted.
    #[schemars(with = "Moment")]
    at: Timestamp,
    /// How far the incident had come.
    state: Stage,
    /// Markdown; moments are told on the vendor's clock.
    body: String,
    /// What kind of entry it is.
    kind: UpdateKind,
    /// Changes of its text, the first one first.
    corrections: Vec<Correction>,
}

/// What will be done, as customers read it: without its owner.
#[derive(Serialize, JsonSchema)]
struct PublicFollowUp {
    /// What, on one line.
    text: String,
    /// The day by whose end it is done.
    #[schemars(with = "Day")]
    due: Date,
    /// `open`, `done` or `dropped`.
    state: &'static str,
}

/// An incident as staff see it: who posted, from which template, which alarms, which sites.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StaffIncident {
    #[serde(flatten)]
    head: Head,
    /// Its posts, newest first.
    updates: Vec<Update>,
    /// The alarms that belong to it.
    alarms: Vec<AlarmId>,
    /// Which sites it is about.
    scope: Scope,
    /// Who may read it, once it is told.
    audience: Audience,
    /// Grows with every change.
    version: u64,
    /// When a person accepted it; from then on its audience may read it.
    #[schemars(with = "Option<Moment>")]
    accepted_at: Option<Timestamp>,
    /// How far it has come, with what belongs to that.
    detail: State,
    /// What its posts promised, soonest first.
    promises: Vec<Promise>,
    /// What will be done after it, the soonest first.
    follow_ups: Vec<FollowUp>,
}

/// An incident, with everything that is linked to it.
#[derive(Serialize, JsonSchema)]
pub(super) struct WholeIncident {
    #[serde(flatten)]
    pub(super) incident: StaffIncident,
    /// What is linked to it.
    pub(super) case: CaseView,
}

/// What is linked to an incident.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Case")]
pub(super) struct CaseView {
    /// The first one first.
    pub(super) alarms: Vec<CaseAlarm>,
    /// How many reports belong to it.
    pub(super) reports_total: usize,
    /// The newest of them, newest first.
    pub(super) reports: Vec<CaseReport>,
    /// The campaigns that answer it, newest first.
    pub(super) campaigns: Vec<CampaignView>,
    /// Releases that were activated shortly before it on its sites.
    pub(super) releases: Vec<ReleaseBefore>,
}

/// An alarm of an incident.
#[derive(Serialize, JsonSchema)]
pub(super) struct CaseAlarm {
    /// Its identifier.
    pub(super) id: AlarmId,
    /// When it was raised.
    #[schemars(with = "Moment")]
    pub(super) at: Timestamp,
    /// What it says.
    pub(super) sentence: String,
}

/// A report of an incident.
#[derive(Serialize, JsonSchema)]
pub(super) struct CaseReport {
    /// Its identifier.
    pub(super) id: ReportId,
    /// When it was taken.
    #[schemars(with = "Moment")]
    pub(super) at: Timestamp,
    /// Whose site; none when the fleet has it no more.
    pub(super) site: Option<Hostname>,
    /// What the customer wrote.
    pub(super) text: String,
}

/// Updates that wait.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScheduledUpdates")]
pub(super) struct Scheduled {
    /// The soonest first.
    pub(super) scheduled: Vec<Waiting>,
}

/// An update that waits for its moment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScheduledUpdate")]
pub(super) struct Waiting {
    /// The identifier that the post will have.
    pub(super) id: UpdateId,
    /// When it is to be posted.
    #[schemars(with = "Moment")]
    pub(super) at: Timestamp,
    /// Who wrote it.
    pub(super) by: String,
    /// When it was written.
    #[schemars(with = "Moment")]
    pub(super) made_at: Timestamp,
    /// What it would say now: Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    /// Why it could not be posted now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// What became of an update: posted or looked at, or it waits.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum PostAnswer {
    /// It was posted, or only looked at.
    Posted(PostedView),
    /// It waits for its moment.
    Scheduled {
        /// The update.
        scheduled: Waiting,
    },
}

/// An update that was posted, or only looked at.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Posted")]
pub(crate) struct PostedView {
    /// Whether it was only looked at.
    preview: bool,
    /// The update, its moments told on the vendor's clock.
    update: Update,
    /// How far the incident is with it.
    state: Stage,
    /// What it promises.
    promises: Vec<Promise>,
}

/// What everybody may read of an incident.
pub(crate) fn for_customers(app: &App, view: &IncidentView) -> PublicIncident {
    let update = |update: &Update| PublicUpdate {
        id: update.id,
        at: update.at,
        state: update.state,
        body: at_home(app, &update.body),
        kind: update.kind,
        corrections: update.corrections.clone(),
    };
    PublicIncident {
        head: head(app, view),
        updates: view.updates.iter().map(update).collect(),
        follow_ups: view.follow_ups.iter().map(follow_up).collect(),
    }
}

/// Everything.
pub(crate) fn for_staff(app: &App, view: &IncidentView) -> StaffIncident {
    let incident = &view.incident;
    StaffIncident {
        head: head(app, view),
        updates: view.updates.clone(),
        alarms: view.alarms.clone(),
        scope: incident.scope.clone(),
        audience: incident.audience,
        version: incident.version,
        accepted_at: incident.accepted_at,
        detail: incident.state.clone(),
        promises: view.promises.clone(),
        follow_ups: view.follow_ups.clone(),
    }
}

fn head(app: &App, view: &IncidentView) -> Head {
    let incident = &view.incident;
    Head {
        id: incident.id,
        state: incident.state.stage(),
        impact: incident.impact,
        title: incident.title.clone(),
        started_at: incident.started_at,
        affected: affected(app, view),
        report_due_at: view.due_at(PromiseKind::Report),
        next_update_due_at: view.due_at(PromiseKind::NextUpdate),
        added_at: incident.added_at,
        maintenance: incident.maintenance.as_ref().map(|work| Planned {
            window: work.window.clone(),
            from: work.from,
            until: work.until,
        }),
    }
}

/// How its sites are now; how they are today says nothing of one that was over before it was added.
fn affected(app: &App, view: &IncidentView) -> Affected {
    let now = app.engine().affected_by(view);
    match view.incident.added_at {
        None => now,
        Some(_) => Affected {
            total: now.total,
            ..Affected::default()
        },
    }
}

fn follow_up(one: &FollowUp) -> PublicFollowUp {
    let state = match &one.end {
        None => "open",
        Some(end) if end.dropped.is_none() => "done",
        Some(_) => "dropped",
    };
    PublicFollowUp {
        text: one.text.clone(),
        due: one.due,
        state,
    }
}

/// A post as programs read it: moments on the vendor's clock.
pub(super) fn at_home(app: &App, post: &str) -> String {
    let settings = app.engine().settings();
    read_as((&settings.home_zone, settings.language), post)
}

pub(crate) fn posted_view(app: &App, posted: &Posted, preview: bool) -> PostedView {
    let mut update = posted.update.clone();
    update.body = at_home(app, &posted.update.body);
    PostedView {
        preview,
        update,
        state: posted.incident.state.stage(),
        promises: posted.made.clone(),
    }
}
