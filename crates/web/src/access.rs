//! Who may call an endpoint: checked before its handler runs.
//!
//! A caller shows a token, in the `Authorization` header or, in the console, in a cookie. A cookie
//! is sent by any page that makes a browser call us, so changes through it must come from our own
//! pages.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use cookie::Cookie;
use domain::access::Permission;
use domain::id::HolderId;
use futures_util::StreamExt as _;
use store::Holder;
use tokio::sync::broadcast::error::RecvError;

use crate::error::ApiError;
use crate::{App, pages};

/// The console's cookie: the token itself, out of reach of scripts and other sites.
pub(crate) const COOKIE: &str = "lamplighter-console";

/// What an endpoint asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A holder of a token whose role carries the permission.
    Holder(Permission),
}

/// The caller of an endpoint that asks for a permission; an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Holder);

impl Caller {
    /// What the audit calls the caller.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }
}

pub(crate) async fn enforce(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Access::Holder(permission) = access else {
        return next.run(request).await;
    };
    match authorize(&app, request.method(), request.headers(), permission).await {
        Ok((caller, token)) => {
            let id = caller.0.id;
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            until_withdrawn(&app, (id, token), response)
        }
        Err(error) if is_console(&request) => match error.status() {
            StatusCode::UNAUTHORIZED => Redirect::to("/console/sign-in").into_response(),
            _ if wants_page(request.headers()) => pages::not_allowed(error.message()),
            _ => error.into_response(),
        },
        Err(error) => error.into_response(),
    }
}

async fn authorize(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<(Caller, String), ApiError> {
    let shown = shown_token(headers).ok_or_else(|| {
        ApiError::unauthorized("this needs a token: send it as `Authorization: Bearer lmp_…`")
    })?;
    if shown.in_cookie && !method.is_safe() && !same_origin(headers) {
        return Err(ApiError::forbidden(
            "a change through the console must come from its own pages",
        ));
    }
    let holder = app.engine().holder(&shown.token).await?;
    let holder = holder.ok_or_else(|| {
        ApiError::unauthorized("this token is wrong or was withdrawn; ask an administrator for one")
    })?;
    if !holder.role.may(permission) {
        let role = holder.role.as_str();
        return Err(ApiError::forbidden(format!(
            "the role {role} may not do this"
        )));
    }
    Ok((Caller(holder), shown.token))
}

/// A stream that a holder of a token opened ends when the token is withdrawn.
fn until_withdrawn(app: &App, (id, token): (HolderId, String), response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| !kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let (engine, mut withdrawn) = (app.engine().clone(), app.engine().withdrawals());
    let gone = async move {
        // It may have been withdrawn while the stream was opened, or while others were.
        while matches!(engine.holder(&token).await, Ok(Some(_))) {
            loop {
                match withdrawn.recv().await {
                    Ok(one) if one == id => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    };
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(gone))))
}

struct Shown {
    token: String,
    in_cookie: bool,
}

fn shown_token(headers: &HeaderMap) -> Option<Shown> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return Some(Shown {
            token: token.trim().into(),
            in_cookie: false,
        });
    }
    cookies(headers)
        .find(|cookie| cookie.name() == COOKIE)
        .map(|cookie| Shown {
            token: cookie.value().into(),
            in_cookie: true,
        })
}

/// The cookies that a browser sent.
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'static>> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| Cookie::split_parse(value.to_owned()))
        .filter_map(Result::ok)
}

/// Whether a browser says that another site's page sent a form.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let says = [header::ORIGIN.as_str(), "sec-fetch-site"];
    says.iter().any(|name| headers.contains_key(*name)) && !same_origin(headers)
}

/// Whether our own page sent a form, as far as the browser says.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text("host");
    text("origin")
        .and_then(|origin| origin.split_once("://"))
        .is_some_and(|(_, from)| Some(from) == host)
}

/// A page of the console; what its forms send and its script fetches lies there too.
pub(crate) fn is_console(request: &Request) -> bool {
    request.uri().path().starts_with("/console")
}

/// Whether the caller is a browser that shows what it gets.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|kinds| kinds.contains("text/html"))
}
