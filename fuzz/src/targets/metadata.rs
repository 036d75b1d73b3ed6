//! Signed metadata: changed by who cannot sign, signed by who says anything, and keys and drafts of root.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::layer::Layer;
use jiff::Timestamp;
use olpc_cjson::CanonicalFormatter;
use pkcs8::SecretDocument;
use serde::Serialize as _;
use serde_json::{Value, json};
use tuf::{DetachedSignature, Interest, Listing, PublicKey, RootSays, SigningKey, Trust, Unsigned};

use crate::parts::{joined, parts, texts};
use crate::world::{Repository, key, now, pinned, signer};

/// An update with these files, or why not.
fn update(trust: &Trust, files: &BTreeMap<String, Vec<u8>>) -> Option<Trust> {
    let mut update = trust.update(now(), Interest::All);
    while let Some(want) = update.wants() {
        update.give(files.get(&want.file).map(Vec::as_slice)).ok()?;
    }
    update.finish()
}

/// Changed bytes are refused, or say what was signed: white space may change, what is said may not.
pub(crate) fn changed(data: &[u8]) {
    let honest = Repository::at(1);
    let names = honest.order.iter().cloned();
    let files = names
        .zip(parts(data).into_iter().map(<[u8]>::to_vec))
        .collect();
    if let Some(trust) = update(&pinned(), &files) {
        let listing = Listing::read(trust).expect("it was signed");
        let mut listed: Vec<_> = listing.entries().cloned().collect();
        let mut signed = honest.entries.clone();
        listed.sort_by_key(|one| one.sha256);
        signed.sort_by_key(|one| one.sha256);
        assert_eq!(listed, signed);
        assert!(listing.shards().eq(&honest.shards));
        assert_eq!(listing.trust().version(), 1);
        let again = Trust::restore(&listing.trust().files()).expect("it reads back");
        assert_eq!(again.version(), 1);
    }
}

pub(crate) fn changed_seeds() -> Vec<Vec<u8>> {
    let honest = Repository::at(1);
    vec![joined(
        honest.order.iter().map(|name| &honest.metadata[name]),
    )]
}

/// Which key signs each part, and the file that it is.
const SIGNED: [(&str, &str); 6] = [
    ("root", "2.root.json"),
    ("timestamp", "timestamp.json"),
    ("snapshot", "2.snapshot.json"),
    ("targets", "1.targets.json"),
    ("documents", "2.web-central.sign-in.json"),
    ("documents", "2.web-central._sites-0-0.json"),
];

/// Signed by the right keys, whatever it says: the checks after the signatures hold.
pub(crate) fn signed(data: &[u8]) {
    static BEFORE: LazyLock<Trust> =
        LazyLock::new(|| update(&pinned(), &Repository::at(1).metadata).expect("version 1"));
    let before = &*BEFORE;
    let mut files = Repository::at(2).metadata.clone();
    for ((role, file), said) in SIGNED.iter().zip(parts(data)) {
        match serde_json::from_slice(said) {
            Ok(said) => drop(files.insert((*file).to_owned(), sealed(role, &said))),
            Err(_) if *role == "root" => {}
            Err(_) => return,
        }
    }
    for interest in [
        Interest::All,
        Interest::Target("web-central/sign-in/links/1.json".into()),
    ] {
        let mut update = before.update(now(), interest);
        while let Some(want) = update.wants() {
            let bytes = files
                .get(&want.file)
                .filter(|file| file.len() as u64 <= want.bytes_max);
            if update.give(bytes.map(Vec::as_slice)).is_err() {
                break;
            }
        }
        check(before, update.so_far());
        if let Some(trust) = update.finish() {
            check(before, &trust);
            check_listing(&trust);
        }
    }
}

fn sealed(role: &'static str, said: &Value) -> Vec<u8> {
    let mut message = vec![];
    let mut writer =
        serde_json::Serializer::with_formatter(&mut message, CanonicalFormatter::new());
    if said.serialize(&mut writer).is_err() {
        return vec![];
    }
    let signer = signer(role);
    let (pair, keyid) = &*signer;
    let sig = pair.sign(&message);
    let sig: String = sig.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let signature = json!({"keyid": keyid, "sig": sig});
    serde_json::to_vec(&json!({"signed": said, "signatures": [signature]})).expect("JSON")
}

/// What is believed never goes back; a root counts up by one, and who changes the keys of the others may begin
/// their count again.
fn check(before: &Trust, after: &Trust) {
    let roots = after.root_version() - before.root_version();
    assert!(roots <= 1);
    if roots == 0 {
        assert!(after.version() >= before.version());
        assert!(after.timestamp_version() >= before.timestamp_version());
    }
    let size: usize = after.roles().map(|role| role.bytes.len()).sum();
    assert!(size as u64 <= 16 * tuf::METADATA_BYTES_MAX);
}

fn check_listing(trust: &Trust) {
    assert!(
        trust
            .fresh_until()
            .is_some_and(|end: Timestamp| end > now())
    );
    let Ok(listing) = Listing::read(trust.clone()) else {
        return;
    };
    for entry in listing.entries() {
        assert!(entry.version > 0 && !entry.key.layer.is_site(), "{entry:?}");
        check_file(&entry.file());
        let again = serde_json::to_vec(entry).expect("JSON");
        let again: tuf::Entry = serde_json::from_slice(&again).expect("it reads back");
        assert_eq!(again, *entry);
        assert_eq!(
            Layer::parse(&entry.key.layer.to_string()).as_ref(),
            Ok(&entry.key.layer)
        );
    }
    listing.shards().for_each(|shard| check_file(&shard.file()));
    let again = Trust::restore(&trust.files()).expect("what was believed reads back");
    assert_eq!(again.version(), trust.version());
    assert_eq!(again.timestamp_version(), trust.timestamp_version());
}

/// No file of an agent lies outside of its folder.
fn check_file(file: &str) {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    for part in file.split('/') {
        assert!(
            !part.is_empty() && part != "." && part != ".." && part.chars().all(safe),
            "{file}"
        );
    }
}

pub(crate) fn signed_seeds() -> Vec<Vec<u8>> {
    let new = Repository::at(2);
    let said = |file: &str| -> Value {
        let file: Value = serde_json::from_slice(&new.metadata[file]).expect("JSON");
        file["signed"].clone()
    };
    // Lengths and hashes may be left out; then a change of one file needs none of another.
    let open = |mut said: Value| {
        for meta in said["meta"]
            .as_object_mut()
            .into_iter()
            .flat_map(|all| all.values_mut())
        {
            *meta = json!({"version": meta["version"]});
        }
        said.to_string()
    };
    let root: Value =
        serde_json::from_slice(pinned().roles().next().expect("root").bytes).expect("JSON");
    let mut root = root["signed"].clone();
    root["version"] = 2.into();
    let others: Vec<_> = SIGNED[1..]
        .iter()
        .map(|(_, file)| open(said(file)))
        .collect();
    let none = ["no newer root".to_owned()];
    vec![
        joined(none.iter().chain(&others)),
        joined([root.to_string()].iter().chain(&others)),
    ]
}

/// Public keys, drafts of root, signatures and private keys in files: what is read is written back as it was.
pub(crate) fn keys(data: &[u8]) {
    if let Ok(key) = PublicKey::read(data) {
        let json = key.json().expect("it is written");
        let again = PublicKey::read(&json).expect("it reads back");
        assert_eq!((again.id(), again.json().ok()), (key.id(), Some(json)));
    }
    if let Ok(draft) = Unsigned::read_root(data) {
        assert_eq!(draft.payload(), data, "what is signed is what was read");
        let signature = draft.sign(&SigningKey::from_pkcs8(&key("root")).expect("a key"));
        let file = draft
            .signed_by(&[signature.clone(), signature])
            .expect("it is written");
        if let Ok(says) = RootSays::read(data) {
            assert_eq!(says.version, file.version);
        }
        if let Ok(trust) = Trust::pin(&file.bytes) {
            assert_eq!(trust.root_version(), file.version);
            let _ = pinned().would_follow(&file.bytes);
        }
    }
    let _ = RootSays::read(data);
    if let Ok(one) = serde_json::from_slice::<DetachedSignature>(data) {
        let json = serde_json::to_vec(&one).expect("JSON");
        assert_eq!(
            serde_json::from_slice::<DetachedSignature>(&json).ok(),
            Some(one)
        );
    }
    let pem = std::str::from_utf8(data)
        .ok()
        .and_then(|text| SecretDocument::from_pem(text).ok());
    if let Some((_, document)) = pem
        && let Ok(key) = SigningKey::from_pkcs8(document.as_bytes())
    {
        let json = key.public_key().json().expect("JSON");
        assert_eq!(
            PublicKey::read(&json).map(|one| one.id()).ok(),
            Some(key.public_key().id())
        );
    }
}

pub(crate) fn key_seeds() -> Vec<Vec<u8>> {
    let signing = SigningKey::from_pkcs8(&key("root")).expect("a key");
    let root = tuf::unsigned_root(crate::world::keys(), 2, now()).expect("a root");
    let pem = SecretDocument::try_from(&key("root")[..]).expect("a key");
    let pem = pem
        .to_pem("PRIVATE KEY", pkcs8::LineEnding::LF)
        .expect("PEM");
    let mut seeds = texts(&[
        &pem,
        r#"{"keyid":"00","sig":"00"}"#,
        r#"{"keytype":"rsa","scheme":"rsassa-pss-sha256","keyval":{"public":"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"}}"#,
        r#"{"keytype":"ecdsa","scheme":"ecdsa-sha2-nistp256","keyval":{"public":"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"}}"#,
    ]);
    seeds.push(signing.public_key().json().expect("JSON"));
    seeds.push(root.payload().to_vec());
    seeds
}
