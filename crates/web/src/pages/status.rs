//! `/`: is anything wrong, where, and what is said about it. Drawn from memory.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::site::state::SiteState;
use engine::Fleet;

use super::incident::Card;
use super::lamps::Lamps;
use super::lamps::bands::Counts;
use super::words::{self, Headline, Moment, Reader};
use super::{Answer, Choice, Page, reader, render, zone_choices};
use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::routes::Route;

/// The most past incidents that the page lists.
const PAST_MAX: usize = 20;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/", Access::Public, status)]
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
    zones: Vec<Choice>,
    rows: Vec<Row>,
    products: Vec<Row>,
    open: Vec<Card>,
    past: Vec<Card>,
}

/// A line of a table of counts.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) local: String,
    pub(crate) works: String,
    pub(crate) restoring: String,
    pub(crate) failing: String,
    pub(crate) reported: String,
    pub(crate) unknown: String,
    pub(crate) not_well: String,
    pub(crate) meter: Vec<Part>,
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
        return Ok(super::console::first_run(Page::public("Welcome", "/")));
    }
    let reader = reader(&app, query.zone.as_deref(), home);
    let lamps = app.drawn().lamps(&fleet);
    let (open, past): (Vec<_>, Vec<_>) = app
        .engine()
        .public_incidents()
        .into_iter()
        .partition(|view| view.incident.is_open());
    let headline = words::headline(&Counts::of_all(&fleet));
    let view = View {
        page: Page::public("Status", "/"),
        lit: is_lit(headline.mood),
        rim: rim(headline.mood),
        headline,
        as_of: reader.now(),
        zones: zone_choices(&lamps.bands, home, &reader),
        rows: rows(&lamps, &fleet, &reader),
        products: product_rows(&fleet),
        open: open.iter().map(|view| Card::of(view, &reader)).collect(),
        past: past
            .iter()
            .take(PAST_MAX)
            .map(|view| Card::of(view, &reader))
            .collect(),
    };
    Ok(render(StatusCode::OK, &view))
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
pub(crate) fn rows(lamps: &Lamps, fleet: &Fleet, reader: &Reader) -> Vec<Row> {
    let row = |band: &super::Band| {
        let counts = Counts::of(fleet, band.sites.iter().copied());
        let local = words::clock_time(reader.now, &band.zone);
        Row::new(&band.name, &band.slug, local, &counts)
    };
    lamps.bands.iter().map(row).collect()
}

/// A row for each product; none where there is only one.
fn product_rows(fleet: &Arc<Fleet>) -> Vec<Row> {
    let mut products: std::collections::BTreeMap<_, Counts> = std::collections::BTreeMap::new();
    for (index, site) in fleet.sites() {
        products
            .entry(site.product.clone())
            .or_default()
            .add(fleet.state(index), 1);
    }
    if products.len() < 2 {
        return vec![];
    }
    let row = |(name, counts): (_, Counts)| {
        let name: domain::name::ProductName = name;
        Row::new(name.as_str(), name.as_str(), String::new(), &counts)
    };
    products.into_iter().map(row).collect()
}

impl Row {
    pub(crate) fn new(name: &str, slug: &str, local: String, counts: &Counts) -> Self {
        let of = |state| words::count(counts.get(state));
        Self {
            name: name.into(),
            slug: slug.into(),
            local,
            works: words::count(counts.working()),
            restoring: of(SiteState::Restoring),
            failing: of(SiteState::Failing),
            reported: of(SiteState::Reported),
            unknown: of(SiteState::Unknown),
            not_well: words::not_well(counts.affected()),
            meter: meter(counts),
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
