//! Asks origins, one after the other until one answers. Believes nothing: `keeper` checks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use clock::Clock;
use protocol::delivery::{Enrol, Enrolled};
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::AgentError;
use crate::wire::{Answer, Call, Wire, WireError};

/// Waiting for an answer longer than this counts as silence.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// However compressed the clock is: a busy machine needs this long.
const ANSWER_WITHIN_MACHINE_MIN: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// All origins, and the one that answered last.
pub(crate) struct Origins {
    http: Wire,
    bases: Vec<String>,
    tallies: Vec<Tally>,
    preferred: AtomicUsize,
    clock: Clock,
}

/// How an origin did since the start.
#[derive(Default)]
struct Tally {
    asked: AtomicU64,
    failed: AtomicU64,
}

/// How an origin did since the start, for metrics.
pub(crate) struct OriginTally<'a> {
    pub(crate) origin: &'a str,
    pub(crate) asked: u64,
    /// No answer, an error, or an answer that was too large.
    pub(crate) failed: u64,
}

impl Origins {
    pub(crate) fn new(servers: &[Url], clock: Clock) -> Result<Self, AgentError> {
        Self::over(http()?, servers, clock)
    }

    pub(crate) fn over(http: Wire, servers: &[Url], clock: Clock) -> Result<Self, AgentError> {
        if servers.is_empty() {
            return Err(AgentError::NoOrigin);
        }
        let mut bases: Vec<String> = vec![];
        for url in servers {
            let mut url = url.clone();
            // Agents show their token. A user and a password would only get into logs and metrics.
            let _ = url.set_username("").and_then(|()| url.set_password(None));
            let base = url.as_str().trim_end_matches('/').to_owned();
            // Named twice it is still one origin, with one tally.
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        let tallies = bases.iter().map(|_| Tally::default()).collect();
        Ok(Self {
            http,
            bases,
            tallies,
            preferred: AtomicUsize::new(0),
            clock,
        })
    }

    /// The indexes of all origins, the last that answered first.
    pub(crate) fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.preferred.load(Ordering::Relaxed), self.bases.len());
        (0..count).map(move |step| (first + step) % count)
    }

    pub(crate) fn prefer(&self, origin: usize) {
        self.preferred.store(origin, Ordering::Relaxed);
    }

    /// How each origin did since the start.
    pub(crate) fn tallies(&self) -> impl Iterator<Item = OriginTally<'_>> {
        let both = self.bases.iter().zip(&self.tallies);
        both.map(|(base, tally)| OriginTally {
            origin: base,
            asked: tally.asked.load(Ordering::Relaxed),
            failed: tally.failed.load(Ordering::Relaxed),
        })
    }

    /// Counts how it went.
    fn tally<T>(&self, origin: usize, came: Result<T, AgentError>) -> Result<T, AgentError> {
        if let Some(tally) = self.tallies.get(origin) {
            tally.asked.fetch_add(1, Ordering::Relaxed);
            let failed = u64::from(came.is_err());
            tally.failed.fetch_add(failed, Ordering::Relaxed);
        }
        came
    }

    /// Reads a file of at most `limit` bytes; `None` when the origin does not have it.
    pub(crate) async fn file(
        &self,
        origin: usize,
        path: &str,
        token: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        let came = self.try_file(origin, path, token, limit).await;
        self.tally(origin, came)
    }

    async fn try_file(
        &self,
        origin: usize,
        path: &str,
        token: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        let url = self.url(origin, path);
        let request = self
            .http
            .get(&url)
            .bearer_auth(token)
            .timeout(self.patience());
        let response = request.send().await.map_err(|e| silent(&url, &e))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        body(&url, good(&url, response).await?, limit)
            .await
            .map(Some)
    }

    /// Opens the stream of events; it has no end, so no timeout.
    pub(crate) async fn events(&self, origin: usize, token: &str) -> Result<Answer, AgentError> {
        let came = self.try_events(origin, token).await;
        self.tally(origin, came)
    }

    async fn try_events(&self, origin: usize, token: &str) -> Result<Answer, AgentError> {
        let url = self.url(origin, "/agent/v1/events");
        let response = self.http.get(&url).bearer_auth(token).send();
        let response = tokio::select! {
            biased;
            response = response => response.map_err(|e| silent(&url, &e))?,
            () = self.clock.sleep(self.patience_of_clock()) => {
                return Err(AgentError::Silent { url, reason: "no answer in time".into() });
            }
        };
        good(&url, response).await
    }

    pub(crate) async fn enrol(&self, enrol: &Enrol) -> Result<Enrolled, AgentError> {
        self.ask(|base| self.http.post(format!("{base}/agent/v1/enrol")).json(enrol))
            .await
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
    ) -> Result<T, AgentError> {
        self.ask(|base| self.http.get(format!("{base}{path}")).bearer_auth(token))
            .await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        token: &str,
        body: &impl Serialize,
    ) -> Result<(), AgentError> {
        self.tell(|base| {
            self.http
                .post(format!("{base}{path}"))
                .bearer_auth(token)
                .json(body)
        })
        .await
        .map(drop)
    }

    /// Posts to a URL of this host, such as the site platform's hook.
    pub(crate) async fn post_hook(
        &self,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<(), AgentError> {
        let request = self.http.post(url).json(body).timeout(self.patience());
        let response = request.send().await.map_err(|e| silent(url.as_str(), &e))?;
        good(url.as_str(), response).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: impl Fn(&str) -> Call,
    ) -> Result<T, AgentError> {
        let (url, response) = self.tell(request).await?;
        let bytes = body(&url, response, ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|e| AgentError::Silent {
            url,
            reason: format!("not the JSON expected: {e}"),
        })
    }

    /// Sends to each origin until one answers; a refusal is an answer.
    async fn tell(&self, request: impl Fn(&str) -> Call) -> Result<(String, Answer), AgentError> {
        let mut last = AgentError::NoOrigin;
        for origin in self.order() {
            let base = &self.bases[origin];
            let sent = request(base).timeout(self.patience()).send().await;
            let came = match sent {
                Ok(response) if response.status().is_server_error() => good(base, response).await,
                Ok(response) => Ok(response),
                Err(e) => Err(silent(base, &e)),
            };
            match self.tally(origin, came) {
                Ok(response) => {
                    self.prefer(origin);
                    let url = base.clone();
                    return good(&url, response).await.map(|response| (url, response));
                }
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    fn url(&self, origin: usize, path: &str) -> String {
        format!(
            "{}{path}",
            self.bases.get(origin).map_or("", String::as_str)
        )
    }

    /// Socket timeouts count in the machine's time.
    fn patience(&self) -> Duration {
        self.clock
            .on_machine(ANSWER_WITHIN)
            .max(ANSWER_WITHIN_MACHINE_MIN)
    }

    fn patience_of_clock(&self) -> Duration {
        let machine = self.clock.on_machine(ANSWER_WITHIN).as_secs_f64().max(1e-9);
        ANSWER_WITHIN.mul_f64((ANSWER_WITHIN_MACHINE_MIN.as_secs_f64() / machine).max(1.0))
    }
}

pub(crate) fn http() -> Result<Wire, AgentError> {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .build();
    client.map(Wire::Http).map_err(|_| AgentError::NoOrigin)
}

pub(crate) fn silent(url: &str, error: &WireError) -> AgentError {
    AgentError::Silent {
        url: url.into(),
        reason: error.to_string(),
    }
}

pub(crate) async fn good(url: &str, response: Answer) -> Result<Answer, AgentError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = body(url, response, 4_096).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).chars().take(300).collect();
    Err(AgentError::Answer {
        url: url.into(),
        status: status.as_u16(),
        body,
    })
}

/// Reads a body and stops as soon as it is larger than it may be.
pub(crate) async fn body(
    url: &str,
    mut response: Answer,
    limit: u64,
) -> Result<Vec<u8>, AgentError> {
    let mut bytes = vec![];
    while let Some(chunk) = response.chunk().await.map_err(|e| silent(url, &e))? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(AgentError::TooLarge {
                url: url.into(),
                limit,
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
