//! A lock on the whole schema, held by a connection of its own: PostgreSQL lets go of it when the
//! connection ends, which it does with the process.

use std::time::Duration;

use clock::Clock;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::failed;
use crate::StoreError;

/// A killed process is gone before PostgreSQL has noticed; who restarts it at once waits so long.
const TRIES_MAX: u32 = 50;
const TRY_EVERY: Duration = Duration::from_millis(100);
/// A machine that vanished is noticed after 10 s and 3 times 5 s, on both ends.
const SILENT_MAX: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_secs(5);
const ASK_TIMES: u32 = 3;
/// The same on PostgreSQL's side, which also may not end the connection for doing nothing. Settings
/// that this PostgreSQL does not know are left out.
const SETTINGS: &str = "SELECT set_config(name, wanted.value, false) FROM pg_settings JOIN (VALUES \
    ('idle_session_timeout', '0'), ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), \
    ('tcp_keepalives_count', '3')) AS wanted (name, value) USING (name)";
/// Any two servers of one schema must agree on it; the first number has no meaning.
const TAKE: &str = "SELECT pg_try_advisory_lock(7112023, hashtext(coalesce(current_schema(), '')))";
const HOLDER: &str = "SELECT coalesce(application_name, ''), coalesce(host(client_addr), '') \
    FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND classid::bigint = 7112023 \
    AND objid::bigint = hashtext(coalesce(current_schema(), ''))::bigint & 4294967295";
/// What `pg_stat_activity` shows, followed by the process.
const NAME: &str = "lamplighter serve, process ";

/// The schema is this process's to serve, while it keeps this.
#[derive(Debug)]
pub(crate) struct PostgresHold {
    /// The connection ends when this is dropped.
    _client: Client,
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl PostgresHold {
    pub(crate) async fn take(config: &str) -> Result<Self, StoreError> {
        let fail = |e| failed("connect to PostgreSQL", e);
        let mut config: Config = config.parse().map_err(fail)?;
        config
            .application_name(format!("{NAME}{}", std::process::id()))
            .keepalives_idle(SILENT_MAX)
            .keepalives_interval(ASK_EVERY)
            .keepalives_retries(ASK_TIMES);
        let (client, connection) = config.connect(NoTls).await.map_err(fail)?;
        let connection = tokio::spawn(connection);
        client.query(SETTINGS, &[]).await.map_err(fail)?;
        for _ in 0..TRIES_MAX {
            let taken = client.query_one(TAKE, &[]).await.map_err(fail)?;
            if taken.get(0) {
                return Ok(Self {
                    _client: client,
                    connection,
                });
            }
            Clock::system().sleep(TRY_EVERY).await;
        }
        Err(StoreError::InUse {
            what: "the database".into(),
            holder: holder(&client).await.map_err(fail)?,
            other: "another database (--postgres)",
        })
    }

    pub(crate) async fn lost(&mut self) -> StoreError {
        let why = match (&mut self.connection).await {
            Ok(Ok(())) => "it was closed".into(),
            Ok(Err(e)) => e.to_string(),
            Err(e) => e.to_string(),
        };
        StoreError::HoldLost { why }
    }
}

/// Which process holds the lock, as far as PostgreSQL tells: not of another user's connection.
async fn holder(client: &Client) -> Result<String, tokio_postgres::Error> {
    let row = client.query_opt(HOLDER, &[]).await?;
    let (name, at): (String, String) =
        row.map_or_else(Default::default, |row| (row.get(0), row.get(1)));
    let process = match name.strip_prefix(NAME) {
        Some(pid) => format!("process {pid}"),
        None => "another process".into(),
    };
    Ok(match &*at {
        "" => process,
        at => format!("{process} at {at}"),
    })
}
