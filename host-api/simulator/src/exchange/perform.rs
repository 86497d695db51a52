//! The scenario's requests, as they begin. Their arguments were checked at the door.

use std::time::Duration;

use jiff::Timestamp;
use rand::Rng as _;
use tandem_host_api::collect::{Collector, Progress};
use tandem_host_api::op::{
    CollectRule, Delivery, KvValue, LegError, LegId, LocalTime, MessageFailure, Op, OriginateFailure,
    Outcome, PickUpFailure, Prompt, RecordEnd, Target, TransferFailure, TransferTarget, User,
};
use tandem_host_api::{Input, op};

use super::leg::{By, Leg, State};
use super::{Exchange, Pending, dialling};
use crate::case::World;

/// A digit that is sent, with the gap behind it.
const DIGIT: Duration = Duration::from_millis(200);
/// A comma between two.
const PAUSE: Duration = Duration::from_millis(500);

impl Exchange {
    /// Does or begins what is asked for. None: [`Exchange::take_outcome`] has the answer later.
    pub fn perform(&mut self, op: &Op) -> Option<Outcome> {
        if let Some(outcome) = self.refused_by_deadline(op) {
            return Some(outcome);
        }
        if let Some(outcome) = self.answer(op).or_else(|| self.answer_service(op)) {
            return Some(outcome);
        }
        self.begin_op(op);
        self.settle();
        self.outcome.take()
    }

    /// What needs no leg, or only a look at one.
    fn answer(&mut self, op: &Op) -> Option<Outcome> {
        let world = &self.case.world;
        Some(match op {
            Op::Peer { leg } => {
                Outcome::Address(self.leg(*leg).map(|leg| leg.peer.clone()).unwrap_or_default())
            }
            Op::Local { leg } => {
                Outcome::Address(self.leg(*leg).map(|leg| leg.local.clone()).unwrap_or_default())
            }
            Op::Header { leg: LegId(0), name } => Outcome::Lines(
                world
                    .headers
                    .get(&name.to_ascii_lowercase())
                    .cloned()
                    .unwrap_or_default(),
            ),
            // A leg that we began has none of a peer's request.
            Op::Header { .. } => Outcome::Lines(Vec::new()),
            Op::ConfigDocument => Outcome::Text(world.settings.clone()),
            Op::ConfigEntryPoint => Outcome::Text(world.entry_point.clone()),
            Op::ConfigDomain => Outcome::Text(world.domain.clone()),
            Op::NowMs => Outcome::Number(self.wall().as_millisecond().max(0) as u64),
            Op::LocalTime => Outcome::LocalTime(self.local_time()),
            Op::Random => Outcome::Number(self.rng.random()),
            Op::Log { text, .. } => {
                self.seen.log.push(text.clone());
                Outcome::Done
            }
            Op::Step { id, .. } => {
                self.seen.steps.push(id.clone());
                Outcome::Done
            }
            Op::FindUser { number } => {
                Outcome::User(dialling::find(world, number).map(|(name, user)| User {
                    name: name.clone(),
                    display_name: user.display_name.clone(),
                    registered: user.registered,
                }))
            }
            Op::KvGet { key } => Outcome::Kv(Ok(KvValue::Value(self.store.get(key)))),
            Op::KvSet { key, value } => Outcome::Kv(self.store.set(key, value)),
            Op::KvDelete { key } => Outcome::Kv(Ok(KvValue::Deleted(self.store.delete(key)))),
            Op::KvIncrement { key, by } => Outcome::Kv(self.store.increment(key, *by)),
            Op::KvKeys { prefix, after, limit } => {
                Outcome::Kv(Ok(KvValue::Keys(self.store.keys(prefix, after, *limit))))
            }
            Op::Ring { .. }
            | Op::EarlyMedia { .. }
            | Op::Answer { .. }
            | Op::Play { .. }
            | Op::Collect { .. }
            | Op::SendDigits { .. }
            | Op::HangUp { .. }
            | Op::DropLeg { .. }
            | Op::Dial { .. }
            | Op::Bridge { .. }
            | Op::BridgeUntil { .. }
            | Op::WaitLegs { .. }
            | Op::SleepMs { .. }
            | Op::Record { .. }
            | Op::RecorderStart { .. }
            | Op::RecorderPause { .. }
            | Op::RecorderResume { .. }
            | Op::RecorderFinish { .. }
            | Op::DropRecorder { .. }
            | Op::Hold { .. }
            | Op::Resume { .. }
            | Op::Transfer { .. }
            | Op::HttpSend { .. }
            | Op::LookUpSchedule { .. }
            | Op::MetricCount { .. }
            | Op::MetricGauge { .. }
            | Op::MetricObserve { .. }
            | Op::FindContact { .. }
            | Op::PickUp { .. }
            | Op::SearchContacts { .. }
            | Op::SendMail { .. } => return None,
            Op::Voicemail { name, op } => self.voicemail(name, op),
            Op::Timer { name, op } => Outcome::Timer(self.timer(name, op)),
            Op::Deadline(op) => self.deadline_op(*op),
            Op::OriginateData => Outcome::OptionalText(world.data.clone()),
            Op::Originate {
                target,
                entry_point,
                data,
                ..
            } => {
                let (Target::User(name) | Target::Number(name)) = target;
                let user = dialling::find(world, name).map(|(name, _)| name.clone());
                let Some(user) = user else {
                    return Some(Outcome::Originated(Err(OriginateFailure::NotFound(name.clone()))));
                };
                self.seen
                    .originated
                    .push(format!("{user} {entry_point} {data}").trim_end().to_owned());
                Outcome::Originated(Ok(format!("call-{}", self.seen.originated.len())))
            }
            Op::RecordingDelete { name } => Outcome::Recording(self.delete_recording(name)),
            Op::SendMessage { user, .. } => Outcome::Messaged(messaged(world, user)),
        })
    }

    fn begin_op(&mut self, op: &Op) {
        match op {
            Op::Ring { leg } => {
                let outcome = self.leg(*leg).ok_or(LegError::Gone).and_then(Leg::ring);
                self.done(Outcome::Leg(outcome));
            }
            Op::EarlyMedia { leg } => self.open(*leg, false),
            Op::Answer { leg } => self.open(*leg, true),
            Op::Play { leg, prompts } => self.play(*leg, prompts),
            Op::Collect { leg, rule } => self.collect(*leg, rule),
            Op::SendDigits { leg, digits } => self.send_digits(*leg, digits),
            Op::HangUp { leg, cause } => {
                self.hang_up(*leg, cause.status(), words(*cause));
                self.done(Outcome::Leg(Ok(())));
            }
            Op::DropLeg { leg } => {
                self.hang_up(*leg, op::Cause::Normal.status(), words(op::Cause::Normal));
                self.done(Outcome::Done);
            }
            Op::Dial {
                caller,
                targets,
                options,
            } => self.dial(*caller, targets, options),
            Op::Bridge { first, second } => self.bridge(*first, *second, None),
            Op::BridgeUntil {
                first,
                second,
                digits,
            } => self.bridge(*first, *second, Some(digits.clone())),
            Op::WaitLegs { legs, timeout_ms } => self.wait_legs(legs, *timeout_ms),
            Op::SleepMs { duration_ms } => {
                let until = self.now() + Duration::from_millis((*duration_ms).into());
                self.pending = Pending::Sleeping { until };
            }
            Op::Record { leg, rule } => self.record(*leg, rule),
            Op::RecorderStart { leg, length_ms, .. } => self.start_recorder(*leg, *length_ms),
            Op::RecorderPause { recorder } => self.pause_recorder(*recorder, true),
            Op::RecorderResume { recorder } => self.pause_recorder(*recorder, false),
            Op::RecorderFinish { recorder } => self.finish_recorder(*recorder),
            Op::DropRecorder { recorder } => {
                self.end_tape(*recorder, RecordEnd::Finished);
                self.done(Outcome::Done);
            }
            Op::Hold { leg } => {
                let held = self.audible(*leg).map(|leg| leg.is_held());
                if held == Ok(false) {
                    self.play_music(*leg);
                }
                self.done(Outcome::Leg(held.map(drop)));
            }
            Op::Resume { leg } => {
                let held = self
                    .leg(*leg)
                    .filter(|leg| !leg.is_over())
                    .map(|leg| leg.is_held());
                if held == Some(true) {
                    self.stop_sound(*leg);
                }
                self.done(Outcome::Leg(held.map(drop).ok_or(LegError::Gone)));
            }
            Op::Transfer {
                leg,
                target,
                timeout_ms,
            } => self.transfer(*leg, target, *timeout_ms),
            Op::HttpSend { request } => self.begin_http(request),
            Op::SendMail { mail } => self.begin_mail(mail),
            Op::PickUp { picker, users } => self.pick_up(*picker, users),
            Op::Peer { .. }
            | Op::Local { .. }
            | Op::Header { .. }
            | Op::ConfigDocument
            | Op::ConfigEntryPoint
            | Op::ConfigDomain
            | Op::NowMs
            | Op::LocalTime
            | Op::Random
            | Op::Log { .. }
            | Op::Step { .. }
            | Op::FindUser { .. }
            | Op::KvGet { .. }
            | Op::KvSet { .. }
            | Op::KvDelete { .. }
            | Op::KvIncrement { .. }
            | Op::KvKeys { .. }
            | Op::RecordingDelete { .. }
            | Op::Voicemail { .. }
            | Op::SendMessage { .. }
            | Op::LookUpSchedule { .. }
            | Op::MetricCount { .. }
            | Op::MetricGauge { .. }
            | Op::MetricObserve { .. }
            | Op::FindContact { .. }
            | Op::SearchContacts { .. }
            | Op::Originate { .. }
            | Op::Timer { .. }
            | Op::Deadline(_)
            | Op::OriginateData => (), // answered before
        }
    }

    /// The wall clock.
    pub(super) fn wall(&self) -> Timestamp {
        let start = self.case.world.start;
        start.saturating_add(self.now()).unwrap_or(start)
    }

    fn local_time(&self) -> LocalTime {
        let local = self.wall().to_zoned(self.case.world.time_zone.clone());
        LocalTime {
            year: local.year(),
            month: local.month().unsigned_abs(),
            day: local.day().unsigned_abs(),
            weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
            hour: local.hour().unsigned_abs(),
            minute: local.minute().unsigned_abs(),
            second: local.second().unsigned_abs(),
            utc_offset_s: local.offset().seconds(),
        }
    }

    fn open(&mut self, id: LegId, answer: bool) {
        let was_up = self.leg(id).is_some_and(|leg| leg.is_up());
        let outcome = self
            .leg(id)
            .ok_or(LegError::Gone)
            .and_then(|leg| leg.open(answer));
        if answer && outcome.is_ok() && !was_up {
            self.journal.input(Input::LegAnswered { leg: id });
        }
        self.done(Outcome::Leg(outcome));
    }

    /// Whether something can be played on the leg.
    pub(super) fn audible(&mut self, id: LegId) -> Result<&mut Leg, LegError> {
        let leg = self.leg(id).filter(|leg| !leg.is_over()).ok_or(LegError::Gone)?;
        if leg.is_audible() {
            Ok(leg)
        } else if leg.state == State::Elsewhere {
            Err(LegError::WrongState(
                "the leg is one of another call: it can be bridged and hung up".into(),
            ))
        } else {
            Err(LegError::WrongState(
                "the leg has no media yet: answer it, or open early media".into(),
            ))
        }
    }

    fn play(&mut self, id: LegId, prompts: &[Prompt]) {
        if let Err(error) = self.audible(id).map(drop) {
            return self.done(Outcome::Played(Err(error)));
        }
        self.pending = Pending::Playing { leg: id };
        if let Err(error) = self.play_prompts(id, prompts) {
            self.done(Outcome::Played(Err(error)));
        }
    }

    fn collect(&mut self, id: LegId, rule: &CollectRule) {
        let now = self.now();
        let leg = match self.audible(id) {
            Err(error) => return self.done(Outcome::Collected(Err(error))),
            Ok(leg) => leg,
        };
        let kept: Vec<char> = leg.digits.drain(..).filter(|_| rule.barge_in).collect();
        let mut collector = Collector::new(rule.clone(), now);
        let mut kept = kept.into_iter();
        for digit in kept.by_ref() {
            if let Progress::Over(collected) = collector.handle_digit(digit, now) {
                leg.digits.extend(kept);
                return self.done(Outcome::Collected(Ok(collected)));
            }
        }
        // A digit that was typed ahead has stopped the prompts before they began.
        let plays = collector.deadline().is_none();
        self.pending = Pending::Collecting { leg: id, collector };
        if !plays && self.leg(id).is_some_and(|leg| leg.is_held()) {
            self.stop_sound(id);
        }
        if plays && let Err(error) = self.play_prompts(id, &rule.prompts) {
            self.done(Outcome::Collected(Err(error)));
        }
    }

    fn send_digits(&mut self, id: LegId, digits: &str) {
        if let Err(error) = self.audible(id).map(drop) {
            return self.done(Outcome::Leg(Err(error)));
        }
        let time = |digit| if digit == ',' { PAUSE } else { DIGIT };
        let until = self.now() + digits.chars().map(time).sum();
        self.pending = Pending::Sending { leg: id, until };
    }

    fn bridge(&mut self, first: LegId, second: LegId, until: Option<String>) {
        let is_gone = |id: LegId| self.legs.get(id.0 as usize).is_none_or(Leg::is_over);
        let refused = if is_gone(first) || is_gone(second) {
            Some(LegError::Gone)
        } else if !self.leg(second).is_some_and(|leg| leg.is_up()) {
            Some(LegError::WrongState("the second leg is not answered".into()))
        } else {
            None
        };
        if let Some(error) = refused {
            return self.bridged(Err(error), until.is_some());
        }
        if let Some(leg) = self.leg(first)
            && matches!(leg.state, State::Incoming { .. })
        {
            leg.state = State::Up;
            leg.answered = true;
            self.journal.input(Input::LegAnswered { leg: first });
        }
        let since = self.now();
        for id in [first, second] {
            self.stop_sound(id);
            if let Some(leg) = self.leg(id) {
                leg.bridges.push(since);
            }
        }
        self.pending = Pending::Bridging {
            first,
            second,
            since,
            until,
        };
    }

    /// Takes over the call that the world has ringing at one of the users: who calls there is a leg of its own.
    fn pick_up(&mut self, picker: LegId, users: &[String]) {
        let refused = match self.leg(picker).filter(|leg| !leg.is_over()) {
            None => Some(PickUpFailure::Gone),
            Some(leg) if !leg.is_audible() => Some(PickUpFailure::WrongState("answer the leg first".into())),
            Some(_) => None,
        };
        if let Some(failure) = refused {
            return self.done(Outcome::PickedUp(Err(failure)));
        }
        let rings =
            |user: &&String| self.case.world.ringing.contains_key(*user) && !self.picked.contains(*user);
        let Some(user) = users.iter().find(rings).cloned() else {
            return self.done(Outcome::PickedUp(Err(PickUpFailure::NothingRings)));
        };
        let Some(ringing) = self.case.world.ringing.get(&user).cloned() else {
            return;
        };
        self.picked.insert(user.clone());
        let id = self.add_elsewhere(&ringing.from, &user, ringing.acts);
        self.journal.input(Input::LegAnswered { leg: id });
        self.done(Outcome::PickedUp(Ok(id)));
    }

    /// The phone on the leg calls the target, where it is a user of the world, and tells how that went.
    fn transfer(&mut self, id: LegId, target: &TransferTarget, timeout_ms: u32) {
        let refused = match self.leg(id).filter(|leg| !leg.is_over()) {
            None => Some(TransferFailure::Gone),
            Some(leg) if leg.state != State::Up => {
                Some(TransferFailure::WrongState("the leg is not answered".into()))
            }
            Some(_) => None,
        };
        if let Some(failure) = refused {
            return self.done(Outcome::Transferred(Err(failure)));
        }
        let (time, outcome) = self.transferred(target);
        let most = Duration::from_millis(timeout_ms.into());
        let timed_out = time.is_none_or(|time| time > most);
        self.pending = Pending::Transferring {
            leg: id,
            until: self.now() + time.unwrap_or(most).min(most),
            outcome: if timed_out {
                Err(TransferFailure::TimedOut)
            } else {
                outcome
            },
        };
    }

    /// The scenario, or its end, hangs a leg up: a final status, CANCEL or BYE, whichever its state wants.
    pub(super) fn hang_up(&mut self, id: LegId, status: u16, words: &str) {
        let status = match self.leg(id).map(|leg| leg.state) {
            Some(State::Up | State::Elsewhere) if status == 480 => 200,
            Some(State::Up | State::Elsewhere | State::Incoming { .. }) => status,
            Some(State::Outgoing) => 487,
            Some(State::Over) | None => return,
        };
        self.end_leg(id, By::Scenario, status, words);
    }
}

/// What becomes of a message: the devices of a registered user take it.
fn messaged(world: &World, name: &str) -> Result<Delivery, MessageFailure> {
    let user = world
        .users
        .get(name)
        .ok_or_else(|| MessageFailure::NotFound(name.to_owned()))?;
    if !user.registered {
        return Err(MessageFailure::NoDevice);
    }
    Ok(Delivery {
        accepted: 1,
        devices: 1,
    })
}

fn words(cause: op::Cause) -> &'static str {
    match cause {
        op::Cause::Normal => "ended by the scenario",
        op::Cause::Busy => "busy",
        op::Cause::Declined => "declined",
        op::Cause::NotFound => "not found",
        op::Cause::Forbidden => "forbidden",
        op::Cause::Unavailable => "unavailable",
        op::Cause::Congested => "congested",
        op::Cause::Status(_) => "refused by the scenario",
    }
}
