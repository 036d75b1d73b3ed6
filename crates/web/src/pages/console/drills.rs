//! `/console/drills` and `/console/drills/{id}`: what drills showed, and how to run one again.

mod chart;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::drill::{Act, Change, DrillResult, Figure, Unit, duration};
use domain::id::DrillId;
use store::RecordedDrill;

use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::language::{say, tell};
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;
use chart::Chart;

const HERE: &str = "/console/drills";
const DRILLS_PER_PAGE: u32 = 50;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Route::get(HERE, see, list),
        Route::get("/console/drills/{id}", see, look),
    ]
}

#[derive(serde::Deserialize)]
struct Before {
    /// The last drill of the page before.
    before: Option<DrillId>,
}

#[derive(Template)]
#[template(path = "console/drills.html")]
struct List {
    page: Page,
    drills: Vec<Line>,
    older: Option<DrillId>,
    command: Vec<String>,
    is_first_page: bool,
}

struct Line {
    id: DrillId,
    scenario: String,
    began: Moment,
    held: bool,
    tally: String,
    sites: String,
    version: String,
    compared: Vec<String>,
}

async fn list(State(app): State<App>, Query(query): Query<Before>) -> Answer {
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    // One more than is shown: the last one of the page is compared with it, too.
    let limit = DRILLS_PER_PAGE + 1;
    let mut drills = app.engine().drills(query.before, limit).await?;
    let mut lines = vec![];
    let shown = drills.len().min(DRILLS_PER_PAGE as usize);
    for (number, drill) in drills.iter().take(shown).enumerate() {
        let mut older = drills.iter().skip(number + 1);
        let before = older.find(|one| one.result.scenario == drill.result.scenario);
        let before = match before {
            Some(before) => Some(before.clone()),
            None => app.engine().drill_before(&drill.result).await?,
        };
        lines.push(line(&drill.result, before.as_ref(), &reader));
    }
    let full = drills.len() > shown;
    drills.truncate(shown);
    let view = List {
        page: Page::console(say("drills-title"), HERE),
        drills: lines,
        older: drills.last().filter(|_| full).map(|one| one.result.id),
        command: first_command(&app),
        is_first_page: query.before.is_none(),
    };
    Ok(render(StatusCode::OK, &view))
}

fn line(result: &DrillResult, before: Option<&RecordedDrill>, reader: &Reader) -> Line {
    Line {
        id: result.id,
        scenario: result.scenario.clone(),
        began: reader.moment(result.began_at),
        held: result.held(),
        tally: tally(result),
        sites: words::count(result.sites as usize),
        version: result.version.to_string(),
        compared: compared(result, before),
    }
}

fn tally(result: &DrillResult) -> String {
    let tally = result.tally();
    let must = ("must", tally.must_hold.into());
    if result.held() {
        return tell("drill-held-all", [must]);
    }
    let broken = ("broken", (tally.must_hold - tally.held).into());
    tell("drill-held-some", [broken, must])
}

/// What changed since the drill before, in a sentence or two.
fn compared(result: &DrillResult, before: Option<&RecordedDrill>) -> Vec<String> {
    let Some(before) = before else {
        return vec![say("drill-first").to_owned()];
    };
    let Change { lost, mended } = result.since(&before.result);
    let names = |names: Vec<&str>| names.into_iter().map(name).collect::<Vec<_>>().join("; ");
    let mut all = vec![];
    if !lost.is_empty() {
        all.push(tell("drill-lost", [("what", names(lost).into())]));
    }
    if !mended.is_empty() {
        all.push(tell("drill-mended", [("what", names(mended).into())]));
    }
    if all.is_empty() {
        all.push(say("drill-same").to_owned());
    }
    all
}

/// What a figure is called in the reader's language, if it is one of ours.
fn name(what: &str) -> String {
    let known = match what {
        "act 1" => say("drill-act-one-left-out"),
        "act 2" => say("drill-act-two-left-out"),
        "release to first report" => say("drill-figure-first-report"),
        "first report to alarm" => say("drill-figure-alarm"),
        "campaign, start to last site proved" => say("drill-figure-campaign"),
        "release to all restored" => say("drill-figure-restored"),
        "time over the bound T*" => say("drill-figure-bound"),
        "seconds over the latency promise" => say("drill-figure-promise"),
        "sites restored twice" => say("drill-figure-twice"),
        "sites lost" => say("drill-figure-lost"),
        "failed sign-ins, as it happened" => say("drill-figure-failed-one"),
        "failed sign-ins, as it should be" => say("drill-figure-failed-two"),
        "sites left on the old release" => say("drill-figure-left"),
        "rollout, start to last site proved" => say("drill-figure-rollout"),
        other => other,
    };
    known.to_owned()
}

#[derive(Template)]
#[template(path = "console/drill.html")]
struct View {
    page: Page,
    title: String,
    held: bool,
    tally: String,
    facts: Vec<String>,
    broken: Vec<String>,
    compared: Vec<String>,
    /// The drill before, with what was different about it.
    before: Option<(DrillId, String, String)>,
    real: String,
    acts: [Part; 2],
    milestones: Vec<String>,
    command: Vec<String>,
    own_scenario: bool,
}

/// An act of the page.
struct Part {
    id: &'static str,
    title: &'static str,
    lead: &'static str,
    rows: Option<Vec<Row>>,
    chart: Option<Chart>,
    /// Whether a figure of the real incident is known.
    has_real: bool,
    /// Whether a figure was there before.
    has_before: bool,
}

impl Part {
    fn new(
        (id, title, lead): (&'static str, &'static str, &'static str),
        rows: Option<Vec<Row>>,
        chart: Option<Chart>,
    ) -> Self {
        let any = |tells: fn(&Row) -> &str| {
            let rows = rows.as_deref().unwrap_or_default();
            rows.iter().any(|row| !tells(row).is_empty())
        };
        Self {
            id,
            title,
            lead,
            has_real: any(|row| &row.real),
            has_before: any(|row| &row.before),
            rows,
            chart,
        }
    }
}

struct Row {
    what: String,
    /// Nothing where nothing must hold.
    held: Option<bool>,
    measured: String,
    at_most: String,
    real: String,
    before: String,
}

async fn look(State(app): State<App>, Path(id): Path<DrillId>) -> Answer {
    let drill = app.engine().drill(id).await?;
    let before = app.engine().drill_before(&drill.result).await?;
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let result = &drill.result;
    let then = before.as_ref().map(|before| &before.result);
    let title = tell(
        "drill-title",
        [("scenario", result.scenario.as_str().into())],
    );
    let [one, two] = [&result.act1, &result.act2];
    let real = result.real();
    let view = View {
        page: Page::console(title, HERE),
        title: result.title.clone(),
        held: result.held(),
        tally: tally(result),
        facts: facts(&drill, &reader),
        broken: broken(result),
        compared: compared(result, before.as_ref()),
        before: before
            .as_ref()
            .map(|one| other(&one.result, result, &reader)),
        real: real.unwrap_or_else(|| say("drill-real-one")).to_owned(),
        acts: [
            Part::new(
                ("act-1", say("drill-act-one"), say("drill-act-one-lead")),
                one.as_ref().map(|act| rows(act, then)),
                one.as_ref().and_then(|act| {
                    chart::as_it_happened(&act.course, result.sites, &result.happened)
                }),
            ),
            Part::new(
                ("act-2", say("drill-act-two"), say("drill-act-two-lead")),
                two.as_ref().map(|act| rows(act, then)),
                two.as_ref()
                    .and_then(|act| chart::as_it_should_be(&act.course, result.sites)),
            ),
        ],
        milestones: milestones(result),
        command: command_again(&app, result),
        own_scenario: result.scenario != "july-11",
    };
    Ok(render(StatusCode::OK, &view))
}

/// How it was run, part by part.
fn facts(drill: &RecordedDrill, reader: &Reader) -> Vec<String> {
    let result = &drill.result;
    let took = result.ended_at.duration_since(result.began_at);
    let began = [
        ("at", reader.moment(result.began_at).text.into()),
        ("took", duration(took.as_secs_f64()).into()),
    ];
    let mut sites = tell("drill-on-sites", [("n", result.sites.into())]);
    if result.own_fleet {
        sites = format!("{sites} {}", say("drill-own-fleet"));
    }
    let mib = result.server_peak_memory_bytes.div_ceil(1 << 20);
    let mut facts = vec![
        tell("drill-began-at", began),
        sites,
        tell("drill-seed", [("seed", result.seed.to_string().into())]),
        tell("drill-speed", [("speed", result.speed.to_string().into())]),
        tell(
            "drill-version",
            [("version", result.version.to_string().into())],
        ),
        tell("drill-memory", [("mib", mib.into())]),
    ];
    if let Some(percent) = result.server_killed_at_percent {
        facts.push(tell("drill-killed", [("percent", percent.into())]));
    }
    let who = drill.recorded_by.as_str();
    facts.push(tell("drill-recorded-by", [("who", who.into())]));
    facts
}

/// What did not hold, with what it should have been.
fn broken(result: &DrillResult) -> Vec<String> {
    let line = |what: &str| {
        let figure = result.figures().find(|one| one.what == what);
        let Some((figure, most)) = figure.and_then(|one| Some((one, one.at_most?))) else {
            return name(what);
        };
        let values = [
            ("what", name(what).into()),
            ("measured", measured(figure).into()),
            ("most", figure.unit.write(most).into()),
        ];
        tell("drill-broken-line", values)
    };
    result.broken().map(line).collect()
}

/// A drill before this one: its identifier, its moment, and what was different about it.
fn other(before: &DrillResult, now: &DrillResult, reader: &Reader) -> (DrillId, String, String) {
    let mut different = vec![];
    if before.sites != now.sites {
        different.push(tell("drill-on-sites", [("n", before.sites.into())]));
    }
    if before.version != now.version {
        let version = before.version.to_string();
        different.push(tell("drill-against-version", [("version", version.into())]));
    }
    let at = reader.moment(before.began_at).text;
    (
        before.id,
        tell("drill-against", [("at", at.into())]),
        different.join(", "),
    )
}

fn rows(act: &Act, before: Option<&DrillResult>) -> Vec<Row> {
    let row = |one: &Figure| {
        let write = |value: Option<f64>| value.map_or_else(String::new, |it| one.unit.write(it));
        let then = before.and_then(|before| before.figures().find(|then| then.what == one.what));
        Row {
            what: name(&one.what),
            held: one.held(),
            measured: measured(one),
            at_most: write(one.at_most),
            real: write(one.real),
            before: then.map_or_else(String::new, measured),
        }
    };
    act.figures.iter().map(row).collect()
}

fn measured(one: &Figure) -> String {
    let Some(measured) = one.measured else {
        let key = match one.unit {
            Unit::Seconds => say("drill-never"),
            _ => say("drill-not-measured"),
        };
        return key.to_owned();
    };
    let measured = one.unit.write(measured);
    match one.of {
        Some(whole) => {
            let whole = one.unit.write(whole);
            tell(
                "drill-of",
                [("part", measured.into()), ("whole", whole.into())],
            )
        }
        None => measured,
    }
}

fn milestones(result: &DrillResult) -> Vec<String> {
    let line = |(minute, what): (u32, &'static str)| {
        let after = duration(f64::from(minute) * 60.0);
        tell(
            "drill-milestone",
            [("after", after.into()), ("what", what.into())],
        )
    };
    chart::milestones(&result.happened).map(line).to_vec()
}

/// A command in parts that a line may end after.
fn first_command(app: &App) -> Vec<String> {
    vec![
        "lamplighter drill july-11".into(),
        "--record".into(),
        server(app),
    ]
}

/// The command that runs the same drill. What stands in it is checked when a result is recorded.
fn command_again(app: &App, result: &DrillResult) -> Vec<String> {
    let mut command = vec![
        format!("lamplighter drill {}", result.scenario),
        format!("--seed {}", result.seed),
        format!("--sites {}", result.sites),
        format!("--speed {}", result.speed),
    ];
    if result.own_fleet {
        command.push("--fleet FILE".into());
    }
    if let Some(percent) = result.server_killed_at_percent {
        command.push(format!("--kill-server-at {percent}"));
    }
    command.extend(["--record".into(), server(app)]);
    command
}

fn server(app: &App) -> String {
    format!("--server {}", app.engine().settings().base_url)
}
