//! What is written down beyond what each behaviour's own test looks at.

use tandem_directory::records::LegRole;
use tandem_host_api::op::{Cause, LegId, Op, Outcome, Target};
use tandem_host_api::{End, Input};

use crate::kit::*;

#[test]
fn a_record_has_both_legs_with_their_times_and_sound() {
    let mut w = World::new(1);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    w.run(secs(2));
    let targets = vec![Target::User("302".into())];
    w.perform(
        call,
        Op::Dial {
            caller: LegId(0),
            targets,
            options: super::dialling::options(),
        },
    );
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    w.run(secs(3));
    b.pick_up(&mut w);
    w.outcomes.clear();
    w.perform(
        call,
        Op::Bridge {
            first: LegId(0),
            second: LegId(1),
        },
    );
    w.run(secs(10));
    a.bye(&mut w);
    w.end(call, End::Returned);
    let record = w.record();
    let at = |s: i64| jiff::Timestamp::from_second(s).unwrap();
    assert_eq!(
        (record.summary.started_at, record.summary.answered_at),
        (at(0), Some(at(0)))
    );
    assert_eq!(
        (record.summary.ended_at, record.summary.duration_ms),
        (at(15), 15_000)
    );
    assert_eq!(record.summary.entry_point.as_deref(), Some(NUMBER));
    assert_eq!(record.summary.scenario.as_deref(), Some("menu"));
    let [caller, callee] = record.legs.as_slice() else {
        panic!("two legs")
    };
    assert_eq!((caller.role, caller.talk_ms), (LegRole::Caller, 15_000));
    assert_eq!(
        (callee.role, callee.talk_ms, callee.started_at),
        (LegRole::Callee, 10_000, at(2))
    );
    assert_eq!(
        (callee.answered_at, callee.user.as_deref()),
        (Some(at(5)), Some("302"))
    );
    assert_eq!(
        (callee.codec.as_deref(), callee.rtp_sent, callee.rtp_lost),
        (Some("PCMA"), 50, 1)
    );
    assert_eq!(callee.peer_uri, "sip:302@a.example");
}

#[test]
fn a_busy_callee_whose_refusal_is_passed_on_ended_the_call() {
    let mut w = World::new(2);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let call = Phone::new("301", 6010).call(&mut w);
    let targets = vec![Target::User("302".into())];
    w.perform(
        call,
        Op::Dial {
            caller: LegId(0),
            targets,
            options: super::dialling::options(),
        },
    );
    assert!(b.rings(&mut w));
    b.respond(&mut w, 486, None);
    assert!(matches!(w.outcomes.pop_front(), Some(Outcome::Dialled(Err(_)))));
    w.perform(
        call,
        Op::HangUp {
            leg: LegId(0),
            cause: Cause::Busy,
        },
    );
    w.end(call, End::Returned);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("busy", "callee")
    );
    assert_eq!(summary.sip_status, Some(486));
}

/// After the callee has hung up, a caller who hangs up on the scenario ends the call himself.
#[test]
fn the_caller_who_stays_after_the_callee_ends_the_call() {
    let mut w = World::new(3);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    let targets = vec![Target::User("302".into())];
    w.perform(
        call,
        Op::Dial {
            caller: LegId(0),
            targets,
            options: super::dialling::options(),
        },
    );
    assert!(b.rings(&mut w));
    b.pick_up(&mut w);
    w.outcomes.clear();
    b.bye(&mut w);
    w.run(secs(1));
    a.bye(&mut w);
    w.end(call, End::Returned);
    assert_eq!(w.record().summary.ended_by, "caller");
}

#[test]
fn a_record_waits_for_the_gates_statistics_no_longer_than_three_seconds() {
    let mut w = World::new(4);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    w.gate = kit_gate_that_is_gone();
    a.bye(&mut w);
    w.end(call, End::Returned);
    assert!(w.records.is_empty());
    w.run(secs(3));
    assert_eq!(w.record().legs[0].rtp_sent, 0);
    assert_eq!(w.shard.calls(), 0);
}

/// A gate that knows none of the endpoints: it answers no Close.
fn kit_gate_that_is_gone() -> Gate {
    Gate::default()
}

#[test]
fn the_journal_gets_what_happened_to_the_legs() {
    let mut w = World::new(5);
    let mut a = Phone::new("301", 6010);
    a.talk(&mut w);
    w.digit(phone::endpoint(0), '5');
    a.bye(&mut w);
    assert_eq!(
        w.journal,
        [
            Input::LegAnswered { leg: LegId(0) },
            Input::Digit {
                leg: LegId(0),
                digit: '5'
            },
            Input::LegEnded {
                leg: LegId(0),
                cause: "hung up".into()
            }
        ]
    );
}

/// The same seed gives the same messages, tags and Call-IDs included.
#[test]
fn a_seed_tells_everything() {
    let run = |seed| {
        let mut w = World::new(seed);
        let mut b = Phone::new("302", 6020);
        b.register(&mut w, "1");
        let call = Phone::new("301", 6010).call(&mut w);
        let targets = vec![Target::User("302".into())];
        w.perform(
            call,
            Op::Dial {
                caller: LegId(0),
                targets,
                options: super::dialling::options(),
            },
        );
        w.inbox(6020)[0].as_bytes().clone()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
