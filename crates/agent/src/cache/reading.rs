//! One document as one site reads it again and again, without a lock and without an allocation.

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::name::{DocumentName, Hostname, ProductName, ServiceName};
use semver::Version;

use super::{CachedDocument, Inner, View};

/// The views of a cache, for whoever reads them again and again.
pub(super) struct Views(pub(super) Arc<Inner>);

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
    pub(super) view: arc_swap::Cache<Views, Arc<View>>,
    /// The view that `found` was looked up in.
    pub(super) of: Option<Arc<View>>,
    pub(super) found: Option<Arc<CachedDocument>>,
    pub(super) product: ProductName,
    pub(super) site: Hostname,
    pub(super) service: ServiceName,
    pub(super) name: DocumentName,
    pub(super) code: Version,
}

impl Reading {
    /// The newest document that the site is given; `None` when no version accepts its code.
    pub fn get(&mut self) -> Option<&Arc<CachedDocument>> {
        let view = self.view.load();
        let is_same = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, view));
        if !is_same {
            let which = (&self.site, &self.service, &self.name);
            self.found = view.read(&self.product, which, &self.code);
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
