//! The schema.

use store::Store;

use crate::{on_postgres, on_sqlite};

pub(crate) async fn the_schema_is_whole(store: Store) {
    let schema = store.schema().await.unwrap();
    for table in [
        "sites.hostname",
        "releases.version",
        "audit.who",
        "migrations.number",
    ] {
        assert!(schema.iter().any(|line| line.starts_with(table)), "{table}");
    }
}

/// The same table and column names and matching types, whichever database answers.
#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_schema() {
    let (sqlite, _folder) = on_sqlite().await;
    let Some((postgres, _other)) = on_postgres("both_databases_have_the_same_schema").await else {
        return;
    };
    let same = |line: &String| line.replace("BYTEA", "BLOB");
    let sqlite: Vec<_> = sqlite.schema().await.unwrap().iter().map(same).collect();
    let postgres: Vec<_> = postgres.schema().await.unwrap().iter().map(same).collect();
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn a_file_opens_again_with_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let place = store::Place {
        folder: folder.path().to_owned(),
        postgres: None,
    };
    let first = Store::open(&place).await.unwrap();
    first.add_audit(&crate::audit()).await.unwrap();
    let schema = first.schema().await.unwrap();
    drop(first);
    let again = Store::open(&place).await.unwrap();
    assert_eq!(again.schema().await.unwrap(), schema);
    assert_eq!(again.audit(None, 10).await.unwrap().len(), 1);
}
