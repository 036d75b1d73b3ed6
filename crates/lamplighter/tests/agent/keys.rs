//! Keys that sign config are rotated, and root's kept elsewhere, under the eyes of a real agent.

use agent::MirrorPlace;
use engine::{DetachedSignature, Draft, KeyRole, KeysView, Kind, NewRoot, Rotated};
use tuf::{SigningKey, Unsigned};

use super::origins::{copy, nowhere, reads, told_of, until_well};
use super::*;

impl Plane {
    /// Publishes to all sites at once; gives the body.
    async fn publish_number(&self, number: u32) -> String {
        let body = format!("{{\"n\":{number}}}");
        let new = NewDocument {
            key: key(),
            accepts: VersionReq::parse("^5").unwrap(),
            lane: Some(Lane::First),
            schema: None,
            body: body.clone().into(),
            how: How {
                at_once: true,
                why: "a test of keys".into(),
                ..How::default()
            },
        };
        self.engine.publish_document(new, "a test").await.unwrap();
        body
    }

    async fn keys(&self) -> KeysView {
        self.engine.signing_keys().await.unwrap()
    }

    async fn key_of(&self, role: KeyRole) -> String {
        let keys = self.keys().await;
        let found = keys.roles.into_iter().find(|one| one.role == role);
        found.unwrap().keys.remove(0).0
    }

    async fn rotate(&self, role: KeyRole) -> Rotated {
        let old = self.key_of(role).await;
        let rotated = self.engine.rotate_key(role, &old, "a test").await;
        rotated.unwrap()
    }

    async fn publish_root(&self, draft: &Draft, by: &[&Vec<u8>]) -> Result<u64, EngineError> {
        let unsigned = Unsigned::read_root(draft.payload.as_bytes()).unwrap();
        let sign = |key: &&Vec<u8>| unsigned.sign(&SigningKey::from_pkcs8(key).unwrap());
        let signatures: Vec<DetachedSignature> = by.iter().map(sign).collect();
        let (engine, payload) = (&self.engine, &draft.payload);
        engine.publish_root(payload, &signatures, "a test").await
    }

    async fn draft_for(&self, keys: &[&Vec<u8>], threshold: u64) -> Draft {
        let public = |key: &&Vec<u8>| {
            let key = SigningKey::from_pkcs8(key).unwrap();
            serde_json::from_slice(&key.public_key().json().unwrap()).unwrap()
        };
        let new = NewRoot {
            keys: keys.iter().map(public).collect(),
            threshold: Some(threshold),
            days: None,
        };
        self.engine.draft_root(new).await.unwrap()
    }

    async fn takes(&self, agent: &Agent, number: u32) {
        let body = self.publish_number(number).await;
        self.until(&body, || reads(agent, &body)).await;
    }
}

fn refused(outcome: Result<u64, EngineError>, part: &str) {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), Kind::Refused), "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_follow_the_rotation_of_each_key_also_after_being_away() {
    let plane = Plane::start().await;
    plane.publish_number(0).await;
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    let mut number = 1;
    plane.takes(&agent, number).await;
    let stale = plane.key_of(KeyRole::Timestamp).await;
    for role in KeyRole::ALL {
        let (old, before) = (plane.key_of(role).await, plane.keys().await.root_version);
        let Rotated::Done { key, root_version } = plane.rotate(role).await else {
            panic!("root is here");
        };
        let more = u64::from(role != KeyRole::Documents);
        assert_eq!(root_version, before + more, "{role:?}");
        assert_ne!(old, key);
        assert_eq!(plane.key_of(role).await, key);
        number += 1;
        plane.takes(&agent, number).await;
    }
    // Two admins: the second looked at keys that are gone.
    let late = plane.engine.rotate_key(KeyRole::Timestamp, &stale, "late");
    assert!(matches!(late.await.unwrap_err().kind(), Kind::Conflict));
    stop.cancel();
    agent.wait().await;
    for role in KeyRole::ALL.into_iter().chain(KeyRole::ALL) {
        plane.rotate(role).await;
    }
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.takes(&agent, 90).await;
    // More roots than files of other roles are kept: whoever enrolled with the first still comes along.
    while plane.keys().await.root_version < 20 {
        plane.rotate(KeyRole::Snapshot).await;
    }
    let names = plane.engine.repository().metadata_files();
    let roots = names.iter().filter(|name| name.ends_with(".root.json"));
    assert_eq!(roots.count(), 20);
    plane.takes(&agent, 91).await;
    // The store has what memory has: a server that was killed comes back with these keys.
    let (store, clock) = (plane.engine.store().clone(), plane.clock.clone());
    let again = Engine::open(store, clock, plane.engine.settings().clone());
    let again = again.await.unwrap().signing_keys().await.unwrap();
    assert_eq!(format!("{again:?}"), format!("{:?}", plane.keys().await));
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn root_goes_elsewhere_and_is_rotated_there_two_of_three() {
    let plane = Plane::start().await;
    plane.publish_number(0).await;
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.takes(&agent, 1).await;
    let made: Vec<_> = (0..4).map(|_| SigningKey::generate().unwrap()).collect();
    let [a, b, c, d] = &made[..] else {
        unreachable!()
    };

    let draft = plane.draft_for(&[a, b, c], 2).await;
    refused(plane.publish_root(&draft, &[]).await, "would not follow");
    refused(plane.publish_root(&draft, &[a]).await, "would not follow");
    refused(
        plane.publish_root(&draft, &[a, d]).await,
        "would not follow",
    );
    assert!(!plane.keys().await.root_elsewhere, "nothing was changed");
    assert_eq!(plane.publish_root(&draft, &[a, c]).await.unwrap(), 2);
    assert!(plane.keys().await.root_elsewhere);
    let kept = plane.engine.store().repository_keys().await.unwrap();
    assert!(
        kept.iter().all(|(name, _)| name != "root"),
        "no root key is left here"
    );
    plane.takes(&agent, 2).await;
    let old = plane.key_of(KeyRole::Root).await;
    let here = plane.engine.rotate_key(KeyRole::Root, &old, "a test").await;
    assert!(matches!(here.unwrap_err().kind(), Kind::Refused));

    // The agent is away for a new timestamp key, new root keys, and a new key of documents.
    stop.cancel();
    agent.wait().await;
    let timestamp = plane.key_of(KeyRole::Timestamp).await;
    let Rotated::Drafted(first) = plane.rotate(KeyRole::Timestamp).await else {
        panic!("root is elsewhere");
    };
    let Rotated::Drafted(again) = plane.rotate(KeyRole::Timestamp).await else {
        panic!("root is elsewhere");
    };
    let waits = plane
        .keys()
        .await
        .roles
        .into_iter()
        .find_map(|one| one.waiting);
    let waits = waits.unwrap();
    assert!(
        [first, again]
            .iter()
            .all(|one| one.payload.contains(&waits))
    );
    assert_eq!(plane.key_of(KeyRole::Timestamp).await, timestamp, "not yet");
    // New root keys: enough of the old and of the new must sign. b and c are both; a and d are not.
    let draft = plane.draft_for(&[c, d], 2).await;
    refused(
        plane.publish_root(&draft, &[c, d]).await,
        "would not follow",
    );
    refused(
        plane.publish_root(&draft, &[a, c]).await,
        "would not follow",
    );
    assert_eq!(plane.publish_root(&draft, &[a, c, d]).await.unwrap(), 3);
    assert_eq!(plane.key_of(KeyRole::Timestamp).await, waits);
    let replayed = plane.publish_root(&draft, &[a, c, d]).await.unwrap_err();
    assert!(matches!(replayed.kind(), Kind::Conflict), "{replayed}");
    plane.rotate(KeyRole::Documents).await;
    // Nobody else's keys may be named for what is signed here.
    let public = |key: &Vec<u8>| SigningKey::from_pkcs8(key).unwrap().public_key().clone();
    let foreign = tuf::Keys {
        root: tuf::Signers::several(vec![public(c), public(d)], 2, vec![]).unwrap(),
        ..tuf::Keys::read(|_| SigningKey::generate().ok()).unwrap()
    };
    let expires = "2024-01-01T00:00:00Z".parse().unwrap();
    let foreign = tuf::unsigned_root(&foreign, 4, expires).unwrap();
    let foreign = Draft {
        version: 4,
        payload: String::from_utf8(foreign.payload().to_vec()).unwrap(),
    };
    refused(plane.publish_root(&foreign, &[c, d]).await, "does not hold");

    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.takes(&agent, 3).await;
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_timestamp_key_is_worth_nothing_after_its_rotation() {
    let plane = Plane::start().await;
    plane.publish_number(0).await;
    let folder = plane.folder.path().join("mirror");
    copy(&plane.engine, &folder);
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.takes(&agent, 1).await;
    stop.cancel();
    agent.wait().await;
    // A thief signs a timestamp from far ahead, and agents believe it: nothing newer reaches them.
    let kept = plane.engine.store().repository_keys().await.unwrap();
    let stolen = || {
        let find = |name: &str| kept.iter().find(|(known, _)| known == name);
        tuf::Keys::read(|name| find(name).map(|(_, key)| key.clone())).unwrap()
    };
    let forge = |version: u64| {
        let repository = plane.engine.repository();
        let number = repository.version();
        let bytes = plane
            .engine
            .repository_file(&format!("{number}.snapshot.json"));
        let snapshot = tuf::MetadataFile {
            role: "snapshot".into(),
            version: number,
            bytes: bytes.unwrap().to_vec(),
        };
        let expires = "2024-01-01T00:00:00Z".parse().unwrap();
        let forged = tuf::timestamp(&stolen(), version, expires, &snapshot).unwrap();
        std::fs::write(folder.join("repository/timestamp.json"), forged.bytes).unwrap();
    };
    copy(&plane.engine, &folder);
    forge(1_000_000);
    let stop = CancellationToken::new();
    let mirrors = vec![MirrorPlace::Folder(folder.clone())];
    let agent = plane.agent_with(&nowhere(), mirrors, &stop).await;
    let shown = async || told_of(&agent, "/mirror").await["timestamp_version"].clone();
    until_well(&plane, &agent, "/mirror", true).await;
    for _ in 0..100 {
        if shown().await == 1_000_000 {
            break;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(shown().await, 1_000_000);
    // The rotation ends that: versions begin anew.
    plane.rotate(KeyRole::Timestamp).await;
    let body = plane.publish_number(2).await;
    copy(&plane.engine, &folder);
    plane.until(&body, || reads(&agent, &body)).await;
    let honest = shown().await;
    assert!(honest.as_u64().unwrap() < 1_000_000, "{honest}");
    forge(2_000_000);
    until_well(&plane, &agent, "/mirror", false).await;
    assert_eq!(shown().await, honest);
    assert!(reads(&agent, &body));
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}
