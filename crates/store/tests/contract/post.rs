//! Templates of the team's own, and posts that wait.

use domain::id::IncidentId;
use domain::incident::template::NewTemplate;
use domain::incident::{Impact, Incident, Scope};
use jiff::SignedDuration;
use store::{IncidentAdditions, ScheduledUpdate, Store, StoreError, StoredTemplate};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:00:00Z";

fn template(name: &str, version: u32, text: Option<&str>) -> StoredTemplate {
    let draft = |text: &str| NewTemplate {
        text: text.into(),
        ..NewTemplate::default()
    };
    StoredTemplate {
        name: name.into(),
        version,
        draft: text.map(draft),
        saved_at: at(NOW),
        saved_by: "Ada".into(),
    }
}

pub(crate) async fn every_version_of_a_template_is_kept(store: Store) {
    let versions = [
        template("Sorry", 1, Some("We are sorry.")),
        template("Sorry", 2, None),
        template("Back", 1, Some("It is back.")),
    ];
    for one in &versions {
        store.save_template(one, &audit()).await.unwrap();
    }
    let slower = template("Sorry", 2, Some("Somebody was faster."));
    let slower = store.save_template(&slower, &audit()).await;
    assert!(
        matches!(slower, Err(StoreError::Conflict { .. })),
        "{slower:?}"
    );
    let [first, second, back] = versions;
    assert_eq!(store.templates(10).await.unwrap(), [back, second.clone()]);
    assert_eq!(
        store.template_versions("Sorry").await.unwrap(),
        [second, first]
    );
    assert!(store.template_versions("None").await.unwrap().is_empty());
}

async fn incident(store: &Store) -> Incident {
    let what = ("Sign-in fails".into(), Scope::default(), Impact::Minor);
    let incident = Incident::open(id(), what, at(NOW), at(NOW));
    let none = IncidentAdditions::default();
    store
        .add_incident(&incident, &none, &audit())
        .await
        .unwrap();
    incident
}

fn waiting(incident: IncidentId, minutes: i64) -> ScheduledUpdate {
    ScheduledUpdate {
        id: id(),
        incident,
        at: at(NOW) + SignedDuration::from_mins(minutes),
        by: "Ada".into(),
        asked: "{}".into(),
        made_at: at(NOW),
    }
}

pub(crate) async fn a_post_stops_waiting_once(store: Store) {
    let incident = incident(&store).await;
    let (later, sooner) = (waiting(incident.id, 9), waiting(incident.id, 5));
    store.schedule(&later, &audit()).await.unwrap();
    store.schedule(&sooner, &audit()).await.unwrap();
    let scheduled = store.scheduled(incident.id).await.unwrap();
    assert_eq!(scheduled, [sooner.clone(), later.clone()]);
    let owing = store.owing_incidents(9).await.unwrap();
    assert_eq!(owing, std::slice::from_ref(&incident), "once");
    let next = Incident {
        version: 2,
        ..incident.clone()
    };
    let spends = IncidentAdditions {
        spent: vec![sooner.id],
        ..IncidentAdditions::default()
    };
    store.save_incident(&next, &spends, &audit()).await.unwrap();
    let again = Incident { version: 3, ..next };
    let twice = store.save_incident(&again, &spends, &audit()).await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "{twice:?}"
    );
    assert_eq!(
        store.incident(incident.id).await.unwrap().unwrap().version,
        2
    );
    assert!(
        store
            .unschedule(incident.id, later.id, &audit())
            .await
            .unwrap()
    );
    assert!(
        !store
            .unschedule(incident.id, later.id, &audit())
            .await
            .unwrap()
    );
    assert!(store.scheduled(incident.id).await.unwrap().is_empty());
    assert!(store.owing_incidents(9).await.unwrap().is_empty());
}

pub(crate) async fn a_calendar_is_replaced_and_removed(store: Store) {
    let zone = domain::site::Zone::parse("America/Denver").unwrap();
    let mut calendar = domain::calendar::BusinessCalendar::in_zone(zone);
    for holiday in ["2026-07-03", "2026-12-24"] {
        let day = holiday.parse().unwrap();
        calendar.holidays.insert(day, "Town day".into());
        store
            .save_calendar("default", &calendar, &audit())
            .await
            .unwrap();
    }
    let known = store.calendars().await.unwrap();
    assert_eq!(known, [("default".to_owned(), calendar)].into());
    store.remove_calendar("default", &audit()).await.unwrap();
    let twice = store.remove_calendar("default", &audit()).await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })));
}
