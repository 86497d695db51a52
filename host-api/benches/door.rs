//! What the door costs: a scenario from instantiation to drop, one host call, a replay.
//!
//! `cargo bench --profile dev -p tandem-host-api` (dependencies and this crate are optimised in that profile too).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../scenarios/flow/benches/large/mod.rs"]
mod large;

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tandem_host_api::op::{Address, BridgeEnd, CollectEnd, Collected, PlayEnd};
use tandem_host_api::replay::{Finding, Verdict};
use tandem_host_api::{
    DomainLimits, DomainQuota, End, Engine, EngineConfig, Journal, JournalHeader, LegId, Limits, LiveGrants,
    Module, Op, OpIndex, Outcome, RecordedJournal, ReplayOptions, Reply, Run, Switch, monotonic_clock,
    replay,
};

/// Room for a whole call's journal.
const SAVED_BYTES: usize = 256 << 10;

/// Answers at once, so that nothing but the door is measured.
struct Instant {
    asked: u64,
    /// The activation's configuration.
    document: &'static str,
    /// Where the journal is saved to at each host call, as a role does that dies at any moment.
    saved: Option<(Journal, Vec<u8>)>,
}

impl Switch for Instant {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        self.asked += 1;
        if let Some((journal, saved)) = &mut self.saved {
            assert!(journal.take_unsaved(saved));
        }
        Reply::Now(match op {
            Op::NowMs => Outcome::Number(self.asked),
            Op::ConfigDocument => Outcome::Text(self.document.to_owned()),
            Op::Local { .. } => Outcome::Address(Address {
                user: "302".to_owned(),
                ..Address::default()
            }),
            Op::FindUser { .. } => Outcome::User(None),
            Op::HangUp { .. } => Outcome::Leg(Ok(())),
            _ => Outcome::Done,
        })
    }
}

/// A caller of the demo menu who presses 1, talks to 302 and hangs up.
struct Menu {
    document: String,
}

impl Switch for Menu {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        let address = |user: &str| {
            Outcome::Address(Address {
                user: user.to_owned(),
                ..Address::default()
            })
        };
        Reply::Now(match op {
            Op::ConfigDocument => Outcome::Text(self.document.clone()),
            Op::Peer { .. } => address("301"),
            Op::Local { .. } => address("100"),
            Op::Answer { .. } | Op::HangUp { .. } => Outcome::Leg(Ok(())),
            Op::Play { .. } => Outcome::Played(Ok(PlayEnd::Finished)),
            Op::Collect { .. } => Outcome::Collected(Ok(Collected {
                digits: "1".to_owned(),
                complete: true,
                end: CollectEnd::Full,
            })),
            Op::Dial { .. } => Outcome::Dialled(Ok(LegId(1))),
            Op::Bridge { .. } => Outcome::Bridged(Ok(BridgeEnd::FirstHungUp)),
            _ => Outcome::Done,
        })
    }
}

/// One call's scenario, driven by a runtime of one thread, as a shard drives it.
struct Bench {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    domain: DomainQuota,
    limits: Limits,
}

impl Bench {
    fn new() -> Self {
        let config = EngineConfig {
            instances_max: 64,
            ..EngineConfig::default()
        };
        let domain = DomainLimits {
            host_calls_per_s: u32::MAX,
            host_calls_burst: u32::MAX,
            ..DomainLimits::default()
        };
        Self {
            engine: Engine::new(config).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            domain: DomainQuota::new(domain, monotonic_clock()),
            limits: Limits::default(),
        }
    }

    fn module(&self, name: &str) -> Module {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/guests/{name}.wat"));
        self.engine.load(&wat::parse_file(path).unwrap()).unwrap()
    }

    /// A stock scenario as it is shipped, compiled from Rust; none before `make scenarios`.
    fn stock(&self, name: &str) -> Option<Module> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/dist/{name}.wasm"));
        let bytes = std::fs::read(&path).ok()?;
        Some(self.engine.load(&bytes).unwrap())
    }

    fn run(&self, module: &Module, journal: Journal, document: &'static str) -> End {
        self.run_with(
            module,
            journal,
            Instant {
                asked: 0,
                document,
                saved: None,
            },
        )
    }

    fn run_with(&self, module: &Module, journal: Journal, switch: impl Switch) -> End {
        let run = Run {
            domain: self.domain.clone(),
            grants: LiveGrants::default(),
            limits: self.limits.clone(),
            switch: Box::new(switch),
            journal,
        };
        self.runtime.block_on(self.engine.run(module, run)).end
    }

    fn call(&self, module: &Module, journal: Journal) {
        assert_eq!(self.run(module, journal, "{}"), End::Returned);
    }

    /// The least that a stock scenario can do: it is instantiated, reads its configuration, which is none, says so,
    /// and is dropped.
    fn instantiate_and_drop(&self, module: &Module, journal: Journal) {
        let end = self.run(module, journal, "");
        assert!(matches!(end, End::Failed(_)), "{end:?}");
    }
}

fn recorded() -> Journal {
    Journal::new(JournalHeader::default(), monotonic_clock())
}

fn hash_only() -> Journal {
    Journal::hash_only(JournalHeader::default(), monotonic_clock())
}

fn scenario(c: &mut Criterion) {
    let bench = Bench::new();
    let idle = bench.module("idle");
    c.bench_function("scenario/instantiate+call+drop, idle.wat", |b| {
        b.iter(|| bench.call(&idle, recorded()));
    });
    let Some(entry) = bench.stock("entry") else {
        println!("scenarios/dist/entry.wasm is missing: `make scenarios` makes it");
        return;
    };
    c.bench_function("scenario/instantiate+drop, entry.wasm", |b| {
        b.iter(|| bench.instantiate_and_drop(&entry, recorded()));
    });
    c.bench_function("scenario/a call to an unknown number, entry.wasm", |b| {
        b.iter(|| bench.call(&entry, recorded()));
    });
}

/// Scenarios in TypeScript and Python: one that does nothing, and host calls; none before `make guests`.
fn languages(c: &mut Criterion) {
    let bench = Bench::new();
    for language in ["ts", "py"] {
        let path = format!("../tests/guests/dist/{language}/sandbox.wasm");
        let Ok(bytes) = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)) else {
            println!("{path} is missing: `make guests` makes it");
            continue;
        };
        let module = bench.engine.load(&bytes).unwrap();
        let call = |document| assert_eq!(bench.run(&module, recorded(), document), End::Returned);
        c.bench_function(&format!("scenario/instantiate+call+drop, {language}"), |b| {
            b.iter(|| call(""));
        });
        let mut group = c.benchmark_group("host call");
        group.throughput(Throughput::Elements(1_000));
        group.bench_function(format!("from {language}, with journal"), |b| {
            b.iter(|| call("1000"));
        });
        group.finish();
    }
}

/// Calls that are hung up at once, by a flow of one step and by one of 201 steps: the difference is what 200 steps cost.
fn flows(c: &mut Criterion) {
    let bench = Bench::new();
    let Some(flow) = bench.stock("flow") else {
        println!("scenarios/dist/flow.wasm is missing: `make scenarios` makes it");
        return;
    };
    let small = r#"{"version": 1, "name": "Small", "language": "en", "start": "bye",
        "nodes": [{"id": "bye", "name": "Hang up", "do": {"hang_up": {}}}]}"#;
    for (steps, document) in [(1, small.to_owned()), (201, large::large("bye"))] {
        c.bench_function(&format!("scenario/flow of {steps} steps, hung up"), |b| {
            b.iter(|| {
                let menu = Menu {
                    document: document.clone(),
                };
                assert_eq!(bench.run_with(&flow, recorded(), menu), End::Returned);
            });
        });
    }
}

/// A thousand host calls and one instantiation: the time an element is one host call's, a thousandth of the latter
/// included.
fn host_call(c: &mut Criterion) {
    let bench = Bench::new();
    let thousand = bench.module("thousand");
    let mut group = c.benchmark_group("host call");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("without journal", |b| {
        b.iter(|| bench.call(&thousand, hash_only()));
    });
    group.bench_function("with journal", |b| b.iter(|| bench.call(&thousand, recorded())));
    group.bench_function("with journal, saved at each", |b| {
        let switch = |journal: &Journal| Instant {
            asked: 0,
            document: "",
            saved: Some((journal.clone(), Vec::with_capacity(SAVED_BYTES))),
        };
        b.iter(|| {
            let journal = recorded();
            let switch = switch(&journal);
            assert_eq!(bench.run_with(&thousand, journal, switch), End::Returned);
        });
    });
    group.finish();
}

fn replays(c: &mut Criterion) {
    let bench = Bench::new();
    let thousand = bench.module("thousand");
    let journal = recorded();
    bench.call(&thousand, journal.clone());
    let recorded = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
    let mut group = c.benchmark_group("replay of 1,000 host calls");
    group.sample_size(30);
    for (name, memory_hashes) in [("rolling hash", false), ("rolling hash and memory", true)] {
        let options = || ReplayOptions {
            memory_hashes,
            ..ReplayOptions::default()
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                let report = replay(&bench.engine, &thousand, &recorded, options());
                assert_eq!((report.steps.len(), &report.divergence), (1_000, &None));
            });
        });
    }
    group.finish();
}

/// What `tandem replay --last` does for each call once it has read it: the journal's bytes, the replay, what was found.
fn recorded_calls(c: &mut Criterion) {
    let bench = Bench::new();
    let Some(flow) = bench.stock("flow") else {
        println!("scenarios/dist/flow.wasm is missing: `make scenarios` makes it");
        return;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/flow/demo-menu.json");
    let menu = Menu {
        document: std::fs::read_to_string(path).unwrap(),
    };
    let journal = recorded();
    assert_eq!(bench.run_with(&flow, journal.clone(), menu), End::Returned);
    let bytes = journal.to_bytes();
    let mut group = c.benchmark_group("replay of recorded calls");
    group.throughput(Throughput::Elements(1));
    group.bench_function("demo menu, flow.wasm", |b| {
        b.iter(|| {
            let recorded = RecordedJournal::from_bytes(&bytes).unwrap();
            let report = replay(&bench.engine, &flow, &recorded, ReplayOptions::default());
            assert_eq!(Finding::of(&recorded, &report).verdict(), Verdict::Same);
        });
    });
    group.finish();
}

/// From the saved bytes of a call that died after its last host call to the scenario's end.
fn resume(c: &mut Criterion) {
    let bench = Bench::new();
    let thousand = bench.module("thousand");
    let journal = recorded();
    bench.call(&thousand, journal.clone());
    let mut whole = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
    whole.entries.pop();
    let saved = whole.to_bytes();
    c.bench_function("resume/1000 steps", |b| {
        b.iter(|| {
            let journal = Journal::restore(&saved, monotonic_clock(), 0).unwrap();
            bench.call(&thousand, journal);
        });
    });
}

criterion_group!(
    benches,
    scenario,
    languages,
    flows,
    host_call,
    replays,
    recorded_calls,
    resume
);
criterion_main!(benches);
