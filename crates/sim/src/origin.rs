//! The shared origin that config caches refill from, with a capacity nobody outside is told.
//!
//! Visitors' page views and refills wait in one line for its workers, in scenario time. Its
//! telemetry says what a real origin could say: utilisation and latency. Never knows of campaigns.

mod line;
#[cfg(test)]
mod paced;
mod visitors;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clock::Clock;
use jiff::Timestamp;
use protocol::origin::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::scenario::{OriginPlan, OriginSize};
pub use line::Scored;
use line::{Kind, Line};

/// Says which document version a refill holds; handed on from the control plane.
pub const VERSION_HEADER: &str = "lamplighter-document-version";

/// The origin. Cheap to clone.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

struct Inner {
    clock: Clock,
    plan: OriginPlan,
    size: OriginSize,
    start: Timestamp,
    line: Mutex<Line>,
    chance: Mutex<Chance>,
    /// Where the current document is had: the control plane's public config endpoint.
    source: String,
    http: reqwest::Client,
}

impl Origin {
    /// An origin sized for `sites` sites. `source` is the address of a document without its query.
    #[must_use]
    pub fn new(
        plan: &OriginPlan,
        sites: usize,
        clock: Clock,
        seed: u64,
        source: String,
        http: reqwest::Client,
    ) -> Self {
        let size = plan.size(sites);
        Self(Arc::new(Inner {
            start: clock.now(),
            plan: plan.clone(),
            size,
            line: Mutex::new(Line::new(size.workers)),
            chance: Mutex::new(Chance::new(seed, "origin")),
            source,
            http,
            clock,
        }))
    }

    /// How large it is. For the drill's own notes; Lamplighter is never told.
    #[must_use]
    pub fn size(&self) -> OriginSize {
        self.0.size
    }

    /// Lets visitors come, and workers go away as planned, until `stop`.
    pub fn run(&self, seed: u64, stop: &CancellationToken) {
        tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(visitors::come(self.clone(), seed)),
        );
        for away in self.0.plan.away.clone() {
            let origin = self.clone();
            tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                origin.0.clock.sleep_until(away.at).await;
                origin.send_away(away.share, Duration::from_secs_f64(away.minutes * 60.0));
            }));
        }
    }

    /// What it answers over HTTP: `GET /telemetry`, `GET /config/{site}?code=`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/telemetry", get(telemetry))
            .route("/config/{site}", get(refill))
            .with_state(self.clone())
    }

    /// How well the time from `from` to `to` was used: the bound for the refills in it, and the
    /// seconds in which visitors and refills together broke the promise.
    #[must_use]
    pub fn score(&self, from: Timestamp, to: Timestamp) -> Option<Scored> {
        let (from, to) = (self.since_start(from), self.since_start(to));
        self.line().score(from, to, self.0.plan.promise_p95_seconds)
    }

    /// Waits in the line, is served, and says whether it was.
    async fn read(&self, kind: Kind) -> bool {
        let Some(done) = self.enter(kind) else {
            return false;
        };
        self.0.clock.sleep_until(done).await;
        true
    }

    /// Takes a place in the line; says when the request will be done, unless turned away.
    fn enter(&self, kind: Kind) -> Option<Timestamp> {
        let plan = &self.0.plan;
        let service = self
            .chance()
            .log_normal(plan.service_seconds_mean, plan.service_spread);
        let now = self.since_start(self.0.clock.now());
        let done = self
            .line()
            .enter(now, service, plan.queue_seconds_max, kind)?;
        let done = jiff::SignedDuration::try_from_secs_f64(done).ok()?;
        self.0.start.checked_add(done).ok()
    }

    fn send_away(&self, share: f64, duration: Duration) {
        let now = self.since_start(self.0.clock.now());
        self.line().send_away(now, share, duration.as_secs_f64());
    }

    fn since_start(&self, at: Timestamp) -> f64 {
        at.duration_since(self.0.start).as_secs_f64()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chance(&self) -> MutexGuard<'_, Chance> {
        self.0.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn telemetry(State(origin): State<Origin>) -> axum::Json<Telemetry> {
    let now = origin.0.clock.now();
    let (utilisation, p95_seconds) = origin.line().load(origin.since_start(now));
    axum::Json(Telemetry {
        at_ms: now.as_millisecond(),
        utilisation,
        p95_seconds,
    })
}

#[derive(serde::Deserialize)]
struct Code {
    code: semver::Version,
}

/// Assembles a site's config: real work on the workers, then the current document.
async fn refill(
    State(origin): State<Origin>,
    Path(_site): Path<String>,
    Query(Code { code }): Query<Code>,
) -> Response {
    for _ in 0..origin.0.size.reads_per_refill {
        if !origin.read(Kind::Refill).await {
            return (StatusCode::SERVICE_UNAVAILABLE, "the line is too long").into_response();
        }
    }
    match origin.current(&code).await {
        Ok(response) => response,
        Err(e) => (StatusCode::BAD_GATEWAY, e.to_string()).into_response(),
    }
}

impl Origin {
    async fn current(&self, code: &semver::Version) -> reqwest::Result<Response> {
        let request = self
            .0
            .http
            .get(&self.0.source)
            .query(&[("code", code.to_string())]);
        let response = request.send().await?.error_for_status()?;
        let version = response.headers().get(VERSION_HEADER).cloned();
        let body = response.bytes().await?;
        let mut answer = ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(version) = version {
            answer.headers_mut().insert(VERSION_HEADER, version);
        }
        Ok(answer)
    }
}
