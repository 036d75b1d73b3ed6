//! Banners on pages, and `/console/banners`, where they are made.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::banner::{Area, Banner, Severity};
use domain::id::BannerId;
use domain::name::{Hostname, ProductName};
use domain::place::{self, County};
use domain::site::Zone;
use engine::{EngineError, Fleet, Kind, NewBanner};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{reworded, say, tell};
use crate::pages::console::map::{self, Map};
use crate::pages::console::open_incident::same_clock;
use crate::pages::console::typed::{local, optional, read, split};
use crate::pages::prose::prose;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Choice, Page, reader, render, zone_choices};
use crate::routes::Route;

/// Room for an area of some thousand host names.
const FORM_BYTES_MAX: usize = 512 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/banners", see, list),
        Route::post("/console/banners", tell, add).body_max(FORM_BYTES_MAX),
        Route::post("/console/banners/{id}/end", tell, end),
    ]
}

/// A banner as a page shows it.
pub(in crate::pages) struct Shown {
    pub(in crate::pages) class: &'static str,
    /// What its colour says, for who does not see it.
    pub(in crate::pages) word: &'static str,
    pub(in crate::pages) html: String,
    /// Whom it is about, where that is not everybody who reads the page.
    pub(in crate::pages) area: Option<String>,
}

/// The banners of a page about everything: each names its area.
pub(in crate::pages) fn on_all_pages(app: &App) -> Vec<Shown> {
    let standing = app.engine().standing_banners();
    standing.iter().map(|one| named(one)).collect()
}

/// A banner with its area, unless that is everywhere.
fn named(banner: &Banner) -> Shown {
    let area = &banner.area;
    shown(banner, (!area.is_everywhere()).then(|| area_name(area)))
}

/// The banners of a page about several sites: each names its area.
pub(in crate::pages) fn on_sites(app: &App, sites: &[Arc<domain::site::Site>]) -> Vec<Shown> {
    let standing = app.engine().standing_banners().into_iter();
    let concerned = standing.filter(|one| sites.iter().any(|site| one.area.holds(site)));
    concerned.map(|one| named(&one)).collect()
}

/// The banners of a page about one site.
pub(in crate::pages) fn on_site(app: &App, site: &domain::site::Site) -> Vec<Shown> {
    let banners = app.engine().banners_of(site);
    banners.iter().map(|banner| shown(banner, None)).collect()
}

fn shown(banner: &Banner, area: Option<String>) -> Shown {
    Shown {
        class: banner.severity.as_str(),
        word: severity(banner.severity),
        html: prose(&banner.text),
        area,
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => say("banner-info"),
        Severity::Warning => say("banner-warning"),
        Severity::Critical => say("banner-critical"),
    }
}

/// What an area is called, as [`Area`] says it in English.
fn area_name(area: &Area) -> String {
    const NAMED_MAX: usize = 5;
    fn named<T: ToString>(all: &BTreeSet<T>) -> impl Iterator<Item = String> {
        all.iter().map(T::to_string)
    }
    let corners = area.polygon.len();
    let drawn = (corners > 0).then(|| tell("area-drawn", [("n", corners.into())]));
    let places = named(&area.states)
        .chain(drawn)
        .chain(named(&area.counties))
        .chain(named(&area.zones))
        .chain(named(&area.sites));
    let mut places: Vec<_> = places.collect();
    let more = places.len().saturating_sub(NAMED_MAX);
    places.truncate(NAMED_MAX);
    let mut places = places.join(", ");
    if more > 0 {
        places = tell("area-more", [("places", places.into()), ("n", more.into())]);
    }
    let products: Vec<_> = named(&area.products).collect();
    let products = ("products", products.join(", ").into());
    match (area.products.is_empty(), places.is_empty()) {
        (true, true) => say("area-all").into(),
        (true, false) => places,
        (false, true) => tell("area-of-product", [products]),
        (false, false) => tell("area-of-product-in", [products, ("places", places.into())]),
    }
}

#[derive(Template)]
#[template(path = "console/banners.html")]
struct View {
    page: Page,
    problem: Option<String>,
    banners: Vec<Line>,
    typed: Typed,
    preview: Option<Preview>,
    products: Vec<Choice>,
    zones: Vec<Choice>,
    severities: Vec<Choice>,
    zone_name: String,
    map: Option<Map>,
    /// The states that the map can show.
    map_states: Vec<Choice>,
}

struct Line {
    id: BannerId,
    shown: Shown,
    area: String,
    sites: String,
    from: Moment,
    until: Option<Moment>,
    state: &'static str,
    is_left: bool,
}

/// How a banner would be seen, and by whom.
struct Preview {
    shown: Shown,
    says: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    text: String,
    severity: String,
    product: String,
    zone: String,
    states: String,
    counties: String,
    polygon: String,
    sites: String,
    from: String,
    until: String,
    /// The state that the map shows; the whole fleet without one.
    map: String,
    /// Which button was pressed: only to look, to add, or one beside the map.
    act: String,
}

async fn list(State(app): State<App>) -> Answer {
    Ok(show(&app, StatusCode::OK, None, Typed::default(), None))
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(mut typed): Form<Typed>,
) -> Answer {
    if typed.edit_corners() {
        return Ok(show(&app, StatusCode::OK, None, typed, None));
    }
    let banner = match typed.banner(&app) {
        Ok(new) if typed.act == "add" => match app.engine().add_banner(new, caller.name()).await {
            Ok(_) => return Ok(Redirect::to("/console/banners").into_response()),
            Err(error) => Err(error),
        },
        Ok(new) => app.engine().preview_banner(new),
        Err(error) => Err(error),
    };
    let error = match banner {
        Ok(banner) => {
            let preview = Some(preview(&app, &banner));
            return Ok(show(&app, StatusCode::OK, None, typed, preview));
        }
        Err(error) => error,
    };
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    Ok(show(&app, status, Some(reworded(&error)), typed, None))
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<BannerId>,
) -> Answer {
    match app.engine().end_banner(id, caller.name()).await {
        Ok(_) => Ok(Redirect::to("/console/banners").into_response()),
        Err(error) if error.kind() == Kind::Conflict => {
            let problem = Some(reworded(&error));
            Ok(show(
                &app,
                StatusCode::CONFLICT,
                problem,
                Typed::default(),
                None,
            ))
        }
        Err(error) => Err(error.into()),
    }
}

impl Typed {
    /// Does what the buttons beside the map ask for, if one of them was pressed; with script, the page does
    /// it by itself.
    fn edit_corners(&mut self) -> bool {
        match self.act.as_str() {
            "undo" => self.polygon = without_last(&self.polygon),
            "clear" => self.polygon.clear(),
            "map" => {}
            _ => return false,
        }
        true
    }

    fn banner(&self, app: &App) -> Result<NewBanner, EngineError> {
        let home = &app.engine().settings().home_zone;
        let product = optional("product", &self.product, ProductName::parse)?;
        let zone = optional("zone", &self.zone, Zone::parse)?;
        let sites = split(&self.sites).map(|name| read("sites", name, Hostname::parse));
        // Names of counties have spaces, so that only commas and lines part them.
        let counties = self.counties.split([',', '\n']).map(str::trim);
        let counties = counties.filter(|one| !one.is_empty());
        let counties = counties.map(|one| read("counties", one, County::parse));
        let refused = |e: String| EngineError::refused_at("corners", e);
        let polygon = place::read_ring(&self.polygon).map_err(refused)?;
        Ok(NewBanner {
            text: self.text.clone(),
            severity: Severity::parse(&self.severity).unwrap_or(Severity::Warning),
            area: Area {
                products: product.into_iter().collect(),
                states: split(&self.states).map(str::to_uppercase).collect(),
                zones: zone.map(|zone| same_clock(app, zone)).unwrap_or_default(),
                sites: sites.collect::<Result<_, _>>()?,
                counties: counties.collect::<Result<_, _>>()?,
                polygon,
            },
            from: local("from", &self.from, home)?,
            until: local("until", &self.until, home)?,
        })
    }
}

/// Corners without the last one, one a line; what is not GeoJSON stays as it was written.
fn without_last(corners: &str) -> String {
    let is_json = corners.trim_start().starts_with(['{', '[']);
    let mut lines: Vec<String> = match place::read_ring(corners) {
        Ok(ring) if is_json => ring.iter().map(ToString::to_string).collect(),
        Err(_) if is_json => return corners.to_owned(),
        _ => corners.lines().map(str::to_owned).collect(),
    };
    lines.retain(|line| !line.trim().is_empty());
    lines.pop();
    lines.join("\n")
}

fn preview(app: &App, banner: &Banner) -> Preview {
    let sites = app.engine().sites_in_area(&banner.area);
    let mut says = tell(
        "banners-stands-on",
        [
            ("n", sites.into()),
            ("area", area_name(&banner.area).into()),
        ],
    );
    if !banner.area.polygon.is_empty() {
        let unknown = app.engine().sites_without_point(&banner.area);
        if unknown > 0 {
            says += " ";
            says += &tell("banners-without-point", [("n", unknown.into())]);
        }
        says += " ";
        says += &extent(&banner.area.polygon);
    }
    if !banner.area.is_everywhere() {
        says += &inside(app, &banner.area);
    }
    Preview {
        shown: shown(banner, None),
        says,
    }
}

/// The first sites of an area by name.
fn inside(app: &App, area: &Area) -> String {
    const NAMED_MAX: usize = 10;
    let fleet = app.engine().fleet();
    let sites = fleet.sites().map(|(_, site)| site);
    let mut sites: Vec<_> = sites.filter(|site| area.holds(site)).collect();
    let more = sites.len().saturating_sub(NAMED_MAX);
    sites.truncate(NAMED_MAX);
    let names: Vec<_> = sites.iter().map(|site| site.hostname.as_str()).collect();
    let names = names.join(", ").into();
    let says = match more {
        0 => tell("banners-inside", [("names", names)]),
        more => tell(
            "banners-inside-more",
            [("names", names), ("n", more.into())],
        ),
    };
    format!(" {says}")
}

/// In words what a drawn area spans, for who does not see the map.
fn extent(ring: &[place::Point]) -> String {
    let span = |of: fn(place::Point) -> f64| {
        let degrees = ring.iter().map(|corner| of(*corner));
        degrees.fold((f64::MAX, f64::MIN), |(least, most), one| {
            (least.min(one), most.max(one))
        })
    };
    let (south, north) = span(place::Point::latitude);
    let (west, east) = span(place::Point::longitude);
    let degrees = |name, degrees: f64| (name, format!("{degrees:.2}").into());
    let values = [
        degrees("south", south),
        degrees("north", north),
        degrees("west", west),
        degrees("east", east),
    ];
    tell("banners-extent", values)
}

fn show(
    app: &App,
    status: StatusCode,
    problem: Option<String>,
    typed: Typed,
    preview: Option<Preview>,
) -> axum::response::Response {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let home = &app.engine().settings().home_zone;
    let reader = reader(app, None, home);
    let mut zones = zone_choices(&lamps.bands, home, &reader);
    zones
        .iter_mut()
        .for_each(|zone| zone.chosen = zone.value == typed.zone);
    let products = fleet.products().map(|product| Choice {
        name: product.name.to_string(),
        value: product.name.to_string(),
        chosen: product.name.as_str() == typed.product,
    });
    let chosen = Severity::parse(&typed.severity).unwrap_or(Severity::Warning);
    let severities = Severity::ALL.into_iter().map(|one| Choice {
        name: severity(one).into(),
        value: one.as_str().into(),
        chosen: one == chosen,
    });
    let (map, map_states) = fleet_map(&fleet, &typed);
    let all = app.engine().banners();
    let view = View {
        page: Page::console(say("banners-title"), "/console/banners"),
        problem,
        banners: all.iter().map(|one| line(app, one, &reader)).collect(),
        products: products.collect(),
        zones,
        severities: severities.collect(),
        zone_name: home.to_string(),
        map,
        map_states,
        typed,
        preview,
    };
    render(status, &view)
}

/// The map of the fleet, or of the sites of one state, and the states that it can show.
fn fleet_map(fleet: &Fleet, typed: &Typed) -> (Option<Map>, Vec<Choice>) {
    let sites = fleet.sites();
    let placed = sites.filter_map(|(_, site)| Some((site.area.state.clone(), site.area.point?)));
    let placed: Vec<_> = placed.collect();
    let points: Vec<_> = placed.iter().map(|(_, point)| *point).collect();
    let of_state = placed.iter().filter(|(state, _)| **state == *typed.map);
    let mut shown: Vec<_> = of_state.map(|(_, point)| *point).collect();
    if shown.is_empty() {
        shown.clone_from(&points);
    }
    let ring = place::read_ring(&typed.polygon).unwrap_or_default();
    let states: BTreeSet<_> = placed.iter().map(|(state, _)| &**state).collect();
    let states = states.into_iter().filter(|state| !state.is_empty());
    let states = states.map(|state| Choice {
        name: state.into(),
        value: state.into(),
        chosen: state == typed.map,
    });
    (map::draw(&points, &shown, &ring), states.collect())
}

fn line(app: &App, banner: &Banner, reader: &Reader) -> Line {
    let is_over = banner.is_over(reader.now);
    Line {
        id: banner.id,
        shown: shown(banner, None),
        area: area_name(&banner.area),
        sites: reached(app, banner),
        from: reader.moment(banner.from),
        until: banner.until.map(|until| reader.moment(until)),
        state: match (is_over, banner.stands(reader.now)) {
            (true, _) => say("banners-state-over"),
            (false, true) => say("banners-state-stands"),
            (false, false) => say("banners-state-waits"),
        },
        is_left: !is_over,
    }
}

/// How many sites it is about, and which of them do without it on their own pages.
fn reached(app: &App, banner: &Banner) -> String {
    let sites = words::sites(app.engine().sites_in_area(&banner.area));
    let without = app.engine().left_out_of(banner.id);
    if without.is_empty() {
        return sites;
    }
    let products: Vec<_> = without.iter().map(ProductName::as_str).collect();
    let values = [
        ("sites", sites.into()),
        ("products", products.join(", ").into()),
    ];
    tell("banners-left-out", values)
}
