//! Stories of reports, alarms and sign-in outcomes.

use domain::access::Role;
use domain::detection::{Alarm, Evidence, Localisation, Node, Stream};
use domain::id::{HolderId, SiteId};
use domain::report::{Channel, Contact, Report, ReportText};
use domain::site::Site;
use jiff::{SignedDuration, Timestamp};
use store::{Holder, OutcomeBatch, SiteMinute, Store, StoredReport};

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
        assert_eq!(store.add_report(&one, None).await.unwrap(), one);
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
    let rows = crate::fleet::fleet(&store, 2).await;
    store.import_fleet(&rows, &crate::audit()).await.unwrap();
    let (site, other) = (&rows.sites[0], &rows.sites[1]);
    let (one, again) = (
        report(site.id, at("2023-07-11T21:06:00Z")),
        report(site.id, at("2023-07-11T21:07:00Z")),
    );
    let elsewhere = report(other.id, again.report.at);
    for (sent, key, stored) in [
        (&one, "key 1", &one),
        (&again, "key 1", &one),
        (&again, "key 2", &again),
        // A key belongs to its site.
        (&elsewhere, "key 1", &elsewhere),
    ] {
        let found = store.add_report(sent, Some(key)).await.unwrap();
        assert_eq!(&found, stored, "{key}");
    }
    let all = store
        .reports_after(at("2023-07-11T00:00:00Z"), None, 9)
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
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

fn minute(site: &Site, attempts: u32, failures: &[(&str, u32)]) -> SiteMinute {
    SiteMinute {
        site: site.id,
        product: site.product.clone(),
        zone: site.zone.clone(),
        attempts,
        failures: failures
            .iter()
            .map(|(code, count)| ((*code).to_owned(), *count))
            .collect(),
    }
}

pub(crate) async fn outcomes_add_up_and_are_forgotten(store: Store) {
    let site = crate::fleet::one_site(&store).await;
    let minute = |attempts, failures| minute(&site, attempts, failures);
    let start = at("2023-07-11T21:06:10Z");
    store
        .add_outcomes(&[minute(5, &[("invalid_grant", 2)])], start, None)
        .await
        .unwrap();
    store
        .add_outcomes(
            &[minute(3, &[("invalid_grant", 1), ("other", 1)])],
            start,
            None,
        )
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

pub(crate) async fn a_batch_of_outcomes_sent_again_counts_once(store: Store) {
    let site = crate::fleet::one_site(&store).await;
    let start = at("2023-07-11T21:06:10Z");
    let (one, other) = (sender(&store, 1).await, sender(&store, 2).await);
    let (first, second) = (id(), id());
    let add = async |sender, series, number| {
        let batch = OutcomeBatch {
            sender,
            series,
            number,
        };
        let rows = [minute(&site, 1, &[("invalid_grant", 1)])];
        store
            .add_outcomes(&rows, start, Some(&batch))
            .await
            .unwrap()
    };
    for (sender, series, number, counts) in [
        (one, first, 1, true),
        (one, first, 1, false),
        (one, first, 2, true),
        // The first again, late, on a second connection.
        (one, first, 1, false),
        (one, first, 2, false),
        // A gap is a batch that was refused for what it said.
        (one, first, 5, true),
        (one, first, 4, false),
        // A sender that started again, and another sender.
        (one, second, 1, true),
        (other, first, 1, true),
    ] {
        let added = add(sender, series, number).await;
        assert_eq!(added, counts, "{sender} {series} {number}");
    }
    let minute = at("2023-07-11T21:06:00Z");
    assert_eq!(store.site_outcomes(site.id, minute).await.unwrap(), (5, 5));
    let hours = store.outcome_hours(at("2023-07-11T21:00:00Z")).await;
    assert_eq!(hours.unwrap()[0].attempts, 5);
    // Whoever sends it again at the same moment: one wins.
    let (a, b) = tokio::join!(add(one, second, 2), add(one, second, 2));
    assert!(a != b);
    let later = at("2023-07-12T04:00:00Z");
    store.forget_outcomes(later, later).await.unwrap();
    assert!(add(one, first, 1).await, "it was forgotten with its minute");
}

async fn sender(store: &Store, number: u8) -> HolderId {
    let holder = Holder {
        id: id(),
        name: format!("agent {number}"),
        role: Role::Agent,
    };
    let (token, audit) = ([number; 32], super::audit());
    assert!(store.add_holder(&holder, &token, &audit).await.unwrap());
    holder.id
}
