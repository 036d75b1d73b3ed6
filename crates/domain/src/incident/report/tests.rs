//! A drafted report, word by word.

use super::*;
use crate::id::{AlarmId, CampaignId, IncidentId, ReportId};
use crate::incident::{Impact, Scope};
use crate::name::{Hostname, ProductName};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn july_11() -> (Incident, Vec<TimelineEntry>) {
    let alarm = AlarmId::from_bytes(&[2; 16]).unwrap();
    let campaign = CampaignId::from_bytes(&[3; 16]).unwrap();
    let report = ReportId::from_bytes(&[4; 16]).unwrap();
    let product = ProductName::parse("web-central").unwrap();
    let scope = Scope {
        products: [product.clone()].into(),
        ..Scope::default()
    };
    let id = IncidentId::from_bytes(&[1; 16]).unwrap();
    let incident = Incident::propose(
        id,
        alarm,
        "Sign-in Issue".into(),
        scope,
        at("2023-07-11T21:06:00Z"),
    );
    let mut number = 10;
    let mut entry = |time: &str, by: &str, fact| {
        number += 1;
        let id = EntryId::from_bytes(&[number; 16]).unwrap();
        TimelineEntry {
            id,
            at: at(&format!("2023-07-11T{time}Z")),
            by: by.into(),
            fact,
        }
    };
    let site = Hostname::parse("a.example").unwrap();
    let release = Fact::ReleaseActivated {
        product,
        version: semver::Version::new(5, 2, 0),
        sites: 13_732,
    };
    let alarmed = Fact::AlarmRaised {
        alarm,
        words: "5 sites reported <b>[x]".into(),
    };
    let started = Fact::CampaignStarted {
        campaign,
        action: "clear cache".into(),
        sites: 13_732,
    };
    let timeline = vec![
        entry("21:00:00", "lamplighter", release),
        entry("21:06:00", "a customer", Fact::FirstReport { report, site }),
        entry("21:08:05", "detection", alarmed),
        entry("21:10:00", "Kim", Fact::Accepted),
        entry(
            "21:10:01",
            "lamplighter",
            Fact::SitesCounted {
                total: 13_732,
                failing: 13_000,
                restored: 0,
            },
        ),
        entry("21:12:00", "Kim", started),
        entry(
            "22:00:00",
            "lamplighter",
            Fact::CampaignFinished {
                campaign,
                done: 13_732,
                failed: 0,
            },
        ),
    ];
    (
        Incident {
            impact: Impact::Critical,
            ..incident
        },
        timeline,
    )
}

#[test]
fn the_report_of_july_11_is_written_from_its_records() {
    let (incident, timeline) = july_11();
    let zone = Zone::parse("America/Los_Angeles").unwrap();
    let text = ReportDraft::from_records(&incident, (&timeline, &[]), zone).markdown();
    for says in [
        "# Incident Report: Sign-in Issue\n",
        "Sign-in was affected on web-central sites: 13,732 sites.[^1]",
        "It was restored everywhere 1 h after it began, at July 11, 2023 at 3:00pm PDT.[^2][^3]",
        "At July 11, 2023 at 2:06pm PDT, the first customer reported an error at sign-in.",
        "5 sites reported \\<b\\>\\[x\\], 2 min 5 s after the first report.",
        "Kim accepted the incident.",
        "(clear cache) over 13,732 sites",
        "> **To be written by a person:** what failed",
        "[^1]: Record 0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f, July 11, 2023 at 2:10pm PDT:",
    ] {
        assert!(text.contains(says), "{says:?} is not in:\n{text}");
    }
}

/// Every figure names a record, and that record is among the sources.
#[test]
fn every_figure_carries_its_record() {
    let (incident, timeline) = july_11();
    let draft = ReportDraft::from_records(&incident, (&timeline, &[]), Zone::utc());
    let pieces = draft
        .sections
        .iter()
        .flat_map(|section| &section.lines)
        .filter_map(|line| match line {
            Line::Recorded(pieces) => Some(pieces),
            Line::ToWrite(_) => None,
        });
    let mut figures = 0;
    for record in pieces.flatten().flat_map(Piece::records) {
        figures += 1;
        assert!(draft.sources.iter().any(|entry| entry.id == *record));
    }
    assert!(figures > 10);
}

#[test]
fn an_empty_timeline_says_that_nothing_was_recorded() {
    let (incident, _) = july_11();
    let text = ReportDraft::from_records(&incident, (&[], &[]), Zone::utc()).markdown();
    assert!(text.contains("## Response\n\nNothing was recorded."));
}

#[test]
fn follow_ups_name_their_owner_and_day() {
    let (incident, timeline) = july_11();
    let follow_up = FollowUp {
        id: crate::id::FollowUpId::from_bytes(&[9; 16]).unwrap(),
        incident: incident.id,
        version: 1,
        text: "Let releases wait for their config [all of it].".into(),
        owner: "Ada".into(),
        due: "2023-08-01".parse().unwrap(),
        end: None,
    };
    let planned = [follow_up];
    let text = ReportDraft::from_records(&incident, (&timeline, &planned), Zone::utc()).markdown();
    let line = "- Let releases wait for their config \\[all of it\\]. Ada, by August 1, 2023.";
    assert!(text.contains(line), "{text}");
}
