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
/// Says that somebody signed out here: on a shared computer the provider must ask who comes next.
const OUT: &str = "lamplighter-reader-out";
/// How long a sign-in may take, in minutes.
const FLOW_MINUTES: i64 = 30;

/// Where a reader came from, and comes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// What is told to the reader's organizations.
    Own,
    /// An incident.
    Incident(IncidentId),
    /// The comments of an incident.
    Comments(IncidentId),
}

impl Back {
    /// As the cookie keeps it.
    fn kept(self) -> String {
        match self {
            Self::Own => "own".into(),
            Self::Incident(id) => format!("i{id}"),
            Self::Comments(id) => format!("c{id}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "own" {
            return Some(Self::Own);
        }
        let id = |rest: &str| rest.parse().ok();
        let incident = text.strip_prefix('i').and_then(id).map(Self::Incident);
        incident.or_else(|| text.strip_prefix('c').and_then(id).map(Self::Comments))
    }

    fn address(self) -> String {
        match self {
            Self::Own => "/incidents".into(),
            Self::Incident(id) => format!("/incidents/{id}"),
            Self::Comments(id) => format!("/incidents/{id}/comments"),
        }
    }
}

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

/// Sends a browser to the provider; it comes back to where it was.
///
/// # Errors
/// When no secret can be drawn.
pub(crate) fn begin(app: &App, headers: &HeaderMap, back: Back) -> Result<Response, ApiError> {
    let is_out = cookies(headers).any(|cookie| cookie.name() == OUT);
    let flow = app.provider().begin_reader(language::here(), is_out)?;
    // The language that the reader chose comes back with her.
    let chosen = Spoken::here().chosen_tag().unwrap_or_default();
    let kept = format!("{}.{}.{chosen}", flow.kept, back.kept());
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
    let Some(back) = Back::parse(back) else {
        return Ok(None);
    };
    let value = app.provider().finish_reader(kept, answer).await?;
    let asks =
        Language::of_tag(chosen).map_or_else(String::new, |one| format!("?lang={}", one.tag()));
    let to = match back {
        Back::Comments(_) => format!("{}{asks}#write", back.address()),
        _ => format!("{}{asks}", back.address()),
    };
    Ok(value.map(|value| {
        let asked = built(app, OUT, "", "/incidents").max_age(Duration::ZERO);
        let response = redirect(&to, built(app, READER, &value, "/incidents"));
        with(response, asked)
    }))
}

/// Ends the session of a browser.
///
/// # Errors
/// When the form is another site's, or the store fails.
pub(crate) async fn end(app: &App, headers: &HeaderMap, back: Back) -> Result<Response, ApiError> {
    if !same_origin(headers) {
        return Err(ApiError::forbidden("sign out on this page"));
    }
    if let Some(cookie) = cookies(headers).find(|cookie| cookie.name() == READER) {
        app.provider().end_reader(cookie.value()).await?;
    }
    let gone = built(app, READER, "", "/incidents").max_age(Duration::ZERO);
    let response = redirect(&language::kept(&back.address()), gone);
    Ok(with(response, built(app, OUT, "1", "/incidents")))
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
    with(Redirect::to(to).into_response(), cookie)
}

fn with(mut response: Response, cookie: CookieBuilder<'_>) -> Response {
    if let Ok(value) = HeaderValue::from_str(&cookie.build().to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_is_read_as_it_was_kept() {
        let id: IncidentId = "0189a3c0-0000-7000-8000-000000000001".parse().unwrap();
        for back in [Back::Own, Back::Incident(id), Back::Comments(id)] {
            assert_eq!(Back::parse(&back.kept()), Some(back));
        }
        for other in ["", "i", "c1", "//evil.example", "own/../x"] {
            assert_eq!(Back::parse(other), None, "{other}");
        }
    }
}
