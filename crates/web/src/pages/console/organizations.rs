//! `/console/organizations`: the customers, and who belongs to each.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Permission;
use domain::id::OrganizationId;
use domain::member::{MEMBERS_MAX, Member};
use domain::site::Site;
use engine::{EngineError, Kind};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{kept, reworded, say, tell};
use crate::pages::{Answer, Page, PageError, render, words};
use crate::routes::Route;

const PER_PAGE: usize = 50;
/// How many sites of one are shown; its public page has them all.
const SITES_MAX: usize = 20;
/// How many mail domains are suggested.
const SUGGESTED_MAX: usize = 5;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::get("/console/organizations", see, list),
        Route::get("/console/organizations/{id}", see, look),
        Route::post("/console/organizations/{id}", manage, save),
    ]
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    page: usize,
}

#[derive(Template)]
#[template(path = "console/organizations.html")]
struct List {
    page: Page,
    q: String,
    found: Vec<(OrganizationId, Arc<str>)>,
    before: Option<usize>,
    after: Option<usize>,
}

async fn list(State(app): State<App>, Query(asked): Query<Asked>) -> Answer {
    let all = app.engine().fleet().organizations_named(&asked.q);
    let start = asked.page.saturating_mul(PER_PAGE).min(all.len());
    let end = (start + PER_PAGE).min(all.len());
    let view = List {
        page: Page::console(say("organizations"), "/console/organizations"),
        q: asked.q,
        found: all.get(start..end).unwrap_or_default().to_vec(),
        before: (start > 0).then(|| asked.page.saturating_sub(1)),
        after: (end < all.len()).then_some(asked.page + 1),
    };
    Ok(render(StatusCode::OK, &view))
}

#[derive(Template)]
#[template(path = "console/organization.html")]
struct View {
    page: Page,
    id: OrganizationId,
    name: String,
    /// One a line.
    members: String,
    hint: String,
    suggested: Vec<String>,
    sites: Vec<String>,
    total: String,
    problem: Option<String>,
    is_saved: bool,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Done {
    saved: Option<u8>,
}

async fn look(
    State(app): State<App>,
    Path(id): Path<OrganizationId>,
    Query(done): Query<Done>,
) -> Answer {
    let members = app.engine().members(id).await?;
    let lines: Vec<_> = members.iter().map(Member::to_string).collect();
    let mut view = view(&app, id)?;
    let known = |one: &String| !lines.contains(one);
    view.suggested.retain(known);
    view.members = lines.join("\n");
    view.is_saved = done.saved.is_some();
    Ok(render(StatusCode::OK, &view))
}

fn view(app: &App, id: OrganizationId) -> Result<View, PageError> {
    let fleet = app.engine().fleet();
    let name = fleet.organization(id);
    let name = name.ok_or_else(|| PageError::not_found(say("organization-none")))?;
    let own = fleet.sites().map(|(_, site)| site);
    let mut own: Vec<_> = own.filter(|site| site.organization == id).collect();
    own.sort_by(|one, other| one.hostname.cmp(&other.hostname));
    let shown = own.iter().take(SITES_MAX);
    Ok(View {
        page: Page::console(name.to_string(), "/console/organizations"),
        id,
        name: name.to_string(),
        members: String::new(),
        hint: tell("members-hint", [("n", MEMBERS_MAX.into())]),
        suggested: suggested(&own),
        sites: shown.map(|site| site.hostname.to_string()).collect(),
        total: words::sites(own.len()),
        problem: None,
        is_saved: false,
    })
}

/// Mail domains that its people may have: those of its sites, without `www`.
fn suggested(sites: &[Arc<Site>]) -> Vec<String> {
    let domain = |site: &Arc<Site>| {
        let host = site.hostname.as_str();
        let host = host.strip_prefix("www.").unwrap_or(host);
        Member::parse(&format!("@{host}")).ok()
    };
    let all: BTreeSet<_> = sites.iter().filter_map(domain).collect();
    let some = all.iter().take(SUGGESTED_MAX);
    some.map(Member::to_string).collect()
}

#[derive(serde::Deserialize)]
struct Typed {
    #[serde(default)]
    members: String,
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<OrganizationId>,
    Form(typed): Form<Typed>,
) -> Answer {
    let saved = match read(&typed.members) {
        Ok(members) => app.engine().set_members(id, caller.name(), members).await,
        Err(refused) => Err(refused),
    };
    match saved {
        Ok(_) => {
            let to = format!("/console/organizations/{id}?saved=1");
            Ok(Redirect::to(&kept(&to)).into_response())
        }
        Err(error) if error.kind() == Kind::Refused => again(&app, id, &error, typed),
        Err(error) => Err(error.into()),
    }
}

fn read(lines: &str) -> Result<Vec<Member>, EngineError> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| Member::parse(line).map_err(|bad| EngineError::refused_at("members", bad)))
        .collect()
}

/// The form with what was typed, and why it was refused.
fn again(
    app: &App,
    id: OrganizationId,
    error: &EngineError,
    typed: Typed,
) -> Result<Response, PageError> {
    let mut view = view(app, id)?;
    view.members = typed.members;
    view.problem = Some(reworded(error));
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &view))
}
