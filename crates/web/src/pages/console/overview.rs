//! `/console`: the lamps, and what needs a person. Before there is a fleet, how to get one.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Permission;
use domain::detection::Alarm;
use domain::name::ProductName;
use domain::site::import::{BadLine, Defaults};
use domain::site::state::SiteState;
use engine::{Ends, Fleet, ImportError};
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::Body;
use crate::language::{in_words, reworded, say, tell};
use crate::pages::console::campaign::Running;
use crate::pages::lamps::bands::Counts;
use crate::pages::lamps::{Lamps, svg};
use crate::pages::public::incident::Card;
use crate::pages::public::status::{Table, by_zone};
use crate::pages::words::{self, Headline, Moment, Reader};
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::routes::Route;

/// The largest fleet file that a browser may send, in bytes.
const IMPORT_BYTES_MAX: usize = 32 << 20;

/// The most entries of a list beside the lamps.
const LISTED_MAX: usize = 5;
/// The same, asked of the store.
const LISTED_LONG: u32 = 5;
/// Among how many of the newest campaigns active ones are looked for.
const CAMPAIGNS_MAX: u32 = 20;
/// Alarms older than this are the audit's matter, in hours.
const ALARM_HOURS: i64 = 7 * 24;
/// How much of a report a list shows.
const REPORT_CHARACTERS: usize = 140;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Route::get("/console", see, console),
        Route::get("/console/panels", see, panels),
        Route::post("/console/fleet/import", change, import).body_max(IMPORT_BYTES_MAX),
    ]
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct View {
    page: Page,
    picture: String,
    parts: Parts,
}

/// Everything around the lamps: the script fetches it again when something changed.
#[derive(Template)]
#[template(path = "console/panels.html")]
struct Parts {
    page: Page,
    headline: Headline,
    endings: Vec<Ending>,
    as_of: Moment,
    legend: Vec<Entry>,
    sites_per_lamp: usize,
    table: Table,
    incidents: Vec<Card>,
    latest: Vec<Card>,
    campaigns: Vec<Running>,
    alarms: Vec<Raised>,
    reports: Vec<Told>,
}

/// Signed config that ends soon.
struct Ending {
    sentence: &'static str,
    until: Moment,
}

/// An alarm in a list.
struct Raised {
    at: Moment,
    sentence: String,
    promise_days: String,
}

/// A report in a list.
struct Told {
    at: Moment,
    hostname: String,
    text: String,
}

struct Entry {
    state: &'static str,
    words: String,
    count: String,
}

async fn console(State(app): State<App>) -> Answer {
    let fleet = app.engine().fleet();
    if fleet.is_empty() {
        return Ok(first_run(Page::console(say("first-run"), "/console")));
    }
    let lamps = app.drawn().lamps(&fleet);
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let view = View {
        page: Page::console(say("nav-lamps"), "/console"),
        picture: svg::draw(&lamps, &fleet, reader.now),
        parts: Parts::of(&app, &lamps, &fleet, &reader).await?,
    };
    Ok(render(StatusCode::OK, &view))
}

async fn panels(State(app): State<App>) -> Answer {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    Ok(render(
        StatusCode::OK,
        &Parts::of(&app, &lamps, &fleet, &reader).await?,
    ))
}

impl Parts {
    async fn of(
        app: &App,
        lamps: &Lamps,
        fleet: &Fleet,
        reader: &Reader,
    ) -> Result<Self, PageError> {
        let (open, past): (Vec<_>, Vec<_>) = app
            .engine()
            .all_incidents()
            .into_iter()
            .partition(|view| view.incident.is_open());
        let counts = Counts::of_all(fleet);
        let entry = |(state, n): (SiteState, usize)| Entry {
            state: state.as_str(),
            words: words::state_of(state, n),
            count: words::count(n),
        };
        Ok(Self {
            page: Page::console("", "/console"),
            headline: words::headline(&counts),
            endings: endings(app, reader)?,
            as_of: reader.now(),
            legend: counts.each().map(entry).collect(),
            sites_per_lamp: lamps.sites_per_lamp,
            table: by_zone(lamps, fleet, reader),
            incidents: open
                .iter()
                .take(LISTED_MAX)
                .map(|view| Card::of(view, reader))
                .collect(),
            latest: past
                .iter()
                .take(LISTED_MAX)
                .map(|view| Card::of(view, reader))
                .collect(),
            campaigns: campaigns(app).await?,
            alarms: alarms(app, reader).await?,
            reports: reports(app, fleet, reader).await?,
        })
    }
}

/// What agents refuse soon, unless somebody does something.
fn endings(app: &App, reader: &Reader) -> Result<Vec<Ending>, PageError> {
    let endings = app.engine().config_endings()?;
    let ending = |one: engine::Ending| Ending {
        sentence: match one.what {
            Ends::RootElsewhere => say("ending-root-elsewhere"),
            Ends::Root => say("ending-root"),
            Ends::Metadata => say("ending-metadata"),
        },
        until: reader.moment(one.until),
    };
    Ok(endings.into_iter().map(ending).collect())
}

/// Campaigns that need an eye; else the newest one.
async fn campaigns(app: &App) -> Result<Vec<Running>, PageError> {
    let newest = app.engine().campaigns(CAMPAIGNS_MAX).await?;
    let active = |state: &str| matches!(state, "planned" | "running" | "paused" | "halted");
    let mut chosen: Vec<_> = newest
        .iter()
        .filter(|one| active(one.state))
        .take(LISTED_MAX)
        .collect();
    if chosen.is_empty() {
        chosen.extend(newest.first());
    }
    let mut shown = vec![];
    for one in chosen {
        shown.push(Running::of(
            app,
            &app.engine().campaign_progress(one.id).await?,
        ));
    }
    Ok(shown)
}

async fn alarms(app: &App, reader: &Reader) -> Result<Vec<Raised>, PageError> {
    let since = reader
        .now
        .saturating_sub(SignedDuration::from_hours(ALARM_HOURS))
        .unwrap_or(reader.now);
    let alarms = app.engine().alarms_since(since, LISTED_LONG).await?;
    let raised = |alarm: Alarm| Raised {
        at: reader.moment(alarm.at),
        sentence: in_words().alarm_sentence(&alarm),
        promise_days: format!("{:.0}", alarm.promise_seconds / 86_400.0),
    };
    Ok(alarms.into_iter().take(LISTED_MAX).map(raised).collect())
}

async fn reports(app: &App, fleet: &Fleet, reader: &Reader) -> Result<Vec<Told>, PageError> {
    let newest = app
        .engine()
        .reports_before((Timestamp::MAX, None), None, LISTED_LONG)
        .await?;
    let told = newest.into_iter().filter_map(|stored| {
        let site = fleet.site(fleet.index(stored.report.site)?)?;
        Some(Told {
            at: reader.moment(stored.report.at),
            hostname: site.hostname.to_string(),
            text: words::cut(stored.report.text.as_str(), REPORT_CHARACTERS),
        })
    });
    Ok(told.take(LISTED_MAX).collect())
}

#[derive(Template)]
#[template(path = "first_run.html")]
struct FirstRun {
    page: Page,
    problem: Option<String>,
    lines: Vec<BadLine>,
}

/// What a page says before there is a fleet.
pub(crate) fn first_run(page: Page) -> Response {
    render(
        StatusCode::OK,
        &FirstRun {
            page,
            problem: None,
            lines: vec![],
        },
    )
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let csv = uploaded(&headers, &body);
    let csv = csv.ok_or_else(|| PageError::refused(say("import-no-file")))?;
    let product = ProductName::parse("web-central").map_err(|e| PageError::refused(reworded(e)))?;
    let defaults = Defaults {
        product,
        running: semver::Version::new(1, 0, 0),
    };
    match app
        .engine()
        .import_fleet(csv, &defaults, caller.name())
        .await
    {
        Ok(_) => Ok(Redirect::to("/console").into_response()),
        Err(ImportError::Engine(error)) => Err(error.into()),
        Err(ImportError::BadLines(bad)) => {
            let problem = Some(tell(
                "nothing-imported-why",
                [("why", reworded(&bad).into())],
            ));
            let lines = bad.lines.into_iter().map(|line| BadLine {
                reason: reworded(line.reason),
                ..line
            });
            let page = Page::console(say("nothing-imported"), "/console");
            Ok(render(
                StatusCode::UNPROCESSABLE_ENTITY,
                &FirstRun {
                    page,
                    problem,
                    lines: lines.collect(),
                },
            ))
        }
    }
}

/// The one file of a `multipart/form-data` body (RFC 7578): a form with a single field needs no
/// more than the bytes between its first blank line and its closing boundary.
fn uploaded<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a [u8]> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = kind
        .strip_prefix("multipart/form-data")?
        .split("boundary=")
        .nth(1)?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let part = body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let start = find(part, b"\r\n\r\n")? + 4;
    let file = part.get(start..)?;
    let end = find(file, format!("\r\n--{boundary}").as_bytes())?;
    file.get(..end).filter(|file| !file.is_empty())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_up_its_file() {
        let mut headers = HeaderMap::new();
        let kind = "multipart/form-data; boundary=xyz";
        headers.insert("content-type", kind.parse().unwrap());
        let body = b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\na,b\r\n1,2\r\n--xyz--\r\n";
        assert_eq!(uploaded(&headers, body), Some(&b"a,b\r\n1,2"[..]));
        assert_eq!(uploaded(&headers, b"--xyz\r\n\r\n\r\n--xyz--"), None);
        assert_eq!(uploaded(&headers, b"--abc\r\n\r\nx\r\n--abc--"), None);
    }
}
