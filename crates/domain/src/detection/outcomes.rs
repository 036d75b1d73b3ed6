//! Watches sign-in outcomes: failures by bets, silence by falls, on every stream of the tree.
//! Knows counts by kind of site, minute and error code. Never sees a person. A stream alarms only for
//! what stands without any one site: one is a broken sender, or an attack on one town.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use super::alarm::{Evidence, Stream};
use super::baseline::{lower, upper};
use super::counts::{Counts, SiteCounts};
use super::detector::Settings;
use super::fall::Fall;
use super::localise::{Tally, score};
use super::nodes::{Cell, Node, Population, tree};
use super::outcome::Bets;
use super::reports::Crossing;
use super::zones::{HOURS, hour_of_week, seconds, step_end};
use crate::id::SiteId;
use crate::name::ProductName;
use crate::site::Zone;

/// Minutes remembered for evidence.
const MINUTES_MAX: usize = 60;
/// The same in seconds.
const REMEMBERED_SECONDS: f64 = 3_600.0;
/// Error codes told apart in a minute; the rest count as "other".
const CODES_MAX: usize = 16;
/// The share of failures where nothing is known: people mistype passwords.
const PRIOR_SHARE: f64 = 0.05;
/// Failures that the prior share weighs as much as.
const SHARE_PSEUDO_COUNT: f64 = 5.0;
/// Half of what is usual is usual too: holidays are no alarm.
const QUIET_DAY_SHARE: f64 = 0.5;

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
    /// How much each site signs in, to know which one a stream hangs on.
    weights: HashMap<SiteId, Weight>,
    weights_day: i64,
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
    /// Attempts and failures by site.
    sites: BTreeMap<SiteId, (u32, u32)>,
}

/// Sign-ins of one site, those of each day before weighing half as much.
#[derive(Debug)]
struct Weight {
    cell: Cell,
    attempts: f64,
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
            weights: HashMap::new(),
            weights_day: 0,
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
    pub(crate) fn advance(&mut self, counts: &[SiteCounts], now: Timestamp) -> Vec<Crossing> {
        if !self.begun && counts.is_empty() {
            self.at = self.at.max(now);
            return vec![];
        }
        self.begun = true;
        let passed = seconds(self.at, now);
        self.at = self.at.max(now);
        self.remember(counts);
        let sums = by_cell(counts);
        let mut crossed = vec![];
        for watched in &mut self.watched {
            watched.refresh_rate(&self.baseline, now);
            watched.pass(passed, &sums);
        }
        for index in 0..self.watched.len() {
            for stream in [Stream::Failures, Stream::Silence] {
                let watched = &self.watched[index];
                if !watched.is_due(stream) {
                    continue;
                }
                // Evidence that hangs on one site is kept: others may join it.
                if let Some(crossing) = self.crossing(watched, stream) {
                    self.watched[index].restart(stream);
                    crossed.push(crossing);
                }
            }
        }
        crossed
    }

    fn remember(&mut self, counts: &[SiteCounts]) {
        let start = self.at.as_second().div_euclid(60) * 60;
        for one in counts {
            let minutes = self.minutes.entry(one.cell.clone()).or_default();
            if minutes.back().is_none_or(|minute| minute.start != start) {
                minutes.push_back(Minute::new(start));
            }
            if let Some(minute) = minutes.back_mut() {
                minute.add(one);
            }
        }
        let oldest = start - 60 * i64::try_from(MINUTES_MAX).unwrap_or(60);
        for minutes in self.minutes.values_mut() {
            while minutes.front().is_some_and(|minute| minute.start < oldest) {
                minutes.pop_front();
            }
        }
        self.minutes.retain(|_, minutes| !minutes.is_empty());
        self.weigh(counts);
    }

    fn weigh(&mut self, counts: &[SiteCounts]) {
        let day = self.at.as_second().div_euclid(86_400);
        if day != self.weights_day {
            self.weights_day = day;
            self.weights.retain(|_, weight| {
                weight.attempts /= 2.0;
                weight.attempts > 0.1
            });
        }
        for one in counts {
            let fresh = || Weight {
                cell: one.cell.clone(),
                attempts: 0.0,
            };
            let weight = self.weights.entry(one.site).or_insert_with(fresh);
            weight.cell.clone_from(&one.cell);
            weight.attempts += f64::from(one.counts.attempts);
        }
    }

    /// What is seen in a stream that is due; `None` when it hangs on one site.
    fn crossing(&self, watched: &Watched, stream: Stream) -> Option<Crossing> {
        match stream {
            Stream::Silence => self.silence(watched),
            _ => self.failures(watched),
        }
    }

    /// The last minutes that maximise `C ln(C/B) + B - C` of the stream's failures without those of
    /// the site that has most, and what they hold with it.
    fn failures(&self, watched: &Watched) -> Option<Crossing> {
        let (node, share) = (&watched.node, watched.share);
        let loudest = self.loudest(node);
        let mut by_minute: BTreeMap<i64, [f64; 4]> = BTreeMap::new();
        for minute in self.held(node) {
            let (attempts, failed) = (
                f64::from(minute.counts.attempts),
                f64::from(minute.counts.failed()),
            );
            let of_loudest = loudest.and_then(|site| minute.sites.get(&site));
            let (its_attempts, its_failed) =
                of_loudest.map_or((0.0, 0.0), |of| (f64::from(of.0), f64::from(of.1)));
            let new = [failed, attempts * share, its_failed, its_attempts * share];
            let sums = by_minute.entry(minute.start).or_default();
            sums.iter_mut().zip(new).for_each(|(sum, new)| *sum += new);
        }
        let mut sums = [0.0; 4];
        let (mut best, mut since, mut seen) = (f64::MIN, self.at.as_second(), sums);
        for (start, of_minute) in by_minute.into_iter().rev() {
            sums.iter_mut()
                .zip(of_minute)
                .for_each(|(sum, new)| *sum += new);
            let rest = score(sums[0] - sums[2], sums[1] - sums[3]);
            if rest > best {
                (best, since, seen) = (rest, start, sums);
            }
        }
        let sites = self.sites_failing(node, since);
        let enough = best >= nats_by_chance_once_in(watched.failures_threshold_seconds);
        if !enough || sites < self.settings.sites_min {
            return None;
        }
        let evidence = Evidence {
            count: whole(seen[0]),
            sites: u64::try_from(sites).unwrap_or(u64::MAX),
            expected: seen[1],
            since: Timestamp::from_second(since).unwrap_or(self.at),
        };
        Some(Crossing {
            node: node.clone(),
            stream: Stream::Failures,
            evidence,
            tallies: self.tallies(node, since, share),
        })
    }

    /// The site with most failures in the minutes remembered.
    fn loudest(&self, node: &Node) -> Option<SiteId> {
        let mut failures: BTreeMap<SiteId, u64> = BTreeMap::new();
        for (site, (_, failed)) in self.held(node).flat_map(|minute| &minute.sites) {
            *failures.entry(*site).or_default() += u64::from(*failed);
        }
        let most = failures.into_iter().max_by_key(|(_, failed)| *failed);
        most.map(|(site, _)| site)
    }

    fn sites_failing(&self, node: &Node, since: i64) -> usize {
        let minutes = self.held(node).filter(|minute| minute.start >= since);
        let failing = minutes.flat_map(|minute| {
            let sites = minute.sites.iter();
            sites.filter_map(|(site, (_, failed))| (*failed > 0).then_some(*site))
        });
        failing.collect::<BTreeSet<SiteId>>().len()
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
    fn silence(&self, watched: &Watched) -> Option<Crossing> {
        let (node, rate) = (&watched.node, watched.rate);
        let mut by_minute: BTreeMap<i64, f64> = BTreeMap::new();
        for minute in self.held(node) {
            *by_minute.entry(minute.start).or_default() += f64::from(minute.counts.attempts);
        }
        let usual = rate * 60.0;
        let last_loud = by_minute
            .iter()
            .rev()
            .find(|(_, attempts)| **attempts >= usual * 0.25);
        let oldest = self.at.as_second() - 60 * i64::try_from(MINUTES_MAX).unwrap_or(60);
        let start = last_loud
            .map_or(oldest, |(start, _)| start + 60)
            .min(self.at.as_second());
        let count: f64 = by_minute.range(start..).map(|(_, attempts)| attempts).sum();
        let since = Timestamp::from_second(start).unwrap_or(self.at);
        let expected = rate * seconds(since, self.at);
        if self.heaviest(node).is_some_and(|(site, share)| {
            let its = self.attempts_of(site, node, start);
            let rest = score_of_fall(count - its, expected * (1.0 - share));
            rest < nats_by_chance_once_in(watched.silence_threshold_seconds)
        }) {
            return None;
        }
        let evidence = Evidence {
            count: whole(count),
            sites: 0,
            expected,
            since,
        };
        Some(Crossing {
            node: node.clone(),
            stream: Stream::Silence,
            evidence,
            tallies: vec![],
        })
    }

    /// The site with most sign-ins of a stream over the last days, and its share of them.
    fn heaviest(&self, node: &Node) -> Option<(SiteId, f64)> {
        let held = || {
            self.weights
                .iter()
                .filter(|(_, weight)| node.holds(&weight.cell))
        };
        let all: f64 = held().map(|(_, weight)| weight.attempts).sum();
        let heaviest = held().max_by(|a, b| a.1.attempts.total_cmp(&b.1.attempts));
        heaviest.map(|(site, weight)| (*site, weight.attempts / all.max(1.0)))
    }

    fn attempts_of(&self, site: SiteId, node: &Node, since: i64) -> f64 {
        let minutes = self.held(node).filter(|minute| minute.start >= since);
        let its = minutes.filter_map(|minute| minute.sites.get(&site));
        its.map(|(attempts, _)| f64::from(*attempts)).sum()
    }

    fn held(&self, node: &Node) -> impl Iterator<Item = &Minute> {
        let cells = self.minutes.iter().filter(|(cell, _)| node.holds(cell));
        cells.flat_map(|(_, minutes)| minutes)
    }
}

impl Minute {
    fn new(start: i64) -> Self {
        Self {
            start,
            counts: Counts::default(),
            sites: BTreeMap::new(),
        }
    }

    fn add(&mut self, one: &SiteCounts) {
        let (attempts, failed) = (one.counts.attempts, one.counts.failed());
        let site = self.sites.entry(one.site).or_default();
        *site = (
            site.0.saturating_add(attempts),
            site.1.saturating_add(failed),
        );
        self.counts.attempts = self.counts.attempts.saturating_add(attempts);
        for (code, failed) in &one.counts.failures {
            let known = &mut self.counts.failures;
            let room = known.len() < CODES_MAX || known.contains_key(code);
            let code = if room { code.as_str() } else { "other" };
            let count = known.entry(code.to_owned()).or_default();
            *count = count.saturating_add(*failed);
        }
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

    /// Lets `seconds` pass, with attempts and failures by kind of site at their end.
    fn pass(&mut self, seconds: f64, sums: &BTreeMap<&Cell, (u32, u32)>) {
        let held = sums.iter().filter(|(cell, _)| self.node.holds(cell));
        let (attempts, failures) = held.fold((0u32, 0u32), |sum, (_, one)| {
            (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1))
        });
        self.bets.pass(seconds, attempts, failures, self.share);
        self.fall.pass(seconds, self.rate, attempts);
    }

    fn is_due(&self, stream: Stream) -> bool {
        match stream {
            Stream::Silence => {
                self.rate > 0.0 && self.fall.evidence_seconds() >= self.silence_threshold_seconds
            }
            _ => self.bets.evidence_seconds() >= self.failures_threshold_seconds,
        }
    }

    fn restart(&mut self, stream: Stream) {
        match stream {
            Stream::Silence => self.fall.restart(),
            _ => self.bets.restart(),
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

fn by_cell(counts: &[SiteCounts]) -> BTreeMap<&Cell, (u32, u32)> {
    let mut sums: BTreeMap<&Cell, (u32, u32)> = BTreeMap::new();
    for one in counts {
        let sum = sums.entry(&one.cell).or_default();
        sum.0 = sum.0.saturating_add(one.counts.attempts);
        sum.1 = sum.1.saturating_add(one.counts.failed());
    }
    sums
}

/// A score that the minutes remembered reach by chance about once in a time: chance reaches `s` nats
/// with probability `e^-s`. What is left without one site must reach it alone.
fn nats_by_chance_once_in(seconds: f64) -> f64 {
    (seconds / REMEMBERED_SECONDS).ln().max(0.0)
}

/// `C ln(C/B) + B - C` where fewer were counted than expected, else 0.
fn score_of_fall(count: f64, expected: f64) -> f64 {
    if count >= expected {
        0.0
    } else if count <= 0.0 {
        expected
    } else {
        count * (count / expected).ln() + expected - count
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of sign-ins stay far below 2^52"
)]
fn real(count: u64) -> f64 {
    count as f64
}
