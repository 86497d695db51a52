//! Key-value pairs.

use tandem_store::{Options, Store, StoreError};

use crate::home;

const CAP: u64 = 1 << 20;

#[tokio::test]
async fn pairs_are_written_replaced_and_deleted() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    assert_eq!(home.kv_get(&scope, "k").await.unwrap(), None);
    home.kv_set(&scope, "k", b"\0one\xff", CAP).await.unwrap();
    assert_eq!(home.kv_get(&scope, "k").await.unwrap().unwrap(), b"\0one\xff");
    home.kv_set(&scope, "k", b"", CAP).await.unwrap();
    assert_eq!(home.kv_get(&scope, "k").await.unwrap().unwrap(), b"");
    assert_eq!(home.kv_usage(&scope).await.unwrap(), 1);
    assert!(home.kv_delete(&scope, "k").await.unwrap());
    assert!(!home.kv_delete(&scope, "k").await.unwrap());
    assert_eq!(home.kv_usage(&scope).await.unwrap(), 0);
}

#[tokio::test]
async fn sizes_are_bounded() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let (key, value) = ("k".repeat(512), vec![7; 64 << 10]);
    home.kv_set(&scope, &key, &value, CAP).await.unwrap();
    assert_eq!(home.kv_get(&scope, &key).await.unwrap().unwrap(), value);
    assert!(matches!(
        home.kv_set(&scope, "", b"", CAP).await,
        Err(StoreError::Invalid { .. })
    ));
    let long = home.kv_get(&scope, &"k".repeat(513)).await;
    assert!(
        matches!(
            long,
            Err(StoreError::TooLarge {
                what: "key",
                bytes: 513,
                most: 512
            })
        ),
        "{long:?}"
    );
    let long = home.kv_set(&scope, "k", &vec![7; (64 << 10) + 1], CAP).await;
    assert!(
        matches!(long, Err(StoreError::TooLarge { what: "value", .. })),
        "{long:?}"
    );
}

#[tokio::test]
async fn the_cap_counts_keys_and_values() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    home.kv_set(&scope, "aa", b"12345678", 20).await.unwrap();
    home.kv_set(&scope, "bb", b"12345678", 20).await.unwrap();
    assert_eq!(home.kv_usage(&scope).await.unwrap(), 20);
    let full = home.kv_set(&scope, "c", b"", 20).await;
    assert!(
        matches!(
            full,
            Err(StoreError::Full {
                would_be_bytes: 21,
                cap_bytes: 20
            })
        ),
        "{full:?}"
    );
    let full = home.kv_increment(&scope, "c", 1, 20).await;
    assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    assert_eq!(
        home.kv_usage(&scope).await.unwrap(),
        20,
        "a refused write is not counted"
    );
    assert_eq!(home.kv_get(&scope, "c").await.unwrap(), None);
    // Above a lowered cap, what makes it less is taken.
    home.kv_set(&scope, "aa", b"1234", 10).await.unwrap();
    assert!(home.kv_delete(&scope, "bb").await.unwrap());
    assert_eq!(home.kv_usage(&scope).await.unwrap(), 6);
}

#[tokio::test]
async fn keys_are_listed_by_prefix_in_byte_order_and_pages() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    for key in ["a", "a/1", "a/2", "a/10", "a/é", "a/\u{10ffff}", "a0", "b", "B"] {
        home.kv_set(&scope, key, b"", CAP).await.unwrap();
    }
    let keys = async |prefix, after, limit| home.kv_keys(&scope, prefix, after, limit).await.unwrap();
    assert_eq!(
        keys("a/", "", 100).await,
        ["a/1", "a/10", "a/2", "a/é", "a/\u{10ffff}"]
    );
    assert_eq!(keys("a/", "", 2).await, ["a/1", "a/10"]);
    assert_eq!(keys("a/", "a/10", 2).await, ["a/2", "a/é"]);
    assert_eq!(keys("a/", "a/é", 2).await, ["a/\u{10ffff}"]);
    assert_eq!(keys("", "", 2).await, ["B", "a"]);
    assert!(keys("c", "", 2).await.is_empty());
    for limit in [0, 1_001] {
        assert!(matches!(
            home.kv_keys(&scope, "", "", limit).await,
            Err(StoreError::Invalid { .. })
        ));
    }
}

#[tokio::test]
async fn increment_counts_from_nothing_and_knows_its_bounds() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    assert_eq!(home.kv_increment(&scope, "n", 5, CAP).await.unwrap(), 5);
    assert_eq!(home.kv_increment(&scope, "n", -15, CAP).await.unwrap(), -10);
    assert_eq!(home.kv_get(&scope, "n").await.unwrap().unwrap(), b"-10");
    let over = home.kv_increment(&scope, "n", i64::MIN, CAP).await;
    assert!(matches!(over, Err(StoreError::Overflow { .. })), "{over:?}");
    assert_eq!(
        home.kv_increment(&scope, "n", 0, CAP).await.unwrap(),
        -10,
        "it stayed as it was"
    );
    for text in ["", "x", "1.5", "9223372036854775808"] {
        home.kv_set(&scope, "t", text.as_bytes(), CAP).await.unwrap();
        let refused = home.kv_increment(&scope, "t", 1, CAP).await;
        assert!(
            matches!(refused, Err(StoreError::NotANumber { .. })),
            "{text}: {refused:?}"
        );
    }
}

/// Two stores on one directory stand for two processes; neither may lose an addition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_increments_are_all_counted() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let second = Store::open(home.directory.path(), Options::default())
        .await
        .unwrap();
    let mut tasks = Vec::new();
    for number in 0..16 {
        let (store, scope) = (
            if number % 2 == 0 {
                home.store.clone()
            } else {
                second.clone()
            },
            scope.clone(),
        );
        tasks.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..25 {
                seen.push(store.kv_increment(&scope, "n", 1, CAP).await.unwrap());
            }
            seen
        }));
    }
    let mut sums = Vec::new();
    for task in tasks {
        sums.extend(task.await.unwrap());
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=400).collect::<Vec<i64>>(), "each sum was given once");
    assert_eq!(home.kv_usage(&scope).await.unwrap(), 4, "`n` and `400`");
}
