//! One way to talk to two databases: statements in the SQL they share.
//!
//! Reads are single statements. Writes are lists of statements that commit together or not at all,
//! each with a guard on the rows it must touch: a decision made on old state cannot be saved.
//! Never knows a noun.

mod postgres;
mod sqlite;
mod value;

use std::borrow::Cow;

pub(crate) use postgres::PostgresHold;
pub(crate) use value::{Row, Value, corrupt, params};

pub use crate::migrations::Migrations;
use crate::{Place, StoreError, folder};

/// Either database.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// What to do about a schema that lacks steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The steps are taken, in a database that is made if it is missing.
    BroughtUpToDate,
    /// Nothing is made or changed; another schema is refused.
    AsFound,
}

impl Schema {
    /// Whether the steps after `done` are to be taken.
    fn may_follow(self, done: i64) -> Result<bool, StoreError> {
        let expected = Migrations::COUNT;
        match self {
            Self::BroughtUpToDate => Ok(true),
            Self::AsFound if usize::try_from(done) == Ok(expected) => Ok(false),
            Self::AsFound => Err(StoreError::OtherVersion {
                found: done,
                expected,
            }),
        }
    }
}

/// Statements that commit together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Change {
    statements: Vec<Statement>,
}

#[derive(Debug)]
pub(crate) struct Statement {
    sql: Cow<'static, str>,
    /// Runs once for each set of parameters.
    sets: Vec<Vec<Value>>,
    /// Rows that all runs together must touch.
    expect: Option<u64>,
}

/// What one statement of a change did.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Rows touched, over all its runs.
    pub(crate) affected: u64,
    /// Rows given back by `RETURNING`.
    pub(crate) rows: Vec<Row>,
}

impl Change {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a statement.
    pub(crate) fn run(self, sql: &'static str, params: Vec<Value>) -> Self {
        self.run_many(sql, vec![params])
    }

    /// Adds a statement that runs once for each set of parameters.
    pub(crate) fn run_many(mut self, sql: &'static str, sets: Vec<Vec<Value>>) -> Self {
        self.statements.push(Statement {
            sql: Cow::Borrowed(sql),
            sets,
            expect: None,
        });
        self
    }

    /// Refuses the whole change unless the statement added last touches exactly `rows` rows.
    pub(crate) fn expect_rows(mut self, rows: u64) -> Self {
        if let Some(statement) = self.statements.last_mut() {
            statement.expect = Some(rows);
        }
        self
    }
}

impl Statement {
    fn check(&self, at: usize, outcome: &Outcome) -> Result<(), StoreError> {
        match self.expect {
            Some(expected) if expected != outcome.affected => Err(StoreError::Conflict {
                statement: at,
                expected,
                found: outcome.affected,
            }),
            _ => Ok(()),
        }
    }
}

impl Database {
    pub(crate) async fn open(place: &Place, schema: Schema) -> Result<Self, StoreError> {
        match &place.postgres {
            Some(config) => postgres::Postgres::open(config, schema)
                .await
                .map(Self::Postgres),
            None => sqlite::Sqlite::open(&place.folder.join(folder::DATABASE), schema)
                .await
                .map(Self::Sqlite),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Reads all rows that a statement gives. Callers bound it with `LIMIT`.
    pub(crate) async fn read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(db) => db.read(sql, params).await,
            Self::Postgres(db) => db.read(sql, &params).await,
        }
    }

    /// Commits a change; durable when this returns.
    pub(crate) async fn write(&self, change: Change) -> Result<Vec<Outcome>, StoreError> {
        match self {
            Self::Sqlite(db) => db.write(change).await,
            Self::Postgres(db) => db.write(&change).await,
        }
    }

    pub(crate) async fn schema(&self) -> Result<Vec<String>, StoreError> {
        const SQLITE: &str = "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m, \
            pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
        const POSTGRES: &str = "SELECT table_name || '.' || column_name || ' ' || upper(data_type) \
            FROM information_schema.columns WHERE table_schema = current_schema()";
        let rows = match self {
            Self::Sqlite(db) => db.read(SQLITE, vec![]).await?,
            Self::Postgres(db) => db.read(POSTGRES, &[]).await?,
        };
        let mut lines = rows
            .iter()
            .map(|row| row.text(0))
            .collect::<Result<Vec<_>, _>>()?;
        lines.sort();
        Ok(lines)
    }
}
