//! PostgreSQL: each change is one transaction; its bulk statements are pipelined.

mod hold;

use std::error::Error;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Transaction};
use futures_util::future::try_join_all;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{NoTls, error::SqlState};

use super::{Change, Outcome, Row, Schema, Statement, Value};
use crate::StoreError;
use crate::migrations::{Dialect, Migrations};

pub(crate) use hold::PostgresHold;

const CONNECTIONS_MAX: usize = 16;
/// Statements sent before the first answer is awaited.
const PIPELINED_MAX: usize = 1_000;
/// Deadlocks and serialization failures are tried again this often.
const TRIES_MAX: usize = 5;
/// Any two starting processes must agree on it; the number has no meaning.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7112023)";

#[derive(Clone)]
pub(crate) struct Postgres(Pool);

impl Postgres {
    pub(crate) async fn open(config: &str, schema: Schema) -> Result<Self, StoreError> {
        let act = "connect to PostgreSQL";
        let config: tokio_postgres::Config = config.parse().map_err(|e| failed(act, e))?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(CONNECTIONS_MAX)
            .build()
            .map_err(|e| StoreError::Database {
                act,
                source: e.into(),
            })?;
        let db = Self(pool);
        db.migrate(schema).await?;
        Ok(db)
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, StoreError> {
        let act = "connect to PostgreSQL";
        self.0.get().await.map_err(|e| StoreError::Database {
            act,
            source: e.into(),
        })
    }

    async fn migrate(&self, schema: Schema) -> Result<(), StoreError> {
        let fail = |e| failed("bring the schema up to date", e);
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(fail)?;
        transaction
            .batch_execute(MIGRATION_LOCK)
            .await
            .map_err(fail)?;
        transaction
            .batch_execute(Migrations::TABLE)
            .await
            .map_err(fail)?;
        let done: i64 = transaction
            .query_one("SELECT coalesce(max(number), 0) FROM migrations", &[])
            .await
            .map_err(fail)?
            .get(0);
        if !schema.may_follow(done)? {
            return Ok(());
        }
        for (number, sql) in Migrations::after(done, Dialect::Postgres) {
            transaction.batch_execute(&sql).await.map_err(fail)?;
            transaction
                .execute("INSERT INTO migrations (number) VALUES ($1)", &[&number])
                .await
                .map_err(fail)?;
        }
        transaction.commit().await.map_err(fail)
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let fail = |e| failed("read", e);
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await.map_err(fail)?;
        let rows = client
            .query(&statement, &borrowed(params))
            .await
            .map_err(fail)?;
        rows.iter().map(row).collect()
    }

    pub(crate) async fn write(&self, change: &Change) -> Result<Vec<Outcome>, StoreError> {
        let mut tries = 1;
        loop {
            match self.try_write(change).await {
                Err(StoreError::Database { source, .. })
                    if is_race(&*source) && tries < TRIES_MAX =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_write(&self, change: &Change) -> Result<Vec<Outcome>, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|e| failed("begin", e))?;
        let mut outcomes = Vec::with_capacity(change.statements.len());
        for (at, statement) in change.statements.iter().enumerate() {
            let outcome = run(&transaction, statement).await?;
            statement.check(at, &outcome)?;
            outcomes.push(outcome);
        }
        transaction
            .commit()
            .await
            .map_err(|e| failed("commit", e))?;
        Ok(outcomes)
    }
}

async fn run(transaction: &Transaction<'_>, statement: &Statement) -> Result<Outcome, StoreError> {
    let fail = |e| failed("write", e);
    let prepared = transaction
        .prepare_cached(&statement.sql)
        .await
        .map_err(fail)?;
    let mut outcome = Outcome::default();
    for sets in statement.sets.chunks(PIPELINED_MAX) {
        if prepared.columns().is_empty() {
            let runs = sets
                .iter()
                .map(|set| async { transaction.execute(&prepared, &borrowed(set)).await });
            outcome.affected += try_join_all(runs)
                .await
                .map_err(fail)?
                .into_iter()
                .sum::<u64>();
        } else {
            let runs = sets
                .iter()
                .map(|set| async { transaction.query(&prepared, &borrowed(set)).await });
            for rows in try_join_all(runs).await.map_err(fail)? {
                outcome.affected += rows.len() as u64;
                outcome
                    .rows
                    .extend(rows.iter().map(row).collect::<Result<Vec<_>, _>>()?);
            }
        }
    }
    Ok(outcome)
}

fn failed(act: &'static str, source: tokio_postgres::Error) -> StoreError {
    match source.code() {
        Some(&SqlState::DISK_FULL) => StoreError::DiskFull(source.into()),
        Some(&SqlState::IO_ERROR) => StoreError::DiskFails(source.into()),
        _ => StoreError::Database {
            act,
            source: source.into(),
        },
    }
}

/// Whether another transaction was in the way, so that the same change may succeed now.
fn is_race(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(tokio_postgres::Error::code)
        .is_some_and(|code| {
            [
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
            ]
            .contains(code)
        })
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let values = (0..row.len()).map(|column| row.try_get::<_, Value>(column));
    values
        .collect::<Result<_, _>>()
        .map(Row)
        .map_err(|e| failed("read a row", e))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Real(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        <Self as FromSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::FLOAT8 => f64::from_sql(ty, raw).map(Self::Real),
            Type::BYTEA => Vec::from_sql(ty, raw).map(Self::Bytes),
            _ => String::from_sql(ty, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8
                | Type::INT4
                | Type::FLOAT8
                | Type::BYTEA
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
        )
    }
}
