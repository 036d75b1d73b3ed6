//! In English the words are those of the domain.

use domain::detection::{Alarm, Evidence, Explanation, Localisation, Node, Stream, Term};
use domain::id::{AlarmId, CampaignId, EntryId, PageId, ReportId, UpdateId};
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{Scope, Stage};
use domain::name::{Hostname, ProductName};
use domain::site::Zone;
use jiff::Timestamp;
use semver::Version;

use domain::language::Language;

use crate::{Words, words};

fn english() -> Words {
    words(Language::English)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn product() -> ProductName {
    ProductName::parse("web-central").unwrap()
}

fn zone() -> Zone {
    Zone::parse("America/Denver").unwrap()
}

fn alarms() -> Vec<Alarm> {
    let explanation = |zones: &[Zone]| Explanation {
        products: Some([product()].into()),
        zones: Some(zones.iter().cloned().collect()).filter(|_| !zones.is_empty()),
        releases: Some([Version::new(5, 1, 0), Version::new(5, 2, 0)].into()),
        codes: Some(["invalid_request".to_owned()].into()),
        ..Explanation::default()
    };
    let term = Node::Term { term: Term::SignIn };
    let nodes = [
        (Node::Fleet, vec![Explanation::default()]),
        (Node::Product { product: product() }, vec![]),
        (Node::Zone { zone: zone() }, vec![explanation(&[])]),
        (
            Node::ProductZone {
                product: product(),
                zone: zone(),
            },
            vec![explanation(&[zone()]), Explanation::default()],
        ),
        (term, vec![]),
    ];
    let mut all = vec![];
    for stream in [Stream::Reports, Stream::Failures, Stream::Silence] {
        for (count, expected, since) in [
            (1, 0.0, "2023-07-11T21:06:00Z"),
            (14, 0.26, "2023-07-11T21:03:30.5Z"),
            (1_234, 3.0, "2023-07-11T21:03:30.5Z"),
        ] {
            for (node, explanations) in &nodes {
                all.push(Alarm {
                    id: AlarmId::from_bytes(&[1; 16]).unwrap(),
                    at: at("2023-07-11T21:06:00Z"),
                    node: node.clone(),
                    stream,
                    evidence: Evidence {
                        count,
                        sites: count,
                        expected,
                        since: at(since),
                    },
                    localisation: Localisation {
                        explanations: explanations.clone(),
                    },
                    promise_seconds: 1.0,
                });
            }
        }
    }
    all
}

fn facts() -> Vec<Fact> {
    let page = PageId::from_bytes(&[1; 16]).unwrap();
    let alarm = AlarmId::from_bytes(&[2; 16]).unwrap();
    let update = UpdateId::from_bytes(&[1; 16]).unwrap();
    let campaign = CampaignId::from_bytes(&[1; 16]).unwrap();
    let (from, until) = (at("2023-07-11T21:06:00Z"), at("2023-07-11T21:09:00Z"));
    let mut facts = vec![
        Fact::ReleaseActivated {
            product: product(),
            version: Version::new(5, 2, 0),
            sites: 3_405,
        },
        Fact::FirstReport {
            report: ReportId::from_bytes(&[1; 16]).unwrap(),
            site: Hostname::parse("mesa.az.example").unwrap(),
        },
        Fact::AlarmRaised {
            alarm,
            words: "14 sites reported".into(),
        },
        Fact::Proposed { alarm },
        Fact::Paged { page },
        Fact::PageAcknowledged { page },
        Fact::Opened,
        Fact::AddedAfterwards { source: None },
        Fact::AddedAfterwards {
            source: Some("statuspage 3w".into()),
        },
        Fact::Planned,
        Fact::Moved { from, until },
        Fact::Reminded,
        Fact::Accepted,
        Fact::Dismissed {
            reason: "a test".into(),
        },
        Fact::Corrected {
            update,
            reason: "a typo".into(),
        },
        Fact::OfficialComment { update },
        Fact::CampaignProgress {
            campaign,
            done: 1_200,
            failed: 3,
            sites: 3_405,
        },
        Fact::CampaignPaused {
            campaign,
            reason: "too many failed".into(),
        },
        Fact::CampaignResumed { campaign },
        Fact::CampaignFinished {
            campaign,
            done: 3_400,
            failed: 5,
        },
        Fact::SitesCounted {
            total: 3_405,
            failing: 480,
            restored: 12,
        },
        Fact::SignInsCounted {
            attempts: 13_732,
            failures: 9,
            from,
            until,
        },
        Fact::WatchEnded { failing: 2 },
        Fact::Completed,
        Fact::Noted {
            words: "Seen.".into(),
        },
    ];
    for name in ["clear cache", "refresh", "activate release 5.2.0"] {
        facts.push(Fact::CampaignStarted {
            campaign,
            action: name.into(),
            sites: 3_405,
        });
    }
    for stage in [Stage::Investigating, Stage::InProgress] {
        for template in [None, Some("Fix".to_owned())] {
            facts.push(Fact::Updated {
                update,
                stage,
                template,
            });
        }
    }
    facts.extend(scopes().into_iter().map(|scope| Fact::Widened { scope }));
    facts
}

fn scopes() -> Vec<Scope> {
    let some = Scope {
        products: [product()].into(),
        zones: [zone(), Zone::parse("America/Boise").unwrap()].into(),
        ..Scope::default()
    };
    let running = Scope {
        releases: [Version::new(5, 2, 0)].into(),
        ..some.clone()
    };
    vec![Scope::default(), some, running]
}

#[test]
fn in_english_the_domain_says_the_same() {
    for alarm in alarms() {
        let words = alarm.sentence().trim_end_matches('.').to_owned();
        assert_eq!(english().alarm_sentence(&alarm), alarm.sentence());
        let told = Fact::AlarmRaised {
            alarm: alarm.id,
            words,
        };
        let told = entry(told);
        assert_eq!(english().happened(&told, &[alarm]), told.line());
    }
    for one in scopes() {
        assert_eq!(english().scope(&one), one.to_string());
    }
    for fact in facts() {
        let entry = entry(fact);
        assert_eq!(english().happened(&entry, &[]), entry.line());
    }
}

fn entry(fact: Fact) -> TimelineEntry {
    TimelineEntry {
        id: EntryId::from_bytes(&[1; 16]).unwrap(),
        at: at("2023-07-11T21:06:00Z"),
        by: "Ada".into(),
        fact,
    }
}
