//! Who rings, who is cancelled, and what the scenario is told.

use tandem_bus::media::Command;
use tandem_host_api::op::{DialFailure, DialOptions, LegId, Op, Outcome, Strategy, Target};
use tandem_host_api::{End, Input};
use tandem_sip::{Method, Name};
use tandem_switch::CallKey;

use crate::kit::*;

const LEG: LegId = LegId(0);

pub fn options() -> DialOptions {
    DialOptions {
        strategy: Strategy::Parallel,
        timeout_ms: 20_000,
        caller_id: None,
        ringback: true,
    }
}

fn dial(w: &mut World, call: CallKey, users: &[&str], options: DialOptions) -> Option<Outcome> {
    let targets = users.iter().map(|user| Target::User((*user).into())).collect();
    w.perform(
        call,
        Op::Dial {
            caller: LEG,
            targets,
            options,
        },
    )
}

fn in_turn() -> DialOptions {
    DialOptions {
        strategy: Strategy::InTurn,
        ..options()
    }
}

fn failed(why: DialFailure) -> Option<Outcome> {
    Some(Outcome::Dialled(Err(why)))
}

/// A world with a caller that is being rung for, and the phones 302 and 303.
fn world(seed: u64) -> (World, Phone, CallKey, Phone, Phone) {
    let mut w = World::new(seed);
    let (mut b, mut c) = (Phone::new("302", 6020), Phone::new("303", 6030));
    b.register(&mut w, "1");
    c.register(&mut w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    (w, a, call, b, c)
}

/// The phone got a CANCEL and says so.
fn cancelled(w: &mut World, phone: &mut Phone) {
    let got = w.inbox(phone.port);
    let cancel = got
        .iter()
        .find(|m| m.method() == Some(Method::Cancel))
        .expect("a CANCEL");
    phone.reply(w, cancel, 200);
    phone.respond(w, 487, None);
    assert!(w.got(phone.port).contains(&"ACK".to_owned()));
}

#[test]
fn all_ring_the_first_to_answer_wins_and_the_others_are_cancelled() {
    let (mut w, _a, call, mut b, mut c) = world(1);
    assert_eq!(dial(&mut w, call, &["302", "303"], options()), None);
    assert!(b.rings(&mut w) && c.rings(&mut w));
    b.respond(&mut w, 180, None);
    c.respond(&mut w, 180, None);
    assert_eq!(w.got(6010), ["180"], "the caller hears of the first to ring");
    c.pick_up(&mut w);
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Dialled(Ok(LegId(2)))));
    assert_eq!(w.got(6030), ["ACK"]);
    cancelled(&mut w, &mut b);
}

#[test]
fn the_callee_sees_who_calls_and_fewer_hops() {
    let (mut w, _a, call, mut b, _c) = world(2);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    let invite = b.invite.clone().unwrap();
    assert_eq!(invite.uri_str(), "sip:302@127.0.0.1:6020");
    let from = invite.from().unwrap();
    assert_eq!(
        (
            from.uri.user().unwrap().as_ref(),
            from.uri.host.to_string().as_str()
        ),
        ("301", DOMAIN)
    );
    assert_eq!(from.display_name().unwrap(), "User 301");
    assert_eq!(invite.header_str(Name::MaxForwards), Some("69"));
    assert_eq!(invite.to().unwrap().tag(), None);
    assert!(invite.body().starts_with(b"v=0"));
}

#[test]
fn in_turn_the_next_rings_after_the_first_has_failed() {
    let (mut w, _a, call, mut b, mut c) = world(3);
    dial(&mut w, call, &["302", "303"], in_turn());
    assert!(b.rings(&mut w) && !c.rings(&mut w));
    b.respond(&mut w, 486, None);
    assert_eq!(w.got(6020), ["ACK"]);
    assert!(c.rings(&mut w));
    c.pick_up(&mut w);
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Dialled(Ok(LegId(2)))));
}

#[test]
fn in_turn_each_has_the_whole_time_and_busy_says_more_than_no_answer() {
    let (mut w, _a, call, mut b, mut c) = world(4);
    dial(&mut w, call, &["302", "303"], in_turn());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    w.run(ms(19_999));
    assert!(!c.rings(&mut w));
    w.run(ms(1));
    cancelled(&mut w, &mut b);
    assert!(c.rings(&mut w));
    c.respond(&mut w, 486, None);
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::Busy));
}

#[test]
fn devices_of_one_user_ring_by_their_q_values_in_groups() {
    let mut w = World::new(5);
    let mut phones: Vec<_> = [(6020, "0.9"), (6030, "0.5"), (6040, "0.9")]
        .map(|(port, q)| {
            let mut phone = Phone::new("302", port);
            phone.register(&mut w, q);
            phone
        })
        .into();
    let call = Phone::new("301", 6010).call(&mut w);
    dial(&mut w, call, &["302"], options());
    let rings: Vec<_> = phones.iter_mut().map(|phone| phone.rings(&mut w)).collect();
    assert_eq!(rings, [true, false, true]);
    phones[0].respond(&mut w, 486, None);
    assert!(!phones[1].rings(&mut w), "one of the first group still rings");
    phones[2].respond(&mut w, 480, None);
    assert!(phones[1].rings(&mut w));
    phones[1].respond(&mut w, 603, None);
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::Declined));
}

#[test]
fn nobody_answers_in_time_and_all_are_cancelled() {
    let (mut w, _a, call, mut b, mut c) = world(6);
    dial(&mut w, call, &["302", "303"], options());
    assert!(b.rings(&mut w) && c.rings(&mut w));
    b.respond(&mut w, 180, None);
    c.respond(&mut w, 183, None);
    w.run(secs(20));
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::NoAnswer));
    cancelled(&mut w, &mut b);
    cancelled(&mut w, &mut c);
}

#[test]
fn a_caller_that_gives_up_stops_the_ringing() {
    let (mut w, mut a, call, mut b, _c) = world(7);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    w.run(secs(3));
    a.cancel(&mut w);
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::CallerGone));
    cancelled(&mut w, &mut b);
    w.end(call, End::CallOver);
    let record = w.record();
    assert_eq!(
        (record.summary.cause.as_str(), record.summary.ended_by.as_str()),
        ("cancelled", "caller")
    );
    assert_eq!(record.legs.len(), 2);
    assert_eq!(
        (record.legs[1].cause.as_str(), record.legs[1].sip_status),
        ("no longer wanted", Some(487))
    );
}

/// RFC 3261 §9.1: no CANCEL before the first provisional response.
#[test]
fn a_cancel_waits_for_the_first_response() {
    let (mut w, mut a, call, mut b, _c) = world(8);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    a.cancel(&mut w);
    assert!(w.got(6020).is_empty());
    w.outcomes.clear();
    b.respond(&mut w, 180, None);
    cancelled(&mut w, &mut b);
}

#[test]
fn a_200_that_crosses_our_cancel_is_acked_and_hung_up() {
    let (mut w, mut a, call, mut b, _c) = world(9);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    a.cancel(&mut w);
    w.outcomes.clear();
    assert_eq!(w.got(6020), ["CANCEL"]);
    b.pick_up(&mut w);
    assert_eq!(w.got(6020), ["ACK", "BYE"]);
    b.pick_up(&mut w);
    assert_eq!(
        w.got(6020),
        ["ACK"],
        "a repeated 200 gets the same ACK and no second BYE"
    );
    let cause = "no longer wanted".to_owned();
    assert_eq!(w.journal.last(), Some(&Input::LegEnded { leg: LegId(1), cause }));
    // The scenario goes on without legs: it is stopped.
    w.run(secs(31));
    assert_eq!(w.stopped, [call]);
}

#[test]
fn a_200_that_comes_when_the_call_is_forgotten_is_acked_and_hung_up() {
    let (mut w, mut a, call, mut b, _c) = world(10);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    a.cancel(&mut w);
    w.end(call, End::CallOver);
    assert_eq!(w.shard.calls(), 0);
    w.got(6020);
    b.pick_up(&mut w);
    assert_eq!(w.got(6020), ["ACK", "BYE"]);
}

/// A server of RFC 2543 may never send the 487.
#[test]
fn a_leg_whose_cancel_gets_no_answer_is_given_up() {
    let (mut w, mut a, call, mut b, _c) = world(11);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    a.cancel(&mut w);
    w.outcomes.clear();
    w.run(secs(33));
    assert!(w.stopped.is_empty());
    w.run(secs(30));
    assert_eq!(w.stopped, [call], "30 s after the leg was given up");
}

#[test]
fn a_call_has_so_many_legs_and_no_more() {
    let (mut w, _a, call, mut b, _c) = world(16);
    for _ in 1..256 {
        dial(&mut w, call, &["302"], options());
        assert!(b.rings(&mut w));
        b.respond(&mut w, 486, None);
        assert_eq!(w.outcomes.pop_front(), failed(DialFailure::Busy));
    }
    let limit = DialFailure::Limit("a call has at most 256 legs".into());
    let refused = dial(&mut w, call, &["302"], options()).or_else(|| w.outcomes.pop_front());
    assert_eq!(refused, failed(limit));
    assert!(!b.rings(&mut w));
}

#[test]
fn a_user_without_devices_is_unreachable_and_an_unknown_one_not_found() {
    let (mut w, _a, call, _b, _c) = world(12);
    assert_eq!(
        dial(&mut w, call, &["305"], options()),
        failed(DialFailure::Unreachable)
    );
    assert!(matches!(
        dial(&mut w, call, &["999"], options()),
        Some(Outcome::Dialled(Err(DialFailure::NotFound(_))))
    ));
}

#[test]
fn a_user_of_another_domain_cannot_be_dialled() {
    let (mut w, _a, call, _b, _c) = world(13);
    let mut other = Phone::of("b.example", "401", 6040);
    other.register(&mut w, "1");
    assert!(matches!(
        dial(&mut w, call, &["401"], options()),
        Some(Outcome::Dialled(Err(DialFailure::NotFound(_))))
    ));
    assert!(!other.rings(&mut w));
}

#[test]
fn a_device_that_does_not_answer_at_all_is_unreachable() {
    let (mut w, _a, call, mut b, _c) = world(14);
    dial(
        &mut w,
        call,
        &["302"],
        DialOptions {
            timeout_ms: 60_000,
            ..options()
        },
    );
    assert!(b.rings(&mut w));
    w.run(secs(32));
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::Unreachable));
}

#[test]
fn refusals_are_told_in_the_scenarios_words() {
    for (status, failure) in [
        (486, DialFailure::Busy),
        (600, DialFailure::Busy),
        (603, DialFailure::Declined),
        (480, DialFailure::Unreachable),
        (488, DialFailure::Media("no common codec with the callee".into())),
        (503, DialFailure::Rejected(503, "Says The Phone".into())),
        (302, DialFailure::Rejected(302, "Says The Phone".into())),
    ] {
        let (mut w, _a, call, mut b, _c) = world(15);
        dial(&mut w, call, &["302"], options());
        assert!(b.rings(&mut w));
        b.respond(&mut w, status, None);
        assert_eq!(w.outcomes.pop_front(), failed(failure), "{status}");
    }
}

#[test]
fn an_answered_caller_hears_ringback_until_the_callee_answers() {
    let mut w = World::new(16);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let call = Phone::new("301", 6010).talk(&mut w);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    assert!(
        w.gate
            .was_told(|c| matches!(c, Command::Play { repeat: true, .. }))
    );
    assert!(!w.gate.was_told(|c| matches!(c, Command::Stop { .. })));
    b.pick_up(&mut w);
    assert!(w.gate.was_told(|c| matches!(c, Command::Stop { .. })));
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Dialled(Ok(LegId(1)))));
}

#[test]
fn without_ports_the_callee_never_rings() {
    let (mut w, _a, call, mut b, _c) = world(17);
    w.gate.refuses = Some(tandem_bus::media::Refusal::Full);
    assert!(matches!(
        dial(&mut w, call, &["302"], options()),
        Some(Outcome::Dialled(Err(DialFailure::Media(_))))
    ));
    assert!(!b.rings(&mut w));
}

#[test]
fn an_answer_without_a_common_codec_is_acked_and_hung_up() {
    let (mut w, _a, call, mut b, _c) = world(18);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 200, Some(sdp(6021, "").replace("AVP 8 101", "AVP 18")));
    assert_eq!(w.got(6020), ["ACK", "BYE"]);
    assert!(matches!(
        w.outcomes.pop_front(),
        Some(Outcome::Dialled(Err(DialFailure::Media(_))))
    ));
}

#[test]
fn a_directory_that_answers_after_the_time_makes_nobody_ring() {
    let (mut w, _a, call, mut b, _c) = world(19);
    w.silent = true;
    dial(&mut w, call, &["302"], options());
    w.run(secs(20));
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::NoAnswer));
    w.answer_kept();
    assert!(!b.rings(&mut w));
}

#[test]
fn a_caller_whose_connection_is_gone_stops_the_ringing() {
    let (mut w, _a, call, mut b, _c) = world(20);
    dial(&mut w, call, &["302"], options());
    assert!(b.rings(&mut w));
    b.respond(&mut w, 180, None);
    w.give(tandem_switch::Input::FlowClosed { flow: flow(6010) });
    assert_eq!(w.outcomes.pop_front(), failed(DialFailure::CallerGone));
    cancelled(&mut w, &mut b);
    w.end(call, End::CallOver);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("lost", "system")
    );
}
