//! What agents are told of sites, as signed targets carry it: which layers of documents are a site's own.

use std::collections::BTreeMap;

use domain::layer::Facts;
use domain::name::{DocumentName, Hostname, ServiceName};
use semver::VersionReq;
use serde_json::Value;

/// One shard of what is told of a product's sites.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToldSites {
    /// The sites whose names hash to this shard.
    pub sites: BTreeMap<Hostname, ToldSite>,
}

/// What is told of one site.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToldSite {
    /// Where it is, and which groups it belongs to.
    #[serde(flatten)]
    pub facts: Facts,
    /// The versions of its own layers, oldest first within a document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<SiteLayer>,
}

/// A version of a site's own layer of a document. It is for the site at once.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SiteLayer {
    /// The shared service.
    pub service: ServiceName,
    /// The document.
    pub name: DocumentName,
    /// Counts up from 1.
    pub version: u64,
    /// The releases that can honour it.
    pub accepts: VersionReq,
    /// The repository version that brought it.
    pub published: u64,
    /// A merge patch: a JSON object.
    pub body: Value,
}
