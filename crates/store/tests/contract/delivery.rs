//! Documents, the signed repository, agents and what they hold.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use domain::access::Role;
use domain::document::{Document, DocumentKey, Lane};
use domain::name::{DocumentName, ProductName, ServiceName};
use store::{Holder, NewAgent, Publication, RepositoryFile, Store, StoreError};

use crate::{at, audit, fleet, id};

fn document(version: u64) -> Document {
    let key = DocumentKey {
        product: ProductName::parse("web-central").unwrap(),
        service: ServiceName::parse("sign-in").unwrap(),
        name: DocumentName::parse("client").unwrap(),
    };
    let accepts = semver::VersionReq::parse(">=5.1, <5.3").unwrap();
    Document {
        key,
        version,
        accepts,
        lane: Lane::First,
        body: b"{\"a\":1}".to_vec(),
    }
}

fn file(role: &str, version: u64) -> RepositoryFile {
    RepositoryFile {
        role: role.into(),
        version,
        body: vec![version as u8],
    }
}

async fn found(store: &Store) {
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
        document: Some(document(follows)),
        files: vec![file("snapshot", follows + 1)],
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
    store
        .add_enrolment(&[100; 32], at("2023-07-11T21:00:01Z"), &audit())
        .await
        .unwrap();
    store
        .add_enrolment(&[101; 32], at("2023-07-11T21:00:00Z"), &audit())
        .await
        .unwrap();
    let first = agent(1);
    store.enrol(&[100; 32], &first, &audit()).await.unwrap();
    // Used, expired, unknown.
    for hash in [[100; 32], [101; 32], [102; 32]] {
        let refused = store.enrol(&hash, &agent(2), &audit()).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(store.agents().await.unwrap().len(), 1);
    let sites = store.agent_sites().await.unwrap();
    assert!(sites.len() == 2 && sites.iter().all(|(_, one)| *one == first.id));
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
        .add_enrolment(&[100; 32], at("2023-08-01T00:00:00Z"), &audit())
        .await
        .unwrap();
    store.enrol(&[100; 32], &agent, &audit()).await.unwrap();
    let now = at("2023-07-11T21:00:00Z");
    let key = document(1).key;
    for held in [vec![1, 2], vec![2, 3]] {
        let held: Vec<_> = held
            .into_iter()
            .map(|version| (key.clone(), version))
            .collect();
        store.save_acks(agent.id, &held, now).await.unwrap();
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
