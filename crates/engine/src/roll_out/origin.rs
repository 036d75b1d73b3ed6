//! What is known of one product's origin while campaigns run: its telemetry, its pacer, its credits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use domain::campaign::pace::{Bucket, Gains, Pacer, Promise, Reading, in_flight_max};
use domain::product::Product;
use jiff::Timestamp;
use protocol::origin::Telemetry;

use crate::Engine;

/// Telemetry older than this is missing.
const TELEMETRY_SECONDS_MAX: f64 = 10.0;
/// Sites settled per second are smoothed over about this long.
const SETTLED_OVER_SECONDS: f64 = 30.0;
/// More tasks at once would only wait for this machine.
const IN_FLIGHT_MAX: usize = 1_000;

/// One origin, for as long as this process runs.
pub(super) struct Origin {
    promise: Promise,
    pacer: Pacer,
    bucket: Bucket,
    settled_per_second: f64,
    settled_before: u64,
    used: bool,
    pub(super) shared: Arc<Shared>,
}

/// What tasks share with the pacer.
#[derive(Default)]
pub(super) struct Shared {
    telemetry: ArcSwapOption<Telemetry>,
    asking: AtomicBool,
    in_flight: AtomicUsize,
    settled: AtomicU64,
}

/// Held by a site until its refill is verified or given up.
pub(super) struct Credit(Arc<Shared>);

impl Drop for Credit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.settled.fetch_add(1, Ordering::Relaxed);
    }
}

/// How an origin does, for those who watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginStatus {
    pub(crate) rate_per_second: f64,
    pub(crate) utilisation: Option<f64>,
    pub(crate) p95_seconds: Option<f64>,
    pub(crate) settled_per_second: f64,
    /// Whether a campaign is running on it.
    pub(crate) moving: bool,
}

impl Origin {
    /// `rate_before` is the rate that a process before this one reached, or 0.
    pub(super) fn new(product: &Product, rate_before: f64) -> Self {
        let settings = &product.settings;
        let promise = Promise {
            idle_p95_seconds: settings.idle_p95_seconds,
            promise_p95_seconds: settings.promise_p95_seconds,
        };
        Self {
            promise,
            pacer: Pacer::resumed(promise, Gains::default(), rate_before),
            bucket: Bucket::default(),
            settled_per_second: 0.0,
            settled_before: 0,
            used: false,
            shared: Arc::default(),
        }
    }

    /// Moves on by `dt_seconds`; gives how many sites may be begun by the law.
    pub(super) fn step(&mut self, now: Timestamp, dt_seconds: f64) -> usize {
        let reading = self.shared.reading(now);
        let rate = self.pacer.step(reading, self.used, dt_seconds);
        let settled = self.shared.settled.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "sites of one second")]
        let lately = (settled - self.settled_before) as f64 / dt_seconds;
        self.settled_before = settled;
        let share = 1.0 - (-dt_seconds / SETTLED_OVER_SECONDS).exp();
        self.settled_per_second += share * (lately - self.settled_per_second);
        let room = self.room(in_flight_max(rate, self.promise, settled));
        let allowed = self.bucket.fill(rate, dt_seconds, room);
        // Without room the rate is not used; below one site a step, the last answer stands.
        self.used &= room > 0;
        allowed
    }

    /// How many more may hold a credit, of `limit`.
    pub(super) fn room(&self, limit: usize) -> usize {
        limit
            .min(IN_FLIGHT_MAX)
            .saturating_sub(self.shared.in_flight.load(Ordering::Relaxed))
    }

    /// Notes that `sites` of the `allowed` were begun.
    pub(super) fn took(&mut self, sites: usize, allowed: usize) {
        self.bucket.take(sites);
        // Used up when nothing of the allowance was left over.
        self.used = sites >= allowed;
    }

    /// Whether a site still holds a credit.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.in_flight.load(Ordering::Relaxed) > 0
    }

    pub(super) fn credit(&self) -> Credit {
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        Credit(Arc::clone(&self.shared))
    }

    pub(super) fn rate_per_second(&self) -> f64 {
        self.pacer.rate_per_second()
    }

    pub(super) fn status(&self) -> OriginStatus {
        OriginStatus {
            rate_per_second: self.pacer.rate_per_second(),
            utilisation: self.pacer.utilisation(),
            p95_seconds: self
                .shared
                .telemetry
                .load()
                .as_ref()
                .and_then(|t| t.p95_seconds),
            settled_per_second: self.settled_per_second,
            moving: true,
        }
    }

    /// Asks the origin for its telemetry, unless an answer is still awaited.
    pub(super) fn ask(&self, engine: &Engine, product: &Product) {
        let Some(url) = product.settings.telemetry_url.clone() else {
            return;
        };
        if self.shared.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (engine, shared) = (engine.clone(), Arc::clone(&self.shared));
        tokio::spawn(async move {
            // Shorter than the time after which telemetry counts as missing.
            let limit = engine.machine_limit(Duration::from_secs(5));
            let answer = async {
                engine
                    .http()
                    .get(url)
                    .send()
                    .await?
                    .json::<Telemetry>()
                    .await
            };
            match tokio::time::timeout(limit, answer).await {
                Ok(Ok(telemetry)) => shared.telemetry.store(Some(Arc::new(telemetry))),
                Ok(Err(e)) => tracing::debug!("telemetry does not read: {e}"),
                Err(_) => tracing::debug!("telemetry did not come in time"),
            }
            shared.asking.store(false, Ordering::Release);
        });
    }
}

impl Shared {
    fn reading(&self, now: Timestamp) -> Option<Reading> {
        let telemetry = self.telemetry.load_full()?;
        let measured_at = Timestamp::from_millisecond(telemetry.at_ms).ok()?;
        let fresh = now.duration_since(measured_at).as_secs_f64() <= TELEMETRY_SECONDS_MAX;
        let Telemetry {
            utilisation,
            p95_seconds,
            ..
        } = *telemetry;
        // An origin that answers nonsense is as good as one that does not answer.
        let sane = (0.0..=1.5).contains(&utilisation) && p95_seconds.is_none_or(f64::is_finite);
        (fresh && sane).then_some(Reading {
            utilisation,
            p95_seconds,
        })
    }
}
