//! Ways to choose a rate: ours, and what others do. All see the same telemetry.

use domain::campaign::pace::{Gains, Pacer, Reading};

use super::world::PROMISE;

/// Chooses a rate, second by second.
pub(super) trait Law {
    /// The rate in sites per second. `used` says whether the rate before was used up.
    fn step(&mut self, reading: Option<Reading>, used: bool) -> f64;

    /// Sites that may be in flight, where the law does not derive them from its rate.
    fn credits(&self) -> Option<usize> {
        None
    }
}

/// Ours.
pub(super) struct Adaptive(Pacer);

impl Adaptive {
    pub(super) fn new() -> Self {
        Self(Pacer::new(PROMISE, Gains::default()))
    }

    /// The law it was made from.
    pub(super) fn reference() -> Self {
        Self(Pacer::new(PROMISE, Gains::reference()))
    }
}

impl Law for Adaptive {
    fn step(&mut self, reading: Option<Reading>, used: bool) -> f64 {
        self.0.step(reading, used, 1.0)
    }
}

/// A fixed rate, as an operator chooses it once.
pub(super) struct TokenBucket(pub(super) f64);

impl Law for TokenBucket {
    fn step(&mut self, _: Option<Reading>, _: bool) -> f64 {
        self.0
    }

    fn credits(&self) -> Option<usize> {
        Some(usize::MAX)
    }
}

fn latency(reading: Option<Reading>) -> f64 {
    reading
        .and_then(|one| one.p95_seconds)
        .unwrap_or(PROMISE.idle_p95_seconds)
}

fn utilisation(reading: Option<Reading>) -> f64 {
    reading.map_or(0.0, |one| one.utilisation)
}

/// Adds each second; multiplies when the promise, or the origin's last reserve, is touched.
/// Chiu and Jain, "Analysis of the increase and decrease algorithms", 1989.
pub(super) struct Aimd {
    add: f64,
    multiply: f64,
    rate: f64,
    rest_seconds: u32,
}

impl Aimd {
    pub(super) fn new(add: f64, multiply: f64) -> Self {
        Self {
            add,
            multiply,
            rate: 1.0,
            rest_seconds: 0,
        }
    }
}

impl Law for Aimd {
    fn step(&mut self, reading: Option<Reading>, used: bool) -> f64 {
        self.rest_seconds = self.rest_seconds.saturating_sub(1);
        let pressed =
            latency(reading) > 0.7 * PROMISE.promise_p95_seconds || utilisation(reading) > 0.97;
        if pressed && self.rest_seconds == 0 {
            self.rate = (self.rate * self.multiply).max(1.0);
            // One decrease for one overload: its effect shows after the delay of the sites.
            self.rest_seconds = 5;
        } else if !pressed && used {
            self.rate += self.add;
        }
        self.rate
    }
}

/// Proportional and integral control of utilisation towards the same target as ours.
pub(super) struct Proportional {
    proportional: f64,
    integral: f64,
    rate: f64,
    error_before: f64,
}

impl Proportional {
    pub(super) fn new(proportional: f64, integral: f64) -> Self {
        Self {
            proportional,
            integral,
            rate: 1.0,
            error_before: 0.0,
        }
    }
}

impl Law for Proportional {
    fn step(&mut self, reading: Option<Reading>, used: bool) -> f64 {
        let error = Gains::default().utilisation_target - utilisation(reading);
        let change = self.proportional * (error - self.error_before) + self.integral * error;
        self.error_before = error;
        if used || change < 0.0 {
            self.rate = (self.rate + change).max(1.0);
        }
        self.rate
    }
}

/// Decreases by how far latency is over a target. After Kumar and others, "Swift: delay is simple
/// and effective for congestion control in the datacenter", SIGCOMM 2020, section 3.1.
pub(super) struct Swift {
    add: f64,
    beta: f64,
    rate: f64,
    rest_seconds: u32,
}

impl Swift {
    pub(super) fn new(add: f64, beta: f64) -> Self {
        Self {
            add,
            beta,
            rate: 1.0,
            rest_seconds: 0,
        }
    }
}

impl Law for Swift {
    fn step(&mut self, reading: Option<Reading>, used: bool) -> f64 {
        let target = 0.4 * PROMISE.promise_p95_seconds;
        let delay = latency(reading);
        self.rest_seconds = self.rest_seconds.saturating_sub(1);
        if delay < target {
            self.rate += if used { self.add } else { 0.0 };
        } else if self.rest_seconds == 0 {
            let factor = 1.0 - self.beta * (delay - target) / delay;
            self.rate = (self.rate * factor.max(0.5)).max(1.0);
            self.rest_seconds = 3;
        }
        self.rate
    }
}
