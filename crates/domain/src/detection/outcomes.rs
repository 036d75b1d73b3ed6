//! Watches sign-in outcomes: failures by bets, silence by falls, on every stream of the tree.
//! Knows counts by kind of site, minute and error code. Never sees a person.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;

use super::alarm::{Evidence, Stream};
use super::baseline::{lower, upper};
use super::detector::Settings;
use super::fall::Fall;
use super::localise::{Tally, score};
use super::nodes::{Cell, Node, Population, tree};
use super::outcome::Bets;
use super::reports::Crossing;
use super::zones::{HOURS, hour_of_week, seconds, step_end};
use crate::name::ProductName;
use crate::site::Zone;

/// Minutes remembered for evidence.
const MINUTES_MAX: usize = 60;
/// Error codes told apart in a minute; the rest count as "other".
const CODES_MAX: usize = 16;
/// The share of failures where nothing is known: people mistype passwords.
const PRIOR_SHARE: f64 = 0.05;
/// Failures that the prior share weighs as much as.
const SHARE_PSEUDO_COUNT: f64 = 5.0;
/// Half of what is usual is usual too: holidays are no alarm.
const QUIET_DAY_SHARE: f64 = 0.5;

/// Sign-ins of one kind of sites since the last advance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sign-ins that ended, well or badly.
    pub attempts: u32,
    /// Those that failed, by error code.
    pub failures: BTreeMap<String, u32>,
}

/// What past hours say is usual.
#[derive(Clone, Debug, Default)]
pub struct OutcomeBaseline {
    /// Failed and all sign-ins, by product and zone.
    shares: HashMap<(ProductName, Zone), (f64, f64)>,
    /// Sign-ins per second at least, by product and zone and hour of the local week.
    rates: HashMap<(ProductName, Zone), [f64; HOURS]>,
}

/// Sign-ins of one product in one zone in one past hour.
#[derive(Clone, Debug)]
pub struct PastHour {
    /// The product.
    pub product: ProductName,
    /// The zone.
    pub zone: Zone,
    /// The start of the hour.
    pub start: Timestamp,
    /// Sign-ins in it.
    pub attempts: u64,
    /// Those that failed.
    pub failures: u64,
}

impl OutcomeBaseline {
    /// Learns from past hours; the hour of the week counts as usual once it was seen.
    #[must_use]
    pub fn learn(hours: &[PastHour]) -> Self {
        let mut baseline = Self::default();
        let mut seen: HashMap<_, [(f64, f64); HOURS]> = HashMap::new();
        for hour in hours {
            let key = (hour.product.clone(), hour.zone.clone());
            let share = baseline.shares.entry(key.clone()).or_default();
            *share = (share.0 + real(hour.failures), share.1 + real(hour.attempts));
            let of_week = hour_of_week(&hour.zone, hour.start);
            let sums = seen.entry(key).or_insert([(0.0, 0.0); HOURS]);
            sums[of_week] = (
                sums[of_week].0 + real(hour.attempts),
                sums[of_week].1 + 3_600.0,
            );
        }
        baseline.rates = seen
            .into_iter()
            .map(|(key, sums)| {
                (
                    key,
                    sums.map(|(count, time)| lower(count) / f64::max(time, 1.0)),
                )
            })
            .collect();
        baseline
    }

    /// The share of failures that is usual at most in a stream.
    fn share(&self, node: &Node) -> f64 {
        let held = self
            .shares
            .iter()
            .filter(|((product, zone), _)| holds(node, product, zone));
        let (failed, all) = held.fold((0.0, 0.0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1));
        let share = upper(failed + SHARE_PSEUDO_COUNT) / (all + SHARE_PSEUDO_COUNT / PRIOR_SHARE);
        share.clamp(0.001, 0.5)
    }

    /// Sign-ins per second that are usual at least in a stream; 0 where nothing is known.
    fn rate(&self, node: &Node, now: Timestamp) -> f64 {
        let held = self
            .rates
            .iter()
            .filter(|((product, zone), _)| holds(node, product, zone));
        held.map(|((_, zone), hours)| hours[hour_of_week(zone, now)] * QUIET_DAY_SHARE)
            .sum()
    }
}

fn holds(node: &Node, product: &ProductName, zone: &Zone) -> bool {
    let release = semver::Version::new(0, 0, 0);
    node.holds(&Cell {
        product: product.clone(),
        zone: zone.clone(),
        release,
    })
}

/// Every stream of sign-in outcomes.
#[derive(Debug)]
pub(crate) struct OutcomeStream {
    settings: Settings,
    baseline: OutcomeBaseline,
    watched: Vec<Watched>,
    minutes: BTreeMap<Cell, VecDeque<Minute>>,
    at: Timestamp,
    /// The first counts begin the watch: a fleet that sends none is not silent.
    begun: bool,
}

#[derive(Debug)]
struct Watched {
    node: Node,
    failures_threshold_seconds: f64,
    silence_threshold_seconds: f64,
    share: f64,
    rate: f64,
    rate_until: Timestamp,
    bets: Bets,
    fall: Fall,
}

#[derive(Debug)]
struct Minute {
    start: i64,
    counts: Counts,
}

impl OutcomeStream {
    /// Begins to watch at `now`, with nothing seen.
    #[must_use]
    pub(crate) fn new(settings: Settings, population: &Population, now: Timestamp) -> Self {
        let mut stream = Self {
            settings,
            baseline: OutcomeBaseline::default(),
            watched: vec![],
            minutes: BTreeMap::new(),
            at: now,
            begun: false,
        };
        stream.set_population(population);
        stream
    }

    /// Takes the fleet as it is now; streams that go on keep their evidence.
    pub(crate) fn set_population(&mut self, population: &Population) {
        let mut before: HashMap<Node, Watched> = self
            .watched
            .drain(..)
            .map(|watched| (watched.node.clone(), watched))
            .collect();
        let promise = self.settings.promise_seconds;
        for (node, weight) in tree(population, false) {
            let fresh = Watched::new(node.clone());
            let mut watched = before.remove(&node).unwrap_or(fresh);
            watched.failures_threshold_seconds = promise / (weight * Stream::Failures.share());
            watched.silence_threshold_seconds = promise / (weight * Stream::Silence.share());
            watched.share = self.baseline.share(&node);
            self.watched.push(watched);
        }
    }

    /// Takes a baseline learned since.
    pub(crate) fn set_baseline(&mut self, baseline: OutcomeBaseline) {
        for watched in &mut self.watched {
            watched.share = baseline.share(&watched.node);
            watched.rate_until = Timestamp::MIN;
        }
        self.baseline = baseline;
    }

    /// Lets time pass until `now`, with these counts since the last call; the streams that crossed.
    pub(crate) fn advance(&mut self, counts: &[(Cell, Counts)], now: Timestamp) -> Vec<Crossing> {
        if !self.begun && counts.is_empty() {
            self.at = self.at.max(now);
            return vec![];
        }
        self.begun = true;
        let passed = seconds(self.at, now);
        self.at = self.at.max(now);
        self.remember(counts);
        let mut crossed: Vec<(Node, Stream, f64)> = vec![];
        for watched in &mut self.watched {
            let held = counts.iter().filter(|(cell, _)| watched.node.holds(cell));
            let (attempts, failures) = held.fold((0u32, 0u32), |sum, (_, counts)| {
                let failed: u32 = counts.failures.values().sum();
                (
                    sum.0.saturating_add(counts.attempts),
                    sum.1.saturating_add(failed),
                )
            });
            watched.refresh_rate(&self.baseline, now);
            watched.bets.pass(passed, attempts, failures, watched.share);
            watched.fall.pass(passed, watched.rate, attempts);
            if watched.bets.evidence_seconds() >= watched.failures_threshold_seconds {
                watched.bets.restart();
                crossed.push((watched.node.clone(), Stream::Failures, watched.share));
            }
            if watched.rate > 0.0
                && watched.fall.evidence_seconds() >= watched.silence_threshold_seconds
            {
                watched.fall.restart();
                crossed.push((watched.node.clone(), Stream::Silence, watched.rate));
            }
        }
        crossed
            .into_iter()
            .map(|(node, stream, usual)| self.crossing(node, stream, usual))
            .collect()
    }

    fn remember(&mut self, counts: &[(Cell, Counts)]) {
        let start = self.at.as_second().div_euclid(60) * 60;
        for (cell, new) in counts {
            let minutes = self.minutes.entry(cell.clone()).or_default();
            if minutes.back().is_none_or(|minute| minute.start != start) {
                minutes.push_back(Minute {
                    start,
                    counts: Counts::default(),
                });
            }
            let Some(minute) = minutes.back_mut() else {
                continue;
            };
            minute.counts.attempts = minute.counts.attempts.saturating_add(new.attempts);
            for (code, failed) in &new.failures {
                let known = &mut minute.counts.failures;
                let room = known.len() < CODES_MAX || known.contains_key(code);
                let code = if room { code.as_str() } else { "other" };
                *known.entry(code.to_owned()).or_default() += failed;
            }
        }
        let oldest = start - 60 * i64::try_from(MINUTES_MAX).unwrap_or(60);
        for minutes in self.minutes.values_mut() {
            while minutes.front().is_some_and(|minute| minute.start < oldest) {
                minutes.pop_front();
            }
        }
        self.minutes.retain(|_, minutes| !minutes.is_empty());
    }

    fn crossing(&self, node: Node, stream: Stream, usual: f64) -> Crossing {
        match stream {
            Stream::Silence => self.silence(node, usual),
            _ => self.failures(node, usual),
        }
    }

    /// The last minutes that maximise `C ln(C/B) + B - C` of the stream's failures, and what they hold.
    fn failures(&self, node: Node, share: f64) -> Crossing {
        let mut by_minute: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
        for (start, counts) in self.held(&node) {
            let sum = by_minute.entry(start).or_default();
            *sum = (
                sum.0 + failed(counts),
                sum.1 + f64::from(counts.attempts) * share,
            );
        }
        let (mut count, mut expected) = (0.0, 0.0);
        let (mut best, mut since, mut seen) = (f64::MIN, self.at.as_second(), (0.0, 0.0));
        for (start, sum) in by_minute.into_iter().rev() {
            (count, expected) = (count + sum.0, expected + sum.1);
            if score(count, expected) > best {
                (best, since, seen) = (score(count, expected), start, (count, expected));
            }
        }
        let since_at = Timestamp::from_second(since).unwrap_or(self.at);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let evidence = Evidence {
            count: seen.0 as u64,
            expected: seen.1,
            since: since_at,
        };
        let tallies = self.tallies(&node, since, share);
        Crossing {
            node,
            stream: Stream::Failures,
            evidence,
            tallies,
        }
    }

    fn tallies(&self, node: &Node, since: i64, share: f64) -> Vec<Tally> {
        let mut tallies = vec![];
        for (cell, minutes) in self.minutes.iter().filter(|(cell, _)| node.holds(cell)) {
            let minutes = minutes.iter().filter(|minute| minute.start >= since);
            let (mut attempts, mut codes) = (0.0, BTreeMap::<&str, f64>::new());
            for minute in minutes {
                attempts += f64::from(minute.counts.attempts);
                for (code, failed) in &minute.counts.failures {
                    *codes.entry(code).or_default() += f64::from(*failed);
                }
            }
            if codes.is_empty() {
                let expected = attempts * share;
                tallies.push(Tally {
                    cell: cell.clone(),
                    code: None,
                    count: 0.0,
                    expected,
                });
            }
            #[expect(clippy::cast_precision_loss, reason = "at most 17 codes")]
            let each = attempts * share / codes.len().max(1) as f64;
            tallies.extend(codes.into_iter().map(|(code, count)| {
                let (cell, code) = (cell.clone(), Some(code.to_owned()));
                Tally {
                    cell,
                    code,
                    count,
                    expected: each,
                }
            }));
        }
        tallies
    }

    /// Silence since the last minute with at least a quarter of what is usual.
    fn silence(&self, node: Node, rate: f64) -> Crossing {
        let mut by_minute: BTreeMap<i64, f64> = BTreeMap::new();
        for (start, counts) in self.held(&node) {
            *by_minute.entry(start).or_default() += f64::from(counts.attempts);
        }
        let usual = rate * 60.0;
        let last_loud = by_minute
            .iter()
            .rev()
            .find(|(_, attempts)| **attempts >= usual * 0.25);
        let oldest = self.at.as_second() - 60 * i64::try_from(MINUTES_MAX).unwrap_or(60);
        let since = last_loud
            .map_or(oldest, |(start, _)| start + 60)
            .min(self.at.as_second());
        let count: f64 = by_minute.range(since..).map(|(_, attempts)| attempts).sum();
        let since = Timestamp::from_second(since).unwrap_or(self.at);
        let expected = rate * seconds(since, self.at);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let evidence = Evidence {
            count: count as u64,
            expected,
            since,
        };
        Crossing {
            node,
            stream: Stream::Silence,
            evidence,
            tallies: vec![],
        }
    }

    fn held(&self, node: &Node) -> impl Iterator<Item = (i64, &Counts)> {
        let cells = self.minutes.iter().filter(|(cell, _)| node.holds(cell));
        cells.flat_map(|(_, minutes)| minutes.iter().map(|minute| (minute.start, &minute.counts)))
    }
}

impl Watched {
    fn new(node: Node) -> Self {
        Self {
            node,
            failures_threshold_seconds: f64::MAX,
            silence_threshold_seconds: f64::MAX,
            share: PRIOR_SHARE,
            rate: 0.0,
            rate_until: Timestamp::MIN,
            bets: Bets::default(),
            fall: Fall::default(),
        }
    }

    /// The usual rate changes only at quarters of an hour.
    fn refresh_rate(&mut self, baseline: &OutcomeBaseline, now: Timestamp) {
        if self.rate_until <= now {
            self.rate = baseline.rate(&self.node, now);
            self.rate_until = step_end(now);
        }
    }
}

fn failed(counts: &Counts) -> f64 {
    counts
        .failures
        .values()
        .map(|failed| f64::from(*failed))
        .sum()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of sign-ins stay far below 2^52"
)]
fn real(count: u64) -> f64 {
    count as f64
}
