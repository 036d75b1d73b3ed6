//! Holders of tokens: staff, agents, sites. Only a token's SHA-256 is stored.
//! Never sees a token.

use domain::access::Role;
use domain::id::HolderId;
use jiff::Timestamp;

use crate::db::{Change, Row, params};
use crate::{Store, StoreError};

/// Whoever holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its identifier.
    pub id: HolderId,
    /// What the audit calls it.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

impl Store {
    /// Adds a holder by the SHA-256 of its token.
    ///
    /// # Errors
    /// When the database fails, or the token is already held.
    pub async fn add_holder(
        &self,
        holder: &Holder,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO holders (id, name, role, token_hash, created_at) \
            VALUES ($1, $2, $3, $4, $5)";
        let role = holder.role.as_str();
        let params = params![holder.id, &holder.name, role, &token_hash[..], now];
        self.db
            .write(Change::new().run(ADD, params))
            .await
            .map(drop)
    }

    /// Who holds the token with this SHA-256, unless withdrawn.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holder_by_token(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<Holder>, StoreError> {
        const FIND: &str =
            "SELECT id, name, role FROM holders WHERE token_hash = $1 AND withdrawn_at IS NULL";
        let rows = self.db.read(FIND, params![&token_hash[..]]).await?;
        rows.first().map(holder).transpose()
    }

    /// Holders whose token is not withdrawn, after `after` by identifier, at most `limit`. The oldest
    /// come first: identifiers sort by the time they were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holders(
        &self,
        after: Option<HolderId>,
        limit: u32,
    ) -> Result<Vec<Holder>, StoreError> {
        const LIST: &str = "SELECT id, name, role FROM holders \
            WHERE id > $1 AND withdrawn_at IS NULL ORDER BY id LIMIT $2";
        let after = after.map_or(vec![], |id| id.as_bytes().to_vec());
        let rows = self.db.read(LIST, params![after, limit]).await?;
        rows.iter().map(holder).collect()
    }

    /// Whether anybody may enter yet: false only before the first run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_holders(&self) -> Result<bool, StoreError> {
        self.db
            .read("SELECT 1 FROM holders LIMIT 1", vec![])
            .await
            .map(|rows| !rows.is_empty())
    }

    /// Withdraws a holder's token; false when there is no such holder, or it is withdrawn already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw_holder(&self, id: HolderId, now: Timestamp) -> Result<bool, StoreError> {
        const WITHDRAW: &str =
            "UPDATE holders SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL";
        let outcomes = self
            .db
            .write(Change::new().run(WITHDRAW, params![id, now]))
            .await?;
        Ok(outcomes.iter().any(|outcome| outcome.affected > 0))
    }
}

fn holder(row: &Row) -> Result<Holder, StoreError> {
    let role = row.str(2)?;
    Ok(Holder {
        id: row.id(0, HolderId::from_bytes)?,
        name: row.text(1)?,
        role: Role::parse(role).ok_or_else(|| crate::db::corrupt("role", &role))?,
    })
}
