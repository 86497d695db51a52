//! An engine, guests by name, and a switch that a closure plays.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tandem_host_api::op::Address;
use tandem_host_api::{
    Clock, DomainLimits, DomainQuota, Engine, EngineConfig, Finished, Journal, JournalHeader, Limits,
    LiveGrants, Module, Op, OpIndex, Outcome, RecordedJournal, Reply, Run, Switch, WORLD, monotonic_clock,
};

pub fn guest(name: &str) -> Vec<u8> {
    wat::parse_str(guest_text(name)).unwrap()
}

pub fn guest_text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/guests/{name}.wat"));
    std::fs::read_to_string(path).unwrap()
}

/// One engine for all tests of the process: its pool is address space that two tests need not take twice.
pub fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let config = EngineConfig {
        instances_max: 64,
        cache_dir: compiled(),
        ..EngineConfig::default()
    };
    ENGINE.get_or_init(|| Engine::new(config).unwrap()).clone()
}

/// Where the servers of whole-system tests have their compiled code too: a Python component takes seconds to compile.
fn compiled() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.parent()?.join("tests-compiled"))
}

pub fn module(name: &str) -> Module {
    engine().load(&guest(name)).unwrap()
}

type Play = Box<dyn FnMut(OpIndex, &Op) -> Reply + Send>;

/// A switch that a closure plays, and which remembers what it was asked.
pub struct Played {
    play: Play,
    asked: Arc<Mutex<Vec<Op>>>,
}

impl Switch for Played {
    fn perform(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.asked.lock().unwrap().push(op.clone());
        (self.play)(index, op)
    }
}

/// Answers everything that the test guests ask, the random numbers with `drawn`; sleeps take no time.
pub fn plain(drawn: u64) -> impl FnMut(OpIndex, &Op) -> Reply + Send + 'static {
    let mut now_ms = 1_000;
    move |_, op| {
        Reply::Now(match op {
            Op::NowMs => {
                now_ms += 1;
                Outcome::Number(now_ms)
            }
            Op::Random => Outcome::Number(drawn),
            Op::Ring { .. } => Outcome::Leg(Ok(())),
            Op::Peer { .. } => Outcome::Address(Address::default()),
            _ => Outcome::Done,
        })
    }
}

/// One call of a test, with what can be varied.
pub struct Call {
    pub limits: Limits,
    pub domain: DomainQuota,
    pub grants: LiveGrants,
    pub clock: Clock,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            domain: domain(DomainLimits::default()),
            grants: LiveGrants::default(),
            clock: monotonic_clock(),
        }
    }
}

/// What a call leaves behind.
pub struct Left {
    pub finished: Finished,
    pub journal: Journal,
    pub asked: Vec<Op>,
}

impl Left {
    pub fn recorded(&self) -> RecordedJournal {
        RecordedJournal::from_bytes(&self.journal.to_bytes()).unwrap()
    }
}

pub fn domain(limits: DomainLimits) -> DomainQuota {
    DomainQuota::new(limits, monotonic_clock())
}

/// A clock that stands still: rates are then bursts.
pub fn stopped_clock() -> Clock {
    Arc::new(|| Duration::ZERO)
}

impl Call {
    pub async fn run(
        self,
        module: &Module,
        play: impl FnMut(OpIndex, &Op) -> Reply + Send + 'static,
    ) -> Left {
        let (run, asked) = self.into_run(module, play);
        let journal = run.journal.clone();
        let finished = engine().run(module, run).await;
        let asked = asked.lock().unwrap().clone();
        Left {
            finished,
            journal,
            asked,
        }
    }

    pub fn into_run(
        self,
        module: &Module,
        play: impl FnMut(OpIndex, &Op) -> Reply + Send + 'static,
    ) -> (Run, Arc<Mutex<Vec<Op>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let header = JournalHeader {
            call: "call-1".to_owned(),
            domain: "demo".to_owned(),
            entry: "100".to_owned(),
            module_hash: module.hash().to_owned(),
            world: WORLD.to_owned(),
            began_ms: 1_795_000_000_000,
        };
        let run = Run {
            domain: self.domain,
            grants: self.grants,
            limits: self.limits,
            switch: Box::new(Played {
                play: Box::new(play),
                asked: Arc::clone(&asked),
            }),
            journal: Journal::new(header, self.clock),
        };
        (run, asked)
    }
}
