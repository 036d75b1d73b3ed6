//! `/organizations/{id}`: how the sites of one customer are. Drawn from memory.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::OrganizationId;
use domain::site::Site;
use engine::{Fleet, SiteIndex};

use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::language::say;
use crate::pages::console::banners::{Shown, on_sites};
use crate::pages::lamps::bands::Counts;
use crate::pages::public::incident::Card;
use crate::pages::public::maintenance::{Card as Planned, cards as planned};
use crate::pages::public::site::Found;
use crate::pages::public::status::{is_lit, rim};
use crate::pages::words::{self, Headline, Moment, Reader};
use crate::pages::{Answer, Choice, Page, PageError, reader, render, zone_choices};
use crate::routes::Route;

const SITES_PER_PAGE: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/organizations/{id}", Access::Public, show).kept()]
}

#[derive(serde::Deserialize)]
struct Asked {
    zone: Option<String>,
    #[serde(default)]
    page: usize,
}

#[derive(Template)]
#[template(path = "organization.html")]
struct View {
    page: Page,
    id: OrganizationId,
    name: String,
    headline: Headline,
    lit: bool,
    rim: &'static str,
    as_of: Moment,
    banners: Vec<Shown>,
    planned: Vec<Planned>,
    incidents: Vec<Card>,
    sites: Vec<Found>,
    total: String,
    before: Option<usize>,
    after: Option<usize>,
    zones: Vec<Choice>,
    chosen_zone: String,
}

async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let missing = || PageError::not_found(say("error-no-organization"));
    let id: OrganizationId = id.parse().map_err(|_| missing())?;
    let fleet = app.engine().fleet();
    let name = fleet.organization(id).ok_or_else(missing)?;
    let own = |(_, site): &(SiteIndex, Arc<Site>)| site.organization == id;
    let mut all: Vec<_> = fleet.sites().filter(own).collect();
    // The order of the host names is the same on every page, whatever is imported between two looks.
    all.sort_by(|(_, one), (_, other)| one.hostname.cmp(&other.hostname));
    let home = &app.engine().settings().home_zone;
    let near = all.first().map_or(home, |(_, site)| &site.zone);
    let reader = reader(&app, asked.zone.as_deref(), near);
    let counts = Counts::of(&fleet, all.iter().map(|(index, _)| *index));
    let headline = words::headline(&counts);
    let start = asked.page.saturating_mul(SITES_PER_PAGE).min(all.len());
    let end = (start + SITES_PER_PAGE).min(all.len());
    let lamps = app.drawn().lamps(&fleet);
    let sites: Vec<_> = all.iter().map(|(_, site)| Arc::clone(site)).collect();
    let view = View {
        page: Page::live(name.to_string(), "/sites"),
        id,
        name: name.to_string(),
        lit: is_lit(headline.mood),
        rim: rim(headline.mood),
        headline,
        as_of: reader.now(),
        banners: on_sites(&app, &sites),
        planned: planned(&app, &reader, None, |scope| {
            sites.iter().any(|site| scope.holds(site))
        }),
        incidents: incidents(&app, &sites, &reader),
        sites: found(&fleet, all.get(start..end).unwrap_or_default()),
        total: words::sites(all.len()),
        before: (start > 0).then(|| asked.page.saturating_sub(1)),
        after: (end < all.len()).then_some(asked.page + 1),
        zones: zone_choices(&lamps.bands, near, &reader),
        chosen_zone: reader.zone.to_string(),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The open incidents that concern one of the sites, and the last one that ended.
fn incidents(app: &App, sites: &[Arc<Site>], reader: &Reader) -> Vec<Card> {
    let public = app.engine().public_incidents();
    let concerns = |scope: &domain::incident::Scope| sites.iter().any(|site| scope.holds(site));
    let (open, past): (Vec<_>, Vec<_>) = public
        .iter()
        .filter(|view| concerns(&view.incident.scope))
        .partition(|view| view.incident.is_open());
    open.into_iter()
        .chain(past.into_iter().take(1))
        .map(|view| Card::of(view, reader))
        .collect()
}

fn found(fleet: &Fleet, sites: &[(SiteIndex, Arc<Site>)]) -> Vec<Found> {
    sites
        .iter()
        .map(|(index, site)| Found::of(fleet, *index, site))
        .collect()
}
