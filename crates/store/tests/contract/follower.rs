//! Followers, what they are told, and the messages that carry it.

use domain::follower::{About, Channel, Email, Follower, Shape};
use domain::id::{AnnouncementId, FollowerId};
use domain::incident::{Impact, Incident, Scope};
use domain::language::Language;
use jiff::{SignedDuration, Timestamp};
use store::{Announcement, Attempt, IncidentAdditions, Lane, Notification, Store, StoreError};

use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:10:00Z";

fn later(minutes: i64) -> Timestamp {
    at(NOW) + SignedDuration::from_mins(minutes)
}

pub(crate) fn by_mail(address: &str, confirmed: bool) -> Follower {
    Follower {
        id: id(),
        channel: Channel::Email(Email::parse(address).unwrap()),
        about: About::default(),
        language: Language::English,
        asked_at: at(NOW),
        confirmed_at: confirmed.then(|| at(NOW)),
    }
}

async fn finish(store: &Store, claimed: &Notification, attempt: Attempt) -> u64 {
    let outcome = (claimed.clone(), attempt);
    store.finish_notifications(&[outcome]).await.unwrap()
}

/// An incident with one announcement.
pub(crate) async fn announced(store: &Store) -> Announcement {
    let what = ("Sign-in fails".to_owned(), Scope::default(), Impact::Minor);
    let incident = Incident::open(id(), what, at(NOW), at(NOW));
    let announcement = Announcement {
        id: id(),
        incident: incident.id,
        post: None,
        made_at: at(NOW),
        only_new: true,
        follower: None,
    };
    let added = IncidentAdditions {
        announced: vec![announcement.clone()],
        ..IncidentAdditions::default()
    };
    store
        .add_incident(&incident, &added, &audit())
        .await
        .unwrap();
    announcement
}

pub(crate) async fn an_address_follows_a_thing_once(store: Store) {
    let follower = by_mail("clerk@city.example", false);
    store
        .add_follower(&follower, "token", Some(id()), &audit())
        .await
        .unwrap();
    let found = store.follower_by_token("token").await.unwrap();
    assert_eq!(found, Some(follower.clone()));
    let read = store.follower(follower.id).await.unwrap();
    assert_eq!(read, Some((follower.clone(), "token".into())));
    let both = store.followers_of(&[follower.id, id(), follower.id]).await;
    assert_eq!(both.unwrap(), [(follower.clone(), "token".into())]);
    let again = by_mail("Clerk@city.example", false);
    let refused = store
        .add_follower(&again, "other", Some(id()), &audit())
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    let hook = Follower {
        id: id(),
        channel: Channel::Webhook {
            url: "https://a.example/x".into(),
            shape: Shape::Standard,
            secret: Some("whsec_c2VjcmV0".into()),
        },
        about: About {
            site: Some(id()),
            organization: Some(id()),
            product: Some("web-central".parse().unwrap()),
        },
        language: Language::Spanish,
        ..by_mail("a@b.us", true)
    };
    store
        .add_follower(&hook, "hook", None, &audit())
        .await
        .unwrap();
    assert_eq!(
        store.follower_by_token("hook").await.unwrap(),
        Some(hook.clone())
    );
    assert_eq!(store.followers_after(None, 10).await.unwrap().len(), 2);
    let at_address = store.followers_at("clerk@city.example", 10).await.unwrap();
    assert_eq!(at_address, std::slice::from_ref(&follower));
    let counts = store.follower_counts().await.unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|one| (&*one.channel, &*one.about, one.confirmed, one.asked))
        .collect();
    assert_eq!(
        counts,
        [("email", "everything", 0, 1), ("standard", "site", 1, 0)]
    );
    let spanish = (later(1), Language::Spanish);
    store.ask_again(follower.id, id(), spanish).await.unwrap();
    let asked = store.follower_by_token("token").await.unwrap().unwrap();
    assert_eq!((asked.asked_at, asked.language), spanish);
    assert!(store.confirm_follower(follower.id, later(1)).await.unwrap());
    assert!(!store.confirm_follower(follower.id, later(2)).await.unwrap());
    let asked = store
        .ask_again(follower.id, id(), (later(2), Language::Spanish))
        .await;
    assert!(
        matches!(asked, Err(StoreError::Conflict { .. })),
        "{asked:?}"
    );
}

/// Also after a following was ended; a yes makes room for other questions.
pub(crate) async fn questions_to_an_address_are_counted_until_it_says_yes(store: Store) {
    let asked = async |limit| {
        let since = later(-60);
        store.asked_since("a@b.us", since, limit).await.unwrap()
    };
    let (first, second) = (by_mail("a@b.us", false), by_mail("a@b.us", false));
    let add = async |follower: &Follower, token: &str, ask| {
        store
            .add_follower(follower, token, ask, &audit())
            .await
            .unwrap();
    };
    add(&first, "one", Some(id())).await;
    store
        .ask_again(first.id, id(), (later(2), Language::English))
        .await
        .unwrap();
    assert_eq!(asked(9).await, [later(2), at(NOW)]);
    assert_eq!(asked(1).await, [later(2)]);
    store.end_follower(first.id, &audit()).await.unwrap();
    assert_eq!(asked(9).await.len(), 2, "no new chance for who asks");
    add(&second, "two", Some(id())).await;
    assert_eq!(asked(9).await.len(), 3);
    add(&by_mail("c@d.us", true), "other", None).await;
    store.purge_unconfirmed(later(1)).await.unwrap();
    assert_eq!(asked(9).await, [later(2)]);
    let third = by_mail("a@b.us", false);
    add(&third, "three", Some(id())).await;
    assert!(store.confirm_follower(third.id, later(3)).await.unwrap());
    assert!(asked(9).await.is_empty());
}

/// What waits for a follower who ended goes nowhere, and nothing is left of the address.
pub(crate) async fn an_ended_follower_is_forgotten(store: Store) {
    let (stays, ends) = (by_mail("a@b.us", false), by_mail("c@d.us", false));
    store
        .add_follower(&stays, "a", Some(id()), &audit())
        .await
        .unwrap();
    store
        .add_follower(&ends, "c", Some(id()), &audit())
        .await
        .unwrap();
    store.end_follower(ends.id, &audit()).await.unwrap();
    let twice = store.end_follower(ends.id, &audit()).await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "{twice:?}"
    );
    assert_eq!(store.follower_by_token("c").await.unwrap(), None);
    let claimed = store
        .claim_notifications(Lane::Mail, (at(NOW), later(3)), 10)
        .await
        .unwrap();
    let to: Vec<_> = claimed.iter().map(|one| one.follower).collect();
    assert_eq!(to, [stays.id]);
    assert_eq!(store.purge_unconfirmed(at(NOW)).await.unwrap(), 0);
    assert_eq!(store.purge_unconfirmed(later(1)).await.unwrap(), 1);
    assert_eq!(finish(&store, &claimed[0], Attempt::Delivered).await, 0);
}

/// Of two workers that spread the same page, one is told to look again: nobody is told twice.
pub(crate) async fn an_announcement_is_spread_once(store: Store) {
    let announcement = announced(&store).await;
    assert_eq!(
        store.next_announcement().await.unwrap(),
        Some(announcement.clone())
    );
    let mut followers: Vec<FollowerId> = vec![id(), id(), id()];
    followers.sort_unstable();
    let told = |who: &[FollowerId]| {
        who.iter()
            .map(|who| (id(), *who, Lane::Mail))
            .collect::<Vec<_>>()
    };
    let first = told(&followers[..2]);
    store
        .spread(&announcement, &first, Some(followers[1]), at(NOW))
        .await
        .unwrap();
    let slower = store
        .spread(
            &announcement,
            &told(&followers[..2]),
            Some(followers[1]),
            at(NOW),
        )
        .await;
    assert!(
        matches!(slower, Err(StoreError::Conflict { .. })),
        "{slower:?}"
    );
    // As after a crash between the pages: it goes on where it stood.
    let moved = store.next_announcement().await.unwrap().unwrap();
    assert_eq!(moved.follower, Some(followers[1]));
    store
        .spread(&moved, &told(&followers[2..]), None, at(NOW))
        .await
        .unwrap();
    assert_eq!(store.next_announcement().await.unwrap(), None);
    let known: AnnouncementId = announcement.id;
    assert!(store.announcement(known).await.unwrap().is_some());
    assert_eq!(
        store.told(announcement.incident, 10).await.unwrap().waiting,
        3
    );
}

pub(crate) async fn a_notification_is_claimed_until_it_runs_out(store: Store) {
    let announcement = announced(&store).await;
    let one = [(id(), id(), Lane::Webhook)];
    store
        .spread(&announcement, &one, None, at(NOW))
        .await
        .unwrap();
    let claim = |from, until, lane| store.claim_notifications(lane, (from, until), 10);
    assert!(
        claim(at(NOW), later(3), Lane::Mail)
            .await
            .unwrap()
            .is_empty()
    );
    let claims =
        futures_util::future::join_all((0..8).map(|_| claim(at(NOW), later(3), Lane::Webhook)));
    let claims: Vec<_> = claims.await.into_iter().flat_map(Result::unwrap).collect();
    let [first] = claims.as_slice() else {
        panic!("{} claims", claims.len())
    };
    assert_eq!(
        store.next_notification_at(Lane::Webhook).await.unwrap(),
        Some(later(3))
    );
    let second = claim(later(4), later(7), Lane::Webhook)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((second.id, second.fence, second.attempts), (first.id, 2, 2));
    assert_eq!(finish(&store, first, Attempt::Delivered).await, 0);
    let given_up = Attempt::GivenUp {
        failure: "410".into(),
    };
    assert_eq!(finish(&store, &second, given_up).await, 1);
    let told = store.told(announcement.incident, 10).await.unwrap();
    assert_eq!(
        (told.given_up, told.failures),
        (1, vec![(second.id, "410".into())])
    );
    assert!(
        store
            .retry_notification(second.id, later(5), &audit())
            .await
            .unwrap()
    );
    assert!(
        !store
            .retry_notification(second.id, later(5), &audit())
            .await
            .unwrap()
    );
    let third = claim(later(5), later(8), Lane::Webhook)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(finish(&store, &third, Attempt::Delivered).await, 1);
    let told = store.told(announcement.incident, 10).await.unwrap();
    assert_eq!((told.delivered, told.failures), (1, vec![]));
}
