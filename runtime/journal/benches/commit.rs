//! What a commit costs, by its size and durability, and what opening costs.
//!
//! `cargo bench --profile dev -p tandem-journal --bench commit`. The folder is a temporary one: `TMPDIR` chooses the
//! disk.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tandem_journal::{Batch, Durability, Files, Log, Options};

const VALUE: [u8; 300] = [7; 300];
/// Keys that are written in turn: a shard's calls.
const KEYS: u64 = 1_000;

fn key(number: u64) -> [u8; 13] {
    let mut key = [1; 13];
    key[1..9].copy_from_slice(&number.to_be_bytes());
    key
}

/// Puts stale keys again, as an owner does.
fn tidy(log: &mut Log<Files>, batch: &mut Batch) {
    for key in log.stale_keys(64) {
        batch.put(&key, &VALUE).unwrap();
    }
}

fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    for durability in [Durability::Off, Durability::Flush, Durability::Sync] {
        for entries in [1_u64, 16, 256] {
            let folder = tempfile::tempdir().unwrap();
            let options = Options {
                durability,
                ..Options::default()
            };
            let (mut log, _) = Log::open(Files::open(folder.path()).unwrap(), options).unwrap();
            let (mut batch, mut number) = (Batch::new(), 0);
            group.throughput(Throughput::Elements(entries));
            group.bench_function(BenchmarkId::new(format!("{durability:?}"), entries), |b| {
                b.iter(|| {
                    for _ in 0..entries {
                        number = (number + 1) % KEYS;
                        batch.put(&key(number), &VALUE).unwrap();
                    }
                    tidy(&mut log, &mut batch);
                    log.commit(&mut batch).unwrap();
                });
            });
        }
    }
    group.finish();
}

fn open(c: &mut Criterion) {
    const LIVE: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(Files::open(folder.path()).unwrap(), Options::default()).unwrap();
    let mut batch = Batch::new();
    for number in 0..LIVE {
        batch.put(&key(number), &VALUE).unwrap();
        if number % 100 == 99 {
            log.commit(&mut batch).unwrap();
        }
    }
    drop(log);
    let mut group = c.benchmark_group("open");
    group.sample_size(10);
    group.throughput(Throughput::Elements(LIVE));
    group.bench_function("100000 live keys", |b| {
        b.iter(|| {
            let (log, opened) = Log::open(Files::open(folder.path()).unwrap(), Options::default()).unwrap();
            assert_eq!(opened.map.len() as u64, LIVE);
            black_box((log, opened));
        });
    });
    group.finish();
}

criterion_group!(benches, commit, open);
criterion_main!(benches);
