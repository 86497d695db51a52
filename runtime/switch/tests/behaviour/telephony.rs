//! Recordings, music on hold, transfers and messages, undisturbed and with deaths in every place.

use tandem_bus::media::{Command, Prompt};
use tandem_host_api::End;
use tandem_host_api::op::{
    Delivery, LegId, MessageFailure, Op, Outcome, RecordEnd, RecordRule, RecorderId, RecordingError, Side,
    TransferFailure, TransferTarget,
};
use tandem_sip::{Message, Method, Name};
use tandem_switch::{Input, Inquiry, Told};

use super::restart::{answer_bye, at_every_point};
use crate::kit::phone::endpoint;
use crate::kit::*;

const LEG: LegId = LegId(0);

fn rule(beep: bool) -> RecordRule {
    RecordRule {
        beep,
        length_ms: 60_000,
        silence_ms: 0,
        stop_digits: "#".into(),
        pause_digit: "*".into(),
    }
}

/// How the last recording ended, its digit, its length in milliseconds.
fn recorded(w: &mut World) -> Option<(RecordEnd, String, u64)> {
    match w.outcomes.pop_front()? {
        Outcome::Recorded(Ok(it)) => Some((it.end, it.digit, it.recording.duration_ms)),
        other => panic!("{other:?}"),
    }
}

fn record(w: &mut World) {
    let mut a = Phone::new("301", 6010);
    let call = a.talk(w);
    w.perform(
        call,
        Op::Record {
            leg: LEG,
            rule: rule(true),
        },
    );
    w.run(secs(5));
    for digit in ['5', '*', '*'] {
        let endpoint = w.gate.endpoints()[0];
        w.digit(endpoint, digit);
        w.run(secs(1));
    }
    let endpoint = w.gate.endpoints()[0];
    w.digit(endpoint, '#');
    let (end, digit, duration_ms) = recorded(w).expect("an outcome");
    assert_eq!((end, digit.as_str(), duration_ms), (RecordEnd::Digit, "#", 7_750));
    let start = Op::RecorderStart {
        leg: LEG,
        side: Side::Both,
        length_ms: 60_000,
    };
    let started = w.perform(call, start).or_else(|| w.outcomes.pop_front());
    assert_eq!(started, Some(Outcome::Recorder(Ok(RecorderId(1)))));
    w.perform(call, Op::SleepMs { duration_ms: 3_000 });
    w.run(secs(3));
    w.outcomes.clear();
    let finish = Op::RecorderFinish {
        recorder: RecorderId(1),
    };
    let finished = w.perform(call, finish);
    w.outcomes.extend(finished);
    assert_eq!(recorded(w), Some((RecordEnd::Finished, String::new(), 3_000)));
    w.end(call, End::Returned);
    answer_bye(w, &a);
}

#[test]
fn recordings_go_on_whenever_the_server_or_its_gate_dies() {
    at_every_point(record);
}

#[test]
fn what_was_recorded_when_the_peer_hangs_up_is_given() {
    let mut w = World::new(1);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    w.perform(
        call,
        Op::Record {
            leg: LEG,
            rule: rule(false),
        },
    );
    w.run(secs(2));
    a.bye(&mut w);
    assert_eq!(recorded(&mut w), Some((RecordEnd::LegGone, String::new(), 2_000)));
    let again = w.perform(
        call,
        Op::Record {
            leg: LEG,
            rule: rule(false),
        },
    );
    assert_eq!(again, Some(Outcome::Recorded(Err(RecordingError::Gone))));
}

#[test]
fn a_leg_is_recorded_once_at_a_time() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    let start = Op::RecorderStart {
        leg: LEG,
        side: Side::Peer,
        length_ms: 60_000,
    };
    let first = w.perform(call, start.clone());
    assert_eq!(first, Some(Outcome::Recorder(Ok(RecorderId(0)))));
    let busy = RecordingError::WrongState("the leg is recorded already".into());
    assert_eq!(w.perform(call, start.clone()), Some(Outcome::Recorder(Err(busy))));
    let drop_first = Op::DropRecorder {
        recorder: RecorderId(0),
    };
    assert_eq!(w.perform(call, drop_first), Some(Outcome::Done));
    let second = w.perform(call, start);
    assert_eq!(second, Some(Outcome::Recorder(Ok(RecorderId(1)))));
}

#[test]
fn a_call_has_so_many_recordings_and_no_more() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    let start = || Op::RecorderStart {
        leg: LEG,
        side: Side::Peer,
        length_ms: 60_000,
    };
    for recorder in (0..64).map(RecorderId) {
        let started = w.perform(call, start());
        assert_eq!(started, Some(Outcome::Recorder(Ok(recorder))));
        assert_eq!(
            w.perform(call, Op::DropRecorder { recorder }),
            Some(Outcome::Done)
        );
    }
    let limit = RecordingError::Limit("a call has at most 64 recordings".into());
    assert_eq!(w.perform(call, start()), Some(Outcome::Recorder(Err(limit))));
}

/// A gate that lives and says nothing does not hold a scenario for ever.
#[test]
fn a_gate_that_tells_nothing_is_a_media_error() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    w.perform(
        call,
        Op::Record {
            leg: LEG,
            rule: rule(false),
        },
    );
    w.gate.is_dead = true;
    w.digit(endpoint(0), '#');
    w.run(secs(10));
    let outcome = w.outcomes.pop_front();
    assert!(
        matches!(outcome, Some(Outcome::Recorded(Err(RecordingError::Media(_))))),
        "{outcome:?}"
    );
}

#[test]
fn a_held_leg_has_music_until_something_else_is_played() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    let music = |command: &Command| matches!(command, Command::Play { prompts, repeat: true, .. } if *prompts == [Prompt::Music]);
    let stopped = |command: &Command| matches!(command, Command::Stop { .. });
    for op in [Op::Hold { leg: LEG }, Op::Hold { leg: LEG }] {
        assert_eq!(w.perform(call, op), Some(Outcome::Leg(Ok(()))));
    }
    assert_eq!(w.gate.commands.iter().filter(|it| music(it)).count(), 1);
    w.perform(call, Op::SleepMs { duration_ms: 60_000 });
    w.run(secs(60));
    assert!(!w.gate.was_told(stopped));
    w.outcomes.clear();
    for op in [Op::Resume { leg: LEG }, Op::Resume { leg: LEG }] {
        assert_eq!(w.perform(call, op), Some(Outcome::Leg(Ok(()))));
    }
    assert_eq!(w.gate.commands.iter().filter(|it| stopped(it)).count(), 1);
}

fn refer(w: &mut World, phone: &Phone, status: u16) -> Message {
    let refer = w
        .inbox(phone.port)
        .into_iter()
        .find(|m| m.method() == Some(Method::Refer))
        .expect("a REFER");
    phone.reply(w, &refer, status);
    refer
}

/// A NOTIFY; the status that it gets.
fn notify(w: &mut World, phone: &mut Phone, event: &str, state: &str, body: &str) -> Option<u16> {
    let dialog = phone.dialog.as_mut().unwrap();
    dialog.local_seq = dialog.local_seq.max(1);
    let request = dialog
        .request(Method::Notify)
        .header(Name::Event, event)
        .header(Name::SubscriptionState, state)
        .body("message/sipfrag;version=2.0", body.to_owned());
    let request = phone.via(request);
    w.sip(phone.port, request);
    let answers = w.inbox(phone.port);
    answers.iter().find_map(Message::status)
}

fn transfer(w: &mut World, timeout_ms: u32) -> Phone {
    let mut a = Phone::new("301", 6010);
    let call = a.talk(w);
    let target = TransferTarget::Number("302".into());
    let op = Op::Transfer {
        leg: LEG,
        target,
        timeout_ms,
    };
    w.perform(call, op);
    a
}

fn outcome(w: &mut World) -> Option<Result<(), TransferFailure>> {
    match w.outcomes.pop_front()? {
        Outcome::Transferred(it) => Some(it),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transfer_ends_with_what_the_phone_tells() {
    let mut w = World::new(1);
    let mut a = transfer(&mut w, 60_000);
    let sent = refer(&mut w, &a, 202);
    assert_eq!(sent.header_str(Name::ReferTo), Some("<sip:302@a.example>"));
    assert!(sent.header(Name::Contact).is_some());
    assert_eq!(
        notify(&mut w, &mut a, "presence", "active", "SIP/2.0 200 OK"),
        Some(489)
    );
    assert_eq!(notify(&mut w, &mut a, "refer", "active", "nonsense"), Some(400));
    assert_eq!(
        notify(&mut w, &mut a, "refer;id=2", "active", "SIP/2.0 180 Ringing"),
        Some(200)
    );
    assert_eq!(outcome(&mut w), None);
    assert_eq!(
        notify(&mut w, &mut a, "refer", "terminated", "SIP/2.0 200 OK"),
        Some(200)
    );
    assert_eq!(outcome(&mut w), Some(Ok(())));
    // The subscription is over.
    assert_eq!(
        notify(&mut w, &mut a, "refer", "active", "SIP/2.0 200 OK"),
        Some(481)
    );
}

#[test]
fn a_transfer_that_is_refused_silent_or_hung_up_on_says_so() {
    let mut w = World::new(1);
    let a = transfer(&mut w, 60_000);
    refer(&mut w, &a, 603);
    let refused = outcome(&mut w);
    assert!(
        matches!(refused, Some(Err(TransferFailure::NotAccepted(603, _)))),
        "{refused:?}"
    );

    let mut w = World::new(1);
    let a = transfer(&mut w, 5_000);
    refer(&mut w, &a, 202);
    w.run(secs(5));
    assert_eq!(outcome(&mut w), Some(Err(TransferFailure::TimedOut)));

    let mut w = World::new(1);
    let mut a = transfer(&mut w, 60_000);
    refer(&mut w, &a, 202);
    a.bye(&mut w);
    assert_eq!(outcome(&mut w), Some(Err(TransferFailure::Gone)));
}

fn message(w: &mut World, user: &str, text: &str) {
    let call = Phone::new("301", 6010).talk(w);
    let op = Op::SendMessage {
        user: user.into(),
        text: text.into(),
        sender: None,
    };
    let at_once = w.perform(call, op);
    w.outcomes.extend(at_once);
}

fn messaged(w: &mut World) -> Option<Result<Delivery, MessageFailure>> {
    match w.outcomes.pop_front()? {
        Outcome::Messaged(it) => Some(it),
        other => panic!("{other:?}"),
    }
}

/// The MESSAGE that came to a phone.
fn text_at(w: &mut World, port: u16) -> Message {
    let got = w.inbox(port);
    got.into_iter()
        .find(|m| m.method() == Some(Method::Message))
        .expect("a MESSAGE")
}

#[test]
fn a_text_goes_to_each_device_and_one_that_takes_it_is_enough() {
    let mut w = World::new(1);
    let (mut b, mut c) = (Phone::new("302", 6020), Phone::new("302", 6030));
    b.register(&mut w, "1");
    c.register(&mut w, "0.5");
    message(&mut w, "302", "hello");
    let first = text_at(&mut w, 6020);
    assert_eq!(first.body(), b"hello");
    b.reply(&mut w, &first, 415);
    assert_eq!(messaged(&mut w), None);
    let second = text_at(&mut w, 6030);
    c.reply(&mut w, &second, 202);
    let delivery = Delivery {
        accepted: 1,
        devices: 2,
    };
    assert_eq!(messaged(&mut w), Some(Ok(delivery)));
}

/// What became of a text of a scenario that no call started.
fn sent(w: &mut World, user: &str) -> Option<Result<Delivery, MessageFailure>> {
    sent_in(w, DOMAIN, user)
}

fn sent_in(w: &mut World, domain: &str, user: &str) -> Option<Result<Delivery, MessageFailure>> {
    let inquiry = Inquiry::Message {
        domain: domain.into(),
        user: user.into(),
        text: "hello".into(),
        sender: None,
    };
    let number = 1 << 40;
    w.give(Input::Inquire { number, inquiry });
    told(w)
}

fn told(w: &mut World) -> Option<Result<Delivery, MessageFailure>> {
    match w.told.pop()? {
        Told::Messaged(sent) => Some(sent),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_without_a_call_comes_from_the_domain() {
    let mut w = World::new(1);
    let (mut b, mut c) = (Phone::new("302", 6020), Phone::new("302", 6030));
    assert_eq!(sent(&mut w, "302"), Some(Err(MessageFailure::NoDevice)));
    b.register(&mut w, "1");
    c.register(&mut w, "0.5");
    assert_eq!(sent(&mut w, "302"), None);
    let first = text_at(&mut w, 6020);
    assert_eq!(first.body(), b"hello");
    let from = first.header_str(Name::From).unwrap();
    assert!(from.starts_with(&format!("<sip:{DOMAIN}>;tag=")), "{from}");
    b.reply(&mut w, &first, 200);
    assert_eq!(told(&mut w), None);
    // The other does not answer.
    w.run(secs(40));
    let delivery = Delivery {
        accepted: 1,
        devices: 2,
    };
    assert_eq!(told(&mut w), Some(Ok(delivery)));
    assert_eq!((w.shard.calls(), w.shard.remembered()), (0, 0));
}

#[test]
fn a_domain_has_so_many_texts_under_way_and_no_more() {
    let mut w = World::new(1);
    let (mut b, mut other) = (Phone::new("302", 6020), Phone::of("b.example", "401", 6040));
    b.register(&mut w, "1");
    other.register(&mut w, "1");
    for _ in 0..100 {
        assert_eq!(sent(&mut w, "302"), None);
    }
    let limit = MessageFailure::Limit("the domain has 100 messages under way".into());
    assert_eq!(sent(&mut w, "302"), Some(Err(limit)));
    assert_eq!(
        sent_in(&mut w, "b.example", "401"),
        None,
        "another domain has its own"
    );
    // Who has an answer makes room.
    let first = text_at(&mut w, 6020);
    b.reply(&mut w, &first, 200);
    assert!(matches!(told(&mut w), Some(Ok(_))));
    assert_eq!(sent(&mut w, "302"), None);
}

#[test]
fn a_text_that_nobody_takes_says_why() {
    let mut w = World::new(1);
    message(&mut w, "302", "hello");
    assert_eq!(messaged(&mut w), Some(Err(MessageFailure::NoDevice)));

    let mut w = World::new(1);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    message(&mut w, "302", "hello");
    w.run(secs(40));
    assert_eq!(messaged(&mut w), Some(Err(MessageFailure::TimedOut)));

    let mut w = World::new(1);
    b.register(&mut w, "1");
    message(&mut w, "302", &"x".repeat(1_300));
    let long = messaged(&mut w);
    assert!(
        matches!(long, Some(Err(MessageFailure::BadArgument(_)))),
        "{long:?}"
    );
}
