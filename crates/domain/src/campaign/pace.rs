//! How fast a campaign goes: a law that finds an origin's capacity without knowing it.
//! Decides rates and credits. Never measures, never sends.

/// How a campaign is paced.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Pace {
    /// By the origin's own telemetry.
    #[default]
    Adaptive,
    /// At this rate, whatever the origin says.
    FixedRate {
        /// Sites begun per second.
        sites_per_second: f64,
    },
    /// This many sites at a time.
    FixedConcurrency {
        /// Sites that hold a credit at once.
        sites: u32,
    },
}

/// A pace that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a fixed pace lies between 0.01 and 10000 sites per second, or 1 and 10000 sites at once")]
pub struct BadPace;

impl Pace {
    /// Refuses a pace that cannot be meant.
    ///
    /// # Errors
    /// When a fixed number is out of bounds.
    pub fn check(self) -> Result<(), BadPace> {
        let sane = match self {
            Self::Adaptive => true,
            Self::FixedRate { sites_per_second } => (0.01..=10_000.0).contains(&sites_per_second),
            Self::FixedConcurrency { sites } => (1..=10_000).contains(&sites),
        };
        if sane { Ok(()) } else { Err(BadPace) }
    }
}

/// What the origin said about its last seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Share of its workers that were busy, 0 to 1.
    pub utilisation: f64,
    /// 95th percentile of latency in seconds; absent without requests.
    pub p95_seconds: Option<f64>,
}

/// What is known of an origin beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// 95th percentile of latency when idle, in seconds (`L0`).
    pub idle_p95_seconds: f64,
    /// The promised 95th percentile of latency, in seconds (`L*`).
    pub promise_p95_seconds: f64,
}

/// The numbers of the law, per second of time, found by simulation over hidden and changing
/// capacities: `cargo xtask bench pacing` compares them with each other and with other laws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gains {
    /// Growth near the rate that braked last.
    pub k_slow: f64,
    /// Growth well below it.
    pub k_fast: f64,
    /// Strength of the brake.
    pub beta: f64,
    /// The utilisation aimed at.
    pub utilisation_target: f64,
    /// Latency pressure that brakes.
    pub theta: f64,
    /// The latency pressure aimed at, where latency binds before utilisation does: on an origin of
    /// few servers. Without it the rate settles between the promise and `theta`.
    pub latency_target: f64,
    /// The first brake after the slow start multiplies the rate by this: it overshot by what it
    /// grew while the load was still on its way.
    pub first_brake: f64,
}

impl Gains {
    /// The reference law: growth looks at utilisation only, and every brake is alike.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            k_slow: 0.04,
            k_fast: 0.1,
            beta: 0.3,
            utilisation_target: 0.89,
            theta: 1.05,
            latency_target: f64::INFINITY,
            first_brake: 1.0,
        }
    }
}

impl Default for Gains {
    /// The reference law, made to hold the promise on small origins and after the slow start.
    fn default() -> Self {
        Self {
            latency_target: 0.75,
            first_brake: 0.5,
            ..Self::reference()
        }
    }
}

/// Utilisation over its target that brakes, whatever the latency.
const PRESSURE_MAX: f64 = 1.1;
/// Slow start multiplies the rate by this each second ...
const SLOW_START_GROWTH: f64 = 1.08;
/// ... until the utilisation over its target passes this.
const SLOW_START_ENDS: f64 = 0.85;
/// Below this share of the rate at the last brake, growth is fast.
const FAST_BELOW: f64 = 0.85;
/// Utilisation is smoothed over about this long.
const SMOOTHING_SECONDS: f64 = 3.0;
/// Without telemetry for this long, nothing more is begun.
const MISSING_PAUSES_SECONDS: f64 = 10.0;
/// The rate at the start.
pub const RATE_START_PER_SECOND: f64 = 1.0;
/// The least while running: a probe of the capacity must go on. Well below the start: an origin may
/// bear less than a site per second, and the promise to its visitors comes first.
pub const RATE_MIN_PER_SECOND: f64 = 0.02;
/// No origin is cleared faster, whatever it says of itself.
pub const RATE_MAX_PER_SECOND: f64 = 20_000.0;

/// The law's state for one origin.
///
/// The growth is exponential, so that the time to find the capacity grows with its logarithm: a
/// rate that is added to (AIMD) needs a hundred times longer at a hundred times the capacity.
#[derive(Clone, Debug)]
pub struct Pacer {
    promise: Promise,
    gains: Gains,
    rate_per_second: f64,
    /// The rate at which the last brake began.
    braked_at: Option<f64>,
    braking: bool,
    starting: bool,
    /// Smoothed utilisation over its target.
    pressure: Option<f64>,
    missing_seconds: f64,
}

impl Pacer {
    /// A pacer that knows nothing: one site per second, in slow start.
    #[must_use]
    pub fn new(promise: Promise, gains: Gains) -> Self {
        Self {
            promise,
            gains,
            rate_per_second: RATE_START_PER_SECOND,
            braked_at: None,
            braking: false,
            starting: true,
            pressure: None,
            missing_seconds: 0.0,
        }
    }

    /// A pacer after a restart: slow start from half of the rate that was borne before, if any.
    #[must_use]
    pub fn resumed(promise: Promise, gains: Gains, rate_per_second: f64) -> Self {
        let fresh = Self::new(promise, gains);
        if rate_per_second > 0.0 {
            Self {
                rate_per_second: bounded(rate_per_second / 2.0),
                ..fresh
            }
        } else {
            fresh
        }
    }

    /// The rate, in sites per second; 0 while telemetry is missing.
    #[must_use]
    pub fn rate_per_second(&self) -> f64 {
        if self.missing_seconds >= MISSING_PAUSES_SECONDS {
            0.0
        } else {
            self.rate_per_second
        }
    }

    /// Smoothed utilisation of the origin, 0 to 1, once known.
    #[must_use]
    pub fn utilisation(&self) -> Option<f64> {
        self.pressure
            .map(|pressure| pressure * self.gains.utilisation_target)
    }

    /// Moves on by `dt_seconds`, and gives the new rate in sites per second.
    ///
    /// `used` says whether the rate before was used up. A rate that nobody used proves nothing and
    /// does not grow: else a pause between waves would end in a flood.
    pub fn step(&mut self, reading: Option<Reading>, used: bool, dt_seconds: f64) -> f64 {
        match reading {
            Some(reading) => {
                self.missing_seconds = 0.0;
                self.follow(reading, used, dt_seconds);
            }
            None => {
                self.missing_seconds += dt_seconds;
                // Before the first telemetry there is nothing to brake for: the rate is the least,
                // and the slow start has not begun.
                if self.pressure.is_none() {
                    return self.rate_per_second();
                }
                self.brake(1.0 - self.gains.beta, dt_seconds);
            }
        }
        self.rate_per_second()
    }

    fn follow(&mut self, reading: Reading, used: bool, dt_seconds: f64) {
        let u = self.smoothed(
            reading.utilisation / self.gains.utilisation_target,
            dt_seconds,
        );
        let l = reading
            .p95_seconds
            .map_or(0.0, |p95| latency_pressure(self.promise, p95));
        if u > SLOW_START_ENDS || l > self.gains.theta {
            self.starting = false;
        }
        if l > self.gains.theta || u > PRESSURE_MAX {
            let excess = (l.max(u) - 1.0).clamp(0.05, 1.0);
            self.brake((1.0 - self.gains.beta * excess).max(0.5), dt_seconds);
            return;
        }
        self.braking = false;
        let exponent = if self.starting {
            SLOW_START_GROWTH.ln()
        } else {
            let pressure = u.max(l / self.gains.latency_target);
            (self.growth_gain() * (1.0 - pressure)).clamp(-0.3, 0.08)
        };
        if used || exponent < 0.0 {
            self.rate_per_second = bounded(self.rate_per_second * (exponent * dt_seconds).exp());
        }
    }

    fn growth_gain(&self) -> f64 {
        let far_below = |braked: f64| self.rate_per_second < FAST_BELOW * braked;
        if self.braked_at.is_some_and(far_below) {
            self.gains.k_fast
        } else {
            self.gains.k_slow
        }
    }

    fn brake(&mut self, factor_per_second: f64, dt_seconds: f64) {
        let first = self.braked_at.is_none();
        if !self.braking {
            self.braked_at = Some(self.rate_per_second);
        }
        if first {
            (self.braking, self.starting) = (true, false);
            self.rate_per_second = bounded(self.rate_per_second * self.gains.first_brake);
            // The reference law brakes as always.
            if self.gains.first_brake < 1.0 {
                return;
            }
        }
        (self.braking, self.starting) = (true, false);
        self.rate_per_second = bounded(self.rate_per_second * factor_per_second.powf(dt_seconds));
    }

    fn smoothed(&mut self, pressure: f64, dt_seconds: f64) -> f64 {
        let before = self.pressure.unwrap_or(pressure);
        let share = 1.0 - (-dt_seconds / SMOOTHING_SECONDS).exp();
        let after = before + share * (pressure - before);
        self.pressure = Some(after);
        after
    }
}

/// Bounded latency pressure: 0 when idle, 1 at the promise, and never more than
/// `1/(1 - L0/L*)`, so that one outlier cannot stop a campaign.
fn latency_pressure(promise: Promise, p95_seconds: f64) -> f64 {
    let Promise {
        idle_p95_seconds: idle,
        promise_p95_seconds: promised,
    } = promise;
    let span = 1.0 - idle / promised;
    if span <= 0.0 || p95_seconds <= 0.0 {
        return 0.0;
    }
    (1.0 - idle / p95_seconds) / span
}

fn bounded(rate: f64) -> f64 {
    // A rate that is not a number came from telemetry that is not one: begin again.
    if rate.is_nan() {
        RATE_START_PER_SECOND
    } else {
        rate.clamp(RATE_MIN_PER_SECOND, RATE_MAX_PER_SECOND)
    }
}

/// Turns rates into whole sites: what was not used up, up to one second's worth, is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    sites: f64,
}

impl Bucket {
    /// Sites that may be begun now, of a `rate_per_second` that held for `dt_seconds`, while
    /// `in_flight` sites hold their credits.
    #[must_use]
    pub fn fill(&mut self, rate_per_second: f64, dt_seconds: f64, room: usize) -> usize {
        self.sites = (self.sites + rate_per_second * dt_seconds).min(rate_per_second.max(1.0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 20,000"
        )]
        let whole = (self.sites.max(0.0) as usize).min(room);
        whole
    }

    /// Takes `sites` that were begun.
    #[expect(clippy::cast_precision_loss, reason = "at most 20,000")]
    pub fn take(&mut self, sites: usize) {
        self.sites -= sites as f64;
    }
}

/// How many sites may hold a credit at `rate_per_second`: as many as are begun in the time that a
/// refill and its proof may take. When refills stall, credits run out, and nothing more is begun.
///
/// Also no more than a few and one for each of the `settled` sites, those that gave their credit
/// back since this began: before the first came back nobody knows how long a refill loads the origin,
/// and a rate that is only right for short ones would pile up long ones. Doubles each time a refill takes,
/// as the slow start of Jacobson, "Congestion avoidance and control", SIGCOMM 1988, section 1.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded"
)]
pub fn in_flight_max(rate_per_second: f64, promise: Promise, settled: u64) -> usize {
    /// Telling the site, its refill and a sign-in: some eight requests, and the site's own delay.
    const REQUESTS: f64 = 8.0;
    const SITE_SECONDS: f64 = 15.0;
    const FEW: usize = 8;
    let seconds = SITE_SECONDS + REQUESTS * promise.promise_p95_seconds;
    let borne = (rate_per_second * seconds).ceil().clamp(0.0, 100_000.0) as usize;
    let known = usize::try_from(settled).unwrap_or(usize::MAX);
    borne.max(FEW).min(known.saturating_add(FEW))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Promise = Promise {
        idle_p95_seconds: 0.2,
        promise_p95_seconds: 1.0,
    };

    fn reading(utilisation: f64, p95_seconds: f64) -> Option<Reading> {
        Some(Reading {
            utilisation,
            p95_seconds: Some(p95_seconds),
        })
    }

    fn pacer() -> Pacer {
        Pacer::new(PROMISE, Gains::default())
    }

    #[test]
    fn slow_start_grows_by_eight_percent_each_second() {
        let mut pacer = pacer();
        for _ in 0..60 {
            pacer.step(reading(0.3, 0.2), true, 1.0);
        }
        assert!((pacer.rate_per_second() - 1.08f64.powi(60)).abs() < 1e-6);
    }

    #[test]
    fn gains_are_per_second_however_often_one_steps() {
        for (utilisation, p95) in [(0.3, 0.2), (0.85, 0.4), (1.0, 3.0)] {
            let (mut coarse, mut fine) = (pacer(), pacer());
            (coarse.rate_per_second, fine.rate_per_second) = (100.0, 100.0);
            for _ in 0..20 {
                coarse.step(reading(utilisation, p95), true, 1.0);
            }
            for _ in 0..200 {
                fine.step(reading(utilisation, p95), true, 0.1);
            }
            let ratio = fine.rate_per_second() / coarse.rate_per_second();
            assert!(
                (0.95..1.05).contains(&ratio),
                "{utilisation} {p95}: {ratio}"
            );
        }
    }

    #[test]
    fn pressure_is_one_at_the_promise_and_bounded() {
        assert!((latency_pressure(PROMISE, 1.0) - 1.0).abs() < 1e-9);
        assert!(latency_pressure(PROMISE, 0.2).abs() < 1e-9);
        assert!(latency_pressure(PROMISE, 1e9) <= 1.25);
    }

    #[test]
    fn latency_over_the_promise_brakes_and_growth_resumes() {
        let mut pacer = pacer();
        pacer.rate_per_second = 100.0;
        let braked = pacer.step(reading(0.8, 2.0), true, 1.0);
        assert!((50.0..99.0).contains(&braked), "{braked}");
        let after = pacer.step(reading(0.5, 0.3), true, 1.0);
        assert!(after > braked);
    }

    #[test]
    fn missing_telemetry_brakes_then_pauses_then_recovers() {
        let mut pacer = pacer();
        pacer.step(reading(0.3, 0.2), true, 1.0);
        pacer.rate_per_second = 100.0;
        let rates: Vec<_> = (0..12).map(|_| pacer.step(None, true, 1.0)).collect();
        assert!(rates[0] < 100.0 && rates[0] > 0.0, "{rates:?}");
        assert!(rates[9].abs() < 1e-9, "paused after ten seconds: {rates:?}");
        assert!(pacer.step(reading(0.3, 0.2), true, 1.0) >= RATE_MIN_PER_SECOND);
    }

    #[test]
    fn slow_start_waits_for_the_first_telemetry() {
        let mut pacer = pacer();
        pacer.step(None, true, 1.0);
        for _ in 0..10 {
            pacer.step(reading(0.3, 0.2), true, 1.0);
        }
        assert!((pacer.rate_per_second() - 1.08f64.powi(10)).abs() < 1e-6);
    }

    #[test]
    fn a_rate_that_nobody_uses_does_not_grow() {
        let mut pacer = pacer();
        pacer.rate_per_second = 10.0;
        for _ in 0..100 {
            pacer.step(reading(0.2, 0.2), false, 1.0);
        }
        assert!((pacer.rate_per_second() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn nonsense_from_an_origin_keeps_the_rate_within_bounds() {
        let mut pacer = pacer();
        for bad in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let rate = pacer.step(reading(bad, bad), true, 1.0);
            assert!(
                (RATE_MIN_PER_SECOND..=RATE_MAX_PER_SECOND).contains(&rate),
                "{bad}: {rate}"
            );
        }
    }

    #[test]
    fn a_bucket_keeps_no_more_than_a_second() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.fill(10.0, 60.0, 100), 10);
        bucket.take(10);
        assert_eq!(bucket.fill(0.5, 1.0, 100), 0);
        assert_eq!(bucket.fill(0.5, 1.0, 100), 1);
        assert_eq!(bucket.fill(10.0, 1.0, 3), 3);
    }

    #[test]
    fn credits_run_out_when_refills_stall_and_grow_with_those_that_came_back() {
        for (rate, settled, credits) in [
            (0.1, 0, 8),
            (0.1, 1_000, 8),
            (10.0, 1_000, 230),
            (10.0, 0, 8),
            (10.0, 50, 58),
            (f64::INFINITY, u64::MAX, 100_000),
        ] {
            assert_eq!(
                in_flight_max(rate, PROMISE, settled),
                credits,
                "{rate} {settled}"
            );
        }
    }
}
