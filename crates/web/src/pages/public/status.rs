//! `/`: is anything wrong, where, and what is said about it. Drawn from memory.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::incident::PromiseKind;
use domain::site::state::SiteState;
use engine::{Fleet, IncidentView};

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::{say, tell};
use crate::pages::console::banners::{Shown, on_all_pages};
use crate::pages::lamps::Lamps;
use crate::pages::lamps::bands::Counts;
use crate::pages::public::incident::{Card, promised};
use crate::pages::public::maintenance::{Card as Planned, cards as planned};
use crate::pages::words::{self, Headline, Moment, Reader};
use crate::pages::{Answer, Choice, Page, reader, render, zone_choices};
use crate::routes::Route;

/// The most past incidents that the page lists.
const PAST_MAX: usize = 20;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/", Access::Public, status).kept()]
}

#[derive(serde::Deserialize)]
pub(crate) struct ZoneQuery {
    pub(crate) zone: Option<String>,
}

#[derive(Template)]
#[template(path = "status.html")]
struct View {
    page: Page,
    headline: Headline,
    lit: bool,
    rim: &'static str,
    as_of: Moment,
    banners: Vec<Shown>,
    zones: Vec<Choice>,
    table: Table,
    products: Option<Table>,
    next: Option<String>,
    planned: Vec<Planned>,
    open: Vec<Card>,
    past: Vec<Card>,
    /// Whether the history has more of them.
    is_longer: bool,
}

/// Counts by time zone or product: a column for each state that occurs, the worst first.
pub(crate) struct Table {
    pub(crate) heads: Vec<&'static str>,
    /// What its meters show.
    pub(crate) shares: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// A line of a table of counts.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) local: String,
    pub(crate) cells: Vec<String>,
    pub(crate) not_well: String,
    pub(crate) meter: Vec<Part>,
}

/// What a row is about, and how its sites are.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) local: String,
    pub(crate) counts: Counts,
}

/// A part of a meter, in percent of its width.
pub(crate) struct Part {
    pub(crate) state: &'static str,
    pub(crate) left: String,
    pub(crate) width: String,
}

async fn status(State(app): State<App>, Query(query): Query<ZoneQuery>) -> Answer {
    let fleet = app.engine().fleet();
    let home = &app.engine().settings().home_zone;
    if fleet.is_empty() {
        return Ok(crate::pages::console::overview::first_run(Page::public(
            "Welcome", "/",
        )));
    }
    let reader = reader(&app, query.zone.as_deref(), home);
    let lamps = app.drawn().lamps(&fleet);
    let (open, past): (Vec<_>, Vec<_>) = app
        .engine()
        .public_incidents()
        .into_iter()
        .partition(|view| view.incident.is_open());
    let counts = Counts::of_all(&fleet);
    let headline = words::headline(&counts);
    let view = View {
        page: Page::live(say("page-status"), "/"),
        lit: is_lit(headline.mood),
        rim: rim(headline.mood),
        headline,
        as_of: reader.now(),
        banners: on_all_pages(&app),
        zones: zone_choices(&lamps.bands, home, &reader),
        next: next(&app, &counts, &open, &reader),
        table: by_zone(&lamps, &fleet, &reader),
        products: by_product(&fleet),
        planned: planned(&app, &reader, None, |_| true),
        open: open.iter().map(|view| Card::of(view, &reader)).collect(),
        is_longer: past.len() > PAST_MAX,
        past: past
            .iter()
            .take(PAST_MAX)
            .map(|view| Card::of(view, &reader))
            .collect(),
    };
    Ok(render(StatusCode::OK, &view))
}

/// What happens next, for a reader whose site may be one of those; nothing where all is well.
fn next(app: &App, counts: &Counts, open: &[Arc<IncidentView>], reader: &Reader) -> Option<String> {
    if counts.affected() == 0 {
        return None;
    }
    if let Some(left) = words::left(counts.affected(), app.engine().settled_per_second()) {
        return Some(tell("next-all-in", [("left", left.into())]));
    }
    let promises = open.iter().flat_map(|view| &view.promises);
    let update = promises
        .filter(|promise| promise.kind == PromiseKind::NextUpdate)
        .find_map(|promise| promised(promise, reader));
    match update {
        Some(update) => Some(update.words),
        None if open.is_empty() => Some(say("next-look").into()),
        None => Some(say("next-post").into()),
    }
}

/// Whether the large lamp of a page burns.
pub(crate) fn is_lit(mood: SiteState) -> bool {
    matches!(mood, SiteState::Well | SiteState::Restored)
}

/// The colour of a dark lamp's rim.
pub(crate) fn rim(mood: SiteState) -> &'static str {
    match mood {
        SiteState::Failing => "#ff6b6b",
        SiteState::Restoring => "#6fb0ff",
        SiteState::Reported => "#ff9d5c",
        _ => "#8a92b8",
    }
}

/// A row for each time zone, west to east.
pub(crate) fn by_zone(lamps: &Lamps, fleet: &Fleet, reader: &Reader) -> Table {
    let line = |band: &crate::pages::Band| {
        Line::of_band(band, reader, Counts::of(fleet, band.sites.iter().copied()))
    };
    Table::of(lamps.bands.iter().map(line).collect())
}

/// A row for each product; none where there is only one.
fn by_product(fleet: &Arc<Fleet>) -> Option<Table> {
    let mut products: std::collections::BTreeMap<_, Counts> = std::collections::BTreeMap::new();
    for (index, site) in fleet.sites() {
        products
            .entry(site.product.to_string())
            .or_default()
            .add(fleet.state(index), 1);
    }
    let line = |(name, counts): (String, Counts)| Line {
        slug: name.clone(),
        name,
        local: String::new(),
        counts,
    };
    let several = products.len() > 1;
    several.then(|| Table::of(products.into_iter().map(line).collect()))
}

impl Line {
    pub(crate) fn of_band(band: &crate::pages::Band, reader: &Reader, counts: Counts) -> Self {
        Self {
            name: words::zone_name(&band.name),
            slug: band.slug.clone(),
            local: words::clock_time(reader.now, &band.zone),
            counts,
        }
    }
}

impl Table {
    pub(crate) fn of(lines: Vec<Line>) -> Self {
        type Column = (&'static str, fn(&Counts) -> usize);
        const COLUMNS: [Column; 5] = [
            ("head-failing", |counts| counts.get(SiteState::Failing)),
            ("head-restoring", |counts| counts.get(SiteState::Restoring)),
            ("head-reported", |counts| counts.get(SiteState::Reported)),
            ("head-works", Counts::working),
            ("head-unknown", |counts| counts.get(SiteState::Unknown)),
        ];
        let occurs = |(name, of): &Column| {
            *name == "head-works" || lines.iter().any(|line| of(&line.counts) > 0)
        };
        let columns: Vec<_> = COLUMNS.into_iter().filter(occurs).collect();
        let row = |line: &Line| Row {
            name: line.name.clone(),
            slug: line.slug.clone(),
            local: line.local.clone(),
            cells: columns
                .iter()
                .map(|(_, of)| words::count(of(&line.counts)))
                .collect(),
            not_well: words::not_well(line.counts.affected()),
            meter: meter(&line.counts),
        };
        Self {
            rows: lines.iter().map(row).collect(),
            heads: columns.iter().map(|(name, _)| say(name)).collect(),
            shares: say("shares"),
        }
    }
}

fn meter(counts: &Counts) -> Vec<Part> {
    let share = |n: usize| 100.0 * n as f64 / counts.total().max(1) as f64;
    let mut left = 0;
    let mut parts = vec![];
    for (state, n) in counts.each().filter(|(_, n)| *n > 0) {
        let part = Part {
            state: state.as_str(),
            left: format!("{:.2}", share(left)),
            width: format!("{:.2}", share(n)),
        };
        parts.push(part);
        left += n;
    }
    parts
}
