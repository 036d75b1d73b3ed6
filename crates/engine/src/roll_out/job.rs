//! One site of one campaign, from its claim to its proof: act, probe, try again, give up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::campaign::row::{TRIES_MAX, backoff_seconds};
use domain::campaign::{Action, Campaign};
use domain::id::SiteId;
use domain::name::{Hostname, ProductName};
use domain::site::state::Evidence;
use protocol::action::{Act, Action as Message};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use store::Answer;
use url::Url;

use super::Book;
use crate::fleet::AuditOf;
use crate::probe::{Probe, reason_of};
use crate::{Engine, EngineError, Signal, SiteIndex};

/// A webhook that takes longer than this is tried again.
const WEBHOOK_MAX: Duration = Duration::from_secs(15);
/// An agent that is silent longer than this is asked again.
const AGENT_MAX: Duration = Duration::from_secs(60);
/// A refill may still be under way when the first probe comes.
const PROBES_PER_TRY: u32 = 2;
const BETWEEN_PROBES: Duration = Duration::from_secs(2);

/// How a campaign's actions reach its sites.
pub(super) struct Sender {
    /// The product's webhook, for sites without an agent; with what signs it.
    webhook: Option<(Url, Option<Webhook>)>,
}

pub(super) struct Job {
    pub(super) engine: Engine,
    pub(super) campaign: Arc<Campaign>,
    pub(super) sender: Arc<Sender>,
    pub(super) book: Arc<Book>,
    pub(super) site: SiteId,
    pub(super) index: SiteIndex,
    pub(super) fence: u64,
}

/// Why a try ended without proof.
enum Setback {
    /// The site, its agent or its probe said no.
    Failed(String),
    /// The row is not ours any more, or cannot be written: whoever holds it goes on.
    Lost,
}

impl Sender {
    pub(super) async fn new(engine: &Engine, campaign: &Campaign) -> Result<Self, EngineError> {
        let name = &campaign.order.selection.product;
        let url = engine
            .fleet()
            .product(name)
            .and_then(|one| one.settings.webhook_url.clone());
        let by_webhook = campaign.order.action == Action::ClearCache;
        let webhook = match url.filter(|_| by_webhook) {
            Some(url) => Some((url, signer(engine, name).await?)),
            None => None,
        };
        Ok(Self { webhook })
    }
}

async fn signer(engine: &Engine, product: &ProductName) -> Result<Option<Webhook>, EngineError> {
    let Some(secret) = engine.store().webhook_secret(product).await? else {
        return Ok(None);
    };
    // Standard Webhooks writes secrets as `whsec_` and base64; others are taken as they are.
    let standard = std::str::from_utf8(&secret)
        .ok()
        .filter(|text| text.starts_with("whsec_"));
    let webhook = match standard {
        Some(text) => Webhook::new(text),
        None => Webhook::from_bytes(secret),
    };
    Ok(webhook.ok())
}

impl Job {
    /// Sees the site through. `tries` counts this try; `found` says that a process before this one
    /// began it, so that it may be done already.
    pub(super) async fn carry(&self, mut tries: u32, found: bool) {
        if found && self.is_done_already().await {
            return self.settle(Answer::Verified).await;
        }
        loop {
            match self.attempt().await {
                Ok(()) => return self.settle(Answer::Verified).await,
                Err(Setback::Lost) => return self.lose(),
                Err(Setback::Failed(reason)) if tries >= TRIES_MAX => {
                    return self.settle(Answer::Failed { reason }).await;
                }
                Err(Setback::Failed(reason)) => {
                    if !self.answer(&Answer::Again { reason }).await {
                        return self.lose();
                    }
                    let wait = backoff_seconds(tries, rand::random());
                    self.engine
                        .clock()
                        .sleep(Duration::from_secs_f64(wait))
                        .await;
                    tries += 1;
                }
            }
        }
    }

    /// Asks the site itself: the process that died cannot be asked.
    async fn is_done_already(&self) -> bool {
        let runs_it = match &self.campaign.order.action {
            Action::ActivateRelease { version } => {
                let site = self.engine.fleet().site(self.index);
                site.is_some_and(|site| site.running == *version)
            }
            Action::ClearCache | Action::Refresh => true,
        };
        runs_it && matches!(self.engine.probe(self.index).await, Probe::Works { .. })
    }

    async fn attempt(&self) -> Result<(), Setback> {
        self.engine.learn([self.index], Evidence::ActionSent);
        self.send().await.map_err(Setback::Failed)?;
        if !self.answer(&Answer::Acted).await {
            return Err(Setback::Lost);
        }
        if let Action::ActivateRelease { version } = &self.campaign.order.action {
            self.activated(version).await?;
        }
        self.prove().await.map_err(Setback::Failed)
    }

    async fn send(&self) -> Result<(), String> {
        let fleet = self.engine.fleet();
        let site = fleet.site(self.index).ok_or("there is no such site")?;
        if let Action::ActivateRelease { version } = &self.campaign.order.action {
            self.engine
                .is_ready(self.index, version)
                .map_err(|e| format!("not ready: {e}"))?;
        }
        // At least as new as what the site was judged by.
        let repository = self.engine.repository().version();
        let message = self.message(site.hostname.clone(), repository);
        match &self.sender.webhook {
            Some((url, Some(signer))) => self.call(url, signer, &message).await,
            Some((_, None)) => Err("the product has no webhook_secret to sign with".into()),
            None => self.ask_agent(message).await,
        }
    }

    fn message(&self, site: Hostname, repository: u64) -> Message {
        Message {
            act: match &self.campaign.order.action {
                Action::ClearCache => Act::ClearCache,
                Action::Refresh => Act::Refresh,
                Action::ActivateRelease { version } => Act::ActivateRelease {
                    version: version.clone(),
                    repository,
                },
            },
            site,
            campaign: self.campaign.id,
            generation: self.campaign.generation,
            fence: self.fence,
        }
    }

    async fn call(&self, url: &Url, signer: &Webhook, message: &Message) -> Result<(), String> {
        let body = serde_json::to_vec(message).map_err(|e| e.to_string())?;
        // The same for every try of the same action, so that a receiver may tell repeats apart.
        let id = format!("{}.{}", message.campaign, message.site);
        let at = self.engine.clock().now().as_second();
        let signature = signer.sign(&id, at, &body).map_err(|e| e.to_string())?;
        let sent = self
            .engine
            .http()
            .post(url.clone())
            .header("content-type", "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, at.to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(body)
            .timeout(self.engine.machine_limit(WEBHOOK_MAX))
            .send()
            .await;
        let response = sent.map_err(|e| format!("webhook: {}", reason_of(&e)))?;
        let status = response.status();
        // Read to its end, so that the connection is used again.
        let _ = response.bytes().await;
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("webhook: answered {status}"))
        }
    }

    async fn ask_agent(&self, message: Message) -> Result<(), String> {
        let desk = &self.engine.0.roll_out.desk;
        let outcome = desk.lay_out(self.site, message);
        if let Some(agent) = self.engine.agent_of_site(self.site) {
            self.engine.signal(Signal::ActionsWaiting(agent));
        }
        let limit = self.engine.machine_limit(AGENT_MAX);
        match tokio::time::timeout(limit, outcome).await {
            Ok(Ok(outcome)) => outcome.map_err(|reason| format!("agent: {reason}")),
            Ok(Err(_)) => Err("a newer action took this one's place".into()),
            Err(_) => {
                desk.take_back(self.site, self.fence);
                Err("no agent answered for this site".into())
            }
        }
    }

    /// The agent switched the code: from now on the site runs the release.
    async fn activated(&self, version: &semver::Version) -> Result<(), Setback> {
        let (what, detail) = (self.campaign.id.to_string(), self.site.to_string());
        let act = "activated a release on a site";
        let audit = AuditOf {
            who: "campaigns",
            act,
            what: &what,
            detail: &detail,
        };
        let release = (&self.campaign.order.selection.product, version);
        let saved = self.engine.set_running(&[self.site], release, &audit).await;
        saved.map_err(|e| Setback::Failed(e.to_string()))
    }

    async fn prove(&self) -> Result<(), String> {
        let mut said = String::new();
        for probe in 1..=PROBES_PER_TRY {
            match self.engine.probe(self.index).await {
                Probe::Works { .. } => return Ok(()),
                other => said = other.to_string(),
            }
            if probe < PROBES_PER_TRY {
                self.engine.clock().sleep(BETWEEN_PROBES).await;
            }
        }
        Err(said)
    }

    async fn settle(&self, answer: Answer) {
        if !self.answer(&answer).await {
            return self.lose();
        }
        if let Answer::Failed { reason } = &answer {
            self.engine.learn([self.index], Evidence::GivenUp);
            self.book.settle(Some(reason));
        } else {
            self.engine.learn([self.index], Evidence::Verified);
            self.book.settle(None);
        }
    }

    /// True when the answer counts.
    async fn answer(&self, answer: &Answer) -> bool {
        let (id, site, now) = (self.campaign.id, self.site, self.engine.clock().now());
        match self
            .engine
            .store()
            .answer(id, site, self.fence, answer, now)
            .await
        {
            Ok(counted) => counted,
            Err(error) => {
                tracing::warn!(campaign.id = %id, site.id = %site, "could not save an answer of site {site}: {error}");
                false
            }
        }
    }

    fn lose(&self) {
        self.book.broken.store(true, Ordering::Release);
        self.engine.0.roll_out.look_again();
    }
}
