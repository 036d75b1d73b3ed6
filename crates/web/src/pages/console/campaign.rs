//! `/console/campaigns/{id}`: how far a campaign is, and the hand on its brake.

mod chart;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::campaign::pace::Pace;
use domain::campaign::selection::Selection;
use domain::campaign::{Action, Command};
use domain::id::{CampaignId, IncidentId};
use domain::site::Zone;
use engine::Progress;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{in_words, reworded, say, tell};
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
    /// What its state is called.
    state: &'static str,
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
        state: state_name(campaign.state),
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
            title: tell(
                "campaign-on-sites",
                [
                    ("action", capital(&action_name(&campaign.action)).into()),
                    ("n", total.into()),
                ],
            ),
            state: state_name(campaign.state),
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
    doing(capital(&action_name(&campaign.action)), &campaign.selection)
}

/// What is done, and where.
pub(in crate::pages) fn doing(action: String, on: &Selection) -> String {
    let values = [
        ("action", action.into()),
        ("selection", selection(on).into()),
    ];
    tell("campaign-named", values)
}

/// What an action is called: "activate release 5.2.0".
pub(in crate::pages) fn action_name(action: &Action) -> String {
    in_words().action(&action.name())
}

/// What the word of a state is called.
pub(in crate::pages) fn state_name(word: &'static str) -> &'static str {
    match word {
        "planned" => say("campaign-state-planned"),
        "running" => say("campaign-state-running"),
        "paused" => say("campaign-state-paused"),
        "halted" => say("campaign-state-halted"),
        "finished" => say("campaign-state-finished"),
        "aborted" => say("campaign-state-aborted"),
        other => other,
    }
}

/// Which sites a campaign concerns, as [`Selection`] says it in English.
pub(in crate::pages) fn selection(selection: &Selection) -> String {
    fn list<T: ToString>(items: &[T]) -> String {
        let items: Vec<_> = items.iter().map(T::to_string).collect();
        items.join(", ")
    }
    let of_product = || ("product", selection.product.to_string().into());
    let mut sites = match selection.hostnames.as_slice() {
        [] if selection.all => tell("campaign-all-of", [of_product()]),
        [] => tell("campaign-sites-of", [of_product()]),
        [one] => one.to_string(),
        many => tell(
            "campaign-hosts-of",
            [("n", many.len().into()), of_product()],
        ),
    };
    for places in [list(&selection.zones), list(&selection.states)] {
        if !places.is_empty() {
            let values = [("sites", sites.into()), ("places", places.into())];
            sites = tell("campaign-in", values);
        }
    }
    if let Some(version) = &selection.running {
        let version = version.to_string();
        let values = [("sites", sites.into()), ("version", version.into())];
        sites = tell("campaign-running", values);
    }
    if selection.has_reported {
        sites = tell("campaign-reported", [("sites", sites.into())]);
    }
    sites
}

/// What is known now: how far it is, and where it runs, how fast and how the origin bears it.
fn figures(app: &App, progress: &Progress) -> Vec<Figure> {
    let campaign = &progress.campaign;
    let figure = |name, value: String| Figure { name, value };
    let values = [
        ("done", progress.counts.verified.into()),
        ("total", total(progress).into()),
    ];
    let done = tell("campaign-figure-proved", values);
    let mut figures = vec![figure(say("campaign-figure-progress"), done)];
    if let (Some(from), Some(until)) = (campaign.started_at, campaign.finished_at) {
        let took = until.duration_since(from).as_secs_f64();
        figures.push(figure(say("campaign-figure-took"), seconds(took)));
    }
    if campaign.state != "running" {
        return figures;
    }
    let left = progress.eta_seconds.map(seconds);
    figures.push(figure(
        say("campaign-figure-left"),
        left.unwrap_or_else(|| say("campaign-figure-left-unknown").into()),
    ));
    let rate = format!("{:.0}", progress.rate_per_second * 60.0);
    let pace = tell("campaign-figure-rate", [("rate", rate.into())]);
    figures.push(figure(say("campaign-figure-pace"), pace));
    if let Some(busy) = progress.utilisation {
        let share = format!("{:.0} %", busy * 100.0);
        figures.push(figure(say("campaign-figure-busy"), share));
    }
    let product = app.engine().fleet().product(&campaign.selection.product);
    if let (Some(p95), Some(product)) = (progress.p95_seconds, product) {
        let promise = product.settings.promise_p95_seconds;
        let values = [
            ("p95", format!("{p95:.1}").into()),
            ("promise", format!("{promise:.0}").into()),
        ];
        let value = tell("campaign-figure-promise", values);
        figures.push(figure(say("campaign-figure-p95"), value));
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
        Pace::Adaptive => say("campaign-pace-adaptive").into(),
        Pace::FixedRate { sites_per_second } => {
            let rate = sites_per_second.to_string();
            tell("campaign-pace-rate", [("rate", rate.into())])
        }
        Pace::FixedConcurrency { sites } => tell("campaign-pace-at-a-time", [("n", sites.into())]),
    }
}

fn halted(progress: &Progress, reader: &Reader) -> Option<String> {
    let halted = progress.campaign.halted.as_ref()?;
    let at = reader.moment(halted.at).text;
    let values = [
        ("wave", wave_word(&halted.wave).into()),
        ("at", at.into()),
        ("reason", reworded(&halted.reason).into()),
    ];
    Some(tell("campaign-halted", values))
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
        return capital(wave_word(name));
    };
    let (clock, city) = (bands::name_of(&zone), bands::city_of(&zone));
    if clock == city {
        city
    } else {
        format!("{} · {city}", words::zone_name(&clock))
    }
}

/// A wave that is no time zone, in the middle of a sentence.
fn wave_word(name: &str) -> &str {
    match name {
        "canaries" => say("campaign-wave-canaries"),
        "reported" => say("campaign-wave-reported"),
        other => other,
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
            reason: reworded(row.reason),
        })
    };
    Ok(rows.into_iter().filter_map(line).collect())
}

/// What can be done in a state; the engine refuses the rest anyway.
fn commands(state: &str) -> Vec<Button> {
    let button = |word, name, class| Button { word, name, class };
    let abort = || button("abort", say("campaign-abort"), "danger");
    match state {
        "planned" => vec![button("start", say("campaign-start"), ""), abort()],
        "running" => vec![button("pause", say("campaign-pause"), ""), abort()],
        "paused" | "halted" => vec![button("resume", say("campaign-resume"), ""), abort()],
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
    let command = command.ok_or_else(|| PageError::refused(say("campaign-no-command")))?;
    match app
        .engine()
        .command_campaign(id, command, caller.name())
        .await
    {
        Ok(_) => Ok(Redirect::to(&format!("/console/campaigns/{id}")).into_response()),
        // Somebody was faster: the page as it is now says more than an error.
        Err(error) if error.kind() == engine::Kind::Conflict => {
            show(&app, id, StatusCode::CONFLICT, Some(reworded(&error))).await
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
    let order = order.ok_or_else(|| PageError::refused(say("campaign-none-left")))?;
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
