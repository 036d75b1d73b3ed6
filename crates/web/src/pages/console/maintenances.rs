//! `/console/maintenances`: where work is planned, looked at first, and listed.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::{Audience, Impact, Posted, Scope, Window};
use domain::name::ProductName;
use domain::site::Zone;
use engine::{EngineError, IncidentView, Kind, MovedWork, PlannedWork};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{in_words, reworded, say};
use crate::pages::console::audience;
use crate::pages::console::compose::staff;
use crate::pages::console::open_incident::same_clock;
use crate::pages::console::typed::local;
use crate::pages::console::typed::{self, optional};
use crate::pages::public::incident::{Said, impact, said, stage};
use crate::pages::public::maintenance::when;
use crate::pages::words::{self, Reader};
use crate::pages::{Answer, Choice, Page, render, zone_choices};
use crate::routes::Route;

/// The most that the page lists, the last to begin first.
const LISTED_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/maintenances", see, list),
        Route::post("/console/maintenances", tell, plan),
        Route::post("/console/maintenances/{id}/move", tell, move_window),
    ]
}

#[derive(Template)]
#[template(path = "console/maintenances.html")]
struct View {
    page: Page,
    problem: Option<String>,
    work: Vec<Line>,
    audiences: Vec<Choice>,
    typed: Typed,
    preview: Option<Preview>,
    products: Vec<Choice>,
    zones: Vec<Choice>,
    impacts: Vec<Choice>,
    zone_name: String,
}

struct Line {
    id: IncidentId,
    title: String,
    stage: &'static str,
    stage_class: &'static str,
    when: String,
    scope: String,
    sites: String,
}

/// The announcement as customers will read it.
struct Preview {
    title: String,
    when: String,
    sites: String,
    said: Said,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    title: String,
    text: String,
    product: String,
    zone: String,
    impact: String,
    from: String,
    until: String,
    /// Whose clock the window is on: "" for the vendor's, "own" for each site's.
    clock: String,
    remind_hours: String,
    completes_itself: String,
    quiet: String,
    audience: String,
    /// Which button was pressed: only to look, or to announce.
    act: String,
}

async fn list(State(app): State<App>) -> Answer {
    Ok(show(&app, (StatusCode::OK, None), Typed::default(), None))
}

async fn plan(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    let engine = app.engine();
    let looked = match typed.work(&app) {
        Ok(work) if typed.act == "plan" => match engine.plan_maintenance(caller.name(), work).await
        {
            Ok(id) => return Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response()),
            Err(error) => Err(error),
        },
        Ok(work) => engine.preview_maintenance(caller.name(), &work),
        Err(error) => Err(error),
    };
    let error = match looked {
        Ok(posted) => {
            let preview = preview(&app, &posted);
            return Ok(show(&app, (StatusCode::OK, None), typed, preview));
        }
        Err(error) => error,
    };
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    Ok(show(&app, (status, Some(reworded(&error))), typed, None))
}

/// Another window, as the form on the page of planned work gives it.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Moved {
    from: String,
    until: String,
    clock: String,
    text: String,
}

async fn move_window(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(moved): Form<Moved>,
) -> Answer {
    let done = match window(&app, &moved.clock, (&moved.from, &moved.until)) {
        Ok(window) => {
            let text = moved.text;
            let moved = MovedWork { window, text };
            let done = app.engine().move_maintenance(id, caller.name(), moved);
            done.await.map(drop)
        }
        Err(error) => Err(error),
    };
    crate::pages::console::respond::then_back(
        &app,
        id,
        done,
        crate::pages::console::respond::Typed::default(),
    )
    .await
}

/// A window as a form gives it.
fn window(app: &App, clock: &str, (from, until): (&str, &str)) -> Result<Window, EngineError> {
    let missing = |at: &str| EngineError::refused_at(at, say("give-day-and-time"));
    if clock == "own" {
        let wall = |at: &str, text: &str| typed::wall(at, text)?.ok_or_else(|| missing(at));
        let (from, until) = (wall("from", from)?, wall("until", until)?);
        return Ok(Window::Local { from, until });
    }
    let home = &app.engine().settings().home_zone;
    let moment = |at: &str, text: &str| local(at, text, home)?.ok_or_else(|| missing(at));
    let (from, until) = (moment("from", from)?, moment("until", until)?);
    Ok(Window::At { from, until })
}

impl Typed {
    fn work(&self, app: &App) -> Result<PlannedWork, EngineError> {
        let product = optional("product", &self.product, ProductName::parse)?;
        let zone = optional("zone", &self.zone, Zone::parse)?;
        let hours = optional("remind_hours", &self.remind_hours, str::parse::<u32>)?;
        Ok(PlannedWork {
            title: self.title.clone(),
            text: self.text.clone(),
            scope: Scope {
                products: product.into_iter().collect(),
                zones: zone.map(|zone| same_clock(app, zone)).unwrap_or_default(),
                ..Scope::default()
            },
            impact: Impact::parse(&self.impact),
            window: window(app, &self.clock, (&self.from, &self.until))?,
            remind_minutes: hours.map(|hours| hours.saturating_mul(60)),
            completes_itself: !self.completes_itself.is_empty(),
            quiet: !self.quiet.is_empty(),
            audience: Audience::parse(&self.audience).unwrap_or_default(),
        })
    }
}

fn preview(app: &App, posted: &Posted) -> Option<Preview> {
    let reader = staff(app);
    let work = posted.incident.maintenance.as_ref()?;
    let sites = app.engine().sites_in(&posted.incident.scope).len();
    Some(Preview {
        title: posted.incident.title.clone(),
        when: when(work, &reader, None),
        sites: words::sites(sites),
        said: said(&posted.update, &reader),
    })
}

fn show(
    app: &App,
    (status, problem): (StatusCode, Option<String>),
    typed: Typed,
    preview: Option<Preview>,
) -> axum::response::Response {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let home = &app.engine().settings().home_zone;
    let reader = staff(app);
    let mut zones = zone_choices(&lamps.bands, home, &reader);
    zones
        .iter_mut()
        .for_each(|zone| zone.chosen = zone.value == typed.zone);
    let choice = |name: String, value: String, chosen: &str| Choice {
        chosen: value == chosen,
        name,
        value,
    };
    let products = fleet.products().map(|product| product.name.to_string());
    let products = products.map(|name| choice(name.clone(), name, &typed.product));
    let impacts = Impact::ALL.into_iter();
    let impacts = impacts.map(|one| choice(impact(one).into(), one.as_str().into(), &typed.impact));
    let all = app.engine().maintenances();
    let listed = all.iter().take(LISTED_MAX);
    let view = View {
        page: Page::console(say("nav-planned-work"), "/console/maintenances"),
        problem,
        work: listed.filter_map(|view| line(app, view, &reader)).collect(),
        products: products.collect(),
        zones,
        impacts: impacts.collect(),
        zone_name: home.to_string(),
        audiences: audience::choices(&typed.audience),
        typed,
        preview,
    };
    render(status, &view)
}

fn line(app: &App, view: &IncidentView, reader: &Reader) -> Option<Line> {
    let work = view.incident.maintenance.as_ref()?;
    let now = view.incident.state.stage();
    let sites = app.engine().affected_by(view).total;
    Some(Line {
        id: view.incident.id,
        title: view.incident.title.clone(),
        stage: stage(now),
        stage_class: now.as_str(),
        when: when(work, reader, None),
        scope: in_words().scope(&view.incident.scope),
        sites: words::sites(sites),
    })
}
