//! Offers and answers on a leg that is up, and those that come late.

use tandem_host_api::End;
use tandem_host_api::op::{LegError, LegId, Op, Outcome, Prompt};
use tandem_sip::Method;

use crate::kit::phone::endpoint;
use crate::kit::*;

const LEG: LegId = LegId(0);

fn body(message: &tandem_sip::Message) -> String {
    String::from_utf8_lossy(message.body()).into_owned()
}

fn answer_of(got: &[tandem_sip::Message]) -> String {
    body(got.iter().find(|m| m.status() == Some(200)).expect("a 200"))
}

#[test]
fn hold_and_resume_are_answered_with_the_mirrored_direction() {
    let mut w = World::new(1);
    let mut a = Phone::new("301", 6010);
    a.talk(&mut w);
    for (theirs, ours, sends, receives) in [
        ("a=sendonly\r\n", "a=recvonly", false, true),
        ("a=sendrecv\r\n", "a=sendrecv", true, true),
        ("a=inactive\r\n", "a=inactive", false, false),
        ("a=recvonly\r\n", "a=sendonly", true, false),
        ("", "a=sendrecv", true, true),
    ] {
        let got = a.within(&mut w, Method::Invite, Some(sdp(6011, theirs)));
        assert!(answer_of(&got).contains(ours), "{theirs} {}", answer_of(&got));
        assert_eq!(
            w.gate.directions(endpoint(0)),
            Some((sends, receives)),
            "{theirs}"
        );
        a.ack(&mut w, None);
    }
    let held = sdp(6011, "").replace("IN IP4 127.0.0.1\r\nt=", "IN IP4 0.0.0.0\r\nt=");
    let got = a.within(&mut w, Method::Invite, Some(held));
    assert!(answer_of(&got).contains("a=recvonly"), "the hold of RFC 2543");
    w.run(secs(40));
    assert_eq!(w.shard.calls(), 1, "no ACK: the call is left to its scenario");
}

#[test]
fn a_session_version_grows_by_one_with_each_description_and_not_with_a_refusal() {
    let mut w = World::new(2);
    let mut a = Phone::new("301", 6010);
    a.talk(&mut w);
    let version = |got: &[tandem_sip::Message]| {
        answer_of(got)
            .lines()
            .find_map(|l| {
                l.strip_prefix("o=tandem ")?
                    .split(' ')
                    .nth(1)?
                    .parse::<u64>()
                    .ok()
            })
            .unwrap()
    };
    let first = version(&a.within(&mut w, Method::Invite, Some(sdp(6011, "a=sendonly\r\n"))));
    a.ack(&mut w, None);
    let refused = a.within(
        &mut w,
        Method::Invite,
        Some(sdp(6011, "").replace("AVP 8 101", "AVP 18")),
    );
    assert!(refused.iter().any(|m| m.status() == Some(488)));
    let second = version(&a.within(&mut w, Method::Invite, Some(sdp(6011, ""))));
    assert_eq!((first, second), (2, 3));
}

#[test]
fn a_reinvite_before_the_ack_is_told_to_wait() {
    let mut w = World::new(3);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    w.perform(call, Op::Answer { leg: LEG });
    a.take_ok(&mut w);
    let got = a.within(&mut w, Method::Invite, Some(sdp(6011, "")));
    assert!(got.iter().any(|m| m.status() == Some(491)), "{got:?}");
}

#[test]
fn an_older_request_is_out_of_order() {
    let mut w = World::new(4);
    let mut a = Phone::new("301", 6010);
    a.talk(&mut w);
    a.dialog.as_mut().unwrap().local_seq = 50;
    a.within(&mut w, Method::Options, None);
    a.dialog.as_mut().unwrap().local_seq = 20;
    let got = a.within(&mut w, Method::Bye, None);
    assert_eq!(got[0].status(), Some(500));
    assert_eq!(w.shard.calls(), 1);
}

#[test]
fn an_invite_without_an_offer_gets_ours_and_the_ack_brings_the_answer() {
    let mut w = World::new(5);
    let mut a = Phone::new("301", 6010);
    a.invite_with(&mut w, NUMBER, None, DOMAIN);
    let call = w.started[0];
    let early = w.perform(call, Op::EarlyMedia { leg: LEG });
    assert!(
        matches!(early, Some(Outcome::Leg(Err(LegError::Media(_))))),
        "{early:?}"
    );
    w.perform(call, Op::Answer { leg: LEG });
    let ok = a.take_ok(&mut w);
    assert!(body(&ok).contains("RTP/AVP 8 0 101"), "{}", body(&ok));
    let prompts = vec![Prompt::Silence(100)];
    let before = w.perform(
        call,
        Op::Play {
            leg: LEG,
            prompts: prompts.clone(),
        },
    );
    assert!(matches!(
        before,
        Some(Outcome::Played(Err(LegError::WrongState(_))))
    ));
    a.ack(&mut w, Some(sdp(6011, "")));
    assert_eq!(w.gate.directions(endpoint(0)), Some((true, true)));
    assert_eq!(w.perform(call, Op::Play { leg: LEG, prompts }), None);
}

#[test]
fn an_ack_without_the_answer_that_is_due_ends_the_leg() {
    let mut w = World::new(6);
    let mut a = Phone::new("301", 6010);
    a.invite_with(&mut w, NUMBER, None, DOMAIN);
    let call = w.started[0];
    w.perform(call, Op::Answer { leg: LEG });
    a.take_ok(&mut w);
    a.ack(&mut w, None);
    assert_eq!(w.got(6010), ["BYE"]);
    w.end(call, End::CallOver);
    let summary = &w.record().summary;
    assert_eq!(
        (summary.cause.as_str(), summary.ended_by.as_str()),
        ("not-acceptable", "system")
    );
}

#[test]
fn a_reinvite_without_an_offer_leaves_the_sound_as_it_is_until_the_ack() {
    let mut w = World::new(7);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    let got = a.within(&mut w, Method::Invite, None);
    assert!(answer_of(&got).contains("m=audio"));
    assert_eq!(
        w.perform(
            call,
            Op::Play {
                leg: LEG,
                prompts: vec![Prompt::Silence(100)]
            }
        ),
        None
    );
    a.ack(&mut w, Some(sdp(6011, "a=sendonly\r\n")));
    assert_eq!(w.gate.directions(endpoint(0)), Some((false, true)));
}

#[test]
fn what_a_dialog_may_ask_beside_invite_and_bye() {
    let mut w = World::new(8);
    let mut a = Phone::new("301", 6010);
    a.talk(&mut w);
    for (method, status) in [
        (Method::Options, 200),
        (Method::Info, 200),
        (Method::Update, 405),
        (Method::Refer, 405),
    ] {
        let got = a.within(&mut w, method, None);
        assert_eq!(got[0].status(), Some(status), "{method}");
    }
}

#[test]
fn early_media_is_agreed_once_and_the_answer_repeats_it() {
    let mut w = World::new(9);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    assert_eq!(
        w.perform(call, Op::EarlyMedia { leg: LEG }),
        Some(Outcome::Leg(Ok(())))
    );
    let early = w.inbox(6010).remove(0);
    assert_eq!(early.status(), Some(183));
    w.perform(call, Op::Ring { leg: LEG });
    w.perform(call, Op::Answer { leg: LEG });
    let ok = a.take_ok(&mut w);
    assert_eq!(body(&early), body(&ok));
    assert_eq!(early.to().unwrap().tag(), ok.to().unwrap().tag());
}
