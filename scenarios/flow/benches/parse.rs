//! What a flow of 200 steps costs a call before it begins, natively: `cargo bench -p flow`. In the guest: `host-api/benches`.
#![allow(clippy::expect_used, missing_docs)]

mod large;

use std::hint::black_box;
use std::time::Instant;

use flow::Flow;
use large::large;

fn main() {
    let document = large("step-0");
    let times = 1_000;
    for (what, read) in [
        (
            "JSON alone",
            (|text| serde_json::from_str::<Flow>(text).is_ok()) as fn(&str) -> bool,
        ),
        ("read and checked", |text| Flow::parse(text).is_ok()),
    ] {
        let began = Instant::now();
        for _ in 0..times {
            assert!(read(black_box(&document)));
        }
        println!(
            "200 nodes, {} bytes, {what}: {:?}",
            document.len(),
            began.elapsed() / times
        );
    }
}
