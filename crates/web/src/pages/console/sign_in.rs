//! `/console/sign-in`: a staff token, pasted once, becomes a cookie that scripts cannot read.
//!
//! Needs no sign-in service: staff must get in while it is down.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use cookie::{Cookie, SameSite};
use domain::access::Permission;

use crate::App;
use crate::access::{Access, COOKIE, is_foreign};
use crate::extract::Form;
use crate::language::say;
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/console/sign-in", Access::Public, form),
        Route::post("/console/sign-in", Access::Public, sign_in),
        Route::post("/console/sign-out", Access::Public, sign_out),
    ]
}

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct View {
    page: Page,
    problem: Option<&'static str>,
}

#[derive(serde::Deserialize)]
struct SignIn {
    #[serde(default)]
    token: String,
}

async fn form() -> Response {
    show(StatusCode::OK, None)
}

async fn sign_in(State(app): State<App>, headers: HeaderMap, Form(form): Form<SignIn>) -> Answer {
    own(&headers)?;
    let token = form.token.trim();
    let holder = app.engine().holder(token).await?;
    let may = holder.is_some_and(|holder| holder.role.may(Permission::SeeConsole));
    if !may {
        let problem = say("console-sign-in-wrong");
        return Ok(show(StatusCode::UNAUTHORIZED, Some(problem)));
    }
    let secure = app.engine().settings().base_url.starts_with("https://");
    Ok(with_cookie(&cookie(token, secure).build(), "/console"))
}

/// Another site's page signs nobody in as somebody else, and nobody out.
fn own(headers: &HeaderMap) -> Result<(), PageError> {
    if is_foreign(headers) {
        return Err(PageError::not_allowed(
            "sign in and out on the console's own pages",
        ));
    }
    Ok(())
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Answer {
    own(&headers)?;
    let secure = app.engine().settings().base_url.starts_with("https://");
    Ok(with_cookie(
        &cookie("", secure)
            .max_age(cookie::time::Duration::ZERO)
            .build(),
        "/console/sign-in",
    ))
}

fn cookie(token: &str, secure: bool) -> cookie::CookieBuilder<'_> {
    Cookie::build((COOKIE, token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
}

fn with_cookie(cookie: &Cookie<'_>, to: &str) -> Response {
    match HeaderValue::from_str(&cookie.to_string()) {
        Ok(value) => ([(header::SET_COOKIE, value)], Redirect::to(to)).into_response(),
        Err(_) => show(
            StatusCode::UNAUTHORIZED,
            Some(say("console-sign-in-no-token")),
        ),
    }
}

fn show(status: StatusCode, problem: Option<&'static str>) -> Response {
    render(
        status,
        &View {
            page: Page::public(say("console-sign-in-title"), ""),
            problem,
        },
    )
}
