//! The sites of a run, the documents they read and the releases they may run.

use domain::document::DocumentKey;
use domain::id::AgentId;
use domain::layer::Layer;
use domain::name::{BadName, Hostname, ProductName};
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

/// The service whose documents are of the first lane.
pub(crate) const FIRST: &str = "sign-in";

/// Whether a path leads to a document that is not of the first lane.
pub(crate) fn is_backlog(path: &str) -> bool {
    path.contains("/targets/") && !path.contains("/sign-in/")
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
