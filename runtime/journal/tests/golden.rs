//! A log of format 1 as it was written when format 1 was made. `UPDATE_GOLDEN=1` writes it anew; read the diff.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod kit;

use kit::open;
use tandem_journal::{Batch, Log, Options, SimDisk};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/format-1");
const FILES: [&str; 2] = ["00000002.log", "00000003.log"];

/// Every kind of entry, an emptied head, a key at its longest, a value of two length bytes, batches over two segments.
fn write(disk: &SimDisk) {
    let options = Options {
        segment_bytes: 400,
        ..Options::default()
    };
    let (mut log, _): (Log<SimDisk>, _) = open(disk.clone(), options);
    let mut batch = Batch::new();
    batch.put(b"rewritten", &[1; 300]).unwrap();
    log.commit(&mut batch).unwrap();
    batch.put(b"rewritten", b"in another segment").unwrap();
    batch.append(b"appended", b"made, ").unwrap();
    batch.append(b"appended", b"twice in a batch").unwrap();
    batch.put(b"deleted", b"not for long").unwrap();
    log.commit(&mut batch).unwrap();
    batch.append(b"rewritten", b", then appended to").unwrap();
    batch.delete(b"deleted").unwrap();
    batch.put(&[0xff; 64], b"").unwrap();
    log.commit(&mut batch).unwrap();
    batch.put(b"long", &[7; 200]).unwrap();
    batch.append(b"appended", b", over segments").unwrap();
    log.commit(&mut batch).unwrap();
}

#[test]
fn format_1_is_read() {
    let disk = SimDisk::new(0);
    for file in FILES {
        let bytes = std::fs::read(format!("{FOLDER}/{file}")).unwrap();
        disk.tamper(file[..8].parse().unwrap(), bytes);
    }
    let (_, opened) = open(disk, Options::default());
    assert_eq!(opened.problems, []);
    assert_eq!(opened.batch, 4);
    let expected: [(&[u8], &[u8]); 4] = [
        (b"appended", b"made, twice in a batch, over segments"),
        (b"long", &[7; 200]),
        (b"rewritten", b"in another segment, then appended to"),
        (&[0xff; 64], b""),
    ];
    let read: Vec<(&[u8], &[u8])> = opened
        .map
        .iter()
        .map(|(key, value)| (&key[..], &value[..]))
        .collect();
    assert_eq!(read, expected);
}

#[test]
fn format_1_is_written() {
    let disk = SimDisk::new(0);
    write(&disk);
    let segments = disk.segments();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(FOLDER).unwrap();
        for (number, bytes) in &segments {
            std::fs::write(format!("{FOLDER}/{number:08}.log"), bytes).unwrap();
        }
    }
    assert_eq!(
        segments
            .iter()
            .map(|(number, _)| format!("{number:08}.log"))
            .collect::<Vec<_>>(),
        FILES
    );
    for (number, bytes) in segments {
        let golden = std::fs::read(format!("{FOLDER}/{number:08}.log")).unwrap();
        assert!(bytes == golden, "segment {number} is not what format 1 was");
    }
}
