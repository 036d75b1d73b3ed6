//! Which sites an incident is about, and how they are now.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;

use semver::Version;

use crate::name::ProductName;
use crate::site::state::SiteState;
use crate::site::{Site, Zone};

/// Sites that share what is named; an empty set names nothing, so that it takes in everything.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
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

    /// How the sites of `other` lie to its own, among the fleet's.
    #[must_use]
    pub fn fit<S: Deref<Target = Site>>(
        &self,
        other: &Self,
        fleet: impl IntoIterator<Item = S>,
    ) -> Fit {
        let joined = self.joined(other);
        let (mut shares, mut adds, mut leaves, mut joins_strangers) = (false, false, false, false);
        for site in fleet {
            match (self.holds(&site), other.holds(&site)) {
                (true, true) => shares = true,
                (false, true) => adds = true,
                (true, false) => leaves = true,
                (false, false) => joins_strangers |= joined.holds(&site),
            }
        }
        match (shares, adds) {
            (true, false) => Fit::Inside,
            (true, true) if !leaves => Fit::Wider(other.clone()),
            (true, true) if !joins_strangers => Fit::Wider(joined),
            (true, true) | (false, true) => Fit::Apart,
            // No site is there to tell by.
            (false, false) if self.is_apart_from(other) => Fit::Apart,
            (false, false) => Fit::Inside,
        }
    }

    /// Whether no site can be in both.
    fn is_apart_from(&self, other: &Self) -> bool {
        fn apart<T: Ord>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> bool {
            !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
        }
        apart(&self.products, &other.products)
            || apart(&self.zones, &other.zones)
            || apart(&self.releases, &other.releases)
    }

    /// The narrowest scope of this kind that takes in both.
    fn joined(&self, other: &Self) -> Self {
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

/// How the sites of an alarm lie to those of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// All of them are the incident's.
    Inside,
    /// Some are the incident's, and this scope holds those of both and no others: it is the same
    /// trouble, wider.
    Wider(Scope),
    /// Other sites, or some of both that only a scope with strangers in it would take in.
    Apart,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
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

    fn site(product: &str, zone: &str) -> Site {
        Site {
            product: ProductName::parse(product).unwrap(),
            ..crate::campaign::plan::tests::site("a.gov", zone, None)
        }
    }

    #[test]
    fn alarms_fit_incidents_by_the_sites_they_share() {
        let (west, denver) = ("America/Los_Angeles", "America/Denver");
        let east = "America/New_York";
        let fleet = [
            ("web", west),
            ("web", denver),
            ("web", east),
            ("parks", west),
        ];
        let fleet = fleet.map(|(product, zone)| site(product, zone));
        let zone = |zone| Scope {
            products: BTreeSet::new(),
            ..scope("web", &[zone])
        };
        let wider = |scope: &Scope| Fit::Wider(scope.clone());
        let all = Scope::default();
        let web = scope("web", &[]);
        let parks = scope("parks", &[]);
        for (incident, alarm, fit) in [
            (
                scope("web", &[west, denver]),
                scope("web", &[denver]),
                Fit::Inside,
            ),
            // The same sites by another name.
            (scope("web", &[east]), zone(east), Fit::Inside),
            (scope("web", &[denver]), web.clone(), wider(&web)),
            (scope("web", &[denver]), all.clone(), wider(&all)),
            (parks.clone(), zone(west), wider(&zone(west))),
            (
                scope("web", &[west, denver]),
                scope("web", &[denver, east]),
                wider(&scope("web", &[west, denver, east])),
            ),
            (scope("web", &[west]), scope("web", &[east]), Fit::Apart),
            (web.clone(), parks.clone(), Fit::Apart),
            // Joined they would be the whole fleet; Denver and the east are in neither.
            (scope("web", &[west]), parks, Fit::Apart),
            (all.clone(), scope("unknown", &[]), Fit::Inside),
        ] {
            assert_eq!(incident.fit(&alarm, &fleet), fit, "{alarm} in {incident}");
        }
        // They share the web sites of the west, and joined they would take in everything.
        let mut more = fleet.to_vec();
        more.push(site("pay", denver));
        assert_eq!(web.fit(&zone(west), &more), Fit::Apart);
    }

    #[test]
    fn a_joined_scope_takes_in_both() {
        let west = scope("web-central", &["America/Los_Angeles", "America/Denver"]);
        let denver = scope("web-central", &["America/Denver"]);
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
