//! What a simulated call costs, from its instantiation to its trace.
//!
//! `cargo bench --profile dev -p tandem-simulator` (dependencies and this crate are optimised in that profile too).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tandem_host_api::{Engine, EngineConfig};
use tandem_simulator::{Case, Script, load, play, script::Beside};

fn engine() -> Engine {
    let config = EngineConfig {
        instances_max: 4,
        ..EngineConfig::default()
    };
    Engine::new(config).unwrap()
}

/// Each case of the demo menu's script in turn: greeting, digits, busy and absent users, talks.
fn calls(c: &mut Criterion) {
    let engine = engine();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(bytes) = std::fs::read(root.join("scenarios/dist/flow.wasm")) else {
        println!("scenarios/dist/flow.wasm is missing: `make scenarios` makes it");
        return;
    };
    let flow = engine.load(&bytes).unwrap();
    let script = load(&root.join("scenarios/flow/tests/menu.toml")).unwrap();
    let cases: Vec<Arc<Case>> = script.cases.into_iter().map(Arc::new).collect();
    let mut group = c.benchmark_group("simulated calls of the demo menu");
    group.throughput(Throughput::Elements(cases.len() as u64));
    group.bench_function("the 8 cases of its script", |b| {
        b.iter(|| {
            for case in &cases {
                assert_eq!(play(&engine, &flow, case).failures, [""; 0]);
            }
        });
    });
    group.finish();
}

/// A thousand host calls: the time an element is one's, with a thousandth of all that a call costs besides.
fn host_call(c: &mut Criterion) {
    let engine = engine();
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/thousand.wat");
    let thousand = engine.load(&wat::parse_file(guest).unwrap()).unwrap();
    let script = Script::parse("[[case]]\nname = 'a'", &Beside::default()).unwrap();
    let case = Arc::new(script.cases.into_iter().next().unwrap());
    let mut group = c.benchmark_group("simulated host call");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("with journal and trace", |b| {
        b.iter(|| assert_eq!(play(&engine, &thousand, &case).host_calls, 1_000));
    });
    group.finish();
}

criterion_group!(benches, calls, host_call);
criterion_main!(benches);
