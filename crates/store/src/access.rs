//! Holders of tokens: staff, agents, sites. Only a token's SHA-256 is stored.
//! Never sees a token.

use domain::access::Role;
use domain::id::{AgentId, HolderId};
use jiff::Timestamp;

use crate::db::{Change, Row, Value, params};
use crate::{AuditEntry, Store, StoreError};

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

/// A holder whose token is in use, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderInUse {
    /// Who holds it.
    pub holder: Holder,
    /// The agent that it is, if it is one.
    pub agent: Option<AgentId>,
    /// When the token was made.
    pub made_at: Timestamp,
}

impl Store {
    /// Adds a holder by the SHA-256 of its token; false when a holder whose token is in use has the
    /// same name. On PostgreSQL two at once may both get it: callers add one at a time.
    ///
    /// # Errors
    /// When the database fails, or the token is already held.
    pub async fn add_holder(
        &self,
        holder: &Holder,
        token_hash: &[u8; 32],
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        const ADD: &str = "INSERT INTO holders (id, name, role, token_hash, created_at) \
            SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS \
            (SELECT 1 FROM holders WHERE name = $2 AND withdrawn_at IS NULL)";
        let change = Change::new()
            .run(ADD, holder_params(holder, token_hash, audit.at))
            .expect_rows(1)
            .audit(audit);
        match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// Adds a holder in the place of the one of the same name, whose token is withdrawn.
    ///
    /// # Errors
    /// When the database fails, or the token is already held.
    pub async fn replace_holder(
        &self,
        holder: &Holder,
        token_hash: &[u8; 32],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const WITHDRAW: &str =
            "UPDATE holders SET withdrawn_at = $2 WHERE name = $1 AND withdrawn_at IS NULL";
        const ADD: &str = "INSERT INTO holders (id, name, role, token_hash, created_at) \
            VALUES ($1, $2, $3, $4, $5)";
        let change = Change::new()
            .run(WITHDRAW, params![&holder.name, audit.at])
            .run(ADD, holder_params(holder, token_hash, audit.at))
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Holders whose token is in use, after `after` by identifier, at most `limit`. The oldest come
    /// first: identifiers sort by the time they were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holders(
        &self,
        after: Option<HolderId>,
        limit: u32,
    ) -> Result<Vec<HolderInUse>, StoreError> {
        const LIST: &str = "SELECT h.id, h.name, h.role, a.id, h.created_at FROM holders h \
            LEFT JOIN agents a ON a.holder = h.id \
            WHERE h.id > $1 AND h.withdrawn_at IS NULL ORDER BY h.id LIMIT $2";
        let after = after.map_or(vec![], |id| id.as_bytes().to_vec());
        let rows = self.db.read(LIST, params![after, limit]).await?;
        let read = |row: &Row| {
            Ok(HolderInUse {
                holder: holder(row)?,
                agent: row.optional(3, |row| row.id(3, AgentId::from_bytes))?,
                made_at: row.time(4)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The holder in use with this identifier, or that is the agent with this identifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holder_in_use(&self, id: HolderId) -> Result<Option<Holder>, StoreError> {
        const FIND: &str = "SELECT id, name, role FROM holders WHERE withdrawn_at IS NULL \
            AND (id = $1 OR id = (SELECT holder FROM agents WHERE agents.id = $1))";
        let rows = self.db.read(FIND, params![id]).await?;
        rows.first().map(holder).transpose()
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
    pub async fn withdraw_holder(
        &self,
        id: HolderId,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        const WITHDRAW: &str =
            "UPDATE holders SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL";
        let change = Change::new()
            .run(WITHDRAW, params![id, audit.at])
            .expect_rows(1)
            .audit(audit);
        match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }
}

fn holder_params(holder: &Holder, token_hash: &[u8; 32], at: Timestamp) -> Vec<Value> {
    params![
        holder.id,
        &holder.name,
        holder.role.as_str(),
        &token_hash[..],
        at
    ]
}

fn holder(row: &Row) -> Result<Holder, StoreError> {
    let role = row.str(2)?;
    Ok(Holder {
        id: row.id(0, HolderId::from_bytes)?,
        name: row.text(1)?,
        role: Role::parse(role).ok_or_else(|| crate::db::corrupt("role", &role))?,
    })
}
