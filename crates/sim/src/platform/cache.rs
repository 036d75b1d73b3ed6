//! The old kind of config cache: filled once, kept until cleared.
//!
//! It does not ask which code the site runs: that is the fault the incident is about. Never
//! refreshes by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use semver::Version;

use super::settings::ClientSettings;
use super::{Platform, Source};

/// A site's cache.
#[derive(Default)]
pub(super) struct Cache {
    state: Mutex<State>,
    /// Held by the one who refills.
    refilling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The newest generation it acted on.
    generation: u64,
    /// Counts clears, so that what was fetched before one is not kept after it.
    clears: u32,
}

struct Held {
    settings: Arc<ClientSettings>,
    /// The code it was fetched for.
    code: Version,
}

/// What became of a request to clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cleared {
    /// The cache is empty now.
    Now,
    /// It had been cleared at this generation or a newer one.
    Before,
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fill(&self, settings: &Arc<ClientSettings>, code: &Version) {
        self.state().held = Some(Held {
            settings: settings.clone(),
            code: code.clone(),
        });
    }

    /// Clears it, unless it was cleared at `generation` or later.
    pub(super) fn clear(&self, generation: u64) -> Cleared {
        let mut state = self.state();
        if generation <= state.generation {
            return Cleared::Before;
        }
        state.generation = generation;
        state.clears += 1;
        state.held = None;
        Cleared::Now
    }

    /// Whether it holds what was fetched for `code`.
    pub(super) fn holds_for(&self, code: &Version) -> bool {
        self.state()
            .held
            .as_ref()
            .is_some_and(|held| held.code == *code)
    }

    fn held(&self) -> Option<Arc<ClientSettings>> {
        self.state().held.as_ref().map(|held| held.settings.clone())
    }

    /// What it holds, or what `fetch` brings. Many may ask at once; one fetches.
    pub(super) async fn get<F>(
        &self,
        code: Version,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<ClientSettings>, &'static str>
    where
        F: Future<Output = Result<Arc<ClientSettings>, &'static str>>,
    {
        if let Some(settings) = self.held() {
            return Ok(settings);
        }
        let _turn = self.refilling.lock().await;
        if let Some(settings) = self.held() {
            return Ok(settings);
        }
        let clears = self.state().clears;
        let settings = fetch().await?;
        let mut state = self.state();
        if state.clears == clears {
            state.held = Some(Held {
                settings: settings.clone(),
                code,
            });
        }
        Ok(settings)
    }
}

impl Platform {
    /// The settings a site signs people in with; an error names its code.
    pub(super) async fn settings(&self, site: usize) -> Result<Arc<ClientSettings>, &'static str> {
        match &self.0.source {
            Source::Agents { agents } => {
                let agent = &agents[site % agents.len()];
                let (host, code) = (self.hostname(site), self.code(&self.0.sites[site]));
                let address = format!("{agent}/v1/sites/{host}/config/sign-in/client?code={code}");
                self.fetch(&address).await
            }
            Source::Legacy { .. } => {
                // A visitor who gives up must not stop the refill for everybody else.
                let platform = self.clone();
                let refill = tokio::spawn(async move { platform.cached(site).await });
                refill.await.unwrap_or(Err("no_config"))
            }
        }
    }

    async fn cached(&self, site: usize) -> Result<Arc<ClientSettings>, &'static str> {
        let Source::Legacy { origin, .. } = &self.0.source else {
            return Err("no_config");
        };
        let code = self.code(&self.0.sites[site]).clone();
        let address = format!("{origin}/config/{}?code={code}", self.hostname(site));
        let refill = || async {
            let settings = self.fetch(&address).await?;
            self.0.books.refill(self.0.clock.now());
            Ok(settings)
        };
        self.0.sites[site].cache.get(code, refill).await
    }

    async fn fetch(&self, address: &str) -> Result<Arc<ClientSettings>, &'static str> {
        let answer = async {
            self.0
                .http
                .get(address)
                .send()
                .await?
                .error_for_status()?
                .bytes()
                .await
        };
        let body = answer.await.map_err(|e| {
            tracing::debug!("no config from {address}: {e}");
            "no_config"
        })?;
        self.parse(body).map_err(|e| {
            tracing::warn!("bad config from {address}: {e}");
            "bad_config"
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn settings() -> Arc<ClientSettings> {
        let json = serde_json::json!({"issuer": "http://127.0.0.1:1",
            "authorization_endpoint": "http://127.0.0.1:1/a", "token_endpoint": "http://127.0.0.1:1/t",
            "jwks": {"keys": []}});
        Arc::new(serde_json::from_value(json).unwrap())
    }

    #[tokio::test]
    async fn many_who_ask_at_once_cause_one_refill() {
        let (cache, fetches) = (Cache::default(), AtomicU32::new(0));
        let ask = || {
            cache.get(Version::new(5, 1, 0), || async {
                fetches.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(settings())
            })
        };
        let all = futures_util::future::join_all((0..10).map(|_| ask())).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(fetches.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failed_refill_leaves_the_cache_empty_for_the_next() {
        let cache = Cache::default();
        let code = || Version::new(5, 2, 0);
        assert!(
            cache
                .get(code(), || async { Err("no_config") })
                .await
                .is_err()
        );
        assert!(cache.get(code(), || async { Ok(settings()) }).await.is_ok());
        assert!(cache.holds_for(&code()));
        assert!(!cache.holds_for(&Version::new(5, 1, 0)));
    }

    #[test]
    fn a_generation_clears_once() {
        let cache = Cache::default();
        cache.fill(&settings(), &Version::new(5, 1, 0));
        assert_eq!(cache.clear(2), Cleared::Now);
        assert_eq!(cache.clear(2), Cleared::Before);
        assert_eq!(cache.clear(1), Cleared::Before);
        assert_eq!(cache.clear(3), Cleared::Now);
        assert!(cache.held().is_none());
    }

    #[tokio::test]
    async fn what_was_fetched_before_a_clear_is_not_kept_after_it() {
        let cache = Cache::default();
        let fetch = || async {
            cache.clear(1);
            Ok(settings())
        };
        cache.get(Version::new(5, 1, 0), fetch).await.unwrap();
        assert!(cache.held().is_none());
    }
}
