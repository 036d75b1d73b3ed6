//! Builds and signs metadata files. Never decides when: versions and expiry are arguments.

use std::collections::HashMap;
use std::num::NonZeroU64;

use domain::name::{ProductName, ServiceName};
use jiff::Timestamp;
use tough::schema::{
    DelegatedRole, Delegations, Hashes, Metafile, PathPattern, PathSet, Role, RoleType, Root,
    Snapshot, Targets, Timestamp as TimestampRole,
};

use crate::entry::role_name;
use crate::sign::{Signers, Unsigned};
use crate::{
    Entry, KeyError, METADATA_BYTES_MAX, SMALL_METADATA_BYTES_MAX, SPEC_VERSION, ShardEntry,
    ShardRole, SigningKey, sha256,
};

/// Why metadata could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Versions count from 1.
    #[error("the version of {role} must be at least 1")]
    Version {
        /// The role.
        role: String,
    },
    /// The schema refused a value.
    #[error("could not write the metadata of {role}: {reason}")]
    Schema {
        /// The role.
        role: String,
        /// What it said.
        reason: String,
    },
    /// No client would take it, nor anything that names it.
    #[error(
        "the metadata of {role} would have {found} bytes, and agents take at most {limit}: it lists too much"
    )]
    TooLarge {
        /// The role.
        role: String,
        /// Its length.
        found: u64,
        /// The most that clients take.
        limit: u64,
    },
}

/// The keys of a repository. Root's may be kept elsewhere.
pub struct Keys {
    /// Sign root.
    pub root: Signers,
    /// Sign the list of delegations.
    pub targets: Signers,
    /// Sign every delegated role: the same keys, because one process holds them all.
    pub documents: Signers,
    /// Sign the snapshot.
    pub snapshot: Signers,
    /// Sign the timestamp, often.
    pub timestamp: Signers,
}

impl Keys {
    /// What the keys are stored as.
    pub const NAMES: [&'static str; 5] = ["root", "targets", "documents", "snapshot", "timestamp"];

    /// Reads one key for each role in PKCS#8, found by its name.
    ///
    /// # Errors
    /// When one is missing or is not a key.
    pub fn read(find: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, KeyError> {
        let key =
            |name| SigningKey::from_pkcs8(&find(name).ok_or(KeyError::Read)?).map(Signers::one);
        Ok(Self {
            root: key("root")?,
            targets: key("targets")?,
            documents: key("documents")?,
            snapshot: key("snapshot")?,
            timestamp: key("timestamp")?,
        })
    }
}

/// A signed metadata file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataFile {
    /// The role that signed it.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// JSON.
    pub bytes: Vec<u8>,
}

impl MetadataFile {
    /// Its name in the repository: `3.snapshot.json`; the timestamp alone carries no version.
    #[must_use]
    pub fn name(&self) -> String {
        match self.role.as_str() {
            "timestamp" => "timestamp.json".into(),
            role => format!("{}.{role}.json", self.version),
        }
    }

    fn described(&self) -> Result<Metafile, BuildError> {
        Ok(Metafile {
            length: Some(self.bytes.len() as u64),
            hashes: Some(Hashes {
                sha256: sha256(&self.bytes).to_vec().into(),
                _extra: HashMap::new(),
            }),
            version: number(&self.role, self.version)?,
            _extra: HashMap::new(),
        })
    }
}

/// Root: which keys speak for which role, signed by those of root that are here.
///
/// # Errors
/// When the version is 0.
pub fn root(keys: &Keys, version: u64, expires: Timestamp) -> Result<MetadataFile, BuildError> {
    signed(&unsigned_root(keys, version, expires)?, &keys.root)
}

/// Root as it is to be signed, by keys that may be on another machine. The root after another needs
/// enough signatures by the keys of both: [`crate::Trust::would_follow`] says whether it has them.
///
/// # Errors
/// When the version is 0.
pub fn unsigned_root(
    keys: &Keys,
    version: u64,
    expires: Timestamp,
) -> Result<Unsigned, BuildError> {
    let held = [
        (RoleType::Root, &keys.root),
        (RoleType::Targets, &keys.targets),
        (RoleType::Snapshot, &keys.snapshot),
        (RoleType::Timestamp, &keys.timestamp),
    ];
    let role = Root {
        spec_version: SPEC_VERSION.into(),
        consistent_snapshot: true,
        version: number("root", version)?,
        expires: moment("root", expires)?,
        keys: held.iter().flat_map(|(_, keys)| keys.listed()).collect(),
        roles: held
            .iter()
            .map(|(role, keys)| (*role, keys.role_keys()))
            .collect(),
        _extra: HashMap::new(),
    };
    Unsigned::of("root", version, &role)
}

/// Targets: delegates each service of each product to its role, and what is told of sites to others.
///
/// # Errors
/// When the version is 0.
pub fn targets<'a>(
    keys: &Keys,
    version: u64,
    expires: Timestamp,
    services: impl IntoIterator<Item = (&'a ProductName, &'a ServiceName)>,
    shards: impl IntoIterator<Item = ShardRole>,
) -> Result<MetadataFile, BuildError> {
    let services = services.into_iter().map(|(product, service)| {
        let paths = format!("{product}/{service}/*/*.json");
        delegation(keys, role_name(product, service), paths)
    });
    let shards = shards.into_iter();
    let shards = shards.map(|role| delegation(keys, role.name(), role.paths()));
    let roles = services.chain(shards).collect::<Result<_, _>>()?;
    let delegations = Delegations {
        keys: keys.documents.listed().collect(),
        roles,
    };
    let mut role = empty("targets", version, expires)?;
    role.delegations = Some(delegations);
    sign("targets", version, &role, &keys.targets)
}

/// A delegated role: the documents of one service of one product.
///
/// # Errors
/// When the version is 0.
pub fn delegated<'a>(
    keys: &Keys,
    role: &str,
    version: u64,
    expires: Timestamp,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<MetadataFile, BuildError> {
    let mut targets = empty(role, version, expires)?;
    targets.targets = entries.into_iter().filter_map(Entry::target).collect();
    sign(role, version, &targets, &keys.documents)
}

/// A delegated role of shards: what is told of sites.
///
/// # Errors
/// When the version is 0.
pub fn delegated_shards<'a>(
    keys: &Keys,
    role: &ShardRole,
    version: u64,
    expires: Timestamp,
    entries: impl IntoIterator<Item = &'a ShardEntry>,
) -> Result<MetadataFile, BuildError> {
    let name = role.name();
    let mut targets = empty(&name, version, expires)?;
    let entries = entries.into_iter();
    targets.targets = entries.filter_map(ShardEntry::target).collect();
    sign(&name, version, &targets, &keys.documents)
}

/// Snapshot: which version of every other file belongs together.
///
/// # Errors
/// When the version is 0.
pub fn snapshot<'a>(
    keys: &Keys,
    version: u64,
    expires: Timestamp,
    files: impl IntoIterator<Item = &'a MetadataFile>,
) -> Result<MetadataFile, BuildError> {
    let mut role = Snapshot::new(
        SPEC_VERSION.into(),
        number("snapshot", version)?,
        moment("snapshot", expires)?,
    );
    for file in files {
        role.meta
            .insert(format!("{}.json", file.role), file.described()?);
    }
    sign("snapshot", version, &role, &keys.snapshot)
}

/// Timestamp: which snapshot is the newest, as of now.
///
/// # Errors
/// When the version is 0.
pub fn timestamp(
    keys: &Keys,
    version: u64,
    expires: Timestamp,
    snapshot: &MetadataFile,
) -> Result<MetadataFile, BuildError> {
    let mut role = TimestampRole::new(
        SPEC_VERSION.into(),
        number("timestamp", version)?,
        moment("timestamp", expires)?,
    );
    role.meta
        .insert("snapshot.json".into(), snapshot.described()?);
    sign("timestamp", version, &role, &keys.timestamp)
}

fn delegation(keys: &Keys, name: String, paths: String) -> Result<DelegatedRole, BuildError> {
    let pattern = PathPattern::new(paths).map_err(|e| BuildError::Schema {
        role: name.clone(),
        reason: e.to_string(),
    })?;
    Ok(DelegatedRole {
        name,
        keyids: keys.documents.ids(),
        threshold: keys.documents.threshold(),
        paths: PathSet::Paths(vec![pattern]),
        terminating: true,
        targets: None,
    })
}

fn empty(role: &str, version: u64, expires: Timestamp) -> Result<Targets, BuildError> {
    let mut targets = Targets::new(
        SPEC_VERSION.into(),
        number(role, version)?,
        moment(role, expires)?,
    );
    targets.delegations = None;
    Ok(targets)
}

fn number(role: &str, version: u64) -> Result<NonZeroU64, BuildError> {
    NonZeroU64::new(version).ok_or_else(|| BuildError::Version { role: role.into() })
}

/// The schema's time is an older jiff's; both read the same text. Whole seconds, as the
/// specification writes them.
fn moment<T: std::str::FromStr<Err: std::fmt::Display>>(
    role: &str,
    at: Timestamp,
) -> Result<T, BuildError> {
    let fail = |reason: String| BuildError::Schema {
        role: role.into(),
        reason,
    };
    let at = Timestamp::from_second(at.as_second()).map_err(|e| fail(e.to_string()))?;
    at.to_string()
        .parse()
        .map_err(|e: T::Err| fail(e.to_string()))
}

fn sign(
    name: &str,
    version: u64,
    role: &impl Role,
    signers: &Signers,
) -> Result<MetadataFile, BuildError> {
    signed(&Unsigned::of(name, version, role)?, signers)
}

/// The file with the signatures that can be made here.
fn signed(unsigned: &Unsigned, signers: &Signers) -> Result<MetadataFile, BuildError> {
    let signatures = signers.here().into_iter().map(|key| unsigned.sign(key));
    let file = unsigned.signed_by(&signatures.collect::<Vec<_>>())?;
    let limit = match file.role.as_str() {
        "root" | "timestamp" => SMALL_METADATA_BYTES_MAX,
        _ => METADATA_BYTES_MAX,
    };
    let found = file.bytes.len() as u64;
    if found > limit {
        let role = file.role;
        return Err(BuildError::TooLarge { role, found, limit });
    }
    Ok(file)
}
