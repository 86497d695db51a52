//! The scenario's requests, as they begin. Each either ends at once or becomes the call's [`Pending`].
//!
//! Arguments have been checked against the ranges of the WIT before they come here (`host-api`).

use std::time::Duration;

use tandem_bus::media as bus;
use tandem_host_api::End;
use tandem_host_api::collect::{Collector, Progress};
use tandem_host_api::op::{Address, LegError, LegId, Op, OpIndex, Outcome, ProgressTone, Prompt};

use crate::call::{Call, Pending};
use crate::context::Context;
use crate::leg::{Leg, Media, Role, Signalling};
use crate::shard::{CallKey, Output, Question};

impl Call {
    /// The last request of a scenario that runs again after a restart: it may be under way, it may have been answered
    /// without the scenario's knowing, or it never came here.
    pub fn perform_again(&mut self, index: OpIndex, op: Op, cx: &mut Context<'_>) {
        if self.core.index == Some(index) {
            return; // it goes on
        }
        match &self.core.last_done {
            Some((done, outcome)) if *done == index => cx.out.push_back(Output::Done {
                call: cx.call,
                index,
                outcome: outcome.clone(),
            }),
            _ => self.perform(index, op, cx),
        }
    }

    /// Begins a request of the scenario. A guest waits for each: one that comes while another is under way is from a
    /// scenario that does not go on where its call stands, because the log lost a part of either.
    pub fn perform(&mut self, index: OpIndex, op: Op, cx: &mut Context<'_>) {
        if !matches!(self.core.pending, Pending::Nothing) {
            tracing::error!(call = %self.origin.id, ?op, "a scenario asks for something else than what is under way");
            let how = format!("it asked for {} while something else was under way", op.name());
            return self.fail_scenario(End::Diverged(how), cx);
        }
        self.core.index = Some(index);
        if let Some(outcome) = self.refused_by_deadline(&op, cx.now) {
            return self.done(outcome, cx);
        }
        match op {
            Op::Peer { leg } => {
                let peer = self.leg(leg).map(|l| l.peer.clone()).unwrap_or_default();
                self.done(Outcome::Address(peer), cx);
            }
            Op::Local { leg } => {
                let local = self.leg(leg).map(|l| l.local.clone()).unwrap_or_default();
                self.done(Outcome::Address(local), cx);
            }
            // The caller's headers are answered at the door; a leg that we began has none of a peer's request.
            Op::Header { .. } => self.done(Outcome::Lines(Vec::new()), cx),
            Op::Ring { leg } => {
                let outcome = self.leg(leg).ok_or(LegError::Gone).and_then(|leg| leg.ring(cx));
                self.done(Outcome::Leg(outcome), cx);
            }
            Op::EarlyMedia { leg } => self.open(leg, false, cx),
            Op::Answer { leg } => self.open(leg, true, cx),
            Op::Play { leg, prompts } => self.play(leg, prompts, cx),
            Op::Collect { leg, rule } => self.collect(leg, rule, cx),
            Op::SendDigits { leg, digits } => self.send_digits(leg, digits, cx),
            Op::HangUp { leg, cause } => {
                if let Some(leg) = self.leg(leg) {
                    leg.hang_up(cause, cx);
                }
                self.done(Outcome::Leg(Ok(())), cx);
            }
            Op::DropLeg { leg } => {
                if let Some(leg) = self.leg(leg) {
                    leg.hang_up(tandem_host_api::op::Cause::Normal, cx);
                }
                self.done(Outcome::Done, cx);
            }
            Op::Dial {
                caller,
                targets,
                options,
            } => self.dial(caller, targets, options, cx),
            Op::Bridge { first, second } => {
                self.core.pending = Pending::Bridging {
                    first,
                    second,
                    joined: false,
                };
                self.bridge(first, second, cx);
            }
            Op::BridgeUntil {
                first,
                second,
                digits,
            } => {
                self.core.pending = Pending::BridgingUntil {
                    first,
                    second,
                    joined: false,
                    digits,
                };
                self.bridge(first, second, cx);
            }
            Op::WaitLegs { legs, timeout_ms } => self.wait_legs(legs, timeout_ms, cx),
            Op::Deadline(op) => self.deadline_op(op, cx),
            Op::SleepMs { duration_ms } => {
                self.core.pending = Pending::Sleeping {
                    until: cx.now + Duration::from_millis(u64::from(duration_ms)),
                };
            }
            Op::Record { leg, rule } => self.record(leg, rule, cx),
            Op::RecorderStart { leg, side, length_ms } => self.start_recorder(leg, side, length_ms, cx),
            Op::RecorderPause { recorder } => self.pause_recorder(recorder, true, cx),
            Op::RecorderResume { recorder } => self.pause_recorder(recorder, false, cx),
            Op::RecorderFinish { recorder } => self.finish_recorder(recorder, cx),
            Op::DropRecorder { recorder } => self.drop_recorder(recorder, cx),
            Op::Hold { leg } => {
                let outcome = self.audible(leg).map(|leg| leg.hold(cx));
                self.done(Outcome::Leg(outcome), cx);
            }
            Op::Resume { leg } => {
                let leg = self.leg(leg).filter(|leg| !leg.is_over());
                let outcome = leg.ok_or(LegError::Gone).map(|leg| {
                    if leg.is_held() {
                        leg.stop_play(cx);
                    }
                });
                self.done(Outcome::Leg(outcome), cx);
            }
            Op::Transfer {
                leg,
                target,
                timeout_ms,
            } => self.transfer(leg, &target, timeout_ms, cx),
            Op::SendMessage { user, text, sender } => self.send_message(user, text, sender, cx),
            Op::PickUp { picker, users } => self.pick_up(picker, users, cx),
            Op::FindUser { .. }
            | Op::RecordingDelete { .. }
            | Op::KvGet { .. }
            | Op::KvSet { .. }
            | Op::KvDelete { .. }
            | Op::KvIncrement { .. }
            | Op::KvKeys { .. }
            | Op::HttpSend { .. }
            | Op::LookUpSchedule { .. }
            | Op::MetricCount { .. }
            | Op::MetricGauge { .. }
            | Op::MetricObserve { .. }
            | Op::FindContact { .. }
            | Op::SearchContacts { .. }
            | Op::SendMail { .. }
            | Op::Voicemail { .. }
            | Op::Originate { .. }
            | Op::Timer { .. } => {
                let Some(question) = self.question(&op) else {
                    return self.stop_scenario(cx);
                };
                let number = cx.new_question();
                cx.ask(number, question);
                self.core.pending = Pending::Asking { question: number, op };
            }
            Op::ConfigDocument
            | Op::ConfigEntryPoint
            | Op::ConfigDomain
            | Op::NowMs
            | Op::LocalTime
            | Op::Random
            | Op::Log { .. }
            | Op::OriginateData
            | Op::Step { .. } => {
                tracing::error!(call = %self.origin.id, ?op, "a request that the door answers came to the call");
                self.core.index = None;
                self.stop_scenario(cx);
            }
        }
    }

    /// What the directory or the store is asked for a request.
    fn question(&self, op: &Op) -> Option<Question> {
        let index = u64::from(self.core.index.unwrap_or_default().0);
        let once = (self.origin.id.clone(), index);
        Question::about(self.origin.domain.clone(), &self.entry().module, op, once)
    }

    /// The questions under way; `key` is the call's shard and its own.
    pub fn questions(&self, key: (u64, CallKey)) -> Vec<(u64, Question)> {
        let mut questions = match &self.core.pending {
            Pending::Asking { question, op } => self
                .question(op)
                .map(|asked| (*question, asked))
                .into_iter()
                .collect(),
            Pending::Dialling(dialling) => dialling.questions(&self.origin.domain),
            Pending::Messaging(it) => it.question(&self.origin.domain).into_iter().collect(),
            Pending::PickingUp { .. } => self.pick_up_question(key).into_iter().collect(),
            _ => Vec::new(),
        };
        questions.extend(self.link_questions());
        questions
    }

    /// Opens the endpoint of the caller's leg, then answers (or sends 183).
    fn open(&mut self, id: LegId, answer: bool, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id) else {
            return self.done(Outcome::Leg(Err(LegError::Gone)), cx);
        };
        let refused = match (&leg.signalling, leg.role) {
            (Signalling::Ended, _) => Some(LegError::Gone),
            (_, Role::Callee) => Some(LegError::WrongState("only a calling leg can be answered".into())),
            (Signalling::Up { .. }, _) => return self.done(Outcome::Leg(Ok(())), cx),
            _ => None,
        };
        if let Some(error) = refused {
            return self.done(Outcome::Leg(Err(error)), cx);
        }
        match leg.media {
            Media::Open(_) | Media::Agreed(..) => {
                let outcome = self.describe_leg(id, answer, cx);
                self.done(Outcome::Leg(outcome), cx);
            }
            Media::None | Media::Opening | Media::Closed(_) | Media::Elsewhere => {
                leg.open_media(cx);
                self.core.pending = Pending::Opening { leg: id, answer };
            }
        }
    }

    /// The leg, if something can be played on it.
    pub(crate) fn audible(&mut self, id: LegId) -> Result<&mut Leg, LegError> {
        let leg = self.leg(id).filter(|leg| !leg.is_over()).ok_or(LegError::Gone)?;
        if leg.is_audible() {
            Ok(leg)
        } else if leg.link().is_some() {
            Err(LegError::WrongState(
                "the leg is one of another call: it can be bridged and hung up".into(),
            ))
        } else {
            Err(LegError::WrongState(
                "the leg has no media yet: answer it, or open early media".into(),
            ))
        }
    }

    fn play(&mut self, id: LegId, prompts: Vec<Prompt>, cx: &mut Context<'_>) {
        match self.audible(id) {
            Err(error) => self.done(Outcome::Played(Err(error)), cx),
            Ok(leg) => {
                let play = leg.play(prompts.into_iter().map(to_bus).collect(), false, cx);
                self.core.pending = Pending::Playing { leg: id, play };
            }
        }
    }

    fn collect(&mut self, id: LegId, rule: tandem_host_api::op::CollectRule, cx: &mut Context<'_>) {
        let leg = match self.audible(id) {
            Err(error) => return self.done(Outcome::Collected(Err(error)), cx),
            Ok(leg) => leg,
        };
        let kept: Vec<char> = leg.digits.drain(..).filter(|_| rule.barge_in).collect();
        let prompts: Vec<_> = rule.prompts.iter().cloned().map(to_bus).collect();
        let mut collector = Collector::new(rule, cx.now);
        let mut kept = kept.into_iter();
        for digit in kept.by_ref() {
            if let Progress::Over(collected) = collector.handle_digit(digit, cx.now) {
                leg.digits.extend(kept);
                return self.done(Outcome::Collected(Ok(collected)), cx);
            }
        }
        // A digit that was typed ahead has stopped the prompts before they began.
        if collector.deadline().is_none() {
            leg.play(prompts, false, cx);
        } else if leg.is_held() {
            leg.stop_play(cx);
        }
        self.core.pending = Pending::Collecting { leg: id, collector };
    }

    fn send_digits(&mut self, id: LegId, digits: String, cx: &mut Context<'_>) {
        match self.audible(id) {
            Err(error) => self.done(Outcome::Leg(Err(error)), cx),
            Ok(leg) => {
                let send = cx.new_send();
                leg.send_digits(send, digits.clone(), cx);
                self.core.pending = Pending::Sending {
                    leg: id,
                    send,
                    digits,
                };
            }
        }
    }

    /// Begins the bridge that is pending.
    fn bridge(&mut self, first: LegId, second: LegId, cx: &mut Context<'_>) {
        let refused = if first == second {
            Some(LegError::BadArgument(
                "a leg cannot be bridged with itself".into(),
            ))
        } else if [first, second]
            .iter()
            .any(|id| self.leg(*id).is_none_or(|leg| leg.is_over()))
        {
            Some(LegError::Gone)
        } else if self.leg(second).is_some_and(|leg| !leg.is_up()) {
            Some(LegError::WrongState("the second leg is not answered".into()))
        } else {
            None
        };
        if let Some(error) = refused {
            return self.bridged(Err(error), cx);
        }
        match self.leg(first).map(|leg| leg.media.clone()) {
            Some(Media::None) => {
                if let Some(leg) = self.leg(first) {
                    leg.open_media(cx);
                }
            }
            Some(Media::Opening) => (),
            _ => self.join(cx),
        }
    }
}

/// A prompt in the gate's words.
pub fn to_bus(prompt: Prompt) -> bus::Prompt {
    match prompt {
        Prompt::File(name) => bus::Prompt::File(name),
        Prompt::Progress { tone, duration_ms } => bus::Prompt::Progress {
            tone: tone_to_bus(tone),
            duration_ms,
        },
        Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        } => bus::Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        },
        Prompt::Silence(ms) => bus::Prompt::Silence(ms),
        Prompt::Speech { text, language } => bus::Prompt::Speech { text, language },
    }
}

fn tone_to_bus(tone: ProgressTone) -> bus::ProgressTone {
    match tone {
        ProgressTone::Dial => bus::ProgressTone::Dial,
        ProgressTone::Ringback => bus::ProgressTone::Ringback,
        ProgressTone::Busy => bus::ProgressTone::Busy,
        ProgressTone::Congestion => bus::ProgressTone::Congestion,
        ProgressTone::SpecialInformation => bus::ProgressTone::SpecialInformation,
    }
}

/// The caller's identity on a callee's leg: the given one, or the caller's own, always within the domain.
pub fn caller_id(given: Option<Address>, caller: &Address, domain: &str) -> Address {
    Address {
        host: domain.to_owned(),
        ..given.unwrap_or_else(|| caller.clone())
    }
}
