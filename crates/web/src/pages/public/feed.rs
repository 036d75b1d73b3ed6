//! `/feed.atom` and `/feed.rss`: what was told of incidents, each update an entry. Drawn from memory.
//!
//! For everything, or for the incidents of a product, an organization or a site.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::incident::{Update, UpdateKind};
use domain::name::{Hostname, ProductName};
use domain::site::{Site, Zone};
use engine::{Fleet, IncidentView};
use jiff::Timestamp;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Query;
use crate::language::{here, kept, read_post, say, tell, wrote};
use crate::pages::prose::prose;
use crate::pages::public::incident::stage;
use crate::pages::words;
use crate::routes::Route;

/// The newest entries that a feed lists.
const ENTRIES_MAX: usize = 50;
/// The longest name of an organization that is looked for, in bytes.
const NAME_BYTES_MAX: usize = 300;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/feed.atom", Access::Public, atom).kept(),
        Route::get("/feed.rss", Access::Public, rss).kept(),
    ]
}

/// Whose incidents are listed; all without any. With several, those that concern a site of all.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pages) struct About {
    product: Option<ProductName>,
    organization: Option<String>,
    site: Option<Hostname>,
    /// Read before.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

#[derive(Template)]
#[template(path = "feed/atom.xml")]
struct Atom {
    language: &'static str,
    title: String,
    url: String,
    page: String,
    updated: Timestamp,
    entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "feed/rss.xml")]
struct Rss {
    language: &'static str,
    title: String,
    about: String,
    url: String,
    page: String,
    updated_rfc2822: String,
    entries: Vec<Entry>,
}

struct Entry {
    id: String,
    url: String,
    title: String,
    by: String,
    at: Timestamp,
    updated: Timestamp,
    at_rfc2822: String,
    state: &'static str,
    html: String,
}

/// What both kinds of feed say.
struct Feed {
    title: String,
    /// What comes after the feed's own path.
    query: String,
    page: String,
    updated: Timestamp,
    entries: Vec<Entry>,
}

async fn atom(State(app): State<App>, Query(about): Query<About>) -> Result<Response, ApiError> {
    let feed = Feed::about(&app, &about)?;
    let base = &app.engine().settings().base_url;
    let atom = Atom {
        language: here().tag(),
        title: feed.title,
        url: kept(&format!("{base}/feed.atom{}", feed.query)),
        page: feed.page,
        updated: feed.updated,
        entries: feed.entries,
    };
    Ok(answer(&atom, "application/atom+xml; charset=utf-8"))
}

async fn rss(State(app): State<App>, Query(about): Query<About>) -> Result<Response, ApiError> {
    let feed = Feed::about(&app, &about)?;
    let base = &app.engine().settings().base_url;
    let rss = Rss {
        language: here().tag(),
        about: tell("feed-about", [("title", feed.title.as_str().into())]),
        title: feed.title,
        url: kept(&format!("{base}/feed.rss{}", feed.query)),
        page: feed.page,
        updated_rfc2822: rfc2822(feed.updated),
        entries: feed.entries,
    };
    Ok(answer(&rss, "application/rss+xml; charset=utf-8"))
}

fn answer(feed: &impl Template, kind: &'static str) -> Response {
    match feed.render() {
        Ok(xml) => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
                (
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("max-age=60"),
                ),
            ],
            readable(&xml),
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "could not render a feed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// XML has no sign for some characters that texts may hold (XML 1.0, section 2.2).
fn readable(xml: &str) -> String {
    let fits = |c: &char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    xml.chars().filter(fits).collect()
}

impl About {
    /// Whether it asks about everything.
    pub(in crate::pages) fn is_all(&self) -> bool {
        self.product.is_none() && self.organization.is_none() && self.site.is_none()
    }

    /// What is listed, and for what.
    pub(in crate::pages) fn title(&self, what: &str) -> String {
        let (names, ..) = self.names();
        match names.is_empty() {
            true => what.to_owned(),
            false => format!("{what}: {names}"),
        }
    }

    /// What it asks for, as it is called in a title, in an address, and the page about it.
    fn names(&self) -> (String, String, String) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let mut names = vec![];
        if let Some(product) = &self.product {
            query.append_pair("product", product.as_str());
            names.push(product.to_string());
        }
        if let Some(organization) = &self.organization {
            query.append_pair("organization", organization);
            names.push(organization.clone());
        }
        if let Some(site) = &self.site {
            query.append_pair("site", site.as_str());
            names.push(site.to_string());
        }
        let page = self
            .site
            .as_ref()
            .map_or_else(String::new, |site| format!("/sites/{site}"));
        (names.join(", "), query.finish(), page)
    }

    /// The sites it asks about; `None` for all, also for those that are not there yet.
    pub(in crate::pages) fn sites(
        &self,
        fleet: &Fleet,
    ) -> Result<Option<Vec<Arc<Site>>>, ApiError> {
        let name = self.organization.as_ref();
        if name.is_some_and(|name| name.len() > NAME_BYTES_MAX) {
            return Err(ApiError::not_found("there is no organization of that name"));
        }
        if self.is_all() {
            return Ok(None);
        }
        let organization = |site: &Site| fleet.organization(site.organization);
        let wanted = |site: &Site| {
            self.product
                .as_ref()
                .is_none_or(|product| *product == site.product)
                && self
                    .organization
                    .as_ref()
                    .is_none_or(|name| organization(site).is_some_and(|known| *known == **name))
        };
        let sites: Vec<_> = match &self.site {
            Some(hostname) => {
                let found = fleet.find(hostname).and_then(|index| fleet.site(index));
                found.into_iter().filter(|site| wanted(site)).collect()
            }
            None => fleet
                .sites()
                .map(|(_, site)| site)
                .filter(|site| wanted(site))
                .collect(),
        };
        if sites.is_empty() {
            return Err(ApiError::not_found(
                "there is no such site here; look it up under /sites",
            ));
        }
        Ok(Some(sites))
    }
}

impl Feed {
    fn about(app: &App, about: &About) -> Result<Self, ApiError> {
        let settings = app.engine().settings();
        let (base, zone) = (&settings.base_url, &settings.home_zone);
        let sites = about.sites(&app.engine().fleet())?;
        let concerns = |view: &Arc<IncidentView>| {
            let scope = &view.incident.scope;
            sites
                .as_ref()
                .is_none_or(|sites| sites.iter().any(|site| scope.holds(site)))
        };
        let public = app.engine().public_incidents().into_iter();
        let incidents: Vec<_> = public
            .chain(app.engine().public_maintenances())
            .filter(concerns)
            .collect();
        let mut told: Vec<_> = incidents
            .iter()
            .flat_map(|view| view.updates.iter().map(move |update| (view, update)))
            .collect();
        told.sort_by_key(|(_, update)| std::cmp::Reverse((update.at, update.id)));
        told.truncate(ENTRIES_MAX);
        let changes = told.iter().map(|(_, update)| update.changed_at());
        let (_, query, page) = about.names();
        Ok(Self {
            title: about.title(say("incidents")),
            query: if query.is_empty() {
                query
            } else {
                format!("?{query}")
            },
            page: kept(&format!("{base}{page}")),
            // A feed without entries never changed.
            updated: changes.max().unwrap_or(Timestamp::UNIX_EPOCH),
            entries: told
                .into_iter()
                .map(|(view, update)| Entry::of((view, update), base, zone))
                .collect(),
        })
    }
}

impl Entry {
    fn of((view, update): (&IncidentView, &Update), base: &str, zone: &Zone) -> Self {
        let title = &view.incident.title;
        let state = stage(update.state);
        let said = match update.kind {
            UpdateKind::OfficialComment => say("official-comment"),
            UpdateKind::Update => state,
        };
        Self {
            id: update.id.to_string(),
            url: kept(&format!(
                "{base}/incidents/{}#update-{}",
                view.incident.id, update.id
            )),
            title: format!("{said}: {title}"),
            by: update.by.clone(),
            at: update.at,
            updated: update.changed_at(),
            at_rfc2822: rfc2822(update.at),
            state,
            html: written(prose(&read_post(zone, &update.body))) + &added(view, zone),
        }
    }
}

/// What the team wrote says its language where the feed is in another.
fn written(html: String) -> String {
    match wrote() {
        Some(language) => format!("<div lang=\"{}\">{html}</div>", language.tag()),
        None => html,
    }
}

/// That an entry was added after the incident was over, to a reader who has not seen it before.
fn added(view: &IncidentView, zone: &Zone) -> String {
    let Some(at) = view.incident.added_at else {
        return String::new();
    };
    let day = words::day(at.to_zoned_datetime(zone.rules()).date());
    let added = tell("added-on", [("day", day.into())]);
    format!("<p><em>{added}</em></p>\n")
}

fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
