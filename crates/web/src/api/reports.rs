//! Reports: taken from anybody, listed for staff.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use domain::access::Permission;
use domain::id::{BannerId, ReportId};
use domain::name::Hostname;
use domain::report::Channel;
use engine::{Engine, NewReport};
use jiff::Timestamp;
use store::StoredReport;

use crate::App;
use crate::access::Access;
use crate::client_address::Client;
use crate::error::ApiError;
use crate::extract::{Json, Query, page_size};
use crate::open_api::{Sheet, Takes};
use crate::reply::Accepted;
use crate::routes::{Api, Route};

const REPORTS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Api::post("/api/v1/reports", Access::Public, "Report a problem", take)
            .about("How often one address may do so is limited: 429, with `Retry-After`."),
        Api::get(
            "/api/v1/reports",
            Access::Holder(Permission::SeeConsole),
            "List reports, newest first",
            list,
        ),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewReport")]
struct New {
    /// The site that does not work.
    site: Hostname,
    /// What is wrong.
    text: String,
    /// Where to answer.
    #[serde(default)]
    contact: Option<String>,
}

/// A report was taken.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ReportTaken {
    /// Its identifier.
    id: ReportId,
}

/// Tells the same report sent again from another.
struct IdempotencyKey(Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let key = parts.headers.get("idempotency-key");
        let key = key.map(|key| key.to_str().map(Into::into)).transpose();
        key.map(Self)
            .map_err(|_| ApiError::refused("idempotency-key", "is not visible ASCII"))
    }
}

impl Takes for IdempotencyKey {
    fn takes(sheet: &mut Sheet<'_>) {
        let words = "Made by the caller: a report sent again with the same key is taken once.";
        sheet.header("Idempotency-Key", words);
    }
}

async fn take(
    State(app): State<App>,
    client: Client,
    IdempotencyKey(key): IdempotencyKey,
    Json(new): Json<New>,
) -> Result<Accepted<ReportTaken>, ApiError> {
    app.report_limit()
        .admit(client, app.engine().clock().now())?;
    let report = NewReport {
        site: &new.site,
        text: &new.text,
        contact: new.contact.as_deref().unwrap_or_default(),
        channel: Channel::Api,
        idempotency_key: key.as_deref(),
    };
    let id = app.engine().take_report(&report).await?;
    Ok(Accepted(ReportTaken { id }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended: its `before_at` and `before_id`.
    #[schemars(with = "Option<domain::schema::Moment>")]
    before_at: Option<Timestamp>,
    /// Where the page before ended, among reports of the same moment.
    before_id: Option<ReportId>,
    /// Only those of this site.
    site: Option<Hostname>,
    /// At most so many; 100 unless it is said. More than 500 are never given.
    limit: Option<u32>,
    /// What comes first within the page; the newest without one.
    rank: Option<Rank>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Rank {
    /// Reports of sites on whose pages a banner stands.
    Banner,
}

/// A page of reports.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Reports {
    /// Newest first, unless they were ranked.
    reports: Vec<ReportView>,
    /// The moment of the last one, when more follow.
    #[schemars(with = "Option<domain::schema::Moment>")]
    before_at: Option<Timestamp>,
    /// The last one, when more follow.
    before_id: Option<ReportId>,
}

/// A report as staff see it.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Report")]
struct ReportView {
    /// Its identifier.
    id: ReportId,
    /// The site that it is about; none when the fleet has it no more.
    site: Option<String>,
    /// What the customer wrote.
    text: String,
    /// Where to answer.
    contact: Option<String>,
    /// How it came.
    channel: Channel,
    /// When it was taken.
    #[schemars(with = "domain::schema::Moment")]
    at: Timestamp,
    /// The release that the site ran then.
    running: semver::Version,
    /// A banner that stands on the site's pages.
    banner: Option<BannerId>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Reports>, ApiError> {
    let limit = page_size(query.limit, 100, REPORTS_PER_PAGE_MAX)?;
    let before = (query.before_at.unwrap_or(Timestamp::MAX), query.before_id);
    let site = match &query.site {
        None => None,
        Some(hostname) => {
            let site = app.engine().fleet().site_at(hostname);
            let site =
                site.ok_or_else(|| ApiError::not_found(format!("there is no site {hostname}")))?;
            Some(site.id)
        }
    };
    let page = app.engine().reports_before(before, site, limit).await?;
    let full = page.len() == limit as usize;
    let next = page
        .last()
        .filter(|_| full)
        .map(|last| (last.report.at, last.report.id));
    let mut reports: Vec<_> = page
        .into_iter()
        .map(|stored| view(app.engine(), stored))
        .collect();
    if query.rank == Some(Rank::Banner) {
        reports.sort_by_key(|report| report.banner.is_none());
    }
    Ok(axum::Json(Reports {
        reports,
        before_at: next.map(|(at, _)| at),
        before_id: next.map(|(_, id)| id),
    }))
}

fn view(engine: &Engine, StoredReport { report, running }: StoredReport) -> ReportView {
    let fleet = engine.fleet();
    let site = fleet.index(report.site).and_then(|index| fleet.site(index));
    let banners = site.as_ref().map(|site| engine.banners_of(site));
    ReportView {
        banner: banners.and_then(|all| all.first().map(|banner| banner.id)),
        id: report.id,
        site: site.map(|site| site.hostname.to_string()),
        text: report.text.as_str().into(),
        contact: report.contact.map(|contact| contact.as_str().into()),
        channel: report.channel,
        at: report.at,
        running,
    }
}
