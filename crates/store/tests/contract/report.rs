//! Stories of reports, alarms and sign-in outcomes.

use domain::detection::{Alarm, Evidence, Localisation, Node, Stream};
use domain::id::SiteId;
use domain::report::{Channel, Contact, Report, ReportText};
use jiff::{SignedDuration, Timestamp};
use store::{SiteMinute, Store, StoredReport};

use crate::{at, id};

fn report(site: SiteId, at: Timestamp) -> StoredReport {
    let report = Report {
        id: id(),
        site,
        text: ReportText::parse("Sign-in fails").unwrap(),
        contact: Contact::parse("clerk@city.gov").unwrap(),
        channel: Channel::Web,
        at,
    };
    StoredReport {
        report,
        running: "5.2.0".parse().unwrap(),
    }
}

pub(crate) async fn reports_read_back_in_order(store: Store) {
    let site = crate::fleet::one_site(&store).await;
    let start = at("2023-07-11T21:06:00Z");
    let mut added = vec![];
    for minute in [0, 1, 1, 2] {
        let one = report(site.id, start + SignedDuration::from_mins(minute));
        assert_eq!(store.add_report(&one, None).await.unwrap(), one.report.id);
        added.push(one);
    }
    added.sort_by_key(|one| (one.report.at, one.report.id));
    let first = store
        .reports_after(at("2023-07-11T00:00:00Z"), None, 2)
        .await
        .unwrap();
    assert_eq!(first, added[..2]);
    let last = &first[1].report;
    let rest = store
        .reports_after(last.at, Some(last.id), 9)
        .await
        .unwrap();
    assert_eq!(rest, added[2..]);
    let end = (at("2023-07-12T00:00:00Z"), None);
    let newest = store.reports_before(end, Some(site.id), 1).await.unwrap();
    assert_eq!(newest, added[3..]);
    assert!(
        store
            .reports_before(end, Some(id()), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.report(last.id).await.unwrap().as_ref(),
        Some(&first[1])
    );
}

pub(crate) async fn a_report_sent_twice_is_one(store: Store) {
    let site = crate::fleet::one_site(&store).await;
    let (one, again) = (
        report(site.id, at("2023-07-11T21:06:00Z")),
        report(site.id, at("2023-07-11T21:07:00Z")),
    );
    assert_eq!(
        store.add_report(&one, Some("key 1")).await.unwrap(),
        one.report.id
    );
    assert_eq!(
        store.add_report(&again, Some("key 1")).await.unwrap(),
        one.report.id
    );
    assert_eq!(
        store.add_report(&again, Some("key 2")).await.unwrap(),
        again.report.id
    );
    let all = store
        .reports_after(at("2023-07-11T00:00:00Z"), None, 9)
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    assert!(
        store
            .add_report(&report(id(), one.report.at), None)
            .await
            .is_err(),
        "no such site"
    );
}

pub(crate) async fn an_alarm_reads_back(store: Store) {
    let raised = at("2023-07-11T21:08:00Z");
    let alarm = Alarm {
        id: id(),
        at: raised,
        node: Node::Fleet,
        stream: Stream::Reports,
        evidence: Evidence {
            count: 7,
            sites: 7,
            expected: 0.25,
            since: at("2023-07-11T21:06:00Z"),
        },
        localisation: Localisation::default(),
        promise_seconds: 2_592_000.0,
    };
    store.add_alarm(&alarm).await.unwrap();
    store.add_alarm(&alarm).await.unwrap();
    assert_eq!(store.alarm(alarm.id).await.unwrap().as_ref(), Some(&alarm));
    assert_eq!(store.alarms_since(raised, 9).await.unwrap(), [alarm]);
    let later = raised + SignedDuration::from_secs(1);
    assert!(store.alarms_since(later, 9).await.unwrap().is_empty());
}

pub(crate) async fn outcomes_add_up_and_are_forgotten(store: Store) {
    let site = crate::fleet::one_site(&store).await;
    let minute = |attempts, failures: &[(&str, u32)]| SiteMinute {
        site: site.id,
        product: site.product.clone(),
        zone: site.zone.clone(),
        attempts,
        failures: failures
            .iter()
            .map(|(code, count)| ((*code).to_owned(), *count))
            .collect(),
    };
    let start = at("2023-07-11T21:06:10Z");
    store
        .add_outcomes(&[minute(5, &[("invalid_grant", 2)])], start)
        .await
        .unwrap();
    store
        .add_outcomes(&[minute(3, &[("invalid_grant", 1), ("other", 1)])], start)
        .await
        .unwrap();
    assert_eq!(
        store
            .site_outcomes(site.id, at("2023-07-11T21:06:00Z"))
            .await
            .unwrap(),
        (8, 4)
    );
    let hours = store
        .outcome_hours(at("2023-07-11T21:00:00Z"))
        .await
        .unwrap();
    assert_eq!(
        (hours.len(), hours[0].attempts, hours[0].failures),
        (1, 8, 4)
    );
    let later = at("2023-07-11T22:00:00Z");
    store
        .forget_outcomes(later, at("2023-07-11T21:00:00Z"))
        .await
        .unwrap();
    assert_eq!(store.site_outcomes(site.id, start).await.unwrap(), (0, 0));
    assert_eq!(
        store
            .outcome_hours(start - SignedDuration::from_hours(1))
            .await
            .unwrap()
            .len(),
        1
    );
}
