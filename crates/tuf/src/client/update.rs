//! An update under way: root, timestamp, snapshot and targets, one after the other, then the
//! delegated roles that `walk` picks.

use super::check::*;
use super::walk::{Visit, Walk};
use super::*;

/// New root files that one update walks through; section 5.3.3 calls it Y. The next goes on.
pub(crate) const ROOTS_PER_UPDATE_MAX: u64 = 256;

/// The file that an update needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its name in the repository, ready for a URL.
    pub file: String,
    /// Do not read more bytes than this.
    pub bytes_max: u64,
    /// Its absence is an answer: there is no newer root.
    pub may_be_missing: bool,
}

/// An update under way. Ask [`Update::wants`], [`Update::give`] the bytes, until it wants nothing.
#[derive(Debug)]
pub struct Update {
    pub(super) trust: Trust,
    pub(super) interest: Interest,
    /// Expiry is checked against this; not at all when a client reads its own files back.
    now: Option<Timestamp>,
    pub(super) step: Step,
    roots_walked: u64,
    pub(super) walk: Walk,
}

#[derive(Debug)]
pub(super) enum Step {
    Root,
    Timestamp,
    Snapshot,
    Targets,
    Delegated(Visit),
    Done,
}

impl Update {
    pub(super) fn new(trust: Trust, now: Option<Timestamp>, interest: Interest) -> Self {
        Self {
            trust,
            interest,
            now,
            step: Step::Root,
            roots_walked: 0,
            walk: Walk::default(),
        }
    }

    /// What to fetch next; `None` when all checks have passed.
    #[must_use]
    pub fn wants(&self) -> Option<Want> {
        let small = |role, version| Want {
            file: self.trust.file_name(role, version),
            bytes_max: SMALL_METADATA_BYTES_MAX,
            may_be_missing: role == "root",
        };
        let described = |role, meta: &Metafile| Want {
            file: self.trust.file_name(role, meta.version.get()),
            bytes_max: length_max(meta),
            may_be_missing: false,
        };
        let listed = |role| self.trust.meta(role).map(|meta| described(role, meta));
        match &self.step {
            Step::Root => Some(small("root", self.next_root())),
            Step::Timestamp => Some(small("timestamp", 0)),
            Step::Snapshot => Some(described("snapshot", self.snapshot_meta()?)),
            Step::Targets => listed("targets"),
            Step::Delegated(visit) => listed(visit.role()),
            Step::Done => None,
        }
    }

    /// Takes the file that was wanted, or its absence.
    ///
    /// # Errors
    /// When a check fails. The update is then dead: the trust it began from still stands, and so
    /// does what [`Update::so_far`] shows.
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

    /// What has passed all checks of its role until now. A client that keeps each role at once, as
    /// the specification has it, stores this after each file; one that keeps only whole updates
    /// waits for [`Update::finish`].
    #[must_use]
    pub fn so_far(&self) -> &Trust {
        &self.trust
    }

    /// The new trust, once nothing is wanted any more; `None` before.
    #[must_use]
    pub fn finish(mut self) -> Option<Trust> {
        if !matches!(self.step, Step::Done) {
            return None;
        }
        if matches!(self.interest, Interest::All | Interest::Sites(_)) {
            let visited = &self.walk.visited;
            self.trust
                .delegated
                .retain(|role, _| visited.contains(role));
        }
        Some(self.trust)
    }

    /// The target that an update with [`Interest::Target`] looked for.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        self.walk.found.as_ref()
    }

    pub(super) fn is_delegated(&self) -> bool {
        matches!(self.step, Step::Delegated(_))
    }

    fn next_root(&self) -> u64 {
        self.trust.root.version().saturating_add(1)
    }

    /// 5.3.3 to 5.3.9: each root is signed by the one before it and by itself, one version up.
    fn take_root(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let new = Signed::<Root>::read(file, bytes, SMALL_METADATA_BYTES_MAX)?;
        let old = &self.trust.root.role;
        let by_old = signed_by_root(file, old, &new);
        #[cfg(feature = "trial")]
        let by_old = by_old.or_else(|e| {
            let is_planted = crate::trial::Weakness::RootByItself.is_planted();
            if is_planted { Ok(()) } else { Err(e) }
        });
        by_old?;
        signed_by_root(file, &new.role, &new)?;
        same_version(file, &new.header, self.next_root())?;
        let (before, after) = (&old.roles, &new.role.roles);
        let same = before.timestamp.same_keys(&after.timestamp)
            && before.snapshot.same_keys(&after.snapshot);
        if !same {
            // 5.3.11: recovers from a fast-forward by a stolen key.
            self.trust.timestamp = None;
            self.trust.snapshot = None;
        }
        #[cfg(feature = "trial")]
        let new = with_retired(old, new);
        self.trust.root = Arc::new(Believed::new(new, bytes));
        self.roots_walked += 1;
        if self.roots_walked >= ROOTS_PER_UPDATE_MAX {
            return self.end_of_roots();
        }
        Ok(())
    }

    /// 5.3.10: only the last root must be unexpired.
    fn end_of_roots(&mut self) -> Result<(), TrustError> {
        self.unexpired("root.json", &self.trust.root.header)?;
        self.step = Step::Timestamp;
        Ok(())
    }

    /// 5.4.
    fn take_timestamp(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let new = Signed::<TimestampRole>::read(file, bytes, SMALL_METADATA_BYTES_MAX)?;
        let root = &self.trust.root.role;
        signed_by(file, root, &root.roles.timestamp, &new)?;
        if let Some(old) = &self.trust.timestamp {
            // 5.4.3.1 and 5.4.3.2: neither the timestamp nor the snapshot it names rolls back.
            let old_snapshot = old.role().meta.snapshot.version.get();
            not_older(file, new.header.version.get(), old.version())?;
            if new.header.version.get() == old.version() {
                // 5.4.3.1: the same version says nothing new, whatever it says.
                self.unexpired(file, &old.file.header)?;
                return self.after_timestamp();
            }
            let new_snapshot = new.role.meta.snapshot.version.get();
            not_older("snapshot.json", new_snapshot, old_snapshot)?;
        }
        self.unexpired(file, &new.header)?;
        self.trust.timestamp = Some(self.trust.hold(Believed::new(new, bytes)));
        self.after_timestamp()
    }

    fn after_timestamp(&mut self) -> Result<(), TrustError> {
        self.step = Step::Snapshot;
        let root = &self.trust.root.role;
        let held = self.trust.snapshot.as_ref();
        let current = held.zip(self.snapshot_meta()).is_some_and(|(held, meta)| {
            // Same version, other content: two snapshots were signed as one. The hash tells.
            is_described(&held.file, meta)
                && self.still_signed("snapshot.json", held, &root.roles.snapshot)
        });
        if current {
            self.after_snapshot()
        } else {
            Ok(())
        }
    }

    /// 5.5.
    fn take_snapshot(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let missing = || TrustError::Missing { file: file.into() };
        let meta = self.snapshot_meta().ok_or_else(missing)?;
        matches_meta(file, meta, bytes)?;
        let new = Signed::<Snapshot>::read(file, bytes, METADATA_BYTES_MAX)?;
        let root = &self.trust.root.role;
        signed_by(file, root, &root.roles.snapshot, &new)?;
        same_version(file, &new.header, meta.version.get())?;
        if let Some(old) = &self.trust.snapshot {
            no_rollback(old.role(), &new.role)?;
        }
        self.unexpired(file, &new.header)?;
        self.trust.snapshot = Some(self.trust.hold(Believed::new(new, bytes)));
        self.after_snapshot()
    }

    fn after_snapshot(&mut self) -> Result<(), TrustError> {
        if let Some(held) = &self.trust.snapshot {
            self.unexpired("snapshot.json", &held.file.header)?;
        }
        let trust = &self.trust;
        let meta = trust.meta("targets").ok_or_else(|| TrustError::Missing {
            file: "targets.json".into(),
        })?;
        let current = trust.targets.as_ref().is_some_and(|held| {
            is_described(&held.file, meta)
                && self.still_signed("targets.json", held, &trust.root.role.roles.targets)
        });
        self.step = Step::Targets;
        if current {
            self.after_targets()
        } else {
            Ok(())
        }
    }

    /// 5.6.
    fn take_targets(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let missing = || TrustError::Missing { file: file.into() };
        let meta = self.trust.meta("targets").ok_or_else(missing)?;
        matches_meta(file, meta, bytes)?;
        let new = Signed::<Targets>::read(file, bytes, METADATA_BYTES_MAX)?;
        let root = &self.trust.root.role;
        signed_by(file, root, &root.roles.targets, &new)?;
        same_version(file, &new.header, meta.version.get())?;
        self.unexpired(file, &new.header)?;
        self.trust.targets = Some(self.trust.hold(Believed::new(new, bytes)));
        self.after_targets()
    }

    fn after_targets(&mut self) -> Result<(), TrustError> {
        let Some(targets) = self.trust.targets.clone() else {
            return Ok(());
        };
        self.unexpired("targets.json", &targets.file.header)?;
        self.walk = Walk::default();
        self.begin_walk(targets.file)
    }

    fn snapshot_meta(&self) -> Option<&Metafile> {
        let timestamp = self.trust.timestamp.as_ref()?;
        Some(&timestamp.role().meta.snapshot)
    }

    /// Whether a file that was believed under an older root still is under this one.
    fn still_signed<T: Kind>(
        &self,
        file: &str,
        held: &Held<T>,
        keys: &crate::verify::RoleKeys,
    ) -> bool {
        let root = &self.trust.root;
        held.root == root.version()
            || Signed::<T>::read(file, &held.file.bytes, METADATA_BYTES_MAX)
                .and_then(|signed| signed_by(file, &root.role, keys, &signed))
                .is_ok()
    }

    /// Expiry is past at the very moment: the specification says "lower than or equal".
    pub(super) fn unexpired(&self, file: &str, header: &Header) -> Result<(), TrustError> {
        match self.now {
            Some(now) if header.expires <= now => Err(TrustError::Expired {
                file: file.into(),
                at: header.expires,
            }),
            _ => Ok(()),
        }
    }
}

/// A new root, and where it is planted the keys of the old one with it.
#[cfg(feature = "trial")]
fn with_retired(old: &Root, mut new: Signed<Root>) -> Signed<Root> {
    if crate::trial::Weakness::RetiredKeysSign.is_planted() {
        let known = old.keys.iter().map(|(id, key)| (id.clone(), key.clone()));
        new.role.keys.extend(known);
        let (before, after) = (&old.roles, &mut new.role.roles);
        for (before, after) in [
            (&before.timestamp, &mut after.timestamp),
            (&before.snapshot, &mut after.snapshot),
            (&before.targets, &mut after.targets),
        ] {
            after.keyids.extend(before.keyids.iter().cloned());
        }
    }
    new
}
