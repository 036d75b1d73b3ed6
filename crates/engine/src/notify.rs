//! Pages the people on call: a signed webhook to each step of the on-call list until somebody
//! acknowledges. Kept in the store's outbox, so that a page outlives the process that made it.
//! Delivery is at least once: receivers tell doubles by `webhook-id`. Never decides what is worth a page.

use std::time::Duration;

use domain::id::{IncidentId, PageId};
use domain::incident::timeline::Fact;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use standardwebhooks::Webhook;
use store::{Attempt, Delivery, OnCallStep, Page, Reminder};
use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineError, Signal, outbox};

/// The most steps of an on-call list.
pub const STEPS_MAX: usize = 20;
/// A step may wait at most a week.
const AFTER_SECONDS_MAX: u32 = 7 * 24 * 3_600;
/// Deliveries under way at once: a slow receiver must not hold up the others.
const DELIVERIES_MAX: u32 = 8;
/// How long a receiver may take to answer.
const ANSWER_SECONDS_MAX: u64 = 60;
/// Over nine days of attempts; by then the page is history.
const ATTEMPTS_MAX: u32 = 1_400;

impl Engine {
    /// Replaces the on-call list; pages made before keep the list they were made with.
    ///
    /// # Errors
    /// When a step has no HTTP address, a secret that is not `whsec_…`, or waits over a week; when
    /// the store fails.
    pub async fn save_on_call(&self, steps: &[OnCallStep], who: &str) -> Result<(), EngineError> {
        if steps.len() > STEPS_MAX {
            let many = format!("{} steps are given; {STEPS_MAX} are allowed", steps.len());
            return Err(EngineError::refused_at("steps", many));
        }
        for (number, step) in steps.iter().enumerate() {
            check_step(step).map_err(|(field, reason)| {
                EngineError::refused_at(&format!("steps[{number}].{field}"), reason)
            })?;
        }
        let what = format!("{} steps", steps.len());
        let before = self.store().on_call().await?;
        let detail = format!("{}; before: {}", list(steps), list(&before));
        let audit = self.audit(who, "changed the on-call list", &what, &detail);
        Ok(self.store().save_on_call(steps, &audit).await?)
    }

    /// Pages the people on call. Returns when the page is durable, not when it has arrived. Without
    /// an on-call list the page is only kept, and the log says so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page(
        &self,
        incident: Option<IncidentId>,
        words: &str,
    ) -> Result<PageId, EngineError> {
        let (page, deliveries) = self.new_page(incident, words).await?;
        self.store().add_page(&page, &deliveries).await?;
        self.paged(&page).await?;
        Ok(page.id)
    }

    /// As [`Engine::page`], as a step of reminding people of a promise; nothing where that step was
    /// taken before, by this process or another.
    pub(crate) async fn remind(&self, of: Reminder, words: &str) -> Result<(), EngineError> {
        let (page, deliveries) = self.new_page(Some(of.incident), words).await?;
        if self.store().add_reminder(of, &page, &deliveries).await? {
            self.paged(&page).await?;
        }
        Ok(())
    }

    /// A page that is added with what it is about.
    pub(crate) async fn new_page(
        &self,
        incident: Option<IncidentId>,
        words: &str,
    ) -> Result<(Page, Vec<Delivery>), EngineError> {
        let steps = self.store().on_call().await?;
        let page = Page {
            id: self.clock().id(),
            incident,
            words: words.into(),
            made_at: self.clock().now(),
            acknowledged: None,
        };
        if steps.is_empty() {
            tracing::warn!(page.id = %page.id, "nobody is on call: {words}");
        }
        let body = self.page_body(&page);
        let deliveries: Vec<_> = steps
            .into_iter()
            .map(|step| self.first_delivery(&page, &body, step))
            .collect();
        Ok((page, deliveries))
    }

    /// What follows when a page was added.
    pub(crate) async fn paged(&self, page: &Page) -> Result<(), EngineError> {
        if let Some(incident) = page.incident {
            let fact = Fact::Paged { page: page.id };
            self.note(incident, self.entry_now("lamplighter", fact))
                .await?;
        }
        self.signal(Signal::OutboxChanged);
        Ok(())
    }

    /// Acknowledges a page: steps that were not reached yet stay quiet. Doing it twice is fine.
    ///
    /// # Errors
    /// When there is no such page or the store fails.
    pub async fn acknowledge_page(&self, id: PageId, who: &str) -> Result<Page, EngineError> {
        let done = self
            .store()
            .acknowledge_page(id, self.clock().now(), who)
            .await?;
        let first = done.ok_or_else(|| EngineError::not_found("page", id))?;
        let page = self
            .store()
            .page(id)
            .await?
            .ok_or_else(|| EngineError::not_found("page", id))?;
        if let (true, Some(incident)) = (first, page.incident) {
            self.note(
                incident,
                self.entry_now(who, Fact::PageAcknowledged { page: id }),
            )
            .await?;
        }
        Ok(page)
    }

    fn page_body(&self, page: &Page) -> String {
        let base = &self.settings().base_url;
        let incident = page
            .incident
            .map(|id| format!("{base}/console/incidents/{id}"));
        serde_json::json!({
            "type": "page",
            "timestamp": page.made_at,
            "data": {
                "page": page.id,
                "incident": page.incident,
                "words": page.words,
                "incident_url": incident,
                "acknowledge_url": format!("{base}/api/v1/pages/{}/acknowledge", page.id),
            },
        })
        .to_string()
    }

    fn first_delivery(&self, page: &Page, body: &str, step: OnCallStep) -> Delivery {
        let after = SignedDuration::from_secs(i64::from(step.after_seconds));
        Delivery {
            id: self.clock().id(),
            page: page.id,
            url: step.url,
            secret: step.secret,
            body: body.into(),
            next_at: page.made_at.saturating_add(after).unwrap_or(Timestamp::MAX),
            attempts: 0,
            fence: 0,
        }
    }
}

/// Delivers what is due until it is stopped.
pub(crate) async fn deliver(engine: Engine, stop: CancellationToken) {
    outbox::run(
        engine,
        stop,
        |engine| async move { deliver_due(&engine).await },
    )
    .await;
}

/// Delivers everything that is due; how long until something may be due again.
async fn deliver_due(engine: &Engine) -> Result<Duration, EngineError> {
    loop {
        let (now, until) = outbox::lease(engine);
        let claimed = engine
            .store()
            .claim_deliveries(now, until, DELIVERIES_MAX)
            .await?;
        if claimed.is_empty() {
            let next = engine.store().next_delivery_at().await?;
            return Ok(outbox::wait_until(engine, next));
        }
        futures_util::stream::iter(claimed)
            .for_each_concurrent(DELIVERIES_MAX as usize, |delivery| {
                attempt(engine, delivery)
            })
            .await;
    }
}

async fn attempt(engine: &Engine, delivery: Delivery) {
    let (page, url) = (delivery.page, host(&delivery.url));
    let attempt = match send(engine, &delivery).await {
        Ok(()) => {
            tracing::info!(page.id = %page, "delivered page {page} to {url}");
            Attempt::Delivered
        }
        Err(failure) if delivery.attempts >= ATTEMPTS_MAX => Attempt::GivenUp { failure },
        Err(failure) => {
            let attempts = delivery.attempts;
            tracing::warn!(page.id = %page, "attempt {attempts} to deliver page {page} to {url} failed: {failure}");
            let at = outbox::again_at(engine, attempts);
            Attempt::Again { at, failure }
        }
    };
    if let Err(e) = engine.store().finish_delivery(&delivery, &attempt).await {
        // The claim runs out and the delivery is attempted again.
        tracing::warn!(page.id = %page, error = &e as &dyn std::error::Error, "could not record a delivery");
    }
}

async fn send(engine: &Engine, delivery: &Delivery) -> Result<(), String> {
    let (id, at) = (delivery.id.to_string(), engine.clock().now().as_second());
    let mut request = engine
        .http()
        .post(&delivery.url)
        .timeout(
            engine
                .clock()
                .on_machine(Duration::from_secs(ANSWER_SECONDS_MAX)),
        )
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", at);
    if let Some(secret) = &delivery.secret {
        let signer = Webhook::new(secret).map_err(|e| e.to_string())?;
        let signature = signer
            .sign(&id, at, delivery.body.as_bytes())
            .map_err(|e| e.to_string())?;
        request = request.header("webhook-signature", signature);
    }
    let response = request
        .body(delivery.body.clone())
        .send()
        .await
        .map_err(|e| e.without_url().to_string())?;
    let status = response.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("the receiver answered {status}"))
    }
}

pub(crate) fn check_step(step: &OnCallStep) -> Result<(), (&'static str, String)> {
    let url: url::Url = step
        .url
        .parse()
        .map_err(|e| ("url", format!("this is no address: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(("url", "only http and https addresses take messages".into()));
    }
    if let Some(secret) = &step.secret {
        let shape = "a secret is \"whsec_\" and base64";
        if !secret.starts_with("whsec_") || Webhook::new(secret).is_err() {
            return Err(("secret", shape.into()));
        }
    }
    if step.after_seconds > AFTER_SECONDS_MAX {
        return Err((
            "after_seconds",
            format!("at most {AFTER_SECONDS_MAX} seconds, a week"),
        ));
    }
    Ok(())
}

/// A list as the audit tells it: hosts and waits; a path may be a secret.
fn list(steps: &[OnCallStep]) -> String {
    let step = |step: &OnCallStep| {
        let signed = if step.secret.is_some() {
            ", signed"
        } else {
            ""
        };
        format!("{} after {} s{signed}", host(&step.url), step.after_seconds)
    };
    match steps {
        [] => "nobody".into(),
        steps => steps.iter().map(step).collect::<Vec<_>>().join(", "),
    }
}

/// What the log says of an address: never its path, which may be a secret.
pub(crate) fn host(url: &str) -> String {
    let url: Option<url::Url> = url.parse().ok();
    url.as_ref()
        .and_then(url::Url::host_str)
        .unwrap_or("an address without a host")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_is_wrong_with_it() {
        let step = |url: &str, secret: Option<&str>, after_seconds| OnCallStep {
            url: url.into(),
            secret: secret.map(str::to_owned),
            after_seconds,
        };
        let field = |step: &OnCallStep| check_step(step).err().map(|(field, _)| field);
        assert_eq!(
            field(&step("https://a.example/x", Some("whsec_c2VjcmV0"), 60)),
            None
        );
        assert_eq!(field(&step("a.example", None, 0)), Some("url"));
        assert_eq!(field(&step("file:///etc/passwd", None, 0)), Some("url"));
        assert_eq!(
            field(&step("https://a.example", Some("secret"), 0)),
            Some("secret")
        );
        assert_eq!(
            field(&step("https://a.example", None, 604_801)),
            Some("after_seconds")
        );
        let steps = [
            step("https://a.example/secret?key=1", Some("whsec_c2VjcmV0"), 0),
            step("https://b.example/", None, 900),
        ];
        let told = "a.example after 0 s, signed, b.example after 900 s";
        assert_eq!((list(&steps), list(&[])), (told.into(), "nobody".into()));
    }
}
