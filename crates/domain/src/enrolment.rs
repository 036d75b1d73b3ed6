//! Of which sites a token may make a host the agent.

use std::collections::BTreeSet;

use crate::name::{Hostname, ProductName};
use crate::site::Site;

/// The sites that a host may become the agent of; of any where nothing is named.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnrolmentBounds")]
pub struct Bounds {
    /// Only sites of this product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductName>,
    /// Only these sites.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sites: BTreeSet<Hostname>,
}

impl Bounds {
    /// Whether a host may become the agent of a site.
    #[must_use]
    pub fn admit(&self, site: &Site) -> bool {
        let is_of_product = |product: &ProductName| *product == site.product;
        self.product.as_ref().is_none_or(is_of_product)
            && (self.sites.is_empty() || self.sites.contains(&site.hostname))
    }
}

/// As the audit says it.
impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.sites.len(), &self.product) {
            (0, None) => f.write_str("for any sites"),
            (0, Some(product)) => write!(f, "for sites of {product}"),
            (sites, None) => write!(f, "for {sites} sites"),
            (sites, Some(product)) => write!(f, "for {sites} sites of {product}"),
        }
    }
}
