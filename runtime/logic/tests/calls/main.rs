//! A shard with its log, through disks that refuse, ends of processes, and damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test may panic"
)]

mod disks;
#[allow(
    dead_code,
    unused_imports,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "it serves the switch's tests"
)]
#[path = "../../../switch/tests/kit/mod.rs"]
mod kit;
mod many;
mod scenario;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tandem_bus::link::{Cursor, Lane, Role};
use tandem_host_api::op::{LegId, Op, OpIndex, Prompt};
use tandem_host_api::{Journal, JournalHeader, WORLD};
use tandem_journal::{Batch, Disk, Log, Options};
use tandem_logic::{Calls, Effect, Keeper, Kept};
use tandem_sip::Moment;
use tandem_switch::door::Passed;
use tandem_switch::{CallKey, Input, Key, Kind, Shard, ShardConfig};
use tokio::sync::oneshot;

use crate::kit::{World, nonces};

/// Enough for every test.
fn config() -> ShardConfig {
    ShardConfig {
        shard: 0,
        shards: 1,
        calls_max: 1_000_000,
        calls_per_domain_max: 1_000_000,
    }
}

/// Puts everything that a world has written down into a log.
fn seed<D: Disk>(disk: D, w: &World, options: Options) {
    let mut log = Log::open(disk, options).unwrap().0;
    let mut batch = Batch::new();
    for (key, value) in &w.log {
        batch.put(&key.to_bytes(), value).unwrap();
        if key.kind == Kind::Origin {
            let key = Key::new(Kind::Scenario, key.id, 0);
            batch.put(&key.to_bytes(), &journal()).unwrap();
        }
        if batch.len_bytes() > 1 << 20 {
            log.commit(&mut batch).unwrap();
        }
    }
    log.commit(&mut batch).unwrap();
}

/// A journal that has hardly begun.
fn journal() -> Vec<u8> {
    let header = JournalHeader {
        call: "1".into(),
        domain: kit::DOMAIN.into(),
        entry: kit::NUMBER.into(),
        module_hash: "00ff".into(),
        world: WORLD.into(),
        began_ms: 0,
    };
    let journal = Journal::new(header, Arc::new(|| Duration::ZERO));
    journal.input(tandem_host_api::Input::Note {
        leg: None,
        text: "here".into(),
    });
    let mut bytes = Vec::new();
    assert!(journal.take_all(&mut bytes));
    bytes
}

/// What a log holds.
fn map<D: Disk>(disk: D) -> BTreeMap<Key, Vec<u8>> {
    let (_, opened) = Log::open(disk, Options::default()).unwrap();
    assert_eq!(opened.problems, []);
    let entries = opened.map.into_iter();
    entries
        .map(|(key, value)| (Key::from_bytes(&key).unwrap(), value))
        .collect()
}

/// A server that goes on from a log.
struct Life<D: Disk> {
    calls: Calls<D>,
    now: Moment,
    /// Everything that was let out.
    effects: Vec<Effect>,
}

impl<D: Disk> Life<D> {
    fn begin(disk: D, now: Moment, options: Options) -> Self {
        let (log, opened) = Log::open(disk, options).unwrap();
        let values: Vec<(Key, Vec<u8>)> = opened
            .map
            .into_iter()
            .filter_map(|(key, value)| Some((Key::from_bytes(&key)?, value)))
            .collect();
        let entries = values.iter().map(|(key, value)| (*key, value.as_slice()));
        let (shard, problems) = Shard::restore(config(), nonces(5), 5, entries, now);
        assert_eq!(problems, []);
        let clock = Arc::new(|| Duration::ZERO);
        let calls = Calls::new(shard, Keeper::new(log, Lane(0)), clock, values, now);
        let mut life = Self {
            calls,
            now,
            effects: Vec::new(),
        };
        assert_eq!(life.commit(), Kept::Well);
        life
    }

    fn commit(&mut self) -> Kept {
        let kept = self.calls.commit();
        self.effects
            .extend(std::iter::from_fn(|| self.calls.poll_effect()));
        kept
    }

    fn give(&mut self, input: Input) -> Kept {
        self.calls.handle(input, self.now);
        self.commit()
    }

    /// Lets time pass, from deadline to deadline; what came of the last commit.
    fn run(&mut self, time: Duration) -> Kept {
        let until = self.now + time;
        let mut kept = Kept::Well;
        for _ in 0..10_000 {
            let Some(at) = self.calls.deadline().filter(|at| *at <= until) else {
                self.now = until;
                return kept;
            };
            self.now = self.now.max(at);
            kept = self.give(Input::Timeout);
        }
        panic!("time does not pass");
    }

    /// The scenario of a call asks for silence.
    fn plays(&mut self, call: CallKey, index: OpIndex) -> Kept {
        let (reply, _) = oneshot::channel();
        let passed = Passed {
            call,
            index,
            again: false,
            op: Op::Play {
                leg: LegId(0),
                prompts: vec![Prompt::Silence(600_000)],
            },
            reply,
        };
        self.calls.handle_passed(passed, self.now);
        self.commit()
    }

    /// A gate said something that changed nothing else.
    fn hears(&mut self, gate: Role, number: u64) -> Kept {
        self.calls.heard(gate, Cursor { instance: 9, number });
        self.commit()
    }

    fn stores(&self) -> Vec<u64> {
        let stored = self.effects.iter().filter_map(|effect| match effect {
            Effect::Store { number, .. } => Some(*number),
            _ => None,
        });
        stored.collect()
    }

    fn launches(&self) -> usize {
        let launched = |effect: &&Effect| matches!(effect, Effect::Launch(_));
        self.effects.iter().filter(launched).count()
    }
}
