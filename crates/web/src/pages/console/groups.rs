//! `/console/groups`: named groups of sites, which layers of config can be for.

use std::collections::BTreeSet;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::name::{GroupName, Hostname};
use engine::{EngineError, Kind};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Query};
use crate::language::{reworded, say};
use crate::pages::words;
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

/// The most sites of a group, each with its name.
const FORM_BYTES_MAX: usize = 8 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Route::get("/console/groups", see, list),
        Route::post("/console/groups", change, set).body_max(FORM_BYTES_MAX),
    ]
}

#[derive(Template)]
#[template(path = "console/groups.html")]
struct View {
    page: Page,
    problem: Option<String>,
    groups: Vec<(GroupName, String)>,
    may_change: bool,
    name: String,
    /// One on each line.
    sites: String,
}

#[derive(Default, serde::Deserialize)]
struct Which {
    #[serde(default)]
    name: String,
}

async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(Which { name }): Query<Which>,
) -> Answer {
    let may_change = caller.0.role.may(Permission::ChangeDelivery);
    let group = GroupName::parse(&name).ok();
    let group = group.and_then(|name| app.engine().group(&name).ok());
    let sites: Vec<_> = group.iter().flatten().map(Hostname::as_str).collect();
    let typed = Typed {
        name,
        sites: sites.join("\n"),
    };
    Ok(show(&app, StatusCode::OK, typed, may_change, None))
}

#[derive(serde::Deserialize)]
struct Typed {
    name: String,
    #[serde(default)]
    sites: String,
}

impl Typed {
    fn read(&self) -> Result<(GroupName, BTreeSet<Hostname>), EngineError> {
        let bad = |at: &str, e: domain::name::BadName| EngineError::refused_at(at, e);
        let name = GroupName::parse(self.name.trim()).map_err(|e| bad("name", e))?;
        let sites = self.sites.split_whitespace().map(Hostname::parse);
        let sites = sites.collect::<Result<_, _>>();
        Ok((name, sites.map_err(|e| bad("sites", e))?))
    }
}

async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    let done = match typed.read() {
        Ok((name, sites)) => app.engine().set_group(&name, sites, caller.name()).await,
        Err(error) => Err(error),
    };
    let Err(error) = done else {
        return Ok(Redirect::to("/console/groups").into_response());
    };
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        _ => return Err(error.into()),
    };
    Ok(show(&app, status, typed, true, Some(reworded(&error))))
}

fn show(
    app: &App,
    status: StatusCode,
    typed: Typed,
    may_change: bool,
    problem: Option<String>,
) -> axum::response::Response {
    let groups = app.engine().groups().into_iter();
    let view = View {
        page: Page::console(say("groups-title"), "/console/config"),
        problem,
        groups: groups
            .map(|(name, sites)| (name, words::count(sites.len())))
            .collect(),
        may_change,
        name: typed.name,
        sites: typed.sites,
    };
    render(status, &view)
}
