//! `/console/incidents/{id}`: where staff decide about an incident and tell customers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::id::{CampaignId, IncidentId, UpdateId};
use domain::incident::template::{Kind, Placeholder, Template as PostTemplate};
use domain::incident::{Impact, Stage};
use engine::{Acceptance, EngineError, IncidentView, Kind as ErrorKind, NewCorrection, NewUpdate};

use super::incident::{Promised, Said, affected, impact, promised, said, stage, updates};
use super::status::Table;
use super::words::{self, Moment};
use super::{Answer, Page, PageError, reader, render};
use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/incidents/{id}", see, look),
        Route::post("/console/incidents/{id}/accept", tell, accept),
        Route::post("/console/incidents/{id}/dismiss", tell, dismiss),
        Route::post("/console/incidents/{id}/updates", tell, update),
        Route::post("/console/incidents/{id}/official-comment", tell, official),
        Route::post(
            "/console/incidents/{id}/updates/{update}/correct",
            tell,
            correct,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/incident.html")]
struct View {
    page: Page,
    id: IncidentId,
    title: String,
    stage: &'static str,
    stage_class: &'static str,
    proposed: bool,
    public: bool,
    open: bool,
    started: Moment,
    impact: &'static str,
    scope: String,
    impacts: Vec<Choice>,
    affected: String,
    /// How its followers were told, and why some were not.
    told: Option<Told>,
    table: Table,
    promises: Vec<Promised>,
    updates: Vec<Said>,
    official: Option<Said>,
    templates: Vec<Gaps>,
    stages: Vec<Choice>,
    happened: Vec<Happened>,
    campaign: Option<Proposed>,
    running: Option<CampaignId>,
    problem: Option<String>,
    typed: Typed,
}

/// How followers were told.
struct Told {
    says: String,
    failures: Vec<String>,
}

/// The campaign that would restore the incident's sites.
struct Proposed {
    action: String,
    sites: String,
    waves: String,
    takes: Option<String>,
}

/// The newest campaigns among which the one of an incident is looked for.
const CAMPAIGNS_MAX: u32 = 50;

struct Choice {
    value: &'static str,
    name: &'static str,
    chosen: bool,
}

/// A template with a field for each of its gaps.
struct Gaps {
    name: String,
    number: usize,
    text: String,
    gaps: Vec<Gap>,
}

struct Gap {
    name: String,
    label: String,
    hint: &'static str,
    required: bool,
    value: String,
}

/// A line of the timeline.
struct Happened {
    at: Moment,
    by: String,
    words: String,
}

/// What a person typed into a form that was refused.
#[derive(Default)]
struct Typed {
    text: String,
    official: String,
    reason: String,
}

async fn look(State(app): State<App>, Path(id): Path<IncidentId>) -> Answer {
    show(&app, id, StatusCode::OK, None, Typed::default()).await
}

async fn show(
    app: &App,
    id: IncidentId,
    status: StatusCode,
    problem: Option<String>,
    typed: Typed,
) -> Answer {
    let view = found(app, id).await?;
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let (counts, table) = affected(&view.incident, &lamps, &fleet, &reader);
    let now = view.incident.state.stage();
    let timeline = app.engine().incident_timeline(id).await?;
    let happened = timeline.iter().rev().map(|entry| Happened {
        at: reader.moment(entry.at),
        by: entry.by.clone(),
        words: entry.line(),
    });
    let running = running(app, id).await?;
    let wanted = view.incident.is_public() && view.incident.is_open() && running.is_none();
    let campaign = if wanted {
        proposed(app, id).await
    } else {
        None
    };
    let told = told(app.engine().told_followers(id).await?);
    let page = View {
        told,
        campaign,
        running,
        page: Page::console(view.incident.title.clone(), "/console/incidents"),
        id,
        title: view.incident.title.clone(),
        stage: stage(now),
        stage_class: now.as_str(),
        proposed: now == Stage::Proposed,
        public: view.incident.is_public(),
        open: view.incident.is_open(),
        started: reader.moment(view.incident.started_at),
        impact: impact(view.incident.impact),
        scope: view.incident.scope.to_string(),
        impacts: impacts(counts.affected(), fleet.len()),
        affected: words::states(&counts),
        table,
        promises: view
            .promises
            .iter()
            .filter_map(|promise| promised(promise, &reader))
            .collect(),
        updates: updates(&view, &reader),
        official: view.official_comment().map(|update| said(update, &reader)),
        templates: app
            .engine()
            .templates()
            .iter()
            .enumerate()
            .map(gaps)
            .collect(),
        stages: stages(),
        happened: happened.collect(),
        problem,
        typed,
    };
    Ok(render(status, &page))
}

/// The campaign that answers the incident now: a second one beside it would do its work twice.
async fn running(app: &App, id: IncidentId) -> Result<Option<CampaignId>, PageError> {
    let newest = app.engine().campaigns(CAMPAIGNS_MAX).await?;
    let over = |state: &str| matches!(state, "finished" | "aborted");
    let mut active = newest
        .iter()
        .filter(|one| one.incident == Some(id) && !over(one.state));
    Ok(active.next().map(|one| one.id))
}

/// What the proposed campaign would do; nothing where it cannot be planned.
async fn proposed(app: &App, id: IncidentId) -> Option<Proposed> {
    let order = app.engine().proposed_campaign(id).await.ok().flatten()?;
    let plan = app.engine().plan_campaign(&order).await.ok()?;
    let sites = plan.waves.iter().map(|wave| wave.sites).sum();
    Some(Proposed {
        action: order.action.name(),
        sites: words::counted(sites, "site", "sites"),
        waves: words::counted(plan.waves.len(), "wave", "waves"),
        takes: plan.estimate_seconds.map(super::campaign::seconds),
    })
}

async fn found(app: &App, id: IncidentId) -> Result<Arc<IncidentView>, PageError> {
    let view = app.engine().find_incident(id).await?;
    view.ok_or_else(|| PageError::not_found("There is no such incident."))
}

fn impacts(affected: usize, fleet: usize) -> Vec<Choice> {
    let suggested = Impact::of_sites(affected, fleet);
    let choice = |one: Impact| Choice {
        value: one.as_str(),
        name: impact(one),
        chosen: one == suggested,
    };
    Impact::ALL.into_iter().map(choice).collect()
}

fn stages() -> Vec<Choice> {
    let later = [
        Stage::Investigating,
        Stage::Identified,
        Stage::Monitoring,
        Stage::Completed,
    ];
    let each = later.into_iter().map(|one| Choice {
        value: one.as_str(),
        name: stage(one),
        chosen: false,
    });
    std::iter::once(Choice {
        value: "",
        name: "Leave it where it is",
        chosen: true,
    })
    .chain(each)
    .collect()
}

fn gaps((number, template): (usize, &PostTemplate)) -> Gaps {
    let gap = |one: &Placeholder| Gap {
        name: one.name.clone(),
        label: sentence_case(&one.name),
        hint: match one.kind {
            Kind::Duration => "Such as 24 business hours, or 1 hour.",
            Kind::DateTime => "Such as 2023-07-11T18:30:00-05:00.",
            Kind::Timeline => "Such as 2 business hours, or 2023-07-11T18:30:00-05:00.",
            Kind::Text => "",
            Kind::ProductList => "Names of products, with commas between them.",
        },
        required: one.required && one.default.is_none(),
        value: String::new(),
    };
    Gaps {
        name: template.name.clone(),
        number,
        text: template.text.replace("[[", "").replace("]]", ""),
        gaps: template.placeholders.iter().map(gap).collect(),
    }
}

fn sentence_case(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[derive(serde::Deserialize)]
struct Accept {
    #[serde(default)]
    title: String,
    #[serde(default)]
    impact: String,
}

async fn accept(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(form): Form<Accept>,
) -> Answer {
    let title = Some(form.title).filter(|title| !title.trim().is_empty());
    let acceptance = Acceptance {
        title,
        impact: Impact::parse(&form.impact),
        scope: None,
    };
    let done = app
        .engine()
        .accept_incident(id, caller.name(), acceptance)
        .await;
    then_back(&app, id, done, Typed::default()).await
}

#[derive(serde::Deserialize)]
struct Dismiss {
    #[serde(default)]
    reason: String,
}

async fn dismiss(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(form): Form<Dismiss>,
) -> Answer {
    let done = app
        .engine()
        .dismiss_incident(id, caller.name(), &form.reason)
        .await;
    then_back(
        &app,
        id,
        done,
        Typed {
            reason: form.reason,
            ..Typed::default()
        },
    )
    .await
}

async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(form): Form<HashMap<String, String>>,
) -> Answer {
    let text = form.get("text").cloned().unwrap_or_default();
    let done = match new_update(&app, &form) {
        Ok(update) => app
            .engine()
            .post_update(id, caller.name(), update)
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    then_back(
        &app,
        id,
        done,
        Typed {
            text,
            ..Typed::default()
        },
    )
    .await
}

/// None before anybody is told.
fn told(told: store::Told) -> Option<Told> {
    let all = told.waiting + told.delivered + told.given_up;
    let number = |n: u64| words::count(usize::try_from(n).unwrap_or(usize::MAX));
    let mut says = format!(
        "Told {} of {} followers",
        number(told.delivered),
        number(all)
    );
    if told.given_up > 0 {
        says += &format!("; {} could not be reached", number(told.given_up));
    }
    let mut failures: Vec<_> = told.failures.into_iter().map(|(_, why)| why).collect();
    failures.sort_unstable();
    failures.dedup();
    (all > 0).then_some(Told { says, failures })
}

/// Reads an update: of a template with its gaps, or of a person's own words.
fn new_update(app: &App, form: &HashMap<String, String>) -> Result<NewUpdate, EngineError> {
    let filled = |name: &str| {
        form.get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    };
    let within = filled("next_update_within").map(str::parse).transpose();
    let within = within.map_err(|e| EngineError::refused_at("next_update_within", e))?;
    let mut update = NewUpdate {
        state: filled("state").and_then(Stage::parse),
        next_update_within: within,
        quiet: filled("quiet").is_some(),
        ..NewUpdate::default()
    };
    match filled("template") {
        Some(name) => {
            let templates = app.engine().templates();
            let template = templates.iter().find(|template| template.name == name);
            update.values = template.map_or_else(BTreeMap::new, |template| values(template, form));
            update.template = Some(name.to_owned());
        }
        None => update.text = filled("text").map(str::to_owned),
    }
    Ok(update)
}

fn values(
    template: &PostTemplate,
    form: &HashMap<String, String>,
) -> BTreeMap<String, serde_json::Value> {
    let value = |gap: &Placeholder| {
        let text = form.get(&format!("gap-{}", gap.name))?.trim();
        let value = match gap.kind {
            _ if text.is_empty() => return None,
            Kind::ProductList => text.split(',').map(|name| name.trim().to_owned()).collect(),
            _ => serde_json::Value::from(text),
        };
        Some((gap.name.clone(), value))
    };
    template.placeholders.iter().filter_map(value).collect()
}

#[derive(serde::Deserialize)]
struct Official {
    #[serde(default)]
    text: String,
}

async fn official(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(form): Form<Official>,
) -> Answer {
    let done = app
        .engine()
        .official_comment(id, caller.name(), form.text.clone())
        .await
        .map(drop);
    then_back(
        &app,
        id,
        done,
        Typed {
            official: form.text,
            ..Typed::default()
        },
    )
    .await
}

async fn correct(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, update)): Path<(IncidentId, UpdateId)>,
    Form(correction): Form<NewCorrection>,
) -> Answer {
    let done = app
        .engine()
        .correct_update(id, update, caller.name(), correction)
        .await;
    then_back(&app, id, done, Typed::default()).await
}

/// Back to the incident; where the act was refused, with the reason and what was typed.
async fn then_back(
    app: &App,
    id: IncidentId,
    done: Result<(), EngineError>,
    typed: Typed,
) -> Answer {
    let error = match done {
        Ok(()) => return Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response()),
        Err(error) => error,
    };
    let status = match error.kind() {
        ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    show(app, id, status, Some(error.to_string()), typed).await
}
