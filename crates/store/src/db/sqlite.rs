//! SQLite: one writer thread that commits for all who wait, and a few read connections.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Change, Outcome, Row, Value};
use crate::StoreError;
use crate::migrations::{Dialect, Migrations};

/// Changes that may wait for the writer; past that, callers wait in turn.
const CHANGES_WAITING_MAX: usize = 4_096;
/// Changes in one transaction. More would make the first wait long for the last.
const CHANGES_PER_COMMIT_MAX: usize = 512;
const READ_CONNECTIONS: usize = 4;
/// A cache of 8 MiB for each connection, so that memory does not grow with the fleet.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192; \
    PRAGMA temp_store = MEMORY;";

type Answer = oneshot::Sender<Result<Vec<Outcome>, StoreError>>;

#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: mpsc::Sender<(Change, Answer)>,
    readers: Arc<Readers>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Sqlite {
    pub(crate) async fn open(file: &Path) -> Result<Self, StoreError> {
        let file = file.to_owned();
        tokio::task::spawn_blocking(move || Self::open_blocking(&file))
            .await
            .map_err(|e| StoreError::Database {
                act: "open the database",
                source: e.into(),
            })?
    }

    fn open_blocking(file: &PathBuf) -> Result<Self, StoreError> {
        let fail = |e: rusqlite::Error| failed("open the database", e);
        let mut writer = Connection::open(file).map_err(fail)?;
        writer.execute_batch(PRAGMAS).map_err(fail)?;
        writer.set_prepared_statement_cache_capacity(256);
        migrate(&mut writer)?;
        let readers = (0..READ_CONNECTIONS)
            .map(|_| {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let reader = Connection::open_with_flags(file, flags)?;
                reader.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192;")?;
                reader.set_prepared_statement_cache_capacity(256);
                Ok(reader)
            })
            .collect::<Result<Vec<_>, rusqlite::Error>>()
            .map_err(fail)?;
        let (sender, receiver) = mpsc::channel(CHANGES_WAITING_MAX);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_loop(writer, receiver))
            .map_err(|e| StoreError::Database {
                act: "start the writer",
                source: e.into(),
            })?;
        let permits = Semaphore::new(READ_CONNECTIONS);
        Ok(Self {
            writer: sender,
            readers: Arc::new(Readers {
                idle: Mutex::new(readers),
                permits,
            }),
        })
    }

    pub(crate) async fn write(&self, change: Change) -> Result<Vec<Outcome>, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.writer
            .send((change, answer))
            .await
            .map_err(|_| StoreError::Overloaded)?;
        outcome.await.map_err(|_| StoreError::Overloaded)?
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let readers = Arc::clone(&self.readers);
        let _permit = readers
            .permits
            .acquire()
            .await
            .map_err(|_| StoreError::Overloaded)?;
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || {
            let taken = readers.idle.lock().ok().and_then(|mut idle| idle.pop());
            let connection = taken.ok_or(StoreError::Overloaded)?;
            let rows = query(&connection, sql, &params).map_err(|e| failed("read", e));
            if let Ok(mut idle) = readers.idle.lock() {
                idle.push(connection);
            }
            rows
        })
        .await
        .map_err(|e| StoreError::Database {
            act: "read",
            source: e.into(),
        })?
    }
}

fn failed(act: &'static str, source: rusqlite::Error) -> StoreError {
    StoreError::Database {
        act,
        source: source.into(),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let fail = |e: rusqlite::Error| failed("bring the schema up to date", e);
    connection.execute_batch(Migrations::TABLE).map_err(fail)?;
    let done: i64 = connection
        .query_row(
            "SELECT coalesce(max(number), 0) FROM migrations",
            [],
            |row| row.get(0),
        )
        .map_err(fail)?;
    for (number, sql) in Migrations::after(done, Dialect::Sqlite) {
        let transaction = connection.transaction().map_err(fail)?;
        transaction.execute_batch(&sql).map_err(fail)?;
        transaction
            .execute("INSERT INTO migrations (number) VALUES (?1)", [number])
            .map_err(fail)?;
        transaction.commit().map_err(fail)?;
    }
    Ok(())
}

fn write_loop(connection: Connection, mut waiting: mpsc::Receiver<(Change, Answer)>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < CHANGES_PER_COMMIT_MAX {
            match waiting.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        commit(&connection, batch);
    }
}

/// Commits a batch as one transaction; each change stands or falls alone.
fn commit(connection: &Connection, batch: Vec<(Change, Answer)>) {
    if let Err(e) = connection.execute_batch("BEGIN IMMEDIATE") {
        return refuse(batch.into_iter().map(|(_, answer)| answer), &e);
    }
    let done: Vec<_> = batch
        .into_iter()
        .map(|(change, answer)| (apply(connection, &change), answer))
        .collect();
    match connection.execute_batch("COMMIT") {
        // A caller that went away does not need its answer.
        Ok(()) => done
            .into_iter()
            .for_each(|(outcome, answer)| drop(answer.send(outcome))),
        Err(e) => {
            let _ = connection.execute_batch("ROLLBACK");
            refuse(done.into_iter().map(|(_, answer)| answer), &e);
        }
    }
}

fn refuse(answers: impl Iterator<Item = Answer>, error: &rusqlite::Error) {
    for answer in answers {
        let source = error.to_string().into();
        let _ = answer.send(Err(StoreError::Database {
            act: "commit",
            source,
        }));
    }
}

fn apply(connection: &Connection, change: &Change) -> Result<Vec<Outcome>, StoreError> {
    connection
        .execute_batch("SAVEPOINT change")
        .map_err(|e| failed("begin a change", e))?;
    let outcome = run(connection, change);
    let end = if outcome.is_ok() {
        "RELEASE change"
    } else {
        "ROLLBACK TO change; RELEASE change"
    };
    connection
        .execute_batch(end)
        .map_err(|e| failed("end a change", e))?;
    outcome
}

fn run(connection: &Connection, change: &Change) -> Result<Vec<Outcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(change.statements.len());
    for (at, statement) in change.statements.iter().enumerate() {
        let fail = |e: rusqlite::Error| failed("write", e);
        let mut prepared = connection
            .prepare_cached(&numbered(&statement.sql))
            .map_err(fail)?;
        let mut outcome = Outcome::default();
        for set in &statement.sets {
            let mut one = if prepared.column_count() > 0 {
                let rows = collect(&mut prepared, set).map_err(fail)?;
                Outcome {
                    affected: rows.len() as u64,
                    rows,
                }
            } else {
                let affected = prepared
                    .execute(rusqlite::params_from_iter(set))
                    .map_err(fail)? as u64;
                Outcome {
                    affected,
                    rows: vec![],
                }
            };
            outcome.affected += one.affected;
            outcome.rows.append(&mut one.rows);
        }
        statement.check(at, &outcome)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn query(connection: &Connection, sql: &str, params: &[Value]) -> rusqlite::Result<Vec<Row>> {
    collect(&mut connection.prepare_cached(&numbered(sql))?, params)
}

fn collect(
    statement: &mut rusqlite::CachedStatement<'_>,
    params: &[Value],
) -> rusqlite::Result<Vec<Row>> {
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| row.get_ref(column).map(Value::from));
        all.push(Row(values.collect::<Result<_, _>>()?));
    }
    Ok(all)
}

/// `$1`, as PostgreSQL writes a parameter, is a name to SQLite; `?1` is a number.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut characters = sql.chars().peekable();
    while let Some(c) = characters.next() {
        let parameter = c == '$' && characters.peek().is_some_and(char::is_ascii_digit);
        out.push(if parameter { '?' } else { c });
    }
    out
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Real(value) => Self::Real(value),
            ValueRef::Text(value) => Self::Text(String::from_utf8_lossy(value).into_owned()),
            ValueRef::Blob(value) => Self::Bytes(value.to_vec()),
        }
    }
}
