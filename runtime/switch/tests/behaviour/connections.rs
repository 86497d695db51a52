//! Calls by TCP whose connection goes: the call stays, and what must be said finds another way.

use tandem_bus::media::Event;
use tandem_host_api::End;
use tandem_host_api::op::{Cause, LegError, LegId, Op, Outcome, PlayEnd, Prompt};
use tandem_sip::{Flow, Message, Method};
use tandem_switch::{CallKey, Input};

use crate::kit::phone::endpoint;
use crate::kit::*;

const LEG: LegId = LegId(0);

/// A caller that talks to its scenario by TCP.
fn talking(seed: u64) -> (World, Phone, CallKey) {
    let mut w = World::new(seed);
    w.ways.insert(6010, tcp(6010, 5));
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    (w, a, call)
}

fn close(w: &mut World, connection: u64) {
    w.give(Input::FlowClosed {
        flow: tcp(6010, connection),
    });
}

fn hang_up(w: &mut World, call: CallKey) {
    let cause = Cause::Normal;
    assert_eq!(
        w.perform(call, Op::HangUp { leg: LEG, cause }),
        Some(Outcome::Leg(Ok(())))
    );
}

/// The BYE that the caller got, and by which way.
fn bye(w: &mut World) -> (Message, Flow) {
    let got = w.inbox(6010);
    let bye = got.into_iter().rfind(|m| m.method() == Some(Method::Bye));
    (bye.expect("a BYE"), w.flows[&6010])
}

#[test]
fn a_caller_that_comes_back_by_another_connection_goes_on() {
    let (mut w, mut a, call) = talking(1);
    let prompts = vec![Prompt::File("hello.wav".into())];
    assert_eq!(w.perform(call, Op::Play { leg: LEG, prompts }), None);
    close(&mut w, 5);
    w.run(secs(60));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Played(Ok(PlayEnd::Finished)))
    );
    w.ways.insert(6010, tcp(6010, 6));
    let got = a.within(&mut w, Method::Options, None);
    assert!(got.iter().any(|m| m.status() == Some(200)));
    hang_up(&mut w, call);
    assert_eq!(bye(&mut w).1, tcp(6010, 6));
}

#[test]
fn a_bye_goes_by_the_connection_that_the_user_registered_by_since() {
    let (mut w, mut a, call) = talking(2);
    a.register(&mut w, "0.5");
    close(&mut w, 5);
    // Another device of the same user is not the one that talks.
    let mut other = Phone::new("301", 6110);
    other.register(&mut w, "1");
    w.ways.insert(6010, tcp(6010, 6));
    a.call_id = "after".into();
    a.register(&mut w, "0.5");
    hang_up(&mut w, call);
    assert_eq!(bye(&mut w).1, tcp(6010, 6));
    assert_eq!(w.got(6110), [""; 0]);
}

#[test]
fn a_bye_to_a_user_without_registration_goes_by_a_new_connection() {
    let (mut w, a, call) = talking(3);
    close(&mut w, 5);
    hang_up(&mut w, call);
    let (request, way) = bye(&mut w);
    assert_eq!(way, tcp(6010, 0));
    a.reply(&mut w, &request, 200);
    w.end(call, End::Returned);
    w.run(secs(40));
    assert_eq!(
        (w.shard.remembered(), w.record().summary.cause.as_str()),
        (0, "normal")
    );
}

#[test]
fn a_bye_under_way_is_said_again_by_a_new_connection() {
    for all in [false, true] {
        let (mut w, a, call) = talking(4);
        hang_up(&mut w, call);
        let (first, _) = bye(&mut w);
        if all {
            w.give(Input::SipGateConnected { fresh: true });
        } else {
            close(&mut w, 5);
        }
        let (again, way) = bye(&mut w);
        assert_eq!(
            (way, first.cseq().unwrap().seq),
            (tcp(6010, 0), again.cseq().unwrap().seq)
        );
        assert_ne!(
            first.top_via().unwrap().branch(),
            again.top_via().unwrap().branch()
        );
        a.reply(&mut w, &again, 200);
        w.end(call, End::Returned);
        w.run(secs(40));
        assert_eq!(w.shard.remembered(), 0);
    }
}

#[test]
fn a_silent_peer_that_no_way_leads_to_is_lost_after_32_s() {
    for crash in [false, true] {
        let (mut w, _a, call) = talking(5);
        close(&mut w, 5);
        let prompts = vec![Prompt::Silence(600_000)];
        assert_eq!(w.perform(call, Op::Play { leg: LEG, prompts }), None);
        w.run(secs(10));
        w.unreachable.push(6010);
        w.give(Input::Media(Event::Unheard {
            endpoint: endpoint(0),
            for_ms: 30_000,
        }));
        w.run(ms(20_500));
        if crash {
            w.crash_and_restore(false);
        }
        w.run(ms(11_499));
        assert!(w.outcomes.is_empty());
        w.run(ms(1));
        assert_eq!(w.outcomes.pop_front(), Some(Outcome::Played(Err(LegError::Gone))));
        w.end(call, End::CallOver);
        let record = w.record();
        assert_eq!(
            (record.summary.cause.as_str(), record.summary.ended_by.as_str()),
            ("lost", "system")
        );
        assert_eq!(
            record.legs[0].cause,
            "the peer's connection is gone and it came by no other"
        );
        w.run(secs(150));
        assert_eq!(w.shard.remembered(), 0);
    }
}

#[test]
fn a_silent_peer_that_is_found_again_stays() {
    let (mut w, mut a, call) = talking(6);
    close(&mut w, 5);
    w.unreachable.push(6010);
    w.give(Input::Media(Event::Unheard {
        endpoint: endpoint(0),
        for_ms: 30_000,
    }));
    w.run(secs(5));
    assert_eq!(w.got(6010), [""; 0]);
    w.unreachable.clear();
    w.ways.insert(6010, tcp(6010, 6));
    a.register(&mut w, "1");
    w.run(secs(2));
    let got = w.inbox(6010);
    assert_eq!(
        (short(&got[0]).as_str(), w.flows[&6010]),
        ("OPTIONS", tcp(6010, 6))
    );
    a.reply(&mut w, &got[0], 200);
    w.run(secs(60));
    hang_up(&mut w, call);
    assert_eq!(bye(&mut w).1, tcp(6010, 6));
}

#[test]
fn another_sip_gate_costs_callers_by_tcp_that_ring_and_nobody_else() {
    let mut w = World::new(7);
    w.ways.insert(6010, tcp(6010, 5));
    let ringing = Phone::new("301", 6010).call(&mut w);
    let mut b = Phone::new("302", 6020);
    let other = b.call(&mut w);
    w.give(Input::SipGateConnected { fresh: true });
    let answer = |leg| Op::Answer { leg };
    assert_eq!(
        w.perform(ringing, answer(LEG)),
        Some(Outcome::Leg(Err(LegError::Gone)))
    );
    assert_eq!(w.perform(other, answer(LEG)), Some(Outcome::Leg(Ok(()))));
    b.take_ok(&mut w);
}
