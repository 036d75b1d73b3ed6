//! Follow-ups of incidents.

use domain::incident::{FollowUp, FollowUpEnd, Impact, Incident, Scope};
use store::{IncidentAdditions, Store, StoreError};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:00:00Z";

pub(crate) async fn a_follow_up_reads_back_and_ends_once(store: Store) {
    let what = ("Sign-in fails".into(), Scope::default(), Impact::Minor);
    let incident = Incident::open(id(), what, at(NOW), at(NOW));
    let none = IncidentAdditions::default();
    store
        .add_incident(&incident, &none, &audit())
        .await
        .unwrap();
    let follow_up = |due: &str| FollowUp {
        id: id(),
        incident: incident.id,
        version: 1,
        text: "Let releases wait.".into(),
        owner: "Ada".into(),
        due: due.parse().unwrap(),
        end: None,
    };
    let (late, soon) = (follow_up("2023-12-01"), follow_up("2023-08-01"));
    for one in [&late, &soon] {
        store.add_follow_up(one, &audit()).await.unwrap();
    }
    let both = [soon.clone(), late.clone()];
    assert_eq!(store.open_follow_ups(10).await.unwrap(), both);
    assert_eq!(store.follow_ups(incident.id).await.unwrap(), both);
    let end = |dropped: Option<&str>| FollowUpEnd {
        at: at(NOW),
        by: "Kim".into(),
        dropped: dropped.map(str::to_owned),
    };
    let done = soon.clone().end(end(None)).unwrap();
    store.save_follow_up(&done, &audit()).await.unwrap();
    let slower = soon.end(end(Some("Not needed."))).unwrap();
    let slower = store.save_follow_up(&slower, &audit()).await;
    assert!(
        matches!(slower, Err(StoreError::Conflict { .. })),
        "{slower:?}"
    );
    assert_eq!(store.follow_up(done.id).await.unwrap(), Some(done));
    assert_eq!(store.open_follow_ups(10).await.unwrap(), [late]);
}
