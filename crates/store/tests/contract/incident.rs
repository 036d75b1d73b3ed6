//! Incidents, their posts, promises and timelines.

use domain::id::{AlarmId, UpdateId};
use domain::incident::report::{Approval, ReportVersion};
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{
    Impact, Incident, Maintenance, Promise, PromiseKind, Scope, Stage, State, Update, UpdateKind,
    Window,
};
use domain::site::Zone;
use store::{IncidentAdditions, Store, StoreError};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:10:00Z";

fn proposed(alarm: AlarmId) -> Incident {
    Incident::propose(id(), alarm, "Sign-in".into(), Scope::default(), at(NOW))
}

fn with_alarm(alarm: AlarmId) -> IncidentAdditions {
    let entry = TimelineEntry {
        id: id(),
        at: at(NOW),
        by: "detection".into(),
        fact: Fact::Proposed { alarm },
    };
    IncidentAdditions {
        alarms: vec![alarm],
        timeline: vec![entry],
        ..IncidentAdditions::default()
    }
}

fn update() -> Update {
    Update {
        id: id::<UpdateId>(),
        at: at(NOW),
        by: "Kim".into(),
        state: Stage::Monitoring,
        body: "Fixed.".into(),
        template: Some(("Fix Implemented".into(), 1)),
        kind: UpdateKind::Update,
        corrections: vec![],
    }
}

/// Planned work keeps its window, also a local one, through changes.
pub(crate) async fn planned_work_reads_back_with_its_window(store: Store) {
    let window = Window::Local {
        from: "2023-07-12T22:00".parse().unwrap(),
        until: "2023-07-13T02:00".parse().unwrap(),
    };
    let zones = [Zone::parse("America/Denver").unwrap()];
    let work = Maintenance::plan(window, &zones, (Some(60), true), at(NOW)).unwrap();
    let what = ("Work".into(), Scope::default(), Impact::None);
    let planned = Incident::plan(id(), what, work, at(NOW));
    let nothing = IncidentAdditions::default();
    store
        .add_incident(&planned, &nothing, &audit())
        .await
        .unwrap();
    let mut begun = planned.after(State::begin).unwrap();
    begun.maintenance.as_mut().unwrap().reminded = true;
    store
        .save_incident(&begun, &nothing, &audit())
        .await
        .unwrap();
    assert_eq!(store.incident(begun.id).await.unwrap(), Some(begun.clone()));
    let cancelled = begun.after(|state| state.cancel(at(NOW), "Kim")).unwrap();
    store
        .save_incident(&cancelled, &nothing, &audit())
        .await
        .unwrap();
    assert_eq!(store.open_incidents(10).await.unwrap(), []);
}

pub(crate) async fn an_incident_reads_back_with_its_records(store: Store) {
    let alarm = id();
    let (incident, added) = (proposed(alarm), with_alarm(alarm));
    store
        .add_incident(&incident, &added, &audit())
        .await
        .unwrap();
    let next = incident.accept(at(NOW)).unwrap();
    let (kind, update) = (PromiseKind::Report, update());
    let promise = Promise {
        kind,
        within: Some("24 business hours".parse().unwrap()),
        calendar: "Texas".into(),
        due_at: at("2023-07-13T23:27:00Z"),
        made_by: update.id,
        made_at: at(NOW),
        kept_at: None,
    };
    let posted = IncidentAdditions {
        updates: vec![update.clone()],
        promises: vec![promise.clone()],
        kept: vec![(kind, at(NOW))],
        reports: vec![id()],
        ..IncidentAdditions::default()
    };
    store.save_incident(&next, &posted, &audit()).await.unwrap();
    assert_eq!(store.incident(next.id).await.unwrap(), Some(next.clone()));
    assert_eq!(
        store.open_incidents(10).await.unwrap(),
        std::slice::from_ref(&next)
    );
    assert_eq!(
        store.incidents(10).await.unwrap(),
        std::slice::from_ref(&next)
    );
    assert_eq!(store.updates(next.id).await.unwrap(), [update]);
    // The update keeps older promises, not the one it makes.
    assert_eq!(store.promises(next.id).await.unwrap(), [promise]);
    assert_eq!(store.timeline(next.id).await.unwrap(), added.timeline);
    assert_eq!(store.incident_alarms(next.id).await.unwrap(), [alarm]);
    assert_eq!(store.incident_of_alarm(alarm).await.unwrap(), Some(next.id));
    assert_eq!(
        store.incident_reports(next.id).await.unwrap(),
        posted.reports
    );
}

/// A promise keeps the calendar and the length that it was made with, also the one that knows no length.
pub(crate) async fn a_promise_keeps_its_calendar_and_its_length(store: Store) {
    let alarm = id();
    let (incident, added) = (proposed(alarm), with_alarm(alarm));
    let added = store.add_incident(&incident, &added, &audit()).await;
    added.unwrap();
    let next = incident.accept(at(NOW)).unwrap();
    let update = update();
    let promise = |kind, (calendar, within): (&str, Option<&str>), due_at| Promise {
        kind,
        within: within.map(|within| within.parse().unwrap()),
        calendar: calendar.into(),
        due_at: at(due_at),
        made_by: update.id,
        made_at: at(NOW),
        kept_at: None,
    };
    let (by_hours, by_days) = (("default", None), ("Los Ángeles", Some("2 business days")));
    let promises = vec![
        promise(PromiseKind::NextUpdate, by_hours, "2023-07-12T00:00:00Z"),
        promise(PromiseKind::Report, by_days, "2023-07-14T00:00:00Z"),
    ];
    let posted = IncidentAdditions {
        updates: vec![update.clone()],
        promises: promises.clone(),
        ..IncidentAdditions::default()
    };
    store.save_incident(&next, &posted, &audit()).await.unwrap();
    assert_eq!(store.promises(next.id).await.unwrap(), promises);
}

/// Of two people who decide on the same version, one is told; nothing of the loser is kept.
pub(crate) async fn the_slower_of_two_decisions_is_refused(store: Store) {
    let alarm = id();
    let incident = proposed(alarm);
    store
        .add_incident(&incident, &with_alarm(alarm), &audit())
        .await
        .unwrap();
    let accepted = incident.clone().accept(at(NOW)).unwrap();
    let dismissed = incident
        .after(|state| state.dismiss(at(NOW), "Sam", "quiet"))
        .unwrap();
    let posted = IncidentAdditions {
        updates: vec![update()],
        ..IncidentAdditions::default()
    };
    store
        .save_incident(&accepted, &IncidentAdditions::default(), &audit())
        .await
        .unwrap();
    let slower = store.save_incident(&dismissed, &posted, &audit()).await;
    assert!(
        matches!(slower, Err(StoreError::Conflict { .. })),
        "{slower:?}"
    );
    assert_eq!(
        store.incident(accepted.id).await.unwrap(),
        Some(accepted.clone())
    );
    assert!(store.updates(accepted.id).await.unwrap().is_empty());
}

pub(crate) async fn an_alarm_has_one_incident(store: Store) {
    let alarm = id();
    store
        .add_incident(&proposed(alarm), &with_alarm(alarm), &audit())
        .await
        .unwrap();
    let again = store
        .add_incident(&proposed(alarm), &with_alarm(alarm), &audit())
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    assert_eq!(store.incidents(10).await.unwrap().len(), 1);
}

pub(crate) async fn a_correction_keeps_what_stood_there(store: Store) {
    let alarm = id();
    let incident = proposed(alarm).accept(at(NOW)).unwrap();
    let posted = IncidentAdditions {
        updates: vec![update(), update()],
        ..with_alarm(alarm)
    };
    store
        .add_incident(&incident, &posted, &audit())
        .await
        .unwrap();
    let mut incident = incident;
    let mut corrected = posted.updates[0].clone();
    for body in ["Fixed at 5.", "Fixed at 6."] {
        corrected = corrected
            .correct(body.into(), "a wrong hour".into(), ("Sam", at(NOW)))
            .unwrap();
        incident = incident.after(Ok).unwrap();
        let added = IncidentAdditions {
            corrected: vec![corrected.clone()],
            ..IncidentAdditions::default()
        };
        store
            .save_incident(&incident, &added, &audit())
            .await
            .unwrap();
    }
    let updates = store.updates(incident.id).await.unwrap();
    assert_eq!(updates.len(), 2);
    assert!(updates.contains(&corrected), "{updates:?}");
    assert!(updates.contains(&posted.updates[1]), "{updates:?}");
    assert_eq!(corrected.corrections[0].before, "Fixed.");
    // Of another incident, it is not there.
    let (other, stray) = (proposed(id()), corrected);
    let added = IncidentAdditions {
        corrected: vec![stray],
        ..IncidentAdditions::default()
    };
    let refused = store.add_incident(&other, &added, &audit()).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
}

pub(crate) async fn a_version_of_a_report_is_saved_approved_and_published_once(store: Store) {
    let alarm = id();
    let incident = proposed(alarm).accept(at(NOW)).unwrap();
    store
        .add_incident(&incident, &with_alarm(alarm), &audit())
        .await
        .unwrap();
    let first = ReportVersion::after(None, "# Report".into(), ("Kim", at(NOW))).unwrap();
    let add = async |version: &ReportVersion| {
        store
            .add_report_version(incident.id, version, &audit())
            .await
    };
    add(&first).await.unwrap();
    assert!(matches!(
        add(&first).await,
        Err(StoreError::Conflict { .. })
    ));
    let second = ReportVersion::after(Some(&first), "Better.".into(), ("Kim", at(NOW))).unwrap();
    add(&second).await.unwrap();
    let publish = async |next: &Incident| {
        let update = update();
        let added = IncidentAdditions {
            published: vec![(2, update.id)],
            updates: vec![update],
            ..IncidentAdditions::default()
        };
        store.save_incident(next, &added, &audit()).await
    };
    let next = incident.clone().after(Ok).unwrap();
    let early = publish(&next).await;
    assert!(
        matches!(early, Err(StoreError::Conflict { .. })),
        "it is not approved"
    );
    let approval = Approval {
        by: "Ada".into(),
        at: at(NOW),
    };
    let approve = async || {
        store
            .approve_report_version(incident.id, (2, &approval), &audit())
            .await
    };
    approve().await.unwrap();
    assert!(matches!(approve().await, Err(StoreError::Conflict { .. })));
    publish(&next).await.unwrap();
    let again = publish(&next.clone().after(Ok).unwrap()).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    let known = store.report_versions(incident.id).await.unwrap();
    assert_eq!((known[0].number, &known[0].approved), (2, &Some(approval)));
    assert!(known[0].published.is_some());
    assert_eq!(known[1], first);
}
