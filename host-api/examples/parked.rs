//! Private memory of a scenario that waits in a host call, for each component that is named:
//!
//! ```text
//! parked tests/guests/dist/ts/sandbox.wasm tests/guests/dist/py/sandbox.wasm
//! ```
//!
//! It waits where it sleeps, plays or collects digits. Its configuration is what `CONFIG` has, or else the word `sleep`, on
//! which the sandboxes sleep.
//! Shared memory, which is the component's image, does not count: the figure is what one call more costs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tandem_host_api::op::Address;
use tandem_host_api::{
    DomainLimits, DomainQuota, Engine, EngineConfig, Journal, JournalHeader, Limits, LiveGrants, Op, OpIndex,
    Outcome, Reply, Run, Switch, monotonic_clock,
};
use tokio::sync::oneshot;

const INSTANCES: usize = 200;

/// Answers what takes time never, all else at once.
#[derive(Default)]
struct Asleep {
    config: String,
    waiting: Vec<oneshot::Sender<Outcome>>,
}

impl Switch for Asleep {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        match op {
            Op::ConfigDocument => Reply::Now(Outcome::Text(self.config.clone())),
            Op::Peer { .. } | Op::Local { .. } => Reply::Now(Outcome::Address(Address::default())),
            Op::Answer { .. } => Reply::Now(Outcome::Leg(Ok(()))),
            Op::SleepMs { .. } | Op::Play { .. } | Op::Collect { .. } => {
                let (sender, receiver) = oneshot::channel();
                self.waiting.push(sender);
                Reply::Later(receiver)
            }
            _ => Reply::Now(Outcome::Done),
        }
    }
}

/// Kilobytes of this process that no other shares and no file backs unchanged.
fn private_kb() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let field = |name: &str| -> u64 {
        let line = rollup.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    field("Private_Dirty:")
}

fn main() {
    let config = EngineConfig {
        instances_max: INSTANCES as u32 + 1,
        ..EngineConfig::default()
    };
    let limits = DomainLimits {
        host_calls_per_s: u32::MAX,
        host_calls_burst: u32::MAX,
        ..DomainLimits::default()
    };
    let domain = DomainQuota::new(limits, monotonic_clock());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let configured = std::env::var("CONFIG").unwrap_or_else(|_| "sleep".to_owned());
    for path in std::env::args().skip(1) {
        // One of its own: a place that is given back keeps what its guest had touched.
        let engine = Engine::new(config.clone()).unwrap();
        let module = engine.load(&std::fs::read(&path).unwrap()).unwrap();
        let park = || {
            let run = Run {
                domain: domain.clone(),
                grants: LiveGrants::default(),
                limits: Limits::default(),
                switch: Box::new(Asleep {
                    config: configured.clone(),
                    ..Asleep::default()
                }),
                journal: Journal::new(JournalHeader::default(), monotonic_clock()),
            };
            let call = runtime.spawn(engine.run(&module, run));
            runtime.block_on(settled());
            call
        };
        // The first brings what all share.
        let first = park();
        let before = private_kb();
        let calls: Vec<_> = (0..INSTANCES).map(|_| park()).collect();
        println!("{path}: {} KB", (private_kb() - before) / INSTANCES as u64);
        first.abort();
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        runtime.block_on(settled());
    }
}

/// Until every scenario waits: each may have to compute in more than one slice.
async fn settled() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
