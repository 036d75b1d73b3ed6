//! Versions that sites refused (NACK): kept on disk, told to the control plane, not read any more.
//! Never decides whether a document is good; the site does.

use std::sync::Mutex;

use domain::name::Hostname;
use protocol::delivery::{REASON_CHARACTERS_MAX, REFUSED_MAX, Refused};
use tuf::Entry;

use crate::cache::{Cache, View};
use crate::disk::Disk;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};
use crate::{AgentError, CachedDocument};

const FILE: &str = "refused.json";

/// What sites refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals {
    all: Vec<Refused>,
}

impl Refusals {
    pub(crate) fn new(all: Vec<Refused>) -> Self {
        Self { all }
    }

    /// Whether a site refused a version. Nearly always nobody refused anything.
    pub(crate) fn has(&self, site: &Hostname, entry: &Entry) -> bool {
        self.all.iter().any(|one| {
            one.held.version == entry.version && one.site == *site && one.held.key == entry.key
        })
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
        if !is_held(&view, &refused) {
            return Ok(false);
        }
        let words = refused.reason.chars().filter(|c| !c.is_control());
        refused.reason = words.take(REASON_CHARACTERS_MAX).collect();
        let before = cache.refusals();
        let other = |one: &&Refused| (&one.site, &one.held) != (&refused.site, &refused.held);
        let mut all: Vec<Refused> = before
            .all
            .iter()
            .filter(|one| other(one) && is_held(&view, one))
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

/// Whether a version is held, and given to the site that refuses it: no site speaks for others.
fn is_held(view: &View, refused: &Refused) -> bool {
    let same = |one: &CachedDocument| {
        let entry = &one.entry;
        entry.version == refused.held.version
            && entry.key == refused.held.key
            && view.is_for(&refused.site, entry)
    };
    view.all().any(|one| same(one))
}
