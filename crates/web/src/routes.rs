//! Every endpoint, with what it asks of its caller. A test tries each without credentials.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{RequestExt as _, Router};

use crate::access::{Access, enforce};
use crate::client_address::Client;
use crate::error::ApiError;
use crate::kept::Keep;
use crate::{App, api, pages};

/// The largest body of an ordinary request, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Where secrets can be guessed: tokens at the console, passwords at the provider.
const TRIED: [&str; 2] = ["/console/sign-in", "/oidc/sign-in"];

/// An endpoint: method, path, access, handler, limit.
pub(crate) struct Route {
    endpoint: Endpoint,
    handler: MethodRouter<App>,
    body_bytes_max: usize,
}

/// What a caller sees of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// What it asks of its caller.
    pub access: Access,
}

impl Route {
    fn new<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let filter = match method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::DELETE => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        Self {
            endpoint: Endpoint {
                method,
                path,
                access,
            },
            handler: on(filter, handler),
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    pub(crate) fn get<H, T>(path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::GET, path, access, handler)
    }

    pub(crate) fn post<H, T>(path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::POST, path, access, handler)
    }

    pub(crate) fn put<H, T>(path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::PUT, path, access, handler)
    }

    /// Its answer is the same for everybody, and is kept for a moment.
    pub(crate) fn kept(self) -> Self {
        let mark = |mut response: Response| async {
            response.extensions_mut().insert(Keep);
            response
        };
        Self {
            handler: self.handler.layer(map_response(mark)),
            ..self
        }
    }

    /// Takes bodies up to `bytes`.
    pub(crate) fn body_max(self, bytes: usize) -> Self {
        Self {
            body_bytes_max: bytes,
            ..self
        }
    }
}

/// All routes; each noun's file lists its own.
fn all() -> Vec<Route> {
    [
        api::agent::routes(),
        api::campaigns::routes(),
        api::documents::routes(),
        api::audit::routes(),
        api::banners::routes(),
        api::fleet::routes(),
        api::follow_ups::routes(),
        api::followers::routes(),
        api::releases::routes(),
        api::templates::routes(),
        api::tokens::routes(),
        api::health::routes(),
        api::history::routes(),
        api::incidents::routes(),
        api::maintenances::routes(),
        api::on_call::routes(),
        api::accounts::routes(),
        api::clients::routes(),
        api::keys::routes(),
        api::reports::routes(),
        api::statuspage::routes(),
        api::alarms::routes(),
        api::outcomes::routes(),
        pages::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every endpoint, for tests and the API's description.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    all().into_iter().map(|route| route.endpoint).collect()
}

pub(crate) fn router(app: &App) -> Router {
    let router = all().into_iter().fold(Router::new(), |router, route| {
        let guard = from_fn_with_state((app.clone(), route.endpoint.access), enforce);
        let limit = DefaultBodyLimit::max(route.body_bytes_max);
        router.route(route.endpoint.path, route.handler.layer(limit).layer(guard))
    });
    let router = router.fallback(nothing_here).with_state(app.clone());
    let sign_in = signin::router(app.provider().clone());
    let tries = from_fn_with_state(app.clone(), limit_tries);
    router.merge(sign_in).layer(tries)
}

async fn limit_tries(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.method() == Method::POST && TRIED.contains(&request.uri().path()) {
        let client = request.extract_parts_with_state::<Client, App>(&app).await;
        let admitted = client.and_then(|client| {
            app.sign_in_limit()
                .admit(client, app.engine().clock().now())
        });
        if let Err(error) = admitted {
            return pages::too_many(&error);
        }
    }
    next.run(request).await
}

/// A person who mistypes an address reads a page; a program reads JSON.
async fn nothing_here(headers: HeaderMap) -> Response {
    if crate::access::wants_page(&headers) {
        return pages::nothing_here();
    }
    ApiError::not_found("nothing is here").into_response()
}
