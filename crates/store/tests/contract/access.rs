//! Holders of tokens.

use domain::access::Role;
use store::{Holder, Store};

use crate::{at, id};

pub(crate) async fn a_token_is_found_until_it_is_withdrawn(store: Store) {
    assert!(!store.has_holders().await.unwrap());
    let now = at("2023-07-11T21:00:00Z");
    let holder = Holder {
        id: id(),
        name: "Kim".into(),
        role: Role::Support,
    };
    store.add_holder(&holder, &[7; 32], now).await.unwrap();
    assert!(store.has_holders().await.unwrap());
    assert_eq!(
        store.holder_by_token(&[7; 32]).await.unwrap(),
        Some(holder.clone())
    );
    assert_eq!(store.holder_by_token(&[8; 32]).await.unwrap(), None);
    assert!(
        store
            .add_holder(
                &Holder {
                    id: id(),
                    ..holder.clone()
                },
                &[7; 32],
                now
            )
            .await
            .is_err()
    );
    assert!(store.withdraw_holder(holder.id, now).await.unwrap());
    assert!(!store.withdraw_holder(holder.id, now).await.unwrap());
    assert_eq!(store.holder_by_token(&[7; 32]).await.unwrap(), None);
}

pub(crate) async fn holders_are_listed_until_they_are_withdrawn(store: Store) {
    let now = at("2023-07-11T21:00:00Z");
    let mut added = vec![];
    for number in 0..3u8 {
        let holder = Holder {
            id: id(),
            name: format!("Kim {number}"),
            role: Role::Support,
        };
        store.add_holder(&holder, &[number; 32], now).await.unwrap();
        added.push(holder);
    }
    added.sort_by_key(|holder| holder.id);
    let first = store.holders(None, 2).await.unwrap();
    assert_eq!(first, added[..2]);
    let rest = store.holders(Some(first[1].id), 2).await.unwrap();
    assert_eq!(rest, added[2..]);
    assert!(store.withdraw_holder(added[0].id, now).await.unwrap());
    assert_eq!(store.holders(None, 9).await.unwrap(), added[1..]);
}
