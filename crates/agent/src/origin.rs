//! Asks origins: control planes, and mirrors of what they signed. Believes nothing: `keeper` checks.
//!
//! Only control planes are ever told anything, and shown the agent's token.

mod health;
mod mirror;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clock::Clock;
use jiff::Timestamp;
use protocol::delivery::{Enrol, Enrolled};
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use url::Url;

use crate::wire::{Answer, Call, Wire, WireError};
use crate::{AgentError, AgentSettings};
pub(crate) use health::{Health, Kind};
pub use mirror::MirrorPlace;
use mirror::Shelf;

/// Waiting for an answer longer than this counts as silence.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// However compressed the clock is: a busy machine needs this long.
const ANSWER_WITHIN_MACHINE_MIN: Duration = Duration::from_secs(5);
/// All that one look takes from one origin. What came until then is on disk, and the next look goes on from there.
const TRY_SECONDS_MAX: u64 = 60;
const TRY_WITHIN_MACHINE_MIN: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// Mirrors of one agent.
const MIRRORS_MAX: usize = 16;
/// The path of the agents' API at a control plane; a mirror has the same files without it.
const AGENT_API: &str = "/agent/v1/";

/// All origins: control planes first, then mirrors, each in the order in which they were named.
pub(crate) struct Origins {
    http: Wire,
    all: Vec<Origin>,
    /// How many of them are control planes.
    servers: usize,
    healths: Mutex<Vec<(Kind, Health)>>,
    /// The control plane that answered last.
    preferred: AtomicUsize,
    /// A control plane answers again: whoever waits for a mirror, or to ask again, need not.
    server_back: Notify,
    clock: Clock,
    /// Less than the agent's own looks are apart, so that each of them asks every origin.
    rest_max: Duration,
}

struct Origin {
    /// What it is called, for people: a URL without a slash at its end, or a folder.
    name: String,
    /// `None` for a web server, whose address is its name.
    shelf: Option<Shelf>,
    tally: Tally,
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
    pub(crate) kind: Kind,
    pub(crate) asked: u64,
    /// No answer, an error, or an answer that was too large.
    pub(crate) failed: u64,
    pub(crate) health: Health,
    pub(crate) rests_until: Option<Timestamp>,
}

impl Origin {
    fn new(name: String, shelf: Option<Shelf>) -> Self {
        let tally = Tally::default();
        Self { name, shelf, tally }
    }

    fn server(url: &Url) -> Self {
        let mut url = url.clone();
        // Agents show their token. A user and a password would only get into logs and metrics.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Self::new(url.as_str().trim_end_matches('/').to_owned(), None)
    }

    fn mirror(place: &MirrorPlace) -> Self {
        match place {
            MirrorPlace::Web(url) => Self::server(url),
            MirrorPlace::Folder(folder) => {
                Self::new(folder.display().to_string(), Some(Shelf::new(folder)))
            }
        }
    }
}

impl Origins {
    pub(crate) fn new(settings: &AgentSettings, clock: Clock) -> Result<Self, AgentError> {
        Self::over(http()?, settings, clock)
    }

    pub(crate) fn over(
        http: Wire,
        settings: &AgentSettings,
        clock: Clock,
    ) -> Result<Self, AgentError> {
        if settings.servers.is_empty() {
            return Err(AgentError::NoOrigin);
        }
        if settings.mirrors.len() > MIRRORS_MAX {
            let found = settings.mirrors.len();
            return Err(AgentError::TooManyMirrors {
                found,
                limit: MIRRORS_MAX,
            });
        }
        let mut all: Vec<Origin> = vec![];
        // Named twice it is still one origin, with one tally.
        let add = |all: &mut Vec<Origin>, one: Origin| {
            if all.iter().all(|known| known.name != one.name) {
                all.push(one);
            }
        };
        for url in &settings.servers {
            add(&mut all, Origin::server(url));
        }
        let servers = all.len();
        for place in &settings.mirrors {
            add(&mut all, Origin::mirror(place));
        }
        let kind = |index| {
            if index < servers {
                Kind::Server
            } else {
                Kind::Mirror
            }
        };
        let healths = (0..all.len()).map(|index| (kind(index), Health::default()));
        Ok(Self {
            http,
            healths: Mutex::new(healths.collect()),
            all,
            servers,
            preferred: AtomicUsize::new(0),
            server_back: Notify::new(),
            clock,
            rest_max: settings.rest_max(),
        })
    }

    /// The indexes of all control planes, the last that answered first.
    pub(crate) fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.preferred.load(Ordering::Relaxed), self.servers);
        (0..count).map(move |step| (first + step) % count)
    }

    /// The indexes of the origins that a look asks, the best first.
    pub(crate) fn turns(&self) -> Vec<usize> {
        health::turns(&self.healths(), self.clock.passed())
    }

    pub(crate) fn prefer(&self, origin: usize) {
        if self.is_server(origin) {
            self.preferred.store(origin, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_server(&self, origin: usize) -> bool {
        origin < self.servers
    }

    /// Whether nothing newer can be had elsewhere: a control plane signs it, and goes on doing so.
    pub(crate) fn is_newest(&self, origin: usize) -> bool {
        let healths = self.healths();
        let found = healths.get(origin);
        found.is_some_and(|(kind, health)| *kind == Kind::Server && health.is_well())
    }

    /// Notes that an origin gave an update that passes all checks, up to the timestamp of this version.
    pub(crate) fn answered(&self, origin: usize, asked_at: Duration, timestamp: u64) {
        let now = self.clock.passed();
        let took = now.saturating_sub(asked_at);
        self.note(origin, |health| health.answered(now, took, timestamp));
        self.prefer(origin);
    }

    /// Notes that an origin gave none.
    pub(crate) fn failed(&self, origin: usize) {
        let (now, rest_max) = (self.clock.passed(), self.rest_max);
        let chance = self.clock.chance();
        self.note(origin, |health| health.failed(now, rest_max, chance));
    }

    fn note(&self, origin: usize, change: impl FnOnce(&mut Health)) {
        if let Some((_, health)) = self.healths().get_mut(origin) {
            change(health);
        }
    }

    fn healths(&self) -> std::sync::MutexGuard<'_, Vec<(Kind, Health)>> {
        self.healths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when a look has taken from one origin all the time that it may.
    pub(crate) async fn out_of_time(&self, origin: usize) -> AgentError {
        let within = Duration::from_secs(TRY_SECONDS_MAX);
        crate::pause(&self.clock, within, TRY_WITHIN_MACHINE_MIN).await;
        AgentError::Silent {
            url: self.url(origin, ""),
            reason: format!("it took more than {TRY_SECONDS_MAX} seconds"),
        }
    }

    /// Returns when a control plane answers, if `origin` is a mirror.
    pub(crate) async fn server_is_back(&self, origin: usize) {
        if self.is_server(origin) {
            return std::future::pending().await;
        }
        self.server_back.notified().await;
    }

    /// Returns when a control plane began to tell its events.
    pub(crate) async fn any_server_is_back(&self) {
        self.server_back.notified().await;
    }

    /// How each origin did since the start.
    pub(crate) fn tallies(&self) -> Vec<OriginTally<'_>> {
        let healths = self.healths();
        let both = self.all.iter().zip(healths.iter());
        both.map(|(origin, (kind, health))| OriginTally {
            origin: &origin.name,
            kind: *kind,
            asked: origin.tally.asked.load(Ordering::Relaxed),
            failed: origin.tally.failed.load(Ordering::Relaxed),
            rests_until: health.rests_until.and_then(|until| self.time_at(until)),
            health: health.clone(),
        })
        .collect()
    }

    /// What the clock shows when so much has passed.
    fn time_at(&self, passed: Duration) -> Option<Timestamp> {
        let left = passed.checked_sub(self.clock.passed())?;
        self.clock.now().checked_add(left).ok()
    }

    /// Counts how it went.
    fn tally<T>(&self, origin: usize, came: Result<T, AgentError>) -> Result<T, AgentError> {
        if let Some(Origin { tally, .. }) = self.all.get(origin) {
            tally.asked.fetch_add(1, Ordering::Relaxed);
            let failed = u64::from(came.is_err());
            tally.failed.fetch_add(failed, Ordering::Relaxed);
        }
        came
    }

    /// Reads a file of at most `limit` bytes; `None` when the origin does not have it. `path` is the one that it has
    /// at a control plane, `token` is shown to no mirror.
    pub(crate) async fn file(
        &self,
        origin: usize,
        path: &str,
        token: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        let shelf = self.all.get(origin).and_then(|one| one.shelf.as_ref());
        let copied = path.strip_prefix(AGENT_API).unwrap_or(path);
        let came = match shelf {
            Some(shelf) => self.try_shelf(shelf, copied, limit).await,
            None if self.is_server(origin) => {
                let url = self.url(origin, path);
                let request = self.http.get(&url).bearer_auth(token);
                self.try_file(&url, request, limit).await
            }
            None => {
                let url = self.url(origin, &format!("/{copied}"));
                match self.try_file(&url, self.http.get(&url), limit).await {
                    // Stores of objects answer so for what is not there.
                    Err(AgentError::Answer { status: 403, .. }) => Ok(None),
                    other => other,
                }
            }
        };
        self.tally(origin, came)
    }

    async fn try_file(
        &self,
        url: &str,
        request: Call,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        let request = request.timeout(self.patience());
        let response = request.send().await.map_err(|e| silent(url, &e))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        body(url, good(url, response).await?, limit).await.map(Some)
    }

    async fn try_shelf(
        &self,
        shelf: &Shelf,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        tokio::select! {
            read = shelf.file(path, limit) => read,
            () = self.clock.sleep(self.patience_of_clock()) => Err(AgentError::Silent {
                url: path.into(),
                reason: "no answer in time".into(),
            }),
        }
    }

    /// Opens the stream of events; it has no end, so no timeout.
    pub(crate) async fn events(&self, origin: usize, token: &str) -> Result<Answer, AgentError> {
        let came = self.try_events(origin, token).await;
        self.tally(origin, came)
    }

    /// Notes that a control plane began to tell its events.
    pub(crate) fn greeted(&self, origin: usize) {
        self.note(origin, Health::reached);
        self.server_back.notify_waiters();
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
            let Some(Origin { name: base, .. }) = self.all.get(origin) else {
                continue;
            };
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
        let name = self.all.get(origin).map_or("", |one| one.name.as_str());
        format!("{name}{path}")
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
    let is_busy = [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ]
    .contains(&status);
    if let Some(after) = response.retry_after().filter(|_| is_busy) {
        return Err(AgentError::Busy {
            url: url.into(),
            after,
        });
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
