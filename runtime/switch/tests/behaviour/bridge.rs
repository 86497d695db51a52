//! Two legs that hear each other.

use tandem_bus::media::{Command, Event};
use tandem_host_api::End;
use tandem_host_api::op::{BridgeEnd, LegError, LegId, Op, Outcome, Target};
use tandem_sip::Method;
use tandem_switch::{CallKey, Input};

use crate::kit::phone::endpoint;
use crate::kit::*;

/// A caller and a callee who talk.
fn bridged(seed: u64, answered_before: bool) -> (World, Phone, CallKey, Phone) {
    let mut w = World::new(seed);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let mut a = Phone::new("301", 6010);
    let call = if answered_before {
        a.talk(&mut w)
    } else {
        a.call(&mut w)
    };
    let targets = vec![Target::User("302".into())];
    let dial = Op::Dial {
        caller: LegId(0),
        targets,
        options: super::dialling::options(),
    };
    assert_eq!(w.perform(call, dial), None);
    assert!(b.rings(&mut w));
    b.pick_up(&mut w);
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Dialled(Ok(LegId(1)))));
    assert_eq!(
        w.perform(
            call,
            Op::Bridge {
                first: LegId(0),
                second: LegId(1)
            }
        ),
        None
    );
    if !answered_before {
        a.take_ok(&mut w);
        a.ack(&mut w, None);
    }
    assert!(w.gate.was_told(|c| matches!(c, Command::Join { .. })));
    w.got(6020);
    (w, a, call, b)
}

#[test]
fn a_bridge_answers_the_caller() {
    let (w, a, _, _) = bridged(1, false);
    assert!(a.dialog.is_some());
    assert!(w.outcomes.is_empty());
}

#[test]
fn either_end_may_hang_up_and_the_pair_is_parted() {
    for first in [true, false] {
        let (mut w, mut a, call, mut b) = bridged(2, true);
        w.run(secs(7));
        if first {
            a.bye(&mut w);
        } else {
            b.bye(&mut w);
        }
        assert!(w.gate.was_told(|c| matches!(c, Command::Part { .. })));
        let end = if first {
            BridgeEnd::FirstHungUp
        } else {
            BridgeEnd::SecondHungUp
        };
        assert_eq!(w.outcomes.pop_front(), Some(Outcome::Bridged(Ok(end))));
        w.end(call, End::Returned);
        let other = if first { 6020 } else { 6010 };
        assert_eq!(w.got(other), ["BYE"]);
        let record = w.record();
        assert_eq!(record.summary.ended_by, if first { "caller" } else { "callee" });
        assert_eq!(
            (record.summary.cause.as_str(), record.summary.duration_ms),
            ("normal", 7_000)
        );
        assert_eq!(
            record.legs.iter().map(|leg| leg.talk_ms).collect::<Vec<_>>(),
            [7_000, 7_000]
        );
        assert!(w.gate.endpoints().is_empty());
    }
}

#[test]
fn a_peer_that_fell_silent_is_asked_and_a_lost_one_ends_the_bridge() {
    let (mut w, _a, call, mut b) = bridged(3, true);
    w.give(Input::Media(Event::Unheard {
        endpoint: endpoint(1),
        for_ms: 30_000,
    }));
    let got = w.inbox(6020);
    assert_eq!(got[0].method(), Some(Method::Options));
    b.reply(&mut w, &got[0], 200);
    assert!(w.outcomes.is_empty(), "it is still there: on hold, say");
    w.give(Input::Media(Event::Unheard {
        endpoint: endpoint(1),
        for_ms: 30_000,
    }));
    let got = w.inbox(6020);
    b.reply(&mut w, &got[0], 481);
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Bridged(Ok(BridgeEnd::Lost)))
    );
    w.end(call, End::Returned);
    assert_eq!(w.record().summary.ended_by, "system");
    b.dialog = None;
}

#[test]
fn a_peer_that_does_not_answer_the_probe_is_lost() {
    let (mut w, _a, call, _b) = bridged(4, true);
    w.give(Input::Media(Event::Unheard {
        endpoint: endpoint(0),
        for_ms: 30_000,
    }));
    w.run(secs(33));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Bridged(Ok(BridgeEnd::Lost)))
    );
    w.end(call, End::Returned);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("lost", "system")
    );
}

#[test]
fn digits_of_a_conversation_are_not_collected_afterwards() {
    let (mut w, _a, call, mut b) = bridged(5, true);
    w.digit(endpoint(0), '7');
    b.bye(&mut w);
    w.outcomes.clear();
    let rule = tandem_host_api::op::CollectRule {
        prompts: Vec::new(),
        barge_in: true,
        min: 1,
        max: 1,
        terminators: String::new(),
        first_digit_timeout_ms: 1_000,
        inter_digit_timeout_ms: 1_000,
    };
    assert_eq!(w.perform(call, Op::Collect { leg: LegId(0), rule }), None);
}

#[test]
fn what_cannot_be_bridged_is_said() {
    let mut w = World::new(6);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    let outcome = w.perform(
        call,
        Op::Bridge {
            first: LegId(0),
            second: LegId(0),
        },
    );
    assert!(matches!(
        outcome,
        Some(Outcome::Bridged(Err(LegError::BadArgument(_))))
    ));
    let outcome = w.perform(
        call,
        Op::Bridge {
            first: LegId(0),
            second: LegId(9),
        },
    );
    assert_eq!(outcome, Some(Outcome::Bridged(Err(LegError::Gone))));
}
