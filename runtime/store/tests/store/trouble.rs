//! Restarts, other processes, full and read-only disks, damage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tandem_store::{CallFilter, NewCall, NewDomain, NewEntryPoint, Options, Store, StoreError};

use crate::{Home, call, home, home_with, new_user};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let Home { store, directory } = home().await;
    store
        .create_domain(&NewDomain::named("demo.local"))
        .await
        .unwrap();
    let scope = store.domain_scope("demo.local").await.unwrap();
    let user = store.create_user(&scope, &new_user("301")).await.unwrap();
    let module = store
        .put_module(&scope, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    let entry_point = store
        .add_entry_point(&scope, &NewEntryPoint::new("300", "flow"))
        .await
        .unwrap();
    store.kv_set(&scope, "k", b"v", 100).await.unwrap();
    store
        .insert_call(&scope, &call("0001", 0), Some(b"j"))
        .await
        .unwrap();
    store.close().await;
    assert!(matches!(store.users(&scope).await, Err(StoreError::Closed)));
    assert!(
        !directory.path().join("tandem.db-wal").exists(),
        "the log is folded in"
    );

    let store = Store::open(directory.path(), Options::default()).await.unwrap();
    store.ping().await.unwrap();
    store.check().await.unwrap();
    let scope = store.domain_scope("demo.local").await.unwrap();
    assert_eq!(store.users(&scope).await.unwrap(), [user]);
    assert_eq!(
        store.module_bytes(&scope, &module.hash).await.unwrap(),
        b"component"
    );
    assert_eq!(store.entry_points(&scope).await.unwrap(), [entry_point]);
    assert_eq!(store.kv_get(&scope, "k").await.unwrap().unwrap(), b"v");
    assert_eq!(store.journal(&scope, "0001").await.unwrap().unwrap(), b"j");
}

/// They hold what a password's holder could be impersonated with.
#[tokio::test]
async fn files_are_their_owners_only() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("deep/data");
    let store = Store::open(&directory, Options::default()).await.unwrap();
    store
        .create_domain(&NewDomain::named("demo.local"))
        .await
        .unwrap();
    let mode = |name: &str| fs::metadata(directory.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("modules")), (0o700, 0o700));
    assert_eq!((mode("tandem.db"), mode("tandem.db-wal")), (0o600, 0o600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_may_begin_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let opening: Vec<_> = (0..6)
        .map(|_| {
            let path = directory.path().to_owned();
            tokio::spawn(async move { Store::open(path, Options::default()).await })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap().ping().await.unwrap();
    }
}

/// What another process holds is waited for, for the time that was set.
#[tokio::test]
async fn a_held_lock_ends_in_busy() {
    let patient = home().await;
    let scope = patient.domain("demo.local").await;
    let options = Options {
        busy_timeout: Duration::from_millis(100),
        ..Options::default()
    };
    let hasty = Store::open(patient.directory.path(), options).await.unwrap();
    // Held by a third party that knows only SQLite.
    let path = format!("sqlite:{}", patient.directory.path().join("tandem.db").display());
    let stranger = sqlx::SqlitePool::connect(&path).await.unwrap();
    let held = stranger.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let began = Instant::now();
    let refused = hasty.create_user(&scope, &new_user("301")).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    assert!(
        began.elapsed() < Options::default().busy_timeout,
        "{:?}",
        began.elapsed()
    );
    assert!(hasty.users(&scope).await.unwrap().is_empty(), "reading goes on");
    let waiting = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let user = new_user("302");
    let (made, ()) = tokio::join!(patient.create_user(&scope, &user), waiting);
    made.unwrap();
    hasty.create_user(&scope, &new_user("301")).await.unwrap();
}

/// A write that was given up midway leaves nothing and holds nothing.
#[tokio::test]
async fn an_abandoned_write_is_undone() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let records: Vec<_> = (0..1_000)
        .map(|number| call(&number.to_string(), number))
        .collect();
    let new: Vec<_> = records
        .iter()
        .map(|record| NewCall {
            scope: &scope,
            record,
            journal: None,
        })
        .collect();
    let abandoned = tokio::time::timeout(Duration::from_millis(3), home.insert_calls(&new)).await;
    assert!(abandoned.is_err(), "1,000 calls take longer than this");
    assert!(
        home.calls(&scope, &CallFilter::default())
            .await
            .unwrap()
            .calls
            .is_empty()
    );
    assert!(home.insert_calls(&new).await.unwrap().iter().all(Result::is_ok));
}

/// What does not get smaller by packing.
fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_recovers() {
    let home = home_with(Options {
        max_bytes: Some(1 << 20),
        ..Options::default()
    })
    .await;
    let scope = home.domain("demo.local").await;
    // Less than the pair below: what is left when one is refused is too little for that.
    let journal = noise(40_000);
    let mut written = 0;
    let refused = loop {
        let record = call(&format!("{written:04}"), written);
        match home.insert_call(&scope, &record, Some(&journal)).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the limit does not bind");
    };
    assert!(matches!(refused, StoreError::DiskFull), "{refused:?}");
    assert!(written >= 5, "{written}");
    // What is left is less than a journal: one value may still fit, two do not.
    let value = vec![7; 64 << 10];
    let first = home.kv_set(&scope, "k", &value, 1 << 20).await;
    let second = home.kv_set(&scope, "l", &value, 1 << 20).await;
    assert!(
        matches!(second, Err(StoreError::DiskFull)),
        "{first:?} {second:?}"
    );

    // Nothing half written, reading goes on.
    let calls = home.calls(&scope, &CallFilter::default()).await.unwrap().calls;
    assert_eq!(calls.len() as i64, written);
    assert_eq!(home.journal(&scope, "0000").await.unwrap().unwrap(), journal);
    home.check().await.unwrap();

    // With space again, writing does too, on the same connection.
    let path = home.directory.path().to_owned();
    let wider = Store::open(&path, Options::default()).await.unwrap();
    wider.delete_domain(&scope).await.unwrap();
    let scope = home.domain("demo.local").await;
    home.insert_call(&scope, &call("0001", 0), Some(&journal))
        .await
        .unwrap();
    home.kv_set(&scope, "k", b"v", 100).await.unwrap();
}

/// A real full file system, where the machine lets us mount one.
#[tokio::test]
async fn a_full_file_system_is_a_full_disk() {
    let mount = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(mount.path())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!(
            "not run: mounting needs privileges; `a_full_disk_refuses_writes_and_recovers` stands for it"
        );
        return;
    }
    let outcome = tokio::spawn({
        let path = mount.path().to_owned();
        async move {
            let store = Store::open(&path, Options::default()).await.unwrap();
            store
                .create_domain(&NewDomain::named("demo.local"))
                .await
                .unwrap();
            let scope = store.domain_scope("demo.local").await.unwrap();
            let module = store
                .put_module(&scope, "large", "call-scenario", &vec![7; 3 << 20])
                .await;
            assert!(matches!(module, Err(StoreError::DiskFull)), "{module:?}");
            assert!(store.modules(&scope).await.unwrap().is_empty());
            assert_eq!(
                fs::read_dir(path.join("modules")).unwrap().count(),
                0,
                "no half file"
            );

            fs::write(path.join("filler"), vec![0; 1 << 20]).unwrap();
            let mut refused = None;
            for number in 0..100 {
                let record = call(&format!("{number:04}"), number);
                if let Err(error) = store.insert_call(&scope, &record, Some(&noise(50_000))).await {
                    refused = Some(error);
                    break;
                }
            }
            assert!(matches!(refused, Some(StoreError::DiskFull)), "{refused:?}");
            store.calls(&scope, &CallFilter::default()).await.unwrap();
            fs::remove_file(path.join("filler")).unwrap();
            store.insert_call(&scope, &call("later", 0), None).await.unwrap();
            store.check().await.unwrap();
            store.close().await;
        }
    })
    .await;
    let unmounted = std::process::Command::new("umount")
        .arg("-l")
        .arg(mount.path())
        .status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    outcome.unwrap();
}

/// Root may write anywhere, so the test runs itself once more as nobody.
#[test]
fn a_read_only_directory_says_so() {
    const DIRECTORY: &str = "TANDEM_STORE_TEST_READ_ONLY";
    if let Ok(directory) = std::env::var(DIRECTORY) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for path in ["empty", "filled"] {
                let path = std::path::Path::new(&directory).join(path);
                match Store::open(&path, Options::default()).await {
                    Err(StoreError::ReadOnly { path: said, .. }) => {
                        assert!(said.starts_with(&path), "{said:?}");
                    }
                    other => panic!("{}: {other:?}", path.display()),
                }
            }
        });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let filled = directory.path().join("filled");
    runtime.block_on(async {
        let store = Store::open(&filled, Options::default()).await.unwrap();
        store.close().await;
    });
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for path in [directory.path(), &filled, &filled.join("modules"), &empty] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o555)).unwrap();
    }
    for file in ["tandem.db", "tandem.lock"] {
        fs::set_permissions(filled.join(file), fs::Permissions::from_mode(0o444)).unwrap();
    }
    // A copy, as nobody may not be let into the build's folder; of root's own, or nobody could not run it either.
    let program = tempfile::tempdir().unwrap();
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("store-test");
    // By a process of its own: a file open for writing here would be inherited by what another test forks, and be busy.
    let copied = std::process::Command::new("cp")
        .args([&std::env::current_exe().unwrap(), &copy])
        .status()
        .unwrap();
    assert!(copied.success());
    let mut command = std::process::Command::new(&copy);
    command
        .args(["--exact", "trouble::a_read_only_directory_says_so"])
        .env(DIRECTORY, directory.path());
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        std::os::unix::process::CommandExt::uid(&mut command, 65_534);
    }
    let output = command.current_dir("/").output().unwrap();
    for path in [directory.path(), &filled, &empty] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn what_is_no_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tandem.db");
    fs::write(
        &path,
        "not a database, though long enough to hold a header of one hundred bytes. ".repeat(20),
    )
    .unwrap();
    let before = fs::read(&path).unwrap();
    let opened = Store::open(directory.path(), Options::default()).await;
    assert!(matches!(opened, Err(StoreError::Corrupt { .. })), "{opened:?}");
    assert_eq!(fs::read(&path).unwrap(), before);

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let opened = Store::open(&file, Options::default()).await;
    assert!(
        matches!(&opened, Err(StoreError::Io { path, .. }) if path.starts_with(&file)),
        "{opened:?}"
    );
}

#[tokio::test]
async fn a_newer_releases_database_is_refused() {
    let home = home().await;
    home.store.close().await;
    let path = format!("sqlite:{}", home.directory.path().join("tandem.db").display());
    let stranger = sqlx::SqlitePool::connect(&path).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1")
        .execute(&stranger)
        .await
        .unwrap();
    stranger.close().await;
    let opened = Store::open(home.directory.path(), Options::default()).await;
    assert!(
        matches!(&opened, Err(StoreError::Schema { why }) if why.contains("9999")),
        "{opened:?}"
    );
}
