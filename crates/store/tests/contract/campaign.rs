//! Campaigns: claims, fences, transitions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::campaign::pace::Pace;
use domain::campaign::plan::{Candidate, Plan};
use domain::campaign::row::Row;
use domain::campaign::selection::Selection;
use domain::campaign::{Action, Campaign, Order, State};
use domain::id::{CampaignId, SiteId};
use domain::name::ProductName;
use store::{Answer, Claim, NewCampaign, Store, StoreError};

use crate::{at, audit, fleet::fleet, id};

const NOON: &str = "2023-07-11T12:00:00Z";

/// A running campaign over `sites` sites: one canary, then the others in one wave.
async fn running(store: &Store, sites: usize) -> Campaign {
    let rows = fleet(store, sites).await;
    store.import_fleet(&rows, &audit()).await.unwrap();
    let candidates: Vec<_> = rows
        .sites
        .iter()
        .map(|site| Candidate {
            site,
            reported: false,
        })
        .collect();
    let plan = Plan::new(&candidates, at(NOON));
    let order = Order {
        action: Action::ClearCache,
        selection: Selection::all(ProductName::parse("web-central").unwrap()),
        incident: None,
        pace: Pace::Adaptive,
    };
    let new = NewCampaign {
        id: id::<CampaignId>(),
        order: &order,
        plan: &plan,
        at: at(NOON),
    };
    store.create_campaign(&new, &audit()).await.unwrap();
    let running = State::Running;
    store
        .move_campaign(new.id, &State::Planned, &running, None, &audit())
        .await
        .unwrap();
    store.campaign(new.id).await.unwrap().unwrap()
}

async fn second_wave(store: &Store, sites: usize) -> CampaignId {
    let id = running(store, sites).await.id;
    store.advance_campaign(id, 0).await.unwrap();
    id
}

fn names(claim: &Claim) -> Vec<SiteId> {
    claim.sites.iter().map(|(site, _)| *site).collect()
}

pub(crate) async fn a_campaign_reads_back(store: Store) {
    let campaign = running(&store, 3).await;
    assert_eq!(campaign.state, State::Running);
    assert_eq!(campaign.waves, ["canaries", "America/Los_Angeles"]);
    assert_eq!((campaign.generation, campaign.wave), (1, 0));
    assert!(campaign.started_at.is_some());
    assert_eq!(store.running_campaigns().await.unwrap(), [campaign]);
}

pub(crate) async fn a_claim_is_exclusive(store: Store) {
    let id = second_wave(&store, 90).await;
    let claims = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim(id, 7, at(NOON)).await.unwrap() })
    });
    let mut sites = vec![];
    let mut fences = vec![];
    for claim in claims.collect::<Vec<_>>() {
        let claim = claim.await.unwrap();
        fences.push(claim.fence);
        sites.extend(names(&claim));
    }
    fences.sort_unstable();
    fences.dedup();
    assert_eq!(fences.len(), 16, "every claim has its own fence");
    assert_eq!(sites.len(), 89, "every site of the wave was claimed");
    sites.sort_unstable();
    sites.dedup();
    assert_eq!(sites.len(), 89, "no site was claimed twice");
}

pub(crate) async fn a_claim_stays_within_its_wave(store: Store) {
    let id = running(&store, 30).await.id;
    assert_eq!(store.claim(id, 100, at(NOON)).await.unwrap().sites.len(), 1);
    assert_eq!(store.claim(id, 100, at(NOON)).await.unwrap().sites.len(), 0);
}

pub(crate) async fn a_completion_with_an_old_fence_is_refused(store: Store) {
    let id = second_wave(&store, 5).await;
    let old = store.claim(id, 2, at(NOON)).await.unwrap();
    let new = store.take_over(id, at(NOON)).await.unwrap();
    assert_eq!(names(&old).len(), 2);
    assert!(new.fence > old.fence);
    let site = names(&old)[0];
    for answer in [
        Answer::Acted,
        Answer::Verified,
        Answer::Failed {
            reason: "late".into(),
        },
    ] {
        assert!(
            !store
                .answer(id, site, old.fence, &answer, at(NOON))
                .await
                .unwrap()
        );
    }
    let verified = Answer::Verified;
    assert!(
        store
            .answer(id, site, new.fence, &Answer::Acted, at(NOON))
            .await
            .unwrap()
    );
    assert!(
        store
            .answer(id, site, new.fence, &verified, at(NOON))
            .await
            .unwrap()
    );
    assert!(
        !store
            .answer(id, site, new.fence, &verified, at(NOON))
            .await
            .unwrap(),
        "it is final"
    );
    let rows = store.rows_of_site(site, 10).await.unwrap();
    assert_eq!(rows[0].progress, Row::Verified { at: at(NOON) });
}

pub(crate) async fn tries_and_reasons_are_kept(store: Store) {
    let id = second_wave(&store, 3).await;
    let claim = store.claim(id, 1, at(NOON)).await.unwrap();
    let site = names(&claim)[0];
    let again = Answer::Again {
        reason: "no answer".into(),
    };
    assert!(
        store
            .answer(id, site, claim.fence, &again, at(NOON))
            .await
            .unwrap()
    );
    assert_eq!(
        store.take_over(id, at(NOON)).await.unwrap().sites,
        [(site, 2)]
    );
    let failed = Answer::Failed {
        reason: "still no answer".into(),
    };
    assert!(
        store
            .answer(id, site, claim.fence + 1, &failed, at(NOON))
            .await
            .unwrap()
    );
    let failed = store
        .campaign_rows(id, Some("failed"), 0, 10)
        .await
        .unwrap();
    let expected = Row::Failed {
        reason: "still no answer".into(),
        tries: 2,
    };
    assert_eq!(failed[0].progress, expected);
    let counts = store.campaign_counts(id).await.unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|c| (c.wave, c.state.as_str(), c.rows))
        .collect();
    assert_eq!(
        counts,
        [(0, "waiting", 1), (1, "failed", 1), (1, "waiting", 1)]
    );
}

pub(crate) async fn a_course_is_told_in_stretches(store: Store) {
    let id = second_wave(&store, 7).await;
    for (time, sites) in [("12:00:05Z", 2), ("12:00:59Z", 1), ("12:02:00Z", 2)] {
        let now = at(&format!("2023-07-11T{time}"));
        let claim = store.claim(id, sites, now).await.unwrap();
        for site in names(&claim) {
            let verified = store.answer(id, site, claim.fence, &Answer::Verified, now);
            assert!(verified.await.unwrap());
        }
    }
    let minute = jiff::SignedDuration::from_mins(1);
    let course = store.verified_by_stretch(id, at(NOON), minute).await;
    assert_eq!(course.unwrap(), [(0, 3), (2, 2)]);
}

pub(crate) async fn a_site_knows_how_many_wait_before_it(store: Store) {
    let id = second_wave(&store, 5).await;
    store.claim(id, 2, at(NOON)).await.unwrap();
    let waiting = store.campaign_rows(id, Some("waiting"), 1, 10).await;
    let last = waiting.unwrap().last().map_or(0, |row| row.position);
    // The canary, which was skipped over, and one of its own wave.
    assert_eq!(store.waiting_before(id, last).await.unwrap(), 2);
    assert_eq!(store.waiting_before(id, 0).await.unwrap(), 0);
}

pub(crate) async fn a_stopped_campaign_gives_no_claims(store: Store) {
    let id = second_wave(&store, 5).await;
    let claim = store.claim(id, 2, at(NOON)).await.unwrap();
    store
        .move_campaign(id, &State::Running, &State::Paused, None, &audit())
        .await
        .unwrap();
    let refused = store.claim(id, 2, at(NOON)).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    // What was begun may still be completed.
    let site = names(&claim)[0];
    assert!(
        store
            .answer(id, site, claim.fence, &Answer::Verified, at(NOON))
            .await
            .unwrap()
    );
    let again = store
        .move_campaign(id, &State::Running, &State::Paused, None, &audit())
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    let aborted = State::Aborted { at: at(NOON) };
    store
        .move_campaign(id, &State::Paused, &aborted, None, &audit())
        .await
        .unwrap();
    let counts = store.campaign_counts(id).await.unwrap();
    let skipped: u64 = counts
        .iter()
        .filter(|c| c.state == "skipped")
        .map(|c| c.rows)
        .sum();
    assert_eq!(
        skipped, 3,
        "the canary and two of its wave were waiting: {counts:?}"
    );
}
