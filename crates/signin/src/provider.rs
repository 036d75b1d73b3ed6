//! The provider: its settings, its keys in memory, and what its endpoints share.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use clock::Clock;
use domain::language::Language;
use jiff::{SignedDuration, Timestamp};
use store::{AuditEntry, Store};
use tokio::sync::Mutex;

use crate::keys::KeyRing;
use crate::password::Passwords;
use crate::{Clients, SignInError, discovery};

const PURGE_ROWS_MAX: u32 = 1_000;
const PURGE_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// What the vendor decides about sign-in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who issues ID tokens: where browsers and sites reach this server, without a last slash.
    pub issuer: String,
    /// The language of readers who ask for none.
    pub language: Language,
    /// How long a site has to exchange a code. RFC 6749 recommends at most 10 minutes.
    pub code_lifetime: SignedDuration,
    /// How long ID tokens and access tokens are valid.
    pub token_lifetime: SignedDuration,
    /// How long a browser stays signed in.
    pub session_lifetime: SignedDuration,
    /// How long it stays signed in when the resident asked to be remembered.
    pub remembered_lifetime: SignedDuration,
    /// How long a sign-in form can be filled in.
    pub form_lifetime: SignedDuration,
}

impl Settings {
    /// The defaults: English, codes 60 s, tokens 10 min, sessions 12 h, remembered 30 days, forms 30 min.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.trim_end_matches('/').into(),
            language: Language::default(),
            code_lifetime: SignedDuration::from_secs(60),
            token_lifetime: SignedDuration::from_mins(10),
            session_lifetime: SignedDuration::from_hours(12),
            remembered_lifetime: SignedDuration::from_hours(30 * 24),
            form_lifetime: SignedDuration::from_mins(30),
        }
    }
}

/// The OpenID Connect provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

pub(crate) struct Inner {
    store: Store,
    clock: Clock,
    settings: Settings,
    clients: Box<dyn Clients>,
    pub(crate) keys: ArcSwap<KeyRing>,
    pub(crate) passwords: Passwords,
    pub(crate) canary: Mutex<Option<CanarySession>>,
    pub(crate) metadata: axum::body::Bytes,
}

/// A session of the canary account, shared by all probes.
#[derive(Clone, Debug)]
pub(crate) struct CanarySession {
    pub(crate) cookie: String,
    pub(crate) renew_at: Timestamp,
}

impl Provider {
    /// Loads the signing keys, and makes the first one where there is none.
    ///
    /// # Errors
    /// When the store or the cryptographic provider fails.
    pub async fn open(
        store: Store,
        clock: Clock,
        settings: Settings,
        clients: impl Clients,
    ) -> Result<Self, SignInError> {
        let keys = KeyRing::load(&store, &HashMap::new(), clock.now()).await?;
        let provider = Self(Arc::new(Inner {
            metadata: discovery::document(&settings.issuer),
            store,
            clock,
            settings,
            clients: Box::new(clients),
            keys: ArcSwap::from_pointee(keys),
            passwords: Passwords::default(),
            canary: Mutex::default(),
        }));
        if provider.inner().keys.load().is_empty() {
            provider.new_signing_key("first run").await?;
        }
        Ok(provider)
    }

    /// Deletes what has ended, every minute, until it is dropped.
    pub async fn purge_forever(self) {
        loop {
            if let Err(error) = self.purge().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "could not delete ended sessions, codes and tokens");
            }
            self.clock().sleep(PURGE_EVERY).await;
        }
    }

    /// Deletes what has ended: sessions, codes, tokens, counted attempts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn purge(&self) -> Result<(), SignInError> {
        let kept = self.settings().token_lifetime;
        let limit = PURGE_ROWS_MAX;
        while self.store().purge_sign_in(kept, limit, self.now()).await? == u64::from(limit) {}
        Ok(())
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn clients(&self) -> &dyn Clients {
        &*self.0.clients
    }

    /// What the vendor decided.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn audit(&self, who: &str, act: &str, what: &str) -> AuditEntry {
        AuditEntry {
            id: self.0.clock.id(),
            at: self.now(),
            who: who.into(),
            act: act.into(),
            what: what.into(),
            detail: String::new(),
        }
    }
}

/// `now + lifetime`, at the end of time at the latest.
pub(crate) fn after(now: Timestamp, lifetime: SignedDuration) -> Timestamp {
    now.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
}
