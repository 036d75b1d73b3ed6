//! `/console/campaigns`: what is done and was done to many sites; and planning the next one.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::campaign::pace::Pace;
use domain::campaign::selection::Selection;
use domain::campaign::{Action, Order};
use domain::id::CampaignId;
use domain::name::{Hostname, ProductName};
use domain::site::Zone;
use engine::{CampaignView, EngineError, Kind, PlanView};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Query};
use crate::language::{reworded, say, tell};
use crate::pages::console::campaign::{action_name, doing, named, seconds, state_name, wave_name};
use crate::pages::console::open_incident::same_clock;
use crate::pages::console::typed::{optional, read, release, split};
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, reader, render, zone_choices};
use crate::routes::Route;

/// The newest campaigns that the page lists.
const LISTED_MAX: u32 = 100;
/// Room for some thousand host names.
const FORM_BYTES_MAX: usize = 256 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let run = Access::Holder(Permission::RunCampaigns);
    vec![
        Route::get("/console/campaigns", see, list),
        Route::get("/console/campaigns/new", run, form),
        Route::post("/console/campaigns/plan", run, plan).body_max(FORM_BYTES_MAX),
        Route::post("/console/campaigns", run, create).body_max(FORM_BYTES_MAX),
    ]
}

#[derive(Template)]
#[template(path = "console/campaigns.html")]
struct List {
    page: Page,
    campaigns: Vec<Line>,
}

struct Line {
    id: CampaignId,
    name: String,
    state: &'static str,
    created: Moment,
    took: String,
    halted: Option<String>,
}

async fn list(State(app): State<App>) -> Answer {
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let newest = app.engine().campaigns(LISTED_MAX).await?;
    let view = List {
        page: Page::console(say("campaigns-title"), "/console/campaigns"),
        campaigns: newest.iter().map(|one| line(one, &reader)).collect(),
    };
    Ok(render(StatusCode::OK, &view))
}

fn line(campaign: &CampaignView, reader: &Reader) -> Line {
    let took = campaign.started_at.map(|from| {
        let until = campaign.finished_at.unwrap_or(reader.now);
        seconds(until.duration_since(from).as_secs_f64())
    });
    Line {
        id: campaign.id,
        name: named(campaign),
        state: state_name(campaign.state),
        created: reader.moment(campaign.created_at),
        took: took.unwrap_or_default(),
        halted: campaign
            .halted
            .as_ref()
            .map(|halted| reworded(&halted.reason)),
    }
}

/// What a person typed; every field is text, because a form sends nothing else.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    product: String,
    action: String,
    version: String,
    zone: String,
    states: String,
    running: String,
    reported: String,
    hostnames: String,
    all: String,
    rate: String,
}

#[derive(Template)]
#[template(path = "console/campaign_plan.html")]
struct Planning {
    page: Page,
    problem: Option<String>,
    typed: Typed,
    products: Vec<crate::pages::Choice>,
    zones: Vec<crate::pages::Choice>,
    plan: Option<Planned>,
}

/// What the campaign would do.
struct Planned {
    name: String,
    /// How many sites, customers and people it concerns.
    says: String,
    takes: Option<String>,
    waves: Vec<(String, String)>,
}

async fn form(State(app): State<App>, Query(typed): Query<Typed>) -> Answer {
    Ok(show(&app, StatusCode::OK, typed, Ok(None)))
}

async fn plan(State(app): State<App>, Form(typed): Form<Typed>) -> Answer {
    let planned = match typed.order(&app) {
        Ok(order) => {
            let plan = app.engine().plan_campaign(&order).await;
            plan.map(|plan| Some(planned(&order, plan)))
        }
        Err(error) => Err(error),
    };
    let status = match &planned {
        Ok(_) => StatusCode::OK,
        Err(error) => refused(error),
    };
    Ok(show(&app, status, typed, planned))
}

/// Creates it, planned and not started: its page has the button.
async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    let created = match typed.order(&app) {
        Ok(order) => app.engine().create_campaign(&order, caller.name()).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(campaign) => {
            let to = format!("/console/campaigns/{}", campaign.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => Ok(show(&app, refused(&error), typed, Err(error))),
    }
}

fn refused(error: &EngineError) -> StatusCode {
    match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Typed {
    fn order(&self, app: &App) -> Result<Order, EngineError> {
        let product = read("product", &self.product, ProductName::parse)?;
        let action = match self.action.as_str() {
            "activate" => Action::ActivateRelease {
                version: read("version", &self.version, release)?,
            },
            "clear_cache" => Action::ClearCache,
            _ => Action::Refresh,
        };
        let zone = optional("zone", &self.zone, Zone::parse)?;
        let zones = zone.map(|zone| same_clock(app, zone)).unwrap_or_default();
        let hostnames = split(&self.hostnames).map(|name| read("hostnames", name, Hostname::parse));
        let selection = Selection {
            all: !self.all.is_empty(),
            zones: zones.into_iter().collect(),
            states: split(&self.states).map(str::to_uppercase).collect(),
            running: optional("running", &self.running, release)?,
            has_reported: !self.reported.is_empty(),
            hostnames: hostnames.collect::<Result<_, _>>()?,
            ..Selection::none(product)
        };
        let rate = optional("rate", &self.rate, str::parse)?;
        let pace = rate.map_or(Pace::Adaptive, |sites_per_minute: f64| Pace::FixedRate {
            sites_per_second: sites_per_minute / 60.0,
        });
        Ok(Order {
            action,
            selection,
            incident: None,
            pace,
        })
    }
}

fn planned(order: &Order, plan: PlanView) -> Planned {
    let blast = plan.blast_radius;
    let waves = plan.waves.iter();
    Planned {
        name: doing(action_name(&order.action), &order.selection),
        says: tell(
            "campaign-plan-says",
            [
                ("sites", blast.sites.into()),
                ("organizations", blast.organizations.into()),
                ("people", blast.people.into()),
                ("canaries", blast.canaries.into()),
            ],
        ),
        takes: plan.estimate_seconds.map(seconds),
        waves: waves
            .map(|wave| (wave_name(&wave.name), words::count(wave.sites)))
            .collect(),
    }
}

fn show(
    app: &App,
    status: StatusCode,
    typed: Typed,
    plan: Result<Option<Planned>, EngineError>,
) -> axum::response::Response {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let home = &app.engine().settings().home_zone;
    let reader = reader(app, Some(&typed.zone), home);
    let mut zones = zone_choices(&lamps.bands, home, &reader);
    for zone in &mut zones {
        zone.chosen = zone.value == typed.zone;
    }
    let mut products: Vec<_> = fleet
        .products()
        .map(|product| crate::pages::Choice {
            name: product.name.to_string(),
            value: product.name.to_string(),
            chosen: product.name.as_str() == typed.product,
        })
        .collect();
    products.sort_by(|one, other| one.name.cmp(&other.name));
    let (plan, problem) = match plan {
        Ok(plan) => (plan, None),
        Err(error) => (None, Some(reworded(&error))),
    };
    let view = Planning {
        page: Page::console(say("campaigns-plan"), "/console/campaigns"),
        problem,
        typed,
        products,
        zones,
        plan,
    };
    render(status, &view)
}
