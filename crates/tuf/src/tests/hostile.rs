//! Bytes of no meaning, and repositories with some bytes changed: never a panic, never believed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Files, NOW, Says, at, entries, fresh_keys, pinned, update};
use crate::{Interest, Keys, Listing, PublicKey, SigningKey, Trust, Unsigned};

/// JSON of any shape, with the words of the schema in it more often than chance would have them.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop_oneof![
        Just("_type".to_owned()),
        Just("version".into()),
        Just("keys".into()),
        Just("roles".into()),
        Just("meta".into()),
        Just("snapshot.json".into()),
        Just("targets".into()),
        Just("delegations".into()),
        Just("1.0.31".into()),
        Just("2030-01-01T00:00:00Z".into()),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        word.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Into::into),
            vec((word.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// One change of a file.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Drop(Index, Index),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 1..=255_u8).prop_map(|(at, with)| Change::Flip(at, with)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Change::Drop(a, b)),
        (any::<Index>(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Change::Repeat(a, b)),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let span = |a: &Index, b: &Index| {
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            a.min(b)..a.max(b)
        };
        match self {
            Self::Flip(at, with) => {
                let at = at.index(bytes.len());
                bytes[at] ^= with;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Drop(a, b) => drop(bytes.drain(span(a, b))),
            Self::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Repeat(a, b) => {
                let again = bytes[span(a, b)].to_vec();
                bytes.extend(again);
            }
        }
    }
}

/// One repository for all cases: keys are slow to make.
fn honest() -> &'static (Keys, Files, Trust) {
    static HONEST: std::sync::LazyLock<(Keys, Files, Trust)> = std::sync::LazyLock::new(|| {
        let keys = fresh_keys();
        let files = Says::version(1).files(&keys);
        let trust = update(&pinned(&keys), &files, NOW).unwrap();
        (keys, files, trust)
    });
    &HONEST
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_are_no_root(bytes in vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Trust::pin(&bytes).is_err());
        prop_assert!(PublicKey::read(&bytes).is_err());
        prop_assert!(Unsigned::read_root(&bytes).is_err());
    }

    #[test]
    fn arbitrary_json_is_not_believed(signed in any_json(), signatures in any_json(), which in any::<Index>()) {
        let (keys, files, _) = honest();
        let mut files = files.clone();
        let name = files.keys().nth(which.index(files.len())).unwrap().clone();
        let whole = serde_json::json!({"signed": signed, "signatures": signatures});
        let bytes = serde_json::to_vec(&whole).unwrap();
        prop_assert!(Trust::pin(&bytes).is_err());
        files.insert(name, bytes);
        prop_assert!(update(&pinned(keys), &files, NOW).is_err());
    }

    /// Signed by the right key, so that what is inside is read: it may be refused, and must not panic.
    #[test]
    fn signed_nonsense_never_panics(fields in any_json(), which in 0..4_usize, target in "\\PC{0,20}") {
        let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
        let kind = ["root", "timestamp", "snapshot", "targets"][which];
        let roles = ["root", "timestamp", "snapshot", "targets"].map(|role| {
            (role.to_owned(), serde_json::json!({"keyids": ["k"], "threshold": 1}))
        });
        let public = serde_json::from_slice::<serde_json::Value>(&key.public_key().json().unwrap()).unwrap();
        let mut all = serde_json::json!({"version": 1, "spec_version": "1.0", "targets": {},
            "expires": "2033-01-01T00:00:00Z", "keys": {"k": public}, "consistent_snapshot": false,
            "meta": {"snapshot.json": {"version": 1}, "targets.json": {"version": 1}}});
        all["roles"] = serde_json::Map::from_iter(roles).into();
        let file = |role: &str| {
            let mut signed = all.clone();
            signed["_type"] = role.into();
            if role == kind {
                let more = fields.as_object().cloned().unwrap_or_default();
                signed.as_object_mut().unwrap().extend(more);
            }
            let message = crate::schema::canonical(&signed).unwrap_or_default();
            let sig = hex::encode(key.sign(&message));
            let whole = serde_json::json!({"signed": signed, "signatures": [{"keyid": "k", "sig": sig}]});
            serde_json::to_vec(&whole).unwrap()
        };
        if let Ok(trust) = Trust::pin(&file("root")) {
            let mut update = trust.update(at(NOW), Interest::Target(target));
            while let Some(want) = update.wants() {
                let role = want.file.trim_end_matches(".json").trim_start_matches("1.");
                let bytes = (!want.may_be_missing).then(|| file(role));
                if update.give(bytes.as_deref()).is_err() {
                    break;
                }
            }
            let _ = Listing::read(update.so_far().clone());
        }
    }

    #[test]
    fn a_changed_repository_is_never_believed_to_say_something_else(
        changes in vec((any::<Index>(), change()), 1..4),
    ) {
        let (keys, files, honest) = honest();
        let mut files = files.clone();
        for (which, change) in &changes {
            let bytes = files.values_mut().nth(which.index(4)).unwrap();
            change.apply(bytes);
        }
        if let Ok(believed) = update(&pinned(keys), &files, NOW) {
            // White space or the case of a hash may change; what is said may not.
            prop_assert_eq!(entries(&believed), entries(honest));
        }
    }

    #[test]
    fn a_changed_disk_is_never_believed_to_say_something_else(
        changes in vec((any::<Index>(), change()), 1..4),
    ) {
        let honest = &honest().2;
        let mut files = honest.files();
        let count = files.len();
        for (which, change) in &changes {
            change.apply(files.values_mut().nth(which.index(count)).unwrap());
        }
        let kept = |role: &str| files.iter().find_map(|(name, bytes)| {
            name.ends_with(&format!("{role}.json")).then(|| bytes.clone())
        });
        if let Some(root) = kept("root") {
            let _ = Trust::recall(&root, kept);
        }
        if let Ok(believed) = Trust::restore(&files) {
            prop_assert_eq!(entries(&believed), entries(honest));
        }
    }
}
