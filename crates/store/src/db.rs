//! One way to talk to two databases: statements in the SQL they share.
//!
//! Reads are single statements. Writes are lists of statements that commit together or not at all,
//! each with a guard on the rows it must touch: a decision made on old state cannot be saved.
//! Never knows a noun.

mod postgres;
mod sqlite;
mod value;

use std::borrow::Cow;
use std::path::Path;

pub(crate) use value::{Row, Value, corrupt, params};

use crate::StoreError;
pub use crate::migrations::Migrations;

/// Either database.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
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
    pub(crate) async fn sqlite(file: &Path) -> Result<Self, StoreError> {
        sqlite::Sqlite::open(file).await.map(Self::Sqlite)
    }

    pub(crate) async fn postgres(config: &str) -> Result<Self, StoreError> {
        postgres::Postgres::open(config).await.map(Self::Postgres)
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
