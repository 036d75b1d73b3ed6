//! What of a site decides which layers are its own. Never looks a site up.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::name::{GroupName, Hostname};
use crate::site::{Site, Zone};

use super::Layer;

/// The most named groups that one site belongs to: each may add a piece to everything it reads.
pub const GROUPS_OF_SITE_MAX: usize = 8;

/// Where a site is, and which groups it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// Its time zone.
    pub zone: Zone,
    /// Its state.
    pub state: Arc<str>,
    /// Its county, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county: Option<Arc<str>>,
    /// The named groups it belongs to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
}

impl Facts {
    /// The facts of a site that belongs to these groups.
    #[must_use]
    pub fn of(site: &Site, groups: BTreeSet<GroupName>) -> Self {
        Self {
            zone: site.zone.clone(),
            state: Arc::clone(&site.area.state),
            county: site.area.county.clone(),
            groups,
        }
    }

    /// The layers of the site that these are the facts of, in the order in which they are merged.
    #[must_use]
    pub fn layers(&self, site: &Hostname) -> Vec<Layer> {
        let county = self.county.iter();
        let county =
            county.map(|county| Layer::County(Arc::clone(&self.state), Arc::clone(county)));
        [
            Layer::Zone(self.zone.clone()),
            Layer::State(Arc::clone(&self.state)),
        ]
        .into_iter()
        .chain(county)
        .chain(self.groups.iter().cloned().map(Layer::Group))
        .chain([Layer::Site(site.clone())])
        .collect()
    }

    /// Whether a layer is for the site that these are the facts of.
    #[must_use]
    pub fn has(&self, site: &Hostname, layer: &Layer) -> bool {
        match layer {
            Layer::Base => true,
            Layer::Zone(zone) => *zone == self.zone,
            Layer::State(state) => *state == self.state,
            Layer::County(state, county) => {
                *state == self.state && self.county.as_ref() == Some(county)
            }
            Layer::Group(group) => self.groups.contains(group),
            Layer::Site(one) => one == site,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_has_its_layers_from_the_wide_to_the_narrow() {
        let facts = Facts {
            zone: Zone::parse("America/Chicago").unwrap(),
            state: "TX".into(),
            county: Some("Bexar".into()),
            groups: ["pilot", "early"]
                .map(|name| GroupName::parse(name).unwrap())
                .into(),
        };
        let site = Hostname::parse("sa.gov").unwrap();
        let layers = facts.layers(&site);
        let texts: Vec<_> = layers.iter().map(Layer::to_string).collect();
        let expected = [
            "zone:America/Chicago",
            "state:TX",
            "county:TX/Bexar",
            "group:early",
            "group:pilot",
            "site:sa.gov",
        ];
        assert_eq!(texts, expected);
        assert!(layers.is_sorted());
        assert!(layers.iter().all(|layer| facts.has(&site, layer)));
        for other in [
            "zone:America/Denver",
            "state:CA",
            "county:CA/Bexar",
            "group:late",
            "site:a.gov",
        ] {
            assert!(!facts.has(&site, &Layer::parse(other).unwrap()), "{other}");
        }
        let json = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), facts);
    }
}
