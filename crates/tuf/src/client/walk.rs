//! The walk through delegated roles, section 5.6.7: in the order of the delegations, a role's own
//! before those beside it, no role twice, nothing after a terminating one.

use super::check::*;
use super::update::{Step, Update};
use super::*;

/// Roles that a search for one target visits at most; a hostile tree must not send a client around.
pub const ROLES_PER_SEARCH_MAX: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What is still to be visited; the last is next.
    pending: Vec<Visit>,
    pub(super) visited: BTreeSet<String>,
    pub(super) found: Option<Found>,
}

/// A delegated role, reached by one of its delegators.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    delegator: Arc<Believed<Targets>>,
    /// The delegation, by its place in the delegator's list.
    delegation: usize,
    role: String,
}

impl Trust {
    /// Looks for another target in what an update has just made current, without asking for the
    /// top-level roles again.
    ///
    /// # Errors
    /// When a role that is held and may speak for the target fails a check.
    pub fn search(&self, now: Timestamp, target: &str) -> Result<Update, TrustError> {
        let mut update = self.update(now, Interest::Target(target.into()));
        if let Some(targets) = &self.targets {
            update.begin_walk(Arc::clone(&targets.file))?;
        }
        Ok(update)
    }
}

impl Update {
    pub(super) fn begin_walk(&mut self, targets: Arc<Believed<Targets>>) -> Result<(), TrustError> {
        self.visit(targets);
        self.next_role()
    }

    /// Looks at a believed role: is the target here, and who is asked next?
    fn visit(&mut self, file: Arc<Believed<Targets>>) {
        if let Interest::Target(name) = &self.interest {
            if let Some(target) = file.role.targets.get(name) {
                self.walk.pending.clear();
                let (name, target) = (name.clone(), target.clone());
                self.walk.found = Some(Found { name, target });
                return;
            }
        } else if !self.walk.visited.is_empty() {
            // One level: what a document's role delegates is not Lamplighter's.
            return;
        }
        let mut next = vec![];
        for (at, delegation) in file.role.delegations().iter().enumerate() {
            if !self.interest.wants(delegation) {
                continue;
            }
            next.push(Visit {
                delegator: Arc::clone(&file),
                delegation: at,
                role: delegation.name.clone(),
            });
            if delegation.terminating && matches!(self.interest, Interest::Target(_)) {
                self.walk.pending.clear();
                break;
            }
        }
        self.walk.pending.extend(next.into_iter().rev());
    }

    /// Goes on until a role must be fetched or none is left.
    fn next_role(&mut self) -> Result<(), TrustError> {
        while let Some(visit) = self.walk.pending.pop() {
            if self.walk.visited.contains(&visit.role) {
                continue;
            }
            let search = matches!(self.interest, Interest::Target(_));
            if search && self.walk.visited.len() >= ROLES_PER_SEARCH_MAX {
                return Err(TrustError::TooManyRoles {
                    limit: ROLES_PER_SEARCH_MAX,
                });
            }
            match self.held(&visit)? {
                Some(file) => self.believe(visit, file),
                None => {
                    self.step = Step::Delegated(visit);
                    return Ok(());
                }
            }
        }
        self.step = Step::Done;
        Ok(())
    }

    /// The role as it is held, if that is what the snapshot lists and the delegator's keys signed.
    fn held(&self, visit: &Visit) -> Result<Option<Arc<Believed<Targets>>>, TrustError> {
        let file = role_file(&visit.role);
        let missing = || TrustError::Missing { file: file.clone() };
        let meta = self.trust.meta(&visit.role).ok_or_else(missing)?;
        let held = self.trust.delegated.get(&visit.role);
        let Some(held) = held.filter(|held| is_described(&held.file, meta)) else {
            return Ok(None);
        };
        let same = held.by.as_ref();
        if !same.is_some_and(|by| Arc::ptr_eq(by, &visit.delegator)) {
            // Read back, delegated by another, or by keys that were replaced since.
            let signed = Signed::<Targets>::read(&file, &held.file.bytes, METADATA_BYTES_MAX)?;
            if visit.verify(&file, &signed).is_err() {
                return Ok(None);
            }
        }
        self.unexpired(&file, &held.file.header)?;
        Ok(Some(Arc::clone(&held.file)))
    }

    fn believe(&mut self, visit: Visit, file: Arc<Believed<Targets>>) {
        self.walk.visited.insert(visit.role.clone());
        let by = Some(visit.delegator);
        let held = Delegated {
            file: Arc::clone(&file),
            by,
        };
        self.trust.delegated.insert(visit.role, held);
        self.visit(file);
    }

    pub(super) fn take_delegated(&mut self, file: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let Step::Delegated(visit) = &self.step else {
            return Ok(());
        };
        let visit = visit.clone();
        let missing = || TrustError::Missing { file: file.into() };
        let meta = self.trust.meta(&visit.role).ok_or_else(missing)?;
        matches_meta(file, meta, bytes)?;
        let new = Signed::<Targets>::read(file, bytes, METADATA_BYTES_MAX)?;
        visit.verify(file, &new)?;
        same_version(file, &new.header, meta.version.get())?;
        self.unexpired(file, &new.header)?;
        self.believe(visit, Arc::new(Believed::new(new, bytes)));
        self.next_role()
    }

    /// Goes on without the role that is wanted.
    pub(super) fn skip(&mut self) -> Result<(), TrustError> {
        self.next_role()
    }
}

impl Visit {
    pub(super) fn role(&self) -> &str {
        &self.role
    }

    fn verify(&self, file: &str, signed: &Signed<Targets>) -> Result<(), TrustError> {
        let all = self.delegator.role.delegations.as_ref();
        let delegated = all.and_then(|all| Some((all, all.roles.get(self.delegation)?)));
        let (all, delegation) =
            delegated.ok_or_else(|| TrustError::Missing { file: file.into() })?;
        delegation
            .keys
            .verify(file, &all.keys, &signed.message, &signed.signatures)
    }
}

impl Interest {
    pub(super) fn wants(&self, delegation: &Delegation) -> bool {
        match self {
            Self::TopLevel => false,
            Self::All => true,
            Self::Sites(places) => places.concern(&delegation.name),
            Self::Target(target) => delegation.covers(target),
        }
    }
}
