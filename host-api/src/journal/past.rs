//! What a journal says that a scenario has done, and a resumed scenario led through it.

use std::vec;

use super::{Entry, Start, TimedEntry};
use crate::limits::Limits;
use crate::op::{Op, OpIndex, Outcome};
use crate::run::End;

/// A recorded host call.
#[derive(Debug)]
pub(crate) struct HostCall {
    pub(crate) index: OpIndex,
    pub(crate) op: Op,
    pub(crate) at_ms: u64,
    /// With its moment; none: it was cancelled, or the record ends before.
    pub(crate) outcome: Option<(u64, Outcome)>,
    pub(crate) cancelled: bool,
}

/// One scenario's part of a journal, by its host calls. A call whose scenario failed has a second part, its fall-back's.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Its host calls are numbered from the one after this.
    pub(crate) base: OpIndex,
    /// What it began with, where that is a checkpoint.
    pub(crate) start: Option<Start>,
    /// None: the record ends before the scenario began.
    pub(crate) limits: Option<Limits>,
    /// In order.
    pub(crate) calls: Vec<HostCall>,
    /// How the scenario ended, where the record goes so far.
    pub(crate) end: Option<End>,
}

/// The scenario that a call fell back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakenOver {
    pub(crate) scenario: String,
    pub(crate) module_hash: String,
}

/// The end that a record has or is about to have.
pub(crate) enum Known {
    /// It is written down.
    Finished(End),
    /// The last host call was given up, which is done only where the call is over.
    CallOver,
}

impl Record {
    /// Puts entries together: the part of the scenario that ran last. The error says what does not fit.
    pub(crate) fn of(entries: impl IntoIterator<Item = TimedEntry>) -> Result<Self, String> {
        Ok(Self::parts(entries)?.1)
    }

    /// Puts entries together: the parts of scenarios that failed, each with what took over, and the last one.
    pub(crate) fn parts(
        entries: impl IntoIterator<Item = TimedEntry>,
    ) -> Result<(Vec<(Self, TakenOver)>, Self), String> {
        let mut before = Vec::new();
        let mut record = Self::default();
        for TimedEntry { at_ms, entry } in entries {
            match entry {
                Entry::Began { limits } => record.limits = Some(limits),
                Entry::Started { index, op, .. } => record.begin(index, op, at_ms)?,
                Entry::Ended { index, outcome } => {
                    let call = record.open_call(index)?;
                    if !call.op.accepts(&outcome) {
                        return Err(format!(
                            "the journal answers host call {index}, {}, with {outcome:?}",
                            call.op.name()
                        ));
                    }
                    call.outcome = Some((at_ms, outcome));
                }
                Entry::Cancelled { index } => record.open_call(index)?.cancelled = true,
                Entry::Finished { end } => record.end = Some(end),
                Entry::FellBack {
                    after,
                    end,
                    scenario,
                    module_hash,
                } => {
                    if after < record.last() {
                        return Err(format!(
                            "the journal numbers its fall-back from {after}, but host call {} is before it",
                            record.last()
                        ));
                    }
                    record.end = Some(end);
                    let next = Self {
                        base: after,
                        ..Self::default()
                    };
                    before.push((
                        std::mem::replace(&mut record, next),
                        TakenOver {
                            scenario,
                            module_hash,
                        },
                    ));
                }
                Entry::Anew { after, start } => {
                    record = Self {
                        base: after,
                        start: Some(start),
                        ..Self::default()
                    }
                }
                Entry::Input(_) => (),
            }
        }
        Ok((before, record))
    }

    /// The last host call's number.
    pub(crate) fn last(&self) -> OpIndex {
        self.calls.last().map_or(self.base, |call| call.index)
    }

    fn begin(&mut self, index: OpIndex, op: Op, at_ms: u64) -> Result<(), String> {
        let last = self.calls.last();
        let expected = self.last().next();
        if index != expected {
            return Err(format!(
                "the journal has host call {index} where {expected} belongs"
            ));
        }
        if let Some(open) = last.filter(|call| call.outcome.is_none()) {
            return Err(format!(
                "the journal begins host call {index} while {} has no outcome",
                open.index
            ));
        }
        self.calls.push(HostCall {
            index,
            op,
            at_ms,
            outcome: None,
            cancelled: false,
        });
        Ok(())
    }

    fn open_call(&mut self, index: OpIndex) -> Result<&mut HostCall, String> {
        self.calls
            .last_mut()
            .filter(|call| call.index == index && call.outcome.is_none() && !call.cancelled)
            .ok_or_else(|| format!("the journal ends host call {index}, which is not open"))
    }

    /// The end, where a scenario needs not run to know it.
    pub(crate) fn end(&self) -> Option<Known> {
        match (&self.end, self.calls.last()) {
            (Some(end), _) => Some(Known::Finished(end.clone())),
            (None, Some(last)) if last.cancelled => Some(Known::CallOver),
            (None, _) => None,
        }
    }
}

/// What the record says about a request.
pub(crate) enum Said {
    /// Nothing: it is a new one.
    Nothing,
    /// It was asked for, and the record ends before its outcome.
    Started,
    /// What came of it.
    Ended(Outcome),
}

/// The host calls that a resumed scenario has still to make again.
pub(crate) struct Past {
    calls: vec::IntoIter<HostCall>,
}

impl Past {
    pub(crate) fn new(calls: Vec<HostCall>) -> Self {
        Self {
            calls: calls.into_iter(),
        }
    }

    /// Whether all is said: from here on the scenario lives.
    pub(crate) fn is_over(&self) -> bool {
        self.calls.as_slice().is_empty()
    }

    /// What the record says about the next request. The error says how the request differs from the record's. It names
    /// functions and no arguments: those may be numbers and texts that no log should have.
    pub(crate) fn next(&mut self, index: OpIndex, op: &Op) -> Result<Said, String> {
        let Some(call) = self.calls.next() else {
            return Ok(Said::Nothing);
        };
        if self.is_over() {
            // The call may live for hours yet: its past need not stay in memory.
            self.calls = Vec::new().into_iter();
        }
        if call.op != *op {
            let (recorded, asked) = (call.op.name(), op.name());
            return Err(if recorded == asked {
                format!("host call {index}: {asked} with other arguments than recorded")
            } else {
                format!("host call {index}: {recorded} is recorded, {asked} was asked for")
            });
        }
        Ok(match call.outcome {
            Some((_, outcome)) => Said::Ended(outcome),
            None => Said::Started,
        })
    }

    /// The end that counts: one that comes while the record has more is a divergence.
    pub(crate) fn checked(&self, end: End) -> End {
        let Some(call) = self.calls.as_slice().first() else {
            return end;
        };
        let how = match end {
            // Neither is the scenario's doing.
            End::Diverged(_) | End::Refused(_) => return end,
            End::Returned => "it returned".to_owned(),
            End::CallOver => "the call was over".to_owned(),
            End::Failed(text) => format!("it returned the error {text:?}"),
            End::Trapped { message, .. } => format!("it trapped: {message}"),
            End::OverBudget(limit) => format!("it went over budget: {limit}"),
        };
        End::Diverged(format!(
            "host call {}: {} is recorded, but {how}",
            call.index,
            call.op.name()
        ))
    }
}
