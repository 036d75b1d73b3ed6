//! What sites read: documents in memory, keyed by site, document and running code.
//!
//! A read takes no lock that an update can hold. No read for code `b` gives a document that does
//! not accept `b`: versions lie newest first, and the first that accepts `b`, is given to the site and
//! was not refused by it is the answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use domain::document::DocumentKey;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use jiff::Timestamp;
use protocol::banner::SERVICE as BANNERS;
use semver::Version;
use tuf::Entry;

use crate::refusals::Refusals;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

/// A verified document.
#[derive(Clone, Debug)]
pub struct CachedDocument {
    /// What signed metadata says about it.
    pub entry: Entry,
    /// JSON.
    pub body: Bytes,
    /// For conditional requests: changes with every version.
    pub etag: Arc<str>,
}

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
    view: ArcSwap<View>,
    /// Milliseconds UTC; 0 for never. Beside the view: it changes every few seconds.
    verified_at: AtomicI64,
}

/// Everything that decides a read, replaced as one.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) repository: u64,
    documents: Arc<HashMap<ProductName, Vec<Versions>>>,
    pub(crate) refusals: Arc<Refusals>,
}

/// One document of a product; a product's lie in order of service and name.
struct Versions {
    service: ServiceName,
    name: DocumentName,
    newest_first: Vec<Arc<CachedDocument>>,
}

impl View {
    /// Documents at one version of the repository; nothing is refused.
    pub(crate) fn new(
        repository: u64,
        documents: impl IntoIterator<Item = Arc<CachedDocument>>,
    ) -> Self {
        let mut by_key: BTreeMap<DocumentKey, Vec<Arc<CachedDocument>>> = BTreeMap::new();
        for document in documents {
            let key = document.entry.key.clone();
            by_key.entry(key).or_default().push(document);
        }
        let mut by_product: HashMap<ProductName, Vec<Versions>> = HashMap::new();
        for (key, mut newest_first) in by_key {
            newest_first.sort_by_key(|document| std::cmp::Reverse(document.entry.version));
            by_product.entry(key.product).or_default().push(Versions {
                service: key.service,
                name: key.name,
                newest_first,
            });
        }
        Self {
            repository,
            documents: Arc::new(by_product),
            refusals: Arc::default(),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<CachedDocument>> {
        let documents = self.documents.values().flatten();
        documents.flat_map(|versions| &versions.newest_first)
    }

    /// The versions of a document, newest first. Allocates nothing.
    fn versions(
        &self,
        product: &ProductName,
        service: &ServiceName,
        name: &DocumentName,
    ) -> &[Arc<CachedDocument>] {
        let of_product = self.of(product);
        let found =
            of_product.binary_search_by(|one| (&one.service, &one.name).cmp(&(service, name)));
        let found = found.ok().and_then(|at| of_product.get(at));
        found.map_or(&[], |versions| &versions.newest_first)
    }

    fn read(
        &self,
        product: &ProductName,
        (site, service, name): (&Hostname, &ServiceName, &DocumentName),
        code: &Version,
    ) -> Option<&Arc<CachedDocument>> {
        let mut versions = self.versions(product, service, name).iter();
        versions.find(|one| is_given(one, site, code) && !self.refusals.has(site, &one.entry))
    }

    /// The documents of a product, in order of service and name.
    fn of(&self, product: &ProductName) -> &[Versions] {
        self.documents.get(product).map_or(&[], Vec::as_slice)
    }
}

/// Whether a document serves the code, and it is the site's turn to have it.
fn is_given(one: &CachedDocument, site: &Hostname, code: &Version) -> bool {
    let entry = &one.entry;
    #[cfg(feature = "trial")]
    if planted(Bug::SkipAccepts) {
        return entry.rollout.admits(site, entry.version);
    }
    entry.accepts.matches(code) && entry.rollout.admits(site, entry.version)
}

impl CachedDocument {
    pub(crate) fn new(entry: Entry, body: Bytes) -> Self {
        let etag = format!("\"{}\"", hex::encode(&entry.sha256[..16])).into();
        Self { entry, body, etag }
    }
}

impl Cache {
    pub(crate) fn new(sites: HashMap<Hostname, ProductName>) -> Self {
        let view = ArcSwap::from_pointee(View::default());
        Self(Arc::new(Inner {
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
        view.read(product, (site, service, name), code).cloned()
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
            .cloned()
            .collect()
    }

    /// For each document of a site's product, by name, the versions that the site may read, newest
    /// first: the first that accepts its code is what [`Cache::read`] gives.
    pub(crate) fn readable(
        &self,
        view: &View,
        site: &Hostname,
    ) -> Vec<(DocumentKey, Vec<Arc<CachedDocument>>)> {
        let is_read = |one: &&Arc<CachedDocument>| {
            let entry = &one.entry;
            entry.rollout.admits(site, entry.version) && !view.refusals.has(site, entry)
        };
        let Some(product) = self.product_of(site) else {
            return vec![];
        };
        let versions = |one: &Versions| {
            let key = DocumentKey {
                product: product.clone(),
                service: one.service.clone(),
                name: one.name.clone(),
            };
            let read = one.newest_first.iter().filter(is_read);
            (key, read.cloned().collect())
        };
        view.of(product).iter().map(versions).collect()
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
        view.versions(product, service, name).first().cloned()
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

/// The views of a cache, for whoever reads them again and again.
struct Views(Arc<Inner>);

impl std::ops::Deref for Views {
    type Target = ArcSwap<View>;

    fn deref(&self) -> &ArcSwap<View> {
        &self.0.view
    }
}

/// A document as one site reads it again and again; made by [`Cache::reading`].
///
/// Each thread has its own. A read takes no lock and allocates nothing; it gives what
/// [`Cache::read`] gives.
pub struct Reading {
    view: arc_swap::Cache<Views, Arc<View>>,
    /// The view that `found` was looked up in.
    of: Option<Arc<View>>,
    found: Option<Arc<CachedDocument>>,
    product: ProductName,
    site: Hostname,
    service: ServiceName,
    name: DocumentName,
    code: Version,
}

impl Reading {
    /// The newest document that the site is given; `None` when no version accepts its code.
    pub fn get(&mut self) -> Option<&Arc<CachedDocument>> {
        let view = self.view.load();
        let is_same = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, view));
        if !is_same {
            let which = (&self.site, &self.service, &self.name);
            self.found = view.read(&self.product, which, &self.code).cloned();
            self.of = Some(Arc::clone(view));
        }
        self.found.as_ref()
    }

    /// From now on for a site that runs `code`.
    pub fn set_code(&mut self, code: Version) {
        self.code = code;
        self.of = None;
    }
}

#[cfg(test)]
mod tests {
    use domain::document::Lane;
    use domain::rollout::Rollout;
    use protocol::delivery::{Held, Refused};
    use semver::VersionReq;

    use super::*;

    fn document(version: u64, accepts: &str) -> Arc<CachedDocument> {
        let key = DocumentKey {
            product: ProductName::parse("web").unwrap(),
            service: ServiceName::parse("sign-in").unwrap(),
            name: DocumentName::parse("client").unwrap(),
        };
        let accepts = VersionReq::parse(accepts).unwrap();
        let entry = Entry {
            key,
            version,
            accepts,
            lane: Lane::First,
            rollout: Rollout::everywhere(),
            json_schema: None,
            length: 2,
            sha256: [7; 32],
        };
        Arc::new(CachedDocument::new(entry, Bytes::from_static(b"{}")))
    }

    #[test]
    fn a_read_gives_the_newest_version_that_accepts_the_code() {
        let site = Hostname::parse("a.gov").unwrap();
        let product = ProductName::parse("web").unwrap();
        let cache = Cache::new(HashMap::from([(site.clone(), product)]));
        let documents = [(1, "^5.1"), (2, "~5.1"), (3, "^5.2"), (4, "=5.1.7")];
        cache.replace(&View::new(
            9,
            documents.map(|(version, accepts)| document(version, accepts)),
        ));
        let read = |host: &str, code: &str| {
            let site = Hostname::parse(host).unwrap();
            let service = ServiceName::parse("sign-in").unwrap();
            let name = DocumentName::parse("client").unwrap();
            let found = cache.read(&site, &service, &name, &Version::parse(code).unwrap());
            found.map(|document| document.entry.version)
        };
        let expected = [
            ("5.1.0", Some(2)),
            ("5.1.7", Some(4)),
            ("5.2.0", Some(3)),
            ("5.3.1", Some(3)),
            ("4.0.0", None),
            ("6.0.0", None),
        ];
        for (code, version) in expected {
            assert_eq!(read("a.gov", code), version, "{code}");
        }
        assert_eq!(read("b.gov", "5.2.0"), None);
        assert!(cache.ready_for(&site, &Version::new(5, 2, 0)).is_ok());
        assert!(cache.ready_for(&site, &Version::new(6, 0, 0)).is_err());
    }

    #[test]
    fn a_site_reads_no_version_before_its_turn_or_that_it_refused() {
        let [canary, other] = ["a.gov", "b.gov"].map(|host| Hostname::parse(host).unwrap());
        let product = ProductName::parse("web").unwrap();
        let sites = [&canary, &other].map(|site| (site.clone(), product.clone()));
        let cache = Cache::new(HashMap::from(sites));
        let mut new = CachedDocument::clone(&document(2, "^5"));
        new.entry.rollout = Rollout::canaries([canary.clone()]);
        let refusal = Refused {
            site: canary.clone(),
            held: Held {
                key: new.entry.key.clone(),
                version: 2,
            },
            reason: "its callback path is not ours".into(),
        };
        cache.replace(&View::new(9, [document(1, "^5"), Arc::new(new)]));
        let read = |site: &Hostname| {
            let service = ServiceName::parse("sign-in").unwrap();
            let name = DocumentName::parse("client").unwrap();
            let found = cache.read(site, &service, &name, &Version::new(5, 2, 0));
            found.map(|document| document.entry.version)
        };
        assert_eq!((read(&canary), read(&other)), (Some(2), Some(1)));
        let [service, name] = ["sign-in", "client"];
        let (service, name) = (service.parse().unwrap(), name.parse().unwrap());
        let mut reading = cache
            .reading(&canary, &service, &name, &Version::new(5, 2, 0))
            .unwrap();
        let version = |reading: &mut Reading| reading.get().map(|one| one.entry.version);
        assert_eq!(version(&mut reading), Some(2));
        cache.set_refusals(Refusals::new(vec![refusal]));
        assert_eq!((read(&canary), read(&other)), (Some(1), Some(1)));
        assert_eq!(version(&mut reading), Some(1));
        cache.replace(&View::new(10, [document(3, "^5"), document(2, "^5")]));
        assert_eq!(version(&mut reading), Some(3), "it follows");
        cache.replace(&View::new(11, [document(2, "^5")]));
        assert_eq!(read(&canary), None, "what was refused stays refused");
        reading.set_code(Version::new(6, 0, 0));
        assert_eq!(version(&mut reading), None);
    }

    #[test]
    fn age_is_counted_from_the_last_verified_timestamp() {
        let cache = Cache::new(HashMap::new());
        let at: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let bound = Duration::from_secs(60);
        assert_eq!(
            cache.freshness(at, bound),
            Freshness {
                age: None,
                stale: true
            }
        );
        cache.set_verified_at(at);
        for (seconds, stale) in [(0, false), (60, false), (61, true)] {
            let now = at + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(cache.freshness(now, bound).stale, stale, "{seconds}");
        }
        let before = at - jiff::SignedDuration::from_secs(9);
        let fresh = cache.freshness(before, bound);
        assert!(
            fresh.stale && fresh.age.is_none(),
            "a clock that was set back"
        );
        let measured = fresh.at_least(Some(Duration::from_secs(7)), bound);
        assert_eq!(
            (measured.age, measured.stale),
            (Some(Duration::from_secs(7)), false)
        );
        let set_back = cache.freshness(at, bound);
        let measured = set_back.at_least(Some(Duration::from_secs(61)), bound);
        assert!(
            measured.stale,
            "the process measured a minute more than its clock shows"
        );
    }
}
