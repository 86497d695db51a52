//! Disks that are full, broken or read-only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod kit;

use kit::{key, open};
use std::io::ErrorKind;
use tandem_journal::{
    BATCH_BYTES_MAX, Batch, CommitError, Death, Durability, Fault, Log, Options, SimDisk, VALUE_BYTES_MAX,
};

fn put(batch: &mut Batch, number: u64) {
    batch.put(&key(number), &[number as u8; 50]).unwrap();
}

#[test]
fn full_disk_is_told_and_the_log_goes_on_when_there_is_room() {
    for durability in [Durability::Flush, Durability::Sync] {
        let disk = SimDisk::new(0);
        let options = Options {
            durability,
            ..Options::default()
        };
        let (mut log, _) = open(disk.clone(), options);
        let mut batch = Batch::new();
        put(&mut batch, 1);
        log.commit(&mut batch).unwrap();
        let good = disk.bytes();

        disk.limit(Some(good + 30));
        put(&mut batch, 2);
        for _ in 0..3 {
            let refused = log.commit(&mut batch).unwrap_err();
            assert!(refused.is_full());
            assert_eq!(
                refused.to_string(),
                "cannot write to 00000001.log: no storage space"
            );
            assert_eq!(disk.bytes(), good, "what was written of it is cut off");
        }
        assert_eq!(log.stats().live_keys, 1);

        disk.limit(None);
        log.commit(&mut batch).unwrap();
        assert!(batch.is_empty());
        let opened = open(disk, options).1;
        assert_eq!((opened.map.len(), opened.problems), (2, vec![]));
    }
}

#[test]
fn part_of_a_record_that_cannot_be_cut_off_is_left_behind_in_its_segment() {
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    put(&mut batch, 1);
    log.commit(&mut batch).unwrap();
    disk.limit(Some(disk.bytes() + 30));
    disk.fail(Some(Fault::Cut));
    put(&mut batch, 2);
    assert!(log.commit(&mut batch).unwrap_err().is_full());
    disk.limit(None);
    log.commit(&mut batch).unwrap();
    assert_eq!(disk.segments().len(), 2);
    // The next segment says where this one ended: nothing is missing, so nothing is told.
    let opened = open(disk, Options::default()).1;
    assert_eq!((opened.map.len(), opened.problems), (2, vec![]));
}

/// The bytes are all there, the commit failed, the next one says otherwise.
#[test]
fn commit_that_could_not_be_synced_is_void_once_another_follows() {
    let disk = SimDisk::new(0);
    let options = Options {
        durability: Durability::Sync,
        ..Options::default()
    };
    let (mut log, _) = open(disk.clone(), options);
    let mut batch = Batch::new();
    disk.fail(Some(Fault::Sync));
    put(&mut batch, 1);
    let refused = log.commit(&mut batch).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot sync 00000001.log: input/output error"
    );
    batch.clear();
    disk.fail(None);
    put(&mut batch, 2);
    log.commit(&mut batch).unwrap();
    disk.crash(Death::Power);
    let opened = open(disk, options).1;
    assert_eq!(opened.map.into_keys().collect::<Vec<_>>(), [key(2).into()]);
}

#[test]
fn full_disk_at_rotation_is_told_and_overcome() {
    let disk = SimDisk::new(0);
    let options = Options {
        segment_bytes: 150,
        ..Options::default()
    };
    let (mut log, _) = open(disk.clone(), options);
    let mut batch = Batch::new();
    put(&mut batch, 1);
    log.commit(&mut batch).unwrap();
    disk.limit(Some(disk.bytes() + 10));
    put(&mut batch, 2);
    assert!(log.commit(&mut batch).unwrap_err().is_full());
    disk.fail(Some(Fault::Cut)); // a head that stays
    assert!(log.commit(&mut batch).unwrap_err().is_full());
    disk.fail(None);
    disk.limit(None);
    log.commit(&mut batch).unwrap();
    assert_eq!(open(disk, options).1.map.len(), 2);
}

#[test]
fn read_only_disk_is_told_when_opening_and_when_committing() {
    let disk = SimDisk::new(0);
    let refused = |disk: &SimDisk| {
        let (log, opened) = Log::open(disk.clone(), Options::default()).unwrap();
        let error = opened.unwritable.unwrap();
        assert_eq!(error.source.kind(), ErrorKind::ReadOnlyFilesystem);
        (log, opened.map, error.to_string())
    };
    disk.fail(Some(Fault::ReadOnly));
    assert_eq!(
        refused(&disk).2,
        "cannot create 00000001.log: read-only filesystem or storage medium"
    );
    disk.fail(None);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    put(&mut batch, 1);
    log.commit(&mut batch).unwrap();
    disk.fail(Some(Fault::ReadOnly));
    put(&mut batch, 1);
    let told = log.commit(&mut batch).unwrap_err().to_string();
    assert_eq!(
        told,
        "cannot write to 00000001.log: read-only filesystem or storage medium"
    );
    // A log with a sound end too, which nothing would have to be written to.
    let (mut log, map, told) = refused(&disk);
    assert_eq!(
        told,
        "cannot create 00000002.log: read-only filesystem or storage medium"
    );
    assert_eq!(map.len(), 1, "it is read all the same");
    log.commit(&mut batch).unwrap_err();
    disk.fail(None);
    put(&mut batch, 2);
    log.commit(&mut batch).unwrap();
    assert_eq!(open(disk.clone(), Options::default()).1.map.len(), 2);
    disk.fail(Some(Fault::Broken));
    let broken = Log::open(disk, Options::default()).unwrap_err();
    assert_eq!(broken.to_string(), "cannot list the segments: input/output error");
}

#[test]
fn value_that_would_grow_too_long_is_refused_and_the_rest_of_the_log_is_well() {
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    batch.put(b"key", &vec![0; VALUE_BYTES_MAX]).unwrap();
    log.commit(&mut batch).unwrap();
    batch.put(b"other", b"1").unwrap();
    batch.append(b"key", b"1").unwrap();
    assert!(matches!(
        log.commit(&mut batch),
        Err(CommitError::TooLong {
            bytes: 16_777_217,
            ..
        })
    ));
    assert_eq!(log.stats().live_keys, 1);
    batch.clear();
    // Not so if it is made anew in the same batch.
    batch.delete(b"key").unwrap();
    batch.append(b"key", b"1").unwrap();
    log.commit(&mut batch).unwrap();
    assert_eq!(open(disk, Options::default()).1.map[&b"key"[..]], b"1");
}

#[test]
fn log_that_is_off_gives_what_was_kept_once_more() {
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    put(&mut batch, 1);
    log.commit(&mut batch).unwrap();
    let off = Options {
        durability: Durability::Off,
        ..Options::default()
    };
    let (mut log, opened) = open(disk.clone(), off);
    assert_eq!(opened.map.len(), 1);
    put(&mut batch, 2);
    log.commit(&mut batch).unwrap();
    assert!(batch.is_empty() && batch.len_bytes() < BATCH_BYTES_MAX);
    assert_eq!(disk.bytes(), 0);
    assert!(open(disk, Options::default()).1.map.is_empty());
}
