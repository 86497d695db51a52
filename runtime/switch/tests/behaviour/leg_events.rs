//! Several legs at once, bridges that a digit ends, and deadlines; undisturbed and with deaths in every place.

use tandem_bus::media::Command;
use tandem_host_api::End;
use tandem_host_api::op::{
    BridgeUntilEnd, CollectRule, DeadlineOp, LegError, LegEvent, LegId, Op, Outcome, Prompt, RecordEnd,
    RecordRule, Target,
};

use super::restart::{answer_bye, at_every_point, joined, respond};
use crate::kit::*;

const LEG: LegId = LegId(0);

/// Asks for it, and gives what has come of it so far.
fn ask(w: &mut World, call: tandem_switch::CallKey, op: Op) -> Option<Outcome> {
    let outcome = w.perform(call, op);
    outcome.or_else(|| w.outcomes.pop_front())
}

fn press(w: &mut World, leg: usize, digit: char) -> Option<Outcome> {
    let endpoint = w.gate.endpoints()[leg];
    w.digit(endpoint, digit);
    w.outcomes.pop_front()
}

/// The caller and 302 talk until a star, each presses something, they talk on, and the caller hangs up.
fn codes(w: &mut World) {
    let mut b = Phone::new("302", 6020);
    b.register(w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.talk(w);
    let dial = Op::Dial {
        caller: LEG,
        targets: vec![Target::User("302".into())],
        options: super::dialling::options(),
    };
    assert_eq!(ask(w, call, dial), None);
    assert!(b.rings(w));
    b.respond(w, 180, None);
    w.run(secs(1));
    respond(w, &mut b, 200);
    let Some(Outcome::Dialled(Ok(second))) = w.outcomes.pop_front() else {
        panic!("{:?}", w.all_outcomes)
    };
    let until = || Op::BridgeUntil {
        first: LEG,
        second,
        digits: "*#".into(),
    };
    let wait = |timeout_ms| Op::WaitLegs {
        legs: vec![LEG, second],
        timeout_ms,
    };
    assert_eq!(ask(w, call, until()), None);
    w.run(secs(2));
    assert!(joined(w).is_some());
    assert_eq!(press(w, 0, '1'), None, "not one of them");
    assert_eq!(press(w, 1, '*'), None, "not the first leg's");
    let end = Outcome::BridgedUntil(Ok(BridgeUntilEnd::Digit('*')));
    assert_eq!(press(w, 0, '*'), Some(end));
    assert_eq!(joined(w), None);

    // What is pressed after it waits; then it is told as it comes.
    assert_eq!(press(w, 0, '2'), None);
    let digit = |place, digit| Some(Outcome::LegEvent(Ok(LegEvent::Digit(place, digit))));
    assert_eq!(ask(w, call, wait(5_000)), digit(0, '2'));
    assert_eq!(ask(w, call, wait(5_000)), None);
    w.run(secs(1));
    assert_eq!(press(w, 1, '#'), digit(1, '#'));
    assert_eq!(ask(w, call, wait(1_000)), None);
    w.run(secs(2));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::LegEvent(Ok(LegEvent::Timeout)))
    );

    assert_eq!(ask(w, call, until()), None);
    w.run(secs(2));
    assert!(joined(w).is_some());
    a.bye(w);
    let end = Outcome::BridgedUntil(Ok(BridgeUntilEnd::FirstHungUp));
    assert_eq!(w.outcomes.pop_front(), Some(end));
    let gone = Some(Outcome::LegEvent(Ok(LegEvent::Gone(0))));
    assert_eq!(ask(w, call, wait(1_000)), gone);
    w.end(call, End::Returned);
    answer_bye(w, &b);
}

#[test]
fn a_digit_ends_a_bridge_and_both_legs_are_there_whenever_the_server_dies() {
    at_every_point(codes);
}

fn set(after_ms: u32) -> Op {
    Op::Deadline(DeadlineOp::Set { after_ms })
}

fn late<T>() -> Result<T, LegError> {
    Err(LegError::Limit("the deadline has passed".into()))
}

/// Three seconds for a playback of nine and what follows, then two for a recording.
fn limited(w: &mut World) {
    let a = &mut Phone::new("301", 6010);
    let call = a.talk(w);
    assert_eq!(ask(w, call, set(3_000)), Some(Outcome::Done));
    let prompts = vec![Prompt::Silence(9_000)];
    let play = Op::Play { leg: LEG, prompts };
    assert_eq!(ask(w, call, play.clone()), None);
    w.run(ms(2_900));
    assert_eq!(w.outcomes.pop_front(), None);
    w.run(ms(200));
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Played(late())));
    assert_eq!(ask(w, call, play), Some(Outcome::Played(late())));
    let passed = || Op::Deadline(DeadlineOp::Passed);
    assert_eq!(ask(w, call, passed()), Some(Outcome::Flag(true)));
    assert_eq!(ask(w, call, Op::Deadline(DeadlineOp::Clear)), Some(Outcome::Done));
    assert_eq!(ask(w, call, passed()), Some(Outcome::Flag(false)));

    assert_eq!(ask(w, call, set(2_000)), Some(Outcome::Done));
    let rule = RecordRule {
        beep: true,
        length_ms: 60_000,
        silence_ms: 0,
        stop_digits: String::new(),
        pause_digit: String::new(),
    };
    assert_eq!(ask(w, call, Op::Record { leg: LEG, rule }), None);
    w.run(secs(3));
    match w.outcomes.pop_front() {
        Some(Outcome::Recorded(Ok(it))) => {
            assert_eq!((it.end, it.recording.duration_ms), (RecordEnd::Length, 1_750));
        }
        other => panic!("{other:?}"),
    }
    w.end(call, End::Returned);
    answer_bye(w, a);
}

#[test]
fn a_deadline_ends_what_is_waited_for_whenever_the_server_dies() {
    at_every_point(limited);
}

#[test]
fn what_plays_stops_at_the_deadline_and_a_sleep_returns() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    ask(&mut w, call, set(2_000));
    let rule = CollectRule {
        prompts: vec![Prompt::Silence(60_000)],
        barge_in: true,
        min: 4,
        max: 4,
        terminators: String::new(),
        first_digit_timeout_ms: 5_000,
        inter_digit_timeout_ms: 5_000,
    };
    let collect = Op::Collect { leg: LEG, rule };
    assert_eq!(ask(&mut w, call, collect.clone()), None);
    w.run(secs(3));
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Collected(late())));
    assert!(w.gate.was_told(|c| matches!(c, Command::Stop { .. })));
    // A sleep has no error: it returns.
    let sleep = Op::SleepMs { duration_ms: 60_000 };
    assert_eq!(ask(&mut w, call, sleep), Some(Outcome::Done));
    assert_eq!(ask(&mut w, call, collect), Some(Outcome::Collected(late())));
}
