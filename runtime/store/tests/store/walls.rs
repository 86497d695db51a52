//! A domain sees nothing of another, whichever function it asks.

use tandem_store::{
    CallFilter, DomainChange, Due, EntryPointChange, Keep, NewEntryPoint, Retention, StoreError,
};

use crate::{call, home, new_user, secret};

#[tokio::test]
async fn a_second_domain_sees_and_changes_nothing() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let theirs = home.domain("other.local").await;
    home.create_user(&ours, &new_user("301")).await.unwrap();
    let number = home.add_user_number(&ours, "+49301", "301").await.unwrap();
    let module = home
        .put_module(&ours, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    let entry_point = home
        .add_entry_point(&ours, &NewEntryPoint::new("300", "flow"))
        .await
        .unwrap();
    home.kv_set(&ours, "k", b"7", 100).await.unwrap();
    home.insert_call(&ours, &call("0001", 0), Some(b"journal"))
        .await
        .unwrap();

    // Reading.
    assert_eq!(home.store.domain(&theirs).await.unwrap().name, "other.local");
    assert!(home.users(&theirs).await.unwrap().is_empty());
    assert_eq!(home.user(&theirs, "301").await.unwrap(), None);
    assert_eq!(home.credentials(&theirs, "301").await.unwrap(), None);
    assert!(home.user_numbers(&theirs).await.unwrap().is_empty());
    assert_eq!(home.user_of_number(&theirs, "+49301").await.unwrap(), None);
    assert!(home.modules(&theirs).await.unwrap().is_empty());
    assert_eq!(home.module(&theirs, "flow").await.unwrap(), None);
    assert!(matches!(
        home.module_bytes(&theirs, &module.hash).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(home.entry_points(&theirs).await.unwrap().is_empty());
    assert!(home.entry_point_numbers(&theirs).await.unwrap().is_empty());
    assert_eq!(home.entry_point(&theirs, "300").await.unwrap(), None);
    assert_eq!(home.kv_get(&theirs, "k").await.unwrap(), None);
    assert!(home.kv_keys(&theirs, "", "", 100).await.unwrap().is_empty());
    assert_eq!(home.kv_usage(&theirs).await.unwrap(), 0);
    assert!(
        home.calls(&theirs, &CallFilter::default())
            .await
            .unwrap()
            .calls
            .is_empty()
    );
    assert_eq!(home.call(&theirs, "0001").await.unwrap(), None);
    assert_eq!(home.journal(&theirs, "0001").await.unwrap(), None);
    assert_eq!(home.packed_journal(&theirs, "0001").await.unwrap(), None);
    assert_eq!(home.journal_state(&theirs, "0001").await.unwrap(), None);

    // Changing what is not theirs.
    let not_found =
        |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::NotFound { .. })));
    not_found(home.set_user_credentials(&theirs, "301", &secret("b")).await);
    not_found(home.delete_user(&theirs, "301").await);
    // Our user is none that their number could lead to.
    not_found(home.add_user_number(&theirs, "+49301", "301").await.map(|_| ()));
    not_found(home.remove_user_number(&theirs, "+49301").await);
    not_found(home.delete_module(&theirs, "flow", None).await);
    not_found(home.delete_module(&theirs, "flow", Some(&module.hash)).await);
    not_found(
        home.add_entry_point(&theirs, &NewEntryPoint::new("300", "flow"))
            .await
            .map(|_| ()),
    );
    let change = EntryPointChange {
        title: Some("theirs".to_owned()),
        ..EntryPointChange::default()
    };
    not_found(home.set_entry_point(&theirs, "300", &change).await.map(|_| ()));
    not_found(home.remove_entry_point(&theirs, "300").await);
    assert!(!home.kv_delete(&theirs, "k").await.unwrap());

    // Their own things of the same names stand beside ours.
    home.create_users(&theirs, &[new_user("301")]).await.unwrap();
    home.set_user_credentials(&theirs, "301", &secret("c"))
        .await
        .unwrap();
    for number in ["+49301", "+49302"] {
        home.add_user_number(&theirs, number, "301").await.unwrap();
    }
    home.remove_user_number(&theirs, "+49301").await.unwrap();
    home.put_module(&theirs, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    home.add_entry_point(&theirs, &NewEntryPoint::new("300", "flow"))
        .await
        .unwrap();
    home.set_entry_point(&theirs, "300", &change).await.unwrap();
    home.kv_set(&theirs, "k", b"theirs", 100).await.unwrap();
    home.kv_set(&theirs, "n", b"1", 100).await.unwrap();
    home.kv_increment(&theirs, "n", 1, 100).await.unwrap();
    home.insert_call(&theirs, &call("0001", 9), None).await.unwrap();
    let long_from_now = Some(jiff::Timestamp::MAX);
    let due = Due {
        journals_before: long_from_now,
        calls_before: long_from_now,
    };
    home.purge(&theirs, &due).await.unwrap();
    home.set_domain(
        &theirs,
        &DomainChange {
            keep_journals: Some(Keep::ForEver),
            ..DomainChange::default()
        },
    )
    .await
    .unwrap();
    home.remove_entry_point(&theirs, "300").await.unwrap();
    home.delete_module(&theirs, "flow", None).await.unwrap();
    home.delete_user(&theirs, "301").await.unwrap();
    home.delete_domain(&theirs).await.unwrap();

    // Ours is as it was.
    assert_eq!(home.store.domain(&ours).await.unwrap().keep, Retention::default());
    assert_eq!(home.users(&ours).await.unwrap().len(), 1);
    assert_eq!(home.credentials(&ours, "301").await.unwrap(), Some(secret("a")));
    assert_eq!(home.user_numbers(&ours).await.unwrap(), [number]);
    assert_eq!(home.modules(&ours).await.unwrap(), std::slice::from_ref(&module));
    assert_eq!(
        home.module_bytes(&ours, &module.hash).await.unwrap(),
        b"component"
    );
    assert_eq!(home.entry_points(&ours).await.unwrap(), [entry_point]);
    assert_eq!(home.kv_get(&ours, "k").await.unwrap().unwrap(), b"7");
    assert_eq!(home.kv_keys(&ours, "", "", 100).await.unwrap(), ["k"]);
    assert_eq!(home.kv_usage(&ours).await.unwrap(), 2);
    let mut record = call("0001", 0);
    record.summary.journal_stored = true;
    assert_eq!(home.call(&ours, "0001").await.unwrap(), Some(record));
    assert_eq!(home.journal(&ours, "0001").await.unwrap().unwrap(), b"journal");
    home.check().await.unwrap();
}
