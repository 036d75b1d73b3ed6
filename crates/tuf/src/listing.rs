//! What believed metadata means to Lamplighter: documents, each listed by the role of its service.
//!
//! Stands on top of the client workflow, which does not ask what a target is. Never fetches.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tough::TargetName;
use tough::schema::{Hashes, Target};

use crate::client::Believed;
use crate::schema::{self, Delegation, Targets};
use crate::{Entry, ShardEntry, ShardRole, Trust, TrustError};

/// Trust whose targets are all documents, and those documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Listing {
    trust: Trust,
    roles: BTreeMap<String, Role>,
}

#[derive(Clone, Debug)]
struct Role {
    entries: Arc<Listed>,
    /// What they were read from, and under which delegations.
    file: Arc<Believed<Targets>>,
    top: Arc<Believed<Targets>>,
}

/// What a role lists: documents of a service, or shards of what is told of sites.
#[derive(Debug)]
enum Listed {
    Documents(Vec<Entry>),
    Shards(Vec<ShardEntry>),
}

impl Listing {
    /// Reads the documents that `trust` lists.
    ///
    /// # Errors
    /// When a role lists what is no document, or not its own.
    pub fn read(trust: Trust) -> Result<Self, TrustError> {
        Self::reading(trust, &BTreeMap::new())
    }

    /// The listing of a newer trust; roles that did not change are not read again.
    ///
    /// # Errors
    /// When a role lists what is no document, or not its own; this listing still stands.
    pub fn next(&self, trust: Trust) -> Result<Self, TrustError> {
        Self::reading(trust, &self.roles)
    }

    fn reading(trust: Trust, before: &BTreeMap<String, Role>) -> Result<Self, TrustError> {
        let mut roles = BTreeMap::new();
        if let Some(listed) = trust.listed() {
            if let Some(target) = listed.top.role.targets.keys().next() {
                // Every document belongs to a delegated role; a target up here would bypass them.
                return Err(foreign("targets.json", target));
            }
            for (delegation, file) in listed.roles {
                let known = before.get(&delegation.name).filter(|known| {
                    Arc::ptr_eq(&known.file, file) && Arc::ptr_eq(&known.top, listed.top)
                });
                let role = match known {
                    Some(known) => known.clone(),
                    None => Role {
                        entries: Arc::new(own_entries(delegation, &file.role)?),
                        file: Arc::clone(file),
                        top: Arc::clone(listed.top),
                    },
                };
                roles.insert(delegation.name.clone(), role);
            }
        }
        Ok(Self { trust, roles })
    }

    /// The trust that lists them.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// All documents, role by role.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.roles.values().flat_map(|role| match &*role.entries {
            Listed::Documents(entries) => entries.as_slice(),
            Listed::Shards(_) => &[],
        })
    }

    /// All shards, role by role.
    pub fn shards(&self) -> impl Iterator<Item = &ShardEntry> {
        self.roles.values().flat_map(|role| match &*role.entries {
            Listed::Documents(_) => &[],
            Listed::Shards(entries) => entries.as_slice(),
        })
    }
}

/// A role speaks only for its own paths.
fn own_entries(delegation: &Delegation, targets: &Targets) -> Result<Listed, TrustError> {
    let foreign = |name: &str| foreign(&delegation.name, name);
    let own = targets.targets.iter();
    let is_own = |name: &str| delegation.covers(name).then_some(());
    if let Some(role) = ShardRole::parse(&delegation.name) {
        let shards = own.map(|(name, target)| {
            let read = |()| ShardEntry::read(&role, name, target.length, target.hashes.sha256()?);
            is_own(name).and_then(read).ok_or_else(|| foreign(name))
        });
        let shards = shards.collect::<Result<_, _>>()?;
        return Ok(Listed::Shards(shards));
    }
    let entries = own.map(|(name, target)| {
        let read = |()| entry(name, target);
        is_own(name).and_then(read).ok_or_else(|| foreign(name))
    });
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| (&a.key, a.version).cmp(&(&b.key, b.version)));
    Ok(Listed::Documents(entries))
}

fn entry(name: &str, target: &schema::Target) -> Option<Entry> {
    let hashes = Hashes {
        sha256: hex::decode(target.hashes.sha256()?).ok()?.into(),
        _extra: HashMap::new(),
    };
    let custom = target.custom.clone().unwrap_or_default();
    let target = Target {
        length: target.length,
        hashes,
        custom: custom.into_iter().collect(),
        _extra: HashMap::new(),
    };
    Entry::read(&TargetName::new(name).ok()?, &target)
}

fn foreign(file: &str, target: &str) -> TrustError {
    TrustError::Target {
        file: file.into(),
        target: target.into(),
    }
}
