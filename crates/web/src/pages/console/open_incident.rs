//! `/console/incidents/new`: where a person opens an incident that no alarm proposed.

use std::collections::BTreeSet;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::incident::{Audience, Impact, Scope};
use domain::name::ProductName;
use domain::site::Zone;
use engine::{EngineError, Opening};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::Form;
use crate::language::{reworded, say};
use crate::pages::console::audience;
use crate::pages::public::incident::impact;
use crate::pages::{Answer, Choice, Page, PageError, render, zone_choices};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/incidents/new", tell, form),
        Route::post("/console/incidents/new", tell, open),
    ]
}

#[derive(Template)]
#[template(path = "console/open_incident.html")]
struct View {
    page: Page,
    problem: Option<String>,
    title: String,
    products: Vec<Choice>,
    zones: Vec<Choice>,
    impacts: Vec<Choice>,
    audiences: Vec<Choice>,
}

/// What a person typed; an empty field says nothing.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    title: String,
    product: String,
    zone: String,
    impact: String,
    audience: String,
}

async fn form(State(app): State<App>) -> Answer {
    Ok(show(&app, StatusCode::OK, None, &Typed::default()))
}

async fn open(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    let opened = match typed.opening(&app) {
        Ok(opening) => app.engine().open_incident(caller.name(), opening).await,
        Err(refused) => Err(refused),
    };
    match opened {
        Ok(id) => Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response()),
        Err(error) if error.kind() == engine::Kind::Refused => {
            let problem = Some(reworded(&error));
            Ok(show(
                &app,
                StatusCode::UNPROCESSABLE_ENTITY,
                problem,
                &typed,
            ))
        }
        Err(error) => Err(PageError::from(error)),
    }
}

impl Typed {
    fn opening(&self, app: &App) -> Result<Opening, EngineError> {
        Ok(Opening {
            title: self.title.clone(),
            scope: scope(app, &self.product, &self.zone)?,
            impact: Impact::parse(&self.impact),
            started_at: None,
            audience: Audience::parse(&self.audience).unwrap_or_default(),
        })
    }
}

/// The sites that a form names; an empty field says nothing.
pub(in crate::pages) fn scope(app: &App, product: &str, zone: &str) -> Result<Scope, EngineError> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let product = given(product).map(|name| ProductName::parse(&name));
    let product = product
        .transpose()
        .map_err(|e| EngineError::refused_at("product", e))?;
    let zone = given(zone).map(|name| Zone::parse(&name)).transpose();
    let zone = zone.map_err(|e| EngineError::refused_at("zone", e))?;
    Ok(Scope {
        products: product.into_iter().collect(),
        zones: zone.map_or_else(BTreeSet::new, |zone| same_clock(app, zone)),
        ..Scope::default()
    })
}

/// All zones of the fleet whose clocks go with this one's: the form names them as one.
pub(in crate::pages) fn same_clock(app: &App, zone: Zone) -> BTreeSet<Zone> {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let band = lamps.bands.iter().find(|band| band.zone == zone);
    let sites = band.into_iter().flat_map(|band| &band.sites);
    let zones = sites.filter_map(|index| Some(fleet.site(*index)?.zone.clone()));
    zones.chain([zone]).collect()
}

/// What the fields of a form offer.
pub(in crate::pages) struct Choices {
    pub(in crate::pages) products: Vec<Choice>,
    pub(in crate::pages) zones: Vec<Choice>,
    pub(in crate::pages) impacts: Vec<Choice>,
}

impl Choices {
    /// With these chosen.
    pub(in crate::pages) fn of(app: &App, product: &str, zone: &str, chosen_impact: &str) -> Self {
        let settings = app.engine().settings();
        let fleet = app.engine().fleet();
        let lamps = app.drawn().lamps(&fleet);
        let reader = crate::pages::reader(app, Some(zone), &settings.home_zone);
        let choice = |name: String, value: String, chosen: &str| Choice {
            chosen: value == chosen,
            name,
            value,
        };
        let products = fleet.products().map(|product| product.name.to_string());
        let mut zones = zone_choices(&lamps.bands, &settings.home_zone, &reader);
        for one in &mut zones {
            one.chosen = one.value == zone;
        }
        let impacts = Impact::ALL.into_iter().map(|one| {
            let value = one.as_str().to_owned();
            choice(impact(one).to_owned(), value, chosen_impact)
        });
        Self {
            products: products
                .map(|name| choice(name.clone(), name, product))
                .collect(),
            zones,
            impacts: impacts.collect(),
        }
    }
}

fn show(
    app: &App,
    status: StatusCode,
    problem: Option<String>,
    typed: &Typed,
) -> axum::response::Response {
    let choices = Choices::of(app, &typed.product, &typed.zone, &typed.impact);
    let view = View {
        page: Page::console(say("open-an-incident"), "/console/incidents"),
        problem,
        title: typed.title.clone(),
        products: choices.products,
        zones: choices.zones,
        impacts: choices.impacts,
        audiences: audience::choices(&typed.audience),
    };
    render(status, &view)
}
