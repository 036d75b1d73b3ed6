//! `/console/fleet`: the sites, a page at a time.

use std::collections::HashSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::place::County;
use domain::site::state::SiteState;
use engine::{Fleet, SiteIndex};

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::{reworded, say, tell};
use crate::pages::lamps::Lamps;
use crate::pages::words;
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

const SITES_PER_PAGE: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/console/fleet",
        Access::Holder(Permission::SeeConsole),
        list,
    )]
}

/// What of the fleet is shown.
#[derive(Default, serde::Deserialize)]
struct Filter {
    #[serde(default)]
    q: String,
    #[serde(default)]
    band: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    county: String,
    #[serde(default)]
    page: usize,
}

#[derive(Template)]
#[template(path = "console/fleet.html")]
struct View {
    page: Page,
    q: String,
    county: String,
    problem: Option<String>,
    bands: Vec<Choice>,
    states: Vec<Choice>,
    total: String,
    range: String,
    sites: Vec<Line>,
    before: Option<String>,
    after: Option<String>,
}

struct Choice {
    name: String,
    value: String,
    chosen: bool,
}

struct Line {
    hostname: String,
    organization: String,
    /// Where the organization's name does not say it.
    place: Option<String>,
    zone: String,
    runs: String,
    state: &'static str,
    state_class: &'static str,
}

async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Answer {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let county = match filter.county.trim() {
        "" => Ok(None),
        county => County::parse(county).map(Some),
    };
    let (county, problem) = match county {
        Ok(county) => (county, None),
        Err(bad) => (None, Some(reworded(&bad))),
    };
    let matching = match problem {
        None => matching(&fleet, &lamps, &filter, county.as_ref()),
        Some(_) => vec![],
    };
    let start = filter
        .page
        .saturating_mul(SITES_PER_PAGE)
        .min(matching.len());
    let shown: Vec<_> = matching.iter().skip(start).take(SITES_PER_PAGE).collect();
    let end = start + shown.len();
    let view = View {
        page: Page::console(say("fleet-title"), "/console/fleet"),
        q: filter.q.clone(),
        county: filter.county.clone(),
        problem,
        bands: bands(&lamps, &filter),
        states: states(&filter),
        total: words::sites(matching.len()),
        range: tell(
            "fleet-range",
            [("from", (start + 1).min(end).into()), ("to", end.into())],
        ),
        sites: shown
            .into_iter()
            .filter_map(|index| line(&fleet, *index))
            .collect(),
        before: (start > 0).then(|| address(&filter, filter.page.saturating_sub(1))),
        after: (end < matching.len()).then(|| address(&filter, filter.page + 1)),
    };
    Ok(render(StatusCode::OK, &view))
}

fn matching(
    fleet: &Fleet,
    lamps: &Lamps,
    filter: &Filter,
    county: Option<&County>,
) -> Vec<SiteIndex> {
    let of_county: Option<HashSet<_>> =
        county.map(|county| fleet.in_county(county).iter().copied().collect());
    let words: Vec<_> = filter
        .q
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let state = SiteState::ALL
        .into_iter()
        .find(|state| state.as_str() == filter.state);
    let bands = lamps
        .bands
        .iter()
        .filter(|band| filter.band.is_empty() || band.slug == filter.band);
    bands
        .flat_map(|band| band.sites.iter().copied())
        .filter(|index| of_county.as_ref().is_none_or(|all| all.contains(index)))
        .filter(|index| state.is_none_or(|state| fleet.state(*index) == state))
        .filter(|index| words.is_empty() || says(fleet, *index, &words))
        .collect()
}

fn says(fleet: &Fleet, index: SiteIndex, words: &[String]) -> bool {
    fleet.site(index).is_some_and(|site| {
        let organization = fleet.organization(site.organization).unwrap_or_default();
        let text = format!(
            "{} {organization} {} {}",
            site.hostname, site.area.city, site.area.state
        );
        let text = text.to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    })
}

fn line(fleet: &Fleet, index: SiteIndex) -> Option<Line> {
    let site = fleet.site(index)?;
    let organization = fleet.organization(site.organization).unwrap_or_default();
    Some(Line {
        hostname: site.hostname.to_string(),
        place: words::place_beside(&organization, &site.area),
        organization: organization.to_string(),
        zone: site.zone.to_string(),
        runs: format!("{} {}", site.product, site.running),
        state: words::state(fleet.state(index)),
        state_class: fleet.state(index).as_str(),
    })
}

fn bands(lamps: &Lamps, filter: &Filter) -> Vec<Choice> {
    let choice = |name: &str, value: &str| Choice {
        name: name.into(),
        value: value.into(),
        chosen: value == filter.band,
    };
    let all = std::iter::once(choice(say("fleet-all-zones"), ""));
    all.chain(
        lamps
            .bands
            .iter()
            .map(|band| choice(&words::zone_name(&band.name), &band.slug)),
    )
    .collect()
}

fn states(filter: &Filter) -> Vec<Choice> {
    let choice = |name: &str, value: &str| Choice {
        name: name.into(),
        value: value.into(),
        chosen: value == filter.state,
    };
    let all = std::iter::once(choice(say("fleet-any-state"), ""));
    let each = SiteState::ALL
        .into_iter()
        .map(|state| choice(words::state(state), state.as_str()));
    all.chain(each).collect()
}

fn address(filter: &Filter, page: usize) -> String {
    let page = page.to_string();
    let pairs = [
        ("q", &filter.q),
        ("band", &filter.band),
        ("state", &filter.state),
        ("county", &filter.county),
        ("page", &page),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    format!("/console/fleet?{query}")
}
