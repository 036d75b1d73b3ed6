//! A drafted report, word by word.

use domain::id::{AlarmId, CampaignId, IncidentId, ReportId};
use domain::incident::{Impact, Incident, Scope};
use domain::name::{Hostname, ProductName};
use domain::site::Zone;

use super::*;
use crate::words;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn english(draft: &ReportDraft) -> String {
    words(Language::English).report(draft)
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
    let text = english(&ReportDraft::from_records(
        &incident,
        (&timeline, &[]),
        zone,
    ));
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
    let mut figures = 0;
    for line in draft.sections.iter().flat_map(|section| &section.lines) {
        let Line::Recorded(statement) = line else {
            continue;
        };
        let records = statement.records();
        assert!(!records.is_empty(), "{statement:?}");
        for record in records {
            figures += 1;
            assert!(draft.sources.iter().any(|entry| entry.id == record));
        }
    }
    assert!(figures > 8);
}

#[test]
fn an_empty_timeline_says_that_nothing_was_recorded() {
    let (incident, _) = july_11();
    let text = english(&ReportDraft::from_records(
        &incident,
        (&[], &[]),
        Zone::utc(),
    ));
    assert!(text.contains("## Response\n\nNothing was recorded."));
}

#[test]
fn follow_ups_name_their_owner_and_day() {
    let (incident, timeline) = july_11();
    let follow_up = FollowUp {
        id: domain::id::FollowUpId::from_bytes(&[9; 16]).unwrap(),
        incident: incident.id,
        version: 1,
        text: "Let releases wait for their config [all of it].".into(),
        owner: "Ada".into(),
        due: "2023-08-01".parse().unwrap(),
        end: None,
    };
    let planned = [follow_up];
    let text = english(&ReportDraft::from_records(
        &incident,
        (&timeline, &planned),
        Zone::utc(),
    ));
    let line = "- Let releases wait for their config \\[all of it\\]. Ada, by August 1, 2023.";
    assert!(text.contains(line), "{text}");
}

/// A record of each kind, in order.
fn all_facts() -> Vec<TimelineEntry> {
    let campaign = CampaignId::from_bytes(&[3; 16]).unwrap();
    let page = domain::id::PageId::from_bytes(&[4; 16]).unwrap();
    let update = domain::id::UpdateId::from_bytes(&[5; 16]).unwrap();
    let stage = domain::incident::Stage::Monitoring;
    let (from, until) = (at("2023-07-11T21:00:00Z"), at("2023-07-11T22:30:00Z"));
    let facts = [
        ("a customer", july_11().1[1].fact.clone()),
        ("lamplighter", july_11().1[0].fact.clone()),
        ("detection", july_11().1[2].fact.clone()),
        ("Kim", Fact::PageAcknowledged { page }),
        ("Kim", Fact::Opened),
        ("Kim", Fact::Accepted),
        ("Kim", Fact::Planned),
        ("Kim", Fact::Moved { from, until }),
        (
            "Kim",
            Fact::Updated {
                update,
                stage,
                template: None,
            },
        ),
        (
            "Kim",
            Fact::Updated {
                update,
                stage,
                template: Some("Fix Implemented".into()),
            },
        ),
        (
            "Kim",
            Fact::Updated {
                update,
                stage,
                template: Some("Ours [1]".into()),
            },
        ),
        (
            "campaigns",
            Fact::CampaignStarted {
                campaign,
                action: "clear cache".into(),
                sites: 3_405,
            },
        ),
        (
            "campaigns",
            Fact::CampaignPaused {
                campaign,
                reason: "Kim_".into(),
            },
        ),
        ("campaigns", Fact::CampaignResumed { campaign }),
        (
            "campaigns",
            Fact::CampaignFinished {
                campaign,
                done: 3_404,
                failed: 1,
            },
        ),
        (
            "lamplighter",
            Fact::SitesCounted {
                total: 3_405,
                failing: 7,
                restored: 3_398,
            },
        ),
        (
            "lamplighter",
            Fact::SignInsCounted {
                attempts: 1_358,
                failures: 1_001,
                from,
                until,
            },
        ),
        ("the watch", Fact::WatchEnded { failing: 2 }),
        ("the watch", Fact::Completed),
        (
            "Kim",
            Fact::Noted {
                words: "Seen *again*.".into(),
            },
        ),
        ("Kim", Fact::AddedAfterwards { source: None }),
    ];
    let entry = |(minute, (by, fact)): (i64, (&str, Fact))| TimelineEntry {
        id: EntryId::from_bytes(&[u8::try_from(minute).unwrap() + 1; 16]).unwrap(),
        at: from + jiff::SignedDuration::from_mins(minute),
        by: by.into(),
        fact,
    };
    (0..).zip(facts).map(entry).collect()
}

/// Whole reports, so that a changed word is seen.
#[test]
fn a_report_says_every_fact_in_the_language_of_the_team() {
    let (incident, _) = july_11();
    let zone = Zone::parse("America/Los_Angeles").unwrap();
    let facts = all_facts();
    let draft = ReportDraft::from_records(&incident, (&facts, &[]), zone);
    for (language, expected) in [
        (Language::English, include_str!("tests/en.md")),
        (Language::Spanish, include_str!("tests/es.md")),
    ] {
        let says = words(language).report(&draft);
        assert_eq!(says, expected, "{says}");
    }
}

/// One of each: Spanish counts as it speaks.
#[test]
fn one_site_is_no_plural_in_spanish() {
    let campaign = CampaignId::from_bytes(&[3; 16]).unwrap();
    let (from, until) = (at("2023-07-11T21:00:00Z"), at("2023-07-11T22:30:00Z"));
    let facts = [
        Fact::SitesCounted {
            total: 1,
            failing: 1,
            restored: 0,
        },
        Fact::SignInsCounted {
            attempts: 9,
            failures: 1,
            from,
            until,
        },
        Fact::CampaignStarted {
            campaign,
            action: "refresh".into(),
            sites: 1,
        },
        Fact::CampaignFinished {
            campaign,
            done: 1,
            failed: 0,
        },
        Fact::WatchEnded { failing: 1 },
    ];
    let entry = |(number, fact)| TimelineEntry {
        id: EntryId::from_bytes(&[number; 16]).unwrap(),
        at: from,
        by: "Kim".into(),
        fact,
    };
    let timeline: Vec<_> = (1..).zip(facts).map(entry).collect();
    let (incident, _) = july_11();
    let draft = ReportDraft::from_records(&incident, (&timeline, &[]), Zone::utc());
    let text = words(Language::Spanish).report(&draft);
    for says in [
        "sitios de web-central: 1 sitio.[^1]",
        " UTC falló 1 de 9 inicios de sesión.[^2]",
        "una campaña (recargar) en 1 sitio, al ritmo",
        "dio resultado en 1 sitio, y todavía no en 0.",
        "terminó el período de observación; 1 sitio con fallas.",
    ] {
        assert!(text.contains(says), "{says:?} is not in:\n{text}");
    }
}

#[test]
fn what_was_drafted_in_another_language_is_known() {
    let (english, spanish) = (words(Language::English), words(Language::Spanish));
    for (reader, text, is_whole, says) in [
        (spanish, "Impact", true, Some(("Alcance", ""))),
        (english, "Alcance", true, Some(("Impact", ""))),
        (english, "Alcance", false, None),
        (english, "Impact", true, None),
        (spanish, "Alcance", true, None),
        (
            spanish,
            "Times are those of UTC.",
            true,
            Some(("Las horas son las de", "UTC.")),
        ),
        (
            english,
            "Informe del incidente: Acceso",
            false,
            Some(("Incident Report:", "Acceso")),
        ),
        (english, "Informe del incidente", true, None),
    ] {
        let found = reader.drafted(text, is_whole);
        let says = says.map(|(words, rest)| (words, rest.to_owned()));
        assert_eq!(found, says, "{text}");
    }
}
