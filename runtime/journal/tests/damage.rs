//! Logs that were cut, flipped, mixed up: opened all the same, the loss named, nothing invented.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod kit;

use kit::{Chance, Map, Model, key, open, small};
use tandem_journal::{Aside, Batch, Death, Log, Opened, Options, Problem, Reason, SimDisk};

/// A log of several segments, and the map after each batch.
fn written(seed: u64, batches: u64) -> (SimDisk, Model, Vec<Map>) {
    let disk = SimDisk::new(seed);
    let (mut log, _) = open(disk.clone(), options());
    let (mut model, mut batch, mut chance) = (Model::default(), Batch::new(), Chance::new(seed));
    let mut boundaries = vec![Map::new()];
    for _ in 0..batches {
        model.change(&mut batch, &mut chance);
        log.commit(&mut batch).unwrap();
        boundaries.push(model.map.clone());
    }
    (disk, model, boundaries)
}

/// Small segments that all stay.
fn options() -> Options {
    Options {
        keep_bytes: u64::MAX,
        ..small(Options::default())
    }
}

fn reopened(segments: &[(u32, Vec<u8>)]) -> (SimDisk, Opened) {
    let disk = SimDisk::new(0);
    for (number, bytes) in segments {
        disk.tamper(*number, bytes.clone());
    }
    let (log, opened) = open(disk.clone(), options());
    drop(log);
    (disk, opened)
}

fn has(opened: &Opened, test: impl Fn(&Problem) -> bool) -> bool {
    opened.problems.iter().any(test)
}

#[test]
fn last_segment_cut_at_any_byte_is_an_earlier_boundary() {
    let (disk, _, boundaries) = written(1, 12);
    let segments = disk.segments();
    let last = segments.last().unwrap().1.len();
    let mut seen = 0;
    for cut in 0..last {
        let mut segments = segments.clone();
        segments.last_mut().unwrap().1.truncate(cut);
        let (disk, opened) = reopened(&segments);
        let at = boundaries
            .iter()
            .rposition(|map| *map == opened.map)
            .expect("a boundary");
        assert!(at >= seen, "byte {cut}: a longer log holds no less");
        seen = at;
        assert!(opened.problems.len() <= 1, "byte {cut}: {:?}", opened.problems);
        assert!(opened.problems.iter().all(|p| matches!(
            p,
            Problem::TornTail {
                reason: Reason::Cut { .. },
                ..
            }
        )));
        // And what was cut off stays so.
        let again = open(disk, options()).1;
        assert_eq!((again.map, again.problems), (opened.map, vec![]), "byte {cut}");
    }
    assert_eq!(seen, 11);
}

#[test]
fn any_segment_cut_at_any_byte_loses_only_what_is_named() {
    let (disk, model, _) = written(2, 12);
    let whole = open(disk.clone(), options()).1.map;
    let segments = disk.segments();
    assert!(segments.len() >= 3);
    for at in 0..segments.len() - 1 {
        for cut in 0..segments[at].1.len() {
            let mut segments = segments.clone();
            segments[at].1.truncate(cut);
            let (_, opened) = reopened(&segments);
            model.assert_nothing_invented(&opened.map, &format!("segment {at} byte {cut}"));
            let named = has(&opened, |p| {
                matches!(p, Problem::Gap { .. } | Problem::Header { .. })
            });
            assert!(
                opened.map == whole || named,
                "segment {at} byte {cut}: {:?}",
                opened.problems
            );
        }
    }
}

#[test]
fn any_bit_flipped_is_named_and_invents_nothing() {
    let (disk, model, _) = written(3, 8);
    let segments = disk.segments();
    for at in 0..segments.len() {
        for bit in 0..segments[at].1.len() * 8 {
            let mut segments = segments.clone();
            segments[at].1[bit / 8] ^= 1 << (bit % 8);
            let (_, opened) = reopened(&segments);
            let context = format!("segment {at} bit {bit}");
            model.assert_nothing_invented(&opened.map, &context);
            assert!(!opened.problems.is_empty(), "{context} passed unseen");
            assert!(opened.problems.iter().all(|p| !p.to_string().is_empty()));
        }
    }
}

/// Many flips, cuts, repeats and swaps at once.
#[test]
fn garbled_logs_open() {
    for seed in 0..300 {
        let (disk, model, _) = written(seed, 20);
        let mut chance = Chance::new(seed + 1);
        let mut segments = disk.segments();
        for _ in 0..=chance.below(6) {
            let (at, from) = (
                chance.below(segments.len() as u64) as usize,
                chance.below(segments.len() as u64) as usize,
            );
            let length = segments[at].1.len() as u64 + 1;
            let (one, other) = (chance.below(length) as usize, chance.below(length) as usize);
            let (low, high) = (one.min(other), one.max(other));
            match chance.below(5) {
                0 => segments[at]
                    .1
                    .iter_mut()
                    .skip(low)
                    .take(4)
                    .for_each(|byte| *byte ^= 0x55),
                1 => _ = segments[at].1.drain(low..high),
                2 => segments[at].1[low..high].fill(0),
                3 => segments[at].1 = segments[from].1.clone(),
                _ => {
                    let again = segments[at].1[low..high].to_vec();
                    segments[at].1.extend(again);
                }
            }
        }
        let (disk, opened) = reopened(&segments);
        model.assert_nothing_invented(&opened.map, &format!("seed {seed}"));
        // It can be written to, and what is written is read.
        let (mut log, _) = open(disk.clone(), options());
        let mut batch = Batch::new();
        batch.append(b"new", b"value").unwrap();
        log.commit(&mut batch).unwrap();
        let (_, opened) = open(disk, options());
        assert_eq!(
            opened.map.get(&b"new"[..]).map(Vec::as_slice),
            Some(&b"value"[..]),
            "seed {seed}"
        );
    }
}

/// Three keys in three batches; the second's record is damaged in its value.
#[test]
fn damaged_record_costs_its_own_keys_only() {
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    let mut commit = |change: &dyn Fn(&mut Batch)| {
        change(&mut batch);
        log.commit(&mut batch).unwrap();
    };
    commit(&|b| b.put(b"base", b"1").unwrap());
    commit(&|b| b.put(b"other", b"2").unwrap());
    let before = disk.segments()[0].1.len();
    commit(&|b| b.append(b"base", b"lost").unwrap()); // to be damaged
    let behind = disk.segments()[0].1.len();
    commit(&|b| b.append(b"base", b"3").unwrap());
    commit(&|b| b.append(b"other", b"4").unwrap());

    let mut bytes = disk.segments()[0].1.clone();
    bytes[behind - 1] ^= 0x10;
    disk.tamper(1, bytes);
    let (_, opened) = open(disk, Options::default());
    assert_eq!(
        opened.map.into_iter().collect::<Vec<_>>(),
        [(b"other"[..].into(), b"24".to_vec())]
    );
    let (at, bytes) = (before as u64, (behind - before) as u64);
    assert_eq!(
        opened.problems,
        [
            Problem::Damaged {
                segment: 1,
                at,
                bytes,
                reason: Reason::Checksum
            },
            Problem::Gap {
                segment: 1,
                after: 2,
                next: 4
            },
            Problem::LostBase {
                key: b"base"[..].into(),
                batch: 4
            },
        ]
    );
    assert_eq!(
        opened
            .problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            format!(
                "00000001.log: left out {bytes} bytes at byte {at}: a record's checksum does not match its content"
            ),
            "00000001.log: 1 batches are missing between 2 and 4".into(),
            "key 62617365: left out, because batch 4 appends to a state that was lost".into(),
        ]
    );
}

#[test]
fn key_that_is_put_after_its_base_was_lost_is_well_again() {
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    for value in [b"1", b"2", b"3"] {
        batch.append(b"key", value).unwrap();
        log.commit(&mut batch).unwrap();
    }
    let mut bytes = disk.segments()[0].1.clone();
    bytes[32 + 20 + 3] ^= 1; // the first record's key
    disk.tamper(1, bytes);
    let (mut log, opened) = open(disk.clone(), Options::default());
    assert!(opened.map.is_empty());
    assert!(has(&opened, |p| matches!(p, Problem::LostBase { .. })));

    batch.append(b"key", b"new").unwrap();
    log.commit(&mut batch).unwrap();
    let (_, opened) = open(disk, Options::default());
    assert_eq!(opened.map.get(&b"key"[..]), Some(&b"new".to_vec()));
    assert!(!has(&opened, |p| matches!(p, Problem::LostBase { .. })));
}

#[test]
fn missing_segment_is_a_gap() {
    let (disk, model, _) = written(5, 40);
    let numbers: Vec<u32> = disk.segments().iter().map(|(number, _)| *number).collect();
    disk.steal(numbers[1]);
    let (_, opened) = open(disk, options());
    model.assert_nothing_invented(&opened.map, "stolen");
    let gap = |p: &Problem| matches!(p, Problem::Gap { segment, .. } if *segment == numbers[2]);
    assert!(has(&opened, gap), "{:?}", opened.problems);
}

/// The head of a segment as a later program would write it.
fn newer(segment: u32, first_batch: u64) -> Vec<u8> {
    let mut bytes = b"TNDMSEGM\x02\0\0\0".to_vec();
    bytes.extend_from_slice(&segment.to_le_bytes());
    bytes.extend_from_slice(&first_batch.to_le_bytes());
    let checksum = twox_hash::XxHash3_64::oneshot(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(b"what only a later program can read");
    bytes
}

#[test]
fn newer_segment_is_set_aside_and_the_rest_kept() {
    let (disk, _, boundaries) = written(6, 10);
    let number = disk.segments().last().unwrap().0 + 1;
    disk.tamper(number, newer(number, 11));
    let (mut log, opened) = open(disk.clone(), options());
    assert_eq!(opened.map, *boundaries.last().unwrap());
    assert_eq!(
        opened.problems,
        [Problem::Newer {
            segment: number,
            version: 2,
            bytes: 66
        }]
    );
    assert_eq!(disk.set_aside(), [(number, Aside::Newer)]);
    // Its number is not used again: the later program may find it.
    let mut batch = Batch::new();
    for value in 0..40_u64 {
        batch.put(&key(value), &[0; 60]).unwrap();
        log.commit(&mut batch).unwrap();
    }
    assert!(disk.segments().iter().all(|(other, _)| *other != number));
    assert!(disk.segments().last().unwrap().0 > number);
    assert!(open(disk, options()).1.problems.is_empty());
}

#[test]
fn thousands_of_problems_are_counted_not_told() {
    let disk = SimDisk::new(0);
    let (mut log, _) = open(disk.clone(), Options::default());
    let mut batch = Batch::new();
    for number in 0..3_000_u64 {
        batch.put(&key(number), b"1").unwrap();
        log.commit(&mut batch).unwrap();
        batch.append(&key(number), b"2").unwrap();
        log.commit(&mut batch).unwrap();
    }
    let mut bytes = disk.segments()[0].1.clone();
    let mut at = 32;
    for record in 0.. {
        let Some(length) = bytes.get(at + 8..at + 12) else {
            break;
        };
        let next = at + 20 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        if record % 2 == 0 {
            bytes[next - 1] ^= 1;
        }
        at = next;
    }
    disk.tamper(1, bytes);
    let (_, opened) = open(disk, Options::default());
    assert!(opened.map.is_empty());
    assert_eq!(opened.problems.len(), 1_001);
    // Each record, the gap behind it, the key.
    assert_eq!(
        opened.problems.last(),
        Some(&Problem::More {
            count: 3 * 3_000 - 1_000
        })
    );
}

/// Zeroes where the length was written back and the bytes were not, as file systems do at a power loss.
#[test]
fn zeroes_at_the_end_are_cut_off() {
    let (disk, _, boundaries) = written(7, 4);
    let (number, mut bytes) = disk.segments().pop().unwrap();
    bytes.resize(bytes.len() + 4096, 0);
    disk.tamper(number, bytes);
    disk.crash(Death::Process);
    let (_, opened) = open(disk.clone(), options());
    assert_eq!(opened.map, *boundaries.last().unwrap());
    assert!(matches!(
        opened.problems[..],
        [Problem::TornTail { bytes: 4096, .. }]
    ));
    assert!(Log::open(disk, options()).unwrap().1.problems.is_empty());
}
