//! Layers of documents, named groups of sites, and what agents are told of sites.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use domain::document::Document;
use domain::layer::Layer;
use domain::name::{GroupName, Hostname, ProductName};
use store::{Publication, Store, StoredShard};

use crate::delivery::{document, found, new};
use crate::{at, audit, fleet};

const NOW: &str = "2023-07-11T21:00:00Z";

pub(crate) async fn a_layer_counts_its_own_versions(store: Store) {
    fleet::fleet(&store, 0).await;
    found(&store).await;
    let layer = |version| {
        let document = document(version);
        Document {
            key: document
                .key
                .with_layer(Layer::parse("county:NM/Doña Ana").unwrap()),
            ..document
        }
    };
    let all = [document(1), layer(1), layer(2), document(2)];
    for (follows, document) in (1..).zip(all) {
        let publication = Publication {
            follows,
            document: Some(new(document)),
            ..Publication::default()
        };
        store
            .publish(&publication, at(NOW), &audit())
            .await
            .unwrap();
    }
    let kept = store.documents().await.unwrap();
    assert_eq!(kept, [document(1), document(2), layer(1), layer(2)]);
    let key = layer(1).key;
    let history = store.document_history(&key, u64::MAX, 9).await.unwrap();
    let versions: Vec<_> = history.iter().map(|one| one.version).collect();
    assert_eq!(versions, [2, 1]);
    let drop_one = Publication {
        follows: 5,
        dropped: vec![(key.clone(), 1)],
        forgotten: vec![(document(1).key, 1)],
        ..Publication::default()
    };
    store.publish(&drop_one, at(NOW), &audit()).await.unwrap();
    assert_eq!(store.documents().await.unwrap(), [document(2), layer(2)]);
    assert_eq!(store.document(&key, 1).await.unwrap(), Some(layer(1)));
}

pub(crate) async fn a_group_has_the_sites_that_were_named_last(store: Store) {
    let name = |text: &str| GroupName::parse(text).unwrap();
    let sites = |names: &[&str]| -> BTreeSet<Hostname> {
        names
            .iter()
            .map(|name| Hostname::parse(name).unwrap())
            .collect()
    };
    let set = async |group: &'static str, names: &[&str]| {
        store
            .set_group(&name(group), &sites(names), &audit())
            .await
            .unwrap();
    };
    set("early", &["a.gov", "b.gov"]).await;
    set("pilot", &["b.gov"]).await;
    set("early", &["b.gov", "c.gov"]).await;
    let groups = store.groups().await.unwrap();
    assert_eq!(groups[&name("early")], sites(&["b.gov", "c.gov"]));
    assert_eq!(groups[&name("pilot")], sites(&["b.gov"]));
    set("early", &[]).await;
    assert_eq!(store.groups().await.unwrap().len(), 1);
}

pub(crate) async fn shards_are_replaced_one_by_one_or_when_they_are_divided_anew(store: Store) {
    fleet::fleet(&store, 0).await;
    found(&store).await;
    let shard = |level, number, body: &str| StoredShard {
        product: ProductName::parse("web-central").unwrap(),
        level,
        number,
        body: body.into(),
    };
    let steps = [
        (
            vec![shard(1, 0, "a"), shard(1, 3, "b")],
            vec![shard(1, 0, "a"), shard(1, 3, "b")],
        ),
        (
            vec![shard(1, 3, "c")],
            vec![shard(1, 0, "a"), shard(1, 3, "c")],
        ),
        (
            vec![shard(1, 0, ""), shard(1, 1, "d")],
            vec![shard(1, 1, "d"), shard(1, 3, "c")],
        ),
        (vec![shard(2, 1, "e")], vec![shard(2, 1, "e")]),
    ];
    for (follows, (shards, kept)) in (1..).zip(steps) {
        let publication = Publication {
            follows,
            shards,
            ..Publication::default()
        };
        store
            .publish(&publication, at(NOW), &audit())
            .await
            .unwrap();
        assert_eq!(store.shards().await.unwrap(), kept);
    }
}
