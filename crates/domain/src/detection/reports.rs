//! Watches reports: a Shiryaev-Roberts mixture on every stream of the tree. Distinct sites are
//! counted, so that one loud customer is one. Never learns what is usual; `baseline` does.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::alarm::{Evidence, Stream};
use super::baseline::{Baseline, held};
use super::detector::Settings;
use super::localise::{Explanation, Tally, score};
use super::nodes::{Cell, Node, Population, Term, tree};
use super::rise::Rise;
use super::zones::{seconds, step_end};
use crate::id::SiteId;
use crate::site::Zone;

/// Counted events that a stream remembers for its evidence.
const RECENT_MAX: usize = 512;

/// A report as detection sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The site that reported.
    pub site: SiteId,
    /// Its kind, when it reported.
    pub cell: Cell,
    /// What the report speaks of.
    pub terms: Vec<Term>,
    /// When it was taken.
    pub at: Timestamp,
}

impl Sighting {
    /// Whether a stream counts it.
    #[must_use]
    pub fn counts_for(&self, node: &Node) -> bool {
        match node {
            Node::Term { term } => self.terms.contains(term),
            _ => node.holds(&self.cell),
        }
    }
}

/// A stream that crossed its threshold.
pub(crate) struct Crossing {
    pub(crate) node: Node,
    pub(crate) stream: Stream,
    pub(crate) evidence: Evidence,
    pub(crate) tallies: Vec<Tally>,
}

/// Every stream of reports.
#[derive(Debug)]
pub struct ReportStream {
    settings: Settings,
    population: Population,
    baseline: Baseline,
    watched: Vec<Watched>,
    /// When each site last reported, overall and by term, within the window.
    last: HashMap<(SiteId, Option<Term>), Timestamp>,
    at: Timestamp,
}

#[derive(Debug)]
struct Watched {
    node: Node,
    threshold_seconds: f64,
    zones: Vec<(Zone, f64)>,
    /// Events per second at most, in the current quarter of an hour.
    rate: f64,
    rise: Rise,
    at: Timestamp,
    /// Events expected from the start until `at`.
    expected: f64,
    recent: VecDeque<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    at: Timestamp,
    site: SiteId,
    cell: Cell,
    /// The stream's `expected` just before it.
    expected: f64,
}

impl ReportStream {
    /// Begins to watch at `now`, with nothing seen.
    #[must_use]
    pub fn new(
        settings: Settings,
        population: Population,
        baseline: Baseline,
        now: Timestamp,
    ) -> Self {
        let mut stream = Self {
            settings,
            population: Population::default(),
            baseline,
            watched: vec![],
            last: HashMap::new(),
            at: now,
        };
        stream.set_population(population);
        stream
    }

    /// Takes the fleet as it is now; streams that go on keep their evidence.
    pub fn set_population(&mut self, population: Population) {
        let mut before: HashMap<Node, Watched> = self
            .watched
            .drain(..)
            .map(|watched| (watched.node.clone(), watched))
            .collect();
        let budget_seconds = self.settings.promise_seconds / Stream::Reports.share();
        for (node, weight) in tree(&population, true) {
            let fresh = Watched::new(node.clone(), self.at);
            let mut watched = before.remove(&node).unwrap_or(fresh);
            watched.threshold_seconds = budget_seconds / weight;
            watched.zones = zones(&node, &population);
            self.watched.push(watched);
        }
        self.population = population;
        self.set_rates();
    }

    /// Takes a baseline learned since.
    pub fn set_baseline(&mut self, baseline: Baseline) {
        self.baseline = baseline;
        self.set_rates();
    }

    /// The fleet as it is watched.
    pub(crate) fn population(&self) -> &Population {
        &self.population
    }

    /// The streams that are watched.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        self.watched
            .iter()
            .map(|watched| watched.node.clone())
            .collect()
    }

    /// Lets time pass. Rates change only at quarters of an hour.
    pub fn advance(&mut self, now: Timestamp) {
        while self.at < now {
            let end = step_end(self.at);
            if now < end {
                self.at = now;
                return;
            }
            self.watched
                .iter_mut()
                .for_each(|watched| watched.pass_until(end));
            self.at = end;
            self.set_rates();
            let window = self.settings.window_seconds;
            self.last.retain(|_, last| seconds(*last, end) < window);
        }
    }

    /// Takes a report; the nodes whose threshold it reached, which then start afresh.
    pub(crate) fn observe(&mut self, seen: &Sighting) -> Vec<Crossing> {
        self.advance(seen.at);
        let now = self.at;
        let fresh = self.is_fresh(seen.site, None, now);
        let terms: Vec<Term> = seen
            .terms
            .iter()
            .copied()
            .filter(|term| self.is_fresh(seen.site, Some(*term), now))
            .collect();
        let (sites_min, population, baseline) =
            (self.settings.sites_min, &self.population, &self.baseline);
        let counts = |node: &Node| match node {
            Node::Term { term } => terms.contains(term),
            _ => fresh && node.holds(&seen.cell),
        };
        let watched = self
            .watched
            .iter_mut()
            .filter(|watched| counts(&watched.node));
        watched
            .filter_map(|watched| watched.take(seen, now, sites_min, population, baseline))
            .collect()
    }

    /// Forgets the reports of trouble that is over: they are no evidence of the next.
    pub(crate) fn forget(&mut self, scope: &[Explanation]) {
        let over = |seen: &Seen| {
            scope
                .first()
                .is_none_or(|scope| scope.holds_cell(&seen.cell))
        };
        self.watched
            .iter_mut()
            .for_each(|watched| watched.recent.retain(|seen| !over(seen)));
    }

    /// True when the site did not report within the window; a site that goes on reporting stays one.
    fn is_fresh(&mut self, site: SiteId, term: Option<Term>, now: Timestamp) -> bool {
        let before = self.last.insert((site, term), now);
        before.is_none_or(|before| seconds(before, now) >= self.settings.window_seconds)
    }

    fn set_rates(&mut self) {
        let at = self.at;
        let mut by_zone: HashMap<Zone, f64> = HashMap::new();
        for watched in &mut self.watched {
            watched.pass_until(at);
            let per_zone = watched.zones.iter().map(|(zone, sites)| {
                let rate = by_zone
                    .entry(zone.clone())
                    .or_insert_with(|| self.baseline.per_site_second(zone, at));
                sites * *rate
            });
            watched.rate = per_zone.sum::<f64>() * self.baseline.factor(&watched.node);
        }
    }
}

fn zones(node: &Node, population: &Population) -> Vec<(Zone, f64)> {
    let mut zones: HashMap<Zone, f64> = HashMap::new();
    for (cell, sites) in held(node, population) {
        *zones.entry(cell.zone.clone()).or_default() += f64::from(sites);
    }
    let mut zones: Vec<_> = zones.into_iter().collect();
    zones.sort_by(|a, b| a.0.cmp(&b.0));
    zones
}

impl Watched {
    fn new(node: Node, at: Timestamp) -> Self {
        Self {
            node,
            threshold_seconds: f64::MAX,
            zones: vec![],
            rate: 0.0,
            rise: Rise::default(),
            at,
            expected: 0.0,
            recent: VecDeque::new(),
        }
    }

    fn pass_until(&mut self, at: Timestamp) {
        let passed = seconds(self.at, at);
        self.rise.pass(passed, self.rate);
        self.expected += passed * self.rate;
        self.at = self.at.max(at);
    }

    fn take(
        &mut self,
        seen: &Sighting,
        now: Timestamp,
        sites_min: usize,
        population: &Population,
        baseline: &Baseline,
    ) -> Option<Crossing> {
        self.pass_until(now);
        self.rise.event();
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        let (site, cell, expected) = (seen.site, seen.cell.clone(), self.expected);
        self.recent.push_back(Seen {
            at: now,
            site,
            cell,
            expected,
        });
        if self.rise.evidence_seconds() < self.threshold_seconds {
            return None;
        }
        let onset = self.onset();
        let sites: HashSet<SiteId> = onset.iter().map(|seen| seen.site).collect();
        if sites.len() < sites_min {
            return None;
        }
        self.rise.restart();
        Some(self.crossing(&onset, sites.len(), population, baseline))
    }

    /// The events since the likeliest start: those that maximise `C ln(C/B) + B - C`.
    fn onset(&self) -> Vec<Seen> {
        let (mut best, mut taken, mut count) = (f64::MIN, 0, 0.0);
        for (index, seen) in self.recent.iter().rev().enumerate() {
            count += 1.0;
            // Two events at one moment must not look infinitely unlikely.
            let expected = (self.expected - seen.expected).max(self.rate);
            let score = score(count, expected);
            if score > best {
                (best, taken) = (score, index + 1);
            }
        }
        self.recent
            .iter()
            .skip(self.recent.len() - taken)
            .cloned()
            .collect()
    }

    fn crossing(
        &self,
        onset: &[Seen],
        sites: usize,
        population: &Population,
        baseline: &Baseline,
    ) -> Crossing {
        let since = onset.first().map_or(self.at, |seen| seen.at);
        let expected = onset
            .first()
            .map_or(0.0, |seen| self.expected - seen.expected);
        let mut tallies: Vec<Tally> = held(&self.node, population)
            .map(|(cell, sites)| {
                let rate = baseline.per_site_second(&cell.zone, self.at) * f64::from(sites);
                Tally {
                    cell: cell.clone(),
                    code: None,
                    count: 0.0,
                    expected: rate,
                }
            })
            .collect();
        // A moment of zero length would divide by nothing: localise over a minute at least.
        let lasted = seconds(since, self.at).max(60.0);
        tallies
            .iter_mut()
            .for_each(|tally| tally.expected *= lasted);
        for seen in onset {
            match tallies.iter_mut().find(|tally| tally.cell == seen.cell) {
                Some(tally) => tally.count += 1.0,
                // The site moved to another release since.
                None => tallies.push(Tally {
                    cell: seen.cell.clone(),
                    code: None,
                    count: 1.0,
                    expected: baseline.per_site_second(&seen.cell.zone, self.at) * lasted,
                }),
            }
        }
        let count = u64::try_from(sites).unwrap_or(u64::MAX);
        let evidence = Evidence {
            count,
            sites: count,
            expected,
            since,
        };
        Crossing {
            node: self.node.clone(),
            stream: Stream::Reports,
            evidence,
            tallies,
        }
    }
}
