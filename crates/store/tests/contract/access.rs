//! Holders of tokens.

use domain::access::Role;
use store::{Holder, Store};

use crate::{audit, id};

fn holder(name: &str) -> Holder {
    Holder {
        id: id(),
        name: name.into(),
        role: Role::Support,
    }
}

async fn add(store: &Store, holder: &Holder, hash: u8) -> bool {
    let audit = audit();
    store.add_holder(holder, &[hash; 32], &audit).await.unwrap()
}

async fn audited(store: &Store) -> usize {
    store.audit(None, 99).await.unwrap().len()
}

pub(crate) async fn a_token_is_found_until_it_is_withdrawn(store: Store) {
    assert!(!store.has_holders().await.unwrap());
    let kim = holder("Kim");
    assert!(add(&store, &kim, 7).await);
    assert!(store.has_holders().await.unwrap());
    assert_eq!(
        store.holder_by_token(&[7; 32]).await.unwrap(),
        Some(kim.clone())
    );
    assert_eq!(store.holder_by_token(&[8; 32]).await.unwrap(), None);
    let same_token = store.add_holder(&holder("Lee"), &[7; 32], &audit()).await;
    assert!(same_token.is_err());
    assert_eq!(audited(&store).await, 1);
    for withdrawn in [true, false] {
        let done = store.withdraw_holder(kim.id, &audit()).await.unwrap();
        assert_eq!(done, withdrawn);
        assert_eq!(audited(&store).await, 2);
    }
    assert_eq!(store.holder_by_token(&[7; 32]).await.unwrap(), None);
    assert_eq!(store.holder_in_use(kim.id).await.unwrap(), None);
}

pub(crate) async fn a_name_is_held_once_at_a_time(store: Store) {
    let (first, second) = (holder("Kim"), holder("Kim"));
    assert!(add(&store, &first, 1).await);
    assert!(!add(&store, &second, 2).await);
    assert_eq!(audited(&store).await, 1);
    store.withdraw_holder(first.id, &audit()).await.unwrap();
    assert!(add(&store, &second, 2).await);
    let third = holder("Kim");
    store
        .replace_holder(&third, &[3; 32], &audit())
        .await
        .unwrap();
    assert_eq!(store.holder_by_token(&[2; 32]).await.unwrap(), None);
    assert_eq!(store.holder_by_token(&[3; 32]).await.unwrap(), Some(third));
    assert_eq!(audited(&store).await, 4);
}

pub(crate) async fn holders_are_listed_until_they_are_withdrawn(store: Store) {
    let mut added = vec![];
    for number in 0..3u8 {
        let holder = holder(&format!("Kim {number}"));
        assert!(add(&store, &holder, number).await);
        added.push(holder);
    }
    added.sort_by_key(|holder| holder.id);
    let list = async |after, limit| {
        let page = store.holders(after, limit).await.unwrap();
        assert!(page.iter().all(|one| one.made_at == audit().at));
        page.into_iter().map(|one| one.holder).collect::<Vec<_>>()
    };
    let first = list(None, 2).await;
    assert_eq!(first, added[..2]);
    assert_eq!(list(Some(first[1].id), 2).await, added[2..]);
    store.withdraw_holder(added[0].id, &audit()).await.unwrap();
    assert_eq!(list(None, 9).await, added[1..]);
}

pub(crate) async fn the_audit_is_read_page_by_page(store: Store) {
    let mut added = vec![];
    for _ in 0..5 {
        // All of one moment.
        let entry = audit();
        store.add_audit(&entry).await.unwrap();
        added.push(entry.id);
    }
    added.sort();
    let (mut read, mut before) = (vec![], None);
    loop {
        let page = store.audit(before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        read.extend(page.iter().map(|entry| entry.id));
    }
    read.reverse();
    assert_eq!(read, added);
}
