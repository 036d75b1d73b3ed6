//! One line before several workers, first come first served, in seconds since the start.
//!
//! Because service times are known on entry, so is the moment each request is done: the line itself
//! is exact, and only the wait for that moment is at the mercy of the machine's timers.
//! Never waits, never reads a clock.

use std::collections::BTreeMap;

use domain::campaign::bound;

/// Telemetry averages utilisation over this many seconds.
const UTILISATION_SECONDS: usize = 5;
/// Telemetry takes the 95th percentile over this many seconds: enough requests to have one.
const LATENCY_SECONDS: f64 = 10.0;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A visitor's page view.
    Visit,
    /// A part of a cache's refill.
    Refill,
}

/// How well a stretch of time was used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The duration over the bound `T*`.
    pub time_over_bound: f64,
    /// `T*` in seconds.
    pub bound_seconds: f64,
    /// Share of the seconds whose 95th percentile of latency was over the promise.
    pub seconds_over_promise_share: f64,
    /// The mean share of present workers that were busy.
    pub utilisation_mean: f64,
}

/// What happened in one second.
#[derive(Clone, Copy, Default)]
struct Second {
    visit_busy: f64,
    refill_busy: f64,
    away: f64,
}

/// The line, its workers, and its books.
pub(super) struct Line {
    /// When each worker is free again.
    free_at: Vec<f64>,
    seconds: Vec<Second>,
    /// Latency of each request by the moment it was done, in microseconds, and a running number.
    done: BTreeMap<(i64, u64), f64>,
    served: u64,
}

impl Line {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            free_at: vec![0.0; workers.max(1)],
            seconds: Vec::new(),
            done: BTreeMap::new(),
            served: 0,
        }
    }

    /// Enters a request; says when it is done, or `None` when it would wait too long.
    pub(super) fn enter(
        &mut self,
        now: f64,
        service: f64,
        wait_max: f64,
        kind: Kind,
    ) -> Option<f64> {
        let worker = self.soonest();
        let begin = self.free_at[worker].max(now);
        if begin - now > wait_max {
            return None;
        }
        let end = begin + service;
        self.free_at[worker] = end;
        self.spread(begin, end, |second, share| match kind {
            Kind::Visit => second.visit_busy += share,
            Kind::Refill => second.refill_busy += share,
        });
        self.served += 1;
        self.done.insert((micros(end), self.served), end - now);
        Some(end)
    }

    /// Keeps a share of the workers from beginning anything for `duration` seconds.
    pub(super) fn send_away(&mut self, now: f64, share: f64, duration: f64) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a few workers"
        )]
        let count = (self.free_at.len() as f64 * share).round() as usize;
        for _ in 0..count {
            let worker = self.soonest();
            let begin = self.free_at[worker].max(now);
            self.free_at[worker] = begin + duration;
            self.spread(begin, begin + duration, |second, share| {
                second.away += share;
            });
        }
    }

    /// Utilisation over the last seconds, and the 95th percentile of latency.
    pub(super) fn load(&self, now: f64) -> (f64, Option<f64>) {
        let end = second_of(now);
        let past = self
            .seconds
            .get(end.saturating_sub(UTILISATION_SECONDS)..end.min(self.seconds.len()));
        (self.utilisation(past.unwrap_or_default()), self.p95(now))
    }

    /// Scores the time from `from` to `to`.
    pub(super) fn score(&self, from: f64, to: f64, promise: f64) -> Option<Scored> {
        let (first, last) = (second_of(from), second_of(to).min(self.seconds.len()));
        let seconds = self.seconds.get(first..last)?;
        let spare: Vec<_> = seconds
            .iter()
            .map(|second| self.present(second) - second.visit_busy)
            .collect();
        let work = seconds.iter().map(|second| second.refill_busy).sum();
        let least = bound::least_seconds(&spare, work)?;
        #[expect(clippy::cast_precision_loss, reason = "seconds of a drill")]
        let p95: Vec<_> = (first..last)
            .map(|second| self.p95(second as f64 + 1.0))
            .collect();
        let score = bound::score(to - from, least, &p95, promise);
        Some(Scored {
            time_over_bound: score.time_over_bound,
            bound_seconds: least,
            seconds_over_promise_share: score.seconds_over_promise_share,
            utilisation_mean: self.utilisation(seconds),
        })
    }

    /// The 95th percentile of latency of what was done in the seconds before `now`.
    fn p95(&self, now: f64) -> Option<f64> {
        let range = (micros(now - LATENCY_SECONDS), 0)..(micros(now), 0);
        let mut latencies: Vec<_> = self
            .done
            .range(range)
            .map(|(_, latency)| *latency)
            .collect();
        latencies.sort_by(f64::total_cmp);
        // The nearest rank: the smallest value that at least 95% do not exceed.
        let rank = (latencies.len() * 95).div_ceil(100);
        latencies.get(rank.checked_sub(1)?).copied()
    }

    fn utilisation(&self, seconds: &[Second]) -> f64 {
        let present: f64 = seconds.iter().map(|second| self.present(second)).sum();
        let busy: f64 = seconds
            .iter()
            .map(|second| second.visit_busy + second.refill_busy)
            .sum();
        if present > 0.0 {
            (busy / present).min(1.0)
        } else {
            0.0
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a few workers")]
    fn present(&self, second: &Second) -> f64 {
        self.free_at.len() as f64 - second.away
    }

    fn soonest(&self) -> usize {
        let workers = self.free_at.iter().enumerate();
        workers
            .min_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(worker, _)| worker)
    }

    /// Adds the stretch from `begin` to `end` to the seconds it touches.
    fn spread(&mut self, begin: f64, end: f64, add: impl Fn(&mut Second, f64)) {
        let (first, last) = (second_of(begin), second_of(end));
        if self.seconds.len() <= last {
            self.seconds.resize(last + 1, Second::default());
        }
        for at in first..=last {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a drill")]
            let start = at as f64;
            let share = end.min(start + 1.0) - begin.max(start);
            add(&mut self.seconds[at], share.max(0.0));
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a drill; what came before the start counts as its first second"
)]
fn second_of(at: f64) -> usize {
    at.max(0.0) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a drill")]
fn micros(at: f64) -> i64 {
    (at * 1e6) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_wait_for_the_first_free_worker_in_turn() {
        let mut line = Line::new(2);
        let mut enter = |now, service| line.enter(now, service, 10.0, Kind::Visit);
        assert_eq!(enter(0.0, 3.0), Some(3.0));
        assert_eq!(enter(0.0, 5.0), Some(5.0));
        assert_eq!(enter(1.0, 2.0), Some(5.0), "waits for the first worker");
        assert_eq!(enter(1.0, 1.0), Some(6.0));
        assert_eq!(
            enter(20.0, 1.0),
            Some(21.0),
            "an idle worker begins at once"
        );
    }

    #[test]
    fn who_would_wait_too_long_is_turned_away() {
        let mut line = Line::new(1);
        assert!(line.enter(0.0, 11.0, 10.0, Kind::Visit).is_some());
        assert!(line.enter(0.0, 1.0, 10.0, Kind::Visit).is_none());
    }

    #[test]
    fn load_counts_only_present_workers() {
        let mut line = Line::new(4);
        line.send_away(0.0, 0.5, 100.0);
        line.enter(0.0, 10.0, 100.0, Kind::Refill);
        let (utilisation, p95) = line.load(10.0);
        assert!((utilisation - 0.5).abs() < 1e-9, "{utilisation}");
        assert_eq!(p95, None, "the request is done at the very end");
        assert_eq!(line.load(10.5).1, Some(10.0));
    }

    #[test]
    fn a_campaign_that_keeps_every_worker_busy_meets_the_bound() {
        let mut line = Line::new(2);
        for _ in 0..10 {
            line.enter(0.0, 4.0, 100.0, Kind::Refill);
        }
        let score = line.score(0.0, 20.0, 10.0).unwrap();
        assert!((score.time_over_bound - 1.0).abs() < 0.06, "{score:?}");
        let slow = line.score(0.0, 21.0, 1e3).unwrap();
        assert_eq!(slow.seconds_over_promise_share, 0.0);
        assert!(score.seconds_over_promise_share > 0.3, "{score:?}");
    }
}
