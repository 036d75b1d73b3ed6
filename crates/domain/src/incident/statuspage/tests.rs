//! A history as a page answers it, what can be wrong with one, and files that mean harm.

use proptest::prelude::*;

use super::*;
use crate::id::{IncidentId, UpdateId};
use crate::incident::Update;

const FILE: &str = include_str!("incidents.json");

fn now() -> Timestamp {
    "2023-07-11T20:30:00Z".parse().unwrap()
}

fn records(past: PastIncident) -> (crate::incident::Incident, Vec<Update>) {
    let id = IncidentId::from_bytes(&[1; 16]).unwrap();
    let next = || UpdateId::from_bytes(&[2; 16]).unwrap();
    past.records(id, ("Town Web Status", now()), next)
}

#[test]
fn a_history_is_read() {
    let history = read(FILE.as_bytes(), now()).unwrap();
    assert_eq!(history.page.as_deref(), Some("Town Web Status"));
    let left_out: Vec<_> = history.skipped.iter().map(|one| &*one.reason).collect();
    assert_eq!(
        left_out,
        [
            "it is still monitoring: import the file of a later day, when it is resolved",
            "it was planned work, not an incident",
        ]
    );
    assert_eq!(history.skipped[1].at, "incidents[2]");
    let [major, late] = history.incidents.try_into().unwrap();
    let web_central = ProductName::parse("web-central").unwrap();
    let scope = major.scope(|name| *name == web_central);
    assert_eq!(
        scope.products.into_iter().collect::<Vec<_>>(),
        [web_central]
    );
    assert_eq!(major.scope(|_| false), Scope::default());
    let (incident, updates) = records(major.past);
    assert_eq!(incident.impact, Impact::Major);
    // An update says that it began earlier than the page does.
    assert_eq!(incident.started_at.to_string(), "2023-03-01T14:10:00Z");
    let said: Vec<_> = updates.iter().map(|one| (one.state, &*one.body)).collect();
    assert_eq!(
        said,
        [
            (
                Stage::Investigating,
                "Some residents cannot sign in. We look into it."
            ),
            (Stage::Identified, "We know the cause, and roll it back."),
            (
                Stage::Monitoring,
                "The fix is out.  \nSign-in works again on *most* sites & we watch the rest."
            ),
            (Stage::Completed, NO_TEXT),
            (
                Stage::Completed,
                "**What happened:** a release asked for a scope that older sites did not have.\n\n\
                 Read [the whole report](https://townweb.example/reports/1)."
            ),
        ]
    );
    assert_eq!(updates[4].kind, UpdateKind::OfficialComment);
    let (late, _) = records(late.past);
    assert_eq!(late.started_at.to_string(), "2022-11-20T23:05:00Z");
    let crate::incident::State::Completed { at, .. } = late.state else {
        panic!("{:?}", late.state);
    };
    assert_eq!(at.to_string(), "2022-11-21T01:00:00Z");
}

/// The file with one value changed; what is wrong with it.
#[track_caller]
fn check(change: impl Fn(&mut Value), says: &str) {
    let mut file: Value = serde_json::from_str(FILE).unwrap();
    change(&mut file);
    let bad = read(file.to_string().as_bytes(), now()).unwrap_err();
    assert_eq!(bad.to_string(), says);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let updates = "incidents[1].incident_updates";
    check(
        |file| file["incidents"][1]["incident_updates"][1]["display_at"] = "soon".into(),
        &format!(
            "{updates}[1].display_at: \"soon\" is not a moment such as 2023-07-11T16:00:00.000-05:00"
        ),
    );
    check(
        |file| file["incidents"][1]["incident_updates"][0]["status"] = "done".into(),
        &format!(
            "{updates}[0].status: \"done\" is not one of investigating, identified, monitoring, resolved or postmortem"
        ),
    );
    check(
        |file| file["incidents"][1]["incident_updates"][2]["body"] = "x".repeat(20_001).into(),
        &format!("{updates}[2].body: The text has 20001 characters; 20000 are allowed."),
    );
    check(
        |file| {
            file["incidents"][1]["incident_updates"][0]["display_at"] =
                "2024-01-01T00:00:00Z".into();
        },
        &format!("{updates}[0].display_at: an update of the past cannot be of the future"),
    );
    check(
        |file| file["incidents"][1]["resolved_at"] = "2020-01-01T00:00:00Z".into(),
        "incidents[1].started_at: it cannot begin after it was over",
    );
    check(
        |file| file["incidents"][3]["impact"] = "bad".into(),
        "incidents[3].impact: \"bad\" is not one of none, minor, major or critical",
    );
    check(
        |file| file["incidents"][3]["name"] = " \u{200b}".into(),
        "incidents[3].name: it is empty",
    );
    check(
        |file| file["incidents"][3]["id"] = 7.into(),
        "incidents[3].id: a text is expected, and this is a number",
    );
    check(
        |file| file["incidents"][3]["id"] = "3wcfx9j1kbg3".into(),
        "incidents[3].id: it is that of incidents[1] too",
    );
    check(
        |file| *file = serde_json::json!({"scheduled_maintenances": []}),
        "incidents: a list is expected, and nothing is there",
    );
    check(
        |file| {
            let one = file["incidents"][3].clone();
            file["incidents"] = vec![one; INCIDENTS_MAX + 1].into();
        },
        "incidents: there are 2,001 incidents; 2,000 are allowed: split the file",
    );
    check(
        |file| {
            for at in [1, 3] {
                file["incidents"][at]["impact"] = Value::Null;
            }
        },
        "2 incidents cannot be read, the first: incidents[1].impact: give none, minor, major or critical",
    );
    let large = read(&vec![b' '; FILE_BYTES_MAX + 1], now()).unwrap_err();
    assert_eq!(
        large.to_string(),
        "file: it has 4,194,305 bytes; 4,194,304 are allowed"
    );
    let cut = read(&FILE.as_bytes()[..1_000], now()).unwrap_err();
    assert!(cut.to_string().starts_with("file: it is not JSON: EOF"));
    let marked = [b"\xef\xbb\xbf", FILE.as_bytes()].concat();
    assert!(read(&marked, now()).is_ok());
}

/// Any JSON, a part of it with the names that the reader looks for.
fn json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("resolved"),
        Just("investigating"),
        Just("postmortem"),
        Just("major"),
        Just("2023-03-01T08:14:10.411-06:00"),
        Just("<b>&lt;<a href=\"x"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let name = prop_oneof![
            Just("incidents"),
            Just("incident_updates"),
            Just("id"),
            Just("name"),
            Just("status"),
            Just("impact"),
            Just("body"),
            Just("display_at"),
            Just("created_at"),
            Just("resolved_at"),
            Just("components"),
            Just("page"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..12).prop_map(|fields| {
                let fields = fields.into_iter();
                Value::Object(
                    fields
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// The places of a value, as pointers.
fn places(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(place, one)| places(one, format!("{at}/{place}"), all));
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            fields.for_each(|(name, one)| places(one, format!("{at}/{name}"), all));
        }
        _ => {}
    }
    all.push(at);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(read(&bytes, now()).is_err());
    }

    #[test]
    fn any_json_is_read_or_refused(incidents in prop::collection::vec(json(), 0..4)) {
        let _ = read(serde_json::json!(incidents).to_string().as_bytes(), now());
        let _ = read(serde_json::json!({"incidents": incidents}).to_string().as_bytes(), now());
    }

    /// A good file with anything in one place: what is still taken can be kept.
    #[test]
    fn a_spoilt_file_is_read_or_refused(place in any::<prop::sample::Index>(), other in json()) {
        let mut file: Value = serde_json::from_str(FILE).unwrap();
        let mut all = vec![];
        places(&file, String::new(), &mut all);
        *file.pointer_mut(&all[place.index(all.len())]).unwrap() = other;
        if let Ok(history) = read(file.to_string().as_bytes(), now()) {
            for entry in history.incidents {
                let (incident, updates) = records(entry.past);
                prop_assert!(!incident.is_open() && !incident.title.is_empty());
                prop_assert!(updates.is_sorted_by_key(|update| update.at));
            }
        }
    }

    #[test]
    fn any_body_becomes_text(body in ".*(<|&|>|<b>|</b>|<a href='https://x'>|</a>|<br>){0,9}.*") {
        let text = html::to_markdown(&body);
        prop_assert!(!crate::text::has_controls(&text), "{text:?}");
    }
}
