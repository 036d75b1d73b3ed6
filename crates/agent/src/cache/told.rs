//! What this agent was told of its sites: which layers of documents are theirs. Never decides what is read.

use std::sync::Arc;

use bytes::Bytes;
use domain::document::{DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{Hostname, ProductName};
use domain::rollout::Rollout;
use protocol::told::{SiteLayer, ToldSites};
use tuf::{Entry, Shard, ShardEntry};

use super::CachedDocument;

/// A verified shard, as far as it is about sites of this agent.
pub(crate) struct HeldShard {
    /// What signed metadata says about it.
    pub(crate) entry: ShardEntry,
    /// It is listed, and its body is not here.
    pub(super) is_missing: bool,
    /// Each site with its layers, in the order of merging.
    pub(super) sites: Vec<(Hostname, Arc<[Layer]>)>,
    /// The versions of the sites' own layers.
    pub(super) documents: Vec<Arc<CachedDocument>>,
}

/// What is told of a site is listed, and not held.
pub(super) struct Missing;

impl HeldShard {
    /// Reads a body that was verified; `None` when it does not read. `is_own` says which sites count.
    pub(crate) fn read(
        entry: ShardEntry,
        body: &[u8],
        is_own: impl Fn(&Hostname, &ProductName) -> bool,
    ) -> Option<Self> {
        let told: ToldSites = serde_json::from_slice(body).ok()?;
        let product = entry.shard.product.clone();
        let lies_here =
            |site: &Hostname| Shard::of(&product, entry.shard.level, site) == entry.shard;
        let (mut sites, mut documents) = (vec![], vec![]);
        for (site, told) in told.sites {
            if !lies_here(&site) || !is_own(&site, &product) {
                continue;
            }
            let layers = told.layers.into_iter();
            documents.extend(layers.filter_map(|layer| document(&product, &site, layer)));
            let layers = told.facts.layers(&site);
            sites.push((site, layers.into()));
        }
        Some(Self {
            entry,
            is_missing: false,
            sites,
            documents,
        })
    }

    /// A shard that is listed, and whose body is not here.
    pub(crate) fn missing(entry: ShardEntry) -> Self {
        Self {
            entry,
            is_missing: true,
            sites: vec![],
            documents: vec![],
        }
    }

    /// Whether it would tell of a site, and is not here.
    pub(super) fn lacks(&self, site: &Hostname) -> bool {
        let Shard { product, level, .. } = &self.entry.shard;
        self.is_missing && Shard::of(product, *level, site) == self.entry.shard
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Each site with its layers, and the versions of the sites' own.
    #[cfg(feature = "trial")]
    pub(crate) fn says(&self) -> crate::trial::Told {
        let sites = self.sites.iter();
        let sites = sites.map(|(site, layers)| (site.clone(), layers.to_vec()));
        let entries = self.documents.iter().map(|one| one.entry.clone());
        crate::trial::Told {
            sites: sites.collect(),
            entries: entries.collect(),
        }
    }
}

fn document(
    product: &ProductName,
    site: &Hostname,
    layer: SiteLayer,
) -> Option<Arc<CachedDocument>> {
    let body = serde_json::to_vec(&layer.body).ok()?;
    let entry = Entry::of(&domain::document::Document {
        key: DocumentKey {
            product: product.clone(),
            service: layer.service,
            name: layer.name,
            layer: Layer::Site(site.clone()),
        },
        version: layer.version,
        accepts: layer.accepts,
        lane: Lane::Other,
        json_schema: None,
        rollout: Rollout::everywhere(),
        published: layer.published,
        body: body.clone(),
    });
    Some(Arc::new(CachedDocument::new(entry, Bytes::from(body))))
}
