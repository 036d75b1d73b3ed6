//! Planned work as customers read it: a card on the pages of what it concerns, and a page of its own
//! at the address that incidents have.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use domain::id::IncidentId;
use domain::incident::{Maintenance, Scope, Stage, Window};
use domain::site::{Site, Zone};
use engine::{Fleet, IncidentView};

use crate::App;
use crate::language::tell;
use crate::pages::lamps::Lamps;
use crate::pages::lamps::bands::Band;
use crate::pages::public::incident::{Said, Step, impact, stage, updates};
use crate::pages::public::status::{is_lit, rim};
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Choice, Page, render, zone_choices};
use domain::site::state::SiteState;

/// The most cards that a page shows.
const CARDS_MAX: usize = 10;

/// Planned work on a page about something that it concerns.
pub(in crate::pages) struct Card {
    pub(in crate::pages) id: IncidentId,
    pub(in crate::pages) title: String,
    pub(in crate::pages) stage: &'static str,
    pub(in crate::pages) stage_class: &'static str,
    pub(in crate::pages) when: String,
    pub(in crate::pages) latest: Option<Said>,
}

/// What is planned for all sites, for one, or for several; the first to begin first.
pub(in crate::pages) fn cards(
    app: &App,
    reader: &Reader,
    own: Option<&Zone>,
    concerns: impl Fn(&Scope) -> bool,
) -> Vec<Card> {
    let coming = app.engine().coming_maintenances().into_iter();
    let concerned = coming.filter(|view| concerns(&view.incident.scope));
    concerned
        .take(CARDS_MAX)
        .filter_map(|view| card(&view, reader, own))
        .collect()
}

fn card(view: &IncidentView, reader: &Reader, own: Option<&Zone>) -> Option<Card> {
    let work = view.incident.maintenance.as_ref()?;
    let now = view.incident.state.stage();
    Some(Card {
        id: view.incident.id,
        title: view.incident.title.clone(),
        stage: stage(now),
        stage_class: now.as_str(),
        when: when(work, reader, own),
        latest: updates(view, reader).into_iter().next(),
    })
}

/// The window in words: a site's own where its zone is known.
pub(in crate::pages) fn when(work: &Maintenance, reader: &Reader, own: Option<&Zone>) -> String {
    match (&work.window, own) {
        (Window::Local { from, until }, None) => {
            let (from, until) = (words::wall(from), words::wall(until));
            let values = [("from", from.into()), ("until", until.into())];
            tell("window-local", values)
        }
        (window, own) => {
            let (from, until) = window.in_zone(own.unwrap_or(&reader.zone));
            let (from, until) = (reader.moment(from).text, reader.moment(until).text);
            tell("window", [("from", from.into()), ("until", until.into())])
        }
    }
}

/// A time zone's own window.
struct Line {
    name: String,
    sites: String,
    /// On the clocks of its sites.
    from: Moment,
    until: Moment,
}

#[derive(Template)]
#[template(path = "maintenance.html")]
struct View {
    page: Page,
    id: IncidentId,
    title: String,
    mood: &'static str,
    lit: bool,
    rim: &'static str,
    lead: String,
    impact: &'static str,
    as_of: Moment,
    steps: Vec<Step>,
    lines: Vec<Line>,
    updates: Vec<Said>,
    zones: Vec<Choice>,
    chosen_zone: String,
    is_for_few: bool,
}

/// The page of planned work; nothing for an incident that was not planned.
pub(in crate::pages) fn page(app: &App, view: &IncidentView, reader: &Reader) -> Option<Answer> {
    let work = view.incident.maintenance.as_ref()?;
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let now = view.incident.state.stage();
    let mood = match now {
        Stage::InProgress | Stage::Verifying => SiteState::Restoring,
        _ => SiteState::Well,
    };
    let scope = &view.incident.scope;
    let (lines, sites) = lines(&lamps, &fleet, (scope, &work.window), reader);
    let page = View {
        page: Page::live(view.incident.title.clone(), "/"),
        id: view.incident.id,
        title: view.incident.title.clone(),
        mood: mood.as_str(),
        lit: is_lit(mood),
        rim: rim(mood),
        lead: lead(now, sites, &when(work, reader, None)),
        impact: impact(view.incident.impact),
        as_of: reader.now(),
        steps: steps(now),
        lines,
        updates: updates(view, reader),
        zones: zone_choices(&lamps.bands, &app.engine().settings().home_zone, reader),
        chosen_zone: reader.zone.to_string(),
        is_for_few: !view.incident.is_public(),
    };
    Some(Ok(render(StatusCode::OK, &page)))
}

fn lead(now: Stage, sites: usize, when: &str) -> String {
    let key = match now {
        Stage::InProgress => "work-in-progress",
        Stage::Verifying => "work-verifying",
        Stage::Completed => "work-completed",
        Stage::Cancelled => "work-cancelled",
        _ => "work-planned",
    };
    let sites = words::sites(sites);
    tell(key, [("sites", sites.into()), ("when", when.into())])
}

fn steps(now: Stage) -> Vec<Step> {
    let way: &[_] = match now {
        Stage::Cancelled => &[Stage::Scheduled, Stage::Cancelled],
        _ => &[
            Stage::Scheduled,
            Stage::InProgress,
            Stage::Verifying,
            Stage::Completed,
        ],
    };
    crate::pages::public::incident::on_the_way(way, now)
}

fn lines(
    lamps: &Lamps,
    fleet: &Fleet,
    (scope, window): (&Scope, &Window),
    reader: &Reader,
) -> (Vec<Line>, usize) {
    let mut all = 0;
    let mut lines = vec![];
    for band in &lamps.bands {
        let sites = held(band, fleet, scope);
        all += sites;
        if sites > 0 {
            lines.push(line(band, sites, window, reader));
        }
    }
    (lines, all)
}

fn line(band: &Band, sites: usize, window: &Window, reader: &Reader) -> Line {
    let there = Reader {
        language: reader.language,
        zone: band.zone.clone(),
        now: reader.now,
    };
    let (from, until) = window.in_zone(&band.zone);
    Line {
        name: words::zone_name(&band.name),
        sites: words::count(sites),
        from: there.moment(from),
        until: there.moment(until),
    }
}

fn held(band: &Band, fleet: &Fleet, scope: &Scope) -> usize {
    let sites = band.sites.iter().filter_map(|index| fleet.site(*index));
    sites.filter(|site: &Arc<Site>| scope.holds(site)).count()
}

/// The window in words, on the vendor's clock.
pub(crate) fn window(app: &App, work: &Maintenance) -> String {
    when(work, &crate::pages::console::compose::staff(app), None)
}
