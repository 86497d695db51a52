//! A guest and an exchange, taken in turns on one thread: the guest runs until it waits, then the exchange lets one thing
//! happen, and so on until the guest has ended.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tandem_host_api::journal::RollingHash;
use tandem_host_api::{
    DomainLimits, DomainQuota, End, Engine, Finished, Journal, JournalHeader, Limits, LiveGrants, Module, Op,
    OpIndex, Outcome, RecordedJournal, Reply, Run, Switch, WebResponse, World,
};
use tokio::sync::oneshot;

use crate::case::{Case, Start};
use crate::exchange::{Advance, Exchange, Seen, VirtualTime};
use crate::steps::{self, Step};
use crate::{expect, trace};

/// A call that was played.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// How the scenario ended.
    pub end: End,
    /// Over all its requests and their outcomes.
    pub rolling_hash: RollingHash,
    /// How long the call lasted, in its own time.
    pub lasted: Duration,
    /// Requests of the scenario.
    pub host_calls: usize,
    /// What happened, a line each.
    pub trace: Vec<String>,
    /// The same by the steps of the scenario, in their order.
    pub steps: Vec<Step>,
    /// What there was to see.
    pub seen: Seen,
    /// The key-value store at the end.
    pub key_values: BTreeMap<String, Vec<u8>>,
    /// What was expected and did not come, in words; none: the case passed.
    pub failures: Vec<String>,
}

/// Plays one call, request or event with a scenario of `engine`, whose limits are those of a server.
pub fn play(engine: &Engine, module: &Module, case: &Arc<Case>) -> Played {
    let time = VirtualTime::default();
    let world = &case.world;
    let header = JournalHeader {
        call: case.name.clone(),
        domain: world.domain.clone(),
        entry: world.entry_point.clone(),
        module_hash: module.hash().to_owned(),
        world: match case.start {
            Start::Call => World::Call.name(),
            Start::Request(_) => World::Web.name(),
            Start::Event(_) => World::Event.name(),
        }
        .to_owned(),
        began_ms: world.start.as_millisecond().max(0) as u64,
    };
    let journal = Journal::new(header, time.clock()).keeping_all();
    let exchange = Exchange::new(case.clone(), time.clone(), journal.clone());
    let line = Line::new(exchange);
    let run = Run {
        domain: DomainQuota::new(DomainLimits::default(), time.clock()),
        grants: LiveGrants::default(),
        limits: Limits::default(),
        switch: Box::new(line.clone()),
        journal: journal.clone(),
    };
    let (finished, response) = match &case.start {
        Start::Call => drive(async { (engine.run(module, run).await, None) }, &line),
        Start::Request(request) => drive(engine.answer(module, run, request.clone()), &line),
        Start::Event(event) => {
            let told = engine.tell(module, run, event.clone());
            drive(async { (told.await, None) }, &line)
        }
    };
    let lasted = time.now();
    let (mut seen, key_values) = line.finish(&finished.end);
    seen.response = response;
    // What it wrote itself can be read; an empty trace would be seen at once.
    let recorded = RecordedJournal::from_bytes(&journal.to_bytes());
    let entries = recorded.map(|recorded| recorded.entries).unwrap_or_default();
    let mut played = Played {
        end: finished.end,
        rolling_hash: finished.rolling_hash,
        lasted,
        host_calls: trace::host_calls(&entries),
        trace: trace::lines(case, &entries, &seen),
        steps: steps::of(&entries, &seen, lasted),
        seen,
        key_values,
        failures: Vec::new(),
    };
    played.failures = expect::failures(case, &played);
    played
}

/// Runs the guest to its end. Nobody needs to wake it: it goes on as soon as what it waits for is there.
fn drive(
    scenario: impl Future<Output = (Finished, Option<WebResponse>)>,
    line: &Line,
) -> (Finished, Option<WebResponse>) {
    // Within a runtime, tokio would have a task make room for others after so many polls. There are none here.
    let mut scenario = pin!(tokio::task::unconstrained(scenario));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(finished) = scenario.as_mut().poll(&mut context) {
            return finished;
        }
        // A guest that waits for nothing has used up its slice, and goes on.
        while line.is_waited_for() {
            line.advance();
        }
    }
}

/// The exchange, as the door and [`drive`] both hold it. One thread has both, so nobody ever waits for the lock.
#[derive(Clone)]
struct Line {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    exchange: Exchange,
    /// Where the outcome that is waited for goes.
    reply: Option<oneshot::Sender<Outcome>>,
}

impl Line {
    fn new(exchange: Exchange) -> Self {
        let shared = Shared {
            exchange,
            reply: None,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the guest waits for an outcome.
    fn is_waited_for(&self) -> bool {
        self.lock().reply.is_some()
    }

    /// Lets one thing happen, and gives the guest its outcome where that was it. Dropping the sender ends the guest.
    fn advance(&self) {
        let mut shared = self.lock();
        let advance = shared.exchange.advance();
        let outcome = shared.exchange.take_outcome();
        match (advance, outcome) {
            (Advance::Over, _) => shared.reply = None,
            (Advance::Happened, Some(outcome)) => {
                if let Some(reply) = shared.reply.take() {
                    // A guest that has ended meanwhile needs none.
                    let _ = reply.send(outcome);
                }
            }
            (Advance::Happened, None) => (),
        }
    }

    /// The guest has ended so: what there was to see, and the key-value store.
    fn finish(&self, end: &End) -> (Seen, BTreeMap<String, Vec<u8>>) {
        let failed = !matches!(end, End::Returned | End::CallOver);
        self.lock().exchange.finish(failed)
    }
}

impl Switch for Line {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        let mut shared = self.lock();
        if let Some(outcome) = shared.exchange.perform(op) {
            return Reply::Now(outcome);
        }
        let (reply, outcome) = oneshot::channel();
        shared.reply = Some(reply);
        Reply::Later(outcome)
    }
}
