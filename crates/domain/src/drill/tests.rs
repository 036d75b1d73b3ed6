//! What a result of a drill may be, what of it held, and what changed since the one before.

use super::*;

fn result() -> DrillResult {
    let seconds = |what: &str, value| Figure::new(what, Unit::Seconds, value);
    let act = |figures: Vec<Figure>| Act {
        figures,
        course: [(0.0, 600, 0), (10.5, 0, 600)]
            .into_iter()
            .map(|(minute, failing, renewed)| Point {
                minute,
                failing,
                renewed,
            })
            .collect(),
    };
    DrillResult {
        id: uuid::Uuid::nil().into(),
        scenario: "july-11".into(),
        title: "Sign-in Issue Identified | July 11, 2023".into(),
        seed: u64::MAX,
        sites: 600,
        speed: 60.0,
        own_fleet: false,
        server_killed_at_percent: Some(40),
        version: Version::new(0, 1, 0),
        began_at: "2026-01-01T10:00:00Z".parse().unwrap(),
        ended_at: "2026-01-01T10:02:00Z".parse().unwrap(),
        server_peak_memory_bytes: 100 << 20,
        happened: Happened {
            first_report: 6,
            engineering: 9,
            script_ready: 83,
            done: 147,
        },
        act1: Some(act(vec![
            seconds("release to first report", 400.0).real(360.0),
            seconds("campaign", 2_400.0).at_most(3_840.0),
        ])),
        act2: Some(act(vec![
            Figure::new("failed sign-ins", Unit::Count, 0.0).at_most(0.0),
        ])),
    }
}

fn failed(result: &mut DrillResult) -> &mut Figure {
    &mut result.act2.as_mut().unwrap().figures[0]
}

#[test]
fn what_must_hold_is_counted_and_what_broke_is_named() {
    let good = result();
    assert!(good.held());
    let tally = good.tally();
    assert_eq!((tally.held, tally.must_hold), (2, 2));
    let mut broken = result();
    failed(&mut broken).measured = Some(3.0);
    assert_eq!(broken.broken().collect::<Vec<_>>(), ["failed sign-ins"]);
    let mut half = result();
    half.act1 = None;
    assert_eq!(half.broken().collect::<Vec<_>>(), ["act 1"]);
    assert_eq!(half.tally().must_hold, 2);
    let empty = DrillResult {
        act1: None,
        act2: None,
        ..result()
    };
    assert!(!empty.held());
}

#[test]
fn a_drill_is_compared_with_the_one_before() {
    let (good, mut broken) = (result(), result());
    failed(&mut broken).measured = None;
    let lost = broken.since(&good);
    assert_eq!((lost.lost, lost.mended), (vec!["failed sign-ins"], vec![]));
    let mended = good.since(&broken);
    assert_eq!(
        (mended.lost, mended.mended),
        (vec![], vec!["failed sign-ins"])
    );
    assert_eq!(broken.since(&broken), Change::default());
}

#[test]
fn the_real_incident_is_called_by_its_day() {
    assert_eq!(result().real(), Some("July 11, 2023"));
    let plain = DrillResult {
        title: "An outage".into(),
        ..result()
    };
    assert_eq!(plain.real(), None);
}

#[test]
fn a_result_reads_back_as_it_was_written() {
    let text = serde_json::to_string(&result()).unwrap();
    assert_eq!(
        serde_json::from_str::<DrillResult>(&text).unwrap(),
        result()
    );
}

/// Changes a result's JSON at one place, and gives where it is refused.
fn refused(pointer: &str, value: serde_json::Value) -> String {
    let mut json = serde_json::to_value(result()).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    let changed: DrillResult = serde_json::from_value(json).unwrap();
    changed
        .check()
        .map_or_else(|bad| bad.at().to_owned(), |()| "nowhere".into())
}

#[test]
fn a_result_that_cannot_be_is_refused_where_it_is_wrong() {
    result().check().unwrap();
    let long = "x".repeat(LINE_CHARACTERS_MAX + 1);
    let figure = |what: &str| serde_json::to_value(Figure::new(what, Unit::Count, 1.0)).unwrap();
    let many: Vec<_> = (0..FIGURES_MAX).map(|n| figure(&n.to_string())).collect();
    let point = |minute: f64, failing: u32| serde_json::json!({"minute": minute, "failing": failing, "renewed": 1});
    let points: Vec<_> = (0..=POINTS_MAX).map(|_| point(1.0, 0)).collect();
    let version = format!("1.0.0-{long}");
    for (pointer, value, at) in [
        ("/scenario", "".into(), "scenario"),
        ("/scenario", "July".into(), "scenario"),
        ("/scenario", "a b".into(), "scenario"),
        ("/scenario", "-rf".into(), "scenario"),
        ("/scenario", "x".repeat(61).into(), "scenario"),
        ("/title", long.into(), "title"),
        ("/title", "\u{200b}".into(), "title"),
        ("/title", "a\nb".into(), "title"),
        ("/version", version.into(), "version"),
        ("/sites", 0.into(), "sites"),
        ("/sites", 200_001.into(), "sites"),
        ("/speed", 0.0.into(), "speed"),
        ("/speed", 1_001.into(), "speed"),
        (
            "/server_killed_at_percent",
            101.into(),
            "server_killed_at_percent",
        ),
        ("/ended_at", "2026-01-01T09:59:59Z".into(), "ended_at"),
        ("/happened/done", 100_001.into(), "happened.done"),
        ("/act1/figures/1/what", "".into(), "act1.figures[1].what"),
        (
            "/act1/figures/1/what",
            "failed sign-ins".into(),
            "act2.figures[0].what",
        ),
        ("/act1/figures/0/real", 1e16.into(), "act1.figures[0].real"),
        ("/act2/figures", many.into(), "act2.figures"),
        ("/act2/course", points.into(), "act2.course"),
        (
            "/act2/course",
            vec![point(2.0, 0), point(1.0, 0)].into(),
            "act2.course",
        ),
        ("/act2/course", vec![point(2e5, 0)].into(), "act2.course"),
        ("/act2/course", vec![point(2.0, 600)].into(), "act2.course"),
    ] {
        assert_eq!(refused(pointer, value), at, "{pointer}");
    }
}
