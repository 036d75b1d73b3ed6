//! Repositories that Lamplighter would never build: other keys and hashes, unknown fields, deep
//! trees of delegations, no consistent snapshots.

use std::collections::BTreeMap;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, rsa::KeySize};
use serde_json::{Value, json};

use super::{Files, NOW, at};
use crate::schema::canonical;
use crate::{Interest, Trust, TrustError, Update};

enum Pair {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A key of any kind, and the id that the repository gives it.
struct Signer {
    id: String,
    pair: Pair,
}

impl Signer {
    fn ed25519(id: &str) -> Self {
        let pair = Pair::Ed25519(Ed25519KeyPair::generate().unwrap());
        Self {
            id: id.into(),
            pair,
        }
    }

    fn ecdsa(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self {
            id: id.into(),
            pair: Pair::Ecdsa(pair),
        }
    }

    fn rsa(id: &str) -> Self {
        let pair = Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        Self {
            id: id.into(),
            pair,
        }
    }

    fn public(&self) -> Value {
        let pem = |der: PublicKeyX509Der<'_>| {
            pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref().to_vec()))
        };
        let (kind, scheme, public) = match &self.pair {
            Pair::Ed25519(pair) => ("ed25519", "ed25519", hex::encode(pair.public_key())),
            Pair::Ecdsa(pair) => {
                let public = pem(pair.public_key().as_der().unwrap());
                ("ecdsa", "ecdsa-sha2-nistp256", public)
            }
            Pair::Rsa(pair) => {
                let public = pem(pair.public_key().as_der().unwrap());
                ("rsa", "rsassa-pss-sha256", public)
            }
        };
        json!({"keytype": kind, "scheme": scheme, "keyval": {"public": public}, "x-owner": "Ana"})
    }

    /// The same key under other words, where there are any.
    fn twin(&self) -> Value {
        match &self.pair {
            Pair::Ecdsa(pair) => json!({"keytype": "ecdsa-sha2-nistp256",
                "scheme": "ecdsa-sha2-nistp256",
                "keyval": {"public": hex::encode(pair.public_key())}}),
            _ => self.public(),
        }
    }

    fn sign(&self, message: &[u8]) -> Value {
        let random = SystemRandom::new();
        let sig = match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut sig = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut sig)
                    .unwrap();
                sig
            }
        };
        json!({"keyid": self.id, "sig": hex::encode(sig)})
    }
}

fn signed(role: &Value, signers: &[&Signer]) -> Vec<u8> {
    let message = canonical(role).unwrap();
    let signatures: Vec<_> = signers.iter().map(|key| key.sign(&message)).collect();
    let whole = json!({"signed": role, "signatures": signatures, "comment": "kept"});
    serde_json::to_vec_pretty(&whole).unwrap()
}

fn sha512(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA512, bytes))
}

/// A repository whose every role is JSON that a test may change before it is signed.
struct Repository {
    consistent: bool,
    top: Signer,
    roles: BTreeMap<String, Value>,
    signers: BTreeMap<String, Signer>,
    keys: Vec<String>,
    threshold: u64,
}

fn role(kind: &str, extra: Value) -> Value {
    let mut role = json!({
        "_type": kind, "spec_version": "1.0.31", "version": 1,
        "expires": "2024-01-01T00:00:00.5+02:00", "unknown": {"nested": [1, null, "é"]},
    });
    let all = role.as_object_mut().unwrap();
    all.extend(extra.as_object().unwrap().clone());
    role
}

impl Repository {
    fn new() -> Self {
        let top = Signer::ed25519("top");
        Self {
            consistent: true,
            keys: vec!["top".into()],
            top,
            threshold: 1,
            roles: [(
                "targets".to_owned(),
                role("targets", json!({"targets": {}})),
            )]
            .into(),
            signers: BTreeMap::new(),
        }
    }

    /// `by` delegates `paths` to `name`, with a fresh key.
    fn delegate(&mut self, by: &str, name: &str, how: Value) {
        let signer = (self.signers.remove(name)).unwrap_or_else(|| Signer::ed25519(name));
        let mut delegation = json!({"name": name, "keyids": [name], "threshold": 1,
            "terminating": false, "x-note": "unknown"});
        let fields = delegation.as_object_mut().unwrap();
        fields.extend(how.as_object().unwrap().clone());
        let delegator = self.roles.get_mut(by).unwrap();
        if delegator.get("delegations").is_none() {
            delegator["delegations"] = json!({"keys": {}, "roles": []});
        }
        let all = &mut delegator["delegations"];
        all["keys"][name] = signer.public();
        all["roles"].as_array_mut().unwrap().push(delegation);
        self.signers.insert(name.into(), signer);
        let empty = || role("targets", json!({"targets": {}}));
        self.roles.entry(name.into()).or_insert_with(empty);
    }

    fn target(&mut self, by: &str, name: &str, hashes: Value) {
        let all = &mut self.roles.get_mut(by).unwrap()["targets"];
        all[name] = json!({"length": 4, "hashes": hashes, "custom": {}});
    }

    fn name(&self, role: &str) -> String {
        let file = crate::role_file(role);
        if self.consistent {
            format!("1.{file}")
        } else {
            file
        }
    }

    fn root(&self) -> Vec<u8> {
        let one = json!({"keyids": self.keys, "threshold": 1});
        let many = json!({"keyids": self.keys, "threshold": self.threshold});
        let roles =
            json!({"root": one, "timestamp": one, "snapshot": many, "targets": one, "mirrors": 7});
        let mut keys = json!({"odd": {"keytype": "lamp", "scheme": "light", "keyval": 1}});
        keys["top"] = self.top.public();
        keys["twin"] = self.top.twin();
        let root = json!({"consistent_snapshot": self.consistent, "keys": keys, "roles": roles});
        signed(&role("root", root), &[&self.top])
    }

    fn root_signed_as(&self, id: &str) -> Vec<u8> {
        let mut whole: Value = serde_json::from_slice(&self.root()).unwrap();
        whole["signatures"][0]["keyid"] = id.into();
        serde_json::to_vec(&whole).unwrap()
    }

    fn files(&self) -> Files {
        let mut files = Files::new();
        let mut meta = json!({});
        for (name, role) in &self.roles {
            let signer = self.signers.get(name).unwrap_or(&self.top);
            let bytes = signed(role, &[signer]);
            // One hash only, and not the one that Lamplighter writes.
            meta[format!("{name}.json")] =
                json!({"version": 1, "length": null, "hashes": {"sha512": sha512(&bytes)}});
            files.insert(self.name(name), bytes);
        }
        let snapshot = role("snapshot", json!({"meta": meta}));
        files.insert(self.name("snapshot"), signed(&snapshot, &[&self.top]));
        let timestamp = role(
            "timestamp",
            json!({"meta": {"snapshot.json": {"version": 1}}}),
        );
        files.insert("timestamp.json".into(), signed(&timestamp, &[&self.top]));
        files
    }

    fn refreshed(&self) -> Trust {
        let trust = Trust::pin(&self.root()).unwrap();
        let mut update = trust.update(at(NOW), Interest::TopLevel);
        drive(&mut update, &self.files()).unwrap();
        update.finish().unwrap()
    }

    /// The files that a search asks for, and the file of the target when it is found.
    fn search(&self, target: &str) -> Result<(Vec<String>, Option<String>), TrustError> {
        let mut update = self.refreshed().search(at(NOW), target)?;
        let asked = drive(&mut update, &self.files())?;
        let found = update.found().cloned();
        let trust = update.finish().unwrap();
        Ok((asked, found.and_then(|found| trust.target_file(&found))))
    }
}

fn drive(update: &mut Update, files: &Files) -> Result<Vec<String>, TrustError> {
    let mut asked = vec![];
    while let Some(want) = update.wants() {
        update.give(files.get(&want.file).map(Vec::as_slice))?;
        asked.push(want.file);
    }
    Ok(asked)
}

fn all() -> Value {
    json!({"paths": ["*"]})
}

#[test]
fn unknown_fields_keys_and_hashes_do_no_harm() {
    for consistent in [true, false] {
        let mut repository = Repository::new();
        repository.consistent = consistent;
        repository.target("targets", "lamp", json!({"sha512": "00", "lamp": "??"}));
        let trust = repository.refreshed();
        assert_eq!(trust.version(), 1);
        let found = repository.search("lamp").unwrap();
        let file = if consistent { "00.lamp" } else { "lamp" };
        assert_eq!(found, (vec![], Some(file.to_owned())));
        let again = Trust::restore(&trust.files()).unwrap();
        assert_eq!(again.files(), trust.files());
    }
}

#[test]
fn every_kind_of_key_signs_and_forgeries_do_not() {
    for make in [Signer::ed25519, Signer::ecdsa, Signer::rsa] {
        let mut repository = Repository::new();
        repository.top = make("top");
        repository.refreshed();
        let mut files = repository.files();
        let stranger = make("top");
        let mut whole: Value = serde_json::from_slice(&files["timestamp.json"]).unwrap();
        let message = canonical(&whole["signed"]).unwrap();
        whole["signatures"][0] = stranger.sign(&message);
        files.insert("timestamp.json".into(), serde_json::to_vec(&whole).unwrap());
        let trust = Trust::pin(&repository.root()).unwrap();
        let mut update = trust.update(at(NOW), Interest::TopLevel);
        let error = drive(&mut update, &files).unwrap_err();
        assert!(matches!(error, TrustError::Signature { .. }), "{error}");
    }
}

#[test]
fn a_threshold_counts_keys_not_their_ids() {
    for make in [Signer::ed25519, Signer::ecdsa, Signer::rsa] {
        let mut repository = Repository::new();
        repository.top = make("top");
        // Either id alone is as good as the other.
        repository.keys = vec!["twin".into()];
        assert!(Trust::pin(&repository.root_signed_as("twin")).is_ok());
        repository.keys = vec!["top".into(), "twin".into()];
        repository.threshold = 2;
        let mut files = repository.files();
        let mut whole: Value = serde_json::from_slice(&files["1.snapshot.json"]).unwrap();
        let mut twin = whole["signatures"][0].clone();
        twin["keyid"] = "twin".into();
        whole["signatures"].as_array_mut().unwrap().push(twin);
        files.insert(
            "1.snapshot.json".into(),
            serde_json::to_vec(&whole).unwrap(),
        );
        let mut update = Trust::pin(&repository.root())
            .unwrap()
            .update(at(NOW), Interest::TopLevel);
        let error = drive(&mut update, &files).unwrap_err().to_string();
        assert_eq!(
            error,
            "1.snapshot.json is not signed as its role demands: 1 of its keys signed, and 2 must"
        );
        // What passed before it is believed so far; the update as a whole is not.
        let names: Vec<_> = update.so_far().roles().map(|file| file.file()).collect();
        assert_eq!(names, ["root.json", "timestamp.json"]);
        assert!(update.finish().is_none());
    }
}

#[test]
fn a_search_goes_depth_first_and_stops_after_a_terminating_role() {
    let mut repository = Repository::new();
    repository.delegate("targets", "A", all());
    repository.delegate("targets", "B", all());
    repository.delegate("A", "C", json!({"paths": ["*.md"]}));
    repository.delegate("A", "D", all());
    repository.delegate("D", "A", all());
    repository.target("B", "lamp", json!({"sha256": "ab"}));
    let (asked, found) = repository.search("lamp").unwrap();
    assert_eq!(asked, ["1.A.json", "1.D.json", "1.B.json"]);
    assert_eq!(found.unwrap(), "ab.lamp");
    let (asked, found) = repository.search("none.md").unwrap();
    assert_eq!(asked, ["1.A.json", "1.C.json", "1.D.json", "1.B.json"]);
    assert_eq!(found, None);
    repository.delegate("D", "E", json!({"paths": ["*"], "terminating": true}));
    let (asked, found) = repository.search("lamp").unwrap();
    assert_eq!(asked, ["1.A.json", "1.D.json", "1.E.json"]);
    assert_eq!(found, None);
}

#[test]
fn a_role_is_found_by_the_hash_of_a_path() {
    let mut repository = Repository::new();
    let hash = hex::encode(crate::sha256(b"a/lamp"));
    repository.delegate("targets", "no", json!({"path_hash_prefixes": ["zz"]}));
    repository.delegate(
        "targets",
        "bin",
        json!({"path_hash_prefixes": [&hash[..3]]}),
    );
    repository.target("bin", "a/lamp", json!({"sha256": "ab"}));
    let (asked, found) = repository.search("a/lamp").unwrap();
    assert_eq!(asked, ["1.bin.json"]);
    assert_eq!(found.unwrap(), "a/ab.lamp");
}

#[test]
fn a_search_visits_a_limited_number_of_roles() {
    let mut repository = Repository::new();
    for role in 0..=crate::ROLES_PER_SEARCH_MAX {
        repository.delegate("targets", &format!("r{role:02}"), all());
    }
    let error = repository.search("lamp").unwrap_err();
    assert!(matches!(error, TrustError::TooManyRoles { .. }), "{error}");
}

#[test]
fn a_role_is_believed_by_each_delegator_anew() {
    let mut repository = Repository::new();
    repository.delegate("targets", "a", json!({"paths": ["a/*"]}));
    repository.delegate("targets", "b", json!({"paths": ["b/*"]}));
    repository.delegate("a", "shared", json!({"paths": ["a/*"]}));
    repository.delegate("b", "shared", json!({"paths": ["b/*"]}));
    repository.target("shared", "a/lamp", json!({"sha256": "ab"}));
    repository.target("shared", "b/lamp", json!({"sha256": "ab"}));
    // `b` means another key by the same id.
    let other = Signer::ed25519("shared").public();
    repository.roles.get_mut("b").unwrap()["delegations"]["keys"]["shared"] = other;
    let mut update = repository.refreshed().search(at(NOW), "a/lamp").unwrap();
    drive(&mut update, &repository.files()).unwrap();
    let trust = update.finish().unwrap();
    let mut update = trust.search(at(NOW), "b/lamp").unwrap();
    let error = drive(&mut update, &repository.files()).unwrap_err();
    assert!(matches!(error, TrustError::Signature { .. }), "{error}");
    assert!(update.found().is_none());
}

#[test]
fn a_role_cannot_take_the_place_of_another_file() {
    for name in [
        "root",
        "timestamp",
        "snapshot",
        "targets",
        "",
        &"x".repeat(300),
    ] {
        let mut repository = Repository::new();
        let key = json!({"keys": {}, "roles": [{"name": name, "keyids": [], "threshold": 1,
            "terminating": false, "paths": ["*"]}]});
        repository.roles.get_mut("targets").unwrap()["delegations"] = key;
        let mut update = Trust::pin(&repository.root())
            .unwrap()
            .update(at(NOW), Interest::TopLevel);
        let error = drive(&mut update, &repository.files()).unwrap_err();
        assert!(matches!(error, TrustError::Parse { .. }), "{error}");
    }
    let mut repository = Repository::new();
    repository.delegate("targets", "../x?#", all());
    let (asked, _) = repository.search("lamp").unwrap();
    assert_eq!(asked, ["1...%2Fx%3F%23.json"]);
}

#[test]
fn the_same_timestamp_version_says_nothing_new() {
    let repository = Repository::new();
    let trust = repository.refreshed();
    let mut files = repository.files();
    let other = role(
        "timestamp",
        json!({"meta": {"snapshot.json": {"version": 100}}}),
    );
    files.insert("timestamp.json".into(), signed(&other, &[&repository.top]));
    let mut update = trust.update(at(NOW), Interest::TopLevel);
    assert_eq!(
        drive(&mut update, &files).unwrap(),
        ["2.root.json", "timestamp.json"]
    );
    assert_eq!(update.finish().unwrap().files(), trust.files());
}

#[test]
fn files_kept_one_by_one_are_recalled_and_guard_against_rollback() {
    let mut repository = Repository::new();
    repository.delegate("targets", "A", all());
    repository.target("A", "lamp", json!({"sha256": "ab"}));
    let mut update = repository.refreshed().search(at(NOW), "lamp").unwrap();
    drive(&mut update, &repository.files()).unwrap();
    let trust = update.finish().unwrap();
    let kept: Files = (trust.roles())
        .map(|file| (file.role.to_owned(), file.bytes.to_vec()))
        .collect();
    let recalled = Trust::recall(&kept["root"], |role| kept.get(role).cloned()).unwrap();
    assert_eq!(recalled.files(), trust.files());
    // Nothing is fetched again: what was read back is verified by its delegator on the way.
    let mut update = recalled.search(at(NOW), "lamp").unwrap();
    assert_eq!(drive(&mut update, &Files::new()).unwrap(), [""; 0]);
    assert!(update.found().is_some());
    // A changed file is as good as missing.
    let mut changed = kept.clone();
    for role in ["timestamp", "A"] {
        let text = String::from_utf8(changed[role].clone()).unwrap();
        changed.insert(role.into(), text.replace("1.0.31", "1.0.32").into_bytes());
    }
    let recalled = Trust::recall(&kept["root"], |role| changed.get(role).cloned()).unwrap();
    assert_eq!(recalled.timestamp_version(), 0);
    let mut update = recalled.search(at(NOW), "lamp").unwrap();
    let asked = drive(&mut update, &repository.files()).unwrap();
    assert_eq!(asked, ["1.A.json"]);
}
