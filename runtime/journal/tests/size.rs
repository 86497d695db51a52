//! The log stays small, whatever its owner does, as long as it puts its stale keys again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod kit;

use kit::{Chance, Model, key, open, small};
use tandem_journal::{Batch, Death, Durability, Options, SimDisk};

/// Some keys live for ever and never change, others come, grow and go.
#[test]
fn size_is_bounded_under_churn_with_long_living_keys() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let options = small(Options::default());
        let (mut log, _) = open(disk.clone(), options);
        let (mut model, mut batch, mut chance) = (Model::default(), Batch::new(), Chance::new(seed));
        for number in 0..10 {
            model.put(&mut batch, &key(1_000 + number), &[1; 20]);
        }
        log.commit(&mut batch).unwrap();
        let mut most = 0;
        for step in 0..2_000 {
            model.tidy(&mut log, &mut batch, 4);
            model.change(&mut batch, &mut chance);
            log.commit(&mut batch).unwrap();
            let stats = log.stats();
            assert_eq!(stats.bytes, disk.bytes());
            assert_eq!(stats.live_keys, model.map.len());
            // What lived may have gone at once; its segments go as their turn comes.
            most = most.max(stats.live_bytes);
            // And while a segment is being emptied, the log goes on.
            let bound = options.keep_bytes.max(4 * most) + 2 * options.segment_bytes;
            assert!(stats.bytes <= bound, "seed {seed} step {step}: {stats:?}");
        }
        assert!(disk.segments()[0].0 > 20, "old segments were removed");
        let (_, opened) = open(disk, options);
        assert_eq!((opened.map, opened.problems), (model.map, vec![]), "seed {seed}");
    }
}

#[test]
fn small_log_names_no_key_stale() {
    let (mut log, _) = open(
        SimDisk::new(0),
        Options {
            segment_bytes: 200,
            ..Options::default()
        },
    );
    let mut batch = Batch::new();
    for number in 0..200 {
        batch.put(&key(number), &[0; 30]).unwrap();
        log.commit(&mut batch).unwrap();
    }
    assert!(log.stats().segments > 10);
    assert!(log.stale_keys(100).is_empty());
}

#[test]
fn key_that_was_put_meanwhile_is_not_named_stale() {
    let options = Options {
        segment_bytes: 200,
        keep_bytes: 300,
        ..Options::default()
    };
    let (mut log, _) = open(SimDisk::new(0), options);
    let mut batch = Batch::new();
    for number in 0..4 {
        batch.put(&key(number), b"").unwrap();
    }
    log.commit(&mut batch).unwrap();
    for _ in 0..10 {
        batch.put(b"busy", &[0; 150]).unwrap();
        log.commit(&mut batch).unwrap();
    }
    let segments = log.stats().segments;
    let named = log.stale_keys(1);
    for number in 0..4 {
        if named[0][..] != key(number) {
            batch.put(&key(number), b"").unwrap();
        }
    }
    log.commit(&mut batch).unwrap();
    // Once more, because it was left as it was.
    assert_eq!(log.stale_keys(4), named);
    batch.delete(&named[0]).unwrap();
    log.commit(&mut batch).unwrap();
    assert!(log.stats().segments < segments);
    assert!(!log.stale_keys(10).contains(&named[0]));
}

#[test]
fn stale_key_that_is_not_put_again_is_named_again() {
    let options = Options {
        segment_bytes: 100,
        keep_bytes: 300,
        ..Options::default()
    };
    let (mut log, _) = open(SimDisk::new(0), options);
    let mut batch = Batch::new();
    batch.put(b"old", b"value").unwrap();
    log.commit(&mut batch).unwrap();
    for _ in 0..20 {
        batch.put(b"busy", &[0; 50]).unwrap();
        log.commit(&mut batch).unwrap();
    }
    let first = log.stats().segments;
    for _ in 0..3 {
        assert_eq!(log.stale_keys(10), [b"old"[..].into()]);
        assert!(log.stale_keys(0).is_empty());
    }
    batch.put(b"old", b"value").unwrap();
    log.commit(&mut batch).unwrap();
    assert!(log.stats().segments < first.min(3));
    assert!(log.stale_keys(10).is_empty());
}

/// Each `Delete` lies in a later segment than its `Put`; the process ends at every point of their removal.
#[test]
fn deleted_key_never_comes_back_while_segments_are_removed() {
    for death in [Death::Process, Death::Power] {
        for end in 0..600 {
            let disk = SimDisk::new(end);
            let options = Options {
                durability: Durability::Sync,
                segment_bytes: 200,
                ..Options::default()
            };
            let (mut log, _) = open(disk.clone(), options);
            let mut batch = Batch::new();
            for number in 0..6 {
                batch.put(&key(number), &[0; 60]).unwrap();
                log.commit(&mut batch).unwrap();
            }
            disk.die_after(end);
            let deleted = (0..6).all(|number| {
                batch.delete(&key(number)).unwrap();
                batch.put(b"pad", &[0; 100]).unwrap();
                log.commit(&mut batch).is_ok()
            });
            disk.crash(death);
            let (_, opened) = open(disk, options);
            // Deleted one after the other: those that are left are the last ones.
            let left: Vec<u64> = (0..6)
                .filter(|number| opened.map.contains_key(&key(*number)[..]))
                .collect();
            let from = 6 - left.len() as u64;
            assert_eq!(
                left,
                (from..6).collect::<Vec<_>>(),
                "{death:?} {end}: {:?}",
                opened.problems
            );
            assert!(!deleted || left.is_empty(), "{death:?} {end}");
        }
    }
}

/// 100,000 calls with six keys each would be 600,000; a shard's share of them is this, and more than enough to see.
#[test]
fn a_hundred_thousand_keys_live_and_open() {
    const KEYS: u64 = 100_000;
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    for number in 0..KEYS {
        batch.put(&key(number), &number.to_be_bytes().repeat(20)).unwrap();
        if number % 64 == 63 {
            log.commit(&mut batch).unwrap();
        }
    }
    log.commit(&mut batch).unwrap();
    assert_eq!(log.stats().live_keys as u64, KEYS);
    let (_, opened) = open(disk, Options::default());
    assert_eq!(opened.map.len() as u64, KEYS);
    assert_eq!(opened.map[&key(77_777)[..]], 77_777_u64.to_be_bytes().repeat(20));
    assert!(opened.problems.is_empty());
}

#[test]
fn batch_longer_than_a_segment_has_one_of_its_own() {
    let disk = SimDisk::new(0);
    let options = Options {
        segment_bytes: 100,
        ..Options::default()
    };
    let (mut log, _) = open(disk.clone(), options);
    let mut batch = Batch::new();
    for number in 0..3 {
        batch.put(&key(number), &[number as u8; 1_000]).unwrap();
        log.commit(&mut batch).unwrap();
    }
    assert_eq!(log.stats().segments, 3);
    assert_eq!(open(disk, options).1.map.len(), 3);
}
