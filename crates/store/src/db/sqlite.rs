//! SQLite: one writer thread that commits for all who wait, and a few read connections.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Change, Outcome, Row, Schema, Value};
use crate::migrations::{Dialect, Migrations};
use crate::{StoreError, folder};

/// Changes that may wait for the writer; past that, callers wait in turn.
const CHANGES_WAITING_MAX: usize = 4_096;
/// Changes in one transaction. More would make the first wait long for the last.
const CHANGES_PER_COMMIT_MAX: usize = 512;
const READ_CONNECTIONS: usize = 4;
/// A cache of 8 MiB for each connection, so that memory does not grow with the fleet.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192; \
    PRAGMA temp_store = MEMORY;";
const MAY_WE: &str = "May the user that runs this read and write it?";

type Answer = oneshot::Sender<Result<Vec<Outcome>, StoreError>>;

#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: mpsc::Sender<(Change, Answer)>,
    readers: Arc<Readers>,
    file: Arc<Path>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Sqlite {
    pub(crate) async fn open(file: &Path, schema: Schema) -> Result<Self, StoreError> {
        let file = file.to_owned();
        tokio::task::spawn_blocking(move || Self::open_blocking(&file, schema))
            .await
            .map_err(|e| StoreError::Database {
                act: "open the database",
                source: e.into(),
            })?
    }

    fn open_blocking(file: &PathBuf, schema: Schema) -> Result<Self, StoreError> {
        let fail = |e: rusqlite::Error| unusable(file, e);
        if schema == Schema::BroughtUpToDate {
            // SQLite would let everybody read it, and gives its other files the same permissions.
            folder::private_file(file).map_err(|e| StoreError::File {
                file: file.display().to_string(),
                source: e.into(),
                next: MAY_WE,
            })?;
        }
        let mut writer =
            Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(fail)?;
        writer.execute_batch(PRAGMAS).map_err(fail)?;
        writer.set_prepared_statement_cache_capacity(256);
        migrate(&mut writer, schema, file)?;
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
            .spawn(move || write_loop(&writer, receiver))
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
            file: file.as_path().into(),
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
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || {
            let taken = readers.idle.lock().ok().and_then(|mut idle| idle.pop());
            let connection = taken.ok_or(StoreError::Overloaded)?;
            let rows = query(&connection, sql, &params).map_err(|e| {
                if is_damage(&e) {
                    unusable(&file, e)
                } else {
                    failed("read", e)
                }
            });
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
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull(source.into()),
        Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly) => {
            StoreError::DiskFails(source.into())
        }
        _ => StoreError::Database {
            act,
            source: source.into(),
        },
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

/// The file itself is the trouble, so the error names it.
fn unusable(file: &Path, source: rusqlite::Error) -> StoreError {
    let next = if is_damage(&source) {
        "Restore the file from your backup, without its -wal and -shm files"
    } else if !file.exists() {
        "Is this the right folder (--data)? `lamplighter serve` makes the database"
    } else if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) {
        MAY_WE
    } else {
        return failed("open the database", source);
    };
    StoreError::File {
        file: file.display().to_string(),
        source: source.into(),
        next,
    }
}

fn migrate(connection: &mut Connection, schema: Schema, file: &Path) -> Result<(), StoreError> {
    let fail = |e: rusqlite::Error| {
        if is_damage(&e) {
            unusable(file, e)
        } else {
            failed("bring the schema up to date", e)
        }
    };
    connection.execute_batch(Migrations::TABLE).map_err(fail)?;
    let done: i64 = connection
        .query_row(
            "SELECT coalesce(max(number), 0) FROM migrations",
            [],
            |row| row.get(0),
        )
        .map_err(fail)?;
    if !schema.may_follow(done)? {
        return Ok(());
    }
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

fn write_loop(connection: &Connection, mut waiting: mpsc::Receiver<(Change, Answer)>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < CHANGES_PER_COMMIT_MAX {
            match waiting.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        commit(connection, batch);
    }
}

/// Commits a batch as one transaction; each change stands or falls alone.
fn commit(connection: &Connection, batch: Vec<(Change, Answer)>) {
    let (changes, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    match try_commit(connection, &changes) {
        // A caller that went away does not need its answer.
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                drop(answer.send(outcome));
            }
        }
        Err(error) => {
            if !connection.is_autocommit() {
                // It ends what a failed commit left open. If it fails, so does the next BEGIN.
                let _ = connection.execute_batch("ROLLBACK");
            }
            for answer in answers {
                drop(answer.send(Err(again(&error))));
            }
        }
    }
}

type Outcomes = Vec<Result<Vec<Outcome>, StoreError>>;

/// What each change did, or why none of them was saved.
fn try_commit(connection: &Connection, changes: &[Change]) -> Result<Outcomes, StoreError> {
    let fail = |e| failed("commit", e);
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        let outcome = apply(connection, change);
        // A full disk ends the transaction, with the changes before this one: none may be answered
        // as done, and none after it may go on outside.
        if connection.is_autocommit() {
            return Err(outcome.err().unwrap_or(StoreError::Overloaded));
        }
        outcomes.push(outcome);
    }
    connection.execute_batch("COMMIT").map_err(fail)?;
    Ok(outcomes)
}

/// The same error, for everybody who waited.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::DiskFull(source) => StoreError::DiskFull(source.to_string().into()),
        StoreError::DiskFails(source) => StoreError::DiskFails(source.to_string().into()),
        other => StoreError::Database {
            act: "commit",
            source: other.to_string().into(),
        },
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
    let ended = connection.execute_batch(end);
    // What failed first says why.
    let outcome = outcome?;
    ended.map_err(|e| failed("end a change", e))?;
    Ok(outcome)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::params;

    async fn open() -> (Sqlite, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(folder::DATABASE);
        let db = Sqlite::open(&file, Schema::BroughtUpToDate).await.unwrap();
        (db, folder)
    }

    fn entry(number: u8, detail: &str) -> Change {
        const ADD: &str =
            "INSERT INTO audit (id, at, who, act, what, detail) VALUES ($1, 0, '', '', '', $2)";
        Change::new().run(ADD, params![&[number; 16][..], detail])
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_disk_is_named_and_half_a_batch_is_not_kept() {
        let (db, _folder) = open().await;
        // No page may be added: what SQLite meets on a full disk.
        let no_room = Change::new().run("PRAGMA max_page_count = 1", vec![]);
        db.write(no_room).await.unwrap();
        let large = "x".repeat(100_000);
        let mut writes = tokio::task::JoinSet::new();
        for number in 0..32 {
            let db = db.clone();
            let change = entry(number, if number % 2 == 0 { &large } else { "small" });
            writes.spawn(async move { (number, db.write(change).await) });
        }
        let mut saved = 0;
        while let Some(done) = writes.join_next().await {
            match done.unwrap() {
                (number, Ok(_)) => saved += u8::from(number % 2 == 1),
                (_, Err(error)) => {
                    assert!(matches!(error, StoreError::DiskFull(_)), "{error:?}");
                    assert!(error.to_string().contains("is full"), "{error}");
                }
            }
        }
        let count = db.read("SELECT count(*) FROM audit", vec![]).await.unwrap();
        assert_eq!(count[0].int(0).unwrap(), i64::from(saved));
        let room = Change::new().run("PRAGMA max_page_count = 100000", vec![]);
        db.write(room).await.unwrap();
        db.write(entry(100, &large)).await.unwrap();
    }

    #[tokio::test]
    async fn a_damaged_file_is_named_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(folder::DATABASE);
        let plain = Connection::open(&file).unwrap();
        plain.execute_batch(Migrations::TABLE).unwrap();
        drop(plain);
        let whole = std::fs::read(&file).unwrap();
        for (name, bytes) in [
            ("another kind of file", b"not a database".repeat(1_000)),
            ("a damaged page", {
                let mut bytes = whole.clone();
                bytes[100..4096].fill(0x55);
                bytes
            }),
        ] {
            std::fs::write(&file, bytes).unwrap();
            let Err(error) = Sqlite::open(&file, Schema::BroughtUpToDate).await else {
                panic!("{name} opened");
            };
            let says = error.to_string();
            assert!(says.contains("from your backup"), "{name}: {says}");
            assert!(says.contains(&file.display().to_string()), "{name}: {says}");
        }
    }

    #[tokio::test]
    async fn a_promise_from_before_calendars_were_kept_is_on_the_default_one() {
        const PROMISE: &str = "INSERT INTO incident_promises (incident, kind, made_by, made_at, due_at) \
            VALUES (x'01', 'report', x'02', 0, 1)";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(folder::DATABASE);
        let old = Connection::open(&file).unwrap();
        old.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        old.execute_batch(Migrations::TABLE).unwrap();
        let before = |sql: &str| !sql.contains("incident_promises ADD COLUMN calendar");
        for (number, sql) in
            Migrations::after(0, Dialect::Sqlite).take_while(|(_, sql)| before(sql))
        {
            old.execute_batch(&sql).unwrap();
            old.execute("INSERT INTO migrations VALUES (?1)", [number])
                .unwrap();
        }
        old.execute_batch(PROMISE).unwrap();
        drop(old);
        let db = Sqlite::open(&file, Schema::BroughtUpToDate).await.unwrap();
        let read = "SELECT calendar, within, due_at FROM incident_promises";
        let rows = db.read(read, vec![]).await.unwrap();
        assert_eq!(rows[0].text(0).unwrap(), "default");
        let within = rows[0].optional(1, |row| row.text(1)).unwrap();
        assert_eq!((within, rows[0].int(2).unwrap()), (None, 1));
    }

    #[tokio::test]
    async fn a_database_is_not_made_where_one_is_expected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(folder::DATABASE);
        let Err(error) = Sqlite::open(&file, Schema::AsFound).await else {
            panic!("it opened");
        };
        assert!(error.to_string().contains("--data"), "{error}");
        assert!(!file.exists());
    }
}
