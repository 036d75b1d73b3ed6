//! Durable state, on SQLite or PostgreSQL.
//!
//! The only crate that names a database driver. Its methods speak `domain`'s nouns; what a caller
//! cannot see is which database answers. Never decides: a rule that needs a decision loads, asks
//! `domain`, and saves through a guarded change.

mod access;
mod alarm;
mod audit;
mod backfill;
mod banner;
mod calendar;
mod campaign;
mod comment;
mod db;
mod delivery;
mod document;
mod drill;
mod fleet;
mod folder;
mod follow_up;
mod follower;
mod hold;
mod incident;
mod layer;
mod member;
mod migrations;
mod notification;
mod notify;
mod post;
mod release;
mod report;
mod seal;
mod sign_in;
mod written_report;

use std::path::PathBuf;
use std::sync::Arc;

use crate::db::Schema;

pub use access::{Holder, HolderInUse};
pub use audit::AuditEntry;
pub use backfill::Source;
pub use campaign::{Answer, CampaignRow, Claim, NewCampaign, RowCount};
pub use comment::{Reader, WrittenComment};
pub use db::Migrations;
pub use delivery::{
    AckChange, Enrolment, FILES_KEPT, KeyChange, NewAgent, Publication, Refusal, RepositoryFile,
    StoredAck, StoredAgent, StoredRepository,
};
pub use document::{DocumentVersion, NewVersion, Spread, Spreading};
pub use drill::{RecordedDrill, Recording};
pub use fleet::FleetRows;
pub use follower::FollowerCount;
pub use hold::Hold;
pub use incident::IncidentAdditions;
pub use layer::StoredShard;
pub use notification::{Announcement, Lane, Notification, Told};
pub use notify::{Attempt, Delivery, OnCallStep, Page, Reminded, Reminder};
pub use post::{ScheduledUpdate, StoredTemplate};
pub use report::{OutcomeBatch, SiteMinute, StoredReport};
pub use seal::{KeyMissing, SealError, Sealer};
pub use sign_in::{
    Account, AttemptLimit, Code, Exchange, Exchanged, Grant, Hash, KeyState, NewAccessToken,
    Session, SignedIn, SigningKeyRow,
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
    /// The data folder cannot be used.
    #[error("could not use the data folder {folder}: {reason}")]
    Folder {
        /// Which one.
        folder: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database's file is missing, damaged, or closed to us.
    #[error("could not use the database {file}: {source}. {next}")]
    File {
        /// Which file.
        file: String,
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What to do about it.
        next: &'static str,
    },
    /// The schema is not this program's, and this is not the moment to change it.
    #[error(
        "the database has {found} of the {expected} steps of this program's schema; start `lamplighter serve` of this version on it first"
    )]
    OtherVersion {
        /// Steps that the database took.
        found: i64,
        /// Steps of this program.
        expected: usize,
    },
    /// Another process serves this state.
    #[error("{what} is served by {holder} already; stop it first, or give this server {other}")]
    InUse {
        /// Which state.
        what: String,
        /// Who serves it.
        holder: String,
        /// What to change otherwise.
        other: &'static str,
    },
    /// Another process may serve this state now.
    #[error(
        "the connection to PostgreSQL that keeps other servers away was lost ({why}), so this server stops; start it again when PostgreSQL answers"
    )]
    HoldLost {
        /// How it was lost.
        why: String,
    },
    /// There is no room for what should be written.
    #[error(
        "the disk of the server is full, so this was not saved; make room on it, then try again"
    )]
    DiskFull(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk does not take what should be written.
    #[error("the disk of the server fails, so this was not saved ({0}); mend it, then try again")]
    DiskFails(#[source] Box<dyn std::error::Error + Send + Sync>),
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

impl StoreError {
    /// Whether the disk did not take what should be written.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        matches!(self, Self::DiskFull(_) | Self::DiskFails(_))
    }
}

impl Store {
    /// Opens the state, made if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// When the folder, the sealing key or the database cannot be opened or migrated; when the key
    /// is missing and the database holds what it sealed.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        folder::prepare(&place.folder)?;
        let db = db::Database::open(place, Schema::BroughtUpToDate).await?;
        // A fresh key would open nothing of what the old one sealed, and hide that it is lost.
        let missing = if holds_sealed(&db).await? {
            KeyMissing::Refused
        } else {
            KeyMissing::Made
        };
        let sealer = Arc::new(Sealer::open(&place.folder, missing)?);
        Ok(Self { db, sealer })
    }

    /// Opens state that another process may be serving: makes and migrates nothing.
    ///
    /// # Errors
    /// When there is no state yet, or of another version; when it cannot be opened.
    pub async fn open_existing(place: &Place) -> Result<Self, StoreError> {
        let db = db::Database::open(place, Schema::AsFound).await?;
        let sealer = Arc::new(Sealer::open(&place.folder, KeyMissing::Refused)?);
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

    /// Proves that changes are saved, by saving one that changes nothing.
    ///
    /// # Errors
    /// When they are not.
    pub async fn try_write(&self) -> Result<(), StoreError> {
        const SAME: &str = "UPDATE migrations SET number = number WHERE number = 1";
        let change = db::Change::new().run(SAME, vec![]).expect_rows(1);
        self.db.write(change).await.map(drop)
    }

    /// For migration tests: the schema as `table.column type` lines, sorted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema(&self) -> Result<Vec<String>, StoreError> {
        self.db.schema().await
    }
}

/// Whether the database holds what only its sealing key opens.
async fn holds_sealed(db: &db::Database) -> Result<bool, StoreError> {
    const SEALED: &str = "SELECT 1 FROM signing_keys UNION ALL SELECT 1 FROM repository_keys \
        UNION ALL SELECT 1 FROM products WHERE webhook_secret IS NOT NULL \
        UNION ALL SELECT 1 FROM on_call WHERE secret IS NOT NULL \
        UNION ALL SELECT 1 FROM outbox WHERE secret IS NOT NULL \
        UNION ALL SELECT 1 FROM followers LIMIT 1";
    Ok(!db.read(SEALED, vec![]).await?.is_empty())
}
