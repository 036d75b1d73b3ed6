//! The streams that are watched at once, and each one's share of the promise. Never watches.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;

use crate::name::ProductName;
use crate::site::{Site, Zone};

/// What sites of one kind have in common, as far as detection can tell them apart.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Cell {
    /// The product.
    pub product: ProductName,
    /// The time zone.
    pub zone: Zone,
    /// The running release.
    pub release: Version,
}

impl From<&Site> for Cell {
    fn from(site: &Site) -> Self {
        let release = site.running.clone();
        Self {
            product: site.product.clone(),
            zone: site.zone.clone(),
            release,
        }
    }
}

/// How many sites of each kind the fleet has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Population(BTreeMap<Cell, u32>);

impl FromIterator<Cell> for Population {
    fn from_iter<T: IntoIterator<Item = Cell>>(cells: T) -> Self {
        let mut counts = BTreeMap::new();
        cells
            .into_iter()
            .for_each(|cell| *counts.entry(cell).or_default() += 1);
        Self(counts)
    }
}

impl Population {
    /// The kinds of sites, each with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&Cell, u32)> {
        self.0.iter().map(|(cell, sites)| (cell, *sites))
    }

    /// Every site.
    #[must_use]
    pub fn sites(&self) -> u32 {
        self.0.values().sum()
    }

    /// Distinct values of one attribute, in order.
    fn values<T: Ord + Clone>(&self, attribute: impl Fn(&Cell) -> T) -> Vec<T> {
        let values: std::collections::BTreeSet<T> = self.0.keys().map(attribute).collect();
        values.into_iter().collect()
    }
}

/// A stream that is watched.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Node {
    /// The whole fleet.
    Fleet,
    /// Sites of one product.
    Product {
        /// The product.
        product: ProductName,
    },
    /// Sites in one time zone.
    Zone {
        /// The zone.
        zone: Zone,
    },
    /// Sites of one product in one time zone.
    ProductZone {
        /// The product.
        product: ProductName,
        /// The zone.
        zone: Zone,
    },
    /// Reports that speak of one thing.
    Term {
        /// The thing.
        term: Term,
    },
}

impl Node {
    /// Whether sites of this kind belong to the stream. Terms take every site.
    #[must_use]
    pub fn holds(&self, cell: &Cell) -> bool {
        match self {
            Self::Fleet | Self::Term { .. } => true,
            Self::Product { product } => *product == cell.product,
            Self::Zone { zone } => *zone == cell.zone,
            Self::ProductZone { product, zone } => *product == cell.product && *zone == cell.zone,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fleet => f.write_str("the whole fleet"),
            Self::Product { product } => write!(f, "product {product}"),
            Self::Zone { zone } => write!(f, "sites in {zone}"),
            Self::ProductZone { product, zone } => write!(f, "product {product} in {zone}"),
            Self::Term { term } => write!(f, "reports of {term}"),
        }
    }
}

/// What a report speaks of, by its words.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Signing in.
    SignIn,
    /// An error that is shown.
    Error,
    /// A page that does not load, or slowly.
    Loading,
    /// Paying.
    Payment,
}

impl Term {
    /// All terms.
    pub const ALL: [Self; 4] = [Self::SignIn, Self::Error, Self::Loading, Self::Payment];

    /// The words that give it away, in lower case.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::SignIn => &[
                "sign in", "sign-in", "signin", "log in", "login", "log-in", "password",
            ],
            Self::Error => &["error", "invalid", "denied", "400", "403", "500"],
            Self::Loading => &[
                "not load",
                "won't load",
                "blank",
                "slow",
                "timeout",
                "timed out",
            ],
            Self::Payment => &["payment", "pay ", "credit card", "invoice"],
        }
    }

    /// The terms that a text speaks of.
    #[must_use]
    pub fn all_in(text: &str) -> Vec<Self> {
        let text = text.to_lowercase();
        let speaks = |term: &Self| term.words().iter().any(|word| text.contains(word));
        Self::ALL.into_iter().filter(speaks).collect()
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIn => "signing in",
            Self::Error => "errors",
            Self::Loading => "pages that do not load",
            Self::Payment => "payments",
        })
    }
}

/// Every stream to watch with its weight; the weights sum to one.
///
/// Each kind of stream has the same share, split evenly within it. A kind that would only repeat
/// another (one product, one zone) is left out, so that its share is not lost.
#[must_use]
pub fn tree(population: &Population, with_terms: bool) -> Vec<(Node, f64)> {
    let products = population.values(|cell| cell.product.clone());
    let zones = population.values(|cell| cell.zone.clone());
    let pairs = population.values(|cell| (cell.product.clone(), cell.zone.clone()));
    let mut kinds: Vec<Vec<Node>> = vec![vec![Node::Fleet]];
    if products.len() > 1 {
        kinds.push(
            products
                .into_iter()
                .map(|product| Node::Product { product })
                .collect(),
        );
    }
    if zones.len() > 1 {
        kinds.push(zones.into_iter().map(|zone| Node::Zone { zone }).collect());
    }
    if kinds.len() > 2 {
        let pair = |(product, zone)| Node::ProductZone { product, zone };
        kinds.push(pairs.into_iter().map(pair).collect());
    }
    if with_terms {
        kinds.push(
            Term::ALL
                .into_iter()
                .map(|term| Node::Term { term })
                .collect(),
        );
    }
    let share = 1.0 / count(kinds.len());
    kinds
        .into_iter()
        .flat_map(|nodes| {
            let weight = share / count(nodes.len());
            nodes.into_iter().map(move |node| (node, weight))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand streams at most")]
fn count(items: usize) -> f64 {
    items as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(product: &str, zone: &str) -> Cell {
        let product = ProductName::parse(product).unwrap();
        Cell {
            product,
            zone: Zone::parse(zone).unwrap(),
            release: Version::new(5, 2, 0),
        }
    }

    #[test]
    fn weights_sum_to_one_and_no_stream_repeats_another() {
        let (denver, chicago) = ("America/Denver", "America/Chicago");
        for (cells, nodes) in [
            (vec![], 5),
            (vec![cell("a", denver)], 5),
            (vec![cell("a", denver), cell("a", chicago)], 7),
            (
                vec![cell("a", denver), cell("a", chicago), cell("b", denver)],
                12,
            ),
        ] {
            let tree = tree(&cells.into_iter().collect(), true);
            assert_eq!(tree.len(), nodes);
            let sum: f64 = tree.iter().map(|(_, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        }
    }

    #[test]
    fn words_give_terms_away() {
        let text = "Error message when I try to LOG IN";
        assert_eq!(Term::all_in(text), [Term::SignIn, Term::Error]);
        assert!(Term::all_in("The calendar is wrong").is_empty());
    }
}
