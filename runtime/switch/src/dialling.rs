//! One `dial`: targets, their devices by q-value, who rings, who answered, and the reason when nobody did.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_host_api::op::{Address, DialFailure, DialOptions, LegId, Outcome, Strategy, Target, Waiting};
use tandem_sip::Moment;
use tandem_sip::registrar::Binding;

use crate::call::{Call, Pending, Phase};
use crate::context::Context;
use crate::errand::way_to;
use crate::leg::{By, Ending, Leg, Planned};
use crate::perform::caller_id;
use crate::shard::{Answer, Located, Question};
use crate::sip_text;

/// A call has at most so many legs, over all its dials.
pub const LEGS_MAX: usize = 256;
/// Why devices stop ringing where nobody answered.
const UNWANTED: &str = "no longer wanted";
/// The caller of a dial that has none.
const NOBODY: LegId = LegId(u32::MAX);

/// Where one target stands.
#[derive(Debug, Serialize, Deserialize)]
enum Attempt {
    /// Its turn has not come.
    Waiting(Target),
    /// The directory is asked for its devices.
    Asking { question: u64, target: Target },
    /// Devices ring, those of the highest q first; `later` are the groups with lower q (RFC 3261 §10.2.1.2).
    Calling {
        user: String,
        legs: Vec<LegId>,
        later: VecDeque<Vec<Binding>>,
    },
    /// Nobody answered.
    Failed,
}

/// A dial under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dialling {
    caller: LegId,
    from: Address,
    options: DialOptions,
    attempts: Vec<Attempt>,
    /// The reason that says most so far.
    failure: Option<DialFailure>,
    /// When the targets of this turn have rung long enough.
    until: Moment,
    rings: bool,
}

impl Dialling {
    /// When the time of this turn is over.
    pub fn deadline(&self) -> Moment {
        self.until
    }

    /// The questions under way, to be asked again after a restart.
    pub fn questions(&self, domain: &std::sync::Arc<str>) -> Vec<(u64, Question)> {
        let asking = |attempt: &Attempt| match attempt {
            Attempt::Asking { question, target } => Some((
                *question,
                Question::Locate {
                    domain: domain.clone(),
                    target: target.clone(),
                },
            )),
            Attempt::Waiting(_) | Attempt::Calling { .. } | Attempt::Failed => None,
        };
        self.attempts.iter().filter_map(asking).collect()
    }

    /// For whom is dialled.
    pub fn caller(&self) -> LegId {
        self.caller
    }

    /// Who the targets see.
    pub fn from(&self) -> &Address {
        &self.from
    }

    /// Whether a device of one of these users rings.
    pub fn rings_at(&self, users: &[String], all: &[Leg]) -> bool {
        let rings = |id: &LegId| {
            all.get(id.0 as usize)
                .is_some_and(|leg| leg.ringing && !leg.is_over())
        };
        self.attempts.iter().any(|attempt| match attempt {
            Attempt::Calling { user, legs, .. } => users.contains(user) && legs.iter().any(rings),
            Attempt::Waiting(_) | Attempt::Asking { .. } | Attempt::Failed => false,
        })
    }

    /// The one of these users who is called.
    pub fn user_among(&self, users: &[String]) -> Option<String> {
        self.attempts.iter().find_map(|attempt| match attempt {
            Attempt::Calling { user, .. } if users.contains(user) => Some(user.clone()),
            _ => None,
        })
    }

    fn note(&mut self, failure: DialFailure) {
        if self
            .failure
            .as_ref()
            .is_none_or(|best| failure.weight() > best.weight())
        {
            self.failure = Some(failure);
        }
    }
}

/// The reason behind a callee's final status.
fn failure_of(ending: &Ending) -> DialFailure {
    match ending.status {
        // Ours: no media port. A callee that says 503 rejects the call.
        503 if ending.by == By::System => DialFailure::Media(ending.cause.clone()),
        status => DialFailure::of_status(status, &ending.cause),
    }
}

impl Call {
    /// Begins a dial.
    pub fn dial(&mut self, caller: LegId, targets: Vec<Target>, options: DialOptions, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(caller).filter(|leg| !leg.is_over()) else {
            return self.done(Outcome::Dialled(Err(DialFailure::CallerGone)), cx);
        };
        let from = caller_id(options.caller_id.clone(), &leg.peer, &cx.domain);
        let until = cx.now + Duration::from_millis(u64::from(options.timeout_ms));
        let attempts = targets.into_iter().map(Attempt::Waiting).collect();
        let dialling = Dialling {
            caller,
            from,
            options,
            attempts,
            failure: None,
            until,
            rings: false,
        };
        self.core.pending = Pending::Dialling(Box::new(dialling));
        self.dialling_next(cx);
    }

    /// Rings a target before there is a caller: [`Self::rung`] tells what came of it.
    pub fn dial_for_nobody(&mut self, target: Target, from: Address, ring_ms: u32, cx: &mut Context<'_>) {
        let options = DialOptions {
            strategy: Strategy::Parallel,
            timeout_ms: ring_ms,
            caller_id: None,
            ringback: false,
        };
        let dialling = Dialling {
            caller: NOBODY,
            from,
            until: cx.now + Duration::from_millis(u64::from(ring_ms)),
            options,
            attempts: vec![Attempt::Waiting(target)],
            failure: None,
            rings: false,
        };
        self.core.pending = Pending::Dialling(Box::new(dialling));
        self.dialling_next(cx);
    }

    /// Begins what is to begin: every target, or the next one; ends the dial when none is left.
    fn dialling_next(&mut self, cx: &mut Context<'_>) {
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        let busy = |a: &Attempt| matches!(a, Attempt::Asking { .. } | Attempt::Calling { .. });
        if dialling.options.strategy == Strategy::Parallel || !dialling.attempts.iter().any(busy) {
            let turn = match dialling.options.strategy {
                Strategy::Parallel => usize::MAX,
                Strategy::InTurn => 1,
            };
            let waiting = dialling
                .attempts
                .iter_mut()
                .filter(|a| matches!(a, Attempt::Waiting(_)));
            for attempt in waiting.take(turn) {
                let question = cx.new_question();
                if let Attempt::Waiting(target) = attempt {
                    let target = target.clone();
                    cx.ask(
                        question,
                        Question::Locate {
                            domain: cx.domain.clone(),
                            target: target.clone(),
                        },
                    );
                    *attempt = Attempt::Asking { question, target };
                }
                dialling.until = cx.now + Duration::from_millis(u64::from(dialling.options.timeout_ms));
            }
        }
        if !dialling.attempts.iter().any(busy) {
            let failure = dialling.failure.take().unwrap_or(DialFailure::Unreachable);
            self.dialling_over(Err(failure), UNWANTED, cx);
        }
    }

    /// The directory told a target's devices.
    pub fn dialling_located(&mut self, question: u64, answer: Answer, cx: &mut Context<'_>) {
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        let asked = |a: &Attempt| matches!(a, Attempt::Asking { question: q, .. } if *q == question);
        let Some(place) = dialling.attempts.iter().position(asked) else {
            return;
        };
        let (attempt, failure) = match answer {
            Answer::Located(Some(Located { user, bindings })) => {
                let mut groups = by_q(bindings.into_iter().filter(|it| way_to(it).is_some()).collect());
                match groups.pop_front() {
                    Some(first) => {
                        let legs = self.call_devices(&user, first, cx);
                        (
                            Attempt::Calling {
                                user,
                                legs,
                                later: groups,
                            },
                            None,
                        )
                    }
                    None => (Attempt::Failed, Some(DialFailure::Unreachable)),
                }
            }
            Answer::Located(None) => (
                Attempt::Failed,
                Some(DialFailure::NotFound("no such user".into())),
            ),
            _ => (Attempt::Failed, Some(DialFailure::Unreachable)),
        };
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        if let Some(failure) = failure {
            dialling.note(failure);
        }
        if let Some(slot) = dialling.attempts.get_mut(place) {
            *slot = attempt;
        }
        self.dialling_advance(cx);
    }

    /// Sends an INVITE to each device.
    fn call_devices(&mut self, user: &str, bindings: Vec<Binding>, cx: &mut Context<'_>) -> Vec<LegId> {
        let Pending::Dialling(dialling) = &self.core.pending else {
            return Vec::new();
        };
        let (from, caller) = (dialling.from.clone(), dialling.caller);
        let codec = self.leg(caller).and_then(|leg| {
            leg.codec().or_else(|| {
                leg.audio
                    .as_ref()
                    .and_then(|a| a.codecs.first().map(|(codec, _)| *codec))
            })
        });
        let mut legs = Vec::new();
        for binding in bindings {
            if self.legs.len() >= LEGS_MAX {
                tracing::warn!(call = %self.origin.id, "the call has as many legs as a call may have");
                if let Pending::Dialling(dialling) = &mut self.core.pending {
                    dialling.note(DialFailure::Limit(format!("a call has at most {LEGS_MAX} legs")));
                }
                break;
            }
            let id = LegId(self.legs.len() as u32);
            let planned = Planned {
                uri: binding.contact_uri.clone(),
                to: format!("sip:{}@{}", sip_text::escape_user(user), cx.domain),
                from: from.clone(),
                max_forwards: self.origin.max_forwards,
                codec,
            };
            let flow = way_to(&binding).unwrap_or(binding.flow);
            self.legs.push(Leg::outgoing(id, user, planned, flow, cx));
            legs.push(id);
        }
        legs
    }

    /// Forgets the legs that are over; goes on with a target's next group, the next target, or ends.
    fn dialling_advance(&mut self, cx: &mut Context<'_>) {
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        let mut again: Vec<(usize, String, Vec<Binding>)> = Vec::new();
        for (place, attempt) in dialling.attempts.iter_mut().enumerate() {
            if let Attempt::Calling { user, legs, later } = attempt {
                legs.retain(|id| {
                    self.legs
                        .get(id.0 as usize)
                        .is_some_and(|leg| leg.ending.is_none())
                });
                if legs.is_empty() {
                    match later.pop_front() {
                        Some(group) => again.push((place, user.clone(), group)),
                        None => *attempt = Attempt::Failed,
                    }
                }
            }
        }
        for (place, user, group) in again {
            let called = self.call_devices(&user, group, cx);
            if let Pending::Dialling(dialling) = &mut self.core.pending
                && let Some(Attempt::Calling { legs, .. }) = dialling.attempts.get_mut(place)
            {
                *legs = called;
            }
        }
        self.dialling_next(cx);
    }

    /// A device rings: the caller is told, once.
    pub fn dialling_leg_rings(&mut self, cx: &mut Context<'_>) {
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        if std::mem::replace(&mut dialling.rings, true) {
            return;
        }
        let (caller, tone, timeout_ms) = (
            dialling.caller,
            dialling.options.ringback,
            dialling.options.timeout_ms,
        );
        let Some(leg) = self.leg(caller) else { return };
        if !leg.is_audible() {
            // A leg that can neither ring nor hear is left as it is.
            drop(leg.ring(cx));
        } else if tone {
            let tone = tandem_bus::media::ProgressTone::Ringback;
            leg.play(
                vec![tandem_bus::media::Prompt::Progress {
                    tone,
                    duration_ms: timeout_ms.max(10_000),
                }],
                true,
                cx,
            );
        }
    }

    /// A device answered: the others are cancelled.
    pub fn dialling_leg_answered(&mut self, id: LegId, cx: &mut Context<'_>) {
        if matches!(self.core.pending, Pending::Dialling(_)) {
            self.dialling_over(Ok(id), "answered elsewhere", cx);
        }
    }

    /// Somebody picked up: `id` is the leg that stands for it.
    pub fn dialling_taken(&mut self, id: LegId, words: &str, cx: &mut Context<'_>) {
        self.dialling_over(Ok(id), words, cx);
    }

    /// A leg ended while dialling: a device that refused, or the caller.
    pub fn dialling_leg_ended(&mut self, id: LegId, cx: &mut Context<'_>) {
        let ending = self.leg(id).and_then(|leg| leg.ending.clone());
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        if dialling.caller == id {
            return self.dialling_over(Err(DialFailure::CallerGone), UNWANTED, cx);
        }
        // A device that was cancelled, of an earlier turn or dial, says nothing about this one.
        let ours = |a: &Attempt| matches!(a, Attempt::Calling { legs, .. } if legs.contains(&id));
        if !dialling.attempts.iter().any(ours) {
            return;
        }
        if let Some(ending) = ending {
            dialling.note(failure_of(&ending));
        }
        self.dialling_advance(cx);
    }

    /// The time of a turn is over: its devices are cancelled.
    pub fn dialling_timeout(&mut self, cx: &mut Context<'_>) {
        let Pending::Dialling(dialling) = &mut self.core.pending else {
            return;
        };
        if cx.now < dialling.until {
            return;
        }
        dialling.note(DialFailure::NoAnswer);
        let mut ringing = Vec::new();
        for attempt in &mut dialling.attempts {
            match std::mem::replace(attempt, Attempt::Failed) {
                Attempt::Calling { legs, .. } => ringing.extend(legs),
                Attempt::Waiting(target) => *attempt = Attempt::Waiting(target),
                Attempt::Asking { .. } | Attempt::Failed => (),
            }
        }
        for id in ringing {
            if let Some(leg) = self.leg(id) {
                leg.hang_up_with(By::Scenario, 480, "did not answer in time", cx);
            }
        }
        self.dialling_next(cx);
    }

    /// The scenario's deadline is over.
    pub(crate) fn dialling_past_deadline(&mut self, cx: &mut Context<'_>) {
        if let Outcome::Dialled(failed) = Waiting::Dial.past_deadline() {
            self.dialling_over(failed, "did not answer in time", cx);
        }
    }

    /// Ends the dial; every other device stops ringing.
    fn dialling_over(&mut self, result: Result<LegId, DialFailure>, words: &str, cx: &mut Context<'_>) {
        let Pending::Dialling(dialling) = std::mem::replace(&mut self.core.pending, Pending::Nothing) else {
            return;
        };
        let winner = result.as_ref().ok().copied();
        for attempt in &dialling.attempts {
            if let Attempt::Calling { legs, .. } = attempt {
                for id in legs.iter().filter(|id| Some(**id) != winner) {
                    let Some(leg) = self.leg(*id) else { continue };
                    if winner.is_some() {
                        leg.cancel_elsewhere(words, cx);
                    } else {
                        leg.hang_up_with(By::Scenario, 487, words, cx);
                    }
                }
            }
        }
        if dialling.rings
            && let Some(leg) = self.leg(dialling.caller)
        {
            leg.stop_play(cx);
        }
        if self.core.phase == Phase::Originating {
            return self.rung(result, cx);
        }
        self.done(Outcome::Dialled(result), cx);
    }
}

/// Groups of equal q, the highest first.
fn by_q(mut bindings: Vec<Binding>) -> VecDeque<Vec<Binding>> {
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.q_thousandths));
    let mut groups: VecDeque<Vec<Binding>> = VecDeque::new();
    for binding in bindings {
        match groups.back_mut() {
            Some(group)
                if group
                    .first()
                    .is_some_and(|first| first.q_thousandths == binding.q_thousandths) =>
            {
                group.push(binding);
            }
            _ => groups.push_back(vec![binding]),
        }
    }
    groups
}
