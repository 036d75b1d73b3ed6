//! Incidents that are added after they were over.

use domain::incident::Incident;
use domain::incident::backfill::NewPast;
use store::{IncidentAdditions, Source, Store};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:10:00Z";

fn records() -> (Incident, IncidentAdditions) {
    let past: NewPast = serde_json::from_str(
        r#"{"title": "Sign-in was slow", "impact": "minor",
            "started_at": "2023-03-01T14:00:00Z", "resolved_at": "2023-03-01T16:00:00Z",
            "updates": [{"at": "2023-03-01T15:00:00Z", "state": "completed", "text": "It was."}]}"#,
    )
    .unwrap();
    let past = past.check(at(NOW)).unwrap();
    let (incident, updates) = past.records(id(), ("Kim", at(NOW)), id);
    let added = IncidentAdditions {
        updates,
        ..IncidentAdditions::default()
    };
    (incident, added)
}

async fn add(
    store: &Store,
    incident: &Incident,
    added: &IncidentAdditions,
    source: Option<&Source>,
) -> bool {
    let audit = audit();
    let add = store.add_past_incident(incident, added, source, &audit);
    add.await.unwrap()
}

pub(crate) async fn an_incident_of_the_past_is_added_once(store: Store) {
    let source = Source {
        source: "statuspage",
        key: "3wcfx9j1kbg3".into(),
    };
    assert_eq!(store.incident_from(&source).await.unwrap(), None);
    let (incident, added) = records();
    assert!(add(&store, &incident, &added, Some(&source)).await);
    assert_eq!(
        store.incident(incident.id).await.unwrap(),
        Some(incident.clone())
    );
    assert_eq!(incident.added_at, Some(at(NOW)));
    assert_eq!(store.updates(incident.id).await.unwrap(), added.updates);
    assert_eq!(
        store.incident_from(&source).await.unwrap(),
        Some(incident.id)
    );
    assert!(store.open_incidents(10).await.unwrap().is_empty());
    // Of the same source there is one; nothing of a second one is kept.
    let (again, added) = records();
    assert!(!add(&store, &again, &added, Some(&source)).await);
    assert_eq!(store.incident(again.id).await.unwrap(), None);
    // The same key elsewhere, and no source at all, are other incidents.
    let elsewhere = Source {
        source: "sender",
        ..source
    };
    for source in [Some(&elsewhere), None, None] {
        let (other, added) = records();
        assert!(add(&store, &other, &added, source).await);
    }
    assert_eq!(store.incidents(10).await.unwrap().len(), 4);
}
