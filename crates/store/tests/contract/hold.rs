//! A schema has one server at a time.

use store::{Hold, Place, StoreError};

use crate::own_schema;

fn place(folder: &tempfile::TempDir, postgres: &str) -> Place {
    Place {
        folder: folder.path().to_owned(),
        postgres: Some(postgres.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_postgresql_has_one_server() {
    let Ok(server) = std::env::var("LAMPLIGHTER_TEST_POSTGRES") else {
        eprintln!(
            "left out: a_schema_of_postgresql_has_one_server, as LAMPLIGHTER_TEST_POSTGRES is not set"
        );
        return;
    };
    let (one, other) = (own_schema(&server).await, own_schema(&server).await);
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let mut first = Hold::take(&place(&folders[0], &one)).await.unwrap();
    let _elsewhere = Hold::take(&place(&folders[1], &other)).await.unwrap();
    let refused = Hold::take(&place(&folders[2], &one)).await.unwrap_err();
    let says = refused.to_string();
    let process = format!("process {} at 127.0.0.1", std::process::id());
    assert!(says.contains(&process), "{says}");

    // The connection is cut from the other side; the next server may have the schema.
    let (client, connection) = tokio_postgres::connect(&one, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
        AND classid::bigint = 7112023 \
        AND objid::bigint = hashtext(current_schema())::bigint & 4294967295";
    client.batch_execute(cut).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let lost = first.lost().await;
    assert!(matches!(lost, StoreError::HoldLost { .. }), "{lost}");
    Hold::take(&place(&folders[2], &one)).await.unwrap();
}
