//! `/incidents`: what is told to the organizations that a signed-in reader belongs to, also what is
//! only for them. And who may read one incident.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::id::IncidentId;
use domain::incident::Scope;
use domain::site::Site;
use engine::IncidentView;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Path;
use crate::language::say;
use crate::pages::public::incident::Card;
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::reader::{self as session, Back};
use crate::routes::{Route, unkept};

/// The most incidents that are listed; those that go on are the first.
const LISTED_MAX: usize = 30;
/// The most organizations that are named.
const NAMED_MAX: usize = 10;

pub(crate) fn routes() -> Vec<Route> {
    let public = Access::Public;
    vec![
        Route::get("/incidents", public, list),
        Route::get("/incidents/sign-in", public, sign_in),
        Route::post("/incidents/sign-out", public, sign_out),
        Route::get("/incidents/{id}/sign-in", public, sign_in_for_one),
    ]
}

#[derive(Template)]
#[template(path = "own.html")]
struct View {
    page: Page,
    /// The address of who is signed in.
    signed_in: Option<String>,
    /// What the reader belongs to.
    organizations: Vec<String>,
    incidents: Vec<Card>,
}

async fn list(State(app): State<App>, headers: HeaderMap) -> Answer {
    let reader = session::reader(&app, &headers)
        .await
        .map_err(PageError::of_api)?;
    let mut view = View {
        page: Page::public(say("for-your-organization"), "/sites"),
        signed_in: reader.as_ref().map(|reader| reader.email.to_string()),
        organizations: vec![],
        incidents: vec![],
    };
    if let Some(reader) = reader {
        let own = app.engine().organizations_of(reader.email.as_str()).await?;
        let fleet = app.engine().fleet();
        let names = own.iter().filter_map(|id| fleet.organization(*id));
        view.organizations = names.take(NAMED_MAX).map(|name| name.to_string()).collect();
        let sites = fleet.sites().map(|(_, site)| site);
        let sites: Vec<_> = sites
            .filter(|site| own.contains(&site.organization))
            .collect();
        view.incidents = cards(&app, &sites);
    }
    Ok(render(StatusCode::OK, &view))
}

/// What is told of some sites, to everybody or only to their organizations.
fn cards(app: &App, sites: &[Arc<Site>]) -> Vec<Card> {
    let near = sites
        .first()
        .map_or(&app.engine().settings().home_zone, |site| &site.zone);
    let clock = reader(app, None, near);
    let concerns = |scope: &Scope| sites.iter().any(|site| scope.holds(site));
    let mut told = app.engine().told_incidents();
    told.retain(|view| concerns(&view.incident.scope));
    told.sort_by_key(|view| !view.incident.is_open());
    let shown = told.iter().take(LISTED_MAX);
    shown.map(|view| Card::of(view, &clock)).collect()
}

/// An incident that whoever asks may read: what is not told to them is not there.
pub(in crate::pages) async fn readable(
    app: &App,
    headers: &HeaderMap,
    id: &str,
) -> Result<Arc<IncidentView>, PageError> {
    let id: IncidentId = id
        .parse()
        .map_err(|_| PageError::not_found(say("error-no-incident")))?;
    // The same for one that nobody knows, and for one that is not for them.
    let missing = || {
        let says = PageError::not_found(say("error-no-incident"));
        says.with_sign_in(format!("/incidents/{id}/sign-in"))
    };
    let view = app.engine().find_incident(id).await?.ok_or_else(missing)?;
    if view.incident.is_public() {
        return Ok(view);
    }
    let reader = session::reader(app, headers)
        .await
        .map_err(PageError::of_api)?;
    let own = match reader {
        Some(reader) => app.engine().organizations_of(reader.email.as_str()).await?,
        None => vec![],
    };
    let may = app.engine().may_read(&view.incident, &own);
    may.then_some(view).ok_or_else(missing)
}

/// An answer about an incident: kept for everybody only if everybody may read it.
pub(in crate::pages) fn about(view: &IncidentView, response: Response) -> Response {
    if view.incident.is_public() {
        response
    } else {
        unkept(response)
    }
}

async fn sign_in(State(app): State<App>, headers: HeaderMap) -> Answer {
    session::begin(&app, &headers, Back::Own).map_err(PageError::of_api)
}

async fn sign_in_for_one(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    headers: HeaderMap,
) -> Answer {
    session::begin(&app, &headers, Back::Incident(id)).map_err(PageError::of_api)
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Answer {
    let ended = session::end(&app, &headers, Back::Own).await;
    ended.map_err(PageError::of_api)
}

impl PageError {
    /// What the API would say, as a page.
    pub(in crate::pages) fn of_api(error: ApiError) -> Self {
        match error.status() {
            StatusCode::TOO_MANY_REQUESTS => Self::too_many(error.message()),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Self::not_allowed(error.message()),
            status => Self::failed(status, error.message()),
        }
    }
}
