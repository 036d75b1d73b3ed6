//! The keys that sign ID tokens: sealed, and never deleted while a token may need them.

use super::*;

/// How far a signing key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published; signs only where a client's settings name it.
    Next,
    /// Signs.
    Active,
    /// No longer published.
    Retired,
}

impl KeyState {
    const ALL: [Self; 3] = [Self::Next, Self::Active, Self::Retired];

    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A signing key with its private half, unsealed.
pub struct SigningKeyRow {
    /// The public half.
    pub public: Jwk,
    /// How far it has come.
    pub state: KeyState,
    /// PKCS#8.
    pub private: Vec<u8>,
    /// Since when it is published.
    pub published_at: Timestamp,
}

impl Store {
    /// Adds a signing key, sealed.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn add_signing_key(
        &self,
        key: &SigningKeyRow,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO signing_keys (kid, state, public_jwk, private_key, created_at) \
            VALUES ($1, $2, $3, $4, $5)";
        let kid = &key.public.kid;
        let public = serde_json::to_string(&key.public).unwrap_or_default();
        let sealed = self.sealer.seal(&key_context(kid), &key.private)?;
        let params = params![kid, key.state.as_str(), public, sealed, key.published_at];
        self.db
            .write(Change::new().run(ADD, params).audit(audit))
            .await
            .map(drop)
    }

    /// The signing keys that are not retired, oldest first.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyRow>, StoreError> {
        const LIST: &str = "SELECT kid, state, public_jwk, private_key, created_at FROM signing_keys \
            WHERE state <> 'retired' ORDER BY created_at, kid";
        let rows = self.db.read(LIST, vec![]).await?;
        rows.iter().map(|row| self.signing_key(row)).collect()
    }

    /// The public halves of the signing keys that are not retired, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn public_signing_keys(&self) -> Result<Vec<Jwk>, StoreError> {
        const LIST: &str = "SELECT public_jwk FROM signing_keys \
            WHERE state <> 'retired' ORDER BY created_at, kid";
        let rows = self.db.read(LIST, vec![]).await?;
        rows.iter().map(|row| public_key(row.str(0)?)).collect()
    }

    fn signing_key(&self, row: &Row) -> Result<SigningKeyRow, StoreError> {
        let state = row.str(1)?;
        Ok(SigningKeyRow {
            public: public_key(row.str(2)?)?,
            state: KeyState::parse(state).ok_or_else(|| corrupt("key state", &state))?,
            private: self
                .sealer
                .unseal(&key_context(row.str(0)?), row.bytes(3)?)?,
            published_at: row.time(4)?,
        })
    }

    /// Moves a signing key to another state; a retired key stays retired, and the last active key
    /// stays active. False when nothing was changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_key_state(
        &self,
        kid: &str,
        state: KeyState,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        const MOVE: &str = "UPDATE signing_keys SET state = $2 WHERE kid = $1 \
            AND state <> 'retired' AND ($2 = 'active' OR EXISTS (SELECT 1 FROM signing_keys other \
            WHERE other.state = 'active' AND other.kid <> $1))";
        let change = Change::new()
            .run(MOVE, params![kid, state.as_str()])
            .expect_rows(1)
            .audit(audit);
        match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }
}

fn public_key(text: &str) -> Result<Jwk, StoreError> {
    serde_json::from_str(text).map_err(|e| corrupt("public key", &e.to_string()))
}

fn key_context(kid: &str) -> String {
    format!("signing key {kid}")
}
