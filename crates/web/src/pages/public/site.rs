//! `/sites/{hostname}`: is *my* site affected? And the search for it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::campaign::row::Row as Progress;
use domain::id::OrganizationId;
use domain::name::Hostname;
use domain::site::Site;
use domain::site::state::SiteState;
use engine::{Fleet, SiteIndex, Turn};
use store::CampaignRow;

use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::language::{kept, say, tell};
use crate::pages::console::banners::{Shown, on_site};
use crate::pages::public::incident::Card;
use crate::pages::public::maintenance::{Card as Planned, cards as planned};
use crate::pages::public::status::{ZoneQuery, is_lit, rim};
use crate::pages::words::{self, Moment};
use crate::pages::{Answer, Choice, Page, reader, render};
use crate::routes::Route;

/// The most sites that a search lists.
const FOUND_MAX: usize = 25;
/// The most acts on a site that its page tells.
const DONE_MAX: u32 = 5;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/sites", Access::Public, search),
        Route::get("/sites/{hostname}", Access::Public, site).kept(),
    ]
}

#[derive(Template)]
#[template(path = "site.html")]
struct View {
    page: Page,
    hostname: String,
    /// Where this server is reached, and the page at it.
    base: String,
    url: String,
    answer: &'static str,
    lead: &'static str,
    next: Option<String>,
    mood: &'static str,
    lit: bool,
    rim: &'static str,
    as_of: Moment,
    banners: Vec<Shown>,
    done: Vec<Done>,
    planned: Vec<Planned>,
    incidents: Vec<Card>,
    facts: Vec<Fact>,
    zones: Vec<Choice>,
}

/// Something that was done to the site.
struct Done {
    at: Moment,
    words: &'static str,
}

struct Fact {
    name: &'static str,
    text: String,
    /// A page about it.
    to: Option<String>,
}

async fn site(
    State(app): State<App>,
    Path(hostname): Path<String>,
    Query(query): Query<ZoneQuery>,
) -> Answer {
    let fleet = app.engine().fleet();
    let typed = hostname.trim().to_lowercase();
    let index = Hostname::parse(&typed)
        .ok()
        .and_then(|name| fleet.find(&name));
    let Some((index, site)) = index.and_then(|index| Some((index, fleet.site(index)?))) else {
        return Ok(render(
            StatusCode::NOT_FOUND,
            &Search::of(&fleet, &typed, true),
        ));
    };
    let reader = reader(&app, query.zone.as_deref(), &site.zone);
    let state = fleet.state(index);
    let (answer, lead) = answer(state);
    let lamps = app.drawn().lamps(&fleet);
    let rows = rows(&app, &site).await;
    let incidents = incidents(&app, &site, &reader);
    let base = &app.engine().settings().base_url;
    let view = View {
        page: Page::live(site.hostname.as_str(), "/sites"),
        hostname: site.hostname.to_string(),
        base: base.clone(),
        url: format!("{base}/sites/{}", site.hostname),
        answer,
        lead,
        next: next(state, turn(&app, &rows).await, &incidents),
        mood: state.as_str(),
        lit: is_lit(state),
        rim: rim(state),
        as_of: reader.now(),
        banners: on_site(&app, &site),
        done: done(&rows, &reader),
        planned: planned(&app, &reader, Some(&site.zone), |scope| scope.holds(&site)),
        incidents,
        facts: facts(&fleet, &site, &reader),
        zones: crate::pages::zone_choices(&lamps.bands, &site.zone, &reader),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The five-second answer and the sentence after it.
pub(in crate::pages) fn answer(state: SiteState) -> (&'static str, &'static str) {
    match state {
        SiteState::Well => (say("answer-well"), say("lead-well")),
        SiteState::Restored => (say("answer-restored"), say("lead-site-restored")),
        SiteState::Restoring => (say("answer-restoring"), say("lead-site-restoring")),
        SiteState::Reported => (say("answer-reported"), say("lead-site-reported")),
        SiteState::Failing => (say("answer-failing"), say("lead-site-failing")),
        SiteState::Unknown => (say("answer-unknown"), say("lead-site-unknown")),
    }
}

/// What happens next on a site; nothing where nothing needs to.
fn next(state: SiteState, turn: Option<Turn>, incidents: &[Card]) -> Option<String> {
    let update = || {
        let open = incidents.iter().filter(|incident| incident.is_open);
        open.flat_map(|incident| &incident.promises)
            .find(|promise| promise.is_update)
            .map(|promise| promise.words.clone())
    };
    match (state, turn) {
        (SiteState::Restored, _) => Some(say("next-restored").into()),
        (SiteState::Restoring, _) => Some(say("next-restoring").into()),
        (SiteState::Failing, Some(turn)) => Some(in_line(&turn)),
        (SiteState::Failing, None) => update().or_else(|| Some(say("next-failing").into())),
        (SiteState::Reported, _) => update().or_else(|| Some(say("next-reported").into())),
        (SiteState::Well | SiteState::Unknown, _) => None,
    }
}

/// "Its turn comes in about 15 minutes: 312 sites are before it."
fn in_line(turn: &Turn) -> String {
    let ahead = usize::try_from(turn.ahead).unwrap_or(usize::MAX);
    let before: String = match ahead {
        0 => say("before-none").into(),
        _ => tell("before-some", [("n", ahead.into())]),
    };
    match words::left(ahead + 1, turn.per_second) {
        _ if !turn.is_running => tell("waits-paused", [("before", before.into())]),
        Some(left) => tell(
            "waits-left",
            [("left", left.into()), ("before", before.into())],
        ),
        None => tell("waits", [("before", before.into())]),
    }
}

/// What campaigns did to the site, newest first. A store that is down hides the history, not the
/// page.
async fn rows(app: &App, site: &Site) -> Vec<CampaignRow> {
    let rows = app.engine().done_to_site(site.id, DONE_MAX).await;
    rows.unwrap_or_else(|error| {
        tracing::warn!(%error, "could not read what was done to {}", site.hostname);
        vec![]
    })
}

async fn turn(app: &App, rows: &[CampaignRow]) -> Option<Turn> {
    let waiting = |row: &&CampaignRow| matches!(row.progress, Progress::Waiting);
    let row = rows.iter().find(waiting)?;
    let turn = app.engine().turn(row).await;
    turn.unwrap_or_else(|error| {
        tracing::warn!(%error, "could not read whose turn it is");
        None
    })
}

fn done(rows: &[CampaignRow], reader: &words::Reader) -> Vec<Done> {
    let line = |row: &CampaignRow| {
        let words = match row.progress {
            Progress::Waiting => say("done-waiting"),
            Progress::Sent { .. } => say("done-sent"),
            Progress::Acted { .. } => say("done-acted"),
            Progress::Verified { .. } => say("done-verified"),
            Progress::Failed { .. } => say("done-failed"),
            Progress::Skipped => return None,
        };
        Some(Done {
            at: reader.moment(row.changed_at),
            words,
        })
    };
    rows.iter().filter_map(line).collect()
}

/// The open incidents whose scope takes the site in, and the last one that ended.
fn incidents(app: &App, site: &Site, reader: &words::Reader) -> Vec<Card> {
    let public = app.engine().public_incidents();
    let (open, past): (Vec<_>, Vec<_>) = public
        .iter()
        .filter(|view| view.incident.scope.holds(site))
        .partition(|view| view.incident.is_open());
    open.into_iter()
        .chain(past.into_iter().take(1))
        .map(|view| Card::of(view, reader))
        .collect()
}

fn facts(fleet: &Fleet, site: &Site, reader: &words::Reader) -> Vec<Fact> {
    let fact = |name, text: String| Fact {
        name,
        text,
        to: None,
    };
    let organization = fleet.organization(site.organization);
    let mut facts = vec![Fact {
        to: Some(format!("/organizations/{}", site.organization)),
        ..fact(
            say("fact-organization"),
            organization.map_or_else(String::new, |name| name.to_string()),
        )
    }];
    if !site.area.city.is_empty() {
        facts.push(fact(
            say("fact-place"),
            format!("{}, {}", site.area.city, site.area.state),
        ));
    }
    facts.push(fact(
        say("fact-time"),
        words::clock_time(reader.now, &site.zone),
    ));
    let since = reader.moment(site.activated_at).text;
    facts.push(fact(
        say("fact-version"),
        tell(
            "version-since",
            [
                (
                    "version",
                    format!("{} {}", site.product, site.running).into(),
                ),
                ("since", since.into()),
            ],
        ),
    ));
    facts
}

#[derive(Template)]
#[template(path = "sites.html")]
struct Search {
    page: Page,
    query: String,
    unknown: bool,
    found: Vec<Found>,
    more: bool,
}

pub(crate) struct Found {
    pub(crate) hostname: String,
    pub(crate) organization: String,
    pub(crate) organization_id: OrganizationId,
    /// Where its name does not say it.
    pub(crate) place: Option<String>,
    pub(crate) state: &'static str,
    pub(crate) state_class: &'static str,
}

impl Found {
    pub(crate) fn of(fleet: &Fleet, index: SiteIndex, site: &Site) -> Self {
        let organization = fleet.organization(site.organization).unwrap_or_default();
        let state = fleet.state(index);
        Self {
            hostname: site.hostname.to_string(),
            place: words::place_beside(&organization, &site.area),
            organization: organization.to_string(),
            organization_id: site.organization,
            state: words::state(state),
            state_class: state.as_str(),
        }
    }
}

#[derive(serde::Deserialize)]
struct SearchQuery {
    #[serde(default)]
    q: String,
}

async fn search(State(app): State<App>, Query(query): Query<SearchQuery>) -> Answer {
    let fleet = app.engine().fleet();
    let typed = host_of(&query.q);
    if let Some(site) = Hostname::parse(&typed)
        .ok()
        .and_then(|name| fleet.site_at(&name))
    {
        let to = format!("/sites/{}", site.hostname);
        return Ok(Redirect::to(&kept(&to)).into_response());
    }
    Ok(render(
        StatusCode::OK,
        &Search::of(&fleet, query.q.trim(), false),
    ))
}

/// What a person pastes as "my site": an address is as good as a host name.
pub(crate) fn host_of(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text
        .split_once("://")
        .map_or(text.as_str(), |(_, rest)| rest);
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.strip_prefix("www.")
        .unwrap_or(host)
        .trim_end_matches('.')
        .to_owned()
}

impl Search {
    fn of(fleet: &Fleet, query: &str, unknown: bool) -> Self {
        let query: String = query.chars().take(253).collect();
        let mut found = find(fleet, &query);
        let more = found.len() > FOUND_MAX;
        found.truncate(FOUND_MAX);
        let page = Page::public(
            if unknown {
                say("unknown-site")
            } else {
                say("find-your-site")
            },
            "/sites",
        );
        Self {
            page,
            query,
            unknown,
            found,
            more,
        }
    }
}

/// Sites whose host name, organization or city contains the words; one more than a page shows.
pub(crate) fn find(fleet: &Fleet, query: &str) -> Vec<Found> {
    let words: Vec<_> = query
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        return vec![];
    }
    let found = fleet.sites().filter_map(|(index, site)| {
        let organization = fleet.organization(site.organization).unwrap_or_default();
        let text = format!("{} {} {}", site.hostname, organization, site.area.city).to_lowercase();
        words
            .iter()
            .all(|word| text.contains(word.as_str()))
            .then(|| Found::of(fleet, index, &site))
    });
    found.take(FOUND_MAX + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_in_line_is_told_its_turn() {
        let says = |ahead, is_running, per_second| {
            in_line(&Turn {
                ahead,
                is_running,
                per_second,
            })
        };
        assert_eq!(
            says(312, true, Some(0.5)),
            "It is restored in about 15 minutes, at the present pace: 312 sites are before it. \
             This page says when."
        );
        assert_eq!(
            says(1, false, None),
            "It waits for its turn: 1 site is before it. Restoring is paused at this moment."
        );
    }

    #[test]
    fn an_address_is_read_as_its_host() {
        for text in [
            "29palms.gov",
            " https://www.29palms.gov/login?x=1 ",
            "29PALMS.GOV.",
            "http://29palms.gov:443",
        ] {
            assert_eq!(host_of(text), "29palms.gov", "{text}");
        }
    }
}
