//! Incidents and their updates, as Statuspage writes them.

use domain::incident::template::read_as;
use domain::incident::{Impact, Stage, State, Update, UpdateKind};
use domain::language::Language;
use domain::site::Zone;
use engine::IncidentView;
use jiff::Timestamp;
use serde::Serialize;

use super::component::Component;
use crate::App;

/// An incident.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "StatuspageIncident")]
pub(super) struct Incident {
    id: String,
    name: String,
    status: &'static str,
    #[schemars(with = "domain::schema::Moment")]
    created_at: Timestamp,
    #[schemars(with = "domain::schema::Moment")]
    updated_at: Timestamp,
    #[schemars(with = "Option<domain::schema::Moment>")]
    monitoring_at: Option<Timestamp>,
    #[schemars(with = "Option<domain::schema::Moment>")]
    resolved_at: Option<Timestamp>,
    impact: &'static str,
    shortlink: String,
    #[schemars(with = "domain::schema::Moment")]
    started_at: Timestamp,
    page_id: String,
    incident_updates: Vec<IncidentUpdate>,
    components: Vec<Component>,
    /// Of planned work only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<domain::schema::Moment>")]
    scheduled_for: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<domain::schema::Moment>")]
    scheduled_until: Option<Timestamp>,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "StatuspageIncidentUpdate")]
struct IncidentUpdate {
    id: String,
    status: &'static str,
    body: String,
    incident_id: String,
    #[schemars(with = "domain::schema::Moment")]
    created_at: Timestamp,
    #[schemars(with = "domain::schema::Moment")]
    updated_at: Timestamp,
    #[schemars(with = "domain::schema::Moment")]
    display_at: Timestamp,
    affected_components: Vec<AffectedComponent>,
    deliver_notifications: bool,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "StatuspageAffectedComponent")]
struct AffectedComponent {
    code: String,
    name: String,
    old_status: &'static str,
    new_status: &'static str,
}

/// When an incident last changed for customers.
pub(super) fn updated_at(view: &IncidentView) -> Timestamp {
    let newest = view.updates.iter().map(Update::changed_at).max();
    let known = view
        .incident
        .accepted_at
        .unwrap_or(view.incident.started_at);
    newest.unwrap_or(known).max(known)
}

/// Shapes an incident; `components` are those of the same list of incidents.
pub(super) fn shaped(
    view: &IncidentView,
    page_id: &str,
    app: &App,
    (components, place): (&[Component], usize),
) -> Incident {
    let (incident, settings) = (&view.incident, app.engine().settings());
    let concerned: Vec<_> = components
        .iter()
        .filter(|component| component.is_concerned(place))
        .cloned()
        .collect();
    let first_in = |stage| {
        let mut updates = view.updates.iter().rev();
        updates
            .find(|update| update.state == stage)
            .map(|update| update.at)
    };
    Incident {
        id: incident.id.to_string(),
        name: incident.title.clone(),
        status: status(view),
        created_at: incident.accepted_at.unwrap_or(incident.started_at),
        updated_at: updated_at(view),
        monitoring_at: first_in(Stage::Monitoring),
        resolved_at: match incident.state {
            State::Completed { at, .. } | State::Cancelled { at, .. } => Some(at),
            _ => None,
        },
        impact: incident.impact.as_str(),
        shortlink: format!("{}/incidents/{}", settings.base_url, incident.id),
        started_at: incident.started_at,
        page_id: page_id.to_owned(),
        incident_updates: updates(view, &concerned, (&settings.home_zone, settings.language)),
        components: concerned,
        scheduled_for: incident.maintenance.as_ref().map(|work| work.from),
        scheduled_until: incident.maintenance.as_ref().map(|work| work.until),
    }
}

fn status(view: &IncidentView) -> &'static str {
    match view.official_comment() {
        Some(_) if !view.incident.is_open() => "postmortem",
        _ => stage_status(view, view.incident.state.stage()),
    }
}

fn stage_status(view: &IncidentView, stage: Stage) -> &'static str {
    match stage {
        Stage::Scheduled => "scheduled",
        Stage::InProgress => "in_progress",
        Stage::Verifying => "verifying",
        // Statuspage knows no work that was given up.
        Stage::Cancelled => "completed",
        Stage::Completed if view.incident.maintenance.is_some() => "completed",
        Stage::Identified => "identified",
        Stage::Monitoring => "monitoring",
        Stage::Completed => "resolved",
        Stage::Proposed | Stage::Investigating | Stage::Dismissed => "investigating",
    }
}

/// The updates, newest first. What each said of the components follows from the state it led to.
fn updates(
    view: &IncidentView,
    concerned: &[Component],
    reader: (&Zone, Language),
) -> Vec<IncidentUpdate> {
    let mut before = component_status(Impact::None);
    let mut updates: Vec<_> = view
        .updates
        .iter()
        .rev()
        .map(|update| {
            let after = match update.state {
                Stage::Completed | Stage::Cancelled | Stage::Scheduled => {
                    component_status(Impact::None)
                }
                Stage::InProgress | Stage::Verifying => UNDER_MAINTENANCE,
                _ => component_status(view.incident.impact),
            };
            let shaped = one((view, update), concerned, (before, after), reader);
            before = after;
            shaped
        })
        .collect();
    updates.reverse();
    updates
}

fn one(
    (view, update): (&IncidentView, &Update),
    concerned: &[Component],
    (old_status, new_status): (&'static str, &'static str),
    reader: (&Zone, Language),
) -> IncidentUpdate {
    let affected = concerned.iter().map(|component| AffectedComponent {
        code: component.id.clone(),
        name: component.name.clone(),
        old_status,
        new_status,
    });
    IncidentUpdate {
        id: update.id.to_string(),
        status: match (update.kind, update.state) {
            (UpdateKind::OfficialComment, Stage::Completed) => "postmortem",
            (_, stage) => stage_status(view, stage),
        },
        body: read_as(reader, &update.body),
        incident_id: view.incident.id.to_string(),
        created_at: update.at,
        updated_at: update.changed_at(),
        display_at: update.at,
        affected_components: affected.collect(),
        // What was added afterwards was told to nobody.
        deliver_notifications: view.incident.added_at.is_none(),
    }
}

/// A component that is worked on as planned.
pub(super) const UNDER_MAINTENANCE: &str = "under_maintenance";

/// What an impact means for a component.
pub(super) fn component_status(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "operational",
        Impact::Minor => "degraded_performance",
        Impact::Major => "partial_outage",
        Impact::Critical => "major_outage",
    }
}
