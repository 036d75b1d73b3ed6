//! Several keys, thresholds, rotation, and root keys that never see the repository's machine.

use super::{NOW, Says, at, entries, entry, fresh_keys, update};
use crate::{
    DetachedSignature, KeyError, Keys, PublicKey, Signers, SigningKey, Trust, TrustError, Unsigned,
    root, unsigned_root,
};

const EXPIRES: &str = "2033-01-01T00:00:00Z";

fn pkcs8(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| SigningKey::generate().unwrap())
        .collect()
}

fn key(pkcs8: &[u8]) -> SigningKey {
    SigningKey::from_pkcs8(pkcs8).unwrap()
}

fn public(pkcs8: &[Vec<u8>]) -> Vec<PublicKey> {
    let keys = pkcs8.iter();
    keys.map(|one| key(one).public_key().clone()).collect()
}

/// Signers whose keys are not here.
fn elsewhere(pkcs8: &[Vec<u8>], threshold: u64) -> Signers {
    Signers::several(public(pkcs8), threshold, vec![]).unwrap()
}

/// Signers whose keys are all here.
fn here(pkcs8: &[Vec<u8>], threshold: u64) -> Signers {
    let keys = pkcs8.iter().map(|one| key(one)).collect();
    Signers::several(public(pkcs8), threshold, keys).unwrap()
}

/// A root of `keys` at `version`, signed by `by` and nobody else.
fn signed_root(keys: &Keys, version: u64, by: &[&Vec<u8>]) -> Vec<u8> {
    let unsigned = unsigned_root(keys, version, at(EXPIRES)).unwrap();
    let signatures: Vec<_> = by.iter().map(|one| unsigned.sign(&key(one))).collect();
    unsigned.signed_by(&signatures).unwrap().bytes
}

#[test]
fn a_root_needs_its_threshold_of_old_and_new_keys() {
    let made = pkcs8(3);
    let [a, b, c] = &made[..] else { unreachable!() };
    let old = Keys {
        root: elsewhere(&made[..2], 2),
        ..fresh_keys()
    };
    assert!(Trust::pin(&signed_root(&old, 1, &[a])).is_err());
    assert!(Trust::pin(&signed_root(&old, 1, &[a, a])).is_err());
    let trust = Trust::pin(&signed_root(&old, 1, &[a, b])).unwrap();
    let new = Keys {
        root: elsewhere(&made[1..], 2),
        ..fresh_keys()
    };
    let next = |by: &[&Vec<u8>], version| trust.would_follow(&signed_root(&new, version, by));
    assert!(next(&[a, b], 2).is_err(), "the new keys did not sign");
    assert!(next(&[b, c], 2).is_err(), "the old keys did not sign");
    assert!(next(&[a, b, c], 3).is_err(), "a version was skipped");
    assert!(next(&[a, b, c], 1).is_err(), "a version was repeated");
    next(&[a, b, c], 2).unwrap();
}

#[test]
fn every_role_may_need_several_keys() {
    let made: Vec<_> = (0..4).map(|_| pkcs8(3)).collect();
    let keys = |count: usize| Keys {
        targets: here(&made[0], 2),
        documents: here(&made[1], 3),
        snapshot: here(&made[2], 2),
        timestamp: Signers::several(
            public(&made[3]),
            2,
            made[3][..count].iter().map(|one| key(one)).collect(),
        )
        .unwrap(),
        ..fresh_keys()
    };
    let enough = keys(2);
    let trust = Trust::pin(&root(&enough, 1, at(EXPIRES)).unwrap().bytes).unwrap();
    let believed = update(&trust, &Says::version(1).files(&enough), NOW).unwrap();
    assert_eq!(entries(&believed), [entry(1, "{}")]);
    let error = update(&trust, &Says::version(1).files(&keys(1)), NOW).unwrap_err();
    assert!(matches!(error, TrustError::Signature { .. }), "{error}");
}

#[test]
fn a_rotated_online_key_takes_over_with_the_next_root() {
    let made = pkcs8(1);
    let old = Keys {
        root: here(&made, 1),
        ..fresh_keys()
    };
    let trust = Trust::pin(&root(&old, 1, at(EXPIRES)).unwrap().bytes).unwrap();
    let trust = update(&trust, &Says::version(7).files(&old), NOW).unwrap();
    let new = Keys {
        root: here(&made, 1),
        ..fresh_keys()
    };
    let mut files = Says::version(1).files(&new);
    files.insert(
        "2.root.json".into(),
        root(&new, 2, at(EXPIRES)).unwrap().bytes,
    );
    // Versions begin anew: what a stolen key said until now does not count.
    assert_eq!(update(&trust, &files, NOW).unwrap().version(), 1);
    // The old keys are worth nothing any more.
    let mut stolen = Says::version(8).files(&old);
    stolen.insert("2.root.json".into(), files["2.root.json"].clone());
    let error = update(&trust, &stolen, NOW).unwrap_err();
    assert!(matches!(error, TrustError::Signature { .. }), "{error}");
}

/// Targets and documents are not asked for again when only root changed, and are verified again.
#[test]
fn held_targets_do_not_outlive_their_keys() {
    let made = pkcs8(2);
    let keys = |targets: &[Vec<u8>], others: &[Vec<u8>]| Keys {
        root: here(&others[..1], 1),
        targets: here(targets, 1),
        documents: here(&others[1..2], 1),
        snapshot: here(&others[2..3], 1),
        timestamp: here(&others[3..], 1),
    };
    let others = pkcs8(4);
    let (old, new) = (keys(&made[..1], &others), keys(&made[1..], &others));
    let trust = Trust::pin(&root(&old, 1, at(EXPIRES)).unwrap().bytes).unwrap();
    let mut files = Says::version(1).files(&old);
    let trust = update(&trust, &files, NOW).unwrap();
    files.insert(
        "2.root.json".into(),
        root(&new, 2, at(EXPIRES)).unwrap().bytes,
    );
    let error = update(&trust, &files, NOW).unwrap_err();
    assert!(matches!(error, TrustError::Signature { .. }), "{error}");
}

#[test]
fn root_keys_sign_on_another_machine() {
    let made = pkcs8(2);
    let keys = Keys {
        root: elsewhere(&made, 2),
        ..fresh_keys()
    };
    let unsigned = unsigned_root(&keys, 1, at(EXPIRES)).unwrap();
    // Nothing that is built here is believed yet.
    assert!(Trust::pin(&root(&keys, 1, at(EXPIRES)).unwrap().bytes).is_err());
    // Over there: only the payload goes in, only signatures come out.
    let over_there = |pkcs8: &[u8]| -> Vec<u8> {
        let read = Unsigned::read_root(unsigned.payload()).unwrap();
        assert_eq!(read.says()["version"], 1);
        serde_json::to_vec(&read.sign(&key(pkcs8))).unwrap()
    };
    let back: Vec<DetachedSignature> = made
        .iter()
        .map(|one| serde_json::from_slice(&over_there(one)).unwrap())
        .collect();
    assert!(Trust::pin(&unsigned.signed_by(&back[..1]).unwrap().bytes).is_err());
    let twice = [back[0].clone(), back[0].clone(), back[1].clone()];
    let file = unsigned.signed_by(&twice).unwrap();
    assert_eq!(file.name(), "1.root.json");
    let trust = Trust::pin(&file.bytes).unwrap();
    update(&trust, &Says::version(1).files(&keys), NOW).unwrap();
}

#[test]
fn only_a_root_in_canonical_form_is_signed() {
    let unsigned = unsigned_root(&fresh_keys(), 1, at(EXPIRES)).unwrap();
    let payload = String::from_utf8(unsigned.payload().to_vec()).unwrap();
    for bad in [
        payload.replace("\"root\"", "\"targets\""),
        payload.replace("\"version\":1", "\"version\":0"),
        format!("{payload} "),
        payload.replace("1.0.33", "2.0.0"),
        String::new(),
    ] {
        let error = Unsigned::read_root(bad.as_bytes()).unwrap_err();
        assert!(matches!(error, TrustError::Parse { .. }), "{error}");
    }
    let long = vec![b' '; 1 << 20];
    let error = Unsigned::read_root(&long).unwrap_err();
    assert!(matches!(error, TrustError::TooLarge { .. }), "{error}");
}

#[test]
fn signers_are_different_keys_and_enough_of_them() {
    let made = pkcs8(2);
    let refused = |public: Vec<PublicKey>, threshold, here: Vec<SigningKey>| {
        let refused = Signers::several(public, threshold, here).err();
        assert!(matches!(refused, Some(KeyError::Signers)));
    };
    refused(public(&made), 0, vec![]);
    refused(public(&made), 3, vec![]);
    refused(vec![], 1, vec![]);
    let twice = [made[0].clone(), made[0].clone()];
    refused(public(&twice), 1, vec![]);
    refused(public(&made[..1]), 1, vec![key(&made[1])]);
    // Keys travel as JSON, and keep their id.
    let one = &public(&made)[0];
    assert_eq!(&PublicKey::read(&one.json().unwrap()).unwrap(), one);
    for bad in [
        "",
        "{}",
        "{\"keytype\":\"lamp\",\"scheme\":\"x\",\"keyval\":{}}",
    ] {
        assert!(PublicKey::read(bad.as_bytes()).is_err(), "{bad}");
    }
}
