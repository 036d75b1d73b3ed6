//! Versions that sites refused (NACK): kept on disk, told to the control plane, not read any more.
//! Never decides whether a document is good; the site does.

use std::collections::HashMap;
use std::sync::Mutex;

use domain::document::DocumentKey;
use domain::name::Hostname;
use protocol::delivery::{Held, REASON_CHARACTERS_MAX, REFUSED_MAX, Refused};
use tuf::Entry;

use crate::AgentError;
use crate::cache::{Cache, View};
use crate::disk::Disk;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

const FILE: &str = "refused.json";

/// What sites refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals {
    all: Vec<Refused>,
    /// Reads ask for a site: what thousands of others refused must not slow them.
    by_site: HashMap<Hostname, Vec<Held>>,
}

impl Refusals {
    pub(crate) fn new(all: Vec<Refused>) -> Self {
        let mut by_site: HashMap<_, Vec<_>> = HashMap::new();
        for one in &all {
            let own = by_site.entry(one.site.clone()).or_default();
            own.push(one.held.clone());
        }
        Self { all, by_site }
    }

    /// Whether a site refused a version. Nearly always nobody refused anything.
    pub(crate) fn has(&self, site: &Hostname, entry: &Entry) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let same = |one: &Held| one.version == entry.version && one.key == entry.key;
        let own = self.by_site.get(site);
        own.is_some_and(|own| own.iter().any(same))
    }

    pub(crate) fn all(&self) -> &[Refused] {
        &self.all
    }
}

/// Takes refusals, one at a time.
pub(crate) struct Desk {
    disk: Mutex<Disk>,
}

impl Desk {
    /// Opens it with what is on disk. A file that does not read is as good as missing: the site refuses
    /// again.
    pub(crate) fn open(disk: Disk, cache: &Cache) -> Self {
        let known = disk.read_if_well(FILE);
        #[cfg(feature = "trial")]
        let known = known.filter(|_| !planted(Bug::ForgetRefusals));
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        cache.set_refusals(Refusals::new(known.unwrap_or_default()));
        Self {
            disk: Mutex::new(disk),
        }
    }

    /// Keeps a refusal, on disk first. False where the version is not held: nothing to refuse. What is
    /// held no more is forgotten.
    ///
    /// # Errors
    /// When the disk fails, or there are too many.
    pub(crate) fn refuse(&self, cache: &Cache, mut refused: Refused) -> Result<bool, AgentError> {
        let Ok(disk) = self.disk.lock() else {
            return Ok(false);
        };
        let view = cache.view();
        let held = Known::of(&view);
        if !held.is_given(&refused) {
            return Ok(false);
        }
        let words = refused.reason.chars().filter(|c| !c.is_control());
        refused.reason = words.take(REASON_CHARACTERS_MAX).collect();
        let before = cache.refusals();
        let other = |one: &&Refused| (&one.site, &one.held) != (&refused.site, &refused.held);
        let mut all: Vec<Refused> = before
            .all
            .iter()
            .filter(|one| other(one) && held.is_given(one))
            .cloned()
            .collect();
        if all.len() >= REFUSED_MAX {
            return Err(AgentError::TooManyRefusals);
        }
        all.push(refused);
        let bytes =
            serde_json::to_vec(&all).map_err(|e| AgentError::disk("write", &FILE, e.into()))?;
        disk.write(FILE, &bytes)?;
        cache.set_refusals(Refusals::new(all));
        Ok(true)
    }
}

/// What is held now.
struct Known<'a> {
    view: &'a View,
    entries: HashMap<(&'a DocumentKey, u64), &'a Entry>,
}

impl<'a> Known<'a> {
    fn of(view: &'a View) -> Self {
        let entries = view.all().map(|one| &one.entry);
        let entries = entries.map(|entry| ((&entry.key, entry.version), entry));
        Self {
            view,
            entries: entries.collect(),
        }
    }

    /// Whether a version is held, and given to the site that refuses it: no site speaks for others.
    fn is_given(&self, refused: &Refused) -> bool {
        let entry = self.entries.get(&(&refused.held.key, refused.held.version));
        entry.is_some_and(|entry| self.view.is_for(&refused.site, entry))
    }
}

#[cfg(test)]
mod tests {
    use domain::name::ProductName;

    use super::*;
    use crate::CachedDocument;

    /// More than fit into one message to the control plane.
    const SITES: usize = 1_050;

    fn site(number: usize) -> Hostname {
        format!("s{number}.example").parse().unwrap()
    }

    #[test]
    fn every_site_of_a_large_host_goes_back_from_a_version_that_none_can_use() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let product: ProductName = "web".parse().unwrap();
        let key = DocumentKey::base(
            product.clone(),
            "app".parse().unwrap(),
            "links".parse().unwrap(),
        );
        let version =
            |number| CachedDocument::unchecked(key.clone(), number, "*".parse().unwrap(), "{}");
        let sites = (0..SITES).map(|number| (site(number), product.clone()));
        let cache = Cache::unchecked(sites, [version(1), version(2)]);
        let desk = Desk::open(disk.clone(), &cache);
        let code = "5.1.0".parse().unwrap();
        let read = |cache: &Cache, number| {
            let found = cache.read(&site(number), &key.service, &key.name, &code);
            found.map(|found| found.entry.version)
        };
        for number in 0..SITES {
            assert_eq!(read(&cache, number), Some(2));
            let refused = Refused {
                site: site(number),
                held: Held {
                    key: key.clone(),
                    version: 2,
                },
                reason: "because".into(),
            };
            assert!(desk.refuse(&cache, refused).unwrap(), "{number}");
        }
        let after = |cache: &Cache| (0..SITES).all(|number| read(cache, number) == Some(1));
        assert!(after(&cache));
        Desk::open(disk, &cache);
        assert!(after(&cache), "also after a restart");
    }
}
