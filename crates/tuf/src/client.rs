//! The client workflow: what to fetch next, and whether to believe it.
//!
//! Follows The Update Framework 1.0, sections 5.3 (root) to 5.7 (targets); each check names its
//! section. Trust changes only when a whole update has passed: [`Update::finish`] gives the new
//! trust, and a caller that drops a failed update keeps the old one. Never fetches, never stores.

mod check;
mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::name::ProductName;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tough::schema::{
    DelegatedRole, Delegations, Metafile, Role, RoleType, Root, Signed, Snapshot, Targets,
    Timestamp as TimestampRole,
};

use crate::{Entry, METADATA_BYTES_MAX, SMALL_METADATA_BYTES_MAX, role_product, sha256};
use check::*;
pub use error::TrustError;

/// New root files that one update may walk through.
const ROOTS_PER_UPDATE_MAX: u64 = 64;

/// Which delegated roles a client follows.
#[derive(Clone, Debug)]
pub enum Interest {
    /// All of them.
    All,
    /// Those of these products.
    Products(BTreeSet<ProductName>),
}

impl Interest {
    fn wants(&self, role: &str) -> bool {
        match self {
            Self::All => true,
            Self::Products(products) => role_product(role)
                .is_some_and(|product| products.iter().any(|one| one.as_str() == product)),
        }
    }
}

/// A believed file: what it says and the bytes it said it with.
#[derive(Debug)]
struct Believed<T> {
    role: T,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Documents {
    version: u64,
    bytes: Vec<u8>,
    expires: Timestamp,
    entries: Vec<Entry>,
}

/// What a client believes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trust {
    root: Arc<Believed<Root>>,
    timestamp: Option<Arc<Believed<TimestampRole>>>,
    snapshot: Option<Arc<Believed<Snapshot>>>,
    targets: Option<Arc<Believed<Targets>>>,
    delegated: BTreeMap<String, Arc<Documents>>,
}

/// The file that an update needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its name in the repository.
    pub file: String,
    /// Do not read more bytes than this.
    pub bytes_max: u64,
    /// Its absence is an answer: there is no newer root.
    pub may_be_missing: bool,
}

/// An update under way. Ask [`Update::wants`], [`Update::give`] the bytes, until it wants nothing.
#[derive(Debug)]
pub struct Update {
    trust: Trust,
    interest: Interest,
    /// Expiry is checked against this; not at all when a client reads its own files back.
    now: Option<Timestamp>,
    step: Step,
    roots_walked: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Root,
    Timestamp,
    Snapshot,
    Targets,
    Delegated(Vec<String>),
    Done,
}

impl Trust {
    /// Trusts a root file that came by a safe way, such as the enrolment. Its expiry is checked by
    /// the first update.
    ///
    /// # Errors
    /// When it does not parse or does not carry its own signatures.
    pub fn pin(root: &[u8]) -> Result<Self, TrustError> {
        let root = parse::<Root>("root.json", root, SMALL_METADATA_BYTES_MAX)?;
        verify("root.json", &root.0.signed, &root.0)?;
        let root = Arc::new(Believed {
            role: root.0.signed,
            bytes: root.1,
        });
        let delegated = BTreeMap::new();
        Ok(Self {
            root,
            timestamp: None,
            snapshot: None,
            targets: None,
            delegated,
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
        let trust = Self::pin(root)?;
        let mut update = trust.start(None, Interest::All);
        while let Some(want) = update.wants() {
            match files.get(&want.file) {
                Some(bytes) => update.give(Some(bytes))?,
                // Roles of other products were never fetched.
                None if matches!(update.step, Step::Delegated(_)) => update.skip(),
                None => update.give(None)?,
            }
        }
        update.finish().ok_or_else(|| missing("timestamp.json"))
    }

    /// Everything believed, by file name, to be stored as one.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::from([("root.json".to_owned(), self.root.bytes.clone())]);
        if let Some(timestamp) = &self.timestamp {
            files.insert("timestamp.json".into(), timestamp.bytes.clone());
        }
        if let Some(snapshot) = &self.snapshot {
            let name = format!("{}.snapshot.json", snapshot.role.version);
            files.insert(name, snapshot.bytes.clone());
        }
        if let Some(targets) = &self.targets {
            files.insert(
                format!("{}.targets.json", targets.role.version),
                targets.bytes.clone(),
            );
        }
        for (role, documents) in &self.delegated {
            files.insert(
                format!("{}.{role}.json", documents.version),
                documents.bytes.clone(),
            );
        }
        files
    }

    /// Begins an update at `now`.
    #[must_use]
    pub fn update(&self, now: Timestamp, interest: Interest) -> Update {
        self.start(Some(now), interest)
    }

    /// The repository version believed: the snapshot's. 0 before the first update.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.role.version.get())
    }

    /// The version of the timestamp believed. 0 before the first update.
    #[must_use]
    pub fn timestamp_version(&self) -> u64 {
        self.timestamp
            .as_ref()
            .map_or(0, |timestamp| timestamp.role.version.get())
    }

    /// When the timestamp expires: past this, nothing says that the documents are the newest.
    #[must_use]
    pub fn fresh_until(&self) -> Option<Timestamp> {
        self.timestamp
            .as_ref()
            .map(|timestamp| expiry(&timestamp.role))
    }

    /// All documents that believed metadata lists.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.delegated
            .values()
            .flat_map(|documents| &documents.entries)
    }

    fn start(&self, now: Option<Timestamp>, interest: Interest) -> Update {
        let trust = self.clone();
        Update {
            trust,
            interest,
            now,
            step: Step::Root,
            roots_walked: 0,
        }
    }
}

impl Update {
    /// What to fetch next; `None` when all checks have passed.
    #[must_use]
    pub fn wants(&self) -> Option<Want> {
        let want = |file: String, bytes_max| Want {
            file,
            bytes_max,
            may_be_missing: false,
        };
        match &self.step {
            Step::Root => Some(Want {
                file: format!("{}.root.json", self.trust.root.role.version.get() + 1),
                bytes_max: SMALL_METADATA_BYTES_MAX,
                may_be_missing: true,
            }),
            Step::Timestamp => Some(want("timestamp.json".into(), SMALL_METADATA_BYTES_MAX)),
            Step::Snapshot => {
                let meta = self.snapshot_meta()?;
                Some(want(
                    format!("{}.snapshot.json", meta.version),
                    length_max(meta),
                ))
            }
            Step::Targets => {
                let meta = self.meta("targets")?;
                Some(want(
                    format!("{}.targets.json", meta.version),
                    length_max(meta),
                ))
            }
            Step::Delegated(roles) => {
                let role = roles.last()?;
                let meta = self.meta(role)?;
                Some(want(
                    format!("{}.{role}.json", meta.version),
                    length_max(meta),
                ))
            }
            Step::Done => None,
        }
    }

    /// Takes the file that was wanted, or its absence.
    ///
    /// # Errors
    /// When a check fails; the update is then dead, and the trust it began from still stands.
    pub fn give(&mut self, bytes: Option<&[u8]>) -> Result<(), TrustError> {
        let Some(want) = self.wants() else {
            return Ok(());
        };
        let file = want.file;
        match (&self.step, bytes) {
            (Step::Root, None) => self.end_of_roots(),
            (Step::Root, Some(bytes)) => self.take_root(&file, bytes),
            (_, None) => Err(TrustError::Missing { file }),
            (Step::Timestamp, Some(bytes)) => self.take_timestamp(&file, bytes),
            (Step::Snapshot, Some(bytes)) => self.take_snapshot(&file, bytes),
            (Step::Targets, Some(bytes)) => self.take_targets(&file, bytes),
            (Step::Delegated(_), Some(bytes)) => self.take_delegated(&file, bytes),
            (Step::Done, Some(_)) => Ok(()),
        }
    }

    /// The new trust, once nothing is wanted any more; `None` before.
    #[must_use]
    pub fn finish(self) -> Option<Trust> {
        (self.step == Step::Done).then_some(self.trust)
    }

    /// 5.3.3 to 5.3.9: each root is signed by the one before it and by itself, one version up.
    fn take_root(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let (new, bytes) = parse::<Root>(file, bytes, SMALL_METADATA_BYTES_MAX)?;
        let old = &self.trust.root.role;
        verify(file, old, &new)?;
        verify(file, &new.signed, &new)?;
        same_version(file, new.signed.version.get(), old.version.get() + 1)?;
        self.roots_walked += 1;
        if self.roots_walked > ROOTS_PER_UPDATE_MAX {
            let reason = format!("more than {ROOTS_PER_UPDATE_MAX} new roots in one update");
            return Err(TrustError::Parse {
                file: file.into(),
                reason,
            });
        }
        let replaced = [RoleType::Timestamp, RoleType::Snapshot]
            .iter()
            .any(|role| old.roles.get(role) != new.signed.roles.get(role));
        if replaced {
            // 5.3.11: recovers from a fast-forward by a stolen key.
            self.trust.timestamp = None;
            self.trust.snapshot = None;
        }
        self.trust.root = Arc::new(Believed {
            role: new.signed,
            bytes,
        });
        Ok(())
    }

    /// 5.3.10: only the last root must be unexpired.
    fn end_of_roots(&mut self) -> Result<(), TrustError> {
        self.unexpired("root.json", &self.trust.root.role)?;
        self.step = Step::Timestamp;
        Ok(())
    }

    /// 5.4.
    fn take_timestamp(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let (new, bytes) = parse::<TimestampRole>(file, bytes, SMALL_METADATA_BYTES_MAX)?;
        verify(file, &self.trust.root.role, &new)?;
        let described = new.signed.meta.get("snapshot.json");
        let snapshot = described.ok_or_else(|| TrustError::Missing {
            file: "snapshot.json".into(),
        })?;
        if let Some(old) = &self.trust.timestamp {
            // 5.4.3.1 and 5.4.3.2: neither the timestamp nor the snapshot it names rolls back.
            not_older(file, new.signed.version.get(), old.role.version.get())?;
            if let Some(old) = old.role.meta.get("snapshot.json") {
                not_older("snapshot.json", snapshot.version.get(), old.version.get())?;
            }
        }
        self.unexpired(file, &new.signed)?;
        let known = self.trust.snapshot.as_ref().map(|known| known.role.version);
        // Same version, other content: two snapshots were signed as one. The hash tells.
        let unchanged = known == Some(snapshot.version) && self.snapshot_fits(snapshot);
        self.step = if unchanged {
            Step::Targets
        } else {
            Step::Snapshot
        };
        self.trust.timestamp = Some(Arc::new(Believed {
            role: new.signed,
            bytes,
        }));
        if self.step == Step::Targets {
            self.after_snapshot()?;
        }
        Ok(())
    }

    fn snapshot_fits(&self, meta: &Metafile) -> bool {
        self.trust
            .snapshot
            .as_ref()
            .is_some_and(|known| fits(meta, &known.bytes))
    }

    /// 5.5.
    fn take_snapshot(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let missing = || TrustError::Missing {
            file: "timestamp.json".into(),
        };
        let meta = self.snapshot_meta().ok_or_else(missing)?;
        matches_meta(file, meta, bytes)?;
        let (new, bytes) = parse::<Snapshot>(file, bytes, METADATA_BYTES_MAX)?;
        verify(file, &self.trust.root.role, &new)?;
        same_version(file, new.signed.version.get(), meta.version.get())?;
        if let Some(old) = &self.trust.snapshot {
            no_rollback(&old.role, &new.signed)?;
        }
        self.trust.snapshot = Some(Arc::new(Believed {
            role: new.signed,
            bytes,
        }));
        self.after_snapshot()
    }

    fn after_snapshot(&mut self) -> Result<(), TrustError> {
        if let Some(snapshot) = &self.trust.snapshot {
            self.unexpired("snapshot.json", &snapshot.role)?;
        }
        let meta = self.meta("targets").ok_or_else(|| TrustError::Missing {
            file: "targets.json".into(),
        })?;
        let known =
            self.trust.targets.as_ref().is_some_and(|known| {
                known.role.version == meta.version && fits(meta, &known.bytes)
            });
        self.step = Step::Targets;
        if known { self.after_targets() } else { Ok(()) }
    }

    /// 5.6.
    fn take_targets(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let missing = || TrustError::Missing { file: file.into() };
        let meta = self.meta("targets").ok_or_else(missing)?;
        matches_meta(file, meta, bytes)?;
        let (new, bytes) = parse::<Targets>(file, bytes, METADATA_BYTES_MAX)?;
        verify(file, &self.trust.root.role, &new)?;
        same_version(file, new.signed.version.get(), meta.version.get())?;
        if let Some(target) = new.signed.targets.keys().next() {
            // Every document belongs to a delegated role; a target up here would bypass them.
            return Err(TrustError::Target {
                file: file.into(),
                target: target.raw().into(),
            });
        }
        self.trust.targets = Some(Arc::new(Believed {
            role: new.signed,
            bytes,
        }));
        self.after_targets()
    }

    fn after_targets(&mut self) -> Result<(), TrustError> {
        let Some(targets) = self.trust.targets.clone() else {
            return Ok(());
        };
        self.unexpired("targets.json", &targets.role)?;
        let roles: BTreeSet<&str> = delegations(&targets.role)
            .iter()
            .map(|role| role.name.as_str())
            .collect();
        self.trust
            .delegated
            .retain(|role, _| roles.contains(role.as_str()));
        let mut wanted = Vec::new();
        for role in roles
            .into_iter()
            .rev()
            .filter(|role| self.interest.wants(role))
        {
            let missing = || TrustError::Missing {
                file: format!("{role}.json"),
            };
            let meta = self.meta(role).ok_or_else(missing)?;
            let known =
                self.trust.delegated.get(role).filter(|known| {
                    known.version == meta.version.get() && fits(meta, &known.bytes)
                });
            match known {
                // Its keys may have been replaced in the new delegations.
                Some(known) => {
                    let (signed, _) = parse::<Targets>(role, &known.bytes, METADATA_BYTES_MAX)?;
                    verify_delegated(role, &targets.role, role, &signed)?;
                    self.unexpired_at(role, known.expires)?;
                }
                None => wanted.push(role.to_owned()),
            }
        }
        self.step = Step::Delegated(wanted);
        self.end_of_delegated();
        Ok(())
    }

    /// 5.6.7, one level deep: a delegated role that delegates further is not followed.
    fn take_delegated(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let Step::Delegated(roles) = &self.step else {
            return Ok(());
        };
        let missing = || TrustError::Missing { file: file.into() };
        let role = roles.last().cloned().ok_or_else(missing)?;
        let meta = self.meta(&role).ok_or_else(missing)?;
        matches_meta(file, meta, bytes)?;
        let (new, bytes) = parse::<Targets>(file, bytes, METADATA_BYTES_MAX)?;
        let targets = self.trust.targets.clone().ok_or_else(missing)?;
        let delegation = verify_delegated(file, &targets.role, &role, &new)?;
        same_version(file, new.signed.version.get(), meta.version.get())?;
        self.unexpired(file, &new.signed)?;
        let entries = own_entries(file, delegation, &new.signed)?;
        let (version, expires) = (new.signed.version.get(), expiry(&new.signed));
        let documents = Documents {
            version,
            bytes,
            expires,
            entries,
        };
        self.trust.delegated.insert(role, Arc::new(documents));
        self.skip();
        Ok(())
    }

    fn skip(&mut self) {
        if let Step::Delegated(roles) = &mut self.step {
            roles.pop();
        }
        self.end_of_delegated();
    }

    fn end_of_delegated(&mut self) {
        if matches!(&self.step, Step::Delegated(roles) if roles.is_empty()) {
            self.step = Step::Done;
        }
    }

    fn snapshot_meta(&self) -> Option<&Metafile> {
        self.trust
            .timestamp
            .as_ref()?
            .role
            .meta
            .get("snapshot.json")
    }

    fn meta(&self, role: &str) -> Option<&Metafile> {
        self.trust
            .snapshot
            .as_ref()?
            .role
            .meta
            .get(&format!("{role}.json"))
    }

    fn unexpired(&self, file: &str, role: &impl Role) -> Result<(), TrustError> {
        self.unexpired_at(file, expiry(role))
    }

    /// Expiry is past at the very moment: the specification says "lower than or equal".
    fn unexpired_at(&self, file: &str, at: Timestamp) -> Result<(), TrustError> {
        match self.now {
            Some(now) if at <= now => Err(TrustError::Expired {
                file: file.into(),
                at,
            }),
            _ => Ok(()),
        }
    }
}
