//! Documents, the signed repository, agents and what they hold.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use domain::access::Role;
use domain::document::{Document, DocumentKey, Lane};
use domain::enrolment::Bounds;
use domain::name::{DocumentName, ProductName, ServiceName};
use domain::rollout::Rollout;
use store::{
    AckChange, Enrolment, Holder, KeyChange, KeyState, NewAgent, NewVersion, Publication, Refusal,
    RepositoryFile, Spread, Spreading, Store, StoreError,
};

use crate::{at, audit, fleet, id, sign_in};

pub(crate) fn document(version: u64) -> Document {
    let key = DocumentKey::base(
        ProductName::parse("web-central").unwrap(),
        ServiceName::parse("sign-in").unwrap(),
        DocumentName::parse("client").unwrap(),
    );
    let accepts = semver::VersionReq::parse(">=5.1, <5.3").unwrap();
    Document {
        key,
        version,
        accepts,
        lane: Lane::First,
        json_schema: None,
        rollout: Rollout::everywhere(),
        published: version + 1,
        body: b"{\"a\":1}".to_vec(),
    }
}

pub(crate) fn new(document: Document) -> NewVersion {
    NewVersion {
        document,
        by: "Kim Reyes".into(),
        why: String::new(),
        repeats: None,
        witnesses: BTreeSet::new(),
    }
}

fn file(role: &str, version: u64) -> RepositoryFile {
    RepositoryFile {
        role: role.into(),
        version,
        body: vec![version as u8],
    }
}

pub(crate) async fn found(store: &Store) {
    let first = [file("root", 1), file("snapshot", 1)];
    store
        .found_repository(&[("root", b"key".to_vec())], &first)
        .await
        .unwrap();
}

pub(crate) async fn a_repository_is_founded_once_and_its_keys_read_back(store: Store) {
    assert!(store.repository().await.unwrap().is_none());
    found(&store).await;
    let again = store
        .found_repository(&[("root", b"other".to_vec())], &[])
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    let keys = store.repository_keys().await.unwrap();
    assert_eq!(keys, [("root".to_owned(), b"key".to_vec())]);
    assert_eq!(store.repository().await.unwrap().unwrap().files.len(), 2);
}

pub(crate) async fn a_publication_follows_the_version_it_was_made_for(store: Store) {
    fleet::fleet(&store, 0).await;
    found(&store).await;
    let now = at("2023-07-11T21:00:00Z");
    let publication = |follows: u64| Publication {
        follows,
        document: Some(new(document(follows))),
        files: vec![file("snapshot", follows + 1)],
        ..Publication::default()
    };
    store.publish(&publication(1), now, &audit()).await.unwrap();
    let late = store.publish(&publication(1), now, &audit()).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(store.documents().await.unwrap(), [document(1)]);
    assert_eq!(store.repository().await.unwrap().unwrap().version, 2);
    for follows in 2..40 {
        store
            .publish(&publication(follows), now, &audit())
            .await
            .unwrap();
    }
    let stored = store.repository().await.unwrap().unwrap();
    assert_eq!(stored.version, 40);
    assert!(
        stored.files.contains(&file("root", 1)),
        "a client starts at the first root"
    );
    assert!(
        stored.files.len() < 20,
        "old snapshots are forgotten: {}",
        stored.files.len()
    );
}

pub(crate) async fn a_version_spreads_and_what_nobody_reads_stays_in_the_history(store: Store) {
    fleet::fleet(&store, 0).await;
    found(&store).await;
    let (early, late) = (at("2023-07-11T21:00:00Z"), at("2023-07-11T21:05:00Z"));
    let publish = |publication: Publication, now| {
        let store = store.clone();
        async move { store.publish(&publication, now, &audit()).await.unwrap() }
    };
    let first = Publication {
        follows: 1,
        document: Some(new(document(1))),
        ..Publication::default()
    };
    publish(first, early).await;
    let canaries = Rollout::canaries(["29palms.gov".parse().unwrap()]);
    let second = Document {
        rollout: canaries.clone(),
        json_schema: Some("true".into()),
        ..document(2)
    };
    let why = NewVersion {
        why: "the old one was right".into(),
        repeats: Some(1),
        witnesses: canaries.canary_sites().clone(),
        ..new(second.clone())
    };
    let publication = Publication {
        follows: 2,
        document: Some(why),
        ..Publication::default()
    };
    publish(publication, early).await;
    assert_eq!(store.documents().await.unwrap(), [document(1), second]);
    let key = document(1).key;
    let on_its_way = Spreading {
        key: key.clone(),
        version: 2,
        witnesses: canaries.canary_sites().clone(),
        rollout: canaries,
        since: early,
    };
    assert_eq!(store.spreading().await.unwrap(), [on_its_way]);
    let everywhere = Publication {
        follows: 3,
        spread: vec![Spread {
            key: key.clone(),
            version: 2,
            rollout: Rollout::everywhere(),
            halted: String::new(),
        }],
        dropped: vec![(key.clone(), 1)],
        ..Publication::default()
    };
    publish(everywhere, late).await;
    assert_eq!(store.spreading().await.unwrap(), []);
    let kept = store.documents().await.unwrap();
    assert_eq!(kept.len(), 1, "what nobody reads travels no more");
    assert_eq!(kept[0].rollout, Rollout::everywhere());
    let history = store.document_history(&key, u64::MAX, 10).await.unwrap();
    let [second, first] = &history[..] else {
        panic!("{history:?}")
    };
    assert_eq!((second.version, second.repeats), (2, Some(1)));
    assert_eq!((second.published_at, second.rollout_at), (early, late));
    assert!(second.is_kept && !first.is_kept);
    assert_eq!((&*first.by, first.bytes), ("Kim Reyes", 7));
    let older = store.document_history(&key, 2, 10).await.unwrap();
    assert_eq!(older, std::slice::from_ref(first));
    let found = store.document(&key, 1).await.unwrap();
    assert_eq!(found, Some(document(1)), "for a rollback");
    assert_eq!(store.document(&key, 3).await.unwrap(), None);
    let forget = Publication {
        follows: 4,
        forgotten: vec![(key.clone(), 1)],
        ..Publication::default()
    };
    publish(forget, late).await;
    assert_eq!(store.document(&key, 1).await.unwrap(), None);
}

pub(crate) async fn no_timestamp_version_is_given_out_twice(store: Store) {
    found(&store).await;
    let many = (0..20).map(|_| store.reserve_timestamps(10));
    let mut firsts = vec![];
    for first in futures_util::future::join_all(many).await {
        firsts.push(first.unwrap());
    }
    firsts.sort_unstable();
    assert_eq!(
        firsts,
        (0..20).map(|turn| turn * 10 + 1).collect::<Vec<u64>>()
    );
}

pub(crate) async fn an_enrolment_works_once_and_in_time(store: Store) {
    let rows = fleet::fleet(&store, 2).await;
    store.import_fleet(&rows, &audit()).await.unwrap();
    let agent = |number: u8| NewAgent {
        id: id(),
        holder: Holder {
            id: id(),
            name: "agent on a host".into(),
            role: Role::Agent,
        },
        token_hash: [number; 32],
        host: "a host".into(),
        sites: rows.sites.iter().map(|site| site.id).collect(),
    };
    let bounds = Bounds {
        product: Some(ProductName::parse("web-central").unwrap()),
        sites: BTreeSet::from(["29palms.gov".parse().unwrap()]),
    };
    store
        .add_enrolment(&[100; 32], &bounds, at("2023-07-11T21:00:01Z"), &audit())
        .await
        .unwrap();
    store
        .add_enrolment(&[101; 32], &bounds, at("2023-07-11T21:00:00Z"), &audit())
        .await
        .unwrap();
    let found = async |number: u8| store.enrolment(&[number; 32], audit().at).await.unwrap();
    assert_eq!(found(100).await, Some(Enrolment::Fresh(bounds)));
    assert_eq!((found(101).await, found(102).await), (None, None));
    let first = agent(1);
    store.enrol(&[100; 32], &first, &audit()).await.unwrap();
    let used = Some(Enrolment::Used {
        agent: first.id,
        token_hash: vec![1; 32],
    });
    assert_eq!(found(100).await, used, "it works once");
    let later = at("2023-07-11T21:00:01Z");
    assert_eq!(store.enrolment(&[100; 32], later).await.unwrap(), None);
    // Used, expired, unknown.
    for hash in [[100; 32], [101; 32], [102; 32]] {
        let refused = store.enrol(&hash, &agent(2), &audit()).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
    }
    let (any, expires_at) = (Bounds::default(), at("2023-07-11T21:00:01Z"));
    store
        .add_enrolment(&[103; 32], &any, expires_at, &audit())
        .await
        .unwrap();
    let twice = store.enrol(&[103; 32], &agent(1), &audit()).await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "nobody takes the token that another holds: {twice:?}"
    );
    assert_eq!(found(103).await, Some(Enrolment::Fresh(any)));
    assert_eq!(store.agents().await.unwrap().len(), 1);
    let sites = store.agent_sites().await.unwrap();
    assert!(sites.len() == 2 && sites.iter().all(|(_, one)| *one == first.id));
    let withdrawn = store.withdraw_holder(first.holder.id, &audit()).await;
    withdrawn.unwrap();
    assert_eq!(found(100).await, None, "it is nobody's any more");
}

pub(crate) async fn acks_replace_what_was_said_before(store: Store) {
    let rows = fleet::fleet(&store, 1).await;
    store.import_fleet(&rows, &audit()).await.unwrap();
    let agent = NewAgent {
        id: id(),
        holder: Holder {
            id: id(),
            name: "agent on a host".into(),
            role: Role::Agent,
        },
        token_hash: [1; 32],
        host: "a host".into(),
        sites: vec![],
    };
    store
        .add_enrolment(
            &[100; 32],
            &Bounds::default(),
            at("2023-08-01T00:00:00Z"),
            &audit(),
        )
        .await
        .unwrap();
    store.enrol(&[100; 32], &agent, &audit()).await.unwrap();
    let now = at("2023-07-11T21:00:00Z");
    let key = document(1).key;
    for (gone, new) in [(&[][..], &[1, 2][..]), (&[1], &[2, 3])] {
        let rows = |versions: &[u64]| -> Vec<_> {
            let rows = versions.iter();
            rows.map(|version| (key.clone(), *version)).collect()
        };
        let (gone, new) = (rows(gone), rows(new));
        let refusal = Refusal {
            key: key.clone(),
            version: new[0].1,
            site: "29palms.gov".parse().unwrap(),
            reason: "the callback path is not ours".into(),
        };
        let said = AckChange {
            gone: &gone,
            new: &new,
            refused: Some(std::slice::from_ref(&refusal)),
        };
        store.save_acks(agent.id, &said, &[], now).await.unwrap();
        let same = AckChange {
            gone: &[],
            refused: None,
            ..said
        };
        store.save_acks(agent.id, &same, &[], now).await.unwrap();
        assert_eq!(store.refusals().await.unwrap(), [(agent.id, refusal)]);
    }
    let mut versions: Vec<_> = store
        .acks()
        .await
        .unwrap()
        .into_iter()
        .map(|ack| ack.version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [2, 3]);
}

pub(crate) async fn keys_change_with_their_publication_or_not_at_all(store: Store) {
    found(&store).await;
    let now = at("2023-07-11T21:00:00Z");
    let entry = audit();
    let next = store.add_repository_key("next timestamp", b"new", &entry);
    next.await.unwrap();
    let twice = store.add_repository_key("next timestamp", b"other", &entry);
    let twice = twice.await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "{twice:?}"
    );
    let publication = |follows: u64| Publication {
        follows,
        files: vec![file("root", follows + 1), file("snapshot", follows + 1)],
        keys: KeyChange {
            kept: vec![("timestamp".into(), b"new".to_vec())],
            forgotten: vec!["next timestamp".into(), "root".into()],
        },
        ..Publication::default()
    };
    let keys = async || {
        let mut keys = store.repository_keys().await.unwrap();
        keys.sort();
        keys
    };
    let before = keys().await;
    let late = store.publish(&publication(7), now, &audit()).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(keys().await, before);
    store.publish(&publication(1), now, &audit()).await.unwrap();
    assert_eq!(keys().await, [("timestamp".to_owned(), b"new".to_vec())]);
    let stored = store.repository().await.unwrap().unwrap();
    assert!(stored.files.contains(&file("root", 2)));
}

/// They were checked before, and the key may have been retired since.
pub(crate) async fn settings_whose_key_is_retired_are_not_published(store: Store) {
    fleet::fleet(&store, 0).await;
    found(&store).await;
    for (kid, state) in [("old", KeyState::Active), ("new", KeyState::Next)] {
        let key = sign_in::key(kid, state);
        store.add_signing_key(&key, &audit()).await.unwrap();
    }
    let publish = async |follows: u64, kids: &[&str]| {
        let publication = Publication {
            follows,
            document: Some(new(document(follows))),
            signing_kids: kids.iter().map(|kid| (*kid).to_owned()).collect(),
            ..Publication::default()
        };
        store.publish(&publication, audit().at, &audit()).await
    };
    publish(1, &["old", "new"]).await.unwrap();
    let audit_of_it = audit();
    let retired = store.set_key_state("new", KeyState::Retired, &audit_of_it);
    assert!(retired.await.unwrap());
    for kids in [&["old", "new"][..], &["none"]] {
        let late = publish(2, kids).await;
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    }
    assert_eq!(store.documents().await.unwrap(), [document(1)]);
    publish(2, &["old"]).await.unwrap();
    let kept = store.signing_keys().await.unwrap();
    assert_eq!((kept.len(), kept[0].state), (1, KeyState::Active));
}
