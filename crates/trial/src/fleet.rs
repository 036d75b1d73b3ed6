//! The sites of a run, the documents they read and the releases they may run.

use std::collections::BTreeMap;

use domain::document::DocumentKey;
use domain::id::AgentId;
use domain::layer::{Facts, Layer};
use domain::name::{BadName, GroupName, Hostname, ProductName};
use domain::site::Zone;
use engine::rules::Census;
use jiff::Timestamp;
use semver::{BuildMetadata, Prerelease, Version, VersionReq};

/// Every run begins at the moment of the story that Lamplighter comes from.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_689_116_400).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A site as it is, whatever others believe of it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) hostname: Hostname,
    pub(crate) product: ProductName,
    /// The agent that serves it.
    pub(crate) agent: usize,
    pub(crate) runs: Version,
    /// It was switched by its agent, so that config must be there from then on.
    pub(crate) is_switched: bool,
}

pub(crate) const AGENTS: usize = 4;
const SITES_OF_AGENT: usize = 2;
const PRODUCTS: [&str; 2] = ["web-central", "web-open"];
const DOCUMENTS: [(&str, &str); 3] = [
    ("sign-in", "client"),
    ("sign-in", "keys"),
    ("payments", "settings"),
];

/// Where sites may be.
const PLACES: [(&str, &str, Option<&str>); 5] = [
    ("America/Los_Angeles", "CA", Some("Kern")),
    ("America/Los_Angeles", "CA", Some("Inyo")),
    ("America/Los_Angeles", "NV", Some("Clark")),
    ("America/Denver", "NV", Some("Elko")),
    ("America/Denver", "NV", None),
];
const GROUPS: [&str; 2] = ["early", "pilot"];
/// Sites of a product that agents elsewhere serve: few, and so many that what is told is divided, once and twice.
pub(crate) const OTHERS: [usize; 3] = [0, 25, 100];

/// The service whose documents are of the first lane.
pub(crate) const FIRST: &str = "sign-in";

/// Whether a path leads to a document that is not of the first lane. What is told of sites is.
pub(crate) fn is_backlog(path: &str) -> bool {
    path.contains("/targets/") && !path.contains("/sign-in/") && !path.contains("/_sites-")
}

pub(crate) fn products() -> Result<Vec<ProductName>, BadName> {
    PRODUCTS
        .iter()
        .map(|name| ProductName::parse(name))
        .collect()
}

pub(crate) fn sites() -> Result<Vec<Site>, BadName> {
    let products = products()?;
    let mut sites = vec![];
    for number in 0..AGENTS * SITES_OF_AGENT {
        // Agents have sites of one product, of the other, and of both.
        let product = usize::from(number >= 5);
        sites.push(Site {
            hostname: Hostname::parse(&format!("town-{number}.gov"))?,
            product: products[product].clone(),
            agent: number / SITES_OF_AGENT,
            runs: release(1),
            is_switched: false,
        });
    }
    Ok(sites)
}

pub(crate) fn keys() -> Result<Vec<DocumentKey>, BadName> {
    let mut keys = vec![];
    for product in products()? {
        for (service, name) in DOCUMENTS {
            keys.push(DocumentKey {
                product: product.clone(),
                service: service.parse()?,
                name: name.parse()?,
                layer: Layer::Base,
            });
        }
    }
    Ok(keys)
}

/// Where all sites are, and which groups they belong to, as an import says it.
#[derive(Clone)]
pub(crate) struct Fleet {
    places: Vec<Facts>,
    groups: Vec<GroupName>,
    pub(crate) sites: BTreeMap<ProductName, BTreeMap<Hostname, Facts>>,
}

impl Fleet {
    pub(crate) fn new(sites: &[Site]) -> Result<Self, BadName> {
        let place = |(zone, state, county): &(&str, &str, Option<&str>)| {
            Ok(Facts {
                zone: Zone::parse(zone)?,
                state: (*state).into(),
                county: county.map(Into::into),
                groups: [].into(),
            })
        };
        let places = PLACES
            .iter()
            .map(place)
            .collect::<Result<Vec<_>, BadName>>()?;
        let groups = GROUPS.iter().map(|name| GroupName::parse(name));
        let mut fleet = Self {
            groups: groups.collect::<Result<_, _>>()?,
            sites: BTreeMap::new(),
            places,
        };
        for (number, site) in sites.iter().enumerate() {
            let of = fleet.sites.entry(site.product.clone()).or_default();
            let place = fleet.places.iter().cycle().nth(number);
            of.extend(place.map(|place| (site.hostname.clone(), place.clone())));
        }
        Ok(fleet)
    }

    /// All layers that a document may have but those of single sites.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let mut layers: Vec<_> = self.groups.iter().cloned().map(Layer::Group).collect();
        for place in &self.places {
            layers.push(Layer::Zone(place.zone.clone()));
            layers.push(Layer::State(place.state.clone()));
            let county = place.county.clone();
            layers.extend(county.map(|county| Layer::County(place.state.clone(), county)));
        }
        layers.sort();
        layers.dedup();
        layers
    }

    /// A site is somewhere else from now on, or joins or leaves a group: all by `number`.
    pub(crate) fn move_site(&mut self, product: &ProductName, site: &Hostname, number: usize) {
        let of = self.sites.get_mut(product);
        let Some(facts) = of.and_then(|of| of.get_mut(site)) else {
            return;
        };
        let (places, groups) = (&self.places, &self.groups);
        if let Some(place) = places.get(number) {
            let groups = std::mem::take(&mut facts.groups);
            *facts = Facts {
                groups,
                ..place.clone()
            };
        } else if let Some(group) = groups.get(number % groups.len())
            && !facts.groups.remove(group)
        {
            facts.groups.insert(group.clone());
        }
    }

    /// Sites that agents elsewhere serve come or go.
    pub(crate) fn set_others(&mut self, product: &ProductName, count: usize) {
        let place = self.places.first().cloned();
        let of = self.sites.entry(product.clone()).or_default();
        of.retain(|site, _| !site.as_str().starts_with("village-"));
        let names = (0..count).map(|number| format!("village-{number}.gov"));
        let sites = names.filter_map(|name| Hostname::parse(&name).ok());
        of.extend(sites.filter_map(|site| Some((site, place.clone()?))));
    }
}

impl Census for Fleet {
    fn of_product(&self, product: &ProductName) -> Vec<(Hostname, Facts)> {
        let of = self.sites.get(product).into_iter().flatten();
        of.map(|(site, facts)| (site.clone(), facts.clone()))
            .collect()
    }

    fn of_site(&self, product: &ProductName, site: &Hostname) -> Option<Facts> {
        self.sites.get(product)?.get(site).cloned()
    }
}

/// The releases of a product, in their order.
pub(crate) fn release(number: u64) -> Version {
    Version {
        major: 5,
        minor: number,
        patch: 0,
        pre: Prerelease::EMPTY,
        build: BuildMetadata::EMPTY,
    }
}

/// The code that a site may run, and some that none does.
pub(crate) fn codes() -> impl Iterator<Item = Version> {
    (0..6).map(release)
}

/// What a document may accept: one release, those up to it, those from it on, all.
pub(crate) fn accepts(kind: usize, number: u64) -> VersionReq {
    let text = match kind {
        0 => format!("~5.{number}"),
        1 => format!("<=5.{number}"),
        2 => format!(">=5.{number}"),
        _ => ">=5.0.0".to_owned(),
    };
    VersionReq::parse(&text).unwrap_or(VersionReq::STAR)
}

pub(crate) fn agent_id(agent: usize) -> AgentId {
    AgentId::from(uuid::Uuid::from_u128(agent as u128 + 1))
}

pub(crate) fn token(agent: usize) -> String {
    format!("agent-{agent}")
}
