//! The layers of documents in the repository. Never decides what a site reads; `reader` asks the domain.

use std::sync::Arc;

use domain::document::{Document, DocumentKey};
use domain::layer::{Choice, Layer, layer_choice};
use domain::site::Site;
use semver::Version;

use super::Repository;

impl Repository {
    /// The versions of a document or of a layer, newest first.
    pub(crate) fn versions(&self, key: &DocumentKey) -> &[Arc<Document>] {
        self.documents.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether a document has layers.
    #[must_use]
    pub fn has_layers(&self, key: &DocumentKey) -> bool {
        self.layers_of(key).next().is_some()
    }

    /// Whether a site is in a layer, as far as agents were told.
    #[must_use]
    pub fn is_in_layer(&self, site: &Site, layer: &Layer) -> bool {
        let told = self.told.site(&site.product, &site.hostname);
        layer.is_base() || told.is_some_and(|told| told.facts.has(&site.hostname, layer))
    }

    /// The layers of a site, as far as agents were told, in the order of merging.
    #[must_use]
    pub fn layers_of_site(&self, site: &Site) -> Vec<Layer> {
        let told = self.told.site(&site.product, &site.hostname);
        told.map_or_else(Vec::new, |told| told.facts.layers(&site.hostname))
    }

    /// The layers of a document, each with its versions, newest first; the widest layers come first.
    pub fn layers_of<'a>(
        &'a self,
        key: &'a DocumentKey,
    ) -> impl Iterator<Item = (&'a DocumentKey, &'a [Arc<Document>])> {
        let from = self.documents.range(key.with_layer(Layer::Base)..);
        let of = from.take_while(|(one, _)| one.is_of(key));
        of.filter(|(one, versions)| !one.layer.is_base() && !versions.is_empty())
            .map(|(one, versions)| (one, versions.as_slice()))
    }

    /// Whether the sites of a release that all sites may run read something else already where a new
    /// version of `key` is not their turn yet.
    pub(crate) fn is_covered(&self, key: &DocumentKey, code: &Version) -> bool {
        if key.layer.is_base() {
            return self.document_for_all(key, code).is_some();
        }
        let given = |one: &Arc<Document>| one.rollout.is_everywhere();
        !matches!(
            layer_choice(self.versions(key), code, given),
            Choice::Uncovered
        )
    }
}
