//! One call's scenario, from instantiation to its end.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline, WasmBacktrace};

use crate::background::Background;
use crate::door::{Answers, Door, Stop, Switch};
use crate::engine::Engine;
use crate::grants::LiveGrants;
use crate::journal::{Journal, Known, Past, Record, RollingHash};
use crate::limits::Limits;
use crate::meter::{Meter, Metered};
use crate::modules::Module;
use crate::quota::DomainQuota;
use crate::usage::Usage;
use crate::world::{Event, Handler, Trigger, WEB_RESPONSE_MAX, WebRequest, WebResponse};

/// What one call brings along.
pub struct Run {
    /// The domain's share, the same for all its calls.
    pub domain: DomainQuota,
    /// What its scenario may ask for, from host call to host call.
    pub grants: LiveGrants,
    /// What this call may use. A call that is resumed has the limits that it began under, which its journal knows.
    pub limits: Limits,
    /// Does what the scenario asks for.
    pub switch: Box<dyn Switch>,
    /// The call's journal: a new one, or one that was [restored](Journal::restore).
    pub journal: Journal,
}

/// How a scenario ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The handler returned well.
    Returned,
    /// The handler returned an error: its text.
    Failed(String),
    /// The guest trapped.
    Trapped {
        /// What happened, in words.
        message: String,
        /// The guest's functions, innermost first.
        backtrace: Vec<String>,
    },
    /// A limit was met: which one, in words.
    OverBudget(String),
    /// The call was over while the scenario waited.
    CallOver,
    /// It was never started: why.
    Refused(String),
    /// Taken up again after its server died, it did not do again what its journal says that it had done: what it did.
    Diverged(String),
}

/// A scenario's end and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub end: End,
    /// Over all its requests and their outcomes.
    pub rolling_hash: RollingHash,
    /// Time in which it computed, its host calls included and its waiting not.
    pub cpu: Duration,
    /// How often it had to let others compute.
    pub slices: u64,
    /// What it used besides. Of a scenario that was resumed: since then.
    pub usage: Usage,
}

impl Engine {
    /// Runs the module's handler for one call, whose caller is leg 0, to its end. Dropping the future ends the scenario
    /// where it stands; a host call that waited is journalled as cancelled, and no end is.
    ///
    /// With a [restored](Journal::restore) journal the call is resumed: the handler runs from its beginning, recorded
    /// outcomes answer it without anything being written or asked, [`Switch::resume`] is asked for the host call that
    /// was open, and from there it goes on. A handler that leaves the record ends with [`End::Diverged`]. A record that
    /// has an end gives that end, and nothing runs.
    pub fn run(&self, module: &Module, run: Run) -> impl Future<Output = Finished> + Send + 'static {
        let started = start(self.background(), module, run, Trigger::Call);
        async move { started.await.0 }
    }

    /// Answers one HTTP request by a module of the world `web-scenario`. None: it did not end well.
    pub fn answer(
        &self,
        module: &Module,
        run: Run,
        request: WebRequest,
    ) -> impl Future<Output = (Finished, Option<WebResponse>)> + Send + 'static {
        start(self.background(), module, run, Trigger::Web(request))
    }

    /// Tells a module of the world `event-scenario` what has happened.
    pub fn tell(
        &self,
        module: &Module,
        run: Run,
        event: Event,
    ) -> impl Future<Output = Finished> + Send + 'static {
        let started = start(self.background(), module, run, Trigger::Event(event));
        async move { started.await.0 }
    }
}

/// The run as a future, measured.
fn start(
    background: Option<Arc<Background>>,
    module: &Module,
    run: Run,
    trigger: Trigger,
) -> impl Future<Output = (Finished, Option<WebResponse>)> + Send + 'static {
    let handler = module.shared.handler.clone();
    let domain = run.domain.clone();
    let meter = Arc::new(Meter::default());
    let metered = Arc::clone(&meter);
    let scenario = async move {
        let journal = run.journal.clone();
        let record = journal.take_record();
        let (end, response, usage) = match record.end() {
            Some(Known::Finished(end)) => return (end, None, journal.rolling_hash(), Usage::default()),
            Some(Known::CallOver) => (End::CallOver, None, Usage::default()),
            None => self::run(&handler, run, record, metered, trigger).await,
        };
        journal.finished(&end);
        (end, response, journal.rolling_hash(), usage)
    };
    let timed = Metered::new(scenario, Arc::clone(&meter), Some(domain), background);
    async move {
        let (end, response, rolling_hash, usage) = timed.await;
        let (cpu, slices) = (meter.used(), meter.slices());
        let finished = Finished {
            end,
            rolling_hash,
            cpu,
            slices,
            usage,
        };
        (finished, response)
    }
}

/// From the instance to its end: what the record has first, then what the switch answers.
async fn run(
    handler: &Handler,
    run: Run,
    record: Record,
    meter: Arc<Meter>,
    trigger: Trigger,
) -> (End, Option<WebResponse>, Usage) {
    let Run {
        domain,
        grants,
        limits,
        switch,
        journal,
    } = run;
    let (limits, place, began) = if let Some(limits) = record.limits {
        (limits, Ok(domain.enter_again()), Ok(()))
    } else {
        let began = journal.began(&limits);
        (limits, domain.enter(), began)
    };
    // The place is given back after the store is gone: see the order of these two.
    let _place = match (place, began) {
        (Err(limit), _) => return (End::Refused(limit), None, Usage::default()),
        (Ok(_), Err(full)) => return (End::OverBudget(full.to_string()), None, Usage::default()),
        (Ok(place), Ok(())) => place,
    };
    let mut usage = Usage::default();
    let answers = Answers::Live {
        switch,
        domain: domain.clone(),
        past: Past::new(record.calls),
        grants,
    };
    let mut door = Door::new(answers, journal.clone(), &limits);
    if let Trigger::Call = trigger {
        door = door.in_call(record.start);
    }
    loop {
        let (engine, metered) = (handler.engine(), Arc::clone(&meter));
        let mut store = store_of(engine, door, &limits, metered, Some(domain.clone()));
        if let Trigger::Web(_) = trigger {
            // What it answers is handed over as the arguments of a host call are.
            store.set_hostcall_fuel(limits.hostcall_bytes as usize + WEB_RESPONSE_MAX);
        }
        let called = handler.handle(&mut store, &trigger).await;
        meter.come_home().await;
        let left = store.into_data();
        usage.add(&left.usage, left.accountant.memory_bytes());
        let anew = match &called {
            Err(error) => error.downcast_ref::<Stop>(),
            Ok(_) => None,
        };
        let Some(Stop::Anew(handed_over)) = anew else {
            let (end, response) = told(called);
            return (left.checked(end), response, usage);
        };
        // The record has nothing of what was before a checkpoint, so none is in it.
        let end = left.checked(End::Failed("it began anew".to_owned()));
        if let End::Diverged(_) = end {
            return (end, None, usage);
        }
        journal.anew(left.index(), handed_over);
        if let Err(full) = journal.began(&limits) {
            return (End::OverBudget(full.to_string()), None, usage);
        }
        door = left.again(&limits, handed_over.clone());
    }
}

/// A store with the call's limits in force. Without a domain there is none whose time to compute is counted: in a
/// replay, or a trial.
pub(crate) fn store_of(
    engine: &wasmtime::Engine,
    mut door: Door,
    limits: &Limits,
    meter: Arc<Meter>,
    domain: Option<DomainQuota>,
) -> Store<Door> {
    meter.note_host_call();
    let used_before = meter.used_before();
    door.meter = Arc::clone(&meter);
    if let Some(domain) = &domain {
        door.accountant.count_for(domain.memory());
    }
    let mut store = Store::new(engine, door);
    store.limiter(|door| &mut door.accountant);
    store.set_hostcall_fuel(limits.hostcall_bytes as usize);
    store.set_epoch_deadline(1);
    let (budget, wall) = (limits.cpu, limits.wall);
    store.epoch_deadline_callback(move |_| {
        let used = meter.used().saturating_sub(used_before);
        if used > budget {
            let limit = format!(
                "CPU: {} ms used, at most {} allowed",
                used.as_millis(),
                budget.as_millis()
            );
            return Err(Stop::over_budget(limit));
        }
        let silent = meter.since_host_call();
        if silent > wall {
            let limit = format!(
                "wall time: {} ms without a host call, at most {} allowed",
                silent.as_millis(),
                wall.as_millis()
            );
            return Err(Stop::over_budget(limit));
        }
        if let Some(Err(limit)) = domain.as_ref().map(DomainQuota::may_compute) {
            return Err(Stop::over_budget(limit));
        }
        meter.end_slice();
        // The plain `Yield` of wasmtime wakes its task before others that are ready; tokio's own goes to the back of
        // the queue.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// What the handler's end means for the call.
pub(crate) fn told(
    called: wasmtime::Result<Result<Option<WebResponse>, String>>,
) -> (End, Option<WebResponse>) {
    match called {
        Ok(Ok(response)) => (End::Returned, response),
        Ok(Err(text)) => (End::Failed(text), None),
        Err(error) => (end_of(&error), None),
    }
}

/// What an error of wasmtime means for the call.
pub(crate) fn end_of(error: &wasmtime::Error) -> End {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        match stop {
            Stop::OverBudget(limit) => return End::OverBudget(limit.clone()),
            Stop::CallOver | Stop::ReplayOver => return End::CallOver,
            Stop::Diverged(how) => return End::Diverged(how.clone()),
            Stop::Anew(_) => return End::Failed("it began anew".to_owned()),
            Stop::Broken(_) => (),
        }
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return End::Refused(format!("the server runs as many scenarios as it can: {error}"));
    }
    let message = error.root_cause().to_string();
    // wasmtime keeps this error's type to itself, so its words are all there is to know it by; a test holds them.
    if message.contains("fuel allocated for hostcalls") {
        return End::OverBudget("too much data was handed over in one host call".to_owned());
    }
    let backtrace = error
        .downcast_ref::<WasmBacktrace>()
        .map(frames)
        .unwrap_or_default();
    let message = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => message,
    };
    End::Trapped { message, backtrace }
}

/// Function names as their authors wrote them.
fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    /// Deep recursion has a frame a call; the innermost ones tell enough.
    const FRAMES_MAX: usize = 32;
    backtrace
        .frames()
        .iter()
        .take(FRAMES_MAX)
        .map(|frame| match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        })
        .collect()
}
