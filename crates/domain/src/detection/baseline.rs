//! What is usual: an upper bound on how often sites report, by the hour of their own week.
//!
//! Upper bounds are Byar's approximation of the exact Poisson limit: Breslow and Day, Statistical
//! Methods in Cancer Research II (IARC 82, 1987), eq. 2.10, on counts with a few pseudo-counts (a
//! Gamma prior). An upper bound, because a baseline that is 20% too low breaks the promise. Never
//! decides that anything is unusual.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::nodes::{Cell, Node, Population};
use super::reports::Sighting;
use super::zones::{HOURS, hour_of_week};
use crate::site::Zone;

/// Reports per site and day where nothing is known: 400 a day over 13,732 sites.
pub const PRIOR_REPORTS_PER_SITE_DAY: f64 = 400.0 / 13_732.0;
/// One-sided confidence of the upper bounds, 95%, in standard deviations.
const Z: f64 = 1.645;
/// Reports that the prior overall rate weighs as much as.
const LEVEL_PSEUDO_COUNT: f64 = 30.0;
/// Reports that the overall rate weighs as much as in each hour of the week. With no history the
/// bound is then 2.3 times the mean, about the peak of office hours.
const HOUR_PSEUDO_COUNT: f64 = 4.0;
/// Reports that "like the rest of the fleet" weighs as much as in each stream.
const NODE_PSEUDO_COUNT: f64 = 10.0;

/// How often sites report at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Reports per site and second, by hour of the local week, Monday midnight first.
    hours: [f64; HOURS],
    /// How much more than the fleet a stream reports; 1 for streams that are not here.
    factors: HashMap<Node, f64>,
}

/// Past reports, as they were counted.
#[derive(Clone, Debug)]
pub struct History {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// What was counted in it, in order.
    pub sightings: Vec<Sighting>,
    /// Times of known trouble, which say nothing about what is usual.
    pub trouble: Vec<(Timestamp, Timestamp)>,
}

impl Baseline {
    /// A baseline that is known, the same at every hour and for every stream: for tests and
    /// simulations, where it is.
    #[must_use]
    pub fn known(reports_per_site_day: f64) -> Self {
        Self {
            hours: [reports_per_site_day / 86_400.0; HOURS],
            factors: HashMap::new(),
        }
    }

    /// The bound where there is no history yet.
    #[must_use]
    pub fn unknown(prior_per_site_day: f64) -> Self {
        let hours =
            [upper(HOUR_PSEUDO_COUNT) / HOUR_PSEUDO_COUNT * prior_per_site_day / 86_400.0; HOURS];
        Self {
            hours,
            factors: HashMap::new(),
        }
    }

    /// Learns from history; what is short stays near `prior_per_site_day`.
    #[must_use]
    pub fn learn(
        history: &History,
        population: &Population,
        nodes: &[Node],
        prior_per_site_day: f64,
    ) -> Self {
        let exposure = exposure(history, population);
        let kept: Vec<&Sighting> = history
            .sightings
            .iter()
            .filter(|seen| !in_trouble(history, seen.at))
            .collect();
        let mut counts = [0.0; HOURS];
        for seen in &kept {
            counts[hour_of_week(&seen.cell.zone, seen.at)] += 1.0;
        }
        let total: f64 = exposure.values().flatten().sum();
        let prior = prior_per_site_day / 86_400.0;
        let level =
            (number(kept.len()) + LEVEL_PSEUDO_COUNT) / (total + LEVEL_PSEUDO_COUNT / prior);
        let hours = std::array::from_fn(|hour| {
            let seconds: f64 = exposure.values().map(|hours| hours[hour]).sum();
            upper(counts[hour] + HOUR_PSEUDO_COUNT) / (seconds + HOUR_PSEUDO_COUNT / level)
        });
        // Every zone was watched for the same time, so that a stream's share is that of its sites.
        let sites = f64::from(population.sites().max(1));
        let share = |node: &Node| {
            let held: u32 = held(node, population).map(|(_, sites)| sites).sum();
            let expected = f64::from(held) / sites * number(kept.len()) + NODE_PSEUDO_COUNT;
            let seen = kept.iter().filter(|seen| seen.counts_for(node)).count();
            upper(number(seen) + NODE_PSEUDO_COUNT) / expected
        };
        let factors = nodes.iter().filter_map(|node| {
            let factor = match node {
                Node::Fleet => return None,
                // A report of a term is a report: never more than all of them.
                Node::Term { .. } => share(node).min(1.0),
                _ => share(node).max(1.0),
            };
            Some((node.clone(), factor))
        });
        Self {
            hours,
            factors: factors.collect(),
        }
    }

    /// Reports per site and second in `zone` at `at`, over all streams.
    #[must_use]
    pub fn per_site_second(&self, zone: &Zone, at: Timestamp) -> f64 {
        self.hours[hour_of_week(zone, at)]
    }

    /// How much more than the fleet a stream reports.
    #[must_use]
    pub fn factor(&self, node: &Node) -> f64 {
        self.factors.get(node).copied().unwrap_or(1.0)
    }
}

/// The upper limit of a Poisson mean of which `count` were seen; also of counts that are not whole.
#[must_use]
pub fn upper(count: f64) -> f64 {
    let next = count + 1.0;
    next * (1.0 - 1.0 / (9.0 * next) + Z / (3.0 * next.sqrt())).powi(3)
}

/// The lower limit of a Poisson mean of which `count` were seen.
#[must_use]
pub fn lower(count: f64) -> f64 {
    if count < 1.0 {
        return 0.0;
    }
    count
        * (1.0 - 1.0 / (9.0 * count) - Z / (3.0 * count.sqrt()))
            .max(0.0)
            .powi(3)
}

/// Site-seconds of history by zone and hour of the local week, outside known trouble.
fn exposure(history: &History, population: &Population) -> BTreeMap<Zone, [f64; HOURS]> {
    let mut sites: BTreeMap<Zone, f64> = BTreeMap::new();
    for (cell, count) in population.iter() {
        *sites.entry(cell.zone.clone()).or_default() += f64::from(count);
    }
    let mut hours: BTreeMap<Zone, [f64; HOURS]> = sites
        .keys()
        .map(|zone| (zone.clone(), [0.0; HOURS]))
        .collect();
    let mut at = history.from;
    while at < history.until {
        let next = at
            .saturating_add(SignedDuration::from_hours(1))
            .unwrap_or(Timestamp::MAX);
        let until = next.min(history.until);
        if !in_trouble(history, at) {
            for (zone, of_zone) in &mut hours {
                of_zone[hour_of_week(zone, at)] += super::zones::seconds(at, until) * sites[zone];
            }
        }
        at = next;
    }
    hours
}

/// Whole hours, so that counts and exposure leave out the same.
fn in_trouble(history: &History, at: Timestamp) -> bool {
    let from_start = at.duration_since(history.from).as_secs().div_euclid(3_600);
    let start = history.from + SignedDuration::from_hours(from_start);
    let end = start + SignedDuration::from_hours(1);
    history
        .trouble
        .iter()
        .any(|(from, until)| *from < end && start < *until)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of reports stay far below 2^52"
)]
fn number(count: usize) -> f64 {
    count as f64
}

/// The kinds of sites in a population that a stream holds, with their numbers.
pub(crate) fn held<'a>(
    node: &'a Node,
    population: &'a Population,
) -> impl Iterator<Item = (&'a Cell, u32)> {
    population.iter().filter(move |(cell, _)| node.holds(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact one-sided 95% limits of Poisson means (Garwood 1936).
    #[test]
    fn bounds_are_close_to_the_exact_ones() {
        for (count, low, high) in [
            (1.0, 0.051, 4.74),
            (4.0, 1.37, 9.15),
            (10.0, 5.43, 16.96),
            (100.0, 84.1, 118.1),
        ] {
            assert!(
                (upper(count) / high - 1.0).abs() < 0.02,
                "{count}: {}",
                upper(count)
            );
            assert!(
                (lower(count) - low).abs() < 0.1 * count.sqrt(),
                "{count}: {}",
                lower(count)
            );
        }
    }
}
