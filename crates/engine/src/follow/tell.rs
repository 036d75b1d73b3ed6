//! Spreads what was posted over the followers it concerns, and sends each lane's notifications.
//! At least once: receivers tell doubles by `webhook-id` or Message-ID.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::follower::{About, Channel, Shape};
use domain::id::OrganizationId;
use domain::incident::Scope;
use domain::name::ProductName;
use domain::site::Site;
use futures_util::StreamExt as _;
use jiff::SignedDuration;
use standardwebhooks::Webhook;
use store::{Announcement, Attempt, Lane, Notification};
use tokio_util::sync::CancellationToken;

use super::Notice;
use crate::mail::{Envelope, NotSent};
use crate::{Engine, EngineError, Fleet, Signal, outbox};

/// Followers looked at in one commit.
const PAGE: u32 = 1_000;
/// Requests under way at once, and how long each may take.
const WEBHOOKS_MAX: u32 = 32;
const ANSWER_SECONDS_MAX: u64 = 10;
/// Mails under way at once.
const MAILS_MAX: u32 = 8;
/// Mails claimed at once, when the server takes that many in half a minute: a claim must not run out
/// while its mails wait for their turn.
const MAILS_CLAIMED_MAX: u32 = 256;
/// Over a day of attempts; by then the news is old.
const ATTEMPTS_MAX: u32 = 150;

/// Spreads what was posted until it is stopped.
pub(crate) async fn spread(engine: Engine, stop: CancellationToken) {
    outbox::run(engine, stop, |engine| async move {
        while let Some(announcement) = engine.store().next_announcement().await? {
            spread_page(&engine, &announcement).await?;
        }
        Ok(outbox::wait_until(&engine, None))
    })
    .await;
}

/// Sends what a lane has until it is stopped.
pub(crate) async fn send(engine: Engine, stop: CancellationToken, lane: Lane) {
    outbox::run(engine, stop, move |engine| async move {
        send_due(&engine, lane).await
    })
    .await;
}

async fn spread_page(engine: &Engine, announcement: &Announcement) -> Result<(), EngineError> {
    let store = engine.store();
    let page = store.followers_after(announcement.follower, PAGE).await?;
    let until = page.last().map(|last| last.id);
    let incident = store.incident(announcement.incident).await?;
    let concerned = incident.map(|incident| Concerned::of(&engine.fleet(), incident.scope));
    let concerns = |about: &About| concerned.as_ref().is_some_and(|one| one.includes(about));
    let told: Vec<_> = page
        .iter()
        .filter(|follower| follower.confirmed_at.is_some() && concerns(&follower.about))
        .map(|follower| (engine.clock().id(), follower.id, lane(&follower.channel)))
        .collect();
    let until = until.filter(|_| page.len() == PAGE as usize);
    let now = engine.clock().now();
    store.spread(announcement, &told, until, now).await?;
    engine.signal(Signal::OutboxChanged);
    Ok(())
}

/// The sites of an incident, looked up once for a page of followers: a scan of the fleet for each
/// would take an hour for those of a large fleet.
struct Concerned {
    scope: Scope,
    fleet: Arc<Fleet>,
    by_organization: HashMap<OrganizationId, Vec<Arc<Site>>>,
    /// One site of each product.
    by_product: HashMap<ProductName, Arc<Site>>,
}

impl Concerned {
    fn of(fleet: &Arc<Fleet>, scope: Scope) -> Self {
        let mut concerned = Self {
            scope,
            fleet: Arc::clone(fleet),
            by_organization: HashMap::new(),
            by_product: HashMap::new(),
        };
        for (_, site) in fleet.sites() {
            if concerned.scope.holds(&site) {
                let own = concerned.by_organization.entry(site.organization);
                own.or_default().push(Arc::clone(&site));
                let product = concerned.by_product.entry(site.product.clone());
                product.or_insert(site);
            }
        }
        concerned
    }

    fn includes(&self, about: &About) -> bool {
        let sites: Vec<_> = match (about.site, about.organization, &about.product) {
            (Some(id), _, _) => {
                let index = self.fleet.index(id);
                let site = index.and_then(|index| self.fleet.site(index));
                site.into_iter().collect()
            }
            (None, Some(id), _) => self.by_organization.get(&id).cloned().unwrap_or_default(),
            (None, None, Some(name)) => self.by_product.get(name).cloned().into_iter().collect(),
            (None, None, None) => vec![],
        };
        about.concerns(&self.scope, sites)
    }
}

fn lane(channel: &Channel) -> Lane {
    match channel {
        Channel::Email(_) => Lane::Mail,
        Channel::Webhook { .. } => Lane::Webhook,
    }
}

/// Sends everything that is due; how long until something may be due again.
async fn send_due(engine: &Engine, lane: Lane) -> Result<Duration, EngineError> {
    let mail = engine.0.follow.mail.get();
    let (claimed_max, at_once) = match (lane, mail) {
        (Lane::Webhook, _) => (WEBHOOKS_MAX, WEBHOOKS_MAX),
        (Lane::Mail, Some(mail)) => {
            let half_a_minute = mail.per_minute() / 2;
            (half_a_minute.clamp(1, MAILS_CLAIMED_MAX), MAILS_MAX)
        }
        // What waits is kept until there is a server again.
        (Lane::Mail, None) => return Ok(outbox::wait_until(engine, None)),
    };
    // Nothing is claimed that cannot be written.
    if engine.0.follow.writer.get().is_none() {
        return Ok(outbox::wait_until(engine, None));
    }
    loop {
        let lease = outbox::lease(engine);
        let claimed = engine
            .store()
            .claim_notifications(lane, lease, claimed_max)
            .await?;
        if claimed.is_empty() {
            let next = engine.store().next_notification_at(lane).await?;
            return Ok(outbox::wait_until(engine, next));
        }
        futures_util::stream::iter(claimed)
            .for_each_concurrent(at_once as usize, |one| attempt(engine, one))
            .await;
    }
}

async fn attempt(engine: &Engine, claimed: Notification) {
    let id = claimed.id;
    let attempt = match tell(engine, &claimed).await {
        Ok(()) => Attempt::Delivered,
        Err(NotSent { failure, for_good }) if for_good || claimed.attempts >= ATTEMPTS_MAX => {
            tracing::warn!(notification.id = %id, "gave notification {id} up: {failure}");
            Attempt::GivenUp { failure }
        }
        Err(NotSent { failure, .. }) => Attempt::Again {
            at: outbox::again_at(engine, claimed.attempts),
            failure,
        },
    };
    if let Err(e) = engine.store().finish_notification(&claimed, &attempt).await {
        // The claim runs out and it is attempted again.
        tracing::warn!(notification.id = %id, error = &e as &dyn std::error::Error, "could not record a notification");
    }
}

async fn tell(engine: &Engine, claimed: &Notification) -> Result<(), NotSent> {
    let store = engine.store();
    let follower = store.follower(claimed.follower).await.map_err(later)?;
    // It ended meanwhile, and nothing is recorded of it: its notifications were dropped.
    let Some((follower, token)) = follower else {
        return Ok(());
    };
    let announcement = match claimed.announcement {
        Some(id) => store.announcement(id).await.map_err(later)?,
        None => None,
    };
    let view = match &announcement {
        Some(one) => engine.find_incident(one.incident).await.map_err(later)?,
        None => None,
    };
    let lags = |post| {
        view.as_deref()
            .is_none_or(|view| view.updates.iter().all(|update| update.id != post))
    };
    if announcement
        .as_ref()
        .is_some_and(|one| one.post.is_some_and(lags))
    {
        return Err(later("the post is not in memory yet"));
    }
    let told = announcement
        .as_ref()
        .zip(view.as_deref())
        .map(|(one, view)| {
            let post = view
                .updates
                .iter()
                .find(|update| Some(update.id) == one.post);
            (view, post)
        });
    let at = announcement
        .as_ref()
        .map_or(follower.asked_at, |one| one.made_at);
    let notice = Notice {
        follower: &follower,
        token: &token,
        told,
        at,
    };
    match &follower.channel {
        Channel::Email(email) => mail(engine, claimed, &notice, email.as_str()).await,
        Channel::Webhook { url, shape, secret } => {
            request(engine, claimed, &notice, (url, *shape, secret.as_deref())).await
        }
    }
}

async fn mail(
    engine: &Engine,
    claimed: &Notification,
    notice: &Notice<'_>,
    to: &str,
) -> Result<(), NotSent> {
    let follow = &engine.0.follow;
    let letter = follow.writer.get().and_then(|writer| writer.mail(notice));
    let (Some(letter), Some(mail)) = (letter, follow.mail.get()) else {
        return Err(later("the mail cannot be written now"));
    };
    turn(engine, mail.per_minute()).await;
    let base = &engine.settings().base_url;
    let envelope = Envelope {
        to,
        id: claimed.id.to_string(),
        thread: notice
            .told
            .map(|(view, _)| format!("incident-{}", view.incident.id)),
        // A question is no list mail: there is nothing to end yet.
        end_url: notice
            .told
            .map(|_| format!("{base}/following/{}/end", notice.token)),
        at: notice.at,
    };
    mail.send(letter, &envelope).await
}

/// Waits for this mail's turn: they are spaced evenly, so that the server never gets more in a minute.
async fn turn(engine: &Engine, per_minute: u32) {
    let wait = {
        let next = &engine.0.follow.next_mail_at;
        let mut next = next
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = engine.clock().now();
        let mine = next.map_or(now, |next| next.max(now));
        let space = SignedDuration::from_micros(60_000_000 / i64::from(per_minute));
        *next = mine.saturating_add(space).ok();
        mine.duration_since(now)
    };
    engine
        .clock()
        .sleep(Duration::try_from(wait).unwrap_or_default())
        .await;
}

async fn request(
    engine: &Engine,
    claimed: &Notification,
    notice: &Notice<'_>,
    (url, shape, secret): (&str, Shape, Option<&str>),
) -> Result<(), NotSent> {
    let writer = engine.0.follow.writer.get();
    let body = writer.and_then(|writer| writer.body(shape, notice));
    let body = body.ok_or_else(|| later("the message cannot be written now"))?;
    let body = body.to_string();
    let (id, at) = (claimed.id.to_string(), engine.clock().now().as_second());
    let answer = Duration::from_secs(ANSWER_SECONDS_MAX);
    let mut request = engine
        .http()
        .post(url)
        .timeout(engine.clock().on_machine(answer))
        .header("content-type", "application/json");
    if let Some(secret) = secret {
        let signed = Webhook::new(secret).and_then(|key| key.sign(&id, at, body.as_bytes()));
        let signature = signed.map_err(later)?;
        request = request
            .header("webhook-id", &id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature);
    }
    let sent = request.body(body).send().await;
    let status = sent.map_err(|e| later(e.without_url()))?.status();
    if status == reqwest::StatusCode::GONE {
        // The receiver wants no more (Standard Webhooks, "Consumers").
        let follower = claimed.follower;
        engine
            .forget(follower, "a receiver that answered 410")
            .await
            .map_err(later)?;
        return Ok(());
    }
    if status.is_success() {
        return Ok(());
    }
    Err(later(format!("the receiver answered {status}")))
}

fn later(failure: impl ToString) -> NotSent {
    NotSent {
        failure: failure.to_string(),
        for_good: false,
    }
}
