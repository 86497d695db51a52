//! What the hop between two processes costs: the latency of a message up and its answer down, and time and CPU per
//! message when many wait. Both ends run in one process, each on a runtime of its own, as they would in two.
//!
//! `cargo bench --profile dev -p tandem-link --bench link`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::result_large_err,
    missing_docs
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tandem_bus::link::{Bounds, Held, Lane, Role, Taken};
use tandem_bus::sip::{Down, Up};
use tandem_link::gate::{self, Server};
use tandem_link::logic::{self, Client};
use tandem_sip::{Flow, Moment, Transport};
use tokio::runtime::Runtime;

const INVITE: &[u8] = include_bytes!("../../sip/tests/data/invite.sip");

fn clock() -> Moment {
    Moment::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "127.0.0.1:5060".parse().unwrap(),
        remote: "127.0.0.1:5062".parse().unwrap(),
        connection: 0,
    }
}

struct Pair {
    gate: Arc<Server<Up, Down>>,
    /// One for each answer that came down.
    answers: Receiver<()>,
    /// Items that came up.
    taken: Arc<AtomicU64>,
    _runtimes: [Runtime; 2],
    _dir: tempfile::TempDir,
}

/// A gate, and call logic that commits each item at once; `answers`: and sends a message back.
fn pair(answers: bool) -> Pair {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let runtimes = [runtime(), runtime()];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate.sock");
    let (answered, answers_come) = channel();
    let config = gate::Config {
        role: Role::SipGate,
        clock,
    };
    let gate = Server::start(
        runtimes[0].handle(),
        &path,
        config,
        Held::new(1, Bounds::default()),
        move |event| {
            if matches!(event, gate::Event::Down(_)) {
                let _ = answered.send(());
            }
            Ok(())
        },
    )
    .unwrap();
    let mut known = Taken::new();
    known.restore(Lane(0), None);
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    let client: Arc<std::sync::OnceLock<Client<Down>>> = Arc::default();
    let answering = Arc::clone(&client);
    let config = logic::Config {
        role: Role::SipGate,
        shards: 1,
    };
    let logic = Client::start(runtimes[1].handle(), &path, config, known, move |event| {
        if let logic::Event::Up {
            lane,
            cursor,
            item: Up::Message { flow, bytes },
        } = event
        {
            let client = answering.wait();
            client.acknowledge(lane, cursor);
            if answers {
                client.send(&Down::Send { flow, bytes }).unwrap();
            }
            counted.fetch_add(1, Ordering::Release);
        }
        Ok(())
    });
    assert!(client.set(logic).is_ok());
    while gate.shards().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Pair {
        gate: Arc::new(gate),
        answers: answers_come,
        taken,
        _runtimes: runtimes,
        _dir: dir,
    }
}

/// CPU time of all threads of this process so far.
fn cpu() -> Duration {
    let of_thread = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    Duration::from_nanos(tasks.map(|task| of_thread(task.unwrap())).sum())
}

/// Pushes so many batches, each when the one before has arrived.
fn batches(pair: &Pair, item: &Up, size: u64, count: u64) {
    for _ in 0..count {
        let until = pair.taken.load(Ordering::Acquire) + size;
        for _ in 0..size {
            while pair.gate.push(Lane(0), item, false).is_err() {
                std::thread::yield_now();
            }
        }
        while pair.taken.load(Ordering::Acquire) < until {
            std::thread::yield_now();
        }
    }
}

fn link(c: &mut Criterion) {
    let item = Up::Message {
        flow: flow(),
        bytes: Bytes::from_static(INVITE),
    };
    let mut group = c.benchmark_group("link");
    let answering = pair(true);
    group.bench_function("up and an answer down", |b| {
        b.iter(|| {
            answering.gate.push(Lane(0), &item, false).unwrap();
            answering.answers.recv().unwrap();
        });
    });
    group.bench_function("up and an answer down, CPU of both ends", |b| {
        b.iter_custom(|rounds| {
            let before = cpu();
            for _ in 0..rounds {
                answering.gate.push(Lane(0), &item, false).unwrap();
                answering.answers.recv().unwrap();
            }
            cpu().saturating_sub(before).max(Duration::from_nanos(1))
        });
    });
    drop(answering);

    let quiet = pair(false);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("up in batches", |b| {
        b.iter_custom(|rounds| {
            let began = Instant::now();
            batches(&quiet, &item, 1_000, rounds);
            began.elapsed()
        });
    });
    group.finish();
}

criterion_group!(benches, link);
criterion_main!(benches);
