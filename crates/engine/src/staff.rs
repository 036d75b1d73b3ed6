//! Tokens of staff, agents and sites: made once, shown once, stored as a hash.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Clock;
use domain::access::Role;
use domain::id::HolderId;
use domain::text::reads_alike;
use store::{AuditEntry, Holder, HolderInUse, Store};
use tokio::sync::broadcast;

use crate::{Engine, EngineError};

const TOKEN_BYTES: usize = 32;
pub(crate) const PREFIX: &str = "lmp_";
/// What the audit calls whoever uses the token in the data folder.
const BREAK_GLASS: &str = "break-glass";

/// What acts by itself is called in the audit and in timelines: nobody holds a token of such a name.
const OWN_NAMES: [&str; 11] = [
    "a customer",
    "a follower",
    "a visitor",
    "campaigns",
    "detection",
    "first run",
    "lamplighter",
    "probes",
    "readers",
    "the schedule",
    "the watch",
];

/// A fresh token. The only time that it can be read.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Who holds it.
    pub holder: Holder,
    /// `lmp_` and 43 characters.
    pub token: String,
}

/// What is stored of a token. Tokens are random, so a plain SHA-256 cannot be searched backwards.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

impl Engine {
    /// Makes a token for `name`.
    ///
    /// # Errors
    /// When the name is empty, longer than 100 characters or somebody else's, or the store fails.
    pub async fn make_token(
        &self,
        name: &str,
        role: Role,
        who: &str,
    ) -> Result<NewToken, EngineError> {
        check_name(name)?;
        let token = fresh_token()?;
        let holder = Holder {
            id: self.clock().id(),
            name: name.into(),
            role,
        };
        let detail = format!("{}, {}", role.as_str(), holder.id);
        let audit = self.audit(who, "made a token", name, &detail);
        let _one_at_a_time = self.0.names.lock().await;
        let added = self
            .store()
            .add_holder(&holder, &token_hash(&token), &audit)
            .await?;
        if !added {
            let reason = format!(
                "a holder of a token is called {name} already; choose another name, or withdraw that token first"
            );
            return Err(EngineError::refused_at("name", reason));
        }
        Ok(NewToken { holder, token })
    }

    /// Tokens in use, by their holders, after `after`, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holders(
        &self,
        after: Option<HolderId>,
        limit: u32,
    ) -> Result<Vec<HolderInUse>, EngineError> {
        Ok(self.store().holders(after, limit).await?)
    }

    /// Withdraws the token of a holder, who may be named by the identifier of the agent that it is.
    ///
    /// # Errors
    /// When there is no such token, it is withdrawn already, or the store fails.
    pub async fn withdraw_token(&self, id: HolderId, who: &str) -> Result<(), EngineError> {
        let none = || EngineError::not_found("token in use", id);
        let holder = self.store().holder_in_use(id).await?.ok_or_else(none)?;
        let detail = format!("{}, {}", holder.role.as_str(), holder.id);
        let audit = self.audit(who, "withdrew a token", &holder.name, &detail);
        if !self.store().withdraw_holder(holder.id, &audit).await? {
            return Err(none());
        }
        // Nobody need listen.
        let _ = self.0.withdrawn.send(id);
        Ok(())
    }

    /// Listens to withdrawals of tokens. A listener that lags asks who holds its token.
    #[must_use]
    pub fn withdrawals(&self) -> broadcast::Receiver<HolderId> {
        self.0.withdrawn.subscribe()
    }

    /// Who holds `token`; `None` for a wrong or withdrawn one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holder(&self, token: &str) -> Result<Option<Holder>, EngineError> {
        if !token.starts_with(PREFIX) || token.len() > 100 {
            return Ok(None);
        }
        Ok(self.store().holder_by_token(&token_hash(token)).await?)
    }
}

/// The token that needs no sign-in service, so that sign-in being down never locks the team out.
///
/// Nobody holds it until it is put in force: whoever makes it keeps it safe first.
#[derive(Debug)]
pub struct BreakGlass(NewToken);

impl BreakGlass {
    /// Draws one.
    ///
    /// # Errors
    /// When the cryptographic provider has no randomness.
    pub fn draw(clock: &Clock) -> Result<Self, EngineError> {
        let holder = Holder {
            id: clock.id(),
            name: BREAK_GLASS.into(),
            role: Role::Admin,
        };
        let token = fresh_token()?;
        Ok(Self(NewToken { holder, token }))
    }

    /// `lmp_` and 43 characters.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// Makes it valid, and withdraws the one before. Needs no engine: another process may run it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_in_force(
        &self,
        store: &Store,
        clock: &Clock,
        who: &str,
    ) -> Result<(), EngineError> {
        let holder = &self.0.holder;
        let audit = AuditEntry {
            id: clock.id(),
            at: clock.now(),
            who: who.into(),
            act: "made a token".into(),
            what: holder.name.clone(),
            detail: format!("{}, {}", holder.role.as_str(), holder.id),
        };
        let hash = token_hash(self.token());
        Ok(store.replace_holder(holder, &hash, &audit).await?)
    }
}

fn check_name(name: &str) -> Result<(), EngineError> {
    let reason = if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control)
    {
        "a name has 1 to 100 characters"
    } else if OWN_NAMES.iter().any(|own| reads_alike(name, own)) {
        "this is what something of the program itself is called in the audit; choose another name"
    } else if reads_alike(name, BREAK_GLASS) {
        "this is the name of the token in the data folder; `lamplighter token break-glass` makes it anew"
    } else {
        return Ok(());
    };
    Err(EngineError::refused_at("name", reason))
}

pub(crate) fn fresh_token() -> Result<String, EngineError> {
    let mut secret = [0; TOKEN_BYTES];
    aws_lc_rs::rand::fill(&mut secret).map_err(|e| EngineError::remote("draw a token", &e))?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret)))
}
