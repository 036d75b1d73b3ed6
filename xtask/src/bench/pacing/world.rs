//! An origin that nobody knows: its capacity changes, visitors load it, refills come late.
//! A fluid queue, second by second; the latency of many servers after Sakasegawa, "An approximation
//! formula Lq = a*rho^b/(1-rho)", Annals of the Institute of Statistical Mathematics 1977.

use std::collections::VecDeque;

use domain::campaign::bound::{least_seconds, score};
use domain::campaign::pace::{Bucket, Promise, Reading, in_flight_max};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::laws::Law;

/// What is promised of every origin, and known of it.
pub(super) const PROMISE: Promise = Promise {
    idle_p95_seconds: 0.2,
    promise_p95_seconds: 1.0,
};
/// One request keeps one server busy this long on the mean.
const SERVICE_SECONDS: f64 = 0.1;
/// A site is told, drops its cache and asks the origin after one to this many seconds.
const SITE_SECONDS_MAX: usize = 5;
/// From the refill to its proof.
const PROOF_SECONDS: f64 = 1.0;
/// Telemetry is the mean over so many seconds.
const TELEMETRY_SECONDS: usize = 3;
/// The formula for waits holds in a steady state: it is given the load of this long. Chance within
/// it is the formula's own; chance from second to second shows in the backlog.
const STEADY_SECONDS: usize = 10;
/// A law that needs longer has lost.
const SECONDS_MAX: usize = 100_000;

/// Mean or single result of a law.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) time_over_bound: f64,
    pub(super) seconds_over_promise_share: f64,
}

pub(super) struct World {
    chance: ChaCha8Rng,
    /// Requests per second that all servers together answer, at best.
    capacity_full: f64,
    capacity: f64,
    capacity_changes_at: usize,
    visitors_share: f64,
    visitors_phase: f64,
    backlog: f64,
    /// Refills on their way to the origin, by the second they arrive.
    coming: VecDeque<f64>,
    /// Refills at the origin or being proved: their number, and when they are verified.
    open: VecDeque<(f64, f64)>,
    seen: VecDeque<(f64, f64)>,
    busy: VecDeque<f64>,
}

impl World {
    /// A world made by `seed`, `scale` times as large as usual.
    pub(super) fn new(seed: u64, scale: f64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let capacity_full = scale * 60.0 * 3f64.powf(chance.random::<f64>());
        Self {
            capacity_full,
            capacity: capacity_full,
            capacity_changes_at: 0,
            visitors_share: chance.random_range(0.25..0.45),
            visitors_phase: chance.random_range(0.0..std::f64::consts::TAU),
            backlog: 0.0,
            coming: VecDeque::from(vec![0.0; SITE_SECONDS_MAX + 1]),
            open: VecDeque::new(),
            seen: VecDeque::new(),
            busy: VecDeque::new(),
            chance,
        }
    }

    /// Takes a campaign of `sites` sites through this world at the pace of `law`.
    pub(super) fn run(mut self, law: &mut dyn Law, sites: f64) -> Outcome {
        let (mut waiting, mut verified, mut in_flight) = (sites, 0.0, 0.0);
        let (mut spare, mut p95s) = (vec![], vec![]);
        let mut bucket = Bucket::default();
        let mut used = true;
        for second in 0..SECONDS_MAX {
            let rate = law.step(self.reading(), used);
            let credits = law
                .credits()
                .unwrap_or_else(|| in_flight_max(rate, PROMISE, verified as u64));
            let room = (credits as f64 - in_flight).max(0.0) as usize;
            let allowed = bucket.fill(rate, 1.0, room);
            let begun = (allowed as f64).min(waiting);
            bucket.take(begun as usize);
            used = if room == 0 {
                false
            } else {
                allowed == 0 && used || begun > 0.0
            };
            waiting -= begun;
            in_flight += begun;
            self.send(begun);
            let (left, p95) = self.second(second);
            spare.push(left);
            p95s.push(Some(p95));
            let done = self.proved(second as f64);
            verified += done;
            in_flight -= done;
            if verified > sites - 0.5 {
                break;
            }
        }
        // The bound may not end before the campaign did: the same seconds are judged.
        let seconds = p95s.len() as f64;
        let least = least_seconds(&spare, sites).unwrap_or(seconds);
        let score = score(seconds, least, &p95s, PROMISE.promise_p95_seconds);
        Outcome {
            time_over_bound: score.time_over_bound,
            seconds_over_promise_share: score.seconds_over_promise_share,
        }
    }

    fn reading(&self) -> Option<Reading> {
        let count = self.seen.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| self.seen.iter().map(of).sum::<f64>() / count;
        (count > 0.0).then(|| Reading {
            utilisation: mean(|one| one.0),
            p95_seconds: Some(mean(|one| one.1)),
        })
    }

    /// Spreads sites that were begun over the seconds in which their refills arrive.
    fn send(&mut self, begun: f64) {
        for delay in 1..=SITE_SECONDS_MAX {
            self.coming[delay] += begun / SITE_SECONDS_MAX as f64;
        }
    }

    /// One second of the origin; gives the capacity that visitors left over, and the p95 of latency.
    fn second(&mut self, second: usize) -> (f64, f64) {
        self.change_capacity(second);
        let visitors = self.visitors(second);
        let refills = self.coming.pop_front().unwrap_or(0.0);
        self.coming.push_back(0.0);
        let offered = self.backlog + visitors + refills;
        let served = offered.min(self.capacity);
        self.backlog = offered - served;
        let busy = served / self.capacity;
        let queue_seconds = self.backlog / self.capacity;
        // The tail of an exponential wait: its 95th percentile is three times its mean.
        self.busy.push_back(busy);
        if self.busy.len() > STEADY_SECONDS {
            self.busy.pop_front();
        }
        let steady = self.busy.iter().sum::<f64>() / self.busy.len() as f64;
        let p95 = PROMISE.idle_p95_seconds + 3.0 * self.mean_wait(steady) + queue_seconds;
        if refills > 0.0 {
            self.open
                .push_back((second as f64 + queue_seconds + PROOF_SECONDS, refills));
        }
        self.seen.push_back((busy, p95));
        if self.seen.len() > TELEMETRY_SECONDS {
            self.seen.pop_front();
        }
        (self.capacity - visitors, p95)
    }

    fn mean_wait(&self, busy: f64) -> f64 {
        let servers = (self.capacity * SERVICE_SECONDS).max(1.0);
        let busy = busy.min(0.995);
        SERVICE_SECONDS * busy.powf((2.0 * (servers + 1.0)).sqrt() - 1.0) / (servers * (1.0 - busy))
    }

    /// Every few minutes a part of the servers goes away or comes back.
    fn change_capacity(&mut self, second: usize) {
        if second >= self.capacity_changes_at {
            self.capacity = self.capacity_full * self.chance.random_range(0.8..1.0);
            let stay_seconds = -600.0 * (1.0 - self.chance.random::<f64>()).ln();
            self.capacity_changes_at = second + 300 + stay_seconds as usize;
        }
    }

    /// Visitors come and go over half an hour, and by chance.
    fn visitors(&mut self, second: usize) -> f64 {
        let turn = second as f64 / 1_800.0 * std::f64::consts::TAU + self.visitors_phase;
        let mean = self.capacity_full * self.visitors_share * (1.0 + 0.25 * turn.sin());
        (mean + mean.sqrt() * self.normal()).max(0.0)
    }

    /// A standard normal number, after Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, turn): (f64, f64) = (self.chance.random(), self.chance.random());
        (-2.0 * (1.0 - radius).ln()).sqrt() * (turn * std::f64::consts::TAU).cos()
    }

    /// Refills that were proved by `second`.
    fn proved(&mut self, second: f64) -> f64 {
        let mut done = 0.0;
        while let Some((_, refills)) = self.open.pop_front_if(|(at, _)| *at <= second) {
            done += refills;
        }
        done
    }
}
