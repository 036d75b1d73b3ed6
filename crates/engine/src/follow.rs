//! Followers: asked, confirmed, ended, and told what is posted.
//! Never writes a message: that is the writer's, which the pages set at the start.

mod reach;
mod send;
mod spread;
mod tell;

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::follower::{About, Channel, Email, Follower, Shape};
use domain::id::{FollowerId, IncidentId, NotificationId};
use domain::incident::{Audience, Incident, Update};
use domain::language::Language;
use domain::name::{Hostname, ProductName};
use jiff::{SignedDuration, Timestamp};
use store::{FollowerCount, OnCallStep, StoreError};
use tokio_util::sync::CancellationToken;

use crate::notify::check_step;
use crate::{Engine, EngineError, IncidentView, Mail, Signal};

pub(crate) use reach::Reach;
pub(crate) use send::send;
pub(crate) use spread::spread;

/// How much one address may follow.
pub const FOLLOWINGS_MAX: u32 = 20;
/// An address is asked at most once in this time, so that nobody's mailbox can be filled.
const ASKED_MINUTES: i64 = 10;
/// The most questions to an address in [`CONFIRM_DAYS`] that nobody says yes to: more are no question.
const QUESTIONS_MAX: u32 = 3;
/// Who does not say yes in this time did not ask.
const CONFIRM_DAYS: i64 = 7;
/// How often those are forgotten.
const PURGE_SECONDS: u64 = 3_600;
/// Failures that an incident's count comes with.
const FAILURES_MAX: u32 = 20;

/// A mail as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// On one line.
    pub subject: String,
    /// Plain.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// What was posted, as every mail in one language begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headed {
    /// On one line.
    pub subject: String,
    /// Plain.
    pub text: String,
    /// The same as HTML, still open.
    pub html: String,
}

/// An incident and what was posted in it.
pub(crate) type Told<'a> = (&'a IncidentView, Option<&'a Update>);

/// What a message to a follower is made from.
pub struct Notice<'a> {
    /// To whom.
    pub follower: &'a Follower,
    /// Leads to its page: `/following/TOKEN`.
    pub token: &'a str,
    /// The incident, and the post; none when the incident became public.
    pub told: Option<Told<'a>>,
    /// When it was posted.
    pub at: Timestamp,
}

/// Writes messages to followers.
pub trait Writer: Send + Sync {
    /// What all mails about a post begin with. None when the writer has stopped.
    fn head(&self, told: Told<'_>, language: Language) -> Option<Headed>;
    /// A mail to a follower, after what it begins with; none for the question whether to follow. None when the
    /// writer has stopped.
    fn mail(&self, notice: &Notice<'_>, head: Option<&Headed>) -> Option<Letter>;
    /// The JSON of a webhook. None when there is nothing to tell, or the writer has stopped.
    fn body(&self, shape: Shape, notice: &Notice<'_>) -> Option<serde_json::Value>;
}

/// What telling followers needs besides the store.
pub(crate) struct Follow {
    writer: OnceLock<Arc<dyn Writer>>,
    reach: Reach,
    /// Sends webhooks, within their reach.
    http: reqwest::Client,
    mail: OnceLock<Mail>,
    /// Held while an address is looked up and added: its limits hold for two requests at once.
    asking: tokio::sync::Mutex<()>,
}

impl Follow {
    /// # Errors
    /// When no client can be made.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let reach = Reach::default();
        let http = crate::http_client().dns_resolver(Arc::new(reach.clone()));
        Ok(Self {
            writer: OnceLock::new(),
            reach,
            http: http.build()?,
            mail: OnceLock::new(),
            asking: tokio::sync::Mutex::default(),
        })
    }
}

/// A webhook that staff add.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// HTTP or HTTPS.
    pub url: String,
    /// What the body looks like.
    pub shape: Shape,
    /// Signs a standard one (`whsec_…`); one is drawn without.
    #[serde(default)]
    pub secret: Option<String>,
    /// Only incidents of this product.
    #[serde(default)]
    pub product: Option<ProductName>,
    /// Only incidents of this customer, by name.
    #[serde(default)]
    pub organization: Option<String>,
    /// Only incidents of this site.
    #[serde(default)]
    pub site: Option<Hostname>,
    /// The language of what a person reads in it; English unless it is said.
    #[serde(default)]
    pub language: Language,
}

/// Whether a follower is told of an incident that concerns it: not of what it may not read.
pub(crate) async fn may_be_told(
    engine: &Engine,
    incident: &Incident,
    follower: &Follower,
) -> Result<bool, EngineError> {
    if incident.audience == Audience::Everybody {
        return Ok(true);
    }
    match &follower.channel {
        Channel::Email(email) => {
            let own = engine.organizations_of(email.as_str()).await?;
            Ok(engine.may_read(incident, &own))
        }
        // Staff set it up: for the customer that it is about, if it is about one.
        Channel::Webhook { .. } => {
            Ok(follower.about.organization.is_some() || follower.about.site.is_some())
        }
    }
}

impl Engine {
    /// Lets messages be written. The first writer stays.
    pub fn set_writer(&self, writer: Arc<dyn Writer>) {
        let _ = self.0.follow.writer.set(writer);
    }

    /// Lets followers' webhooks lead into private networks, from now on.
    pub fn allow_private_webhooks(&self) {
        self.0.follow.reach.allow_private();
    }

    /// Lets mail be sent. The first server stays.
    pub fn set_mail(&self, mail: Mail) {
        let _ = self.0.follow.mail.set(mail);
    }

    /// Whether mail can be sent, so that it may be offered.
    #[must_use]
    pub fn offers_mail(&self) -> bool {
        self.0.follow.mail.get().is_some()
    }

    /// What is followed, from the names of things.
    ///
    /// # Errors
    /// When one of them is not here.
    pub fn about(
        &self,
        product: Option<&ProductName>,
        organization: Option<&str>,
        site: Option<&Hostname>,
    ) -> Result<About, EngineError> {
        let fleet = self.fleet();
        let missing = |at: &str, what: String| EngineError::refused_at(at, what);
        if let Some(name) = product
            && fleet.product(name).is_none()
        {
            return Err(missing("product", format!("there is no product {name}")));
        }
        let organization = organization.map(|name| {
            let known = fleet.organization_ids().get(name).copied();
            known.ok_or_else(|| {
                missing(
                    "organization",
                    "there is no organization of that name".into(),
                )
            })
        });
        let site = site.map(|name| {
            let known = fleet.site_at(name).map(|site| site.id);
            known.ok_or_else(|| missing("site", format!("there is no site {name}")))
        });
        Ok(About {
            product: product.cloned(),
            organization: organization.transpose()?,
            site: site.transpose()?,
        })
    }

    /// Asks the holder of an address whether to follow, in a language. Says nothing of whether it follows
    /// already.
    ///
    /// # Errors
    /// When no mail can be sent here, the address is none, or the store fails.
    pub async fn ask_to_follow(
        &self,
        email: &str,
        about: About,
        language: Language,
    ) -> Result<(), EngineError> {
        if !self.offers_mail() {
            let rule =
                "this server sends no mail; follow the feeds instead, /feed.atom or /feed.rss";
            return Err(EngineError::refused_at("email", rule));
        }
        let email = Email::parse(email).map_err(|bad| EngineError::refused_at("email", bad))?;
        let _turn = self.0.follow.asking.lock().await;
        let known = self
            .store()
            .followers_at(email.as_str(), FOLLOWINGS_MAX)
            .await?;
        let now = self.clock().now();
        let recent = SignedDuration::from_mins(ASKED_MINUTES);
        let known_since = known.iter().map(|one| one.asked_at);
        let since = now.saturating_sub(SignedDuration::from_hours(24 * CONFIRM_DAYS));
        let since = since.unwrap_or(Timestamp::MIN);
        let asked = self
            .store()
            .asked_since(email.as_str(), since, QUESTIONS_MAX)
            .await?;
        let asked_enough = asked.len() >= QUESTIONS_MAX as usize;
        // Also by the questions: a following that was ended since has no row any more.
        let asked_just_now = known_since
            .chain(asked)
            .any(|at| now.duration_since(at) < recent);
        let same = known.iter().find(|one| one.about == about);
        match same {
            _ if asked_just_now || asked_enough => return Ok(()),
            Some(follower) if follower.confirmed_at.is_some() => return Ok(()),
            Some(follower) => {
                let ask = self.clock().id();
                let asked = (now, language);
                self.store().ask_again(follower.id, ask, asked).await?;
            }
            None if known.len() >= FOLLOWINGS_MAX as usize => return Ok(()),
            None => {
                let follower = Follower {
                    id: self.clock().id(),
                    channel: Channel::Email(email),
                    about,
                    language,
                    asked_at: now,
                    confirmed_at: None,
                };
                let what = follower.id.to_string();
                let audit = self.audit("a visitor", "asked to follow", &what, "email");
                let (token, ask) = (draw_token()?, Some(self.clock().id()));
                self.store()
                    .add_follower(&follower, &token, ask, &audit)
                    .await?;
            }
        }
        self.signal(Signal::OutboxChanged);
        Ok(())
    }

    /// Adds a webhook; the secret that signs it, if it is signed.
    ///
    /// # Errors
    /// When a part breaks a rule, the address follows this already, or the store fails.
    pub async fn add_webhook(
        &self,
        new: NewWebhook,
        who: &str,
    ) -> Result<(Follower, Option<String>), EngineError> {
        let about = self.about(
            new.product.as_ref(),
            new.organization.as_deref(),
            new.site.as_ref(),
        )?;
        let secret = match (new.shape, new.secret) {
            (Shape::Standard, None) => Some(format!("whsec_{}", STANDARD.encode(draw::<24>()?))),
            (Shape::Standard, given) => given,
            (_, None) => None,
            (_, Some(_)) => {
                let rule = "only the shape standard is signed; leave the secret out";
                return Err(EngineError::refused_at("secret", rule));
            }
        };
        let step = OnCallStep {
            url: new.url,
            secret,
            after_seconds: 0,
        };
        check_step(&step).map_err(|(field, rule)| EngineError::refused_at(field, rule))?;
        let reach = &self.0.follow.reach;
        let within = reach.check(&step.url);
        within.map_err(|rule| EngineError::refused_at("url", rule))?;
        let now = self.clock().now();
        let follower = Follower {
            id: self.clock().id(),
            channel: Channel::Webhook {
                url: step.url,
                shape: new.shape,
                secret: step.secret.clone(),
            },
            about,
            language: new.language,
            asked_at: now,
            confirmed_at: Some(now),
        };
        let (what, masked) = (follower.id.to_string(), follower.channel.masked());
        let audit = self.audit(who, "added a follower", &what, &masked);
        let token = draw_token()?;
        let added = self.store().add_follower(&follower, &token, None, &audit);
        added.await.map_err(|error| match error {
            StoreError::Conflict { .. } => {
                EngineError::conflict("This address follows this already.")
            }
            error => error.into(),
        })?;
        Ok((follower, step.secret))
    }

    /// The follower that a link of a message names.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn following(&self, token: &str) -> Result<Option<Follower>, EngineError> {
        Ok(self.store().follower_by_token(token).await?)
    }

    /// Says yes for a follower; doing it twice is fine. False when the link names none any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn confirm_following(&self, token: &str) -> Result<bool, EngineError> {
        let Some(follower) = self.following(token).await? else {
            return Ok(false);
        };
        let now = self.clock().now();
        self.store().confirm_follower(follower.id, now).await?;
        Ok(true)
    }

    /// Ends a following by the link of its messages; doing it twice is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_following(&self, token: &str) -> Result<(), EngineError> {
        let Some(follower) = self.following(token).await? else {
            return Ok(());
        };
        self.forget(follower.id, "a follower").await.map(drop)
    }

    /// Ends a following.
    ///
    /// # Errors
    /// When there is no such follower or the store fails.
    pub async fn end_follower(&self, id: FollowerId, who: &str) -> Result<(), EngineError> {
        if self.forget(id, who).await? {
            Ok(())
        } else {
            Err(EngineError::not_found("follower", id))
        }
    }

    /// False when it was gone already.
    pub(crate) async fn forget(&self, id: FollowerId, who: &str) -> Result<bool, EngineError> {
        let audit = self.audit(who, "ended a following", &id.to_string(), "");
        match self.store().end_follower(id, &audit).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Followers after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn followers_after(
        &self,
        after: Option<FollowerId>,
        limit: u32,
    ) -> Result<Vec<Follower>, EngineError> {
        Ok(self.store().followers_after(after, limit).await?)
    }

    /// How many there are, by channel and by what they follow.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn follower_counts(&self) -> Result<Vec<FollowerCount>, EngineError> {
        Ok(self.store().follower_counts().await?)
    }

    /// How the followers of an incident were told, with the newest failures.
    ///
    /// # Errors
    /// When there is no such incident or the store fails.
    pub async fn told_followers(&self, incident: IncidentId) -> Result<store::Told, EngineError> {
        if self.store().incident(incident).await?.is_none() {
            return Err(EngineError::not_found("incident", incident));
        }
        Ok(self.store().told(incident, FAILURES_MAX).await?)
    }

    /// Tries a notification again that was given up.
    ///
    /// # Errors
    /// When there is none such or the store fails.
    pub async fn retry_notification(
        &self,
        id: NotificationId,
        who: &str,
    ) -> Result<(), EngineError> {
        let audit = self.audit(who, "retried a notification", &id.to_string(), "");
        let now = self.clock().now();
        if !self.store().retry_notification(id, now, &audit).await? {
            return Err(EngineError::not_found(
                "notification that was given up,",
                id,
            ));
        }
        self.signal(Signal::OutboxChanged);
        Ok(())
    }
}

/// Forgets those who never said yes.
pub(crate) async fn purge(engine: Engine, stop: CancellationToken) {
    loop {
        let days = SignedDuration::from_hours(24 * CONFIRM_DAYS);
        let before = engine.clock().now().saturating_sub(days);
        let purged = engine
            .store()
            .purge_unconfirmed(before.unwrap_or(Timestamp::MIN))
            .await;
        if let Err(error) = purged {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(
                error = cause,
                "could not forget followers who never said yes"
            );
        }
        let wait = std::time::Duration::from_secs(PURGE_SECONDS);
        tokio::select! {
            () = stop.cancelled() => return,
            () = engine.clock().sleep(wait) => {}
        }
    }
}

fn draw_token() -> Result<String, EngineError> {
    Ok(URL_SAFE_NO_PAD.encode(draw::<24>()?))
}

fn draw<const BYTES: usize>() -> Result<[u8; BYTES], EngineError> {
    let mut bytes = [0; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|e| EngineError::remote("draw a secret", &e))?;
    Ok(bytes)
}
