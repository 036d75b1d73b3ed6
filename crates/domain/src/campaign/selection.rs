//! Which sites a campaign acts on. Decides for one site at a time; never looks sites up.

use semver::Version;

use crate::name::{Hostname, ProductName};
use crate::site::{Site, Zone};
use crate::text::grouped;

/// The most host names one selection may list.
pub const HOSTNAMES_MAX: usize = 100_000;

/// Sites of one product that meet every condition given. One product, because one product has one
/// origin, one budget and one way to reach its sites.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{"product": "web-central", "zones": ["America/Anchorage"]}]))]
pub struct Selection {
    /// The product.
    pub product: ProductName,
    /// Must be true when no other condition is given: a forgotten condition is not the whole fleet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// In one of these time zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
    /// In one of these states, by two letters, such as "CA".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// Runs this release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Version>,
    /// A customer reported it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_reported: bool,
    /// Is one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<Hostname>,
}

/// A selection that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSelection {
    /// No condition, and not `all`.
    #[error("no condition is given; say \"all\": true to select every site of the product")]
    Empty,
    /// `all` beside a condition.
    #[error("\"all\" is given together with a condition; leave one of them out")]
    AllAndMore,
    /// Too long a list.
    #[error("{0} host names are listed; at most {HOSTNAMES_MAX} may be")]
    TooLong(usize),
}

impl std::fmt::Display for Selection {
    /// Such as "all web-central sites" or "web-central sites in America/Denver, reported".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn list<T: ToString>(items: &[T]) -> String {
            let items: Vec<_> = items.iter().map(T::to_string).collect();
            items.join(", ")
        }
        match self.hostnames.as_slice() {
            [] if self.all => write!(f, "all {} sites", self.product)?,
            [] => write!(f, "{} sites", self.product)?,
            [one] => write!(f, "{one}")?,
            many => write!(
                f,
                "{} sites of {}",
                grouped(many.len() as u64),
                self.product
            )?,
        }
        if !self.zones.is_empty() {
            write!(f, " in {}", list(&self.zones))?;
        }
        if !self.states.is_empty() {
            write!(f, " in {}", list(&self.states))?;
        }
        if let Some(running) = &self.running {
            write!(f, " running {running}")?;
        }
        if self.has_reported {
            f.write_str(", reported")?;
        }
        Ok(())
    }
}

impl Selection {
    /// Every site of a product.
    #[must_use]
    pub fn all(product: ProductName) -> Self {
        Self {
            all: true,
            ..Self::none(product)
        }
    }

    /// One site.
    #[must_use]
    pub fn site(site: &Site) -> Self {
        Self {
            hostnames: vec![site.hostname.clone()],
            ..Self::none(site.product.clone())
        }
    }

    /// No condition yet; refused by [`Selection::check`] until one is added.
    #[must_use]
    pub fn none(product: ProductName) -> Self {
        Self {
            product,
            all: false,
            zones: vec![],
            states: vec![],
            running: None,
            has_reported: false,
            hostnames: vec![],
        }
    }

    /// Refuses selections that cannot be meant.
    ///
    /// # Errors
    /// When nothing is selected, or everything and something, or too long a list.
    pub fn check(&self) -> Result<(), BadSelection> {
        let conditions = !self.zones.is_empty()
            || !self.states.is_empty()
            || self.running.is_some()
            || self.has_reported
            || !self.hostnames.is_empty();
        match (self.all, conditions) {
            (false, false) => Err(BadSelection::Empty),
            (true, true) => Err(BadSelection::AllAndMore),
            _ if self.hostnames.len() > HOSTNAMES_MAX => {
                Err(BadSelection::TooLong(self.hostnames.len()))
            }
            _ => Ok(()),
        }
    }

    /// Prepares the selection for asking about many sites.
    #[must_use]
    pub fn matcher(&self) -> Matcher<'_> {
        Matcher {
            selection: self,
            hostnames: self.hostnames.iter().collect(),
        }
    }
}

/// A selection whose host names are found at once.
#[derive(Debug)]
pub struct Matcher<'a> {
    selection: &'a Selection,
    hostnames: std::collections::HashSet<&'a Hostname>,
}

impl Matcher<'_> {
    /// Whether `site` is selected.
    #[must_use]
    pub fn selects(&self, site: &Site, reported: bool) -> bool {
        let Selection {
            product,
            zones,
            states,
            running,
            has_reported,
            ..
        } = self.selection;
        site.product == *product
            && (zones.is_empty() || zones.contains(&site.zone))
            && (states.is_empty() || states.iter().any(|state| **state == *site.area.state))
            && running
                .as_ref()
                .is_none_or(|version| site.running == *version)
            && (reported || !has_reported)
            && (self.hostnames.is_empty() || self.hostnames.contains(&site.hostname))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_told_in_words() {
        let product = || ProductName::parse("web-central").unwrap();
        let none = || Selection::none(product());
        let denver = Zone::parse("America/Denver").unwrap();
        let site = |name| Hostname::parse(name).unwrap();
        for (selection, words) in [
            (Selection::all(product()), "all web-central sites"),
            (
                Selection {
                    zones: vec![denver],
                    has_reported: true,
                    ..none()
                },
                "web-central sites in America/Denver, reported",
            ),
            (
                Selection {
                    states: vec!["CA".into(), "OR".into()],
                    running: Some(Version::new(5, 1, 0)),
                    ..none()
                },
                "web-central sites in CA, OR running 5.1.0",
            ),
            (
                Selection {
                    hostnames: vec![site("a.example")],
                    ..none()
                },
                "a.example",
            ),
            (
                Selection {
                    hostnames: vec![site("a.example"), site("b.example")],
                    ..none()
                },
                "2 sites of web-central",
            ),
        ] {
            assert_eq!(selection.to_string(), words);
        }
    }
    use crate::campaign::plan::tests::site;

    #[test]
    fn conditions_are_joined_by_and() {
        let boise = site("boise.gov", "America/Boise", None);
        let reno = site("reno.gov", "America/Los_Angeles", None);
        let selected = |text: &str| {
            let selection: Selection = serde_json::from_str(text).unwrap();
            selection.check().unwrap();
            let matcher = selection.matcher();
            [(&boise, true), (&reno, false)]
                .into_iter()
                .filter(|(site, reported)| matcher.selects(site, *reported))
                .map(|(site, _)| site.hostname.to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let table = [
            (r#"{"product":"web","all":true}"#, "boise.gov reno.gov"),
            (r#"{"product":"other","all":true}"#, ""),
            (
                r#"{"product":"web","zones":["America/Boise"]}"#,
                "boise.gov",
            ),
            (
                r#"{"product":"web","zones":["America/Boise"],"hostnames":["reno.gov"]}"#,
                "",
            ),
            (r#"{"product":"web","has_reported":true}"#, "boise.gov"),
            (
                r#"{"product":"web","running":"5.1.0"}"#,
                "boise.gov reno.gov",
            ),
            (r#"{"product":"web","running":"5.2.0"}"#, ""),
            (r#"{"product":"web","states":["XX"]}"#, "boise.gov reno.gov"),
        ];
        for (text, expected) in table {
            assert_eq!(selected(text), expected, "{text}");
        }
    }

    #[test]
    fn a_forgotten_condition_is_not_the_whole_fleet() {
        let read = |text| serde_json::from_str::<Selection>(text).unwrap().check();
        assert_eq!(read(r#"{"product":"web"}"#), Err(BadSelection::Empty));
        let both = r#"{"product":"web","all":true,"states":["CA"]}"#;
        assert_eq!(read(both), Err(BadSelection::AllAndMore));
    }
}
