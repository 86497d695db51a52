//! Journals: stored small, read as they were, also those of the first release and those that were damaged.

use std::path::Path;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use tandem_store::{JournalState, NewCall, Options, Retention, Store, StoreError, due};

use crate::{Home, call, home};

/// Of a call to the demo menu, as a phone made it.
const MENU: &[u8] = include_bytes!("../data/menu.journal");

/// The database itself, beside its store.
async fn beside(directory: &Path) -> SqlitePool {
    let path = format!("sqlite:{}?mode=rwc", directory.join("tandem.db").display());
    SqlitePool::connect(&path).await.unwrap()
}

async fn with_calls(ids: &[&str]) -> (Home, tandem_store::DomainScope) {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    for id in ids {
        home.insert_call(&scope, &call(id, 0), Some(MENU)).await.unwrap();
    }
    (home, scope)
}

#[tokio::test]
async fn a_journal_takes_a_quarter_and_is_read_as_it_was() {
    let (home, scope) = with_calls(&["0001"]).await;
    let packed = home.packed_journal(&scope, "0001").await.unwrap().unwrap();
    assert!(packed.len_bytes() < MENU.len() / 4, "{}", packed.len_bytes());
    assert_eq!(packed.unpack().unwrap(), MENU);
    assert_eq!(home.journal(&scope, "0001").await.unwrap().unwrap(), MENU);
}

#[tokio::test]
async fn journals_of_a_batch_stay_with_their_calls() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let records: Vec<_> = (0..6).map(|number| call(&number.to_string(), number)).collect();
    // Empty, none, and so long that the batch is packed in several pieces.
    let long = vec![b'x'; 3 << 20];
    let journals = [
        Some(MENU),
        None,
        Some(&long),
        Some(&b""[..]),
        Some(&long),
        Some(b"last"),
    ];
    let new: Vec<_> = records
        .iter()
        .zip(journals)
        .map(|(record, journal)| NewCall {
            scope: &scope,
            record,
            journal,
        })
        .collect();
    assert!(home.insert_calls(&new).await.unwrap().iter().all(Result::is_ok));
    for (number, journal) in journals.iter().enumerate() {
        let read = home.journal(&scope, &number.to_string()).await.unwrap();
        assert!(read.as_deref() == *journal, "call {number}");
    }
}

/// The schema of 0.1.0, with what it wrote; the store then brings it up to date.
#[tokio::test]
async fn journals_of_the_first_release_are_read_and_grow_old() {
    let directory = tempfile::tempdir().unwrap();
    let migrations = directory.path().join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    for file in ["0001_first.sql", "0002_kv_once.sql"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(file);
        std::fs::copy(from, migrations.join(file)).unwrap();
    }
    let old = beside(directory.path()).await;
    Migrator::new(migrations).await.unwrap().run(&old).await.unwrap();
    sqlx::query("INSERT INTO domains VALUES (7, 'demo.local', 'demo.local', 'UTC', 7)")
        .execute(&old)
        .await
        .unwrap();
    for id in ["with", "without"] {
        sqlx::query(
            "INSERT INTO calls VALUES (7, $1, 'internal', '301', '100', '100', 'flow', 'ab', \
             1000, 1000, 2000, 1, 'normal', 200, 'caller', 'cd', 0)",
        )
        .bind(id)
        .execute(&old)
        .await
        .unwrap();
    }
    sqlx::query("INSERT INTO journals VALUES (7, 'with', $1)")
        .bind(MENU)
        .execute(&old)
        .await
        .unwrap();
    old.close().await;

    let store = Store::open(directory.path(), Options::default()).await.unwrap();
    let scope = store.domain_scope("demo.local").await.unwrap();
    assert_eq!(store.journal(&scope, "with").await.unwrap().unwrap(), MENU);
    assert_eq!(store.journal(&scope, "without").await.unwrap(), None);
    let stored = store.call(&scope, "with").await.unwrap().unwrap();
    assert!(stored.summary.journal_stored);
    let keep = store.domain(&scope).await.unwrap().keep;
    assert_eq!(keep, Retention::default());
    let purged = store
        .purge(&scope, &due(&keep, jiff::Timestamp::now()))
        .await
        .unwrap();
    assert_eq!((purged.journals, purged.calls), (1, 0));
    assert_eq!(
        store.journal_state(&scope, "with").await.unwrap(),
        Some(JournalState::Removed)
    );
    assert_eq!(
        store.journal_state(&scope, "without").await.unwrap(),
        Some(JournalState::None)
    );
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_damaged_journal_is_told_and_costs_its_call_alone() {
    let (home, scope) = with_calls(&["0001", "0002"]).await;
    let beside = beside(home.directory.path()).await;
    for damage in [
        "bytes = substr(bytes, 1, 100)",
        "bytes = zeroblob(100)",
        "length_bytes = 68719476736",
        "length_bytes = 67108864",
        "length_bytes = -1",
        "codec = 9",
    ] {
        let damage = format!("UPDATE journals SET {damage} WHERE call_id = '0001'");
        sqlx::query(sqlx::AssertSqlSafe(damage.clone()))
            .execute(&beside)
            .await
            .unwrap();
        match home.journal(&scope, "0001").await {
            Err(StoreError::Corrupt { what }) => assert!(what.contains("0001"), "{what}"),
            other => panic!("{damage}: {other:?}"),
        }
        sqlx::query(
            "UPDATE journals SET bytes = whole.bytes, length_bytes = whole.length_bytes, codec = whole.codec \
             FROM journals AS whole WHERE journals.call_id = '0001' AND whole.call_id = '0002'",
        )
        .execute(&beside)
        .await
        .unwrap();
    }
    for id in ["0001", "0002"] {
        assert_eq!(home.journal(&scope, id).await.unwrap().unwrap(), MENU);
    }
}
