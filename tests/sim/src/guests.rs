//! Scenarios: the real engine, the stock flow and a guest that counts, run to idle whenever something woke them.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use jiff::tz::TimeZone;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tandem_host_api::{
    DomainLimits, DomainQuota, End, Engine, EngineConfig, Finished, Limits, LiveGrants, Module, Run,
};
use tandem_logic::Launch;
use tandem_switch::CallKey;
use tandem_switch::door::{Door, Facts, Passed};

use crate::clock;

/// Compiled once for all worlds of the process.
pub struct Modules {
    engine: Engine,
    /// The stock scenario of flows.
    pub flow: Module,
    /// A guest that counts in the key-value store.
    pub counter: Module,
}

/// The modules, or why there are none.
pub fn modules() -> Result<&'static Modules, String> {
    static MODULES: OnceLock<Result<Modules, String>> = OnceLock::new();
    MODULES.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn load() -> Result<Modules, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let engine = Engine::new(EngineConfig {
        instances_max: 256,
        memory_max_bytes: 64 << 20,
        ..EngineConfig::default()
    })
    .map_err(|error| error.to_string())?;
    let flow = here.join("../../scenarios/dist/flow.wasm");
    let flow =
        std::fs::read(&flow).map_err(|error| format!("{}: {error}; run `make scenarios`", flow.display()))?;
    let counter = wat::parse_file(here.join("guests/counter.wat")).map_err(|error| error.to_string())?;
    let load = |bytes: &[u8]| engine.load(bytes).map_err(|error| error.to_string());
    let (flow, counter) = (load(&flow)?, load(&counter)?);
    Ok(Modules {
        engine,
        flow,
        counter,
    })
}

type Running = Pin<Box<dyn Future<Output = Finished> + Send>>;

struct Guest {
    run: Running,
    woken: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Which call of which shard.
pub type GuestId = (u16, CallKey);

/// The guests of one life of the call logic.
pub struct Guests {
    running: BTreeMap<GuestId, Guest>,
    /// What they ask for.
    passed: Arc<Mutex<VecDeque<(u16, Passed)>>>,
    quota: DomainQuota,
}

/// What came of a guest.
#[derive(Debug)]
pub enum Told {
    /// It asks for something.
    Passed(u16, Passed),
    /// It has ended.
    Ended(u16, CallKey, Result<Finished, End>),
}

impl Default for Guests {
    fn default() -> Self {
        Self {
            running: BTreeMap::new(),
            passed: Arc::default(),
            quota: DomainQuota::new(DomainLimits::default(), clock::clock()),
        }
    }
}

impl Guests {
    /// Begins a scenario, or goes on with one.
    pub fn launch(&mut self, shard: u16, launch: Launch, seed: u64) -> Result<(), End> {
        let Launch { start, journal } = launch;
        let modules = modules().map_err(End::Refused)?;
        let module = [&modules.flow, &modules.counter]
            .into_iter()
            .find(|module| module.hash() == start.entry.hash)
            .ok_or_else(|| End::Refused("no such module".into()))?;
        let id = (shard, start.call);
        let passed = self.passed.clone();
        let pass = move |asked| {
            let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
            passed.push_back((shard, asked));
        };
        let rng = StdRng::seed_from_u64(seed);
        let facts = Facts::new(start, TimeZone::UTC, "en".to_owned());
        let door = Door::new(id.1, facts, rng, clock::timestamp, pass);
        let run = Run {
            domain: self.quota.clone(),
            grants: LiveGrants::default(),
            limits: Limits {
                cpu: crate::clock::secs(60), // the machine's time is none of ours
                ..Limits::default()
            },
            switch: Box::new(door),
            journal,
        };
        let guest = Guest {
            run: Box::pin(modules.engine.run(module, run)),
            woken: Arc::new(Flag(AtomicBool::new(true))),
        };
        self.running.insert(id, guest);
        Ok(())
    }

    /// Runs whoever was woken, one after another, each until it waits.
    pub fn run_to_idle(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut over = Vec::new();
        for (id, guest) in &mut self.running {
            let waker = Waker::from(guest.woken.clone());
            let mut context = Context::from_waker(&waker);
            while guest.woken.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(finished) = guest.run.as_mut().poll(&mut context) {
                    over.push((*id, finished));
                    break;
                }
            }
            let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
            told.extend(
                passed
                    .drain(..)
                    .map(|(shard, passed)| Told::Passed(shard, passed)),
            );
        }
        for (id, finished) in over {
            self.running.remove(&id);
            told.push(Told::Ended(id.0, id.1, Ok(finished)));
        }
        told
    }

    /// Whether somebody is to be run.
    pub fn is_idle(&self) -> bool {
        !self
            .running
            .values()
            .any(|guest| guest.woken.0.load(Ordering::Relaxed))
    }
}
