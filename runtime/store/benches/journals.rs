//! What it costs to store a journal small, and to read it: two calls as phones made them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tandem_store::PackedJournal;

fn journals(c: &mut Criterion) {
    for (name, journal) in [
        ("menu", &include_bytes!("../tests/data/menu.journal")[..]),
        (
            "unavailable",
            &include_bytes!("../tests/data/unavailable.journal")[..],
        ),
    ] {
        let packed = PackedJournal::pack(journal.to_vec());
        println!("{name}: {} bytes, packed {}", journal.len(), packed.len_bytes());
        let mut group = c.benchmark_group(format!("journal of {} bytes, {name}", journal.len()));
        group.throughput(Throughput::Bytes(journal.len() as u64));
        group.bench_function("pack", |b| b.iter(|| PackedJournal::pack(journal.to_vec())));
        group.bench_function("unpack", |b| b.iter(|| packed.clone().unpack().unwrap()));
        group.finish();
    }
}

criterion_group!(benches, journals);
criterion_main!(benches);
