//! The client workflow: what to fetch next, and whether to believe it.
//!
//! Follows The Update Framework 1.0, sections 5.3 (root) to 5.7 (target files); each check names its
//! section. A role is believed when its own checks have passed, in the order of the specification;
//! [`Update::so_far`] shows that step by step, and [`Update::finish`] only when the whole update has
//! passed. Never fetches, never stores, and never asks what a target means: that is `listing`.

mod check;
mod error;
mod update;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::schema::{
    Delegation, Header, Kind, Metafile, Root, Signed, Snapshot, Targets, TimestampRole, quoted,
    role_file,
};
use crate::{METADATA_BYTES_MAX, Places, SMALL_METADATA_BYTES_MAX};
pub use error::TrustError;
pub use update::{Update, Want};
pub use walk::ROLES_PER_SEARCH_MAX;

/// Which delegated roles an update visits, after the four roles that every update visits.
#[derive(Clone, Debug)]
pub enum Interest {
    /// None of them.
    TopLevel,
    /// All that targets delegates to.
    All,
    /// Those of the products of these sites, and of what is told of sites, those that tell of these.
    Sites(Arc<Places>),
    /// Those that may speak for this target, at any depth, until one does.
    Target(String),
}

/// A believed file: what it says and the bytes it said it with.
#[derive(Debug)]
pub(crate) struct Believed<T> {
    pub(crate) header: Header,
    pub(crate) role: T,
    bytes: Vec<u8>,
}

/// A file of a top-level role, and the version of the root whose keys it was verified with.
#[derive(Debug)]
struct Held<T> {
    file: Arc<Believed<T>>,
    root: u64,
}

/// A file of a delegated role, and the delegator whose keys it was verified with; none yet when it
/// was only read back.
#[derive(Clone, Debug)]
struct Delegated {
    file: Arc<Believed<Targets>>,
    by: Option<Arc<Believed<Targets>>>,
}

/// What a client believes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trust {
    root: Arc<Believed<Root>>,
    timestamp: Option<Held<TimestampRole>>,
    snapshot: Option<Held<Snapshot>>,
    targets: Option<Held<Targets>>,
    delegated: BTreeMap<String, Delegated>,
}

/// A target as signed metadata describes it.
#[derive(Clone, Debug)]
pub struct Found {
    name: String,
    target: crate::schema::Target,
}

/// A file as it came, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct RoleBytes<'a> {
    /// The role; any text.
    pub role: &'a str,
    /// Its version.
    pub version: u64,
    /// The file.
    pub bytes: &'a [u8],
}

impl Trust {
    /// Trusts a root file that came by a safe way, such as the enrolment. Its expiry is checked by
    /// the first update.
    ///
    /// # Errors
    /// When it does not parse or does not carry its own signatures.
    pub fn pin(root: &[u8]) -> Result<Self, TrustError> {
        let file = "root.json";
        let signed = Signed::<Root>::read(file, root, SMALL_METADATA_BYTES_MAX)?;
        check::signed_by_root(file, &signed.role, &signed)?;
        Ok(Self {
            root: Arc::new(Believed::new(signed, root)),
            timestamp: None,
            snapshot: None,
            targets: None,
            delegated: BTreeMap::new(),
        })
    }

    /// Reads back what [`Trust::files`] gave, with every check but expiry: what was believed once
    /// is still the last known good.
    ///
    /// # Errors
    /// When a file is missing or was changed.
    pub fn restore(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, TrustError> {
        let missing = |file: &str| TrustError::Missing { file: file.into() };
        let root = files.get("root.json").ok_or_else(|| missing("root.json"))?;
        let mut update = Self::pin(root)?.start(None, Interest::All);
        while let Some(want) = update.wants() {
            match files.get(&want.file) {
                Some(bytes) => update.give(Some(bytes))?,
                // Roles of other products were never fetched.
                None if update.is_delegated() => update.skip()?,
                None => update.give(None)?,
            }
        }
        update.finish().ok_or_else(|| missing("timestamp.json"))
    }

    /// Reads back files that were kept one by one, by the name of their role, so that a stopped
    /// update may have left an older one beside a newer. One that does not verify is as good as
    /// missing; what is kept guards against rollback until the next update replaces it.
    ///
    /// # Errors
    /// When `root` does not parse or does not carry its own signatures.
    pub fn recall(root: &[u8], file: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, TrustError> {
        let mut trust = Self::pin(root)?;
        trust.timestamp = trust.recalled(&file, |trust| &trust.root.role.roles.timestamp);
        trust.snapshot = trust.recalled(&file, |trust| &trust.root.role.roles.snapshot);
        trust.targets = trust.recalled(&file, |trust| &trust.root.role.roles.targets);
        let names = trust
            .snapshot
            .iter()
            .flat_map(|held| held.role().meta.keys());
        let roles = names.filter_map(|name| {
            let role = name
                .strip_suffix(".json")
                .filter(|role| *role != "targets")?;
            let bytes = file(role)?;
            let signed = Signed::<Targets>::read(role, &bytes, METADATA_BYTES_MAX).ok()?;
            let file = Arc::new(Believed::new(signed, &bytes));
            Some((role.to_owned(), Delegated { file, by: None }))
        });
        trust.delegated = roles.collect();
        Ok(trust)
    }

    fn recalled<T: Kind>(
        &self,
        file: &impl Fn(&str) -> Option<Vec<u8>>,
        keys: impl Fn(&Self) -> &crate::verify::RoleKeys,
    ) -> Option<Held<T>> {
        let bytes = file(T::TYPE)?;
        let signed = Signed::<T>::read(T::TYPE, &bytes, METADATA_BYTES_MAX).ok()?;
        keys(self)
            .verify(
                T::TYPE,
                &self.root.role.keys,
                &signed.message,
                &signed.signatures,
            )
            .ok()?;
        Some(self.hold(Believed::new(signed, &bytes)))
    }

    /// Everything believed, by the name that the repository gives it, to be stored as one.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.roles()
            .map(|file| {
                let name = match file.role {
                    "root" => role_file("root"),
                    role => self.file_name(role, file.version),
                };
                (name, file.bytes.to_vec())
            })
            .collect()
    }

    /// Everything believed, by role: root first, then in the order of an update.
    pub fn roles(&self) -> impl Iterator<Item = RoleBytes<'_>> {
        let top = [
            Some(self.root.named("root")),
            self.timestamp
                .as_ref()
                .map(|held| held.file.named("timestamp")),
            self.snapshot
                .as_ref()
                .map(|held| held.file.named("snapshot")),
            self.targets.as_ref().map(|held| held.file.named("targets")),
        ];
        let delegated = self.delegated.iter();
        top.into_iter()
            .flatten()
            .chain(delegated.map(|(role, held)| held.file.named(role)))
    }

    /// Whether a client that trusts this would take `root` as the next, whatever the time: one
    /// version up, with enough signatures by the keys of both.
    ///
    /// # Errors
    /// What a client would say.
    pub fn would_follow(&self, root: &[u8]) -> Result<(), TrustError> {
        self.start(None, Interest::TopLevel).give(Some(root))
    }

    /// Begins an update at `now`.
    #[must_use]
    pub fn update(&self, now: Timestamp, interest: Interest) -> Update {
        self.start(Some(now), interest)
    }

    fn start(&self, now: Option<Timestamp>, interest: Interest) -> Update {
        Update::new(self.clone(), now, interest)
    }

    /// The repository version believed: the snapshot's. 0 before the first update.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |held| held.version())
    }

    /// The version of the root believed.
    #[must_use]
    pub fn root_version(&self) -> u64 {
        self.root.version()
    }

    /// The version of the timestamp believed. 0 before the first update.
    #[must_use]
    pub fn timestamp_version(&self) -> u64 {
        self.timestamp.as_ref().map_or(0, |held| held.version())
    }

    /// When the timestamp expires: past this, nothing says that the documents are the newest.
    #[must_use]
    pub fn fresh_until(&self) -> Option<Timestamp> {
        self.timestamp.as_ref().map(|held| held.file.header.expires)
    }

    /// Where a target lies below the folder of targets: with its hash before the last part when
    /// the repository has consistent snapshots. `None` when no hash can be checked here.
    #[must_use]
    pub fn target_file(&self, found: &Found) -> Option<String> {
        let hash = found.target.hashes.first()?;
        let (folders, last) = found.name.rsplit_once('/').unwrap_or(("", &found.name));
        let last = if self.root.role.consistent_snapshot {
            format!("{hash}.{last}")
        } else {
            last.to_owned()
        };
        let parts = folders.split('/').filter(|_| !folders.is_empty());
        let parts: Vec<_> = parts.chain([last.as_str()]).map(quoted).collect();
        Some(parts.join("/"))
    }

    /// Whether every role is believed that an update with this interest would visit, of those that targets delegates to.
    #[must_use]
    pub fn has_all(&self, interest: &Interest) -> bool {
        self.targets.as_ref().is_some_and(|targets| {
            let delegations = targets.role().delegations().iter();
            let mut wanted = delegations.filter(|delegation| interest.wants(delegation));
            wanted.all(|delegation| self.delegated.contains_key(&delegation.name))
        })
    }

    /// What targets says itself, and each role that it delegates to and that is believed.
    pub(crate) fn listed(&self) -> Option<Listed<'_>> {
        let top = &self.targets.as_ref()?.file;
        let roles = top.role.delegations().iter().filter_map(|delegation| {
            let held = self.delegated.get(&delegation.name)?;
            Some((delegation, &held.file))
        });
        let roles = roles.collect();
        Some(Listed { top, roles })
    }

    fn hold<T>(&self, file: Believed<T>) -> Held<T> {
        Held {
            file: Arc::new(file),
            root: self.root.version(),
        }
    }

    /// The name of a role's file in the repository. Root has its version always, the timestamp
    /// never, the others with consistent snapshots.
    fn file_name(&self, role: &str, version: u64) -> String {
        let plain = role_file(role);
        let versioned = match role {
            "root" => true,
            "timestamp" => false,
            _ => self.root.role.consistent_snapshot,
        };
        if versioned {
            format!("{version}.{plain}")
        } else {
            plain
        }
    }

    fn meta(&self, role: &str) -> Option<&Metafile> {
        let snapshot = self.snapshot.as_ref()?;
        snapshot.role().meta.get(&format!("{role}.json"))
    }
}

/// What targets delegates to, as far as it is believed.
pub(crate) struct Listed<'a> {
    pub(crate) top: &'a Arc<Believed<Targets>>,
    pub(crate) roles: Vec<(&'a Delegation, &'a Arc<Believed<Targets>>)>,
}

impl<T> Believed<T> {
    fn new(signed: Signed<T>, bytes: &[u8]) -> Self {
        Self {
            header: signed.header,
            role: signed.role,
            bytes: bytes.to_vec(),
        }
    }

    fn version(&self) -> u64 {
        self.header.version.get()
    }

    fn named<'a>(&'a self, role: &'a str) -> RoleBytes<'a> {
        RoleBytes {
            role,
            version: self.version(),
            bytes: &self.bytes,
        }
    }
}

impl<T> Held<T> {
    fn role(&self) -> &T {
        &self.file.role
    }

    fn version(&self) -> u64 {
        self.file.version()
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self {
            file: Arc::clone(&self.file),
            root: self.root,
        }
    }
}

impl RoleBytes<'_> {
    /// The name of the file without its version, safe in any folder.
    #[must_use]
    pub fn file(&self) -> String {
        role_file(self.role)
    }
}

impl Found {
    /// The length of the target in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.target.length
    }

    /// Whether `bytes` are, to the byte, what the signed metadata promises.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.target.length && self.target.hashes.fit(bytes)
    }

    /// One name for the target in a flat folder, whatever its name is.
    #[must_use]
    pub fn flat_name(&self) -> String {
        quoted(&self.name)
    }
}
