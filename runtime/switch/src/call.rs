//! A call: its legs, the one request of its scenario that is under way, and how it begins and ends.
//!
//! Inputs arrive as `handle_*`; what follows leaves through [`Context`]. The scenario asks for one thing at a time
//! (a guest waits for each host call), so there is at most one [`Pending`]. Its ops begin in `perform`; dialling has a
//! file of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tandem_bus::media::{Command, Event, PlayEnd, PlayId, Refusal};
use tandem_directory::EntryPoint;
use tandem_host_api::op::{self, Address, BridgeEnd, LegError, LegId, Outcome};
use tandem_host_api::{End, Input};
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message};

use crate::collect::{Collector, Progress};
use crate::context::{ClientUse, Context};
use crate::dialling::Dialling;
use crate::leg::{By, Happened, Leg, Media, Role};
use crate::sdp::Audio;
use crate::shard::{Answer, Output};

/// A scenario that goes on although all legs are gone is ended after so long.
const LEGLESS_MAX: Duration = Duration::from_secs(30);
/// The gate's last statistics are waited for so long.
const CLOSING_MAX: Duration = Duration::from_secs(3);

/// What the scenario waits for.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Pending {
    /// Nothing: it computes, or has not begun.
    Nothing,
    /// The endpoint of a leg is being opened, for 183 or 200.
    Opening { leg: LegId, answer: bool },
    /// Prompts play.
    Playing { leg: LegId, play: PlayId },
    /// Digits are collected.
    Collecting { leg: LegId, collector: Collector },
    /// Digits are sent.
    Sending { leg: LegId },
    /// Targets are called.
    Dialling(Box<Dialling>),
    /// Two legs are, or are about to be, connected.
    Bridging {
        first: LegId,
        second: LegId,
        joined: bool,
    },
    /// Time passes.
    Sleeping { until: Instant },
    /// The directory or the store was asked.
    Asking { question: u64, key_value: bool },
}

/// How far the call has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Phase {
    /// Its scenario runs.
    Running,
    /// Its scenario has been told to stop and has not ended yet.
    Stopping,
    /// The scenario has ended; the gate's last words are waited for.
    Closing { until: Instant },
    /// Nothing is left to do.
    Over,
}

/// What began a call.
#[derive(Debug)]
pub struct Origin {
    /// The INVITE's transaction.
    pub server: ServerId,
    /// The INVITE.
    pub request: Message,
    /// Where it came from.
    pub flow: Flow,
    /// Its offer.
    pub audio: Option<Audio>,
    /// Who calls: authenticated.
    pub caller: Address,
    /// What was dialled.
    pub dialled: Address,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    /// Its identifier in the journal and the CDR: text that sorts by time.
    pub id: String,
    /// Its domain.
    pub domain: Arc<str>,
    /// What the dialled number leads to.
    pub entry: Arc<EntryPoint>,
    /// Its legs, by [`LegId`]; never removed.
    pub legs: Vec<Leg>,
    /// The request under way.
    pub pending: Pending,
    /// How far it has come.
    pub phase: Phase,
    /// When it began.
    pub started: Instant,
    /// Hops that a callee's INVITE has left.
    pub max_forwards: u8,
    /// How the scenario ended.
    pub end: Option<End>,
    /// When no leg was left, while the scenario goes on.
    legless_since: Option<Instant>,
}

impl Call {
    /// A call that an INVITE begins.
    pub fn new(id: String, entry: Arc<EntryPoint>, origin: Origin, cx: &mut Context<'_>) -> Self {
        let max_forwards = origin
            .request
            .max_forwards()
            .ok()
            .flatten()
            .map_or(70, |hops| hops.min(70));
        let Origin {
            server,
            request,
            flow,
            audio,
            caller,
            dialled,
        } = origin;
        let leg = Leg::incoming(server, request, flow, audio, (caller, dialled), cx);
        Self {
            id,
            domain: cx.domain.clone(),
            entry,
            legs: vec![leg],
            pending: Pending::Nothing,
            phase: Phase::Running,
            started: cx.now,
            max_forwards: max_forwards.saturating_sub(1),
            end: None,
            legless_since: None,
        }
    }

    /// A leg by its number.
    pub fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(id.0 as usize)
    }

    /// Ends the request under way.
    pub fn done(&mut self, outcome: Outcome, cx: &mut Context<'_>) {
        self.pending = Pending::Nothing;
        cx.out.push_back(Output::Done {
            call: cx.call,
            outcome,
        });
    }

    /// The gate tells something of an endpoint of this call.
    pub fn handle_media(&mut self, id: LegId, event: Event, cx: &mut Context<'_>) {
        match event {
            Event::Opened { local, .. } => self.handle_opened(id, local, cx),
            Event::Refused { why, .. } => self.handle_refused(id, &why, cx),
            Event::PlayEnded { play, end, .. } => self.handle_play_ended(id, play, end, cx),
            Event::Digit { digit, .. } => self.handle_digit(id, digit, cx),
            Event::DigitsSent { sent, .. } => {
                if matches!(self.pending, Pending::Sending { leg } if leg == id) {
                    let outcome = sent
                        .then_some(())
                        .ok_or_else(|| LegError::Media("the peer takes no telephone-event".into()));
                    self.done(Outcome::Leg(outcome), cx);
                }
            }
            Event::Unheard { .. } => {
                if let Some(leg) = self.leg(id) {
                    leg.probe(cx);
                }
            }
            Event::Closed { statistics, .. } => {
                if let Some(leg) = self.leg(id) {
                    leg.media = Media::Closed(Some(statistics));
                }
            }
        }
    }

    fn handle_opened(&mut self, id: LegId, local: SocketAddr, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id) else { return };
        leg.handle_opened(local, cx);
        match self.pending {
            Pending::Opening { leg, answer } if leg == id => {
                let outcome = self.describe_leg(id, answer, cx);
                self.done(Outcome::Leg(outcome), cx);
            }
            Pending::Bridging { first, .. } if first == id => self.join(cx),
            _ => self.after(id, Happened::Nothing, cx),
        }
    }

    /// Sends 183 or 200 on a leg whose endpoint is open.
    pub fn describe_leg(&mut self, id: LegId, answer: bool, cx: &mut Context<'_>) -> Result<(), LegError> {
        let leg = self.leg(id).ok_or(LegError::Gone)?;
        if !answer {
            return leg.send_early_media(cx);
        }
        leg.send_answer(cx)?;
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::LegAnswered { leg: id },
        });
        Ok(())
    }

    fn handle_refused(&mut self, id: LegId, why: &Refusal, cx: &mut Context<'_>) {
        let words = match why {
            Refusal::PortsTaken => "every media port is taken".to_owned(),
            Refusal::Full => "the media gate takes no more endpoints".to_owned(),
            Refusal::System(error) => format!("no media port: {error}"),
        };
        tracing::warn!(call = %self.id, leg = id.0, why = %words, "no media endpoint");
        let Some(leg) = self.leg(id) else { return };
        leg.media = Media::Closed(Some(tandem_bus::media::Statistics::default()));
        if leg.is_over() {
            return;
        }
        if leg.role == Role::Callee {
            leg.end(By::System, 503, &words, cx);
            return self.after(id, Happened::Ended, cx);
        }
        leg.media = Media::None;
        match self.pending {
            Pending::Opening { leg, .. } if leg == id => {
                self.done(Outcome::Leg(Err(LegError::Media(words))), cx);
            }
            Pending::Bridging { first, .. } if first == id => {
                self.done(Outcome::Bridged(Err(LegError::Media(words))), cx);
            }
            _ => (),
        }
    }

    fn handle_play_ended(&mut self, id: LegId, play: PlayId, end: PlayEnd, cx: &mut Context<'_>) {
        let current = self
            .leg(id)
            .is_some_and(|leg| leg.play.take_if(|current| *current == play).is_some());
        if let PlayEnd::Failed(why) = &end {
            tracing::warn!(call = %self.id, leg = id.0, %why, "a prompt could not be played");
        }
        match &mut self.pending {
            Pending::Playing { leg, play: waited } if *leg == id && *waited == play => {
                let outcome = match end {
                    PlayEnd::Finished => Ok(op::PlayEnd::Finished),
                    PlayEnd::Stopped => Ok(op::PlayEnd::Stopped),
                    PlayEnd::Failed(why) => Err(LegError::Media(why)),
                };
                self.done(Outcome::Played(outcome), cx);
            }
            // The end of a tone before the prompts is not theirs.
            Pending::Collecting { leg, collector } if *leg == id && current => match end {
                PlayEnd::Failed(why) => self.done(Outcome::Collected(Err(LegError::Media(why))), cx),
                PlayEnd::Finished | PlayEnd::Stopped => collector.handle_prompts_ended(cx.now),
            },
            _ => (),
        }
    }

    fn handle_digit(&mut self, id: LegId, digit: char, cx: &mut Context<'_>) {
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::Digit { leg: id, digit },
        });
        match &mut self.pending {
            Pending::Collecting { leg, collector } if *leg == id => {
                let progress = collector.handle_digit(digit, cx.now);
                self.collecting(id, progress, cx);
            }
            // Digits of a conversation belong to it.
            Pending::Bridging { joined: true, .. } => (),
            _ => {
                if let Some(leg) = self.leg(id) {
                    leg.keep_digit(digit);
                }
            }
        }
    }

    /// Carries out what a collector wants.
    pub fn collecting(&mut self, id: LegId, progress: Progress, cx: &mut Context<'_>) {
        match progress {
            Progress::Going => (),
            Progress::StopPrompts => {
                if let Some(leg) = self.leg(id) {
                    leg.stop_play(cx);
                }
            }
            Progress::Over(collected) => {
                if let Some(leg) = self.leg(id) {
                    leg.stop_play(cx);
                }
                self.done(Outcome::Collected(Ok(collected)), cx);
            }
        }
    }

    /// A request within the dialog of a leg.
    pub fn handle_request(&mut self, id: LegId, server: ServerId, request: &Message, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id) else { return };
        let happened = leg.handle_request(server, request, cx);
        self.after(id, happened, cx);
    }

    /// The ACK of a 200 of ours.
    pub fn handle_ack(&mut self, id: LegId, ack: &Message, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id) else { return };
        let happened = leg.handle_ack(ack, cx);
        self.after(id, happened, cx);
    }

    /// The caller cancelled its INVITE.
    pub fn handle_cancelled(&mut self, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(LegId(0)) else { return };
        let happened = leg.handle_cancelled(cx);
        self.after(LegId(0), happened, cx);
    }

    /// The caller's connection is gone before its INVITE was answered.
    pub fn handle_caller_lost(&mut self, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(LegId(0)) else { return };
        if matches!(leg.signalling, crate::leg::Signalling::Incoming { .. }) {
            leg.end(By::System, 408, "the caller's connection is gone", cx);
            self.after(LegId(0), Happened::Ended, cx);
        }
    }

    /// A response to a request of ours.
    pub fn handle_response(
        &mut self,
        used: ClientUse,
        request: &Message,
        response: &Message,
        cx: &mut Context<'_>,
    ) {
        match used {
            ClientUse::Invite(id) => {
                let Some(leg) = self.leg(id) else { return };
                let happened = leg.handle_invite_response(request, response, cx);
                self.after(id, happened, cx);
            }
            // The peer has no such dialog any more (RFC 3261 §12.2.1.2).
            ClientUse::Probe(id) if matches!(response.status(), Some(408 | 481)) => self.lose(id, cx),
            ClientUse::Probe(_) | ClientUse::Bye => (),
        }
    }

    /// A request of ours got no answer, or could not be sent.
    pub fn handle_failed(&mut self, used: ClientUse, words: &str, cx: &mut Context<'_>) {
        match used {
            ClientUse::Invite(id) => {
                let Some(leg) = self.leg(id) else { return };
                if matches!(leg.signalling, crate::leg::Signalling::Outgoing { .. }) {
                    leg.end(By::System, 408, words, cx);
                    self.after(id, Happened::Ended, cx);
                }
            }
            ClientUse::Probe(id) => self.lose(id, cx),
            ClientUse::Bye => (),
        }
    }

    /// A peer is gone without a word.
    fn lose(&mut self, id: LegId, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id).filter(|leg| leg.is_up()) else {
            return;
        };
        leg.hang_up_with(By::System, 408, "the peer was lost", cx);
        self.after_end(id, BridgeEnd::Lost, cx);
    }

    /// What follows for the others from something that happened on a leg.
    fn after(&mut self, id: LegId, happened: Happened, cx: &mut Context<'_>) {
        match happened {
            Happened::Nothing => {
                // A planned leg may have failed while its endpoint opened.
                if self.leg(id).is_some_and(|leg| leg.is_over())
                    && matches!(self.pending, Pending::Dialling(_))
                {
                    self.dialling_leg_ended(id, cx);
                }
            }
            Happened::Ringing => {
                cx.out.push_back(Output::Journal {
                    call: cx.call,
                    input: Input::LegRinging { leg: id },
                });
                self.dialling_leg_rings(cx);
            }
            Happened::Answered => {
                cx.out.push_back(Output::Journal {
                    call: cx.call,
                    input: Input::LegAnswered { leg: id },
                });
                self.dialling_leg_answered(id, cx);
            }
            Happened::Changed => {
                if matches!(self.pending, Pending::Bridging { joined: false, .. }) {
                    self.join(cx);
                }
            }
            Happened::Ended => {
                let end = match self.pending {
                    Pending::Bridging { first, .. } if first == id => BridgeEnd::FirstHungUp,
                    _ => BridgeEnd::SecondHungUp,
                };
                self.after_end(id, end, cx);
            }
        }
    }

    /// A leg is over: the request that was about it ends.
    fn after_end(&mut self, id: LegId, bridge_end: BridgeEnd, cx: &mut Context<'_>) {
        let cause = self
            .leg(id)
            .and_then(|leg| leg.ending.clone())
            .map(|e| e.cause)
            .unwrap_or_default();
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::LegEnded { leg: id, cause },
        });
        match &self.pending {
            Pending::Opening { leg, .. } | Pending::Sending { leg } if *leg == id => {
                self.done(Outcome::Leg(Err(LegError::Gone)), cx);
            }
            Pending::Playing { leg, .. } if *leg == id => self.done(Outcome::Played(Err(LegError::Gone)), cx),
            Pending::Collecting { leg, .. } if *leg == id => {
                self.done(Outcome::Collected(Err(LegError::Gone)), cx);
            }
            Pending::Bridging {
                first,
                second,
                joined,
            } if *first == id || *second == id => {
                let (first, second, joined) = (*first, *second, *joined);
                if joined {
                    self.part(first, second, cx);
                    self.done(Outcome::Bridged(Ok(bridge_end)), cx);
                } else {
                    self.done(Outcome::Bridged(Err(LegError::Gone)), cx);
                }
            }
            Pending::Dialling(_) => self.dialling_leg_ended(id, cx),
            _ => (),
        }
    }

    fn part(&mut self, first: LegId, second: LegId, cx: &mut Context<'_>) {
        let ends = (
            self.leg(first).map(|l| l.endpoint),
            self.leg(second).map(|l| l.endpoint),
        );
        if let (Some(a), Some(b)) = ends {
            cx.media(Command::Part { a, b });
        }
        for id in [first, second] {
            if let Some(leg) = self.leg(id) {
                leg.digits.clear();
            }
        }
    }

    /// Connects the two legs of a pending bridge as soon as both have media; answers the first if need be.
    pub fn join(&mut self, cx: &mut Context<'_>) {
        let Pending::Bridging { first, second, .. } = self.pending else {
            return;
        };
        if self.leg(first).is_some_and(|leg| !leg.is_up())
            && let Err(error) = self.describe_leg(first, true, cx)
        {
            return self.done(Outcome::Bridged(Err(error)), cx);
        }
        let (Some(a), Some(b)) = (self.legs.get(first.0 as usize), self.legs.get(second.0 as usize)) else {
            return;
        };
        if a.is_audible() && b.is_audible() {
            let (a, b) = (a.endpoint, b.endpoint);
            for id in [first, second] {
                if let Some(leg) = self.leg(id) {
                    leg.stop_play(cx);
                }
            }
            cx.media(Command::Join { a, b });
            self.pending = Pending::Bridging {
                first,
                second,
                joined: true,
            };
        }
    }

    /// The directory or the store answered.
    pub fn handle_answer(&mut self, question: u64, answer: Answer, cx: &mut Context<'_>) {
        match &self.pending {
            Pending::Asking {
                question: asked,
                key_value,
            } if *asked == question => {
                let unavailable = if *key_value {
                    Outcome::Kv(Err(op::KvError::Unavailable))
                } else {
                    Outcome::User(None)
                };
                self.done(answer.into_outcome().unwrap_or(unavailable), cx);
            }
            Pending::Dialling(_) => self.dialling_located(question, answer, cx),
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
        match &mut self.pending {
            Pending::Collecting { leg, collector } => {
                let (leg, progress) = (*leg, collector.handle_timeout(cx.now));
                self.collecting(leg, progress, cx);
            }
            Pending::Sleeping { until } if cx.now >= *until => self.done(Outcome::Done, cx),
            Pending::Dialling(_) => self.dialling_timeout(cx),
            _ => (),
        }
        match self.phase {
            Phase::Running
                if self
                    .legless_since
                    .is_some_and(|since| cx.now >= since + LEGLESS_MAX) =>
            {
                self.stop_scenario(cx);
            }
            Phase::Closing { until } if cx.now >= until && !self.is_leaving() => self.phase = Phase::Over,
            _ => (),
        }
    }

    /// Has the scenario stopped, once.
    pub fn stop_scenario(&mut self, cx: &mut Context<'_>) {
        if self.phase == Phase::Running {
            self.phase = Phase::Stopping;
            cx.out.push_back(Output::StopScenario { call: cx.call });
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        let legs = self.legs.iter().filter_map(Leg::deadline).min();
        let pending = match &self.pending {
            Pending::Collecting { collector, .. } => collector.deadline(),
            Pending::Sleeping { until } => Some(*until),
            Pending::Dialling(dialling) => Some(dialling.deadline()),
            _ => None,
        };
        let phase = match self.phase {
            Phase::Running => self.legless_since.map(|since| since + LEGLESS_MAX),
            // A leg that still waits for its ACK has a deadline of its own.
            Phase::Closing { until } if !self.is_leaving() => Some(until),
            Phase::Stopping | Phase::Closing { .. } | Phase::Over => None,
        };
        [legs, pending, phase].into_iter().flatten().min()
    }

    /// The scenario has ended: what is still up is hung up; where it failed, the caller gets the fall-back's cause.
    pub fn handle_scenario_ended(&mut self, end: End, cx: &mut Context<'_>) {
        let failed = !matches!(end, End::Returned | End::CallOver);
        let status = if failed { self.entry.fallback_status() } else { 480 };
        let words = if failed {
            "the scenario failed"
        } else {
            "the scenario ended"
        };
        self.end = Some(end);
        self.end_all(By::Scenario, status, words, cx);
        self.phase = Phase::Closing {
            until: cx.now + CLOSING_MAX,
        };
    }

    /// Hangs up every leg.
    pub fn end_all(&mut self, by: By, status: u16, words: &str, cx: &mut Context<'_>) {
        self.pending = Pending::Nothing;
        for leg in &mut self.legs {
            leg.hang_up_with(by, status, words, cx);
        }
    }

    fn is_leaving(&self) -> bool {
        self.legs.iter().any(Leg::is_leaving)
    }

    /// After every input: notes since when no leg is left, and whether nothing is left to do.
    pub fn settle(&mut self, now: Instant) {
        if self.legs.iter().all(Leg::is_over) {
            self.legless_since.get_or_insert(now);
        } else {
            self.legless_since = None; // a scenario without a caller may dial on
        }
        let closed = self
            .legs
            .iter()
            .all(|leg| matches!(leg.media, Media::Closed(Some(_))));
        if closed && !self.is_leaving() && matches!(self.phase, Phase::Closing { .. }) {
            self.phase = Phase::Over;
        }
    }
}
