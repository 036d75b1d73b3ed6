//! Signing keys: RSA with 2048 bits, made and used by aws-lc-rs; loaded once, kept in memory.
//! Never leaves the private half unsealed outside this process.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::body::Bytes;
use domain::sign_in::{Jwk, Jwks};
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
}

impl SigningKey {
    fn from_row(row: SigningKeyRow) -> Result<Self, SignInError> {
        let pair = RsaKeyPair::from_pkcs8(&row.private)
            .map_err(|_| SignInError::Crypto("read a signing key"))?;
        let head = serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": row.public.kid });
        let head = secret::encode(head.to_string().as_bytes());
        Ok(Self {
            public: row.public,
            state: row.state,
            head,
            pair,
        })
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
    pub(crate) async fn load(store: &Store, now: Timestamp) -> Result<Self, SignInError> {
        let rows = store.signing_keys().await?;
        let keys = rows
            .into_iter()
            .map(|row| SigningKey::from_row(row).map(Arc::new));
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
        let row = tokio::task::spawn_blocking(move || generate(state))
            .await
            .map_err(|_| SignInError::Crypto("make a signing key"))??;
        let audit = self.audit(who, "made a signing key", &row.public.kid);
        self.store().add_signing_key(&row, &audit).await?;
        self.reload_keys().await?;
        Ok(PublishedKey {
            public: row.public,
            state,
        })
    }

    /// Moves a key to another state. Retire one only when no settings name it and the longest
    /// token lifetime has passed.
    ///
    /// # Errors
    /// When there is no such key, it is retired, it is the last active one, or the store fails.
    pub async fn set_key_state(
        &self,
        kid: &str,
        state: KeyState,
        who: &str,
    ) -> Result<(), SignInError> {
        let audit = self.audit(who, &format!("made a signing key {}", state.as_str()), kid);
        if !self.store().set_key_state(kid, state, &audit).await? {
            let reason = "there is no such key in use, or it is the last active one";
            return Err(SignInError::refused("kid", reason));
        }
        self.reload_keys().await
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

    /// The key that a client's settings name; the newest active one where they name none.
    ///
    /// A site checks tokens with the keys of its settings: signed with another key, its residents
    /// would be refused there, with nothing said here.
    pub(crate) async fn signing_key(
        &self,
        kid: Option<&str>,
    ) -> Result<Arc<SigningKey>, SignInError> {
        let ring = self.inner().keys.load_full();
        let Some(kid) = kid else {
            let key = ring.newest_active();
            return key.ok_or(SignInError::Crypto("find an active signing key"));
        };
        if let Some(key) = ring.find(kid) {
            return Ok(key);
        }
        if self.now().duration_since(ring.loaded_at) >= RELOAD_AFTER {
            self.reload_keys().await?;
        }
        let key = self.inner().keys.load().find(kid);
        key.ok_or_else(|| SignInError::UnknownKey(kid.into()))
    }

    async fn reload_keys(&self) -> Result<(), SignInError> {
        let ring = KeyRing::load(self.store(), self.now()).await?;
        self.inner().keys.store(Arc::new(ring));
        Ok(())
    }
}

fn generate(state: KeyState) -> Result<SigningKeyRow, SignInError> {
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
    })
}

/// Names a key by its content (RFC 7638), so that no two keys can share a name.
fn thumbprint(n: &str, e: &str) -> String {
    secret::encode(&secret::hash(&format!(
        r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#
    )))
}
