//! What was published and told, version by version of the repository, and what sites should read by it. Decides in
//! words of its own what the product decides, and never asks it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::document::{Document, DocumentKey};
use domain::layer::{Facts, Layer};
use domain::name::{Hostname, ProductName};
use engine::Repository;
use semver::Version;
use serde_json::Value;

/// The versions that are read as one, by layer; the document itself is the first.
pub(crate) type Pieces = Vec<(Layer, u64)>;
/// Where sites are, as far as it was told, by product. Nothing is told of a product without layers.
pub(crate) type ToldFacts = BTreeMap<ProductName, Arc<BTreeMap<Hostname, Facts>>>;

/// Whether a site has a version, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Given,
    Not,
    /// The site tried to refuse it, and nobody knows whether that was kept.
    Maybe,
}

/// The repository at one version.
struct Past {
    repository: Arc<Repository>,
    facts: ToldFacts,
}

#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) published: BTreeMap<(DocumentKey, u64), Document>,
    past: BTreeMap<u64, Past>,
    /// Bodies of documents with their layers: merging takes longer than comparing.
    merged: RefCell<HashMap<(DocumentKey, Pieces), Vec<u8>>>,
}

/// Who reads, and what of the past is true for him.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) product: &'a ProductName,
    pub(crate) site: &'a Hostname,
    pub(crate) code: &'a Version,
    /// Where he is, is what was told with this version of the repository.
    pub(crate) told_at: u64,
}

/// What may come of the versions of one layer.
struct Choice {
    versions: Vec<u64>,
    may_be_none: bool,
    is_uncovered: bool,
}

impl Truth {
    pub(crate) fn remember(&mut self, repository: Arc<Repository>, facts: ToldFacts) {
        self.past
            .insert(repository.version(), Past { repository, facts });
    }

    /// The layers of a site, the widest first, as they were told.
    pub(crate) fn layers_of(
        &self,
        told_at: u64,
        (product, site): (&ProductName, &Hostname),
    ) -> Vec<Layer> {
        let facts = self.facts_of(told_at, (product, site));
        let Some(facts) = facts else { return vec![] };
        let mut layers = vec![
            Layer::Zone(facts.zone.clone()),
            Layer::State(facts.state.clone()),
        ];
        let county = facts.county.iter();
        layers.extend(county.map(|county| Layer::County(facts.state.clone(), county.clone())));
        layers.extend(facts.groups.iter().cloned().map(Layer::Group));
        layers.push(Layer::Site(site.clone()));
        layers
    }

    pub(crate) fn facts_of(
        &self,
        told_at: u64,
        (product, site): (&ProductName, &Hostname),
    ) -> Option<&Facts> {
        self.past.get(&told_at)?.facts.get(product)?.get(site)
    }

    /// All versions of a document or a layer at a version of the repository, newest first.
    pub(crate) fn versions(&self, at: u64, key: &DocumentKey) -> &[Arc<Document>] {
        let past = self.past.get(&at);
        let found = past.and_then(|past| past.repository.documents().get(key));
        found.map_or(&[], Vec::as_slice)
    }

    /// The documents of a product at a version of the repository.
    pub(crate) fn documents_at<'a>(
        &'a self,
        at: u64,
        product: &'a ProductName,
    ) -> impl Iterator<Item = &'a DocumentKey> {
        let past = self.past.get(&at).into_iter();
        let keys = past.flat_map(|past| past.repository.documents().keys());
        keys.filter(move |key| key.product == *product && key.layer.is_base())
    }

    /// Whether some version of a document or a layer accepts a release. Without one, a release does without.
    pub(crate) fn has_any_for(&self, code: &Version, (at, key): (u64, &DocumentKey)) -> bool {
        let mut versions = self.versions(at, key).iter();
        versions.any(|one| one.accepts.matches(code))
    }

    /// Whether some version of a document or a layer that was ever published accepts a release.
    pub(crate) fn was_any_for(&self, code: &Version, key: &DocumentKey) -> bool {
        let mut versions = self
            .published
            .range((key.clone(), 0)..=(key.clone(), u64::MAX));
        versions.any(|(_, one)| one.accepts.matches(code))
    }

    /// Whether a document has layers of a site at a version of the repository.
    pub(crate) fn has_layers(&self, reader: Reader<'_>, (at, key): (u64, &DocumentKey)) -> bool {
        let own = self.layers_of(reader.told_at, (reader.product, reader.site));
        let mut keys = own.into_iter().map(|layer| key.with_layer(layer));
        keys.any(|key| !self.versions(at, &key).is_empty())
    }

    /// Whether a site may read this of a document, as it was at a version of the repository: of the document and of each
    /// layer of the site the newest version that accepts its code and that it has, in the order of the layers; nothing
    /// where the document has none, or a layer that is for all its sites has none that accepts the code.
    pub(crate) fn may_read(
        &self,
        reader: Reader<'_>,
        (at, key): (u64, &DocumentKey),
        read: Option<&Pieces>,
        standing: &dyn Fn(&Document) -> Standing,
    ) -> bool {
        let base = choice(self.versions(at, key), reader.code, standing);
        let own = self.layers_of(reader.told_at, (reader.product, reader.site));
        let layers = own.into_iter().filter_map(|layer| {
            let versions = self.versions(at, &key.with_layer(layer.clone()));
            (!versions.is_empty()).then(|| (layer, choice(versions, reader.code, standing)))
        });
        let layers: Vec<_> = layers.collect();
        let Some(read) = read else {
            return base.may_be_none || layers.iter().any(|(_, one)| one.is_uncovered);
        };
        let mut read = read.iter().peekable();
        let is_base =
            |(layer, version): &(Layer, u64)| layer.is_base() && base.versions.contains(version);
        if !read.next().is_some_and(is_base) {
            return false;
        }
        let fits = |(layer, choice): &(Layer, Choice)| match read.next_if(|(one, _)| one == layer) {
            Some((_, version)) => choice.versions.contains(version),
            None => choice.may_be_none && !choice.is_uncovered,
        };
        layers.iter().all(fits) && read.next().is_none()
    }

    /// Whether a body is, to the byte, what its pieces are as one.
    pub(crate) fn is_body(&self, key: &DocumentKey, pieces: &Pieces, body: &[u8]) -> bool {
        let published = |(layer, version): &(Layer, u64)| {
            let of = (key.with_layer(layer.clone()), *version);
            self.published.get(&of).map(|one| one.body.as_slice())
        };
        if let [base] = &pieces[..] {
            return published(base) == Some(body);
        }
        let id = (key.clone(), pieces.clone());
        if let Some(known) = self.merged.borrow().get(&id) {
            return known == body;
        }
        let merged = pieces.iter().try_fold(Value::Null, |whole, piece| {
            let patch = serde_json::from_slice(published(piece)?).ok()?;
            Some(if piece.0.is_base() {
                patch
            } else {
                patched(whole, patch)
            })
        });
        let merged = merged.and_then(|merged| serde_json::to_vec(&merged).ok());
        let Some(merged) = merged else { return false };
        let is_so = merged == body;
        self.merged.borrow_mut().insert(id, merged);
        is_so
    }
}

fn choice(
    versions: &[Arc<Document>],
    code: &Version,
    standing: &dyn Fn(&Document) -> Standing,
) -> Choice {
    let accepting = || versions.iter().filter(|one| one.accepts.matches(code));
    let mut found = vec![];
    for one in accepting() {
        match standing(one) {
            Standing::Not => {}
            Standing::Maybe => found.push(one.version),
            Standing::Given => {
                found.push(one.version);
                return Choice {
                    versions: found,
                    may_be_none: false,
                    is_uncovered: false,
                };
            }
        }
    }
    let is_settled = versions.iter().any(|one| one.rollout.is_everywhere());
    Choice {
        versions: found,
        may_be_none: true,
        is_uncovered: is_settled && accepting().next().is_none(),
    }
}

/// A merge patch on a value, by RFC 7396.
fn patched(value: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch;
    };
    let mut members = match value {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    for (name, member) in patch {
        let before = members.remove(&name).unwrap_or_default();
        if !member.is_null() {
            members.insert(name, patched(before, member));
        }
    }
    Value::Object(members)
}
