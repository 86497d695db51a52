//! A call again, out of its journal: same module, same answers, nothing outside is touched.
//!
//! The door is the living call's; only who answers differs. [`Recording`] compares each request with the recorded one
//! and gives the recorded outcome (or the one that [`ReplayOptions::set`] puts in its place); the first request that is
//! not the recorded one is the [`Divergence`], and the replay ends there, because what the world would have answered is
//! not known.
//!
//! [`Report`] is what one replay found, as it is shown; [`Comparison`] sums up the replays of many calls.

mod comparison;
mod memory;
mod recording;
mod report;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::door::{Answers, Door};
use crate::engine::Engine;
use crate::journal::{Journal, Record, RecordedJournal, RollingHash};
use crate::meter::Meter;
use crate::modules::Module;
use crate::op::{Op, OpIndex, Outcome};
use crate::run::{End, store_of, told};
use crate::world::Trigger;

pub use comparison::{Comparison, Finding, Group, Unread, Verdict};
pub(crate) use memory::HostMemories;
pub(crate) use recording::Recording;
use recording::check_set;
pub use report::{Difference, Node, Parting, Report, Side, Step, TakenOver, recorded_steps};

/// What to change in a replay, how far to go, what to compute.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    /// Outcomes that take the place of recorded ones. Each must fit its request ([`Op::accepts`]).
    pub set: Vec<(OpIndex, Outcome)>,
    /// Ends after this host call.
    pub until: Option<OpIndex>,
    /// Computes a hash of all linear memory at every step. Needs compiled code of its own the first time, and some
    /// 0.1 ms a step and megabyte.
    pub memory_hashes: bool,
    /// The scenario that the call fell back to, where it did: see [`RecordedJournal::fell_back_to`]. None, or another
    /// version: the replay ends where that one began.
    pub fallback: Option<Module>,
}

/// One host call of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayStep {
    /// Its number.
    pub index: OpIndex,
    /// The trace step that it belongs to: the number of that `trace.step` call, 0 before the first.
    pub parent: OpIndex,
    /// That step's identifier and name.
    pub node: Option<(String, String)>,
    /// What was asked.
    pub op: Op,
    /// What was answered; none where the call was over first.
    pub outcome: Option<Outcome>,
    /// When it was asked, in milliseconds since the call began.
    pub at_ms: u64,
    /// When it was answered.
    pub ended_ms: Option<u64>,
    /// BLAKE3 of all linear memory when it was asked.
    pub memory_hash: Option<[u8; 32]>,
}

/// One side of a divergence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// It asked for this.
    Asked(Op),
    /// It ended like this.
    Ended(End),
}

/// Where a replay left the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the host call at which the two differ.
    pub index: OpIndex,
    /// What the record has there.
    pub recorded: Did,
    /// What the replay did there.
    pub replayed: Did,
}

impl std::fmt::Display for Did {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked(op) => write!(f, "asked {op:?}"),
            Self::Ended(end) => write!(f, "ended: {end:?}"),
        }
    }
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "host call {}: recorded: {}; replayed: {}",
            self.index, self.recorded, self.replayed
        )
    }
}

/// Why a replay stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayEnd {
    /// The scenario ended.
    Scenario(End),
    /// [`ReplayOptions::until`] was reached.
    Until(OpIndex),
    /// The record has nothing further: in words, after which host call.
    JournalEnds(String),
    /// The replay left the record; see [`ReplayReport::divergence`].
    Diverged,
    /// It could not be begun or gone on with: why.
    Refused(String),
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayReport {
    /// All host calls, in order; the last one may be the one that diverged.
    pub steps: Vec<ReplayStep>,
    /// Over the replay's requests and outcomes; equal to the record's where nothing differs.
    pub rolling_hash: RollingHash,
    /// Why it stopped.
    pub end: ReplayEnd,
    /// Where it left the record, if it did.
    pub divergence: Option<Divergence>,
    /// Where the call's fall-back took over, if the replay came so far.
    pub fallback: Option<FellBack>,
}

/// Where a call went over to its fall-back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FellBack {
    /// The fall-back's module name.
    pub scenario: String,
    /// The version, by its hash.
    pub module_hash: String,
    /// Its host calls are numbered from the one after this.
    pub after: OpIndex,
    /// Whether they were replayed too.
    pub replayed: bool,
}

/// Runs `module` against a recorded call, and where that call fell back to another scenario, that one too, if it is
/// [given](ReplayOptions::fallback). Blocks for as long as the scenarios compute (at most the CPU time that the call
/// itself was allowed), so call it where blocking is allowed.
#[allow(clippy::needless_pass_by_value, reason = "options are made for one replay")]
pub fn replay(
    engine: &Engine,
    module: &Module,
    recorded: &RecordedJournal,
    options: ReplayOptions,
) -> ReplayReport {
    let (mut before, last) = match Record::parts(recorded.entries.iter().cloned()) {
        Ok(parts) => parts,
        Err(reason) => return refused(reason),
    };
    let calls: Vec<_> = before
        .iter()
        .flat_map(|(part, _)| &part.calls)
        .chain(&last.calls)
        .collect();
    if let Err(reason) = check_set(&calls, &options.set) {
        return refused(reason);
    }
    // Nobody reads this journal's times: a replay tells the recorded ones.
    let journal = Journal::hash_only(recorded.header.clone(), Arc::new(|| Duration::ZERO));
    // A fall-back has none of its own, so there are two parts at most.
    let (first, fell_back) = match before.drain(..).next() {
        Some((first, taken_over)) => (first, Some((taken_over, last))),
        None => (last, None),
    };
    let mut report = part(engine, module, first, &journal, &options);
    let (ReplayEnd::Scenario(end), None, Some((taken_over, second))) =
        (&report.end, &report.divergence, fell_back)
    else {
        return report;
    };
    let mut fallback = FellBack {
        scenario: taken_over.scenario,
        module_hash: taken_over.module_hash,
        after: second.base,
        replayed: false,
    };
    if let Some(module) = options
        .fallback
        .as_ref()
        .filter(|it| it.hash() == fallback.module_hash)
    {
        journal.fell_back(end, second.base, &fallback.scenario, &fallback.module_hash);
        let ReplayReport {
            steps,
            rolling_hash,
            end,
            divergence,
            ..
        } = part(engine, module, second, &journal, &options);
        report.steps.extend(steps);
        (report.rolling_hash, report.end, report.divergence) = (rolling_hash, end, divergence);
        fallback.replayed = true;
    }
    report.fallback = Some(fallback);
    report
}

/// Runs one scenario of a call against its part of the record.
fn part(
    engine: &Engine,
    module: &Module,
    record: Record,
    journal: &Journal,
    options: &ReplayOptions,
) -> ReplayReport {
    if let (None, Some(end)) = (&record.limits, &record.end) {
        // It could not even be started then.
        return ReplayReport {
            steps: Vec::new(),
            rolling_hash: journal.rolling_hash(),
            end: ReplayEnd::Scenario(end.clone()),
            divergence: None,
            fallback: None,
        };
    }
    let handler = if options.memory_hashes {
        match module.for_replays(engine) {
            Ok(handler) => handler,
            Err(reason) => return refused(reason),
        }
    } else {
        &module.shared.handler
    };
    // Those that the call had, so that a memory limit is met at the same place.
    let limits = record.limits.clone().unwrap_or_default();
    let start = record.start.clone();
    if let Some(start) = &start {
        journal.anew(record.base, start);
    }
    let recording = Recording::new(record, &options.set, options.until);
    let watch = options.memory_hashes.then(memory::watch);
    let door = Door::new(Answers::Recorded(Box::new(recording)), journal.clone(), &limits).in_call(start);
    let meter = Arc::new(Meter::default());
    meter.begin();
    let mut store = store_of(handler.engine(), door, &limits, meter, None);
    let (end, _) = told(block_on(handler.handle(&mut store, &Trigger::Call)));
    let report = store
        .data_mut()
        .recording()
        .map(|recording| recording.report(end));
    drop(store);
    drop(watch);
    let Some((steps, end, divergence)) = report else {
        return refused("the recording was lost".to_owned());
    };
    ReplayReport {
        steps,
        rolling_hash: journal.rolling_hash(),
        end,
        divergence,
        fallback: None,
    }
}

fn refused(reason: String) -> ReplayReport {
    ReplayReport {
        steps: Vec::new(),
        rolling_hash: [0; 16],
        end: ReplayEnd::Refused(reason),
        divergence: None,
        fallback: None,
    }
}

/// Every answer of a replay is there at once, so its future waits for nothing: only the slices' yields make it pending.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
