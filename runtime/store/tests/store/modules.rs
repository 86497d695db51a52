//! Modules: versions in the database, contents in files.

use std::fs;
use std::path::PathBuf;

use tandem_store::{NewEntryPoint, StoreError};

use crate::{Home, home};

fn files(home: &Home) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(home.directory.path().join("modules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn versions_stand_beside_each_other() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let first = home
        .put_module(&scope, "flow", "call-scenario", b"first")
        .await
        .unwrap();
    let second = home
        .put_module(&scope, "flow", "call-scenario", b"second")
        .await
        .unwrap();
    home.put_module(&scope, "dial", "call-scenario", b"dial")
        .await
        .unwrap();
    assert_eq!(first.hash, blake3::hash(b"first").to_hex().as_str());
    assert_eq!((first.size_bytes, first.world.as_str()), (5, "call-scenario"));

    let names: Vec<_> = home
        .modules(&scope)
        .await
        .unwrap()
        .into_iter()
        .map(|module| module.name)
        .collect();
    assert_eq!(names, ["dial", "flow", "flow"]);
    assert_eq!(home.module(&scope, "flow").await.unwrap(), Some(second));
    assert_eq!(home.module(&scope, "other").await.unwrap(), None);
    assert_eq!(home.module_bytes(&scope, &first.hash).await.unwrap(), b"first");

    let again = home
        .put_module(&scope, "flow", "call-scenario", b"first")
        .await
        .unwrap();
    assert_eq!(
        home.module(&scope, "flow").await.unwrap(),
        Some(again),
        "uploaded again: the newest"
    );
    assert_eq!(home.modules(&scope).await.unwrap().len(), 3);
    assert_eq!(files(&home).len(), 3, "{:?}", files(&home));
}

#[tokio::test]
async fn what_an_entry_point_uses_stays() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let first = home
        .put_module(&scope, "flow", "call-scenario", b"first")
        .await
        .unwrap();
    let second = home
        .put_module(&scope, "flow", "call-scenario", b"second")
        .await
        .unwrap();
    home.add_entry_point(&scope, &NewEntryPoint::new("300", "flow"))
        .await
        .unwrap();

    for hash in [None, Some(second.hash.as_str())] {
        match home.delete_module(&scope, "flow", hash).await {
            Err(StoreError::InUse { by, .. }) => assert_eq!(by, "entry point 300"),
            other => panic!("{other:?}"),
        }
    }
    home.delete_module(&scope, "flow", Some(&first.hash))
        .await
        .unwrap();
    assert!(matches!(
        home.module_bytes(&scope, &first.hash).await,
        Err(StoreError::NotFound { .. })
    ));
    home.remove_entry_point(&scope, "300").await.unwrap();
    home.delete_module(&scope, "flow", None).await.unwrap();
    assert!(matches!(
        home.delete_module(&scope, "flow", None).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(files(&home).is_empty(), "{:?}", files(&home));
}

/// Equal contents are one file, and it stays while anybody has it.
#[tokio::test]
async fn a_file_goes_with_its_last_owner() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let theirs = home.domain("other.local").await;
    let module = home
        .put_module(&ours, "flow", "call-scenario", b"same")
        .await
        .unwrap();
    home.put_module(&ours, "copy", "call-scenario", b"same")
        .await
        .unwrap();
    home.put_module(&theirs, "flow", "call-scenario", b"same")
        .await
        .unwrap();
    home.add_entry_point(&theirs, &NewEntryPoint::new("300", "flow"))
        .await
        .unwrap();
    assert_eq!(files(&home).len(), 1);
    home.delete_module(&ours, "flow", None).await.unwrap();
    assert_eq!(home.module_bytes(&ours, &module.hash).await.unwrap(), b"same");
    home.delete_module(&ours, "copy", None).await.unwrap();
    assert_eq!(home.module_bytes(&theirs, &module.hash).await.unwrap(), b"same");
    // A whole domain goes with its modules in use.
    home.delete_domain(&theirs).await.unwrap();
    assert!(files(&home).is_empty());
}

#[tokio::test]
async fn a_damaged_file_is_noticed() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let module = home
        .put_module(&scope, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    let path = files(&home).remove(0);
    fs::write(&path, b"Component").unwrap();
    assert!(matches!(
        home.module_bytes(&scope, &module.hash).await,
        Err(StoreError::Corrupt { .. })
    ));
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        home.module_bytes(&scope, &module.hash).await,
        Err(StoreError::Corrupt { .. })
    ));
    // The next upload repairs it.
    home.put_module(&scope, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    assert_eq!(
        home.module_bytes(&scope, &module.hash).await.unwrap(),
        b"component"
    );
}

#[tokio::test]
async fn names_cannot_leave_the_folder() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    for name in ["", "a/b", "a b", "ä"] {
        let refused = home.put_module(&scope, name, "call-scenario", b"x").await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{name}: {refused:?}"
        );
    }
    let asked = home.module_bytes(&scope, "../tandem").await;
    assert!(matches!(asked, Err(StoreError::NotFound { .. })), "{asked:?}");
}
