//! `/incidents/{id}`: what happened, how many it concerns now, what was said, what is promised.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::IncidentId;
use domain::incident::{Impact, Incident, Promise, PromiseKind, Stage, Update, UpdateKind};
use domain::site::Site;
use domain::site::state::SiteState;
use engine::{Fleet, IncidentView, SiteIndex};

use super::lamps::Lamps;
use super::lamps::bands::Counts;
use super::prose::prose;
use super::status::{Row, ZoneQuery, is_lit, rim};
use super::words::{self, Moment, Reader};
use super::{Answer, Choice, Page, PageError, reader, render, zone_choices};
use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/incidents/{id}", Access::Public, incident)]
}

#[derive(Template)]
#[template(path = "incident.html")]
struct View {
    page: Page,
    id: IncidentId,
    title: String,
    mood: &'static str,
    lit: bool,
    rim: &'static str,
    lead: String,
    impact: &'static str,
    started: Moment,
    as_of: Moment,
    steps: Vec<Step>,
    promises: Vec<Promised>,
    official: Option<Said>,
    updates: Vec<Said>,
    rows: Vec<Row>,
    zones: Vec<Choice>,
    chosen_zone: String,
}

/// A stage on the way from "investigating" to "completed".
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) here: bool,
}

/// A promise that a post made, in words.
pub(crate) struct Promised {
    pub(crate) words: String,
    pub(crate) overdue: bool,
}

/// An entry of an incident as people read it.
pub(crate) struct Said {
    pub(crate) stage: &'static str,
    pub(crate) stage_class: &'static str,
    pub(crate) at: Moment,
    pub(crate) by: String,
    pub(crate) html: String,
}

async fn incident(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ZoneQuery>,
) -> Answer {
    let view = public(&app, &id).await?;
    let reader = reader(
        &app,
        query.zone.as_deref(),
        &app.engine().settings().home_zone,
    );
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let (counts, rows) = affected(&view.incident, &lamps, &fleet, &reader);
    let mood = mood(&view.incident, &counts);
    let page = View {
        page: Page::public(view.incident.title.clone(), "/"),
        id: view.incident.id,
        title: view.incident.title.clone(),
        mood: mood.as_str(),
        lit: is_lit(mood),
        rim: rim(mood),
        lead: lead(&view.incident, &counts),
        impact: impact(view.incident.impact),
        started: reader.moment(view.incident.started_at),
        as_of: reader.now(),
        steps: steps(view.incident.state.stage()),
        promises: view
            .promises
            .iter()
            .filter_map(|promise| promised(promise, &reader))
            .collect(),
        official: view.official_comment().map(|update| said(update, &reader)),
        updates: updates(&view, &reader),
        rows,
        zones: zone_choices(&lamps.bands, &app.engine().settings().home_zone, &reader),
        chosen_zone: reader.zone.to_string(),
    };
    Ok(render(StatusCode::OK, &page))
}

/// An incident that customers may see. Proposals are not there for them.
async fn public(app: &App, id: &str) -> Result<Arc<IncidentView>, PageError> {
    let missing =
        || PageError::not_found("There is no such incident. Perhaps its address was cut.");
    let id: IncidentId = id.parse().map_err(|_| missing())?;
    let view = app.engine().find_incident(id).await?.ok_or_else(missing)?;
    if view.incident.is_public() {
        Ok(view)
    } else {
        Err(missing())
    }
}

/// The sites of an incident by state: all, and by time zone from west to east.
pub(crate) fn affected(
    incident: &Incident,
    lamps: &Lamps,
    fleet: &Fleet,
    reader: &Reader,
) -> (Counts, Vec<Row>) {
    let holds = |site: &SiteIndex| {
        fleet
            .site(*site)
            .is_some_and(|site: Arc<Site>| incident.scope.holds(&site))
    };
    let mut all = Counts::default();
    let mut rows = vec![];
    for band in &lamps.bands {
        let counts = Counts::of(fleet, band.sites.iter().copied().filter(holds));
        if counts.total() == 0 {
            continue;
        }
        counts.each().for_each(|(state, n)| all.add(state, n));
        let local = words::clock_time(reader.now, &band.zone);
        rows.push(Row::new(&band.name, &band.slug, local, &counts));
    }
    (all, rows)
}

fn mood(incident: &Incident, counts: &Counts) -> SiteState {
    if incident.state.stage() == Stage::Completed && counts.affected() == 0 {
        return SiteState::Well;
    }
    words::headline(counts).mood
}

fn lead(incident: &Incident, counts: &Counts) -> String {
    let total = words::counted(counts.total(), "site", "sites");
    let failing = counts.get(SiteState::Failing) + counts.get(SiteState::Reported);
    let restored = counts.get(SiteState::Restored);
    let over = incident.state.stage() == Stage::Completed;
    match (counts.affected(), restored) {
        (0, _) if over => format!("It is over. It concerned {total}; sign-in works on them."),
        (0, 0) => format!("It concerns {total}; none of them is known to fail now."),
        (0, _) => format!(
            "It concerned {total}. {} were restored and checked; none fails now.",
            words::count(restored)
        ),
        (_, _) => format!(
            "Of {total}, sign-in fails on {}, is being restored on {}, and was restored and checked on {}.",
            words::count(failing),
            words::count(counts.get(SiteState::Restoring)),
            words::count(restored),
        ),
    }
}

pub(crate) fn impact(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "No impact",
        Impact::Minor => "Few sites",
        Impact::Major => "Many sites",
        Impact::Critical => "Half of all sites or more",
    }
}

pub(crate) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Proposed => "Proposed",
        Stage::Investigating => "Investigating",
        Stage::Identified => "Identified",
        Stage::Monitoring => "Monitoring",
        Stage::Completed => "Completed",
        Stage::Dismissed => "Dismissed",
    }
}

fn steps(now: Stage) -> Vec<Step> {
    let way = [
        Stage::Investigating,
        Stage::Identified,
        Stage::Monitoring,
        Stage::Completed,
    ];
    way.into_iter()
        .map(|step| Step {
            name: stage(step),
            here: step == now,
        })
        .collect()
}

/// An open promise in words: "An incident report will be posted here by Thu, Jul 13, 6:27 PM CDT".
pub(crate) fn promised(promise: &Promise, reader: &Reader) -> Option<Promised> {
    if promise.kept_at.is_some() {
        return None;
    }
    let what = match promise.kind {
        PromiseKind::Report => "An incident report will be posted here by",
        PromiseKind::NextUpdate => "The next update will be posted here by",
    };
    let by = reader.moment(promise.due_at).text;
    let overdue = promise.is_overdue(reader.now);
    let words = if overdue {
        format!("{what} {by}. It is late; we are sorry.")
    } else {
        format!("{what} {by}.")
    };
    Some(Promised { words, overdue })
}

pub(crate) fn said(update: &Update, reader: &Reader) -> Said {
    Said {
        stage: stage(update.state),
        stage_class: update.state.as_str(),
        at: reader.moment(update.at),
        by: update.by.clone(),
        html: prose(&update.body),
    }
}

/// The updates without the official comment, newest first.
pub(crate) fn updates(view: &IncidentView, reader: &Reader) -> Vec<Said> {
    let plain = view
        .updates
        .iter()
        .filter(|update| update.kind == UpdateKind::Update);
    plain.map(|update| said(update, reader)).collect()
}

/// An incident in a list.
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) stage: &'static str,
    pub(crate) stage_class: &'static str,
    pub(crate) started: Moment,
    pub(crate) latest: Option<Said>,
    pub(crate) promises: Vec<Promised>,
}

impl Card {
    pub(crate) fn of(view: &IncidentView, reader: &Reader) -> Self {
        let stage_now = view.incident.state.stage();
        Self {
            id: view.incident.id.to_string(),
            title: view.incident.title.clone(),
            stage: stage(stage_now),
            stage_class: stage_now.as_str(),
            started: reader.moment(view.incident.started_at),
            latest: updates(view, reader).into_iter().next(),
            promises: view
                .promises
                .iter()
                .filter_map(|promise| promised(promise, reader))
                .collect(),
        }
    }
}
