//! What other pages show of a site's sign-in: a badge, and a notice in a frame.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::name::Hostname;
use domain::site::state::SiteState;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Path;
use crate::language::{kept, say};
use crate::pages::Page;
use crate::pages::console::banners::{Shown, on_site};
use crate::pages::public::site::answer;
use crate::pages::public::status::{is_lit, rim};
use crate::routes::Route;

/// Any page may show the notice in a frame: it shows what everybody may see, and takes nothing.
const NOTICE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; frame-ancestors *; base-uri 'none'; form-action 'none'",
);
/// How wide two letters of a badge are, in pixels.
const TWO_LETTERS: usize = 13;
/// Where the badge's second half begins, in pixels.
const LEFT: usize = 72;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/sites/{hostname}/badge.svg", Access::Public, badge).kept(),
        Route::get("/sites/{hostname}/notice", Access::Public, notice).kept(),
        Route::get("/embed.js", Access::Public, script).kept(),
    ]
}

#[derive(Template)]
#[template(path = "embed/badge.svg")]
struct Badge {
    says: String,
    /// What it tells of, and how wide that is.
    name: &'static str,
    named: usize,
    word: &'static str,
    colour: &'static str,
    lit: bool,
    left: usize,
    length: usize,
    edge: usize,
    width: usize,
}

#[derive(Template)]
#[template(path = "embed/notice.html")]
struct Notice {
    page: Page,
    hostname: Hostname,
    answer: &'static str,
    next: Option<&'static str>,
    mood: &'static str,
    lit: bool,
    rim: &'static str,
    url: String,
    banners: Vec<Shown>,
}

async fn badge(
    State(app): State<App>,
    Path(hostname): Path<Hostname>,
) -> Result<Response, ApiError> {
    let state = state_of(&app, &hostname)?;
    let (word, colour) = word(state);
    let length = word.chars().count() * TWO_LETTERS / 2;
    let name = say("badge-name");
    let width = LEFT + 8 + length + 8;
    let badge = Badge {
        says: format!("{} {hostname}", answer(state).0),
        named: name.chars().count() * 6,
        name,
        word,
        colour,
        lit: is_lit(state),
        left: LEFT,
        length,
        edge: width - 5,
        width,
    };
    Ok(shown(&badge, "image/svg+xml", None))
}

async fn notice(
    State(app): State<App>,
    Path(hostname): Path<Hostname>,
) -> Result<Response, ApiError> {
    let state = state_of(&app, &hostname)?;
    let (answer, lead) = answer(state);
    let base = &app.engine().settings().base_url;
    let site = app.engine().fleet().site_at(&hostname);
    let notice = Notice {
        page: Page::public("", "/sites"),
        answer,
        next: Some(lead).filter(|_| state != SiteState::Well),
        mood: state.as_str(),
        lit: is_lit(state),
        rim: rim(state),
        url: kept(&format!("{base}/sites/{hostname}")),
        banners: site.map(|site| on_site(&app, &site)).unwrap_or_default(),
        hostname,
    };
    Ok(shown(
        &notice,
        "text/html; charset=utf-8",
        Some(NOTICE_POLICY),
    ))
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("../../../assets/embed.js")).into_response()
}

fn state_of(app: &App, hostname: &Hostname) -> Result<SiteState, ApiError> {
    let fleet = app.engine().fleet();
    let site = fleet.find(hostname);
    site.map(|index| fleet.state(index))
        .ok_or_else(|| ApiError::not_found(format!("there is no site {hostname} here")))
}

fn shown(what: &impl Template, kind: &'static str, policy: Option<HeaderValue>) -> Response {
    match what.render() {
        Ok(text) => {
            let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
            let policy = policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy));
            response.headers_mut().extend(policy);
            response
        }
        Err(error) => {
            tracing::error!(%error, "could not render what another page shows");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A state in a word, and a colour that white letters stand out from (WCAG 2.2, 1.4.3).
fn word(state: SiteState) -> (&'static str, &'static str) {
    match state {
        SiteState::Well => (say("badge-well"), "#1d7340"),
        SiteState::Restored => (say("badge-restored"), "#1d7340"),
        SiteState::Restoring => (say("badge-restoring"), "#1f5fb5"),
        SiteState::Reported => (say("badge-reported"), "#a84b12"),
        SiteState::Failing => (say("badge-failing"), "#b3261e"),
        SiteState::Unknown => (say("badge-unknown"), "#59607d"),
    }
}
