//! Durable state, on SQLite or PostgreSQL.
//!
//! The only crate that names a database driver. Its methods speak `domain`'s nouns; what a caller
//! cannot see is which database answers. Never decides: a rule that needs a decision loads, asks
//! `domain`, and saves through a guarded change.

mod access;
mod alarm;
mod audit;
mod campaign;
mod db;
mod delivery;
mod fleet;
mod incident;
mod migrations;
mod notify;
mod release;
mod report;
mod seal;
mod sign_in;

use std::path::PathBuf;
use std::sync::Arc;

pub use access::Holder;
pub use audit::AuditEntry;
pub use campaign::{Answer, CampaignRow, Claim, NewCampaign, RowCount};
pub use db::Migrations;
pub use delivery::{
    NewAgent, Publication, RepositoryFile, StoredAck, StoredAgent, StoredRepository,
};
pub use fleet::FleetRows;
pub use incident::IncidentAdditions;
pub use notify::{Attempt, Delivery, OnCallStep, Page};
pub use report::{OutcomeBatch, SiteMinute, StoredReport};
pub use seal::{SealError, Sealer};
pub use sign_in::{
    Account, AttemptLimit, Code, Exchange, Exchanged, Grant, Hash, KeyState, NewAccessToken,
    Session, SigningKeyRow,
};

/// Where the state is kept.
#[derive(Clone, Debug)]
pub struct Place {
    /// Holds the SQLite file and the sealing key. Created if missing.
    pub folder: PathBuf,
    /// A PostgreSQL connection string; SQLite in `folder` without one.
    pub postgres: Option<String>,
}

/// What can go wrong with stored state.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A guarded change found other state than it expects; nothing was changed.
    #[error(
        "the stored state is not what this change expects (statement {statement}: {found} rows, {expected} expected)"
    )]
    Conflict {
        /// Counts from 0 within the change.
        statement: usize,
        /// Rows it must touch.
        expected: u64,
        /// Rows it touched.
        found: u64,
    },
    /// The database refused or failed.
    #[error("could not {act}: {source}")]
    Database {
        /// What was tried.
        act: &'static str,
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored value does not read back: the database was written by something else.
    #[error("stored {what} does not read back: {value}")]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// The start of what it is.
        value: String,
    },
    /// The sealing key does not open a stored secret, or cannot be read.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Too much waits to be written; try again later.
    #[error("the store is closing or overloaded")]
    Overloaded,
}

/// The durable state. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: db::Database,
    sealer: Arc<Sealer>,
}

impl Store {
    /// Opens the state and brings its schema up to date.
    ///
    /// # Errors
    /// When the folder, the sealing key or the database cannot be opened or migrated.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&place.folder).map_err(|e| StoreError::Database {
            act: "create the data folder",
            source: e.into(),
        })?;
        let sealer = Arc::new(Sealer::open(&place.folder)?);
        let db = match &place.postgres {
            Some(config) => db::Database::postgres(config).await?,
            None => db::Database::sqlite(&place.folder.join("lamplighter.db")).await?,
        };
        Ok(Self { db, sealer })
    }

    /// Seals secrets that must be read back.
    #[must_use]
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Which database answers: `"sqlite"` or `"postgres"`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.db.kind()
    }

    /// Proves that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db.read("SELECT 1", vec![]).await.map(drop)
    }

    /// For migration tests: the schema as `table.column type` lines, sorted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema(&self) -> Result<Vec<String>, StoreError> {
        self.db.schema().await
    }
}
