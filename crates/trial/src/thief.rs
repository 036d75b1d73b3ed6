//! Files that somebody signs who has keys that are retired: of the server's, of root, and too few of those that sign
//! root now. Whoever knows the root that ended them must believe nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::document::{Document, DocumentKey, Lane};
use domain::rollout::Rollout;
use jiff::{SignedDuration, Timestamp};
use semver::VersionReq;
use tuf::{Entry, Keys, MetadataFile, Signers, SigningKey, role_name};

use crate::control::{Control, Told, key, said};

/// Forged versions are so much newer than true ones, so that no true one is taken for forged.
pub(crate) const AHEAD: u64 = 1_000_000;
/// No true key has this number.
const OWN: u64 = u64::MAX;

/// What is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// A timestamp for the snapshot of today.
    Timestamp,
    /// All but root, and so other documents.
    Documents,
    /// A root after the newest, by keys of root that are retired and too few of those that are not; and all else.
    Root,
}

/// Forged files, by the end of the path that they are asked for by.
pub(crate) type Forged = BTreeMap<String, Bytes>;

/// What a thief serves instead of the files of today. Where he has no key of a role, he takes one of his own.
pub(crate) fn forge(control: &Control, what: Forgery, now: Timestamp) -> Told<Forged> {
    let own = || key(OWN);
    let expires = now
        .saturating_add(SignedDuration::from_hours(24 * 60))
        .unwrap_or(now);
    let is_root = what == Forgery::Root;
    let find = |role: &str| {
        let retired = control.ring.retired(role).into_iter().next();
        let known = retired.filter(|_| !is_root).map_or_else(own, Ok)?;
        SigningKey::from_pkcs8(&known)
            .map_err(said)
            .map(Signers::one)
    };
    let keys = Keys {
        root: find("root")?,
        targets: find("targets")?,
        documents: find("documents")?,
        snapshot: find("snapshot")?,
        timestamp: find("timestamp")?,
    };
    let mut files = Forged::new();
    let mut put = |file: &MetadataFile| {
        files.insert(file.name(), file.bytes.clone().into());
    };
    if is_root {
        put(&root(control, &keys, expires)?);
    }
    let snapshot = if what == Forgery::Timestamp {
        let version = control.repository.version();
        let bytes = control.repository.file(&format!("{version}.snapshot.json"));
        MetadataFile {
            role: "snapshot".into(),
            version,
            bytes: bytes.ok_or("there is no snapshot")?.to_vec(),
        }
    } else {
        let (signed, bodies) = documents(control, &keys, expires)?;
        signed.iter().for_each(&mut put);
        let version = control.repository.version() + AHEAD;
        let snapshot = tuf::snapshot(&keys, version, expires, &signed).map_err(said)?;
        put(&snapshot);
        files.extend(bodies);
        snapshot
    };
    let timestamp = tuf::timestamp(&keys, AHEAD * AHEAD, expires, &snapshot).map_err(said)?;
    files.insert(timestamp.name(), timestamp.bytes.into());
    Ok(files)
}

/// A root that names the thief, after the newest.
fn root(control: &Control, keys: &Keys, expires: Timestamp) -> Told<MetadataFile> {
    let version = control.ring.root_version() + 1;
    let unsigned = tuf::unsigned_root(keys, version, expires).map_err(said)?;
    let retired = control.ring.retired("root").into_iter();
    let stolen = retired.chain(control.ring.too_few_of_root());
    let signatures = stolen.chain([key(OWN)?]).map(|key| {
        let key = SigningKey::from_pkcs8(&key).map_err(said)?;
        Ok(unsigned.sign(&key))
    });
    let signatures: Vec<_> = signatures.collect::<Told<_>>()?;
    unsigned.signed_by(&signatures).map_err(said)
}

/// Other documents than were published, in the place of all of them.
fn documents(
    control: &Control,
    keys: &Keys,
    expires: Timestamp,
) -> Told<(Vec<MetadataFile>, Forged)> {
    let all = control.repository.documents().keys();
    let bases: Vec<&DocumentKey> = all.filter(|key| key.layer.is_base()).collect();
    let forged: Vec<_> = bases.iter().map(|key| forged(key)).collect();
    let mut files = vec![];
    let services = bases.iter().map(|key| (&key.product, &key.service));
    let services: BTreeSet<_> = services.collect();
    files.push(tuf::targets(keys, AHEAD, expires, services.iter().copied(), []).map_err(said)?);
    for (product, service) in services {
        let role = role_name(product, service);
        let own = forged
            .iter()
            .filter(|one| (&one.key.product, &one.key.service) == (product, service));
        let entries: Vec<_> = own.map(Entry::of).collect();
        files.push(tuf::delegated(keys, &role, AHEAD, expires, &entries).map_err(said)?);
    }
    let bodies = forged
        .into_iter()
        .map(|one| (Entry::of(&one).file(), one.body.into()));
    Ok((files, bodies.collect()))
}

fn forged(key: &DocumentKey) -> Document {
    Document {
        key: key.clone(),
        version: AHEAD,
        accepts: VersionReq::STAR,
        lane: Lane::First,
        json_schema: None,
        rollout: Rollout::everywhere(),
        published: AHEAD,
        body: br#"{"client_secret":"the thief's"}"#.to_vec(),
    }
}
