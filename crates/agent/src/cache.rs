//! What sites read: documents in memory, keyed by site, document and running code.
//!
//! A read takes no lock that an update can hold. No read for code `b` gives a document that does
//! not accept `b`: versions lie newest first, and the first that accepts `b`, is given to the site and
//! was not refused by it is the answer, with what its layers add by the same rule (`domain::layer`).

mod merged;
mod reading;
#[cfg(test)]
mod tests;
pub(crate) mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use domain::document::DocumentKey;
use domain::layer::{Layer, Piece, base_choice, choose, ranges};
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use jiff::Timestamp;
use protocol::banner::SERVICE as BANNERS;
use protocol::delivery::Held;
use semver::{Version, VersionReq};
use tuf::{Entry, Listing, Places};

use crate::cache::merged::Merged;
pub use crate::cache::reading::Reading;
use crate::cache::reading::Views;
use crate::cache::told::HeldShard;
use crate::refusals::Refusals;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

/// A verified document.
#[derive(Clone, Debug)]
pub struct CachedDocument {
    /// What signed metadata says about it; of a document with layers, about the document itself.
    pub entry: Entry,
    /// What of its layers is merged into it, in that order.
    pub layers: Vec<Entry>,
    /// JSON.
    pub body: Bytes,
    /// SHA-256 of the body.
    pub sha256: [u8; 32],
    /// For conditional requests: changes with every version of every piece.
    pub etag: Arc<str>,
}

/// The most that a site may read of one document, over all releases, where it reads files.
const READABLE_MAX: usize = 256;

/// How old the newest proof is that nothing newer exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Since a newer signed timestamp was verified; `None` when none ever was.
    pub age: Option<Duration>,
    /// Past the bound.
    pub stale: bool,
}

impl Freshness {
    /// With what this process measured since the proof, by a clock that nobody sets: the greater age is
    /// the honest one.
    pub(crate) fn at_least(self, measured: Option<Duration>, stale_after: Duration) -> Self {
        let Some(measured) = measured else {
            return self;
        };
        let age = self.age.unwrap_or_default().max(measured);
        Self {
            age: Some(age),
            stale: age > stale_after,
        }
    }
}

/// The documents of an agent's sites. Cheap to clone; clones see the same documents.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    sites: HashMap<Hostname, ProductName>,
    places: Arc<Places>,
    view: ArcSwap<View>,
    /// Milliseconds UTC; 0 for never. Beside the view: it changes every few seconds.
    verified_at: AtomicI64,
}

/// Everything that decides a read, replaced as one.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) repository: u64,
    documents: Arc<HashMap<ProductName, Vec<Versions>>>,
    /// What is told of the sites of this agent; nothing where no document of their product has layers.
    shards: Arc<[Arc<HeldShard>]>,
    sites: Arc<HashMap<Hostname, Arc<[Layer]>>>,
    pub(crate) refusals: Arc<Refusals>,
    merged: Arc<Merged>,
}

/// One document of a product; a product's lie in order of service and name.
struct Versions {
    service: ServiceName,
    name: DocumentName,
    newest_first: Vec<Arc<CachedDocument>>,
    /// Of each layer, newest first.
    layers: BTreeMap<Layer, Vec<Arc<CachedDocument>>>,
}

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
        let documents = documents.into_iter().chain(of_sites);
        let mut by_key: BTreeMap<DocumentKey, Vec<Arc<CachedDocument>>> = BTreeMap::new();
        for document in documents {
            let key = document.entry.key.clone();
            by_key.entry(key).or_default().push(document);
        }
        let mut by_product: HashMap<ProductName, Vec<Versions>> = HashMap::new();
        // The document itself comes before its layers.
        for (key, mut newest_first) in by_key {
            newest_first.sort_by_key(|document| std::cmp::Reverse(document.entry.version));
            let of = by_product.entry(key.product).or_default();
            let same = |one: &&mut Versions| one.service == key.service && one.name == key.name;
            match of.last_mut().filter(same) {
                Some(of) => drop(of.layers.insert(key.layer, newest_first)),
                None => of.push(Versions::of(key.service, key.name, key.layer, newest_first)),
            }
        }
        let sites = shards.iter().flat_map(|one| one.sites.iter().cloned());
        Self {
            repository,
            documents: Arc::new(by_product),
            sites: Arc::new(sites.collect()),
            shards: shards.into(),
            refusals: Arc::default(),
            merged: Arc::default(),
        }
    }

    /// All pieces, each as it came.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<CachedDocument>> {
        let documents = self.documents.values().flatten();
        documents.flat_map(|one| one.newest_first.iter().chain(one.layers.values().flatten()))
    }

    /// The shards that are held.
    pub(crate) fn shards(&self) -> &[Arc<HeldShard>] {
        &self.shards
    }

    /// Whether everything that is listed for these places is held.
    pub(crate) fn has_all(&self, listing: &Listing, places: &Places) -> bool {
        let own = self.all().filter(|one| !one.entry.key.layer.is_site());
        let shards = listing.shards().filter(|one| places.are_in(&one.shard));
        let held = self.shards.iter().filter(|one| !one.is_missing);
        listing.entries().count() == own.count() && shards.count() == held.count()
    }

    /// A document of a product. Allocates nothing.
    fn find(
        &self,
        product: &ProductName,
        service: &ServiceName,
        name: &DocumentName,
    ) -> Option<&Versions> {
        let of_product = self.of(product);
        let found =
            of_product.binary_search_by(|one| (&one.service, &one.name).cmp(&(service, name)));
        found.ok().and_then(|at| of_product.get(at))
    }

    fn read(
        &self,
        product: &ProductName,
        (site, service, name): (&Hostname, &ServiceName, &DocumentName),
        code: &Version,
    ) -> Option<Arc<CachedDocument>> {
        let versions = self.find(product, service, name)?;
        let given = |one: &Arc<CachedDocument>| self.is_given(one, site);
        let layers = versions.of_site(self.layers_of(site).ok()?)?;
        if layers.is_empty() {
            return base_choice(&versions.newest_first, code, given).cloned();
        }
        let pieces = choose(&versions.newest_first, layers, code, given)?;
        self.merged.get(&pieces)
    }

    /// The layers of a site: `None` where nothing is told of it.
    ///
    /// # Errors
    /// When something is, and it is not held: nobody knows what it reads.
    fn layers_of(&self, site: &Hostname) -> Result<Option<&[Layer]>, told::Missing> {
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
    fn is_given(&self, one: &CachedDocument, site: &Hostname) -> bool {
        let entry = &one.entry;
        entry.rollout.admits(site, entry.version) && !self.refusals.has(site, entry)
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
    fn of(&self, product: &ProductName) -> &[Versions] {
        self.documents.get(product).map_or(&[], Vec::as_slice)
    }
}

impl Versions {
    fn of(
        service: ServiceName,
        name: DocumentName,
        layer: Layer,
        newest_first: Vec<Arc<CachedDocument>>,
    ) -> Self {
        let (base, layers) = if layer.is_base() {
            (newest_first, BTreeMap::new())
        } else {
            (vec![], BTreeMap::from([(layer, newest_first)]))
        };
        Self {
            service,
            name,
            newest_first: base,
            layers,
        }
    }

    /// Of its layers, those of a site; `None` where nobody knows which they are. Allocates nothing where it
    /// has none.
    fn of_site(&self, layers: Option<&[Layer]>) -> Option<Vec<&[Arc<CachedDocument>]>> {
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

impl Piece for CachedDocument {
    fn accepts(&self) -> &VersionReq {
        #[cfg(feature = "trial")]
        if planted(Bug::SkipAccepts) {
            static ANY: VersionReq = VersionReq::STAR;
            return &ANY;
        }
        &self.entry.accepts
    }

    fn rollout(&self) -> &domain::rollout::Rollout {
        &self.entry.rollout
    }
}

impl CachedDocument {
    pub(crate) fn new(entry: Entry, body: Bytes) -> Self {
        let etag = format!("\"{}\"", hex::encode(&entry.sha256[..16])).into();
        Self {
            sha256: entry.sha256,
            entry,
            layers: vec![],
            body,
            etag,
        }
    }
}

impl Cache {
    pub(crate) fn new(sites: HashMap<Hostname, ProductName>) -> Self {
        let view = ArcSwap::from_pointee(View::default());
        Self(Arc::new(Inner {
            places: Arc::new(Places::of(&sites)),
            sites,
            view,
            verified_at: AtomicI64::new(0),
        }))
    }

    /// The newest document that accepts the code a site runs, is given to the site and was not refused by
    /// it; `None` for a site of another agent and when there is no such version.
    #[must_use]
    pub fn read(
        &self,
        site: &Hostname,
        service: &ServiceName,
        name: &DocumentName,
        code: &Version,
    ) -> Option<Arc<CachedDocument>> {
        let product = self.0.sites.get(site)?;
        let view = self.0.view.load();
        view.read(product, (site, service, name), code)
    }

    /// A document as one site that runs `code` reads it again and again: looked up when something
    /// changed, and otherwise at the cost of one comparison. `None` for a site of another agent.
    #[must_use]
    pub fn reading(
        &self,
        site: &Hostname,
        service: &ServiceName,
        name: &DocumentName,
        code: &Version,
    ) -> Option<Reading> {
        let product = self.0.sites.get(site)?.clone();
        Some(Reading {
            view: arc_swap::Cache::new(Views(Arc::clone(&self.0))),
            of: None,
            found: None,
            product,
            site: site.clone(),
            service: service.clone(),
            name: name.clone(),
            code: code.clone(),
        })
    }

    /// What [`Cache::read`] gives of each document of a site's product, or of one of its services, by
    /// name. Banners are not among them: they are for every code.
    #[must_use]
    pub fn read_all(
        &self,
        site: &Hostname,
        code: &Version,
        service: Option<&ServiceName>,
    ) -> Vec<Arc<CachedDocument>> {
        let Some(product) = self.product_of(site) else {
            return vec![];
        };
        let view = self.0.view.load();
        let is_asked = |one: &&Versions| {
            one.service.as_str() != BANNERS && service.is_none_or(|service| *service == one.service)
        };
        let asked = view.of(product).iter().filter(is_asked);
        asked
            .filter_map(|one| view.read(product, (site, &one.service, &one.name), code))
            .collect()
    }

    /// For each document of a site's product, by name, what the site may read, each with the releases that
    /// read it: the first that accepts its code is what [`Cache::read`] gives.
    pub(crate) fn readable(
        &self,
        view: &View,
        site: &Hostname,
    ) -> Vec<(DocumentKey, Vec<Readable>)> {
        let given = |one: &Arc<CachedDocument>| view.is_given(one, site);
        let Some((product, layers)) = self.product_of(site).zip(view.layers_of(site).ok()) else {
            return vec![];
        };
        let mut all = vec![];
        for one in view.of(product) {
            let layers = one.of_site(layers);
            let sets = layers
                .map(|layers| ranges(&one.newest_first, &layers, given, READABLE_MAX))
                .unwrap_or_default();
            let merged =
                |(pieces, accepts): (Vec<_>, _)| Some((view.merged.get(&pieces)?, accepts));
            let key = DocumentKey::base(product.clone(), one.service.clone(), one.name.clone());
            all.push((key, sets.into_iter().filter_map(merged).collect()));
        }
        all
    }

    /// The newest document, whatever code it accepts: for what no code needs. A version such as
    /// 4.2.0-rc.1 is accepted by no `*` (semver leaves prereleases out).
    #[must_use]
    pub fn newest(
        &self,
        site: &Hostname,
        service: &ServiceName,
        name: &DocumentName,
    ) -> Option<Arc<CachedDocument>> {
        let product = self.0.sites.get(site)?;
        let view = self.0.view.load();
        let found = view.find(product, service, name)?;
        found.newest_first.first().cloned()
    }

    /// Whether verified documents wait for a site to run a release: every document of its product has
    /// a version that the site would read then, and there is at least one.
    ///
    /// # Errors
    /// Names the first document without one.
    pub fn ready_for(&self, site: &Hostname, code: &Version) -> Result<(), String> {
        #[cfg(feature = "trial")]
        if planted(Bug::ActivateUnready) {
            return Ok(());
        }
        let product = self.product_of(site).ok_or("not a site of this agent")?;
        let view = self.0.view.load();
        let own = view.documents.get(product).into_iter().flatten();
        let own: Vec<_> = own.filter(|one| one.service.as_str() != BANNERS).collect();
        let is_read = |one: &&Versions| {
            let read = view.read(product, (site, &one.service, &one.name), code);
            read.is_some()
        };
        match own.iter().find(|one| !is_read(one)) {
            _ if own.is_empty() => Err(format!("this agent holds no document of {product}")),
            Some(one) => {
                let key = format!("{product}/{}/{}", one.service, one.name);
                Err(format!(
                    "this agent holds no version of {key} for {site} that accepts {code}"
                ))
            }
            None => Ok(()),
        }
    }

    /// What its sites refused.
    pub(crate) fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.0.view.load().refusals)
    }

    pub(crate) fn set_refusals(&self, refusals: Refusals) {
        let refusals = Arc::new(refusals);
        self.0.view.rcu(|view| View {
            refusals: Arc::clone(&refusals),
            ..View::clone(view)
        });
    }

    /// The product of a site; `None` for a site of another agent.
    #[must_use]
    pub fn product_of(&self, site: &Hostname) -> Option<&ProductName> {
        self.0.sites.get(site)
    }

    /// Where its sites lie among what is told of sites.
    pub(crate) fn places(&self) -> &Arc<Places> {
        &self.0.places
    }

    /// How many sites it serves.
    #[must_use]
    pub fn site_count(&self) -> usize {
        self.0.sites.len()
    }

    /// Its sites.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &Hostname> {
        self.0.sites.keys()
    }

    /// The products of its sites.
    #[must_use]
    pub fn products(&self) -> BTreeSet<ProductName> {
        self.0.sites.values().cloned().collect()
    }

    /// The repository version it holds, 0 for none.
    #[must_use]
    pub fn repository_version(&self) -> u64 {
        self.0.view.load().repository
    }

    /// How fresh it is at `now`.
    #[must_use]
    pub fn freshness(&self, now: Timestamp, stale_after: Duration) -> Freshness {
        let verified_at = self.0.verified_at.load(Ordering::Relaxed);
        if verified_at == 0 {
            return Freshness {
                age: None,
                stale: true,
            };
        }
        // A clock that was set back cannot tell the age.
        let Ok(millis) = u64::try_from(now.as_millisecond() - verified_at) else {
            return Freshness {
                age: None,
                stale: true,
            };
        };
        let age = Duration::from_millis(millis);
        Freshness {
            age: Some(age),
            stale: age > stale_after,
        }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.0.view.load_full()
    }

    /// Puts other documents in place; what was refused stays refused.
    pub(crate) fn replace(&self, documents: &View) {
        self.0.view.rcu(|view| View {
            refusals: Arc::clone(&view.refusals),
            ..documents.clone()
        });
    }

    pub(crate) fn set_verified_at(&self, at: Timestamp) {
        self.0
            .verified_at
            .store(at.as_millisecond(), Ordering::Relaxed);
    }

    /// The epoch for never.
    pub(crate) fn verified_at(&self) -> Timestamp {
        let millis = self.0.verified_at.load(Ordering::Relaxed);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
