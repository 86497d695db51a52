//! A real folder, real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod kit;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use kit::{Map, key, open, small};
use tandem_journal::{Batch, Durability, Files, Log, OpenError, Options, Problem};

/// Set for the process that is to be killed: its folder.
const CHILD: &str = "TANDEM_JOURNAL_TEST_FOLDER";

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Opens a folder. A child that another test forks holds our lock too, for as long as it has not become another program.
fn files(folder: impl AsRef<Path>) -> Files {
    for _ in 0..1_000 {
        match Files::open(folder.as_ref()) {
            Err(OpenError::Locked { .. }) => std::thread::sleep(Duration::from_millis(5)),
            opened => return opened.unwrap(),
        }
    }
    panic!("{} stays locked", folder.as_ref().display());
}

#[test]
fn log_in_a_folder_is_read_back_and_its_old_segments_are_removed() {
    for durability in [Durability::Flush, Durability::Sync] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("shard-0");
        let options = small(Options {
            durability,
            ..Options::default()
        });
        let mut expected = Map::new();
        for life in 0..4_u64 {
            let (mut log, opened) = open(files(&folder), options);
            assert_eq!((opened.map, opened.problems), (expected.clone(), vec![]));
            let mut batch = Batch::new();
            for number in 0..40 {
                let value = [life as u8; 60].to_vec();
                for stale in log.stale_keys(4) {
                    batch.put(&stale, &expected[&stale]).unwrap();
                }
                batch.put(&key(number % 7 + life), &value).unwrap();
                expected.insert(key(number % 7 + life).into(), value);
                log.commit(&mut batch).unwrap();
            }
        }
        let names = names(&folder);
        assert_eq!(names.last().map(String::as_str), Some("lock"));
        assert!(
            !names.contains(&"00000001.log".to_owned()) && names.len() < 10,
            "{names:?}"
        );
    }
}

#[test]
fn folder_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let first = files(folder.path());
    let refused = Files::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked { .. }));
    assert_eq!(
        refused.to_string(),
        format!("{} is in use by another process", folder.path().display())
    );
    drop(first);
    files(folder.path());
}

#[test]
fn folder_that_cannot_be_written_to_is_told_and_used_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let (mut log, opened) = Log::open(files(file.join("shard-0")), Options::default()).unwrap();
    let told = opened.unwritable.unwrap().to_string();
    assert!(told.starts_with("cannot create 00000001.log: "), "{told}");
    let mut batch = Batch::new();
    batch.put(b"key", b"value").unwrap();
    log.commit(&mut batch).unwrap_err();

    fs::remove_file(&file).unwrap();
    log.commit(&mut batch).unwrap();
    drop(log);
    let (_log, opened) = open(files(file.join("shard-0")), Options::default());
    assert_eq!(opened.map.len(), 1);
    // /proc takes no files, not even from root.
    let (_log, opened) = Log::open(files("/proc/self"), Options::default()).unwrap();
    opened.unwritable.unwrap();
}

#[test]
fn newer_segment_keeps_its_bytes_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut head = b"TNDMSEGM\x09\0\0\0\x05\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    head.extend(twox_hash::XxHash3_64::oneshot(&head).to_le_bytes());
    fs::write(folder.path().join("00000005.log"), &head).unwrap();
    let (log, opened) = open(files(folder.path()), Options::default());
    assert_eq!(
        opened.problems,
        [Problem::Newer {
            segment: 5,
            version: 9,
            bytes: 32
        }]
    );
    drop(log);
    assert_eq!(
        names(folder.path()),
        ["00000005.log.newer", "00000006.log", "lock"]
    );
    assert_eq!(fs::read(folder.path().join("00000005.log.newer")).unwrap(), head);
}

/// A folder in a segment's place: it can be listed and renamed, but not read.
#[test]
fn unreadable_segment_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("00000001.log")).unwrap();
    let (mut log, opened) = open(files(folder.path()), Options::default());
    assert!(
        matches!(&opened.problems[..], [Problem::Unreadable { segment: 1, .. }]),
        "{:?}",
        opened.problems
    );
    let mut batch = Batch::new();
    batch.put(b"key", b"value").unwrap();
    log.commit(&mut batch).unwrap();
    drop(log);
    assert_eq!(
        names(folder.path()),
        ["00000001.log.unreadable", "00000002.log", "lock"]
    );
    let (_, opened) = open(files(folder.path()), Options::default());
    assert_eq!((opened.map.len(), opened.problems), (1, vec![]));
}

/// The process that is killed: commits number after number, and says each when it is committed.
#[test]
fn child_commits_for_ever() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let (mut log, opened) = open(files(folder), small(Options::default()));
    let mut batch = Batch::new();
    let mut number = opened.batch;
    loop {
        number += 1;
        batch.put(b"number", &number.to_be_bytes()).unwrap();
        batch.append(b"odd", &[number as u8]).unwrap();
        if number.is_multiple_of(16) {
            batch.put(b"odd", b"").unwrap();
        }
        log.commit(&mut batch).unwrap();
        println!("committed {number}");
    }
}

#[test]
fn commits_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    for life in 1..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_commits_for_ever", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let committed =
            |line: std::io::Result<String>| line.unwrap().strip_prefix("committed ")?.parse().ok();
        let mut last: u64 = lines
            .by_ref()
            .filter_map(committed)
            .nth(200 * life as usize)
            .unwrap();
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        last = lines.filter_map(committed).last().unwrap_or(last);
        let (log, opened): (Log<Files>, _) = open(files(folder.path()), small(Options::default()));
        drop(log);
        assert!(
            opened.batch >= last,
            "life {life}: {} after {last} was told",
            opened.batch
        );
        assert_eq!(opened.map[&b"number"[..]], opened.batch.to_be_bytes());
        let odd: Vec<u8> = (opened.batch / 16 * 16 + 1..=opened.batch)
            .map(|number| number as u8)
            .collect();
        assert_eq!(opened.map[&b"odd"[..]], odd);
    }
}
