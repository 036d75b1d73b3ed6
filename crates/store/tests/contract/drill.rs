//! What drills showed.

use domain::drill::{Act, Course, DrillResult, Figure, Happened, Point, Unit};
use store::{RecordedDrill, Recording, Store};

use crate::{at, audit, id};

fn drill(scenario: &str, began_at: &str) -> RecordedDrill {
    let point = |minute| Point {
        minute,
        failing: 600,
        renewed: 0,
    };
    // Numbers that a careless reader would not give back as they were.
    let course: Course = [0.1 + 0.2, 1.0 / 3.0].map(point).into_iter().collect();
    let figure = Figure::new("campaign", Unit::Seconds, 2_647.123_456_789_1).at_most(3_840.0);
    let act = Act {
        figures: vec![figure],
        course,
    };
    let result = DrillResult {
        id: id(),
        scenario: scenario.into(),
        title: "Sign-in Issue Identified | July 11, 2023".into(),
        seed: u64::MAX,
        sites: 600,
        speed: 60.0,
        own_fleet: true,
        server_killed_at_percent: None,
        version: semver::Version::new(0, 1, 0),
        began_at: at(began_at),
        ended_at: at(began_at),
        server_peak_memory_bytes: 1,
        happened: Happened {
            first_report: 6,
            engineering: 9,
            script_ready: 83,
            done: 147,
        },
        act1: Some(act),
        act2: None,
    };
    RecordedDrill {
        result,
        recorded_at: at("2023-07-11T21:00:00Z"),
        recorded_by: "Ada".into(),
    }
}

fn without_courses(drill: &RecordedDrill) -> RecordedDrill {
    let mut drill = drill.clone();
    drill.result.act1.as_mut().unwrap().course = Course::default();
    drill
}

pub(crate) async fn a_drill_is_recorded_once(store: Store) {
    let first = drill("july-11", "2023-07-11T20:00:00Z");
    let record = async |drill: &RecordedDrill| store.record_drill(drill, &audit()).await.unwrap();
    assert_eq!(record(&first).await, Recording::Kept);
    let mut again = first.clone();
    again.recorded_by = "Kim".into();
    assert_eq!(record(&again).await, Recording::KeptBefore);
    let mut other = first.clone();
    other.result.seed = 7;
    assert_eq!(record(&other).await, Recording::Other);
    let mut other = first.clone();
    other.result.act1.as_mut().unwrap().course = Course::default();
    assert_eq!(record(&other).await, Recording::Other);
    let kept = store.drill(first.result.id).await.unwrap();
    assert_eq!(kept, Some(first.clone()));
    assert_eq!(store.drill(id()).await.unwrap(), None);
    // Neither what was kept before nor what was refused is in the audit.
    assert_eq!(store.audit(None, 10).await.unwrap().len(), 1);
}

pub(crate) async fn drills_are_listed_newest_first_page_by_page(store: Store) {
    let (old, new) = ("2023-07-01T20:00:00Z", "2023-07-11T20:00:00Z");
    // Recorded in another order than they began; two in one millisecond.
    let mut all = [
        drill("july-11", new),
        drill("july-11", old),
        drill("other", new),
        drill("july-11", "2023-07-05T20:00:00Z"),
    ];
    for one in &all {
        store.record_drill(one, &audit()).await.unwrap();
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.result.began_at, one.result.id)));
    let expected: Vec<_> = all.iter().map(without_courses).collect();
    assert_eq!(store.drills(None, 10).await.unwrap(), expected);
    let first = store.drills(None, 1).await.unwrap();
    assert_eq!(first, expected[..1]);
    let rest = store.drills(Some(first[0].result.id), 2).await.unwrap();
    assert_eq!(rest, expected[1..3]);
    assert!(store.drills(Some(id()), 10).await.unwrap().is_empty());

    let ours: Vec<_> = all
        .iter()
        .filter(|one| one.result.scenario == "july-11")
        .collect();
    let before = async |one: &RecordedDrill| store.drill_before(&one.result).await.unwrap();
    assert_eq!(before(ours[0]).await, Some(without_courses(ours[1])));
    assert_eq!(before(ours[1]).await, Some(without_courses(ours[2])));
    assert_eq!(before(ours[2]).await, None);
}
