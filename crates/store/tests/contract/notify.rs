//! Pages and the outbox.

use domain::id::PageId;
use domain::incident::{Impact, Incident, PromiseKind, Scope, Stage, Update, UpdateKind};
use jiff::{SignedDuration, Timestamp};
use store::{Attempt, Delivery, IncidentAdditions, OnCallStep, Page, Reminder, Store};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:10:00Z";

fn later(minutes: i64) -> Timestamp {
    at(NOW) + SignedDuration::from_mins(minutes)
}

/// A page with one delivery now, and one ten minutes later.
async fn paged(store: &Store) -> PageId {
    let page = Page {
        id: id(),
        incident: None,
        words: "look".into(),
        made_at: at(NOW),
        acknowledged: None,
    };
    let delivery = |minutes| Delivery {
        id: id(),
        page: page.id,
        url: "https://a.example".into(),
        secret: Some("whsec_c2VjcmV0".into()),
        body: "{}".into(),
        next_at: later(minutes),
        attempts: 0,
        fence: 0,
    };
    store
        .add_page(&page, &[delivery(0), delivery(10)])
        .await
        .unwrap();
    assert_eq!(store.page(page.id).await.unwrap(), Some(page.clone()));
    page.id
}

pub(crate) async fn an_on_call_list_is_replaced_whole(store: Store) {
    let step = |url: &str, secret: Option<&str>| OnCallStep {
        url: url.into(),
        secret: secret.map(str::to_owned),
        after_seconds: 60,
    };
    let steps = [
        step("https://b.example", Some("whsec_c2VjcmV0")),
        step("https://a.example", None),
    ];
    store.save_on_call(&steps, &audit()).await.unwrap();
    assert_eq!(store.on_call().await.unwrap(), steps);
    store.save_on_call(&steps[1..], &audit()).await.unwrap();
    assert_eq!(store.on_call().await.unwrap(), steps[1..]);
}

/// Many claim at once: one gets the delivery. When its claim runs out another may take it, and
/// what the first one says then is not counted.
pub(crate) async fn a_claim_is_exclusive_until_it_runs_out(store: Store) {
    paged(&store).await;
    let claims = futures_util::future::join_all(
        (0..8).map(|_| store.claim_deliveries(at(NOW), later(3), 10)),
    );
    let claims: Vec<_> = claims.await.into_iter().flat_map(Result::unwrap).collect();
    let [first] = claims.as_slice() else {
        panic!("{} claims", claims.len())
    };
    assert_eq!(
        (first.attempts, first.fence, first.secret.as_deref()),
        (1, 1, Some("whsec_c2VjcmV0"))
    );
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(later(3)));
    let second = store
        .claim_deliveries(later(4), later(7), 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((second.id, second.fence), (first.id, 2));
    assert!(
        !store
            .finish_delivery(first, &Attempt::Delivered)
            .await
            .unwrap()
    );
    let again = Attempt::Again {
        at: later(5),
        failure: "503".into(),
    };
    assert!(store.finish_delivery(&second, &again).await.unwrap());
    let third = store
        .claim_deliveries(later(5), later(8), 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(third.attempts, 3);
    assert!(
        store
            .finish_delivery(&third, &Attempt::Delivered)
            .await
            .unwrap()
    );
    assert_eq!(store.next_delivery_at().await.unwrap(), Some(later(10)));
}

pub(crate) async fn an_acknowledged_page_is_not_escalated(store: Store) {
    let page = paged(&store).await;
    assert_eq!(
        store.acknowledge_page(page, later(1), "Kim").await.unwrap(),
        Some(true)
    );
    assert_eq!(
        store.acknowledge_page(page, later(2), "Sam").await.unwrap(),
        Some(false)
    );
    assert_eq!(
        store.acknowledge_page(id(), later(2), "Sam").await.unwrap(),
        None
    );
    assert!(
        store
            .claim_deliveries(later(20), later(23), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let acknowledged = store.pages(10).await.unwrap().remove(0).acknowledged;
    assert_eq!(acknowledged, Some((later(1), "Kim".into())));
}

/// Whoever is faster reminds; the other one's page is not even added.
pub(crate) async fn a_step_of_reminding_is_taken_once(store: Store) {
    let what = ("Sign-in fails".into(), Scope::default(), Impact::Minor);
    let incident = Incident::open(id(), what, at(NOW), at(NOW));
    let update = Update {
        id: id(),
        at: at(NOW),
        by: "Ada".into(),
        state: Stage::Investigating,
        body: "We look.".into(),
        template: None,
        kind: UpdateKind::Update,
        corrections: vec![],
    };
    let added = IncidentAdditions {
        updates: vec![update.clone()],
        ..IncidentAdditions::default()
    };
    store
        .add_incident(&incident, &added, &audit())
        .await
        .unwrap();
    let step = |step| Reminder {
        incident: incident.id,
        kind: PromiseKind::NextUpdate,
        made_by: update.id,
        step,
    };
    let page = |minutes| Page {
        id: id(),
        incident: Some(incident.id),
        words: "look".into(),
        made_at: later(minutes),
        acknowledged: None,
    };
    let (first, second, late) = (page(0), page(1), page(2));
    assert!(store.add_reminder(step(0), &first, &[]).await.unwrap());
    assert!(!store.add_reminder(step(0), &second, &[]).await.unwrap());
    assert_eq!(store.page(second.id).await.unwrap(), None);
    assert!(store.add_reminder(step(1), &late, &[]).await.unwrap());
    store
        .acknowledge_page(first.id, later(3), "Kim")
        .await
        .unwrap();
    let reminded = store.reminders(incident.id).await.unwrap();
    let told: Vec<_> = reminded
        .iter()
        .map(|one| (one.of, one.page, one.acknowledged))
        .collect();
    assert_eq!(told, [(step(0), first.id, true), (step(1), late.id, false)]);
}
