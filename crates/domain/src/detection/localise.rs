//! Decides which sites explain an alarm best. Never decides whether there is one.
//!
//! The subset (products x zones x releases x error codes) that maximises the expectation-based
//! Poisson score `C ln(C/B) + B - C`: Neill, J. R. Stat. Soc. B 74 (2012). For one attribute the best
//! set of values is a prefix of those sorted by `C/B`; attributes take turns until none improves. The
//! simplest explanation wins: each attribute that is constrained must gain more than naming its
//! values costs (minimum description length). What explains as well is reported as a tie.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use semver::Version;

use super::nodes::{Cell, Population};
use crate::name::ProductName;
use crate::site::{Site, Zone};

/// Explanations within this many nats of the best are ties: no more than a coin tossed once.
const TIE_NATS: f64 = 0.7;
/// More than this many ties name nothing.
const TIES_MAX: usize = 4;
/// The order of attributes everywhere here.
const ATTRIBUTES: usize = 4;
/// Rounds of turns; in practice two are enough.
const ROUNDS_MAX: usize = 8;

/// What was counted in one kind of sites, beside what the baseline expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// The kind of sites.
    pub cell: Cell,
    /// The error code, where known.
    pub code: Option<String>,
    /// How many were counted.
    pub count: f64,
    /// How many were expected.
    pub expected: f64,
}

/// The best explanations: the first, and those that explain as well.
#[derive(
    Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Localisation {
    /// At least one for an alarm; ties after the first.
    pub explanations: Vec<Explanation>,
}

/// A set of sites, by what they have in common. An absent attribute takes every value.
#[derive(
    Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Explanation {
    /// Only these products.
    pub products: Option<BTreeSet<ProductName>>,
    /// Only these zones.
    pub zones: Option<BTreeSet<Zone>>,
    /// Only these running releases.
    pub releases: Option<BTreeSet<Version>>,
    /// Only failures with these error codes.
    pub codes: Option<BTreeSet<String>>,
    /// How many were counted there.
    pub count: f64,
    /// How many were expected there.
    pub expected: f64,
    /// `C ln(C/B) + B - C`, in nats.
    pub score: f64,
}

impl Explanation {
    /// Whether a site as it is now lies in this set.
    #[must_use]
    pub fn holds(&self, site: &Site) -> bool {
        self.holds_cell(&Cell::from(site))
    }

    /// Whether sites of this kind lie in this set.
    #[must_use]
    pub fn holds_cell(&self, cell: &Cell) -> bool {
        takes(self.products.as_ref(), &cell.product)
            && takes(self.zones.as_ref(), &cell.zone)
            && takes(self.releases.as_ref(), &cell.release)
    }

    /// Whether every site of the fleet that lies in the other set lies in this one. Of a set that
    /// no site lies in any more, whether a site could lie in both.
    #[must_use]
    pub fn takes_in(&self, other: &Self, population: &Population) -> bool {
        let cells = population.iter().map(|(cell, _)| cell);
        let mut held = cells.filter(|cell| other.holds_cell(cell)).peekable();
        if held.peek().is_none() {
            return self.meets(other);
        }
        held.all(|cell| self.holds_cell(cell))
    }

    /// Whether a failure could have an error code of both sets.
    #[must_use]
    pub fn shares_codes(&self, other: &Self) -> bool {
        meet(self.codes.as_ref(), other.codes.as_ref())
    }

    /// Whether a site could lie in both sets.
    fn meets(&self, other: &Self) -> bool {
        meet(self.products.as_ref(), other.products.as_ref())
            && meet(self.zones.as_ref(), other.zones.as_ref())
            && meet(self.releases.as_ref(), other.releases.as_ref())
    }
}

fn takes<T: Ord>(set: Option<&BTreeSet<T>>, value: &T) -> bool {
    set.is_none_or(|set| set.contains(value))
}

fn meet<T: Ord>(a: Option<&BTreeSet<T>>, b: Option<&BTreeSet<T>>) -> bool {
    a.zip(b).is_none_or(|(a, b)| !a.is_disjoint(b))
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn words<T: fmt::Display>(before: &str, set: Option<&BTreeSet<T>>) -> Option<String> {
            let values: Vec<String> = set?.iter().map(ToString::to_string).collect();
            Some(format!("{before} {}", values.join(" or ")))
        }
        let parts = [
            words("product", self.products.as_ref()),
            words("release", self.releases.as_ref()),
            words("zone", self.zones.as_ref()),
            words("error code", self.codes.as_ref()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            f.write_str("the whole fleet")
        } else {
            f.write_str(&parts.join(", "))
        }
    }
}

impl fmt::Display for Localisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ties: Vec<String> = self.explanations.iter().map(ToString::to_string).collect();
        match ties.as_slice() {
            [] => f.write_str("nothing in particular"),
            [one] => f.write_str(one),
            [first, rest @ ..] => write!(f, "{first} (or as well by {})", rest.join("; ")),
        }
    }
}

/// The sets that explain the tallies best.
#[must_use]
pub fn localise(tallies: &[Tally]) -> Localisation {
    let table = Table::new(tallies);
    let mut found: Vec<(f64, Choice)> = vec![];
    for order in ORDERS {
        let simplest = table.simplify(table.ascend(order), order);
        // A set that holds everything that counts is left only for itself: seek each one's twins.
        for choice in table.twins(&simplest).into_iter().chain([simplest]) {
            let worth = table.score(&choice) - table.cost(&choice);
            if !found.iter().any(|(_, known)| *known == choice) {
                found.push((worth, choice));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = found.first().map_or(0.0, |(worth, _)| *worth);
    let ties = found
        .iter()
        .take_while(|(worth, _)| best - worth < TIE_NATS)
        .take(TIES_MAX);
    Localisation {
        explanations: ties.map(|(_, choice)| table.explain(choice)).collect(),
    }
}

/// Every attribute leads once: the turn that comes first shapes what the others see.
const ORDERS: [[usize; ATTRIBUTES]; ATTRIBUTES] =
    [[0, 1, 2, 3], [1, 2, 0, 3], [2, 0, 1, 3], [3, 0, 1, 2]];

/// For each attribute the chosen values; `None` takes all.
type Choice = [Option<BTreeSet<usize>>; ATTRIBUTES];

/// Tallies with their values as numbers.
struct Table {
    products: Vec<ProductName>,
    zones: Vec<Zone>,
    releases: Vec<Version>,
    codes: Vec<Option<String>>,
    rows: Vec<([usize; ATTRIBUTES], f64, f64)>,
}

impl Table {
    fn new(tallies: &[Tally]) -> Self {
        let products = distinct(tallies, |tally| tally.cell.product.clone());
        let zones = distinct(tallies, |tally| tally.cell.zone.clone());
        let releases = distinct(tallies, |tally| tally.cell.release.clone());
        let codes = distinct(tallies, |tally| tally.code.clone());
        let rows = tallies.iter().map(|tally| {
            let values = [
                place(&products, &tally.cell.product),
                place(&zones, &tally.cell.zone),
                place(&releases, &tally.cell.release),
                place(&codes, &tally.code),
            ];
            (values, tally.count, tally.expected)
        });
        let rows = rows.collect();
        Self {
            products,
            zones,
            releases,
            codes,
            rows,
        }
    }

    fn sizes(&self) -> [usize; ATTRIBUTES] {
        [
            self.products.len(),
            self.zones.len(),
            self.releases.len(),
            self.codes.len(),
        ]
    }

    /// Attributes take turns until none improves.
    fn ascend(&self, order: [usize; ATTRIBUTES]) -> Choice {
        let mut choice = Choice::default();
        let mut best = self.score(&choice);
        for _ in 0..ROUNDS_MAX {
            for attribute in order {
                choice[attribute] = self.best_prefix(&choice, attribute);
            }
            let score = self.score(&choice);
            if score <= best + 1e-9 {
                break;
            }
            best = score;
        }
        choice
    }

    /// The best set of values of one attribute while the others stay.
    fn best_prefix(&self, choice: &Choice, attribute: usize) -> Option<BTreeSet<usize>> {
        let mut others = choice.clone();
        others[attribute] = None;
        let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (values, count, expected) in self.rows.iter().filter(|row| chosen(&others, &row.0)) {
            let sum = sums.entry(values[attribute]).or_default();
            *sum = (sum.0 + count, sum.1 + expected);
        }
        let mut sorted: Vec<(usize, (f64, f64))> = sums.into_iter().collect();
        sorted.sort_by(|(_, a), (_, b)| (b.0 * a.1).total_cmp(&(a.0 * b.1)));
        let (mut count, mut expected, mut best) = (0.0, 0.0, (f64::MIN, 0));
        for (taken, (_, sum)) in sorted.iter().enumerate() {
            (count, expected) = (count + sum.0, expected + sum.1);
            let score = score(count, expected);
            if score > best.0 {
                best = (score, taken + 1);
            }
        }
        let set: BTreeSet<usize> = sorted
            .iter()
            .take(best.1)
            .map(|(value, _)| *value)
            .collect();
        (set.len() < self.sizes()[attribute]).then_some(set)
    }

    /// Drops each constraint that gains less than it costs.
    fn simplify(&self, mut choice: Choice, order: [usize; ATTRIBUTES]) -> Choice {
        for attribute in order.into_iter().rev() {
            let mut simpler = choice.clone();
            simpler[attribute] = None;
            let worth = |choice: &Choice| self.score(choice) - self.cost(choice);
            if worth(&simpler) >= worth(&choice) {
                choice = simpler;
            }
        }
        choice
    }

    /// The choices that constrain one attribute alone.
    fn twins(&self, choice: &Choice) -> Vec<Choice> {
        if choice.iter().flatten().count() != 1 {
            return vec![];
        }
        (0..ATTRIBUTES)
            .map(|attribute| {
                let mut alone = Choice::default();
                alone[attribute] = self.best_prefix(&alone, attribute);
                alone
            })
            .filter(|alone| alone.iter().flatten().count() == 1)
            .collect()
    }

    fn sums(&self, choice: &Choice) -> (f64, f64) {
        let rows = self.rows.iter().filter(|row| chosen(choice, &row.0));
        rows.fold((0.0, 0.0), |sum, row| (sum.0 + row.1, sum.1 + row.2))
    }

    fn score(&self, choice: &Choice) -> f64 {
        let (count, expected) = self.sums(choice);
        score(count, expected)
    }

    /// Nats to name the constrained attributes, and which values of each: `ln m + ln (m choose k)`.
    fn cost(&self, choice: &Choice) -> f64 {
        let sizes = self.sizes().into_iter();
        let constrained = choice
            .iter()
            .zip(sizes)
            .filter_map(|(set, m)| Some((set.as_ref()?.len(), m)));
        constrained
            .map(|(k, m)| 1.0 + real(m).ln() + ln_choose(m, k))
            .sum()
    }

    fn explain(&self, choice: &Choice) -> Explanation {
        let (count, expected) = self.sums(choice);
        let codes = named(&self.codes, choice[3].as_ref());
        Explanation {
            products: named(&self.products, choice[0].as_ref()),
            zones: named(&self.zones, choice[1].as_ref()),
            releases: named(&self.releases, choice[2].as_ref()),
            codes: codes.map(|codes| codes.into_iter().flatten().collect()),
            count,
            expected,
            score: score(count, expected),
        }
    }
}

/// `C ln(C/B) + B - C` where more were counted than expected, else 0.
pub(crate) fn score(count: f64, expected: f64) -> f64 {
    let expected = expected.max(1e-9);
    if count > expected {
        count * (count / expected).ln() + expected - count
    } else {
        0.0
    }
}

fn chosen(choice: &Choice, values: &[usize; ATTRIBUTES]) -> bool {
    choice
        .iter()
        .zip(values)
        .all(|(set, value)| takes(set.as_ref(), value))
}

fn distinct<T: Ord>(tallies: &[Tally], attribute: impl Fn(&Tally) -> T) -> Vec<T> {
    tallies
        .iter()
        .map(attribute)
        .collect::<BTreeSet<T>>()
        .into_iter()
        .collect()
}

fn place<T: Ord>(values: &[T], value: &T) -> usize {
    values.binary_search(value).unwrap_or(usize::MAX)
}

fn named<T: Ord + Clone>(values: &[T], set: Option<&BTreeSet<usize>>) -> Option<BTreeSet<T>> {
    Some(
        set?.iter()
            .filter_map(|value| values.get(*value).cloned())
            .collect(),
    )
}

fn ln_choose(m: usize, k: usize) -> f64 {
    (1..=k.min(m))
        .map(|i| (real(m - k + i) / real(i)).ln())
        .sum()
}

#[expect(clippy::cast_precision_loss, reason = "numbers of attribute values")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four products, five zones, one release each; the first product also half on 5.2.0.
    fn check(failing: impl Fn(&Cell) -> bool, expected: &str) {
        let zones = ["New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles"];
        let mut tallies = vec![];
        for product in ["web-central", "permits", "pay", "alerts"] {
            let releases: &[u64] = if product == "web-central" {
                &[1, 2]
            } else {
                &[1]
            };
            for (zone, minor) in zones
                .iter()
                .flat_map(|zone| releases.iter().map(move |m| (zone, m)))
            {
                let zone = Zone::parse(&format!("America/{zone}")).unwrap();
                let product = ProductName::parse(product).unwrap();
                let cell = Cell {
                    product,
                    zone,
                    release: Version::new(5, *minor, 0),
                };
                let count = if failing(&cell) { 6.0 } else { 0.0 };
                tallies.push(Tally {
                    cell,
                    code: None,
                    count,
                    expected: 0.1,
                });
            }
        }
        assert_eq!(localise(&tallies).to_string(), expected);
    }

    #[test]
    fn the_simplest_explanation_wins() {
        check(|_| true, "the whole fleet");
        check(|cell| cell.product.as_str() == "pay", "product pay");
        check(
            |cell| cell.zone.as_str() == "America/Denver",
            "zone America/Denver",
        );
        check(|cell| cell.release.minor == 2, "release 5.2.0");
        check(
            |cell| cell.product.as_str() == "pay" && cell.zone.as_str() == "America/Denver",
            "product pay, zone America/Denver",
        );
    }

    #[test]
    fn what_explains_as_well_is_a_tie() {
        let cell = |product: &str, minor| Cell {
            product: ProductName::parse(product).unwrap(),
            zone: Zone::parse("America/Denver").unwrap(),
            release: Version::new(5, minor, 0),
        };
        let tally = |cell, count| Tally {
            cell,
            code: None,
            count,
            expected: 0.2,
        };
        let tallies = [tally(cell("a", 1), 0.0), tally(cell("b", 2), 9.0)];
        let found = localise(&tallies);
        assert_eq!(found.to_string(), "product b (or as well by release 5.2.0)");
    }
}
