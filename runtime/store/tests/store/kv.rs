//! Key-value pairs.

use sqlx::{Connection, SqliteConnection};
use tandem_store::{Amount, KvCap, Limit, Once, Options, Store, StoreError, Writer, usage};

use crate::{call, home};

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

#[tokio::test]
async fn a_repeated_increment_is_counted_once() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let once = |op_index| Once {
        call: "0001",
        op_index,
        writer: Writer::default(),
    };
    let first = home.kv_increment_once(&ours, once(7), "n", 5, CAP).await;
    assert_eq!(first.unwrap(), 5);
    home.kv_increment(&ours, "n", 1, CAP).await.unwrap();
    let again = home.kv_increment_once(&ours, once(7), "n", 5, CAP).await;
    assert_eq!(again.unwrap(), 5, "what it was told then");
    assert_eq!(home.kv_get(&ours, "n").await.unwrap().unwrap(), b"6");

    // Another host call, another call, another domain: each is one of its own.
    let next = home.kv_increment_once(&ours, once(8), "n", 5, CAP).await;
    assert_eq!(next.unwrap(), 11);
    let other = Once {
        call: "0002",
        op_index: 7,
        writer: Writer::default(),
    };
    assert_eq!(
        home.kv_increment_once(&ours, other, "n", 5, CAP).await.unwrap(),
        16
    );
    let elsewhere = home.kv_increment_once(&theirs, once(7), "n", 1, CAP).await;
    assert_eq!(elsewhere.unwrap(), 1);

    // The call's record is the end of it, in its own domain only.
    home.insert_call(&ours, &call("0001", 0), None).await.unwrap();
    let after = home.kv_increment_once(&ours, once(7), "n", 5, CAP).await;
    assert_eq!(after.unwrap(), 21);
    let elsewhere = home.kv_increment_once(&theirs, once(7), "n", 1, CAP).await;
    assert_eq!(elsewhere.unwrap(), 1);
    home.delete_domain(&theirs).await.unwrap();
    home.check().await.unwrap();
}

/// Between the first time and the repetition another call may have written.
#[tokio::test]
async fn a_repeated_write_or_deletion_leaves_what_came_after_it() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let once = |op_index| Once {
        call: "0001",
        op_index,
        writer: Writer::default(),
    };
    home.kv_set_once(&ours, once(1), "k", b"first", CAP)
        .await
        .unwrap();
    home.kv_set(&ours, "k", b"second", CAP).await.unwrap();
    home.kv_set_once(&ours, once(1), "k", b"first", CAP)
        .await
        .unwrap();
    assert_eq!(home.kv_get(&ours, "k").await.unwrap().unwrap(), b"second");

    assert!(home.kv_delete_once(&ours, once(2), "k").await.unwrap());
    assert!(!home.kv_delete_once(&ours, once(3), "k").await.unwrap());
    assert_eq!(home.kv_usage(&ours).await.unwrap(), 0);
    home.kv_set(&ours, "k", b"third", CAP).await.unwrap();
    assert!(home.kv_delete_once(&ours, once(2), "k").await.unwrap());
    assert!(!home.kv_delete_once(&ours, once(3), "k").await.unwrap());
    assert_eq!(home.kv_get(&ours, "k").await.unwrap().unwrap(), b"third");

    home.kv_set_once(&theirs, once(1), "k", b"theirs", CAP)
        .await
        .unwrap();
    assert!(home.kv_delete_once(&theirs, once(2), "k").await.unwrap());
    assert_eq!(home.kv_get(&ours, "k").await.unwrap().unwrap(), b"third");
}

#[tokio::test]
async fn a_refused_increment_is_not_remembered() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let once = Once {
        call: "0001",
        op_index: 1,
        writer: Writer::default(),
    };
    let full = home.kv_increment_once(&scope, once, "n", 1, 1).await;
    assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    assert_eq!(home.kv_usage(&scope).await.unwrap(), 0);
    let then = home.kv_increment_once(&scope, once, "n", 1, CAP).await;
    assert_eq!(then.unwrap(), 1);
}

#[tokio::test]
async fn what_was_remembered_is_forgotten_after_a_day() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let once = |op_index| Once {
        call: "0001",
        op_index,
        writer: Writer::default(),
    };
    for op_index in [1, 2] {
        home.kv_increment_once(&scope, once(op_index), "n", 1, CAP)
            .await
            .unwrap();
    }
    home.close().await;
    let file = home.directory.path().join("tandem.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    sqlx::query("UPDATE kv_once SET created_at = created_at - 86400000000 WHERE op_index = 1")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();

    let store = Store::open(home.directory.path(), Options::default())
        .await
        .unwrap();
    let sum = store.kv_increment_once(&scope, once(1), "n", 1, CAP).await;
    assert_eq!(sum.unwrap(), 3, "forgotten, so it is counted");
    let sum = store.kv_increment_once(&scope, once(2), "n", 1, CAP).await;
    assert_eq!(sum.unwrap(), 2, "remembered");
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

#[tokio::test]
async fn pairs_are_counted_and_bounded() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let cap = KvCap { bytes: CAP, keys: 2 };
    home.kv_set(&scope, "a", b"1", cap).await.unwrap();
    home.kv_increment(&scope, "b", 1, cap).await.unwrap();
    for refused in [
        home.kv_set(&scope, "c", b"1", cap).await,
        home.kv_increment(&scope, "c", 1, cap).await.map(drop),
    ] {
        let Err(StoreError::TooMany { most, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(most, 2);
    }
    home.kv_set(&scope, "a", b"another", cap).await.unwrap();
    assert_eq!(
        home.kv_taken(&scope).await.unwrap().keys,
        2,
        "what was refused is not counted"
    );
    assert!(home.kv_delete(&scope, "b").await.unwrap());
    home.kv_set(&scope, "c", b"1", cap).await.unwrap();
    let other = home.domain("other.local").await;
    assert_eq!(home.kv_taken(&other).await.unwrap(), KvCap { bytes: 0, keys: 0 });
    home.kv_set(&other, "a", b"1", cap).await.unwrap();
}

#[tokio::test]
async fn limits_are_a_domains_own_and_go_back_to_the_servers() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let other = home.domain("other.local").await;
    let set = [(Limit::KvKeys, Some(5)), (Limit::Instances, Some(0))];
    let own = home.set_limits(&scope, &set).await.unwrap();
    assert_eq!(home.store.domain(&scope).await.unwrap().limits, own);
    assert_eq!((own.get(Limit::KvKeys), own.get(Limit::KvBytes)), (Some(5), None));
    let own = home
        .set_limits(&scope, &[(Limit::Instances, None)])
        .await
        .unwrap();
    assert_eq!(
        (own.get(Limit::KvKeys), own.get(Limit::Instances)),
        (Some(5), None)
    );
    assert_eq!(
        home.store.domain(&other).await.unwrap().limits.get(Limit::KvKeys),
        None
    );
    let refused = home
        .set_limits(&scope, &[(Limit::CallCpuMs, Some(1))])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("1 is not from 10"), "{refused}");
}

/// A pair is its last writer's: what one scenario writes over is no longer the other's, and each has its own cap.
#[tokio::test]
async fn pairs_are_counted_for_the_scenario_that_wrote_them_last() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let cap = |bytes, keys| Some(KvCap { bytes, keys });
    let once = |op_index, module, cap| Once {
        call: "0001",
        op_index,
        writer: Writer { module, cap },
    };
    let taken = async |module: &str| {
        let taken = home.kv_taken_by(&ours, module).await.unwrap();
        (taken.bytes, taken.keys)
    };
    home.kv_set(&ours, "old", b"12345", CAP).await.unwrap();
    home.kv_set_once(&ours, once(1, "menu", None), "a", b"1234", CAP)
        .await
        .unwrap();
    home.kv_increment_once(&ours, once(2, "menu", None), "n", 1, CAP)
        .await
        .unwrap();
    assert_eq!((taken("menu").await, taken("crm").await), ((7, 2), (0, 0)));

    // Another scenario's pair, and one of before, become its own.
    home.kv_set_once(&ours, once(3, "crm", cap(9, 2)), "a", b"12", CAP)
        .await
        .unwrap();
    assert_eq!((taken("menu").await, taken("crm").await), ((2, 1), (3, 1)));
    let full = home
        .kv_set_once(&ours, once(4, "crm", cap(9, 2)), "old", b"1234", CAP)
        .await
        .unwrap_err();
    assert!(matches!(full, StoreError::FullOfScenario { .. }), "{full:?}");
    assert!(
        full.to_string().contains("scenario crm would take 10 bytes"),
        "{full}"
    );
    home.kv_set_once(&ours, once(4, "crm", cap(9, 2)), "old", b"123", CAP)
        .await
        .unwrap();
    let full = home
        .kv_increment_once(&ours, once(5, "crm", cap(99, 2)), "m", 1, CAP)
        .await;
    assert!(matches!(full, Err(StoreError::TooMany { .. })), "{full:?}");
    assert_eq!(home.kv_get(&ours, "m").await.unwrap(), None);
    // Over a cap that became less, what takes no more is written.
    home.kv_set_once(&ours, once(6, "crm", cap(1, 1)), "old", b"321", CAP)
        .await
        .unwrap();
    assert_eq!(taken("crm").await, (9, 2));

    home.kv_delete_once(&ours, once(7, "menu", None), "old")
        .await
        .unwrap();
    home.kv_delete(&ours, "a").await.unwrap();
    assert_eq!((taken("menu").await, taken("crm").await), ((2, 1), (0, 0)));
    assert_eq!(
        home.kv_taken_by(&theirs, "menu").await.unwrap(),
        KvCap { bytes: 0, keys: 0 }
    );
    assert_eq!(home.kv_taken(&ours).await.unwrap(), KvCap { bytes: 2, keys: 1 });
}

#[tokio::test]
async fn limits_of_a_scenario_are_its_domains() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let other = home.domain("other.local").await;
    for scope in [&scope, &other] {
        home.put_module(scope, "flow", "call-scenario", b"x")
            .await
            .unwrap();
    }
    let set = [(Limit::CallCpuMs, Some(50)), (Limit::CallWallMs, Some(70))];
    let own = home.set_module_limits(&scope, "flow", &set).await.unwrap();
    assert_eq!(
        home.module_limits(&scope).await.unwrap(),
        [("flow".to_owned(), own)].into()
    );
    assert!(home.module_limits(&other).await.unwrap().is_empty());

    let set = [(Limit::Instances, Some(50))];
    let refused = home.set_module_limits(&scope, "flow", &set).await.unwrap_err();
    assert!(refused.to_string().contains("instances"), "{refused}");
    let refused = home.set_module_limits(&scope, "none", &[]).await.unwrap_err();
    assert!(refused.to_string().contains("none"), "{refused}");

    let back = [(Limit::CallCpuMs, None), (Limit::CallWallMs, None)];
    home.set_module_limits(&scope, "flow", &back).await.unwrap();
    assert!(home.module_limits(&scope).await.unwrap().is_empty());
}

#[tokio::test]
async fn usage_is_added_by_day_and_peaks_stay() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let other = home.domain("other.local").await;
    let [first, second] = ["2026-11-27", "2026-11-28"].map(|day| usage::day(day).unwrap());
    let amounts = |calls, peak| {
        [("calls", Amount::More(calls)), ("peak", Amount::Peak(peak))]
            .map(|(what, amount)| (what.to_owned(), amount))
            .into()
    };
    home.add_usage(&scope, first, &amounts(2, 7)).await.unwrap();
    home.add_usage(&scope, first, &amounts(3, 5)).await.unwrap();
    home.add_usage(&scope, second, &amounts(1, 1)).await.unwrap();
    let days = home.usage(&scope, None).await.unwrap();
    assert_eq!(days.len(), 2);
    assert_eq!(
        (days[0].day, days[0].amounts["calls"], days[0].amounts["peak"]),
        (first, 5, 7)
    );
    assert_eq!(home.usage(&scope, Some(second)).await.unwrap(), days[1..]);
    assert_eq!(home.usage(&other, None).await.unwrap(), []);
    assert!(matches!(usage::day("yesterday"), Err(StoreError::Invalid { .. })));
}
