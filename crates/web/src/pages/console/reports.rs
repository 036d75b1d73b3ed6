//! `/console/reports`: what customers say, newest first, a page at a time.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::id::ReportId;
use engine::Fleet;
use jiff::Timestamp;
use store::StoredReport;

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::say;
use crate::pages::public::site::host_of;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

const REPORTS_PER_PAGE: u32 = 50;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![Route::get("/console/reports", see, list)]
}

#[derive(Default, serde::Deserialize)]
struct Filter {
    /// A site's host name or address; of all sites without one.
    #[serde(default)]
    site: String,
    /// Where the page before ended.
    before_at: Option<Timestamp>,
    before_id: Option<ReportId>,
}

#[derive(Template)]
#[template(path = "console/reports.html")]
struct View {
    page: Page,
    site: String,
    unknown: bool,
    reports: Vec<Line>,
    older: Option<String>,
}

/// A report as the console shows it.
pub(in crate::pages) struct Line {
    pub(in crate::pages) at: Moment,
    pub(in crate::pages) hostname: String,
    pub(in crate::pages) state: &'static str,
    pub(in crate::pages) state_class: &'static str,
    pub(in crate::pages) runs: String,
    pub(in crate::pages) text: String,
    pub(in crate::pages) contact: String,
    pub(in crate::pages) channel: &'static str,
    /// Whether it comes from the area of a banner that stands.
    pub(in crate::pages) is_in_banner: bool,
}

async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Answer {
    let fleet = app.engine().fleet();
    let typed = host_of(&filter.site);
    let site = domain::name::Hostname::parse(&typed)
        .ok()
        .and_then(|name| fleet.site_at(&name));
    let unknown = !typed.is_empty() && site.is_none();
    let before = (filter.before_at.unwrap_or(Timestamp::MAX), filter.before_id);
    let reports = match unknown {
        true => vec![],
        false => {
            let site = site.map(|site| site.id);
            app.engine()
                .reports_before(before, site, REPORTS_PER_PAGE)
                .await?
        }
    };
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let full = reports.len() >= REPORTS_PER_PAGE as usize;
    let older = reports.last().filter(|_| full);
    let older = older.map(|last| address(&typed, last));
    let mut lines: Vec<_> = reports
        .iter()
        .filter_map(|stored| line(&fleet, stored, &reader))
        .collect();
    rank(&app, &mut lines);
    let view = View {
        page: Page::console(say("nav-reports"), "/console/reports"),
        older,
        reports: lines,
        site: typed,
        unknown,
    };
    Ok(render(StatusCode::OK, &view))
}

pub(in crate::pages) fn line(
    fleet: &Fleet,
    stored: &StoredReport,
    reader: &Reader,
) -> Option<Line> {
    let index = fleet.index(stored.report.site)?;
    let site = fleet.site(index)?;
    let contact = stored.report.contact.as_ref();
    Some(Line {
        at: reader.moment(stored.report.at),
        hostname: site.hostname.to_string(),
        state: words::state(fleet.state(index)),
        state_class: fleet.state(index).as_str(),
        runs: format!("{} {}", site.product, stored.running),
        text: stored.report.text.as_str().into(),
        contact: contact.map_or_else(String::new, |contact| contact.as_str().into()),
        channel: stored.report.channel.as_str(),
        is_in_banner: false,
    })
}

/// Reports from the area of a standing banner come first: what was told there is being watched.
fn rank(app: &App, lines: &mut [Line]) {
    let fleet = app.engine().fleet();
    let standing = app.engine().standing_banners();
    for line in lines.iter_mut() {
        let site = line.hostname.parse().ok();
        let site = site.and_then(|name| fleet.site_at(&name));
        line.is_in_banner =
            site.is_some_and(|site| standing.iter().any(|banner| banner.area.holds(&site)));
    }
    lines.sort_by_key(|line| !line.is_in_banner);
}

fn address(site: &str, last: &StoredReport) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !site.is_empty() {
        query.append_pair("site", site);
    }
    query.append_pair("before_at", &last.report.at.to_string());
    query.append_pair("before_id", &last.report.id.to_string());
    format!("/console/reports?{}", query.finish())
}
