//! The layers of a document at a glance.

use std::collections::BTreeMap;

use domain::document::DocumentKey;
use domain::layer::Layer;
use semver::VersionReq;

use crate::Engine;

/// Layers for one site that are listed; the rest is counted.
const OF_SITES_MAX: usize = 50;

/// A layer of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerLine {
    /// The layer.
    pub layer: Layer,
    /// Its newest version.
    pub version: u64,
    /// The releases that can honour that.
    pub accepts: VersionReq,
    /// Sites of the product that are in it, as agents were told.
    pub sites: usize,
    /// Sites that read some version of it now.
    pub reading: usize,
}

impl Engine {
    /// The layers of a document, the widest first, and how many more there are for single sites.
    #[must_use]
    pub fn layers_of(&self, key: &DocumentKey) -> (Vec<LayerLine>, usize) {
        let repository = self.repository();
        let mut counts: BTreeMap<Layer, (usize, usize)> = BTreeMap::new();
        let has_any = repository.has_layers(key);
        let fleet = self.fleet();
        let own = fleet
            .sites()
            .filter(|(_, site)| has_any && site.product == key.product);
        for (_, site) in own {
            for layer in repository.layers_of_site(&site) {
                counts.entry(layer).or_default().0 += 1;
            }
            let read = self.document_for(key, &site.running, Some(&site));
            for piece in read.iter().flat_map(|read| read.pieces()) {
                counts.entry(piece.key.layer.clone()).or_default().1 += 1;
            }
        }
        let line =
            |(key, versions): (&DocumentKey, &[std::sync::Arc<domain::document::Document>])| {
                let newest = versions.first()?;
                let (sites, reading) = counts.get(&key.layer).copied().unwrap_or_default();
                Some(LayerLine {
                    layer: key.layer.clone(),
                    version: newest.version,
                    accepts: newest.accepts.clone(),
                    sites,
                    reading,
                })
            };
        let all: Vec<_> = repository.layers_of(key).filter_map(line).collect();
        let of_sites = all.iter().filter(|one| one.layer.is_site()).count();
        let left_out = of_sites.saturating_sub(OF_SITES_MAX);
        let shown = all.len() - left_out;
        (all.into_iter().take(shown).collect(), left_out)
    }
}
