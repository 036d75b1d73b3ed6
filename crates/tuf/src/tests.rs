//! Lies that a client must not believe, and the truth that it must: Lamplighter's own repository
//! here, keys in `keys`, any repository in `foreign`, and bytes of no meaning in `hostile`.

mod foreign;
mod hostile;
mod keys;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::document::{Document, DocumentKey, Lane};
use domain::name::{DocumentName, ProductName, ServiceName};
use jiff::Timestamp;
use semver::VersionReq;

use crate::{
    BuildError, Entry, Interest, Keys, Listing, MetadataFile, Places, SigningKey, Trust,
    TrustError, delegated, root, snapshot, targets, timestamp,
};

type Files = BTreeMap<String, Vec<u8>>;

const NOW: &str = "2023-07-11T21:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn fresh_keys() -> Keys {
    Keys::read(|_| SigningKey::generate().ok()).unwrap()
}

fn product() -> ProductName {
    ProductName::parse("web-central").unwrap()
}

fn service() -> ServiceName {
    ServiceName::parse("sign-in").unwrap()
}

fn entry(version: u64, body: &str) -> Entry {
    let name = DocumentName::parse("client").unwrap();
    let key = DocumentKey::base(product(), service(), name);
    let accepts = VersionReq::parse("^5.1").unwrap();
    Entry::of(&Document {
        key,
        version,
        accepts,
        lane: Lane::First,
        json_schema: None,
        rollout: domain::rollout::Rollout::everywhere(),
        published: version,
        body: body.into(),
    })
}

/// What a repository says at one version.
#[derive(Clone)]
struct Says {
    version: u64,
    timestamp: u64,
    expires: Timestamp,
    timestamp_expires: Timestamp,
    entries: Vec<Entry>,
}

impl Says {
    fn version(version: u64) -> Self {
        Self {
            version,
            timestamp: version,
            expires: at("2023-10-01T00:00:00Z"),
            timestamp_expires: at("2023-07-11T22:00:00Z"),
            entries: vec![entry(version, "{}")],
        }
    }

    fn files(&self, keys: &Keys) -> Files {
        let role = delegated(
            keys,
            "web-central.sign-in",
            self.version,
            self.expires,
            &self.entries,
        );
        let parts = [
            targets(keys, 1, self.expires, [(&product(), &service())], []).unwrap(),
            role.unwrap(),
        ];
        let snapshot = snapshot(keys, self.version, self.expires, &parts).unwrap();
        let timestamp = timestamp(keys, self.timestamp, self.timestamp_expires, &snapshot).unwrap();
        parts
            .into_iter()
            .chain([snapshot, timestamp])
            .map(named)
            .collect()
    }
}

fn named(file: MetadataFile) -> (String, Vec<u8>) {
    (file.name(), file.bytes)
}

fn pinned(keys: &Keys) -> Trust {
    Trust::pin(&root(keys, 1, at("2033-01-01T00:00:00Z")).unwrap().bytes).unwrap()
}

fn update(trust: &Trust, files: &Files, now: &str) -> Result<Trust, TrustError> {
    let mut update = trust.update(at(now), Interest::All);
    while let Some(want) = update.wants() {
        update.give(files.get(&want.file).map(Vec::as_slice))?;
    }
    Ok(update.finish().unwrap())
}

fn entries(trust: &Trust) -> Vec<Entry> {
    let listing = Listing::read(trust.clone()).unwrap();
    listing.entries().cloned().collect()
}

#[test]
fn an_update_is_believed_stored_and_read_back() {
    let keys = fresh_keys();
    let trust = update(&pinned(&keys), &Says::version(1).files(&keys), NOW).unwrap();
    assert_eq!(trust.version(), 1);
    assert_eq!(entries(&trust), [entry(1, "{}")]);
    assert_eq!(trust.fresh_until(), Some(at("2023-07-11T22:00:00Z")));
    let again = Trust::restore(&trust.files()).unwrap();
    assert_eq!(again.files(), trust.files());
    // An update on top needs only what is new.
    let next = Says::version(2).files(&keys);
    let mut asked = vec![];
    let mut step = again.update(at(NOW), Interest::All);
    while let Some(want) = step.wants() {
        step.give(next.get(&want.file).map(Vec::as_slice)).unwrap();
        asked.push(want.file);
    }
    let expected = [
        "2.root.json",
        "timestamp.json",
        "2.snapshot.json",
        "2.web-central.sign-in.json",
    ];
    assert_eq!(asked, expected);
    assert_eq!(step.finish().unwrap().version(), 2);
}

#[test]
fn roles_of_other_products_are_not_fetched() {
    let keys = fresh_keys();
    let files = Says::version(1).files(&keys);
    let site = domain::name::Hostname::parse("a.gov").unwrap();
    let other = Interest::Sites(Arc::new(Places::of([(
        &site,
        &ProductName::parse("web").unwrap(),
    )])));
    let mut update = pinned(&keys).update(at(NOW), other);
    while let Some(want) = update.wants() {
        assert!(!want.file.contains("sign-in"), "{want:?}");
        update
            .give(files.get(&want.file).map(Vec::as_slice))
            .unwrap();
    }
    let trust = update.finish().unwrap();
    assert!(entries(&trust).is_empty());
    assert_eq!(
        Trust::restore(&trust.files()).unwrap().files(),
        trust.files()
    );
}

#[test]
fn an_older_repository_is_not_believed() {
    let keys = fresh_keys();
    let trust = update(&pinned(&keys), &Says::version(3).files(&keys), NOW).unwrap();
    let older = [
        Says::version(2),
        // A new timestamp over an old snapshot.
        Says {
            timestamp: 9,
            ..Says::version(2)
        },
    ];
    for says in older {
        let error = update(&trust, &says.files(&keys), NOW).unwrap_err();
        assert!(matches!(error, TrustError::Version { .. }), "{error}");
    }
    // A new snapshot that lists an older role.
    let mut files = Says::version(4).files(&keys);
    let old_role = Says::version(2).files(&keys)["2.web-central.sign-in.json"].clone();
    let role = MetadataFile {
        role: "web-central.sign-in".into(),
        version: 2,
        bytes: old_role,
    };
    let top = targets(
        &keys,
        1,
        Says::version(4).expires,
        [(&product(), &service())],
        [],
    )
    .unwrap();
    let snapshot = snapshot(&keys, 4, Says::version(4).expires, [&top, &role]).unwrap();
    let stamp = timestamp(&keys, 4, at("2023-07-11T22:00:00Z"), &snapshot).unwrap();
    files.extend([role, snapshot, stamp].map(named));
    let error = update(&trust, &files, NOW).unwrap_err();
    assert!(matches!(error, TrustError::Version { .. }), "{error}");
}

#[test]
fn a_frozen_repository_is_detected_by_expiry() {
    let keys = fresh_keys();
    let files = Says::version(1).files(&keys);
    let trust = update(&pinned(&keys), &files, "2023-07-11T21:59:59Z").unwrap();
    for now in ["2023-07-11T22:00:00Z", "2023-08-01T00:00:00Z"] {
        let error = update(&trust, &files, now).unwrap_err();
        assert!(matches!(error, TrustError::Expired { .. }), "{error}");
    }
    // Each role's expiry counts, not only the timestamp's.
    let says = Says {
        timestamp_expires: at("2024-01-01T00:00:00Z"),
        ..Says::version(1)
    };
    let error = update(&pinned(&keys), &says.files(&keys), "2023-12-01T00:00:00Z").unwrap_err();
    assert!(matches!(error, TrustError::Expired { .. }), "{error}");
    // What was believed once is read back from disk whatever the time.
    assert_eq!(Trust::restore(&trust.files()).unwrap().version(), 1);
}

#[test]
fn files_of_different_versions_do_not_mix() {
    let keys = fresh_keys();
    let (one, two) = (Says::version(1).files(&keys), Says::version(2).files(&keys));
    for (name, with) in [
        ("2.snapshot.json", "1.snapshot.json"),
        ("2.web-central.sign-in.json", "1.web-central.sign-in.json"),
    ] {
        let mut mixed = two.clone();
        mixed.insert(name.into(), one[with].clone());
        let error = update(&pinned(&keys), &mixed, NOW).unwrap_err();
        let refused = matches!(
            error,
            TrustError::Mismatch { .. } | TrustError::TooLarge { .. }
        );
        assert!(refused, "{name}: {error}");
    }
}

/// Files of a thief who has every key but `lacks`.
fn forged(pkcs8: &BTreeMap<&str, Vec<u8>>, lacks: &str) -> Files {
    let honest = Keys::read(|name| pkcs8.get(name).cloned()).unwrap();
    let made = SigningKey::generate().unwrap();
    let find = |name: &str| {
        if name == lacks {
            Some(made.clone())
        } else {
            pkcs8.get(name).cloned()
        }
    };
    let says = Says::version(1);
    let mut files = says.files(&Keys::read(find).unwrap());
    if lacks == "documents" {
        // Targets names the key of the documents, and the thief cannot make it name another.
        let top = targets(&honest, 1, says.expires, [(&product(), &service())], []).unwrap();
        let role = "web-central.sign-in".to_owned();
        let bytes = files["1.web-central.sign-in.json"].clone();
        let role = MetadataFile {
            role,
            version: 1,
            bytes,
        };
        let list = snapshot(&honest, 1, says.expires, [&top, &role]).unwrap();
        let stamp = timestamp(&honest, 1, says.timestamp_expires, &list).unwrap();
        files.extend([top, list, stamp].map(named));
    }
    files
}

#[test]
fn a_thief_of_all_keys_but_one_fails_at_that_one() {
    let made = |name: &&'static str| (*name, SigningKey::generate().unwrap());
    let pkcs8: BTreeMap<&str, Vec<u8>> = Keys::NAMES.iter().map(made).collect();
    let honest = Keys::read(|name| pkcs8.get(name).cloned()).unwrap();
    for lacks in ["targets", "documents", "snapshot", "timestamp"] {
        let error = update(&pinned(&honest), &forged(&pkcs8, lacks), NOW).unwrap_err();
        assert!(
            matches!(error, TrustError::Signature { .. }),
            "{lacks}: {error}"
        );
    }
}

#[test]
fn a_role_speaks_only_for_its_own_documents() {
    let keys = fresh_keys();
    let mut foreign = entry(1, "{}");
    foreign.key.product = ProductName::parse("other").unwrap();
    let says = Says {
        entries: vec![foreign],
        ..Says::version(1)
    };
    let trust = update(&pinned(&keys), &says.files(&keys), NOW).unwrap();
    let error = Listing::read(trust).unwrap_err();
    assert!(matches!(error, TrustError::Target { .. }), "{error}");
}

#[test]
fn a_newer_listing_reads_only_roles_that_changed() {
    let keys = fresh_keys();
    let trust = update(&pinned(&keys), &Says::version(1).files(&keys), NOW).unwrap();
    let first = Listing::read(trust).unwrap();
    let heartbeat = Says {
        timestamp: 2,
        ..Says::version(1)
    };
    let trust = update(first.trust(), &heartbeat.files(&keys), NOW).unwrap();
    let same = first.next(trust).unwrap();
    assert_eq!(same.trust().timestamp_version(), 2);
    let place = |listing: &Listing| std::ptr::from_ref(listing.entries().next().unwrap());
    assert_eq!(place(&same), place(&first));
    let trust = update(same.trust(), &Says::version(3).files(&keys), NOW).unwrap();
    let other = same.next(trust).unwrap();
    assert_eq!(other.entries().collect::<Vec<_>>(), [&entry(3, "{}")]);
}

#[test]
fn a_document_must_be_what_was_signed() {
    let entry = entry(1, "{\"a\":1}");
    assert!(entry.fits(b"{\"a\":1}"));
    for body in ["{\"a\":2}", "{\"a\":1} ", ""] {
        assert!(!entry.fits(body.as_bytes()), "{body}");
    }
}

#[test]
fn files_larger_than_promised_are_refused() {
    let keys = fresh_keys();
    let mut files = Says::version(1).files(&keys);
    let mut large = files["1.snapshot.json"].clone();
    large.push(b'\n');
    files.insert("1.snapshot.json".into(), large);
    let error = update(&pinned(&keys), &files, NOW).unwrap_err();
    assert!(matches!(error, TrustError::TooLarge { .. }), "{error}");
    files.insert("timestamp.json".into(), vec![b' '; 1 << 20]);
    let error = update(&pinned(&keys), &files, NOW).unwrap_err();
    assert!(matches!(error, TrustError::TooLarge { .. }), "{error}");
}

#[test]
fn a_changed_byte_anywhere_is_never_believed_as_something_else() {
    let keys = fresh_keys();
    let trust = pinned(&keys);
    let files = Says::version(1).files(&keys);
    let honest = update(&trust, &files, NOW).unwrap();
    for (name, bytes) in &files {
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[at] ^= 1;
            if let Ok(believed) = update(&trust, &changed, NOW) {
                // White space or the case of a hash may change; what is said may not.
                assert_eq!(entries(&believed), entries(&honest), "{name} at {at}");
            }
        }
    }
}

/// Published all the same, it would keep every agent from all that follows.
#[test]
fn what_no_client_would_take_is_not_signed() {
    let (keys, expires) = (fresh_keys(), at("2027-01-01T00:00:00Z"));
    let sign = |count: u64| {
        let entries: Vec<_> = (1..=count).map(|version| entry(version, "{}")).collect();
        delegated(&keys, "web-central.sign-in", 1, expires, &entries)
    };
    assert!(sign(10).is_ok());
    let refused = sign(40_000).unwrap_err();
    assert!(matches!(refused, BuildError::TooLarge { .. }), "{refused}");
}
