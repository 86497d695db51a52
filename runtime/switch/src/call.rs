//! A call: its legs, the one request of its scenario that is under way, and how it begins and ends.
//!
//! Inputs arrive as `handle_*`; what follows leaves through [`Context`]. The scenario asks for one thing at a time
//! (a guest waits for each host call), so there is at most one [`Pending`]. Its ops begin in `perform`; `peers` and
//! `media` are what comes from outside; dialling has a file of its own.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_bus::media::{PlayId, SendId};
use tandem_directory::EntryPoint;
use tandem_host_api::End;
use tandem_host_api::collect::Collector;
use tandem_host_api::op::{Address, BridgeEnd, LegEvent, LegId, Op, OpIndex, Outcome, RecorderId};
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Moment};

use crate::context::Context;
use crate::dialling::Dialling;
use crate::leg::{By, Happened, Leg, Media, Role};
use crate::messaging::Messaging;
use crate::sdp::Audio;
use crate::shard::{Answer, FallBack, Happening, Output, Start};
use crate::written;
pub use originated::{Originated, Origination};
pub use pickup::{Picked, Picker};
use recording::{Foreground, Tape};
use transfer::Transferring;

mod deadline;
mod leg_events;
mod media;
mod message;
mod originated;
mod peers;
mod pickup;
pub mod recording;
mod transfer;

/// A scenario that goes on although all legs are gone is ended after so long.
const LEGLESS_MAX: Duration = Duration::from_secs(30);
/// The gate's last statistics are waited for so long.
const CLOSING_MAX: Duration = Duration::from_secs(3);

/// What the scenario waits for.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Pending {
    /// Nothing: it computes, or has not begun.
    Nothing,
    /// The endpoint of a leg is being opened, for 183 or 200.
    Opening { leg: LegId, answer: bool },
    /// Prompts play.
    Playing { leg: LegId, play: PlayId },
    /// Digits are collected.
    Collecting {
        leg: LegId,
        collector: Collector<Moment>,
    },
    /// Digits are sent.
    Sending {
        leg: LegId,
        send: SendId,
        digits: String,
    },
    /// Targets are called.
    Dialling(Box<Dialling>),
    /// Two legs are, or are about to be, connected.
    Bridging {
        first: LegId,
        second: LegId,
        joined: bool,
    },
    /// Time passes.
    Sleeping { until: Moment },
    /// The directory or the store was asked.
    Asking { question: u64, op: Op },
    /// A leg is recorded.
    Recording(Box<Foreground>),
    /// A recording was ended; the gate's word on it is waited for until then.
    Finishing { recorder: RecorderId, until: Moment },
    /// A phone was asked to call somebody else.
    Transferring(Box<Transferring>),
    /// A text goes to a user's devices.
    Messaging(Box<Messaging>),
    /// The shards are asked for a call that rings at one of these users.
    PickingUp {
        picker: LegId,
        users: Vec<String>,
        question: u64,
    },
    /// What happens on these legs is waited for.
    WaitingLegs { legs: Vec<LegId>, until: Moment },
    /// As `Bridging`, until the first leg's peer presses one of these digits.
    BridgingUntil {
        first: LegId,
        second: LegId,
        joined: bool,
        digits: String,
    },
}

/// How far the call has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Phase {
    /// Its scenario runs.
    Running,
    /// Its scenario has been told to stop and has not ended yet.
    Stopping,
    /// The scenario has ended; the gate's last words are waited for.
    Closing { until: Moment },
    /// Nothing is left to do.
    Over,
    /// No scenario runs yet: the target of a call that no caller began is rung.
    Originating,
}

/// What began a call. It never changes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The call's identifier in the journal and the CDR: text that sorts by time.
    pub id: String,
    /// Its domain.
    #[serde(with = "written::shared")]
    pub domain: Arc<str>,
    /// What the dialled number leads to.
    #[serde(with = "written::shared")]
    pub entry: Arc<EntryPoint>,
    /// The INVITE.
    pub request: Message,
    /// Who calls: authenticated.
    pub caller: Address,
    /// What was dialled.
    pub dialled: Address,
    /// When it came.
    pub started: Moment,
    /// Hops that a callee's INVITE has left.
    pub max_forwards: u8,
}

/// What of a call changes with each request of its scenario.
#[derive(Debug, Serialize, Deserialize)]
pub struct Core {
    /// The request under way.
    pub pending: Pending,
    /// Its number.
    pub index: Option<OpIndex>,
    /// The last request that was answered, and how: a scenario that is run again after a restart may not know it.
    pub last_done: Option<(OpIndex, Outcome)>,
    /// How far the call has come.
    pub phase: Phase,
    /// How the scenario ended.
    pub end: Option<End>,
    /// How many times the call was taken over after a server's death.
    pub recoveries: u32,
    /// When no leg was left, while the scenario goes on.
    legless_since: Option<Moment>,
}

impl Core {
    /// Of a call that has just begun.
    fn new(phase: Phase) -> Self {
        Self {
            pending: Pending::Nothing,
            index: None,
            last_done: None,
            phase,
            end: None,
            recoveries: 0,
            legless_since: None,
        }
    }
}

/// The scenario that takes over where the call's own fails. Which one was settled when the call began.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fallback {
    /// What the dialled number leads to, with that scenario.
    #[serde(with = "written::shared")]
    pub entry: Arc<EntryPoint>,
    /// How the call's own scenario failed; none: it has not.
    pub failed: Option<End>,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    /// What began it.
    pub origin: Origin,
    /// Its legs, by [`LegId`]; never removed.
    pub legs: Vec<Leg>,
    /// Where it stands.
    pub core: Core,
    /// Its recordings, by [`RecorderId`]; never removed.
    pub tapes: Vec<Tape>,
    /// What takes over where its scenario fails.
    pub fallback: Option<Fallback>,
    /// What it was originated with, where no caller began it.
    pub originated: Option<Originated>,
    /// By when what its scenario waits for must be over.
    pub deadline: Option<Moment>,
}

impl Call {
    /// A call that an INVITE began, with the INVITE's transaction, the way it came and its offer.
    pub fn new(
        origin: Origin,
        fallback: Option<Arc<EntryPoint>>,
        server: ServerId,
        flow: Flow,
        audio: Option<Audio>,
        cx: &mut Context<'_>,
    ) -> Self {
        let parties = (origin.caller.clone(), origin.dialled.clone());
        let leg = Leg::incoming(server, origin.request.clone(), flow, audio, parties, cx);
        Self {
            origin,
            legs: vec![leg],
            core: Core::new(Phase::Running),
            tapes: Vec::new(),
            fallback: fallback.map(|entry| Fallback { entry, failed: None }),
            originated: None,
            deadline: None,
        }
    }

    /// What the dialled number leads to, with the scenario that runs: the call's own, or its fall-back.
    pub fn entry(&self) -> &Arc<EntryPoint> {
        match &self.fallback {
            Some(Fallback {
                entry,
                failed: Some(_),
            }) => entry,
            _ => &self.origin.entry,
        }
    }

    /// Whether the caller was answered.
    pub fn is_answered(&self) -> bool {
        self.core.phase != Phase::Originating && self.legs.first().is_some_and(|leg| leg.answered.is_some())
    }

    /// What event scenarios are told: it has begun, or is answered.
    pub fn happening(&self, answered: bool, at: Moment) -> Happening {
        Happening {
            domain: self.origin.domain.clone(),
            call: self.origin.id.clone(),
            answered,
            from: self.origin.caller.user.clone(),
            to: self.origin.dialled.user.clone(),
            entry: self.origin.entry.clone(),
            started: self.origin.started,
            at,
        }
    }

    /// The fall-back that can still take over: the caller is there, and it has not.
    fn has_fallback(&self) -> bool {
        let waits = self
            .fallback
            .as_ref()
            .is_some_and(|fallback| fallback.failed.is_none());
        waits && self.legs.first().is_some_and(|caller| !caller.is_over())
    }

    /// A leg by its number.
    pub fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(id.0 as usize)
    }

    /// Ends the request under way.
    pub fn done(&mut self, outcome: Outcome, cx: &mut Context<'_>) {
        self.core.pending = Pending::Nothing;
        if let Some(index) = self.core.index.take() {
            self.core.last_done = Some((index, outcome.clone()));
            cx.out.push_back(Output::Done {
                call: cx.call,
                index,
                outcome,
            });
        }
    }

    /// The directory or the store answered.
    pub fn handle_answer(&mut self, question: u64, answer: Answer, cx: &mut Context<'_>) {
        if matches!(answer, Answer::LetGo) {
            return self.link_ended(question, cx);
        }
        match &self.core.pending {
            Pending::Asking { question: asked, op } if *asked == question => {
                let outcome = answer.into_outcome().or_else(|| op.unavailable());
                self.done(outcome.unwrap_or(Outcome::Done), cx);
            }
            Pending::Dialling(_) => self.dialling_located(question, answer, cx),
            Pending::Messaging(_) => self.message_located(question, answer, cx),
            Pending::PickingUp { question: asked, .. } if *asked == question => {
                self.picked_up(answer, cx);
            }
            _ => (),
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        for id in (0..self.legs.len() as u32).map(LegId) {
            if let Some(leg) = self.leg(id) {
                let happened = leg.handle_timeout(cx);
                if happened == Happened::Ended {
                    self.after_end(id, BridgeEnd::Lost, cx);
                }
            }
        }
        match &mut self.core.pending {
            Pending::Collecting { leg, collector } => {
                let (leg, progress) = (*leg, collector.handle_timeout(cx.now));
                self.collecting(leg, progress, cx);
            }
            Pending::Sleeping { until } if cx.now >= *until => self.done(Outcome::Done, cx),
            Pending::WaitingLegs { until, .. } if cx.now >= *until => {
                self.done(Outcome::LegEvent(Ok(LegEvent::Timeout)), cx);
            }
            Pending::Dialling(_) => self.dialling_timeout(cx),
            Pending::Recording(_) | Pending::Finishing { .. } => self.recording_timeout(cx),
            Pending::Transferring(_) => self.transfer_timeout(cx),
            _ => (),
        }
        self.deadline_timeout(cx);
        match self.core.phase {
            Phase::Running
                if self
                    .core
                    .legless_since
                    .is_some_and(|since| cx.now >= since + LEGLESS_MAX) =>
            {
                self.stop_scenario(cx);
            }
            Phase::Closing { until } if cx.now >= until && !self.is_leaving() => {
                self.core.phase = Phase::Over;
            }
            _ => (),
        }
    }

    /// Has the scenario stopped, once.
    pub fn stop_scenario(&mut self, cx: &mut Context<'_>) {
        if self.core.phase == Phase::Running {
            self.core.phase = Phase::Stopping;
            cx.out.push_back(Output::StopScenario { call: cx.call });
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        let legs = self.legs.iter().filter_map(Leg::deadline).min();
        let pending = match &self.core.pending {
            Pending::Collecting { collector, .. } => collector.deadline(),
            Pending::Sleeping { until } | Pending::WaitingLegs { until, .. } => Some(*until),
            Pending::Dialling(dialling) => Some(dialling.deadline()),
            Pending::Recording(it) => it.deadline(),
            Pending::Finishing { until, .. } => Some(*until),
            Pending::Transferring(it) => Some(it.until),
            _ => None,
        };
        let phase = match self.core.phase {
            Phase::Running => self.core.legless_since.map(|since| since + LEGLESS_MAX),
            // A leg that still waits for its ACK has a deadline of its own.
            Phase::Closing { until } if !self.is_leaving() => Some(until),
            Phase::Originating | Phase::Stopping | Phase::Closing { .. } | Phase::Over => None,
        };
        [legs, pending, self.deadline_of_pending(), phase]
            .into_iter()
            .flatten()
            .min()
    }

    /// The scenario has ended: where it failed, its fall-back takes over; without one the caller gets the cause that is
    /// set, and what is still up is hung up.
    pub fn handle_scenario_ended(&mut self, end: End, cx: &mut Context<'_>) {
        // One that was told to stop because it had failed says only that it was stopped.
        let end = self.core.end.take().unwrap_or(end);
        let failed = !matches!(end, End::Returned | End::CallOver);
        if failed && self.has_fallback() {
            return self.fall_back(end, cx);
        }
        let status = if failed {
            self.origin.entry.fallback_status()
        } else {
            480
        };
        let words = if failed {
            "the scenario failed"
        } else {
            "the scenario ended"
        };
        self.core.end = Some(end);
        self.end_all(By::Scenario, status, words, cx);
        self.close(cx);
    }

    /// The scenario does not go on where its call stands.
    pub fn fail_scenario(&mut self, end: End, cx: &mut Context<'_>) {
        if !self.has_fallback() {
            let status = self.origin.entry.fallback_status();
            self.end_all(By::Scenario, status, "the scenario failed", cx);
        }
        self.core.end.get_or_insert(end);
        self.stop_scenario(cx);
    }

    /// The fall-back takes the caller over as it stands: ringing, hearing, or answered. What the scenario before it had
    /// begun ends: its request, what it played, the legs that it had dialled.
    fn fall_back(&mut self, end: End, cx: &mut Context<'_>) {
        if let Some((first, second, true)) = self.core.pending.bridge() {
            self.part(first, second, cx);
        }
        self.core.pending = Pending::Nothing;
        self.deadline = None;
        // A number that was given is not given again: what the store did under it would be taken for done.
        let asked = self
            .core
            .index
            .take()
            .max(self.core.last_done.take().map(|(index, _)| index));
        for leg in &mut self.legs {
            if leg.role == Role::Caller {
                leg.stop_play(cx);
                leg.digits.clear();
            } else {
                leg.hang_up_with(By::Scenario, 487, "the scenario failed", cx);
            }
        }
        let Some(fallback) = &mut self.fallback else {
            return;
        };
        fallback.failed = Some(end.clone());
        self.core.phase = Phase::Running;
        cx.out.push_back(Output::FallBack(Box::new(FallBack {
            start: Start::of(cx.call, self),
            end,
            asked: asked.unwrap_or_default(),
        })));
    }

    /// Hangs up every leg.
    pub fn end_all(&mut self, by: By, status: u16, words: &str, cx: &mut Context<'_>) {
        self.core.pending = Pending::Nothing;
        self.core.index = None;
        for leg in &mut self.legs {
            leg.hang_up_with(by, status, words, cx);
        }
        if self.core.phase == Phase::Originating {
            self.close(cx);
        }
    }

    /// No scenario runs, or will: the gate's last words are waited for.
    fn close(&mut self, cx: &Context<'_>) {
        self.core.phase = Phase::Closing {
            until: cx.now + CLOSING_MAX,
        };
    }

    fn is_leaving(&self) -> bool {
        self.legs.iter().any(Leg::is_leaving)
    }

    /// After every input: notes since when no leg is left, and whether nothing is left to do.
    pub fn settle(&mut self, now: Moment) {
        if self.legs.iter().all(Leg::is_over) {
            self.core.legless_since.get_or_insert(now);
        } else {
            self.core.legless_since = None; // a scenario without a caller may dial on
        }
        let closed = self
            .legs
            .iter()
            .all(|leg| matches!(leg.media, Media::Closed(Some(_)) | Media::Elsewhere));
        if closed && !self.is_leaving() && matches!(self.core.phase, Phase::Closing { .. }) {
            self.core.phase = Phase::Over;
        }
    }
}
