//! The outbox of one lane: claims what is due, sends it, and records what became of it. The three go on
//! at the same time, so that a slow answer holds up its own message only.
//!
//! At least once. A crash repeats what was sent and not recorded yet: at most what is under way and one
//! commit. Receivers tell doubles by `webhook-id` or Message-ID.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::follower::Follower;
use domain::id::AnnouncementId;
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use store::{Attempt, Lane, Notification};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

use super::may_be_told;
use super::tell::{News, later, tell};
use crate::mail::{CONNECTIONS_MAX, NotSent};
use crate::{Engine, EngineError, outbox};

/// Requests under way at once.
const WEBHOOKS_MAX: u32 = 128;
/// Mails claimed at once, when the server takes that many in three seconds: what is claimed is not
/// looked up again before it is sent, and who ended a following must not be told for long.
const MAILS_CLAIMED_MAX: u32 = 256;
const CLAIMS_PER_MINUTE: u32 = 20;
/// Outcomes in one commit.
const RECORDED_MAX: usize = 512;
/// How often outcomes are tried to be recorded: each that is lost repeats a message.
const RECORD_TRIES_MAX: u32 = 5;
/// A message is not begun in the last of its claim: another worker might begin it too.
const CLAIM_SECONDS_LEFT_MIN: i64 = 70;
/// How often the lane is looked at while something waits to be tried again.
const RETRY_LOOK: Duration = Duration::from_secs(1);
/// Over a day of attempts; by then the news is old.
const ATTEMPTS_MAX: u32 = 150;

/// A claimed notification with all that its message is made from.
struct Claimed {
    notification: Notification,
    until: Timestamp,
    /// With the token of its links; none when it ended meanwhile.
    follower: Option<(Follower, String)>,
    /// None for the question whether to follow; an error when it could not be read.
    news: Option<Result<Arc<News>, String>>,
}

type Outcome = (Notification, Attempt);

/// Sends what a lane has until it is stopped. What was claimed and not begun by then is due at once
/// after the next start.
pub(crate) async fn send(engine: Engine, stop: CancellationToken, lane: Lane) {
    let (queue, claimed) = mpsc::channel(1);
    let (outcomes, finished) = mpsc::channel(RECORDED_MAX);
    let claiming = outbox::run(engine.clone(), stop.clone(), move |engine| {
        let queue = queue.clone();
        async move { claim_due(&engine, lane, &queue).await }
    });
    let sending = send_claimed(&engine, &stop, lane, (claimed, outcomes));
    let recording = record(&engine, finished);
    tokio::join!(claiming, sending, recording);
}

/// Claims everything that is due; how long until something may be due again.
async fn claim_due(
    engine: &Engine,
    lane: Lane,
    queue: &Sender<Vec<Claimed>>,
) -> Result<Duration, EngineError> {
    let follow = &engine.0.follow;
    let claimed_max = match (lane, follow.mail.get()) {
        (Lane::Webhook, _) => WEBHOOKS_MAX,
        (Lane::Mail, Some(mail)) => {
            (mail.per_minute() / CLAIMS_PER_MINUTE).clamp(1, MAILS_CLAIMED_MAX)
        }
        // What waits is kept until there is a server again.
        (Lane::Mail, None) => return Ok(outbox::wait_until(engine, None)),
    };
    // Nothing is claimed that cannot be written.
    if follow.writer.get().is_none() {
        return Ok(outbox::wait_until(engine, None));
    }
    let store = engine.store();
    loop {
        let lease = outbox::lease(engine);
        let claimed = store.claim_notifications(lane, lease, claimed_max).await?;
        if claimed.is_empty() {
            let next = store.next_notification_at(lane).await?;
            let wait = outbox::wait_until(engine, next);
            return Ok(next.map_or(wait, |_| wait.min(RETRY_LOOK)));
        }
        let loaded = load(engine, claimed, lease.1).await?;
        if queue.send(loaded).await.is_err() {
            return Ok(outbox::wait_until(engine, None));
        }
    }
}

/// Reads the followers of a claim at once, and each announcement once.
async fn load(
    engine: &Engine,
    claimed: Vec<Notification>,
    until: Timestamp,
) -> Result<Vec<Claimed>, EngineError> {
    let ids: Vec<_> = claimed.iter().map(|one| one.follower).collect();
    let mut followers = HashMap::new();
    for (follower, token) in engine.store().followers_of(&ids).await? {
        followers.insert(follower.id, (follower, token));
    }
    let mut news = HashMap::new();
    for id in claimed.iter().filter_map(|one| one.announcement) {
        if let std::collections::hash_map::Entry::Vacant(entry) = news.entry(id) {
            entry.insert(read_news(engine, id).await);
        }
    }
    let with = |notification: Notification| Claimed {
        until,
        // Somebody may be told of two things in one claim.
        follower: followers.get(&notification.follower).cloned(),
        news: notification
            .announcement
            .and_then(|id| news.get(&id).cloned()),
        notification,
    };
    Ok(claimed.into_iter().map(with).collect())
}

async fn read_news(engine: &Engine, id: AnnouncementId) -> Result<Arc<News>, String> {
    let announcement = engine.store().announcement(id).await;
    let announcement = announcement
        .map_err(|e| e.to_string())?
        .ok_or("the announcement is gone")?;
    let view = engine.find_incident(announcement.incident).await;
    let view = view
        .map_err(|e| e.to_string())?
        .ok_or("the incident is gone")?;
    Ok(Arc::new(News::new(announcement, view)))
}

async fn send_claimed(
    engine: &Engine,
    stop: &CancellationToken,
    lane: Lane,
    (claimed, outcomes): (Receiver<Vec<Claimed>>, Sender<Outcome>),
) {
    let at_once = match lane {
        Lane::Mail => CONNECTIONS_MAX,
        Lane::Webhook => WEBHOOKS_MAX,
    };
    let batches = stream::unfold(claimed, |mut claimed| async {
        let batch = claimed.recv().await?;
        Some((stream::iter(batch), claimed))
    });
    let in_turn = batches.flatten().then(|one| async {
        tokio::select! {
            () = turn(engine, lane) => {}
            () = stop.cancelled() => {}
        }
        one
    });
    let outcomes = &outcomes;
    let each = in_turn.for_each_concurrent(at_once as usize, |one| async move {
        if let Some(attempt) = attempt(engine, stop, &one).await {
            // The other end is there as long as this one.
            let _ = outcomes.send((one.notification, attempt)).await;
        }
    });
    each.await;
}

/// Waits for the next mail's turn, so that the server never gets more in a minute than it takes.
async fn turn(engine: &Engine, lane: Lane) {
    let (Lane::Mail, Some(mail)) = (lane, engine.0.follow.mail.get()) else {
        return;
    };
    let wait = mail.turn(engine.clock().now());
    let wait = Duration::try_from(wait).unwrap_or_default();
    if !wait.is_zero() {
        engine.clock().sleep(wait).await;
    }
}

/// What became of it; none when it was not begun and its claim runs out.
async fn attempt(engine: &Engine, stop: &CancellationToken, one: &Claimed) -> Option<Attempt> {
    let (id, attempts) = (one.notification.id, one.notification.attempts);
    let now = engine.clock().now();
    if stop.is_cancelled() {
        let failure = "the server was stopped before it was sent".to_owned();
        return Some(Attempt::Again { at: now, failure });
    }
    if one.until.duration_since(now) < SignedDuration::from_secs(CLAIM_SECONDS_LEFT_MIN) {
        return None;
    }
    Some(match told(engine, one).await {
        Ok(()) => Attempt::Delivered,
        Err(NotSent { failure, for_good }) if for_good || attempts >= ATTEMPTS_MAX => {
            tracing::warn!(notification.id = %id, "gave notification {id} up: {failure}");
            Attempt::GivenUp { failure }
        }
        Err(NotSent { failure, .. }) => Attempt::Again {
            at: outbox::again_at(engine, attempts),
            failure,
        },
    })
}

async fn told(engine: &Engine, one: &Claimed) -> Result<(), NotSent> {
    // It ended meanwhile, and nothing is recorded of it: its notifications were dropped.
    let Some((follower, token)) = &one.follower else {
        return Ok(());
    };
    let news = match &one.news {
        Some(Err(failure)) => return Err(later(failure)),
        Some(Ok(news)) => Some(&**news),
        None => None,
    };
    if let Some(news) = news {
        // It may be for fewer people than when this was spread.
        let may = may_be_told(engine, &news.view.incident, follower).await;
        if !may.map_err(later)? {
            return Err(NotSent {
                failure: "the incident is not for this follower any more".into(),
                for_good: true,
            });
        }
    }
    tell(engine, &one.notification, (follower, token), news).await
}

/// Records outcomes, all that came while the last were written in one commit.
async fn record(engine: &Engine, mut finished: Receiver<Outcome>) {
    let mut outcomes = Vec::with_capacity(RECORDED_MAX);
    while finished.recv_many(&mut outcomes, RECORDED_MAX).await > 0 {
        save(engine, &outcomes).await;
        outcomes.clear();
    }
}

async fn save(engine: &Engine, outcomes: &[Outcome]) {
    for tries in 1..=RECORD_TRIES_MAX {
        let Err(error) = engine.store().finish_notifications(outcomes).await else {
            return;
        };
        // Past the last try their claims run out, and they are sent again.
        let count = outcomes.len();
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "could not record {count} notifications"
        );
        if tries < RECORD_TRIES_MAX {
            engine.clock().sleep(RETRY_LOOK).await;
        }
    }
}
