//! Which sites an incident is about, and how they are now.

use std::collections::BTreeSet;
use std::fmt;

use semver::Version;

use crate::name::ProductName;
use crate::site::state::SiteState;
use crate::site::{Site, Zone};

/// Sites that share what is named; an empty set names nothing, so that it takes in everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// They run one of these products.
    pub products: BTreeSet<ProductName>,
    /// They live in one of these zones.
    pub zones: BTreeSet<Zone>,
    /// They run one of these releases.
    pub releases: BTreeSet<Version>,
}

impl Scope {
    /// Whether it takes a site in.
    #[must_use]
    pub fn holds(&self, site: &Site) -> bool {
        let any = |named: bool, held: bool| !named || held;
        any(
            !self.products.is_empty(),
            self.products.contains(&site.product),
        ) && any(!self.zones.is_empty(), self.zones.contains(&site.zone))
            && any(
                !self.releases.is_empty(),
                self.releases.contains(&site.running),
            )
    }

    /// Whether no site can be in both: an alarm of another product is another incident's.
    #[must_use]
    pub fn is_apart_from(&self, other: &Self) -> bool {
        fn apart<T: Ord>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> bool {
            !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
        }
        apart(&self.products, &other.products)
            || apart(&self.zones, &other.zones)
            || apart(&self.releases, &other.releases)
    }

    /// The narrowest scope of this kind that takes in both.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        fn join<T: Ord + Clone>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> BTreeSet<T> {
            if one.is_empty() || other.is_empty() {
                BTreeSet::new()
            } else {
                one | other
            }
        }
        Self {
            products: join(&self.products, &other.products),
            zones: join(&self.zones, &other.zones),
            releases: join(&self.releases, &other.releases),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(items: &BTreeSet<T>) -> String {
            items
                .iter()
                .map(T::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        }
        match self.products.is_empty() {
            true => f.write_str("all sites")?,
            false => write!(f, "{} sites", list(&self.products))?,
        }
        if !self.zones.is_empty() {
            write!(f, " in {}", list(&self.zones))?;
        }
        if !self.releases.is_empty() {
            write!(f, " running {}", list(&self.releases))?;
        }
        Ok(())
    }
}

/// The sites of a scope, counted by how they are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Affected {
    /// All sites of the scope.
    pub total: usize,
    /// Reported, or known to fail.
    pub failing: usize,
    /// An action on them is under way.
    pub restoring: usize,
    /// Verified by a probe after an action.
    pub restored: usize,
}

impl Affected {
    /// Counts the states of a scope's sites.
    #[must_use]
    pub fn count(states: impl IntoIterator<Item = SiteState>) -> Self {
        let mut affected = Self::default();
        for state in states {
            affected.total += 1;
            match state {
                SiteState::Failing | SiteState::Reported => affected.failing += 1,
                SiteState::Restoring => affected.restoring += 1,
                SiteState::Restored => affected.restored += 1,
                SiteState::Unknown | SiteState::Well => {}
            }
        }
        affected
    }

    /// Whether no site of the scope fails or waits for an action to be verified.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.failing == 0 && self.restoring == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(product: &str, zones: &[&str]) -> Scope {
        let products = [ProductName::parse(product).unwrap()].into();
        let zones = zones
            .iter()
            .map(|zone| Zone::parse(zone).unwrap())
            .collect();
        Scope {
            products,
            zones,
            releases: BTreeSet::new(),
        }
    }

    #[test]
    fn scopes_that_share_a_site_belong_together() {
        let west = scope("web-central", &["America/Los_Angeles", "America/Denver"]);
        let denver = scope("web-central", &["America/Denver"]);
        let east = scope("web-central", &["America/New_York"]);
        let other = scope("parks", &[]);
        assert!(
            !west.is_apart_from(&denver) && west.is_apart_from(&east) && west.is_apart_from(&other)
        );
        assert!(!Scope::default().is_apart_from(&other));
        assert_eq!(denver.joined(&west), west);
        assert_eq!(west.joined(&Scope::default()), Scope::default());
        assert_eq!(denver.to_string(), "web-central sites in America/Denver");
    }

    #[test]
    fn sites_are_counted_by_their_state() {
        use SiteState as S;
        let counts = Affected::count([S::Well, S::Reported, S::Failing, S::Restoring, S::Restored]);
        assert_eq!(
            counts,
            Affected {
                total: 5,
                failing: 2,
                restoring: 1,
                restored: 1
            }
        );
        assert!(!counts.is_quiet() && Affected::count([S::Well, S::Restored]).is_quiet());
    }
}
