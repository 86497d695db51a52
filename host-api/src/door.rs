//! The one door: every request of a scenario passes [`Door::ask`], in order, and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wasmtime::component::{Resource, ResourceTable};

use tandem_bindings::{LegHandle, RecorderHandle};

use crate::grants::LiveGrants;
use crate::journal::{Journal, JournalFull, JournalHeader, Past, Said, Start};
use crate::limits::{Accountant, Limits};
use crate::meter::Meter;
use crate::op::{
    DialFailure, HttpError, KvError, LegError, LegId, Level, MailError, MessageFailure, MetricError, Op,
    OpIndex, OriginateFailure, Outcome, PickUpFailure, RecorderId, RecordingError, TimerError,
    TransferFailure,
};
use crate::quota::{DomainQuota, TokenBucket};
use crate::replay::Recording;
use crate::run::End;
use crate::usage::Usage;

/// What does the work: the call logic, seen from the door.
///
/// The request has been journalled as *started* when this is called, and its arguments are within the ranges that the
/// WIT documents ([`Op::check`]).
pub trait Switch: Send + 'static {
    /// Begins or does what `op` asks for. An op that [`Op::is_local`] is answered by [`Reply::Now`]. The outcome has
    /// the shape that [`Op::accepts`] wants; another ends the scenario as trapped, with a log entry.
    fn perform(&mut self, index: OpIndex, op: &Op) -> Reply;

    /// As [`Self::perform`], for the host call that was open when the server died: it was journalled as *started*, its
    /// outcome was not. What it asks for may have begun, or be done; by `index` it can be known again. Asked at most
    /// once in a run, before any [`Self::perform`].
    fn resume(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.perform(index, op)
    }
}

/// How a request is answered.
#[derive(Debug)]
pub enum Reply {
    /// At once.
    Now(Outcome),
    /// When it is done. A dropped sender means that the call is over: the op is journalled as cancelled and the
    /// scenario ends with [`End::CallOver`](crate::End::CallOver).
    Later(oneshot::Receiver<Outcome>),
}

/// Why the host ends a scenario in the middle of a host call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// A limit, in words.
    #[error("over budget: {0}")]
    OverBudget(String),
    /// The call ended first.
    #[error("the call is over")]
    CallOver,
    /// A resumed scenario left its record: how.
    #[error("the scenario left its record: {0}")]
    Diverged(String),
    /// The scenario begins again in a new instance.
    #[error("the scenario begins anew")]
    Anew(Start),
    /// A replay has come to its end; the recording knows why.
    #[error("the replay ends here")]
    ReplayOver,
    /// The switch broke its promise.
    #[error("host error: {0}")]
    Broken(String),
}

impl Stop {
    pub(crate) fn over_budget(limit: String) -> wasmtime::Error {
        wasmtime::Error::new(Self::OverBudget(limit))
    }
}

impl From<JournalFull> for Stop {
    fn from(full: JournalFull) -> Self {
        Self::OverBudget(full.to_string())
    }
}

/// Who answers: the living call, or the record of one.
pub(crate) enum Answers {
    Live {
        switch: Box<dyn Switch>,
        domain: DomainQuota,
        /// What is known already, where the call is resumed.
        past: Past,
        grants: LiveGrants,
    },
    Recorded(Box<Recording>),
    /// This instance has ended, and another goes on.
    Nobody,
}

/// One instance's host side: its legs, its journal, what it may still use.
pub(crate) struct Door {
    answers: Answers,
    journal: Journal,
    legs: ResourceTable,
    /// In the order in which they were dialled. As many as it may hold, which are few.
    held: BTreeSet<LegId>,
    legs_max: u32,
    /// As many as there are recordings of a call at most: the switch refuses more.
    recorders: ResourceTable,
    /// What it begins with, where that is a checkpoint, until it is asked for.
    start: Option<Start>,
    in_call: bool,
    /// The last host call's number.
    index: OpIndex,
    /// The trace step in force.
    step: OpIndex,
    host_calls: TokenBucket,
    host_calls_per_s: u32,
    /// Host calls that were taken out of the domain's rate in advance, so that its lock is met once in many calls.
    domain_calls: u32,
    log_bytes_left: u32,
    /// Functions that it was refused: the server's log tells each once.
    refused: BTreeSet<&'static str>,
    pub(crate) accountant: Accountant,
    /// What the scenario used so far.
    pub(crate) usage: Usage,
    /// Told when a host call has come to its end.
    pub(crate) meter: Arc<Meter>,
}

/// How many host calls are taken out of the domain's rate at once.
const DOMAIN_CALLS_LEASE: u32 = 64;

impl Door {
    pub(crate) fn new(answers: Answers, journal: Journal, limits: &Limits) -> Self {
        let mut legs = ResourceTable::new();
        legs.set_max_capacity(limits.legs.max(1) as usize);
        let host_calls = TokenBucket::new(limits.host_calls_per_s, limits.host_calls_burst, journal.now());
        Self {
            answers,
            legs,
            held: BTreeSet::new(),
            start: None,
            in_call: false,
            legs_max: limits.legs.max(1),
            recorders: ResourceTable::new(),
            index: journal.base(),
            journal,
            step: OpIndex::NONE,
            host_calls,
            host_calls_per_s: limits.host_calls_per_s,
            domain_calls: 0,
            log_bytes_left: limits.log_bytes,
            refused: BTreeSet::new(),
            accountant: Accountant::new(limits),
            usage: Usage::default(),
            meter: Arc::default(),
        }
    }

    /// Asks for `op` and waits for what comes of it. An error ends the scenario.
    pub(crate) async fn ask(&mut self, op: Op) -> wasmtime::Result<Outcome> {
        self.meter.come_home().await;
        let outcome = self.pass(&op).await.map_err(wasmtime::Error::new);
        self.meter.note_host_call();
        outcome
    }

    async fn pass(&mut self, op: &Op) -> Result<Outcome, Stop> {
        let index = self.index.next();
        let said = self.remember(index, op)?;
        let resumed = matches!(said, Said::Started);
        if let Said::Ended(outcome) = said {
            self.enter(index, op);
            return Ok(outcome);
        }
        self.usage.count(op);
        let now = self.journal.now();
        let refused = if resumed {
            None
        } else {
            let refused = self.admit(now, index, op)?;
            self.journal.started(now, index, self.step, op)?;
            refused
        };
        self.enter(index, op);
        let (outcome, now) = match self.reply(index, op, refused, resumed)? {
            Reply::Now(outcome) => (outcome, now),
            Reply::Later(answer) => {
                let open = OpenOp {
                    journal: &self.journal,
                    index,
                };
                // On an error the guard writes *cancelled*, as it does when this future is dropped.
                let outcome = answer.await.map_err(|_| Stop::CallOver)?;
                open.answered();
                (outcome, self.journal.now())
            }
        };
        if !op.accepts(&outcome) {
            // A broken promise of ours: it costs this call, and the log says what was found.
            let found = format!("{} was answered with {outcome:?}", op.name());
            tracing::error!(index = index.0, "{found}");
            self.journal.cancelled(index);
            return Err(Stop::Broken(found));
        }
        self.journal.ended(now, index, &outcome)?;
        Ok(outcome)
    }

    /// What the journal of a resumed call says about this request.
    fn remember(&mut self, index: OpIndex, op: &Op) -> Result<Said, Stop> {
        let Answers::Live { past, .. } = &mut self.answers else {
            return Ok(Said::Nothing);
        };
        let said = past.next(index, op).map_err(Stop::Diverged)?;
        if past.is_over() && !matches!(said, Said::Nothing) {
            // The entry that filled the journal is in it, and the scenario ended there.
            self.journal.room()?;
        }
        Ok(said)
    }

    /// The request has its number; what follows belongs to its step.
    fn enter(&mut self, index: OpIndex, op: &Op) {
        self.index = index;
        if let Op::Step { .. } = op {
            self.step = index;
        }
    }

    /// Whether there may be one more host call. An outcome tells the guest that there may not; an error ends it.
    fn admit(&mut self, now: Duration, index: OpIndex, op: &Op) -> Result<Option<Outcome>, Stop> {
        match &mut self.answers {
            Answers::Live { domain, grants, .. } => {
                if !self.host_calls.take(now) {
                    return told_or_ended(op, self.too_often());
                }
                if let Some(words) = grants.refusal(op) {
                    if self.refused.insert(op.name()) {
                        self.note_not_granted(&words);
                    }
                    let told = op.not_granted(&words);
                    return told.map(Some).ok_or(Stop::OverBudget(words));
                }
                if self.domain_calls == 0 {
                    self.domain_calls = domain.take_host_calls(DOMAIN_CALLS_LEASE);
                }
                if let Some(left) = self.domain_calls.checked_sub(1) {
                    self.domain_calls = left;
                    let kept = !matches!(op, Op::Log { text, .. } if !domain.take_log(length(text)));
                    return Ok((!kept).then_some(Outcome::Flag(false)));
                }
                let per_s = domain.host_calls_per_s();
                told_or_ended(
                    op,
                    format!("more than {per_s} host calls per second in the domain"),
                )
            }
            Answers::Recorded(recording) => {
                if recording.expects(index, op) {
                    Ok(None)
                } else {
                    Err(Stop::ReplayOver)
                }
            }
            Answers::Nobody => Err(Stop::CallOver),
        }
    }

    fn reply(
        &mut self,
        index: OpIndex,
        op: &Op,
        refused: Option<Outcome>,
        resumed: bool,
    ) -> Result<Reply, Stop> {
        match &mut self.answers {
            Answers::Live { switch, .. } => {
                let refused = refused
                    .or_else(|| op.check().err())
                    .or_else(|| refuse_leg(op, self.held.len() as u32, self.legs_max));
                Ok(match refused {
                    Some(outcome) => Reply::Now(outcome),
                    None if resumed => switch.resume(index, op),
                    None => switch.perform(index, op),
                })
            }
            Answers::Recorded(recording) => {
                if let Some(outcome) = recording.answer(index, op) {
                    return Ok(Reply::Now(outcome));
                }
                if recording.cancels(index) {
                    self.journal.cancelled(index);
                }
                Err(Stop::ReplayOver)
            }
            Answers::Nobody => Err(Stop::CallOver),
        }
    }

    /// The end that counts, now that the scenario has come to `end`: one that comes before the record's is none.
    pub(crate) fn checked(&self, end: End) -> End {
        match &self.answers {
            Answers::Live { past, .. } => past.checked(end),
            Answers::Recorded(_) | Answers::Nobody => end,
        }
    }

    /// Writes a line of the scenario's log, within what is left of its budget.
    pub(crate) async fn log(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        if self.log_bytes_left == 0 {
            return Ok(());
        }
        self.log_bytes_left = self.log_bytes_left.saturating_sub(length(&text).max(1));
        let full = match self.ask(Op::Log { level, text }).await? {
            Outcome::Flag(false) => {
                self.log_bytes_left = 0;
                "the domain's scenarios log faster than it is kept: this line of the call and what follows is dropped"
            }
            _ if self.log_bytes_left == 0 => "the call's log has reached its limit: what follows is dropped",
            _ => return Ok(()),
        };
        let (level, text) = (Level::Warn, full.to_owned());
        self.ask(Op::Log { level, text }).await?;
        Ok(())
    }

    /// It handles a call, from what was handed over, if anything was.
    pub(crate) fn in_call(mut self, start: Option<Start>) -> Self {
        (self.in_call, self.start) = (true, start);
        self
    }

    /// Which call it is of.
    pub(crate) fn header(&self) -> JournalHeader {
        self.journal.header()
    }

    /// The next instance's, which begins with this. The rate of host calls goes on.
    pub(crate) fn again(mut self, limits: &Limits, start: Start) -> Self {
        self.return_host_calls();
        let answers = std::mem::replace(&mut self.answers, Answers::Nobody);
        let mut next = Self::new(answers, self.journal.clone(), limits).in_call(Some(start));
        next.host_calls = self.host_calls.clone();
        next.refused = std::mem::take(&mut self.refused);
        next
    }

    /// Beginning anew takes from the rate of host calls, though it is none. The error ends the scenario.
    pub(crate) fn admit_again(&mut self) -> Result<(), Stop> {
        let now = self.journal.now();
        match &self.answers {
            Answers::Live { .. } if !self.host_calls.take(now) => Err(Stop::OverBudget(self.too_often())),
            _ => Ok(()),
        }
    }

    fn too_often(&self) -> String {
        format!("more than {} host calls per second", self.host_calls_per_s)
    }

    /// The last host call's number.
    pub(crate) fn index(&self) -> OpIndex {
        self.index
    }

    pub(crate) fn take_start(&mut self) -> Option<Start> {
        self.start.take()
    }

    /// What the next instance begins with; none: there is no call to go on with. Legs that this instance has not asked
    /// for yet are handed on.
    pub(crate) fn start_again(&mut self, state: Vec<u8>) -> Option<Start> {
        let unclaimed = self.start.take().map(|start| start.legs).unwrap_or_default();
        let held: BTreeSet<LegId> = self.held.iter().copied().chain(unclaimed).collect();
        let legs = held.into_iter().filter(|leg| *leg != LegId(0)).collect();
        self.in_call.then_some(Start { state, legs })
    }

    fn return_host_calls(&mut self) {
        if let Answers::Live { domain, .. } = &self.answers
            && self.domain_calls > 0
        {
            domain.return_host_calls(std::mem::take(&mut self.domain_calls));
        }
    }

    /// Gives the guest a handle on a leg.
    pub(crate) fn hold(&mut self, leg: LegId) -> wasmtime::Result<Resource<LegHandle>> {
        let handle = self.legs.push(LegHandle(leg.0))?;
        self.held.insert(leg);
        Ok(handle)
    }

    /// The leg behind a handle; none: there is no such handle (any more).
    pub(crate) fn leg(&self, handle: &Resource<LegHandle>) -> Option<LegId> {
        self.legs.get(handle).ok().map(|leg| LegId(leg.0))
    }

    /// Takes a handle back.
    pub(crate) fn release(&mut self, handle: Resource<LegHandle>) -> Option<LegId> {
        let leg = self.legs.delete(handle).ok()?;
        self.held.remove(&LegId(leg.0));
        Some(LegId(leg.0))
    }

    /// Gives the guest a handle on a recorder.
    pub(crate) fn hold_recorder(
        &mut self,
        recorder: RecorderId,
    ) -> wasmtime::Result<Resource<RecorderHandle>> {
        Ok(self.recorders.push(RecorderHandle(recorder.0))?)
    }

    /// The recorder behind a handle; none: there is no such handle (any more).
    pub(crate) fn recorder(&self, handle: &Resource<RecorderHandle>) -> Option<RecorderId> {
        self.recorders.get(handle).ok().map(|it| RecorderId(it.0))
    }

    /// Takes a handle on a recorder back.
    pub(crate) fn release_recorder(&mut self, handle: Resource<RecorderHandle>) -> Option<RecorderId> {
        self.recorders.delete(handle).ok().map(|it| RecorderId(it.0))
    }

    pub(crate) fn recording(&mut self) -> Option<&mut Recording> {
        match &mut self.answers {
            Answers::Recorded(recording) => Some(recording),
            Answers::Live { .. } | Answers::Nobody => None,
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.return_host_calls();
    }
}

/// Refuses a dial whose answered leg would have no place in the table.
fn refuse_leg(op: &Op, held: u32, max: u32) -> Option<Outcome> {
    match op {
        Op::Dial { .. } if held >= max => {
            let limit = format!("a scenario holds at most {max} legs at the same time");
            Some(Outcome::Dialled(Err(DialFailure::Limit(limit))))
        }
        Op::PickUp { .. } if held >= max => {
            let limit = format!("a scenario holds at most {max} legs at the same time");
            Some(Outcome::PickedUp(Err(PickUpFailure::Limit(limit))))
        }
        _ => None,
    }
}

/// Where the guest can be told of a limit, it is told; else the scenario ends.
fn told_or_ended(op: &Op, limit: String) -> Result<Option<Outcome>, Stop> {
    match op.limited(&limit) {
        Some(outcome) => Ok(Some(outcome)),
        None => Err(Stop::OverBudget(limit)),
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

impl Op {
    /// The outcome that tells a guest of a limit; none where its function has no way to say so.
    pub(crate) fn limited(&self, limit: &str) -> Option<Outcome> {
        let leg = || LegError::Limit(limit.to_owned());
        let recording = || RecordingError::Limit(limit.to_owned());
        match self {
            Self::Ring { .. }
            | Self::EarlyMedia { .. }
            | Self::Answer { .. }
            | Self::SendDigits { .. }
            | Self::HangUp { .. }
            | Self::Hold { .. }
            | Self::Resume { .. } => Some(Outcome::Leg(Err(leg()))),
            Self::Play { .. } => Some(Outcome::Played(Err(leg()))),
            Self::Collect { .. } => Some(Outcome::Collected(Err(leg()))),
            Self::Bridge { .. } => Some(Outcome::Bridged(Err(leg()))),
            Self::BridgeUntil { .. } => Some(Outcome::BridgedUntil(Err(leg()))),
            Self::WaitLegs { .. } => Some(Outcome::LegEvent(Err(leg()))),
            Self::Dial { .. } => Some(Outcome::Dialled(Err(DialFailure::Limit(limit.to_owned())))),
            Self::PickUp { .. } => Some(Outcome::PickedUp(Err(PickUpFailure::Limit(limit.to_owned())))),
            Self::Originate { .. } => Some(Outcome::Originated(Err(OriginateFailure::Limit(
                limit.to_owned(),
            )))),
            Self::KvGet { .. }
            | Self::KvSet { .. }
            | Self::KvDelete { .. }
            | Self::KvIncrement { .. }
            | Self::KvKeys { .. } => Some(Outcome::Kv(Err(KvError::Unavailable))),
            Self::Record { .. } | Self::RecorderFinish { .. } => Some(Outcome::Recorded(Err(recording()))),
            Self::RecorderStart { .. } => Some(Outcome::Recorder(Err(recording()))),
            Self::RecorderPause { .. } | Self::RecorderResume { .. } | Self::RecordingDelete { .. } => {
                Some(Outcome::Recording(Err(recording())))
            }
            Self::Transfer { .. } => Some(Outcome::Transferred(Err(TransferFailure::Limit(
                limit.to_owned(),
            )))),
            Self::SendMessage { .. } => Some(Outcome::Messaged(Err(MessageFailure::Limit(limit.to_owned())))),
            Self::HttpSend { .. } => Some(Outcome::Http(Err(HttpError::Limit(limit.to_owned())))),
            Self::MetricCount { .. } | Self::MetricGauge { .. } | Self::MetricObserve { .. } => {
                Some(Outcome::Metric(Err(MetricError::Limit(limit.to_owned()))))
            }
            Self::SendMail { .. } => Some(Outcome::Mailed(Err(MailError::Limit(limit.to_owned())))),
            Self::Timer { .. } => Some(Outcome::Timer(Err(TimerError::Limit(limit.to_owned())))),
            Self::LookUpSchedule { .. }
            | Self::FindContact { .. }
            | Self::SearchContacts { .. }
            | Self::Voicemail { .. } => self.unavailable(),
            Self::Peer { .. }
            | Self::Local { .. }
            | Self::Header { .. }
            | Self::DropLeg { .. }
            | Self::DropRecorder { .. }
            | Self::FindUser { .. }
            | Self::ConfigDocument
            | Self::ConfigEntryPoint
            | Self::ConfigDomain
            | Self::NowMs
            | Self::LocalTime
            | Self::SleepMs { .. }
            | Self::Random
            | Self::Log { .. }
            | Self::OriginateData
            | Self::Deadline(_)
            | Self::Step { .. } => None,
        }
    }
}

/// A host call that waits: journalled as cancelled unless it is answered, whoever drops it.
struct OpenOp<'a> {
    journal: &'a Journal,
    index: OpIndex,
}

impl OpenOp<'_> {
    fn answered(self) {
        std::mem::forget(self);
    }
}

impl Drop for OpenOp<'_> {
    fn drop(&mut self) {
        self.journal.cancelled(self.index);
    }
}
