//! The API, the console and the public pages.
//!
//! A handler has five beats: authorize, parse, call `engine`, shape a view, render. Never touches
//! the database; never decides.

mod access;
mod api;
mod client_address;
mod error;
mod extract;
mod headers;
mod kept;
mod language;
mod large;
mod limit;
mod notice;
mod open_api;
mod pages;
mod pdf;
mod reader;
mod reply;
mod routes;
mod sign_in;
mod streams;
mod turnstile;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::{CanarySession, Engine};
use signin::{Provider, SESSION_COOKIE};

pub use access::Access;
pub use client_address::{BadPrefix, Prefix, client_network};
pub use limit::Rate;
pub use routes::{Endpoint, endpoints};
pub use sign_in::{ACTIVATION_OVERLAP, open_provider};

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    provider: Provider,
    clients: Clients,
    reports: limit::Limit,
    follows: limit::Limit,
    comments: limit::Limit,
    sign_ins: limit::Limit,
    turnstile: turnstile::Turnstile,
    streams: streams::Streams,
    drawn: pages::lamps::Drawn,
    kept: kept::Kept,
    readers: pages::Readers,
    readiness: api::health::Readiness,
}

/// How clients that show no token are told apart, and how much one may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Clients {
    /// The proxies that say truly whom they stand for.
    pub trusted_proxies: Vec<Prefix>,
    /// How often one address may report.
    pub reports: Rate,
    /// How often one address may try to sign in, at the console and at the provider.
    pub sign_ins: Rate,
    /// How fast agents may begin to follow, all together.
    pub agents: Rate,
    /// How many connections may stay open to tell agents and readers of public pages what happens.
    pub streams_max: usize,
}

/// Each brings some requests with it. 100,000 are back within two minutes.
const AGENTS_PER_SECOND: u32 = 1_000;

impl Default for Clients {
    /// No proxy. A whole town hall, and a vendor's help desk, may share one address.
    fn default() -> Self {
        Self {
            trusted_proxies: vec![],
            reports: Rate::per_minute(30),
            sign_ins: Rate::per_minute(120),
            agents: Rate {
                burst: f64::from(AGENTS_PER_SECOND),
                per_minute: 60.0 * f64::from(AGENTS_PER_SECOND),
            },
            streams_max: 20_000,
        }
    }
}

impl App {
    /// Binds the pages to the capabilities, with the usual limits and no proxy.
    #[must_use]
    pub fn new(engine: Engine, provider: Provider) -> Self {
        Self::with_clients(engine, provider, Clients::default())
    }

    /// Binds the pages to the capabilities.
    #[must_use]
    pub fn with_clients(engine: Engine, provider: Provider, clients: Clients) -> Self {
        engine.set_canary_session(canary_session(&engine, &provider));
        let inner = Arc::new(Inner {
            engine,
            provider,
            reports: limit::Limit::new("reports", clients.reports),
            follows: limit::Limit::new("tries to follow", clients.reports),
            comments: limit::Limit::new("comments and votes", clients.reports),
            sign_ins: limit::Limit::new("tries to sign in", clients.sign_ins),
            turnstile: turnstile::Turnstile::new(clients.agents),
            streams: streams::Streams::new(clients.streams_max),
            clients,
            drawn: pages::lamps::Drawn::default(),
            kept: kept::Kept::default(),
            readers: pages::Readers::default(),
            readiness: api::health::Readiness::default(),
        });
        let pen = notice::Pen(Arc::downgrade(&inner));
        inner.engine.set_writer(Arc::new(pen));
        Self(inner)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Where the lamps of the present fleet stand.
    pub(crate) fn drawn(&self) -> &pages::lamps::Drawn {
        &self.0.drawn
    }

    /// Answers of public pages.
    pub(crate) fn kept(&self) -> &kept::Kept {
        &self.0.kept
    }

    /// Who reads public pages as things happen.
    pub(crate) fn readers(&self) -> &pages::Readers {
        &self.0.readers
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.0.provider
    }

    pub(crate) fn readiness(&self) -> &api::health::Readiness {
        &self.0.readiness
    }

    /// How fast agents may begin to follow.
    pub(crate) fn turnstile(&self) -> &turnstile::Turnstile {
        &self.0.turnstile
    }

    /// Who is told what happens.
    pub(crate) fn streams(&self) -> &streams::Streams {
        &self.0.streams
    }

    /// How often one address may report.
    pub(crate) fn report_limit(&self) -> &limit::Limit {
        &self.0.reports
    }

    /// How often one address may ask to follow: as often as it may report.
    pub(crate) fn follow_limit(&self) -> &limit::Limit {
        &self.0.follows
    }

    /// How often one address may comment and vote: as often as it may report.
    pub(crate) fn comment_limit(&self) -> &limit::Limit {
        &self.0.comments
    }

    /// How often one address may try to sign in.
    pub(crate) fn sign_in_limit(&self) -> &limit::Limit {
        &self.0.sign_ins
    }

    pub(crate) fn trusted_proxies(&self) -> &[Prefix] {
        &self.0.clients.trusted_proxies
    }

    /// Everything that answers over HTTP.
    pub fn router(&self) -> Router {
        let keep = axum::middleware::from_fn_with_state(self.clone(), kept::keep);
        let speak = axum::middleware::from_fn_with_state(self.clone(), language::speak);
        let answers = headers::harden(routes::router(self)).layer(speak);
        // Around the router, not in it: what is kept is answered before a route is looked for.
        let kept = tower::Layer::layer(&keep, answers);
        Router::new()
            .fallback_service(kept)
            .layer(axum::middleware::from_fn(to_the_end))
    }
}

/// Lets a change be carried to its end when its client goes away: what the store has taken, memory and
/// followers must hear of.
async fn to_the_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!("a change ended early: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Probes sign in with a session of the provider's own canary account.
fn canary_session(engine: &Engine, provider: &Provider) -> CanarySession {
    let (clock, provider) = (engine.clock().clone(), provider.clone());
    Arc::new(move || {
        let (now, provider) = (clock.now(), provider.clone());
        Box::pin(async move {
            let cookie = provider
                .canary_session(now)
                .await
                .map_err(|e| e.to_string())?;
            Ok(format!("{SESSION_COOKIE}={cookie}"))
        })
    })
}
