//! What a repository says to whoever asks: its files, its pushes, its timestamps.
//! Values in, values out: never loads, saves or sends, so that a simulation serves what this server does.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{INLINE_BYTES_MAX, Push};
use store::{RepositoryFile, StoredRepository};
use tuf::{Keys, MetadataFile, ShardRole};

use super::{METADATA_EXPIRES_AFTER, Repository, TIMESTAMP_EXPIRES_AFTER, later, signing, stored};
use crate::EngineError;
use crate::told::Told;

/// Signed anew when less than this is left.
const RESIGN_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
pub(crate) const ROOT_EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

impl Repository {
    /// A repository without documents, as it is founded.
    ///
    /// # Errors
    /// When metadata cannot be written.
    pub fn founded(keys: &Keys, now: Timestamp) -> Result<Self, EngineError> {
        let stored = StoredRepository {
            version: 1,
            timestamps_reserved: 0,
            files: first_files(keys, now)?,
        };
        Ok(Self::build(stored, vec![], Told::default()))
    }

    /// What is pushed when this repository takes the place of `before`.
    #[must_use]
    pub fn push_after(&self, before: &Self, timestamp: &Bytes) -> Push {
        // What is told of some sites goes to the agents of these: they see in the snapshot that there is
        // something to fetch.
        let is_for_all = |name: &str| {
            let role = name
                .split_once('.')
                .and_then(|(_, rest)| rest.strip_suffix(".json"));
            role.is_none_or(|role| ShardRole::parse(role).is_none())
        };
        let files = self.files.iter();
        let changed =
            files.filter(|(name, _)| !before.files.contains_key(*name) && is_for_all(name));
        let documents = self.targets.iter().filter(|(name, body)| {
            body.len() <= INLINE_BYTES_MAX && !before.targets.contains_key(*name)
        });
        let mut push = self.heartbeat(timestamp);
        let changed = changed.map(|(name, bytes)| (name.clone(), text(bytes)));
        push.metadata.extend(changed);
        let documents = documents.map(|(name, body)| (name.clone(), text(body)));
        push.documents.extend(documents);
        push
    }

    /// What is pushed when only the timestamp is new.
    #[must_use]
    pub fn heartbeat(&self, timestamp: &Bytes) -> Push {
        Push {
            version: self.version,
            metadata: BTreeMap::from([("timestamp.json".to_owned(), text(timestamp))]),
            documents: BTreeMap::new(),
        }
    }

    /// A metadata file by its name; the timestamp is not among them.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Bytes> {
        self.files.get(name).cloned()
    }

    /// A document's body by its file name below the folder of targets.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<Bytes> {
        let found = self.targets.get(name);
        found.or_else(|| self.told.files().get(name)).cloned()
    }

    /// The newest root.
    #[must_use]
    pub fn root(&self) -> Bytes {
        self.root.clone()
    }

    /// A timestamp for its snapshot.
    ///
    /// # Errors
    /// When metadata cannot be written.
    pub fn timestamp(
        &self,
        keys: &Keys,
        version: u64,
        now: Timestamp,
    ) -> Result<MetadataFile, EngineError> {
        let snapshot = self.current.get("snapshot");
        let snapshot =
            snapshot.ok_or_else(|| EngineError::not_found("metadata file", "snapshot"))?;
        let expires = later(now, TIMESTAMP_EXPIRES_AFTER);
        tuf::timestamp(keys, version, expires, snapshot).map_err(signing)
    }

    /// Whether some of its metadata is to be signed anew, so that it does not expire. A role that was needed once
    /// stays in the snapshot, is delegated to no more and may expire: signed anew are only those that are needed.
    #[must_use]
    pub fn is_to_sign_again(&self, now: Timestamp) -> bool {
        let soon = later(now, RESIGN_BEFORE);
        let services = self.documents.keys();
        let services = services.map(|key| tuf::role_name(&key.product, &key.service));
        let shards = self.told.roles().map(|role| role.name());
        let top = ["targets", "snapshot"].map(str::to_owned);
        let needed: BTreeSet<_> = top.into_iter().chain(services).chain(shards).collect();
        let mut files = self.current.values();
        files.any(|file| needed.contains(&file.role) && expires(file).is_none_or(|at| at < soon))
    }
}

/// Root, targets without delegations, and the snapshot of both.
pub(super) fn first_files(keys: &Keys, now: Timestamp) -> Result<Vec<RepositoryFile>, EngineError> {
    let expires = later(now, METADATA_EXPIRES_AFTER);
    let root = tuf::root(keys, 1, later(now, ROOT_EXPIRES_AFTER)).map_err(signing)?;
    let targets = tuf::targets(keys, 1, expires, [], []).map_err(signing)?;
    let snapshot = tuf::snapshot(keys, 1, expires, [&targets]).map_err(signing)?;
    Ok([root, targets, snapshot].map(stored).into())
}

pub(crate) fn expires(file: &MetadataFile) -> Option<Timestamp> {
    let value: serde_json::Value = serde_json::from_slice(&file.bytes).ok()?;
    value["signed"]["expires"].as_str()?.parse().ok()
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
