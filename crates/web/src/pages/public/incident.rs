//! `/incidents/{id}`: what happened, how many it concerns now, what was said, what is promised.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::calendar::DEFAULT_NAME;
use domain::id::{IncidentId, UpdateId};
use domain::incident::{
    Impact, Incident, Promise, PromiseKind, Stage, State as IncidentState, Update, UpdateKind,
};
use domain::site::Site;
use domain::site::state::SiteState;
use engine::{Fleet, IncidentView, SiteIndex};

use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::language::{here, read_post, say, tell};
use crate::pages::console::follow_ups;
use crate::pages::lamps::Lamps;
use crate::pages::lamps::bands::Counts;
use crate::pages::prose::prose;
use crate::pages::public::comments::Shown as Comment;
use crate::pages::public::maintenance;
use crate::pages::public::own::{about, readable};
use crate::pages::public::status::{Line, Table, ZoneQuery, is_lit, rim};
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Choice, Page, reader, render, zone_choices};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/incidents/{id}", Access::Public, incident).kept()]
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
    added: Option<Moment>,
    as_of: Moment,
    steps: Vec<Step>,
    promises: Vec<Promised>,
    official: Option<Official>,
    updates: Vec<Said>,
    table: Option<Table>,
    follow_ups: Vec<follow_ups::Shown>,
    comments: Vec<Comment>,
    comments_total: String,
    zones: Vec<Choice>,
    chosen_zone: String,
    is_for_few: bool,
}

/// An official comment longer than this is a document with a page of its own, such as an incident
/// report.
const OFFICIAL_CHARACTERS: usize = 700;

/// The vendor's word on the whole incident.
struct Official {
    said: Said,
    is_long: bool,
}

/// A stage on the way from "investigating" to "completed".
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) here: bool,
    /// Whether the incident has come past it.
    pub(crate) done: bool,
}

/// A promise that a post made, in words.
pub(crate) struct Promised {
    pub(crate) words: String,
    pub(crate) overdue: bool,
    /// Whether an update is promised, not a report.
    pub(crate) is_update: bool,
}

/// An entry of an incident as people read it.
pub(crate) struct Said {
    pub(crate) id: UpdateId,
    pub(crate) stage: &'static str,
    pub(crate) stage_class: &'static str,
    pub(crate) at: Moment,
    pub(crate) by: String,
    pub(crate) html: String,
    /// Its text as it was written.
    pub(crate) text: String,
    /// The newest first.
    pub(crate) corrections: Vec<Corrected>,
}

/// A change of what was said.
pub(crate) struct Corrected {
    pub(crate) at: Moment,
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) before: String,
}

async fn incident(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ZoneQuery>,
    headers: HeaderMap,
) -> Answer {
    let view = readable(&app, &headers, &id).await?;
    let reader = reader(
        &app,
        query.zone.as_deref(),
        &app.engine().settings().home_zone,
    );
    if let Some(planned) = maintenance::page(&app, &view, &reader) {
        return planned.map(|page| about(&view, page));
    }
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let (counts, table) = affected(&view.incident, &lamps, &fleet, &reader);
    let mood = mood(&view.incident, &counts);
    let page = View {
        page: Page::live(view.incident.title.clone(), "/"),
        id: view.incident.id,
        title: view.incident.title.clone(),
        mood: mood.as_str(),
        lit: is_lit(mood),
        rim: rim(mood),
        lead: lead(&view.incident, &counts, &reader),
        impact: impact(view.incident.impact),
        started: reader.moment(view.incident.started_at),
        added: view.incident.added_at.map(|at| reader.moment(at)),
        as_of: reader.now(),
        steps: steps(view.incident.state.stage()),
        promises: view
            .promises
            .iter()
            .filter_map(|promise| promised(promise, &reader))
            .collect(),
        official: official(&view, &reader),
        updates: updates(&view, &reader),
        table: Some(table).filter(|_| is_felt(&view.incident, &counts)),
        follow_ups: follow_ups::of(&app, &view.follow_ups),
        comments: comments(&view, &reader),
        comments_total: words::comments(view.comments_total),
        zones: zone_choices(&lamps.bands, &app.engine().settings().home_zone, &reader),
        chosen_zone: reader.zone.to_string(),
        is_for_few: !view.incident.is_public(),
    };
    Ok(about(&view, render(StatusCode::OK, &page)))
}

/// The newest comments, for a page that everybody reads.
pub(in crate::pages) fn comments(view: &IncidentView, reader: &Reader) -> Vec<Comment> {
    let newest = view.comments.iter();
    newest.map(|one| Comment::of(one, reader)).collect()
}

/// The sites of an incident by state: all, and by time zone from west to east.
pub(crate) fn affected(
    incident: &Incident,
    lamps: &Lamps,
    fleet: &Fleet,
    reader: &Reader,
) -> (Counts, Table) {
    let holds = |site: &SiteIndex| {
        fleet
            .site(*site)
            .is_some_and(|site: Arc<Site>| incident.scope.holds(&site))
    };
    let mut all = Counts::default();
    let mut lines = vec![];
    for band in &lamps.bands {
        let counts = Counts::of(fleet, band.sites.iter().copied().filter(holds));
        if counts.total() == 0 {
            continue;
        }
        counts.each().for_each(|(state, n)| all.add(state, n));
        lines.push(Line::of_band(band, reader, counts));
    }
    (all, Table::of(lines))
}

/// Whether its sites say something of it: not those of today about an incident that was over before it
/// was added.
fn is_felt(incident: &Incident, counts: &Counts) -> bool {
    incident.is_open() || (counts.affected() > 0 && incident.added_at.is_none())
}

fn mood(incident: &Incident, counts: &Counts) -> SiteState {
    if is_felt(incident, counts) {
        words::headline(counts).mood
    } else {
        SiteState::Well
    }
}

fn lead(incident: &Incident, counts: &Counts, reader: &Reader) -> String {
    let headline = words::headline(counts);
    match &incident.state {
        IncidentState::Completed { at, .. } if incident.added_at.is_some() => {
            tell("over-since", [("when", reader.moment(*at).text.into())])
        }
        IncidentState::Completed { at, .. } if counts.affected() == 0 => tell(
            "over-concerned",
            [
                ("when", reader.moment(*at).text.into()),
                ("n", counts.total().into()),
            ],
        ),
        _ => format!("{} {}", headline.sentence, headline.lead),
    }
}

/// The vendor's word as the page of its incident shows it: the whole of a short one, and where to
/// read a long one.
fn official(view: &IncidentView, reader: &Reader) -> Option<Official> {
    let update = view.official_comment()?;
    let is_long = update.body.chars().count() > OFFICIAL_CHARACTERS;
    Some(Official {
        said: said(update, reader),
        is_long,
    })
}

pub(crate) fn impact(impact: Impact) -> &'static str {
    match impact {
        Impact::None => say("impact-none"),
        Impact::Minor => say("impact-minor"),
        Impact::Major => say("impact-major"),
        Impact::Critical => say("impact-critical"),
    }
}

pub(crate) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Proposed => say("stage-proposed"),
        Stage::Investigating => say("stage-investigating"),
        Stage::Identified => say("stage-identified"),
        Stage::Monitoring => say("stage-monitoring"),
        Stage::Completed => say("stage-completed"),
        Stage::Dismissed => say("stage-dismissed"),
        Stage::Scheduled => say("stage-scheduled"),
        Stage::InProgress => say("stage-in-progress"),
        Stage::Verifying => say("stage-verifying"),
        Stage::Cancelled => say("stage-cancelled"),
    }
}

fn steps(now: Stage) -> Vec<Step> {
    let way = [
        Stage::Investigating,
        Stage::Identified,
        Stage::Monitoring,
        Stage::Completed,
    ];
    on_the_way(&way, now)
}

/// The stages of a way, and how far it was gone.
pub(in crate::pages) fn on_the_way(way: &[Stage], now: Stage) -> Vec<Step> {
    let reached = way.iter().position(|step| *step == now).unwrap_or(0);
    way.iter()
        .enumerate()
        .map(|(place, step)| Step {
            name: stage(*step),
            here: place == reached,
            done: place < reached,
        })
        .collect()
}

/// An open promise in words: "An incident report will be posted here by Thu, Jul 13, 6:27 PM CDT".
/// Counted on another calendar than the default one, it says which: its days may be others.
pub(crate) fn promised(promise: &Promise, reader: &Reader) -> Option<Promised> {
    if promise.kept_at.is_some() {
        return None;
    }
    let key = match promise.kind {
        PromiseKind::Report => "promise-report",
        PromiseKind::NextUpdate => "promise-update",
    };
    let mut by = reader.moment(promise.due_at).text;
    let counted = promise.within.filter(|within| within.is_business());
    if let Some(within) = counted.filter(|_| promise.calendar != DEFAULT_NAME) {
        let values = [
            ("when", by.into()),
            ("length", within.in_words(here()).into()),
            ("calendar", promise.calendar.as_str().into()),
        ];
        by = tell("promise-counted", values);
    }
    let overdue = promise.is_overdue(reader.now);
    let promise_made = tell(key, [("when", by.into())]);
    let words = if overdue {
        tell("promise-late", [("promise", promise_made.into())])
    } else {
        promise_made
    };
    Some(Promised {
        words,
        overdue,
        is_update: promise.kind == PromiseKind::NextUpdate,
    })
}

pub(crate) fn said(update: &Update, reader: &Reader) -> Said {
    Said {
        id: update.id,
        stage: stage(update.state),
        stage_class: update.state.as_str(),
        at: reader.moment(update.at),
        by: update.by.clone(),
        html: prose(&read_post(&reader.zone, &update.body)),
        text: update.body.clone(),
        corrections: update
            .corrections
            .iter()
            .rev()
            .map(|one| Corrected {
                at: reader.moment(one.at),
                by: one.by.clone(),
                reason: one.reason.clone(),
                before: prose(&read_post(&reader.zone, &one.before)),
            })
            .collect(),
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
    pub(crate) is_open: bool,
    /// Whether a person has yet to decide about it.
    pub(crate) is_proposed: bool,
    /// Whether the vendor's word on the whole of it can be read.
    pub(crate) has_report: bool,
    /// Whether it was added after it was over.
    pub(crate) is_added: bool,
    /// Whether it is only for the organizations that it concerns.
    pub(crate) is_for_few: bool,
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
            is_open: view.incident.is_open(),
            is_proposed: stage_now == Stage::Proposed,
            has_report: view.official_comment().is_some(),
            is_added: view.incident.added_at.is_some(),
            is_for_few: view.incident.is_told() && !view.incident.is_public(),
            promises: view
                .promises
                .iter()
                .filter_map(|promise| promised(promise, reader))
                .collect(),
        }
    }
}
