//! The record of a call as the one who answers.

use std::collections::HashMap;

use super::memory::{self, MemoryHash};
use super::{Did, Divergence, ReplayEnd, ReplayStep};
use crate::journal::{HostCall, Record};
use crate::op::{Op, OpIndex, Outcome};
use crate::run::End;

pub(crate) struct Recording {
    /// Its host calls are numbered from the one after this.
    base: OpIndex,
    calls: Vec<HostCall>,
    /// How the call ended, where the record goes so far.
    end: Option<End>,
    set: HashMap<OpIndex, Outcome>,
    until: Option<OpIndex>,
    /// The trace step in force, with its identifier and name.
    node: (OpIndex, Option<(String, String)>),
    memories: Option<MemoryHash>,
    steps: Vec<ReplayStep>,
    /// Set where the replay stops in the middle of a host call.
    stopped: Option<ReplayEnd>,
    divergence: Option<Divergence>,
}

impl Recording {
    /// Of one scenario's part of a record. Answers to set must have been checked ([`check_set`]).
    pub(crate) fn new(record: Record, set: &[(OpIndex, Outcome)], until: Option<OpIndex>) -> Self {
        let Record { base, calls, end, .. } = record;
        Self {
            base,
            calls,
            end,
            set: set.iter().cloned().collect(),
            until,
            node: (OpIndex::NONE, None),
            memories: None,
            steps: Vec::new(),
            stopped: None,
            divergence: None,
        }
    }

    /// The instance is there: from now on its memories can be hashed.
    pub(crate) fn instantiated(&mut self) {
        self.memories = memory::watched();
    }

    /// Whether this is the recorded request; if it is not, the replay ends here and the two sides are noted.
    pub(crate) fn expects(&mut self, index: OpIndex, op: &Op) -> bool {
        if self.call(index).is_some_and(|call| call.op == *op) {
            return true;
        }
        let stop = self.answer(index, op);
        debug_assert!(stop.is_none(), "a request outside the record has no answer");
        false
    }

    fn call(&self, index: OpIndex) -> Option<&HostCall> {
        (index.0 as usize)
            .checked_sub(self.base.0 as usize + 1)
            .and_then(|place| self.calls.get(place))
    }

    /// The recorded outcome of a request; none: the replay ends here.
    pub(crate) fn answer(&mut self, index: OpIndex, op: &Op) -> Option<Outcome> {
        let memory_hash = self.memories.as_ref().map(MemoryHash::now);
        let (parent, node) = self.node.clone();
        if let Op::Step { id, name } = op {
            self.node = (index, Some((id.clone(), name.clone())));
        }
        let mut step = ReplayStep {
            index,
            parent,
            node,
            op: op.clone(),
            outcome: None,
            at_ms: 0,
            ended_ms: None,
            memory_hash,
        };
        let Some(call) = self.call(index) else {
            self.unrecorded(index, op);
            return None;
        };
        step.at_ms = call.at_ms;
        if call.op != *op {
            self.divergence = Some(Divergence {
                index,
                recorded: Did::Asked(call.op.clone()),
                replayed: Did::Asked(op.clone()),
            });
            self.stopped = Some(ReplayEnd::Diverged);
            self.steps.push(step);
            return None;
        }
        let outcome = match (self.set.get(&index), &call.outcome) {
            (Some(set), recorded) => {
                step.ended_ms = recorded.as_ref().map(|(ended_ms, _)| *ended_ms);
                Some(set.clone())
            }
            (None, Some((ended_ms, recorded))) => {
                step.ended_ms = Some(*ended_ms);
                Some(recorded.clone())
            }
            (None, None) if call.cancelled || self.end.is_some() => {
                // As it was then: the call was over, or a limit ended the scenario, while this waited.
                let end = self.end.clone().unwrap_or(End::CallOver);
                self.stopped = Some(ReplayEnd::Scenario(end));
                None
            }
            (None, None) => {
                self.stopped = Some(ReplayEnd::JournalEnds(format!(
                    "the journal ends in host call {index}, {}, which has no outcome",
                    op.name()
                )));
                None
            }
        };
        step.outcome.clone_from(&outcome);
        self.steps.push(step);
        if outcome.is_some() && self.until == Some(index) {
            self.stopped = Some(ReplayEnd::Until(index));
            return None;
        }
        outcome
    }

    /// Whether the record says that this host call was given up.
    pub(crate) fn cancels(&self, index: OpIndex) -> bool {
        self.call(index).is_some_and(|call| call.cancelled) && self.divergence.is_none()
    }

    /// The scenario asks on where the record has ended.
    fn unrecorded(&mut self, index: OpIndex, op: &Op) {
        match &self.end {
            // A host from outside ended it at this very place, between two recorded host calls.
            Some(end @ (End::OverBudget(_) | End::CallOver | End::Diverged(_))) => {
                self.stopped = Some(ReplayEnd::Scenario(end.clone()));
            }
            Some(end) => {
                self.divergence = Some(Divergence {
                    index,
                    recorded: Did::Ended(end.clone()),
                    replayed: Did::Asked(op.clone()),
                });
                self.stopped = Some(ReplayEnd::Diverged);
            }
            None => {
                self.stopped = Some(ReplayEnd::JournalEnds(match self.calls.last() {
                    Some(last) => {
                        format!(
                            "the journal ends after host call {}, {}",
                            last.index,
                            last.op.name()
                        )
                    }
                    None => "the journal ends before the first host call".to_owned(),
                }));
            }
        }
    }

    /// What was found, once the scenario has come to `end`.
    pub(crate) fn report(&mut self, end: End) -> (Vec<ReplayStep>, ReplayEnd, Option<Divergence>) {
        let steps = std::mem::take(&mut self.steps);
        if let Some(stopped) = self.stopped.take() {
            return (steps, stopped, self.divergence.take());
        }
        // The scenario ended of itself: did it then, and in the same way?
        let next = steps.last().map_or(self.base, |step| step.index).next();
        let recorded = match self.calls.get(steps.len()) {
            Some(call) => Some(Did::Asked(call.op.clone())),
            None => self
                .end
                .clone()
                .filter(|recorded| !alike(recorded, &end))
                .map(Did::Ended),
        };
        let divergence = recorded.map(|recorded| Divergence {
            index: next,
            recorded,
            replayed: Did::Ended(end.clone()),
        });
        (steps, ReplayEnd::Scenario(end), divergence)
    }
}

/// Whether each answer to set is one to a recorded request, and fits it.
pub(super) fn check_set(calls: &[&HostCall], set: &[(OpIndex, Outcome)]) -> Result<(), String> {
    for (index, outcome) in set {
        let Some(call) = calls.iter().find(|call| call.index == *index) else {
            return Err(format!(
                "host call {index} cannot be set: the journal has {}",
                calls.len()
            ));
        };
        if !call.op.accepts(outcome) {
            return Err(format!(
                "host call {index} is {} and cannot be answered with {outcome:?}",
                call.op.name()
            ));
        }
    }
    Ok(())
}

/// Whether two ends are the same one. Limits of time are met at slightly other figures each time, and another version
/// has other functions on its stack.
fn alike(recorded: &End, replayed: &End) -> bool {
    match (recorded, replayed) {
        (End::OverBudget(_), End::OverBudget(_)) => true,
        (End::Trapped { message: then, .. }, End::Trapped { message: now, .. }) => then == now,
        (recorded, replayed) => recorded == replayed,
    }
}
