//! `/console/incidents/{id}`: where staff decide about an incident and tell customers.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::id::{CampaignId, IncidentId, UpdateId};
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{Audience, Impact, Posted, Stage};
use engine::{Acceptance, EngineError, IncidentView, Kind as ErrorKind, NewCorrection};
use store::Reminded;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{in_words, reworded, say, tell};
use crate::pages::console::audience;
use crate::pages::console::campaign::{action_name, seconds};
use crate::pages::console::case::Linked;
use crate::pages::console::compose::{Compose, Fields, staff};
use crate::pages::console::follow_ups;
use crate::pages::public::incident::{
    Promised, Said, affected, impact, promised, said, stage, updates,
};
use crate::pages::public::maintenance::when;
use crate::pages::public::status::Table;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/incidents/{id}", see, look),
        Route::post("/console/incidents/{id}/accept", tell, accept),
        Route::post("/console/incidents/{id}/dismiss", tell, dismiss),
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
    /// The window of planned work.
    window: Option<String>,
    started: Moment,
    added: bool,
    impact: &'static str,
    scope: String,
    audiences: Vec<crate::pages::Choice>,
    /// Whether everybody may read it, once it is told.
    for_everybody: bool,
    impacts: Vec<Choice>,
    affected: String,
    /// How its followers were told, and why some were not.
    told: Option<Told>,
    table: Table,
    promises: Vec<Promised>,
    reminded: Option<Moment>,
    updates: Vec<Said>,
    official: Option<Said>,
    compose: Compose,
    linked: Linked,
    follow_ups: Vec<follow_ups::Shown>,
    happened: Vec<Happened>,
    /// The campaign that would restore its sites, in words.
    campaign: Option<String>,
    running: Option<CampaignId>,
    problem: Option<String>,
    typed: Typed,
}

/// How followers were told.
struct Told {
    says: String,
    failures: Vec<String>,
}

pub(in crate::pages) struct Choice {
    pub(in crate::pages) value: &'static str,
    pub(in crate::pages) name: &'static str,
    pub(in crate::pages) chosen: bool,
}

/// A line of the timeline.
struct Happened {
    at: Moment,
    by: String,
    words: String,
}

/// What a person typed into a form that was refused.
#[derive(Default)]
pub(in crate::pages) struct Typed {
    /// Of the form of an update.
    pub(in crate::pages) fields: Fields,
    official: String,
    reason: String,
}

impl Typed {
    /// What was typed into a form of an update.
    pub(in crate::pages) fn update(fields: Fields) -> Self {
        Self {
            fields,
            ..Self::default()
        }
    }
}

async fn look(State(app): State<App>, Path(id): Path<IncidentId>) -> Answer {
    show(&app, id, (StatusCode::OK, None), Typed::default(), None).await
}

pub(in crate::pages) async fn show(
    app: &App,
    id: IncidentId,
    (status, problem): (StatusCode, Option<String>),
    typed: Typed,
    preview: Option<Posted>,
) -> Answer {
    let view = found(app, id).await?;
    let reader = staff(app);
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let (counts, table) = affected(&view.incident, &lamps, &fleet, &reader);
    let now = view.incident.state.stage();
    let timeline = app.engine().incident_timeline(id).await?;
    let case = app.engine().case(&view).await?;
    let happened = timeline.iter().rev().map(|entry| Happened {
        at: reader.moment(entry.at),
        by: in_words().who(&entry.by).to_owned(),
        words: in_words().happened(&recorded(entry), &case.alarms),
    });
    // A second one beside it would do its work twice.
    let running = case.active_campaign();
    let wanted = view.incident.is_told()
        && view.incident.is_open()
        && view.incident.maintenance.is_none()
        && running.is_none();
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
        public: view.incident.is_told(),
        open: view.incident.is_open(),
        window: view
            .incident
            .maintenance
            .as_ref()
            .map(|work| when(work, &reader, None)),
        started: reader.moment(view.incident.started_at),
        added: view.incident.added_at.is_some(),
        impact: impact(view.incident.impact),
        scope: in_words().scope(&view.incident.scope),
        audiences: audience::choices(""),
        for_everybody: view.incident.is_public(),
        impacts: impacts(counts.affected(), fleet.len()),
        affected: words::states(&counts),
        table,
        promises: view
            .promises
            .iter()
            .filter_map(|promise| promised(promise, &reader))
            .collect(),
        reminded: reminded(&view, &reader),
        updates: updates(&view, &reader),
        official: view.official_comment().map(|update| said(update, &reader)),
        compose: Compose::of(app, &view, &reader, (&typed.fields, preview)).await,
        linked: Linked::of(&case, &fleet, &reader),
        follow_ups: follow_ups::of(app, &view.follow_ups),
        happened: happened.collect(),
        problem,
        typed,
    };
    Ok(render(status, &page))
}

/// When somebody was last paged about a promise that is still open.
fn reminded(view: &IncidentView, reader: &Reader) -> Option<Moment> {
    let open = |one: &&Reminded| {
        let mut promises = view.promises.iter();
        promises.any(|promise| {
            promise.made_by == one.of.made_by
                && promise.kind == one.of.kind
                && promise.kept_at.is_none()
        })
    };
    let last = view.reminders.iter().rfind(open);
    last.map(|one| reader.moment(one.at))
}

/// What the proposed campaign would do; nothing where it cannot be planned.
async fn proposed(app: &App, id: IncidentId) -> Option<String> {
    let order = app.engine().proposed_campaign(id).await.ok().flatten()?;
    let plan = app.engine().plan_campaign(&order).await.ok()?;
    let sites = plan.waves.iter().map(|wave| wave.sites).sum();
    let action = ("action", action_name(&order.action).into());
    let sites = ("sites", words::sites(sites).into());
    let waves = tell("waves", [("n", plan.waves.len().into())]);
    let waves = ("waves", waves.into());
    Some(match plan.estimate_seconds.map(seconds) {
        Some(takes) => {
            let takes = ("takes", takes.into());
            tell("proposed-campaign-takes", [action, sites, waves, takes])
        }
        None => tell("proposed-campaign", [action, sites, waves]),
    })
}

async fn found(app: &App, id: IncidentId) -> Result<Arc<IncidentView>, PageError> {
    let view = app.engine().find_incident(id).await?;
    view.ok_or_else(|| PageError::not_found(say("no-such-incident")))
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

#[derive(serde::Deserialize)]
struct Accept {
    #[serde(default)]
    title: String,
    #[serde(default)]
    impact: String,
    #[serde(default)]
    audience: String,
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
        audience: Audience::parse(&form.audience).unwrap_or_default(),
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

/// None before anybody is told.
fn told(told: store::Told) -> Option<Told> {
    let all = told.waiting + told.delivered + told.given_up;
    let reached = [("n", told.delivered.into()), ("all", all.into())];
    let says = match (told.given_up, reached) {
        (0, reached) => tell("told-followers", reached),
        (failed, [n, all]) => tell("told-followers-but", [n, all, ("failed", failed.into())]),
    };
    let mut failures: Vec<_> = told
        .failures
        .into_iter()
        .map(|(_, why)| reworded(why))
        .collect();
    failures.sort_unstable();
    failures.dedup();
    (all > 0).then_some(Told { says, failures })
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
pub(in crate::pages) async fn then_back(
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
    show(app, id, (status, Some(reworded(&error))), typed, None).await
}

/// An entry whose sentences of ours are said in the reader's language.
fn recorded(entry: &TimelineEntry) -> TimelineEntry {
    let mut entry = entry.clone();
    match &mut entry.fact {
        Fact::CampaignPaused { reason: words, .. } | Fact::Noted { words } => {
            *words = reworded(&words);
        }
        _ => {}
    }
    entry
}
