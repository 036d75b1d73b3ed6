//! `/console/releases`: what each product's sites run, and whether they may run what comes next.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::name::ProductName;
use domain::release::{Release, ReleaseState};
use engine::{EngineError, Fleet, Kind};
use protocol::delivery::UnreadySite;
use semver::Version;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::Form;
use crate::language::{reworded, say, tell};
use crate::pages::console::staff_site::why_not;
use crate::pages::console::typed::release;
use crate::pages::words;
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;

/// The most sites that are named as not ready.
const UNREADY_MAX: usize = 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Route::get("/console/releases", see, list),
        Route::post("/console/releases", change, act),
    ]
}

#[derive(Template)]
#[template(path = "console/releases.html")]
struct View {
    page: Page,
    problem: Option<String>,
    products: Vec<Product>,
}

struct Product {
    name: ProductName,
    sites: String,
    releases: Vec<Line>,
}

struct Line {
    version: Version,
    state: &'static str,
    runs: String,
    share: String,
    /// How many sites may run it, of those that do not yet.
    ready: Option<String>,
    unready: Vec<UnreadySite>,
    may_roll_out: bool,
    may_retire: bool,
}

async fn list(State(app): State<App>) -> Answer {
    show(&app, StatusCode::OK, None).await
}

async fn show(app: &App, status: StatusCode, problem: Option<String>) -> Answer {
    let releases = app.engine().releases().await?;
    let fleet = app.engine().fleet();
    let mut products: Vec<_> = fleet.products().collect();
    products.sort_by(|one, other| one.name.cmp(&other.name));
    let mut shown = vec![];
    for product in products {
        shown.push(of_product(app, &fleet, &product.name, &releases)?);
    }
    let view = View {
        page: Page::console(say("releases-title"), "/console/releases"),
        problem,
        products: shown,
    };
    Ok(render(status, &view))
}

fn of_product(
    app: &App,
    fleet: &Fleet,
    name: &ProductName,
    releases: &[Release],
) -> Result<Product, PageError> {
    let mut running = BTreeMap::<Version, usize>::new();
    for (_, site) in fleet.sites().filter(|(_, site)| site.product == *name) {
        *running.entry(site.running.clone()).or_default() += 1;
    }
    let total: usize = running.values().sum();
    let listed = releases.iter().filter(|release| release.product == *name);
    let mut states: BTreeMap<_, _> = listed
        .map(|release| (release.version.clone(), Some(release.state)))
        .collect();
    for version in running.keys() {
        states.entry(version.clone()).or_insert(None);
    }
    let lines = states.into_iter().rev().map(|(version, state)| {
        let runs = running.get(&version).copied().unwrap_or(0);
        line(app, (name, version), state, (runs, total))
    });
    Ok(Product {
        sites: words::sites(total),
        releases: lines.collect::<Result<_, _>>()?,
        name: name.clone(),
    })
}

fn line(
    app: &App,
    (product, version): (&ProductName, Version),
    state: Option<ReleaseState>,
    (runs, total): (usize, usize),
) -> Result<Line, PageError> {
    let is_runnable = state.is_some_and(|state| state != ReleaseState::Retired);
    let readiness = match is_runnable && runs < total {
        true => Some(app.engine().readiness(product, &version)?),
        false => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
    let share = 100.0 * runs as f64 / total.max(1) as f64;
    let ready = readiness
        .as_ref()
        .map(|one| [("ready", one.ready.into()), ("sites", one.sites.into())])
        .map(|values| tell("releases-ready-of", values));
    let mut unready = readiness.map_or_else(Vec::new, |one| one.unready);
    unready.truncate(UNREADY_MAX);
    let fleet = app.engine().fleet();
    for one in &mut unready {
        let site = fleet.find(&one.site);
        let ready = site.map(|site| app.engine().is_ready(site, &version));
        if let Some(Err(reason)) = ready {
            one.reason = why_not(&reason);
        }
    }
    Ok(Line {
        state: state_name(state),
        runs: words::count(runs),
        share: format!("{share:.2}"),
        ready,
        unready,
        may_roll_out: is_runnable && runs < total,
        may_retire: is_runnable && runs == 0,
        version,
    })
}

/// A release that was never staged here came with the fleet.
pub(in crate::pages) fn state_name(state: Option<ReleaseState>) -> &'static str {
    match state {
        None => say("releases-state-imported"),
        Some(ReleaseState::Staged) => say("releases-state-staged"),
        Some(ReleaseState::Live) => say("releases-state-live"),
        Some(ReleaseState::Retired) => say("releases-state-retired"),
    }
}

#[derive(serde::Deserialize)]
struct Acted {
    act: String,
    product: String,
    version: String,
}

async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Acted>,
) -> Answer {
    let done = match read(&form) {
        Ok((product, version)) if form.act == "retire" => {
            let retired = app
                .engine()
                .retire_release(&product, &version, caller.name());
            retired.await
        }
        Ok((product, version)) => {
            let staged = app
                .engine()
                .stage_release(&product, &version, caller.name());
            staged.await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(Redirect::to("/console/releases").into_response()),
        Err(error) if error.kind() == Kind::Refused => {
            let problem = Some(reworded(&error));
            show(&app, StatusCode::UNPROCESSABLE_ENTITY, problem).await
        }
        Err(error) if error.kind() == Kind::Conflict => {
            show(&app, StatusCode::CONFLICT, Some(reworded(&error))).await
        }
        Err(error) => Err(error.into()),
    }
}

fn read(form: &Acted) -> Result<(ProductName, Version), EngineError> {
    let product = ProductName::parse(&form.product);
    let product = product.map_err(|e| EngineError::refused_at("product", e))?;
    let version =
        release(form.version.trim()).map_err(|e| EngineError::refused_at("version", e))?;
    Ok((product, version))
}
