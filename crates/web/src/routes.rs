//! Every endpoint, with what it asks of its caller. A test tries each without credentials.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{RequestExt as _, Router};

use crate::access::{Access, enforce};
use crate::client_address::Client;
use crate::error::ApiError;
use crate::kept::Keep;
use crate::large::{Places, few};
use crate::open_api::{Described, Noun, Operation};
use crate::{App, api, open_api, pages};

/// The largest body of an ordinary request, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Where secrets can be guessed: tokens at the console, passwords at the provider.
const TRIED: [&str; 2] = ["/console/sign-in", "/oidc/sign-in"];

/// An endpoint: method, path, access, handler, limit; and for programs, what it takes and gives.
pub(crate) struct Route {
    endpoint: Endpoint,
    handler: MethodRouter<App>,
    body_bytes_max: usize,
    operation: Option<Operation>,
}

/// Makes the routes of the API: those have a summary, and a handler whose types are described.
pub(crate) struct Api;

/// Marks an answer that is not for everybody, at an address whose others are.
#[derive(Clone, Copy)]
struct Unkept;

/// An answer for one reader only, where others are kept for all.
pub(crate) fn unkept(mut response: Response) -> Response {
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, never);
    response.extensions_mut().insert(Unkept);
    response
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
            operation: None,
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
            if response.extensions().get::<Unkept>().is_none() {
                response.extensions_mut().insert(Keep);
            }
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

    /// Says more than its summary.
    pub(crate) fn about(mut self, about: &'static str) -> Self {
        if let Some(operation) = &mut self.operation {
            operation.about = about;
        }
        self
    }
}

impl Api {
    pub(crate) fn get<H, T, P>(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: H,
    ) -> Route
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        Self::describe::<H, P>(summary, Route::get(path, access, handler))
    }

    pub(crate) fn post<H, T, P>(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: H,
    ) -> Route
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        Self::describe::<H, P>(summary, Route::post(path, access, handler))
    }

    pub(crate) fn put<H, T, P>(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: H,
    ) -> Route
    where
        H: Handler<T, App> + Described<P>,
        T: 'static,
    {
        Self::describe::<H, P>(summary, Route::put(path, access, handler))
    }

    fn describe<H: Described<P>, P>(summary: &'static str, route: Route) -> Route {
        let operation = Operation {
            summary,
            about: "",
            noun: Noun::default(),
            describe: H::describe,
        };
        Route {
            operation: Some(operation),
            ..route
        }
    }
}

/// The routes of a noun of the API.
fn of(name: &'static str, about: &'static str, mut routes: Vec<Route>) -> Vec<Route> {
    for route in &mut routes {
        if let Some(operation) = &mut route.operation {
            operation.noun = Noun { name, about };
        }
    }
    routes
}

/// All routes; each noun's file lists its own.
fn all() -> Vec<Route> {
    let mut all = of_api();
    all.extend(open_api::routes());
    all.extend(pages::routes());
    all
}

/// The API, noun by noun, as its description tells it.
fn of_api() -> Vec<Route> {
    [
        of("Incidents", "What customers read of incidents, and what the team does about them.", api::incidents::routes()),
        of("History", "Incidents of the past, added afterwards.", api::history::routes()),
        of("Incident reports", "The report on an incident, as people write, approve and publish it.", api::written_reports::routes()),
        of("Maintenances", "Work that is announced before it begins.", api::maintenances::routes()),
        of("Comments", "What customers write under incidents, and what the team decides about it.", api::comments::routes()),
        of("Follow-ups", "What is to be done after incidents.", api::follow_ups::routes()),
        of("Templates", "Texts that updates are made from.", api::templates::routes()),
        of("Banners", "Short words on the pages of sites.", api::banners::routes()),
        of("Followers", "Who is told of incidents, and whether the messages came through.", api::followers::routes()),
        of("Reports", "Problems that customers report.", api::reports::routes()),
        of("Alarms", "What detection noticed, with its evidence.", api::alarms::routes()),
        of("Outcomes", "Counted sign-ins, from whoever counts them beside the sites.", api::outcomes::routes()),
        of("Campaigns", "Paced actions on many sites, and actions on one.", api::campaigns::routes()),
        of("Fleet", "Products and sites.", api::fleet::routes()),
        of("Groups", "Named groups of sites.", api::groups::routes()),
        of("Organizations", "The customers, and who belongs to each.", api::organizations::routes()),
        of("Releases", "Versions of the code of products: staged, gated, activated, retired.", api::releases::routes()),
        of("Documents", "The config that releases need.", api::documents::routes()),
        of("Repository", "The signed repository, for mirrors of it.", api::repository::routes()),
        of("Repository keys", "The keys that sign config for agents.", api::repository_keys::routes()),
        of("Drills", "What drills showed: scenarios re-enacted on the real components.", api::drills::routes()),
        of("Agents", "The agents beside the sites, and what they call.", api::agents::routes()),
        of("Calendars", "When the team works, for promises in business hours.", api::calendars::routes()),
        of("On call", "Who is paged, and who has answered.", api::on_call::routes()),
        of("Tokens", "Who may call this API.", api::tokens::routes()),
        of("Accounts", "Accounts that sign in to sites.", api::accounts::routes()),
        of("Clients", "Secrets of sites, as clients of sign-in.", api::clients::routes()),
        of("Keys", "The keys that sign ID tokens.", api::keys::routes()),
        of("Audit", "Who changed what, when.", api::audit::routes()),
        of("Statuspage", "The public API of Statuspage, field for field: clients that were made for it work here.", api::statuspage::routes()),
        of("Health", "Whether the server lives and can save.", api::health::routes()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The operations of the API, each with the largest body that it takes, in bytes.
pub(crate) fn operations() -> Vec<(Endpoint, Operation, usize)> {
    let operation = |route: Route| {
        let bytes_max = route.body_bytes_max;
        let operation = route.operation?;
        Some((route.endpoint, operation, bytes_max))
    };
    of_api().into_iter().filter_map(operation).collect()
}

/// Every endpoint, for tests.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    all().into_iter().map(|route| route.endpoint).collect()
}

pub(crate) fn router(app: &App) -> Router {
    let router = all().into_iter().fold(Router::new(), |router, route| {
        let guard = from_fn_with_state((app.clone(), route.endpoint.access), enforce);
        let limit = DefaultBodyLimit::max(route.body_bytes_max);
        let mut handler = route.handler.layer(limit);
        if route.endpoint.access == Access::Public && route.body_bytes_max > BODY_BYTES_MAX {
            let places = Places::new(route.body_bytes_max);
            handler = handler.layer(from_fn_with_state(places, few));
        }
        router.route(route.endpoint.path, handler.layer(guard))
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
