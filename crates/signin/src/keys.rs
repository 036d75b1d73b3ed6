//! Signing keys: RSA with 2048 bits, made and used by aws-lc-rs; loaded once, kept in memory.
//! Never leaves the private half unsealed outside this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::body::Bytes;
use domain::sign_in::{Jwk, Jwks, TooEarly, may_retire, may_sign};
use jiff::{SignedDuration, Timestamp};
use store::{KeyState, SigningKeyRow, Store};

use crate::{Provider, SignInError, secret};

/// A client's settings may name a key that another node made: then the keys are loaded again, but
/// not more often than this.
const RELOAD_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// A public key and how far it has come.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct PublishedKey {
    /// The key.
    #[serde(flatten)]
    pub public: Jwk,
    /// How far it has come.
    pub state: KeyState,
}

/// A key that signs.
pub(crate) struct SigningKey {
    public: Jwk,
    state: KeyState,
    /// The first part of every token that it signs.
    head: String,
    pair: RsaKeyPair,
    published_at: Timestamp,
    signed_at: SignedAt,
}

/// When a key last signed, in milliseconds; [`NEVER`] where it did not. It outlives a reload of the keys.
type SignedAt = Arc<AtomicI64>;
const NEVER: i64 = i64::MIN;

impl SigningKey {
    fn from_row(row: SigningKeyRow, signed_at: SignedAt) -> Result<Self, SignInError> {
        let pair = RsaKeyPair::from_pkcs8(&row.private)
            .map_err(|_| SignInError::Crypto("read a signing key"))?;
        let head = serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": row.public.kid });
        let head = secret::encode(head.to_string().as_bytes());
        Ok(Self {
            public: row.public,
            state: row.state,
            head,
            pair,
            published_at: row.published_at,
            signed_at,
        })
    }

    /// When it last signed; `None` for never.
    fn signed_at(&self) -> Option<Timestamp> {
        let millis = self.signed_at.load(Ordering::Relaxed);
        Timestamp::from_millisecond(millis)
            .ok()
            .filter(|_| millis != NEVER)
    }

    /// A signed token (RFC 7515, compact) of `claims`.
    pub(crate) fn sign(&self, claims: &impl serde::Serialize) -> Result<String, SignInError> {
        let fail = || SignInError::Crypto("sign an ID token");
        let claims = serde_json::to_vec(claims).map_err(|_| fail())?;
        let mut token = format!("{}.{}", self.head, secret::encode(&claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                token.as_bytes(),
                &mut signature,
            )
            .map_err(|_| fail())?;
        token.push('.');
        token.push_str(&secret::encode(&signature));
        Ok(token)
    }
}

/// The keys that are not retired, oldest first.
pub(crate) struct KeyRing {
    keys: Vec<Arc<SigningKey>>,
    pub(crate) jwks: Bytes,
    loaded_at: Timestamp,
}

impl KeyRing {
    /// Loads the keys; `known` tells when those of before last signed. What others did before this
    /// process began, or with keys that they made, is not known: such a key may have signed until now.
    pub(crate) async fn load(
        store: &Store,
        known: &HashMap<String, SignedAt>,
        now: Timestamp,
    ) -> Result<Self, SignInError> {
        let rows = store.signing_keys().await?;
        let keys = rows.into_iter().map(|row| {
            let signed_at = known.get(&row.public.kid).cloned();
            let signed_at =
                signed_at.unwrap_or_else(|| Arc::new(AtomicI64::new(now.as_millisecond())));
            SigningKey::from_row(row, signed_at).map(Arc::new)
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let public = Jwks {
            keys: keys.iter().map(|key| key.public.clone()).collect(),
        };
        let jwks =
            serde_json::to_vec(&public).map_err(|_| SignInError::Crypto("write the JWKS"))?;
        Ok(Self {
            keys,
            jwks: jwks.into(),
            loaded_at: now,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.keys.iter().find(|key| key.public.kid == kid).cloned()
    }

    fn signed_at(&self) -> HashMap<String, SignedAt> {
        let each = self.keys.iter();
        each.map(|key| (key.public.kid.clone(), Arc::clone(&key.signed_at)))
            .collect()
    }

    fn newest_active(&self) -> Option<Arc<SigningKey>> {
        self.keys
            .iter()
            .rev()
            .find(|key| key.state == KeyState::Active)
            .cloned()
    }
}

impl Provider {
    /// Makes a signing key. It is `next`, or `active` when no other key is.
    ///
    /// # Errors
    /// When the store or the cryptographic provider fails.
    pub async fn new_signing_key(&self, who: &str) -> Result<PublishedKey, SignInError> {
        let first = self.inner().keys.load().newest_active().is_none();
        let state = if first {
            KeyState::Active
        } else {
            KeyState::Next
        };
        let now = self.now();
        let row = tokio::task::spawn_blocking(move || generate(state, now))
            .await
            .map_err(|_| SignInError::Crypto("make a signing key"))??;
        let audit = self.audit(who, "made a signing key", &row.public.kid);
        self.store().add_signing_key(&row, &audit).await?;
        let mut known = self.inner().keys.load().signed_at();
        known.insert(row.public.kid.clone(), Arc::new(AtomicI64::new(NEVER)));
        self.reload_keys(&known).await?;
        Ok(PublishedKey {
            public: row.public,
            state,
        })
    }

    /// Moves a key to another state. `at_once` is for a key that is not safe any more: it asks neither
    /// whether sites know the key nor whether they may still need it.
    ///
    /// # Errors
    /// When sites may not know it yet or may still check what it signed, settings name it, there is no such
    /// key, it is retired, it is the last active one, or the store fails.
    pub async fn set_key_state(
        &self,
        kid: &str,
        (state, at_once): (KeyState, bool),
        who: &str,
    ) -> Result<(), SignInError> {
        let key = self.inner().keys.load().find(kid);
        // Settings that are published between the look at them and the retirement would name a key that is no more.
        let _held = match state {
            KeyState::Retired => Some(self.clients().hold_settings().await),
            _ => None,
        };
        if let Some(key) = key.filter(|_| !at_once) {
            let may = self.may_move(&key, state);
            may.map_err(|early| SignInError::refused("state", early))?;
        }
        let mut audit = self.audit(who, &format!("made a signing key {}", state.as_str()), kid);
        if at_once {
            audit.detail = "at once".into();
        }
        if !self.store().set_key_state(kid, state, &audit).await? {
            let reason = "there is no such key in use, or it is the last active one";
            return Err(SignInError::refused("kid", reason));
        }
        let known = self.inner().keys.load().signed_at();
        self.reload_keys(&known).await
    }

    fn may_move(&self, key: &SigningKey, state: KeyState) -> Result<(), TooEarly> {
        match state {
            KeyState::Next => Ok(()),
            KeyState::Active => may_sign(key.published_at, self.now()),
            KeyState::Retired => {
                if let Some((document, version)) =
                    self.clients().settings_that_name(&key.public.kid)
                {
                    return Err(TooEarly::Named { document, version });
                }
                may_retire(key.signed_at(), self.settings().token_lifetime, self.now())
            }
        }
    }

    /// The keys that are not retired, oldest first.
    #[must_use]
    pub fn signing_keys(&self) -> Vec<PublishedKey> {
        let published = |key: &Arc<SigningKey>| PublishedKey {
            public: key.public.clone(),
            state: key.state,
        };
        self.inner()
            .keys
            .load()
            .keys
            .iter()
            .map(published)
            .collect()
    }

    /// The key to sign with: the one that a client's settings name; the newest active one where they name
    /// none.
    ///
    /// A site checks tokens with the keys of its settings: signed with another key, its residents
    /// would be refused there, with nothing said here.
    pub(crate) async fn signing_key(
        &self,
        kid: Option<&str>,
    ) -> Result<Arc<SigningKey>, SignInError> {
        let key = self.find_signing_key(kid).await?;
        let now = self.now().as_millisecond();
        key.signed_at.fetch_max(now, Ordering::Relaxed);
        Ok(key)
    }

    async fn find_signing_key(&self, kid: Option<&str>) -> Result<Arc<SigningKey>, SignInError> {
        let ring = self.inner().keys.load_full();
        let Some(kid) = kid else {
            let key = ring.newest_active();
            return key.ok_or(SignInError::Crypto("find an active signing key"));
        };
        if let Some(key) = ring.find(kid) {
            return Ok(key);
        }
        if self.now().duration_since(ring.loaded_at) >= RELOAD_AFTER {
            self.reload_keys(&ring.signed_at()).await?;
        }
        let key = self.inner().keys.load().find(kid);
        key.ok_or_else(|| SignInError::UnknownKey(kid.into()))
    }

    async fn reload_keys(&self, known: &HashMap<String, SignedAt>) -> Result<(), SignInError> {
        let ring = KeyRing::load(self.store(), known, self.now()).await?;
        self.inner().keys.store(Arc::new(ring));
        Ok(())
    }
}

fn generate(state: KeyState, published_at: Timestamp) -> Result<SigningKeyRow, SignInError> {
    let fail = |_| SignInError::Crypto("make a signing key");
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(fail)?;
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)
        .map_err(fail)?
        .as_ref()
        .to_vec();
    let n = secret::encode(
        pair.public_key()
            .modulus()
            .big_endian_without_leading_zero(),
    );
    let e = secret::encode(
        pair.public_key()
            .exponent()
            .big_endian_without_leading_zero(),
    );
    let public = Jwk {
        kty: "RSA".into(),
        usage: "sig".into(),
        alg: "RS256".into(),
        kid: thumbprint(&n, &e),
        n,
        e,
    };
    Ok(SigningKeyRow {
        public,
        state,
        private,
        published_at,
    })
}

/// Names a key by its content (RFC 7638), so that no two keys can share a name.
fn thumbprint(n: &str, e: &str) -> String {
    secret::encode(&secret::hash(&format!(
        r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#
    )))
}
