//! Tokens of staff, agents and sites: made once, shown once, stored as a hash.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::Role;
use domain::id::HolderId;
use store::Holder;

use crate::{Engine, EngineError};

const TOKEN_BYTES: usize = 32;
const PREFIX: &str = "lmp_";

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
    /// When the name is empty or longer than 100 characters, or the store fails.
    pub async fn make_token(
        &self,
        name: &str,
        role: Role,
        who: &str,
    ) -> Result<NewToken, EngineError> {
        if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(EngineError::refused_at(
                "name",
                "a name has 1 to 100 characters",
            ));
        }
        let token = fresh_token()?;
        let holder = Holder {
            id: self.clock().id(),
            name: name.into(),
            role,
        };
        self.store()
            .add_holder(&holder, &token_hash(&token), self.clock().now())
            .await?;
        let audit = self.audit(who, "made a token", name, role.as_str());
        self.store().add_audit(&audit).await?;
        Ok(NewToken { holder, token })
    }

    /// The break-glass token: made when nobody holds a token yet, else `None`.
    ///
    /// It needs no sign-in service, so that sign-in being down never locks the team out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn break_glass(&self) -> Result<Option<NewToken>, EngineError> {
        if self.store().has_holders().await? {
            return Ok(None);
        }
        self.make_token("break-glass", Role::Admin, "first run")
            .await
            .map(Some)
    }

    /// Holders of tokens in use after `after`, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holders(
        &self,
        after: Option<HolderId>,
        limit: u32,
    ) -> Result<Vec<Holder>, EngineError> {
        Ok(self.store().holders(after, limit).await?)
    }

    /// Withdraws a token.
    ///
    /// # Errors
    /// When there is no such token, it is withdrawn already, or the store fails.
    pub async fn withdraw_token(&self, id: HolderId, who: &str) -> Result<(), EngineError> {
        if !self.store().withdraw_holder(id, self.clock().now()).await? {
            return Err(EngineError::not_found("token in use", id));
        }
        let audit = self.audit(who, "withdrew a token", &id.to_string(), "");
        Ok(self.store().add_audit(&audit).await?)
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

pub(crate) fn fresh_token() -> Result<String, EngineError> {
    let mut secret = [0; TOKEN_BYTES];
    aws_lc_rs::rand::fill(&mut secret).map_err(|e| EngineError::remote("draw a token", &e))?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret)))
}
