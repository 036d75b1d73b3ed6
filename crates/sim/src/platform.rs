//! The vendor's platform: every site of the fleet behind one listener, told apart by Host header.
//!
//! Each site is a real relying party: it sends people to the provider, exchanges codes with its own
//! secret, and verifies ID tokens. Where its config comes from differs from act to act. Never knows
//! the provider's accounts.

mod cache;
mod hooks;
mod outcomes;
mod relying_party;
mod settings;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use clock::Clock;
use semver::Version;

use crate::books::Books;
use crate::fleet::Fleet;
use crate::scenario::Releases;
use cache::Cache;
pub(crate) use hooks::signed;
pub use outcomes::send_outcomes;
use relying_party::Pending;
use settings::ClientSettings;

/// Says why a sign-in ended badly, on the answer of the site.
pub const ERROR_HEADER: &str = "sign-in-error";

/// Where sites get their config.
pub enum Source {
    /// The old kind of cache, filled from the shared origin at this address and kept until cleared.
    Legacy {
        /// The origin's address, without a slash at the end.
        origin: String,
        /// What signs requests to clear: a Standard Webhooks secret.
        webhook_secret: String,
    },
    /// Lamplighter's agents: each site asks the agent of its host.
    Agents {
        /// The agents' addresses, without a slash at the end.
        agents: Vec<String>,
    },
}

/// The platform. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

struct Inner {
    clock: Clock,
    http: reqwest::Client,
    fleet: Arc<Fleet>,
    books: Arc<Books>,
    releases: Releases,
    source: Source,
    sites: Vec<Site>,
    /// Sign-ins under way, by state.
    pending: Mutex<HashMap<String, Pending>>,
    /// Documents already parsed: thousands of sites hold the same few.
    parsed: Mutex<HashMap<Bytes, Arc<ClientSettings>>>,
    ended: outcomes::Ended,
}

/// One site: as small as can be, because there are thousands.
#[derive(Default)]
struct Site {
    secret: OnceLock<Box<str>>,
    /// Whether it runs the new release (1) or the old one (0).
    code: AtomicU8,
    cache: Cache,
}

/// What the platform is made of.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// A pooled client that follows no redirects.
    pub http: reqwest::Client,
    /// Whose sites these are.
    pub fleet: Arc<Fleet>,
    /// Where what happened is written down.
    pub books: Arc<Books>,
    /// The code before and after.
    pub releases: Releases,
    /// Where config comes from.
    pub source: Source,
}

impl Platform {
    /// A platform whose sites all run the old release, with empty caches and no secrets yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let sites = parts
            .fleet
            .sites()
            .iter()
            .map(|_| Site::default())
            .collect();
        Self(Arc::new(Inner {
            clock: parts.clock,
            http: parts.http,
            fleet: parts.fleet,
            books: parts.books,
            releases: parts.releases,
            source: parts.source,
            sites,
            pending: Mutex::default(),
            parsed: Mutex::default(),
            ended: outcomes::Ended::default(),
        }))
    }

    /// What it answers over HTTP.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/sign-in", get(relying_party::begin))
            .route("/sign-in/callback", get(relying_party::finish))
            .route("/hooks/actions", post(hooks::act))
            .route("/hooks/activate", post(hooks::activate))
            .with_state(self.clone())
    }

    /// Gives a site the secret that the provider knows it by. Only the first one counts.
    pub fn set_secret(&self, hostname: &str, secret: &str) {
        if let Some(site) = self.find(hostname) {
            let _ = self.0.sites[site].secret.set(secret.into());
        }
    }

    /// How many sites have a secret.
    #[must_use]
    pub fn secrets(&self) -> usize {
        self.0
            .sites
            .iter()
            .filter(|site| site.secret.get().is_some())
            .count()
    }

    /// Fills every cache with the document that the old code uses: what the sites had gathered in
    /// the weeks before the scenario starts.
    ///
    /// # Errors
    /// When the document cannot be read as sign-in settings.
    pub fn fill_caches(&self, body: Bytes) -> Result<(), String> {
        let settings = self
            .parse(body)
            .map_err(|e| format!("the document is no settings: {e}"))?;
        for site in &self.0.sites {
            site.cache.fill(&settings, &self.0.releases.from);
        }
        Ok(())
    }

    /// The release itself: every site runs the new code from now on.
    pub fn run_new_code_everywhere(&self) {
        for site in &self.0.sites {
            site.code.store(1, Ordering::Relaxed);
        }
    }

    /// Sites that run the new code.
    #[must_use]
    pub fn sites_on_new_code(&self) -> usize {
        self.0
            .sites
            .iter()
            .filter(|site| site.code.load(Ordering::Relaxed) == 1)
            .count()
    }

    /// Sites whose cache holds nothing for the code they run: sign-in fails there, whatever
    /// Lamplighter believes. For sites with the old kind of cache.
    #[must_use]
    pub fn broken(&self) -> Vec<usize> {
        let sites = self.0.sites.iter().enumerate();
        sites
            .filter(|(_, site)| !site.cache.holds_for(self.code(site)))
            .map(|(at, _)| at)
            .collect()
    }

    fn code(&self, site: &Site) -> &Version {
        match site.code.load(Ordering::Relaxed) {
            0 => &self.0.releases.from,
            _ => &self.0.releases.to,
        }
    }

    fn find(&self, hostname: &str) -> Option<usize> {
        let host = hostname.split(':').next()?;
        self.0
            .fleet
            .find(host)
            .and_then(|at| usize::try_from(at).ok())
    }

    fn hostname(&self, site: usize) -> &str {
        self.0.fleet.sites()[site].hostname.as_str()
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.0
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn parse(&self, body: Bytes) -> serde_json::Result<Arc<ClientSettings>> {
        let mut parsed = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(settings) = parsed.get(&body) {
            return Ok(settings.clone());
        }
        let settings: Arc<ClientSettings> = Arc::new(serde_json::from_slice(&body)?);
        parsed.insert(body, settings.clone());
        Ok(settings)
    }
}
