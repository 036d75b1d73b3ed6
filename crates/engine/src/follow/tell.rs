//! One message to one follower: written now, and given to the mail server or to the receiver.
//! Never decides when, or what becomes of a failure.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::follower::{Channel, Follower, Shape};
use domain::language::Language;
use standardwebhooks::Webhook;
use store::{Announcement, Notification};

use super::{Headed, Letter, Notice};
use crate::mail::{Envelope, NotSent};
use crate::{Engine, IncidentView};

/// How long a receiver may take to answer.
const ANSWER_SECONDS_MAX: u64 = 10;

/// What was posted, read once for all the followers of a claim.
pub(super) struct News {
    announcement: Announcement,
    pub(super) view: Arc<IncidentView>,
    english: Drawn,
    spanish: Drawn,
}

/// What is the same for every follower of a language: drawn for the first, kept for the others.
#[derive(Default)]
struct Drawn {
    head: OnceLock<Option<Headed>>,
    standard: OnceLock<Option<String>>,
    slack: OnceLock<Option<String>>,
    teams: OnceLock<Option<String>>,
}

impl Drawn {
    /// The body of a shape. That of Statuspage names the follower's own address.
    fn body(&self, shape: Shape) -> Option<&OnceLock<Option<String>>> {
        match shape {
            Shape::Standard => Some(&self.standard),
            Shape::Slack => Some(&self.slack),
            Shape::Teams => Some(&self.teams),
            Shape::Statuspage => None,
        }
    }
}

impl News {
    pub(super) fn new(announcement: Announcement, view: Arc<IncidentView>) -> Self {
        let (english, spanish) = <(Drawn, Drawn)>::default();
        Self {
            announcement,
            view,
            english,
            spanish,
        }
    }

    fn drawn(&self, language: Language) -> &Drawn {
        match language {
            Language::English => &self.english,
            Language::Spanish => &self.spanish,
        }
    }

    /// The incident and the post; none when memory does not hold the post yet.
    fn told(&self) -> Option<super::Told<'_>> {
        let view = &*self.view;
        let Some(post) = self.announcement.post else {
            return Some((view, None));
        };
        let post = view.updates.iter().find(|update| update.id == post);
        post.map(|post| (view, Some(post)))
    }
}

/// Tells one follower; `news` is none for the question whether to follow.
pub(super) async fn tell(
    engine: &Engine,
    claimed: &Notification,
    (follower, token): (&Follower, &str),
    news: Option<&News>,
) -> Result<(), NotSent> {
    let told = match news.map(News::told) {
        Some(None) => return Err(later("the post is not in memory yet")),
        told => told.flatten(),
    };
    let at = news.map_or(follower.asked_at, |news| news.announcement.made_at);
    let notice = Notice {
        follower,
        token,
        told,
        at,
    };
    match &follower.channel {
        Channel::Email(email) => {
            let letter = letter(engine, &notice, news);
            mail(engine, claimed, (&notice, letter), email.as_str()).await
        }
        Channel::Webhook { url, shape, secret } => {
            let body = body(engine, &notice, (news, *shape));
            let body = body.ok_or_else(|| later("the message cannot be written now"))?;
            request(engine, claimed, body, (url, secret.as_deref())).await
        }
    }
}

fn letter(engine: &Engine, notice: &Notice<'_>, news: Option<&News>) -> Option<Letter> {
    let writer = engine.0.follow.writer.get()?;
    let (Some(news), Some(told)) = (news, notice.told) else {
        return writer.mail(notice, None);
    };
    let language = notice.follower.language;
    let head = &news.drawn(language).head;
    let head = head.get_or_init(|| writer.head(told, language)).as_ref()?;
    writer.mail(notice, Some(head))
}

fn body(
    engine: &Engine,
    notice: &Notice<'_>,
    (news, shape): (Option<&News>, Shape),
) -> Option<String> {
    let writer = engine.0.follow.writer.get()?;
    let draw = || Some(writer.body(shape, notice)?.to_string());
    let kept = news.and_then(|news| news.drawn(notice.follower.language).body(shape));
    match kept {
        Some(kept) => kept.get_or_init(draw).clone(),
        None => draw(),
    }
}

async fn mail(
    engine: &Engine,
    claimed: &Notification,
    (notice, letter): (&Notice<'_>, Option<Letter>),
    to: &str,
) -> Result<(), NotSent> {
    let (Some(letter), Some(mail)) = (letter, engine.0.follow.mail.get()) else {
        return Err(later("the mail cannot be written now"));
    };
    let base = &engine.settings().base_url;
    let envelope = Envelope {
        to,
        language: notice.follower.language.tag(),
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
    let sent = mail.send(letter, &envelope).await;
    let put_off = sent.as_ref().is_err_and(|failed| !failed.for_good);
    mail.answered(engine.clock().now(), put_off);
    sent
}

async fn request(
    engine: &Engine,
    claimed: &Notification,
    body: String,
    (url, secret): (&str, Option<&str>),
) -> Result<(), NotSent> {
    let (id, at) = (claimed.id.to_string(), engine.clock().now().as_second());
    let answer = Duration::from_secs(ANSWER_SECONDS_MAX);
    let follow = &engine.0.follow;
    follow.reach.check(url).map_err(later)?;
    let mut request = follow
        .http
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
    let status = sent.map_err(|e| later(because(&e.without_url())))?.status();
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

/// An error with what caused it: "error sending request" alone helps nobody.
fn because(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

pub(super) fn later(failure: impl ToString) -> NotSent {
    NotSent {
        failure: failure.to_string(),
        for_good: false,
    }
}
