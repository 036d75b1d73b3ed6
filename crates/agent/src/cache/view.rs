//! Everything that decides what sites read, as one value: replaced whole, never changed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use domain::document::DocumentKey;
use domain::layer::{Layer, base_choice, choose};
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use indexmap::{Equivalent, IndexMap};
use protocol::delivery::Held;
use semver::{Version, VersionReq};
use tuf::{Entry, Listing};

use super::merged::Merged;
use super::told::{self, HeldShard};
use super::{CachedDocument, QuickMap};
use crate::refusals::Refusals;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

/// Everything that decides a read, replaced as one.
#[derive(Clone, Default)]
pub(crate) struct View {
    /// The newest repository version of which everything was held, 0 for none.
    pub(crate) repository: u64,
    /// The repository version that its documents are of, where nothing is missing.
    pub(crate) listed: u64,
    /// What that version lists and is not held. Such a document is read as it was before.
    missing: Arc<BTreeSet<(DocumentKey, u64)>>,
    documents: Arc<Documents>,
    /// What is told of the sites of this agent; nothing where no document of their product has layers.
    shards: Arc<[Arc<HeldShard>]>,
    sites: Arc<QuickMap<Hostname, Arc<[Layer]>>>,
    pub(crate) refusals: Arc<Refusals>,
    pub(super) merged: Arc<Merged>,
}

/// Documents in order of product, service and name.
type Documents = IndexMap<Name, Versions, foldhash::fast::RandomState>;

type Name = (ProductName, ServiceName, DocumentName);

/// What [`Documents`] are looked up by.
#[derive(Hash)]
struct Which<'a>(&'a ProductName, &'a ServiceName, &'a DocumentName);

/// One document.
#[derive(Default)]
pub(super) struct Versions {
    pub(super) newest_first: Vec<Arc<CachedDocument>>,
    /// Of each layer, newest first.
    pub(super) layers: BTreeMap<Layer, Vec<Arc<CachedDocument>>>,
    /// What the metadata that its pieces are of lists with them and is not held.
    holes: Vec<Hole>,
}

/// A version that is not held, and the repository version that lists it.
type Hole = (u64, Entry);

/// Versions that a site may read as one, and the releases that read them.
pub(crate) type Readable = (Arc<CachedDocument>, VersionReq);

impl View {
    /// Documents at one version of the repository, and what is told of sites with it; nothing is refused.
    pub(crate) fn new(
        repository: u64,
        documents: impl IntoIterator<Item = Arc<CachedDocument>>,
        shards: Vec<Arc<HeldShard>>,
    ) -> Self {
        let of_sites = shards.iter().flat_map(|one| one.documents.iter().cloned());
        let documents: Vec<_> = documents.into_iter().chain(of_sites).collect();
        Self {
            repository,
            listed: repository,
            ..Self::of_pieces(documents, vec![], shards)
        }
    }

    /// What was read as it was before a restart: the newest repository version of which everything was held, pieces,
    /// and what was listed with them and is not held.
    pub(crate) fn before(
        repository: u64,
        pieces: Vec<Arc<CachedDocument>>,
        holes: impl IntoIterator<Item = Entry>,
    ) -> Self {
        // Of which version it was is not known; not of the one that follows.
        let holes = holes.into_iter().map(|hole| (0, hole)).collect();
        Self {
            repository,
            ..Self::of_pieces(pieces, holes, vec![])
        }
    }

    /// What is read next, when `listing` is believed and `held` of it is held, with all that is told of sites.
    ///
    /// A document moves as one, with its layers: while a file of it is missing it stays as it was. Where nothing was held of
    /// it before, what there is of it is better than nothing; but never without a layer of the site, nor with one and an
    /// older document.
    pub(crate) fn followed_by(
        &self,
        listing: &Listing,
        held: Vec<Arc<CachedDocument>>,
        shards: Vec<Arc<HeldShard>>,
    ) -> Self {
        let has: HashSet<_> = held
            .iter()
            .map(|one| (&one.entry.key, one.entry.version))
            .collect();
        let is_lacked = |entry: &&Entry| !has.contains(&(&entry.key, entry.version));
        let lacked: Vec<&Entry> = listing.entries().filter(is_lacked).collect();
        let missing: BTreeSet<_> = lacked
            .iter()
            .map(|entry| (entry.key.clone(), entry.version))
            .collect();
        let lacking: HashSet<_> = missing.iter().map(|(key, _)| key.document()).collect();
        let listed = listing.trust().version();
        let behind = self.all().filter(|one| {
            let key = &one.entry.key;
            lacking.contains(&key.document()) && !self.is_half_of(key, listed)
        });
        let behind: Vec<_> = behind.cloned().collect();
        let stays: HashSet<_> = behind.iter().map(|one| one.entry.key.document()).collect();
        let of_sites = shards.iter().flat_map(|one| one.documents.iter().cloned());
        let moves = |one: &Arc<CachedDocument>| !stays.contains(&one.entry.key.document());
        let pieces = held.iter().cloned().chain(of_sites).filter(moves);
        let pieces: Vec<_> = pieces.chain(behind.iter().cloned()).collect();
        let new = lacked
            .into_iter()
            .filter(|entry| !stays.contains(&entry.key.document()))
            .map(|entry| (listed, entry.clone()));
        let old = self.holes();
        let old = old.filter(|(_, hole)| stays.contains(&hole.key.document()));
        let holes: Vec<_> = new.chain(old.cloned()).collect();
        let next = Self::of_pieces(pieces, holes, shards);
        let next = Self {
            listed,
            missing: Arc::new(missing),
            ..next
        };
        Self {
            repository: if next.is_whole() {
                listed
            } else {
                self.repository
            },
            ..next
        }
    }

    /// Of `holes`, it is known that they exist.
    fn of_pieces(
        pieces: Vec<Arc<CachedDocument>>,
        holes: Vec<Hole>,
        shards: Vec<Arc<HeldShard>>,
    ) -> Self {
        let mut by_key: BTreeMap<DocumentKey, Vec<Arc<CachedDocument>>> = BTreeMap::new();
        by_key.extend(holes.iter().map(|(_, hole)| (hole.key.clone(), vec![])));
        for piece in pieces {
            let key = piece.entry.key.clone();
            by_key.entry(key).or_default().push(piece);
        }
        let mut documents = Documents::default();
        for (key, mut newest_first) in by_key {
            newest_first.sort_by_key(|document| std::cmp::Reverse(document.entry.version));
            let name = (key.product, key.service, key.name);
            let versions = documents.entry(name).or_default();
            if key.layer.is_base() {
                versions.newest_first = newest_first;
            } else {
                versions.layers.insert(key.layer, newest_first);
            }
        }
        for (listed, hole) in holes {
            let DocumentKey {
                product,
                service,
                name,
                ..
            } = &hole.key;
            if let Some(of) = documents.get_mut(&Which(product, service, name)) {
                of.holes.push((listed, hole));
            }
        }
        let sites = shards.iter().flat_map(|one| one.sites.iter().cloned());
        Self {
            documents: Arc::new(documents),
            sites: Arc::new(sites.collect()),
            shards: shards.into(),
            ..Self::default()
        }
    }

    /// The same, where other versions were refused.
    pub(super) fn refusing(&self, refusals: &Arc<Refusals>) -> Self {
        Self {
            refusals: Arc::clone(refusals),
            ..self.clone()
        }
    }

    /// Whether everything is held that metadata lists for its sites.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.has_shards()
    }

    fn has_shards(&self) -> bool {
        self.shards.iter().all(|one| !one.is_missing)
    }

    /// Whether metadata lists a version that is not held.
    pub(crate) fn misses(&self, entry: &Entry) -> bool {
        let of = (entry.key.clone(), entry.version);
        self.missing.contains(&of)
    }

    /// Whether no version of a document accepts a release, as far as is listed.
    pub(super) fn does_without(
        &self,
        (product, service, name): (&ProductName, &ServiceName, &DocumentName),
        versions: &Versions,
        code: &Version,
    ) -> bool {
        let lacked = self.missing.iter();
        let mut lacked = lacked.filter(|(key, _)| key.document() == (product, service, name));
        let accepts = |one: &Arc<CachedDocument>| one.entry.accepts.matches(code);
        lacked.next().is_none() && !versions.newest_first.iter().any(accepts)
    }

    /// How many versions metadata lists that are not held.
    pub(crate) fn missing_count(&self) -> usize {
        self.missing.len()
    }

    /// Whether it shows the same as another view of the same cache.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.listed == other.listed
            && self.missing == other.missing
            && self.has_shards() == other.has_shards()
    }

    /// The pieces of documents that miss a file.
    pub(crate) fn behind(&self) -> impl Iterator<Item = &Arc<CachedDocument>> {
        let lacking: HashSet<_> = self.missing.iter().map(|(key, _)| key.document()).collect();
        self.all().filter(move |one| {
            let key = &one.entry.key;
            lacking.contains(&key.document()) && !self.is_half_of(key, self.listed)
        })
    }

    /// What is listed with pieces that are read as they were, and was never held.
    pub(crate) fn holes_behind(&self) -> impl Iterator<Item = &Entry> {
        let old = self.holes().filter(|(of, _)| *of != self.listed);
        old.map(|(_, hole)| hole)
    }

    fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.documents.values().flat_map(|one| &one.holes)
    }

    /// Whether nothing of a document was held before this version of the repository: then it grows, file by file.
    fn is_half_of(&self, key: &DocumentKey, listed: u64) -> bool {
        let found = self.find(&key.product, &key.service, &key.name);
        let mut holes = found.into_iter().flat_map(|one| &one.holes);
        holes.any(|(of, _)| *of == listed)
    }

    /// All pieces, each as it came.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<CachedDocument>> {
        let documents = self.documents.values();
        documents.flat_map(|one| one.newest_first.iter().chain(one.layers.values().flatten()))
    }

    /// The shards that are held.
    pub(crate) fn shards(&self) -> &[Arc<HeldShard>] {
        &self.shards
    }

    /// A document of a product. Allocates nothing.
    pub(super) fn find(
        &self,
        product: &ProductName,
        service: &ServiceName,
        name: &DocumentName,
    ) -> Option<&Versions> {
        self.documents.get(&Which(product, service, name))
    }

    pub(super) fn read(
        &self,
        product: &ProductName,
        (site, service, name): (&Hostname, &ServiceName, &DocumentName),
        code: &Version,
    ) -> Option<Arc<CachedDocument>> {
        let versions = self.find(product, service, name)?;
        let given = |one: &Arc<CachedDocument>| self.is_given(one, site);
        let own = self.layers_of(site).ok()?;
        let layers = versions.of_site(own)?;
        #[cfg(feature = "trial")]
        let layers: Vec<_> = if planted(Bug::LayersBackwards) {
            layers.into_iter().rev().collect()
        } else {
            layers
        };
        if layers.is_empty() {
            return base_choice(&versions.newest_first, code, given).cloned();
        }
        let pieces = choose(&versions.newest_first, layers, code, given)?;
        let read = |layer: &Layer| {
            let mut pieces = pieces.iter().map(|one| &one.entry);
            pieces.find(|one| one.key.layer == *layer)
        };
        let is_newer = |hole: &Entry| {
            let read = read(&hole.key.layer);
            hole.accepts.matches(code) && read.is_none_or(|read| read.version < hole.version)
        };
        let uncovers = |hole: &Entry| {
            let layer = &hole.key.layer;
            self.is_for(site, hole) && read(layer).is_none() && versions.uncovers(hole, code)
        };
        let mut all = versions.holes.iter().map(|(_, hole)| hole);
        let is_half = self.holes_of(versions, site).any(is_newer) || all.any(uncovers);
        #[cfg(feature = "trial")]
        let is_half = is_half && !planted(Bug::ReadHalves);
        if is_half {
            return None;
        }
        self.merged.get(&pieces)
    }

    /// What a site would be given of a document that it has layers of, and that is not held.
    pub(super) fn holes_of<'a>(
        &'a self,
        versions: &'a Versions,
        site: &'a Hostname,
    ) -> impl Iterator<Item = &'a Entry> {
        let holes = versions.holes.iter().map(|(_, hole)| hole);
        holes.filter(|hole| self.is_for(site, hole) && !self.refusals.has(site, hole))
    }

    /// The layers of a site: `None` where nothing is told of it.
    ///
    /// # Errors
    /// When something is, and it is not held: nobody knows what it reads.
    pub(super) fn layers_of(&self, site: &Hostname) -> Result<Option<&[Layer]>, told::Missing> {
        #[cfg(feature = "trial")]
        if planted(Bug::LayersOfAnother) {
            let mut sites = self.shards.iter().flat_map(|one| &one.sites);
            return Ok(sites.next().map(|(_, layers)| &**layers));
        }
        match self.sites.get(site) {
            Some(layers) => Ok(Some(layers)),
            None if self.shards.iter().any(|one| one.lacks(site)) => Err(told::Missing),
            None => Ok(None),
        }
    }

    /// Whether a piece is for a site, and it is the site's turn to have it.
    pub(crate) fn is_for(&self, site: &Hostname, entry: &Entry) -> bool {
        let layers = self.layers_of(site).ok().flatten();
        let layer = &entry.key.layer;
        let is_own = layer.is_base() || layers.is_some_and(|own| own.contains(layer));
        is_own && entry.rollout.admits(site, entry.version)
    }

    /// Whether it is the site's turn to have a version that it did not refuse.
    pub(super) fn is_given(&self, one: &CachedDocument, site: &Hostname) -> bool {
        let entry = &one.entry;
        let is_admitted = entry.rollout.admits(site, entry.version);
        #[cfg(feature = "trial")]
        let is_admitted = is_admitted || (planted(Bug::LayersAtOnce) && !entry.key.layer.is_base());
        is_admitted && !self.refusals.has(site, entry)
    }

    /// What a site refuses that names no layer: of the pieces that it reads as one, what was published
    /// last. Where it reads another version of the document by now, that version.
    pub(crate) fn newest_piece(&self, site: &Hostname, held: Held, code: Option<&Version>) -> Held {
        let key = &held.key;
        let found = self.find(&key.product, &key.service, &key.name);
        let layers = self.layers_of(site).ok().flatten();
        let stacks = found.and_then(|one| Some((one, one.of_site(layers)?)));
        let Some((versions, stacks)) = stacks else {
            return held;
        };
        let given = |one: &Arc<CachedDocument>| self.is_given(one, site);
        let base = versions.newest_first.iter();
        let base = base.filter(|one| one.entry.version == held.version);
        let pieces: Vec<_> = match code {
            Some(code) => choose(&versions.newest_first, stacks, code, given).unwrap_or_default(),
            None => {
                let layers = stacks
                    .iter()
                    .filter_map(|all| all.iter().find(|one| given(one)));
                base.chain(layers).collect()
            }
        };
        let reads_it = pieces
            .first()
            .is_some_and(|one| one.entry.version == held.version);
        let newest = pieces.into_iter().max_by_key(|one| one.entry.published);
        match newest.filter(|_| reads_it) {
            Some(piece) => Held {
                key: piece.entry.key.clone(),
                version: piece.entry.version,
            },
            None => held,
        }
    }

    /// The documents of a product, in order of service and name.
    pub(super) fn of(
        &self,
        product: &ProductName,
    ) -> impl Iterator<Item = (&ServiceName, &DocumentName, &Versions)> {
        let of_product = self
            .documents
            .iter()
            .filter(move |(of, _)| of.0 == *product);
        of_product.map(|((_, service, name), versions)| (service, name, versions))
    }
}

impl Versions {
    /// Whether a layer is settled by what is not held, and no version of it accepts the code: then nothing is read.
    fn uncovers(&self, hole: &Entry, code: &Version) -> bool {
        let layer = &hole.key.layer;
        let held = self.layers.get(layer).into_iter().flatten();
        let held = held.map(|one| &one.entry);
        let holes = self.holes.iter().map(|(_, hole)| hole);
        let mut all = held.chain(holes.filter(|one| one.key.layer == *layer));
        hole.rollout.is_everywhere() && !all.any(|one| one.accepts.matches(code))
    }

    /// Of its layers, those of a site; `None` where nobody knows which they are. Allocates nothing where it
    /// has none.
    pub(super) fn of_site(&self, layers: Option<&[Layer]>) -> Option<Vec<&[Arc<CachedDocument>]>> {
        if self.layers.is_empty() {
            return Some(vec![]);
        }
        let Some(layers) = layers else {
            // What is for other single sites only is not for this one.
            return self.layers.keys().all(Layer::is_site).then(Vec::new);
        };
        let own = layers.iter().filter_map(|layer| self.layers.get(layer));
        Some(own.map(Vec::as_slice).collect())
    }
}

impl Equivalent<Name> for Which<'_> {
    fn equivalent(&self, (product, service, name): &Name) -> bool {
        (self.0, self.1, self.2) == (product, service, name)
    }
}
