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
mod view;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use domain::document::DocumentKey;
use domain::layer::{Piece, ranges};
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use jiff::Timestamp;
use protocol::banner::SERVICE as BANNERS;
use semver::{Version, VersionReq};
use tuf::{Entry, Places};

pub use crate::cache::reading::Reading;
use crate::cache::reading::Views;
pub(crate) use crate::cache::view::{Readable, View};
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
    /// At least as old as was measured.
    pub(crate) fn at_least(self, measured: Duration, stale_after: Duration) -> Self {
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

/// For what a read looks up. Its keys are what signed metadata and the agent's own settings name: strangers
/// put nothing in, and cannot make it slow.
type QuickMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

struct Inner {
    sites: QuickMap<Hostname, ProductName>,
    places: Arc<Places>,
    view: ArcSwap<View>,
    /// Milliseconds UTC; 0 for never. Beside the view: it changes every few seconds.
    verified_at: AtomicI64,
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
    pub(crate) fn new(sites: impl IntoIterator<Item = (Hostname, ProductName)>) -> Self {
        let sites: QuickMap<_, _> = sites.into_iter().collect();
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

    /// Why [`Cache::read`] gives nothing to a site of its, in a sentence.
    pub(crate) fn why_unread(
        &self,
        site: &Hostname,
        (service, name): (&ServiceName, &DocumentName),
        code: &Version,
    ) -> String {
        let document = format!("{service}/{name}");
        let view = self.0.view.load();
        let product = self.product_of(site);
        let found = product.and_then(|product| view.find(product, service, name));
        let versions = found.map_or(&[][..], |found| &found.newest_first);
        let mut accepting = versions
            .iter()
            .filter(|one| one.entry.accepts.matches(code));
        if versions.is_empty() {
            format!("this agent holds no document {document}")
        } else if accepting.next().is_none() {
            format!("no version of {document} that this agent holds accepts code {code}")
        } else {
            format!(
                "{site} may not read the version of {document} that accepts code {code}: its turn is yet to come, it \
                 was refused, a layer of the site has no version for this code, or files are yet to come"
            )
        }
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
        let is_asked =
            |of: &ServiceName| of.as_str() != BANNERS && service.is_none_or(|asked| asked == of);
        let asked = view.of(product).filter(|(service, ..)| is_asked(service));
        asked
            .filter_map(|(service, name, _)| view.read(product, (site, service, name), code))
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
        for (service, name, one) in view.of(product) {
            let layers = one.of_site(layers);
            // Half of a document with layers is worse than nothing.
            let is_half =
                |layers: &Vec<_>| !layers.is_empty() && view.holes_of(one, site).next().is_some();
            let sets = layers
                .filter(|layers| !is_half(layers))
                .map(|layers| ranges(&one.newest_first, &layers, given, READABLE_MAX))
                .unwrap_or_default();
            let merged =
                |(pieces, accepts): (Vec<_>, _)| Some((view.merged.get(&pieces)?, accepts));
            let key = DocumentKey::base(product.clone(), service.clone(), name.clone());
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

    /// Whether verified documents wait for a site to run a release: of every document of its product that has a version
    /// for the release, the site reads one then, and there is at least one document. `repository` is a version of the
    /// repository at least as new as the one by which the control plane judged the same: who has older metadata may not
    /// have heard of a document. Where it is not known, 0, a version of every document is asked for.
    ///
    /// # Errors
    /// Names the first document without one, or how far this agent is behind.
    pub fn ready_for(
        &self,
        site: &Hostname,
        code: &Version,
        repository: u64,
    ) -> Result<(), String> {
        #[cfg(feature = "trial")]
        if planted(Bug::ActivateUnready) {
            return Ok(());
        }
        let product = self.product_of(site).ok_or("not a site of this agent")?;
        let view = self.0.view.load();
        let is_behind = view.listed < repository;
        #[cfg(feature = "trial")]
        let is_behind = is_behind && !planted(Bug::ForgetOrdersVersion);
        if is_behind {
            return Err(format!(
                "this agent knows config up to version {} of the repository, and was asked to go by {repository}",
                view.listed
            ));
        }
        let needed = |(service, name, all): &(&ServiceName, &DocumentName, &view::Versions)| {
            let key = (product, *service, *name);
            let is_left_out = repository > 0 && view.does_without(key, all, code);
            service.as_str() != BANNERS && !is_left_out
        };
        let own: Vec<_> = view.of(product).filter(needed).collect();
        let is_read = |service, name| view.read(product, (site, service, name), code).is_some();
        match own
            .iter()
            .find(|(service, name, _)| !is_read(service, name))
        {
            _ if own.is_empty() => Err(format!(
                "this agent holds no document of {product} that accepts {code}"
            )),
            Some((service, name, _)) => {
                let key = format!("{product}/{service}/{name}");
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
        self.0.view.rcu(|view| view.refusing(&refusals));
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
        self.0.view.rcu(|view| documents.refusing(&view.refusals));
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
