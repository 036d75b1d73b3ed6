//! Reports: taken from anybody, listed for staff.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
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
use crate::routes::Route;

const REPORTS_PER_PAGE_MAX: u32 = 500;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/api/v1/reports", Access::Public, take),
        Route::get(
            "/api/v1/reports",
            Access::Holder(Permission::SeeConsole),
            list,
        ),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    site: Hostname,
    text: String,
    #[serde(default)]
    contact: Option<String>,
}

async fn take(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<impl IntoResponse, ApiError> {
    app.report_limit()
        .admit(client, app.engine().clock().now())?;
    let key = headers
        .get("idempotency-key")
        .map(|key| key.to_str())
        .transpose();
    let key = key.map_err(|_| ApiError::refused("idempotency-key", "is not visible ASCII"))?;
    let report = NewReport {
        site: &new.site,
        text: &new.text,
        contact: new.contact.as_deref().unwrap_or_default(),
        channel: Channel::Api,
        idempotency_key: key,
    };
    let id = app.engine().take_report(&report).await?;
    Ok((
        StatusCode::ACCEPTED,
        axum::Json(serde_json::json!({"id": id})),
    ))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where the page before ended: its `before_at` and `before_id`.
    before_at: Option<Timestamp>,
    before_id: Option<ReportId>,
    site: Option<Hostname>,
    limit: Option<u32>,
    /// What comes first within the page; the newest without one.
    rank: Option<Rank>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rank {
    /// Reports of sites on whose pages a banner stands.
    Banner,
}

/// A report as staff see it.
#[derive(serde::Serialize)]
struct ReportView {
    id: ReportId,
    site: Option<String>,
    text: String,
    contact: Option<String>,
    channel: Channel,
    at: Timestamp,
    running: semver::Version,
    /// A banner that stands on the site's pages.
    banner: Option<BannerId>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<impl IntoResponse, ApiError> {
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
    Ok(axum::Json(serde_json::json!({"reports": reports,
        "before_at": next.map(|(at, _)| at), "before_id": next.map(|(_, id)| id)})))
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
