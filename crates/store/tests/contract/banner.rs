//! Banners.

use domain::banner::{Area, Banner, Severity};
use jiff::SignedDuration;
use store::{Store, StoreError};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:00:00Z";

fn banner(text: &str) -> Banner {
    Banner {
        id: id(),
        version: 1,
        text: text.into(),
        severity: Severity::Critical,
        area: Area {
            states: ["CA".to_owned()].into(),
            ..Area::default()
        },
        from: at(NOW),
        until: None,
    }
}

pub(crate) async fn a_banner_reads_back_and_the_slower_change_is_refused(store: Store) {
    let (first, second) = (banner("Sign-in fails."), banner("It is back."));
    store.add_banner(&first, &audit()).await.unwrap();
    store.add_banner(&second, &audit()).await.unwrap();
    let mut all = vec![first.clone(), second.clone()];
    all.sort_by_key(|one| one.id);
    assert_eq!(store.banners(at(NOW), 10).await.unwrap(), all);
    let later = at(NOW) + SignedDuration::from_mins(5);
    let ended = first.clone().end(later);
    store.save_banner(&ended, &audit()).await.unwrap();
    let slower = store.save_banner(&first.end(later), &audit()).await;
    assert!(
        matches!(slower, Err(StoreError::Conflict { .. })),
        "{slower:?}"
    );
    assert_eq!(
        store.banners(later, 10).await.unwrap(),
        [second.clone(), ended]
    );
    assert_eq!(
        store.banners(later, 1).await.unwrap().len(),
        2,
        "a limit for each"
    );
}
