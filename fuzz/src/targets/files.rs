//! Files that people import: a fleet, holidays, the history of another status page.

use std::collections::HashSet;

use domain::calendar::{BusinessCalendar, HOLIDAYS_MAX};
use domain::id::{IncidentId, UpdateId};
use domain::incident::{Stage, State, TEXT_CHARACTERS_MAX, statuspage as history};
use domain::site::Zone;
use domain::site::import::{self, About, BAD_LINES_MAX, Defaults};

use crate::parts::texts;
use crate::product::holidays_of;
use crate::world::now;

/// Every line is right or nothing is taken; no host name comes twice, and what adds sites also updates them.
pub(crate) fn fleet(data: &[u8]) {
    let defaults = Defaults {
        product: "web-central".parse().expect("a name"),
        running: semver::Version::new(5, 1, 0),
    };
    match import::read(data, &defaults) {
        Ok(sites) => {
            assert!(!sites.is_empty() && sites.len() <= import::LINES_MAX);
            let names: HashSet<_> = sites.iter().map(|site| &site.hostname).collect();
            assert_eq!(names.len(), sites.len());
            for site in &sites {
                assert!(!domain::text::is_blank(&site.organization));
                assert!(
                    site.area
                        .point
                        .is_none_or(domain::place::Point::is_on_globe)
                );
            }
            let lines =
                import::read_lines(data, About::AnySites).expect("it says more than enough");
            let again = lines.into_iter().map(|line| line.new_site(&defaults));
            assert_eq!(again.collect::<Result<Vec<_>, _>>().ok(), Some(sites));
        }
        Err(bad) => {
            assert!(bad.lines.len() <= BAD_LINES_MAX && bad.count >= bad.lines.len());
            assert!(bad.count > 0 && !bad.to_string().is_empty());
            assert!(
                bad.lines.iter().all(|line| line.reason.len() < 2_000),
                "{bad:?}"
            );
        }
    }
    let _ = import::read_lines(data, About::AnySites);
}

pub(crate) fn fleet_seeds() -> Vec<Vec<u8>> {
    let head = "hostname,organization,kind,city,state,timezone,population";
    let line =
        "29palms.gov,City of Twentynine Palms,City,Twentynine Palms,CA,America/Los_Angeles,28065";
    texts(&[
        &format!("{head}\n{line}\n"),
        &format!(
            "{head},product,release,county,latitude,longitude\r\n{line},web,5.1.0-rc.1,Kern,34.1,-116.05\r\na.gov,\"A, \"\"B\"\"\",,,,UTC,,,,,,\r\n"
        ),
        "hostname,county\na.gov,Kern\nb.gov,\n",
        "hostname,latitude,longitude\na.gov,nan,1e9\n192.168.0.1,1,1\n",
    ])
}

/// Names of days fit a calendar, and a file cut at its line ends says the same.
pub(crate) fn holidays(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(days) = holidays_of(text) else { return };
    assert!(days.len() <= 5_000 * 31);
    let mut kept = BusinessCalendar::in_zone(Zone::utc());
    kept.holidays = days.into_iter().take(HOLIDAYS_MAX).collect();
    kept.check("a").map(drop).expect("what is read can be kept");
}

pub(crate) fn holiday_seeds() -> Vec<Vec<u8>> {
    let file = |event: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n{event}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let all = [
        "DTSTART;VALUE=DATE:20260703\r\nDTEND;VALUE=DATE:20260704\r\nSUMMARY:Independence Day\\, obser\r\n ved",
        "DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226\r\nSUMMARY;LANGUAGE=\"en:us\":Christmas",
        "DTSTART:20260101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:New\\nYear",
        "DTSTART;VALUE=DATE:99991231\r\nSUMMARY:\u{200b}",
    ];
    all.map(|event| file(event).into_bytes()).into()
}

/// What is taken is over and fit to be read; what is not is named.
pub(crate) fn statuspage(data: &[u8]) {
    match history::read(data, now()) {
        Ok(history) => history.incidents.into_iter().for_each(check_past),
        Err(bad) => {
            assert!(bad.problems.len() <= history::PROBLEMS_MAX && bad.count > 0);
            assert!(!bad.to_string().is_empty());
        }
    }
}

fn check_past(entry: history::Entry) {
    let _ = entry.scope(|_| true);
    let id = IncidentId::from_bytes(&[1; 16]).expect("an identifier");
    let next = || UpdateId::from_bytes(&[2; 16]).expect("an identifier");
    let (incident, updates) = entry.past.records(id, ("A page", now()), next);
    assert!(matches!(incident.state, State::Completed { at, .. } if at <= now()));
    assert!(!updates.is_empty() && incident.started_at <= now());
    for update in &updates {
        assert!(update.body.chars().count() <= TEXT_CHARACTERS_MAX);
        assert!(
            !domain::text::has_controls(&update.body),
            "{:?}",
            update.body
        );
        assert_ne!(update.state, Stage::Proposed);
    }
}

pub(crate) fn statuspage_seeds() -> Vec<Vec<u8>> {
    let file = include_str!("../../../crates/domain/src/incident/statuspage/incidents.json");
    let bare: serde_json::Value = serde_json::from_str(file).expect("JSON");
    let with = |body: &str| {
        format!(
            r#"{{"incidents":[{{"id":"a","name":"t","status":"resolved","impact":"none","created_at":"2023-01-01T00:00:00Z","incident_updates":[{{"status":"resolved","created_at":"2023-01-01T00:00:00Z","body":"{body}"}}]}}]}}"#
        )
    };
    let mut seeds = texts(&[
        &with("<p>One &amp; <b>two <i>x</i></b><br/>&#x2014;</p><ul><li>a</ul>"),
        &with("<a href='https://a.example/?a=1&amp;b=(2)'>x</a><script>y</script><!-- z -->"),
    ]);
    seeds.push(bare.to_string().into_bytes());
    seeds
}
