//! Customers who are signed in on the public pages: their cookies, and the way to the provider and
//! back. Never decides what they may do.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use cookie::time::Duration;
use cookie::{Cookie, CookieBuilder, SameSite};
use domain::id::IncidentId;
use signin::Reader;

use crate::App;
use crate::access::{cookies, same_origin};
use crate::error::ApiError;
use crate::language::{self, Language, Spoken};

/// The cookie of a signed-in reader: sent to the pages of incidents only.
const READER: &str = "lamplighter-reader";
/// Ties the provider's answer to the browser that asked.
const FLOW: &str = "lamplighter-reader-flow";
/// How long a sign-in may take, in minutes.
const FLOW_MINUTES: i64 = 30;

/// The reader who sent a request; nobody when the session ended.
///
/// # Errors
/// When the store fails.
pub(crate) async fn reader(app: &App, headers: &HeaderMap) -> Result<Option<Reader>, ApiError> {
    match cookies(headers).find(|cookie| cookie.name() == READER) {
        Some(cookie) => Ok(app.provider().reader(cookie.value()).await?),
        None => Ok(None),
    }
}

/// The reader who sends a form of ours.
///
/// # Errors
/// When nobody is signed in, the form is another site's, or the store fails.
pub(crate) async fn writer(app: &App, headers: &HeaderMap) -> Result<Reader, ApiError> {
    if !same_origin(headers) {
        let says = "a comment must be written on this page";
        return Err(ApiError::forbidden(says));
    }
    let reader = reader(app, headers).await?;
    reader.ok_or_else(|| ApiError::unauthorized("your sign-in has ended: sign in again to write"))
}

/// Sends a browser to the provider; it comes back to the comments of an incident.
///
/// # Errors
/// When no secret can be drawn.
pub(crate) fn begin(app: &App, back: IncidentId) -> Result<Response, ApiError> {
    let flow = app.provider().begin_reader(language::here())?;
    // The language that the reader chose comes back with her.
    let chosen = Spoken::here().chosen_tag().unwrap_or_default();
    let kept = format!("{}.{back}.{chosen}", flow.kept);
    let cookie = built(app, FLOW, &kept, "/reader").max_age(Duration::minutes(FLOW_MINUTES));
    Ok(redirect(&flow.url, cookie))
}

/// Takes the provider's answer. None when it does not belong to this browser.
///
/// # Errors
/// When the store fails.
pub(crate) async fn finish(
    app: &App,
    headers: &HeaderMap,
    answer: (&str, &str),
) -> Result<Option<Response>, ApiError> {
    let kept = cookies(headers).find(|cookie| cookie.name() == FLOW);
    let kept = kept
        .map(|cookie| cookie.value().to_owned())
        .unwrap_or_default();
    let Some((kept, chosen)) = kept.rsplit_once('.') else {
        return Ok(None);
    };
    let Some((kept, back)) = kept.rsplit_once('.') else {
        return Ok(None);
    };
    let Ok(back) = back.parse::<IncidentId>() else {
        return Ok(None);
    };
    let value = app.provider().finish_reader(kept, answer).await?;
    let asks =
        Language::of_tag(chosen).map_or_else(String::new, |one| format!("?lang={}", one.tag()));
    let to = format!("/incidents/{back}/comments{asks}#write");
    Ok(value.map(|value| redirect(&to, built(app, READER, &value, "/incidents"))))
}

/// Ends the session of a browser.
///
/// # Errors
/// When the form is another site's, or the store fails.
pub(crate) async fn end(
    app: &App,
    headers: &HeaderMap,
    back: IncidentId,
) -> Result<Response, ApiError> {
    if !same_origin(headers) {
        return Err(ApiError::forbidden("sign out on this page"));
    }
    if let Some(cookie) = cookies(headers).find(|cookie| cookie.name() == READER) {
        app.provider().end_reader(cookie.value()).await?;
    }
    let gone = built(app, READER, "", "/incidents").max_age(Duration::ZERO);
    let to = language::kept(&format!("/incidents/{back}/comments"));
    Ok(redirect(&to, gone))
}

fn built<'a>(app: &App, name: &'a str, value: &'a str, path: &'a str) -> CookieBuilder<'a> {
    let secure = app.engine().settings().base_url.starts_with("https://");
    Cookie::build((name, value))
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
}

fn redirect(to: &str, cookie: CookieBuilder<'_>) -> Response {
    let mut response = Redirect::to(to).into_response();
    let value = HeaderValue::from_str(&cookie.build().to_string());
    response
        .headers_mut()
        .extend(value.map(|value| (header::SET_COOKIE, value)));
    response
}
