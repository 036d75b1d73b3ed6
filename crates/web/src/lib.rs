//! The API, the console and the public pages.
//!
//! A handler has five beats: authorize, parse, call `engine`, shape a view, render. Never touches
//! the database; never decides.

mod access;
mod api;
mod error;
mod extract;
mod headers;
mod limit;
mod pages;
mod routes;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use engine::Engine;
use signin::Provider;

pub use access::Access;
pub use routes::{Endpoint, endpoints};
pub use sign_in::{ACTIVATION_OVERLAP, open_provider};

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    reports: limit::Limit,
    provider: Provider,
    drawn: pages::lamps::Drawn,
}

impl App {
    /// Binds the pages to the capabilities.
    #[must_use]
    pub fn new(engine: Engine, provider: Provider) -> Self {
        Self(Arc::new(Inner {
            engine,
            reports: limit::Limit::new(limit::REPORTS),
            provider,
            drawn: pages::lamps::Drawn::default(),
        }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Where the lamps of the present fleet stand.
    pub(crate) fn drawn(&self) -> &pages::lamps::Drawn {
        &self.0.drawn
    }

    /// How often one address may report.
    pub(crate) fn report_limit(&self) -> &limit::Limit {
        &self.0.reports
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.0.provider
    }

    /// Everything that answers over HTTP.
    #[must_use]
    pub fn router(&self) -> Router {
        headers::harden(routes::router(self))
    }
}
