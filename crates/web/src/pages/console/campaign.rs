//! `/console/campaigns/{id}`: how far a campaign is, and the hand on its brake.

mod chart;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::campaign::Command;
use domain::campaign::pace::Pace;
use domain::id::{CampaignId, IncidentId};
use domain::site::Zone;
use engine::Progress;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::pages::lamps::bands;
use crate::pages::public::status::Part;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::routes::Route;

/// The most sites listed that were given up.
const FAILED_MAX: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let run = Access::Holder(Permission::RunCampaigns);
    vec![
        Route::get("/console/campaigns/{id}", see, look),
        Route::post("/console/campaigns/{id}", run, command),
        Route::post("/console/incidents/{id}/campaign", run, start_proposed),
    ]
}

#[derive(Template)]
#[template(path = "console/campaign.html")]
struct View {
    page: Page,
    one: Running,
    pace: String,
    chart: Option<chart::Chart>,
    as_of: Moment,
    created: Moment,
    started: Option<Moment>,
    finished: Option<Moment>,
    halted: Option<String>,
    waves: Vec<Wave>,
    failed: Vec<GivenUp>,
    commands: Vec<Button>,
    problem: Option<String>,
}

/// A campaign as lists and its own page show it.
pub(crate) struct Running {
    pub(crate) id: CampaignId,
    pub(crate) title: String,
    pub(crate) state: &'static str,
    pub(crate) incident: Option<IncidentId>,
    pub(crate) meter: Vec<Part>,
    pub(crate) figures: Vec<Figure>,
}

/// A figure with its name.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

struct Wave {
    name: String,
    total: String,
    verified: String,
    in_flight: String,
    failed: String,
    meter: Vec<Part>,
}

struct GivenUp {
    hostname: String,
    reason: String,
}

struct Button {
    word: &'static str,
    name: &'static str,
    class: &'static str,
}

async fn look(State(app): State<App>, Path(id): Path<CampaignId>) -> Answer {
    show(&app, id, StatusCode::OK, None).await
}

async fn show(app: &App, id: CampaignId, status: StatusCode, problem: Option<String>) -> Answer {
    let progress = app.engine().campaign_progress(id).await?;
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let campaign = &progress.campaign;
    let course = app.engine().campaign_course(id).await?;
    let one = Running::of(app, &progress);
    let view = View {
        page: Page::console(one.title.clone(), "/console/campaigns"),
        pace: pace(campaign.pace),
        chart: course.map(|course| chart::chart(&course, total(&progress), &reader)),
        as_of: reader.now(),
        created: reader.moment(campaign.created_at),
        started: campaign.started_at.map(|at| reader.moment(at)),
        finished: campaign.finished_at.map(|at| reader.moment(at)),
        halted: halted(&progress, &reader),
        waves: progress.waves.iter().map(wave).collect(),
        failed: failed(app, &progress).await?,
        commands: commands(campaign.state),
        one,
        problem,
    };
    Ok(render(status, &view))
}

impl Running {
    pub(crate) fn of(app: &App, progress: &Progress) -> Self {
        let campaign = &progress.campaign;
        let counts = &progress.counts;
        let going = counts.sent + counts.acted;
        let total = total(progress);
        Self {
            id: campaign.id,
            title: format!(
                "{} on {}",
                capital(&campaign.action.name()),
                words::counted(size(total), "site", "sites")
            ),
            state: campaign.state,
            incident: campaign.incident,
            figures: figures(app, progress),
            meter: meter(
                &[
                    ("done", counts.verified),
                    ("failed", counts.failed),
                    ("going", going),
                ],
                total,
            ),
        }
    }
}

/// What a campaign is called in lists: "Refresh: all web-central sites".
pub(crate) fn named(campaign: &engine::CampaignView) -> String {
    format!(
        "{}: {}",
        capital(&campaign.action.name()),
        campaign.selection
    )
}

/// What is known now: how far it is, and where it runs, how fast and how the origin bears it.
fn figures(app: &App, progress: &Progress) -> Vec<Figure> {
    let campaign = &progress.campaign;
    let figure = |name, value: String| Figure { name, value };
    let done = format!(
        "{} of {} proved",
        words::count(size(progress.counts.verified)),
        words::count(size(total(progress)))
    );
    let mut figures = vec![figure("Progress", done)];
    if let (Some(from), Some(until)) = (campaign.started_at, campaign.finished_at) {
        let took = until.duration_since(from).as_secs_f64();
        figures.push(figure("Took", seconds(took)));
    }
    if campaign.state != "running" {
        return figures;
    }
    let left = progress.eta_seconds.map(seconds);
    figures.push(figure(
        "Left",
        left.unwrap_or_else(|| "not known yet".into()),
    ));
    let pace = format!("{:.0} sites/min", progress.rate_per_second * 60.0);
    figures.push(figure("Pace now", pace));
    if let Some(busy) = progress.utilisation {
        figures.push(figure("Origin busy", format!("{:.0} %", busy * 100.0)));
    }
    let product = app.engine().fleet().product(&campaign.selection.product);
    if let (Some(p95), Some(product)) = (progress.p95_seconds, product) {
        let promise = product.settings.promise_p95_seconds;
        let value = format!("{p95:.1} s of {promise:.0} s promised");
        figures.push(figure("Origin p95", value));
    }
    figures
}

/// All sites of a campaign.
fn total(progress: &Progress) -> u64 {
    progress.waves.iter().map(|wave| wave.total).sum()
}

/// How long something takes, from a measure that may be wild.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a hundred days"
)]
pub(crate) fn seconds(seconds: f64) -> String {
    words::duration(seconds.clamp(0.0, 8_640_000.0) as u64)
}

pub(in crate::pages) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Parts of a whole, one beside the other, in percent.
fn meter(parts: &[(&'static str, u64)], total: u64) -> Vec<Part> {
    #[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
    let share = |n: u64| 100.0 * n as f64 / total.max(1) as f64;
    let mut left = 0;
    let mut drawn = vec![];
    for (state, n) in parts.iter().filter(|(_, n)| *n > 0) {
        drawn.push(Part {
            state,
            left: format!("{:.2}", share(left)),
            width: format!("{:.2}", share(*n)),
        });
        left += n;
    }
    drawn
}

fn pace(pace: Pace) -> String {
    match pace {
        Pace::Adaptive => "By what the origin’s own telemetry says it bears".into(),
        Pace::FixedRate { sites_per_second } => format!("{sites_per_second} a second, fixed"),
        Pace::FixedConcurrency { sites } => format!(
            "{} at a time",
            words::counted(size(sites.into()), "site", "sites")
        ),
    }
}

fn halted(progress: &Progress, reader: &Reader) -> Option<String> {
    let halted = progress.campaign.halted.as_ref()?;
    let at = reader.moment(halted.at).text;
    Some(format!(
        "It stopped itself in wave {} at {at}: {}",
        halted.wave, halted.reason
    ))
}

fn wave(wave: &engine::WaveProgress) -> Wave {
    let parts = [
        ("done", wave.verified),
        ("failed", wave.failed),
        ("going", wave.in_flight),
    ];
    Wave {
        name: wave_name(&wave.name),
        total: words::count(size(wave.total)),
        verified: words::count(size(wave.verified)),
        in_flight: words::count(size(wave.in_flight)),
        failed: words::count(size(wave.failed)),
        meter: meter(&parts, wave.total),
    }
}

/// What people call a wave: "Canaries", "Reported", "Pacific · Los Angeles".
pub(in crate::pages) fn wave_name(name: &str) -> String {
    let Some(zone) = Zone::parse(name)
        .ok()
        .filter(|zone| zone.as_str().contains('/'))
    else {
        return capital(name);
    };
    let (clock, city) = (bands::name_of(&zone), bands::city_of(&zone));
    if clock == city {
        city
    } else {
        format!("{clock} · {city}")
    }
}

async fn failed(app: &App, progress: &Progress) -> Result<Vec<GivenUp>, PageError> {
    if progress.counts.failed == 0 {
        return Ok(vec![]);
    }
    let id = progress.campaign.id;
    let rows = app
        .engine()
        .campaign_rows(id, Some("failed"), 0, FAILED_MAX)
        .await?;
    let fleet = app.engine().fleet();
    let line = |row: store::CampaignRow| {
        let site = fleet.site(fleet.index(row.site)?)?;
        Some(GivenUp {
            hostname: site.hostname.to_string(),
            reason: row.reason,
        })
    };
    Ok(rows.into_iter().filter_map(line).collect())
}

/// What can be done in a state; the engine refuses the rest anyway.
fn commands(state: &str) -> Vec<Button> {
    let button = |word, name, class| Button { word, name, class };
    let abort = || button("abort", "Abort", "danger");
    match state {
        "planned" => vec![button("start", "Start", ""), abort()],
        "running" => vec![button("pause", "Pause", ""), abort()],
        "paused" | "halted" => vec![button("resume", "Resume", ""), abort()],
        _ => vec![],
    }
}

#[derive(serde::Deserialize)]
struct Commanded {
    #[serde(default)]
    command: String,
}

async fn command(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CampaignId>,
    Form(form): Form<Commanded>,
) -> Answer {
    let known = [
        Command::Start,
        Command::Pause,
        Command::Resume,
        Command::Abort,
    ];
    let command = known
        .into_iter()
        .find(|command| command.as_str() == form.command);
    let command = command.ok_or_else(|| PageError::refused("There is no such command."))?;
    match app
        .engine()
        .command_campaign(id, command, caller.name())
        .await
    {
        Ok(_) => Ok(Redirect::to(&format!("/console/campaigns/{id}")).into_response()),
        // Somebody was faster: the page as it is now says more than an error.
        Err(error) if error.kind() == engine::Kind::Conflict => {
            show(&app, id, StatusCode::CONFLICT, Some(error.to_string())).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Creates the campaign that an incident proposes, and starts it.
async fn start_proposed(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
) -> Answer {
    let order = app.engine().proposed_campaign(id).await?;
    let order =
        order.ok_or_else(|| PageError::refused("No site of this incident is left to restore."))?;
    let campaign = app.engine().create_campaign(&order, caller.name()).await?;
    app.engine()
        .command_campaign(campaign.id, Command::Start, caller.name())
        .await?;
    Ok(Redirect::to(&format!("/console/campaigns/{}", campaign.id)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_have_names_for_people() {
        for (name, says) in [
            ("canaries", "Canaries"),
            ("America/Los_Angeles", "Pacific · Los Angeles"),
            ("America/Indiana/Indianapolis", "Eastern · Indianapolis"),
            ("Europe/Berlin", "Berlin"),
        ] {
            assert_eq!(wave_name(name), says);
        }
    }
}
