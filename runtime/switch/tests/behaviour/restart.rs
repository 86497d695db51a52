//! A call survives: the server dies at every point of a call, with and without its media gate, and what follows is what
//! would have followed.

use rand::{SeedableRng as _, rngs::StdRng};
use tandem_bus::media::{Command, EndpointId, Event, Refusal};
use tandem_directory::records::CallRecord;
use tandem_host_api::End;
use tandem_host_api::op::{
    Cause, CollectRule, HttpMethod, HttpRequest, LegError, LegId, Op, OpIndex, Outcome, PlayEnd, Prompt,
    Target,
};
use tandem_sip::{Message, Method};

use tandem_switch::{Input, Question};

use super::memory::{all_is_forgotten, any_call};
use crate::kit::crash::Fate;
use crate::kit::*;

const LEG: LegId = LegId(0);

/// What is left of a call when it is over.
#[derive(Debug, PartialEq)]
struct Told {
    outcomes: Vec<Outcome>,
    sent: Vec<(u16, String)>,
    record: CallRecord,
}

/// What of it may not depend on a restart. What a media gate had counted goes with it.
fn told(w: &World, gate_lives: bool) -> Told {
    let mut record = w.record().clone();
    record.summary.recoveries = 0;
    // Its random part is another where the server died before the call began.
    record.summary.id.truncate(11);
    for leg in record.legs.iter_mut().filter(|_| !gate_lives) {
        (leg.rtp_sent, leg.rtp_received, leg.rtp_lost) = (0, 0, 0);
    }
    let mut sent = w.sent.clone();
    // What comes to different phones at the same moment has no order.
    sent.sort_by_key(|(port, _)| *port);
    let mut outcomes = w.all_outcomes.clone();
    for outcome in &mut outcomes {
        if let Outcome::Recorded(Ok(recorded)) = outcome {
            // It has the call's identifier in it.
            recorded.recording.name = recorded.recording.name.split_off(29);
        }
    }
    Told {
        outcomes,
        sent,
        record,
    }
}

/// Runs a call undisturbed, then with a crash after each of its inputs, in each way a server can die.
pub fn at_every_point(play: impl Fn(&mut World)) {
    let mut undisturbed = World::new(7);
    play(&mut undisturbed);
    let inputs = undisturbed.inputs;
    for after_inputs in 1..inputs {
        for (silently, gate, server_lives) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (true, true, false),
            (false, true, true),
        ] {
            let crash = Crash {
                after_inputs,
                silently,
                gate,
                server_lives,
                ..Crash::default()
            };
            println!("{crash:?}");
            let mut w = World::new(7);
            w.crash = Some(crash);
            play(&mut w);
            assert_eq!(w.crash, None);
            assert_eq!(told(&w, !gate), told(&undisturbed, !gate), "{crash:?}");
            w.run(secs(150));
            assert_eq!((w.shard.calls(), w.shard.remembered()), (0, 0), "{crash:?}");
            assert!(w.gate.endpoints().is_empty(), "{crash:?}");
        }
    }
}

fn menu(w: &mut World) {
    let mut a = Phone::new("301", 6010);
    let call = a.talk(w);
    let prompts = vec![Prompt::File("hello.wav".into())];
    w.perform(call, Op::Play { leg: LEG, prompts });
    w.run(secs(3));
    w.outcomes.clear();
    let rule = CollectRule {
        prompts: vec![Prompt::Silence(3_000)],
        barge_in: true,
        min: 1,
        max: 3,
        terminators: "#".into(),
        first_digit_timeout_ms: 5_000,
        inter_digit_timeout_ms: 2_000,
    };
    w.perform(call, Op::Collect { leg: LEG, rule });
    w.run(secs(1));
    for digit in ['1', '2'] {
        let endpoint = w.gate.endpoints()[0];
        w.digit(endpoint, digit);
    }
    w.run(secs(2));
    w.outcomes.clear();
    w.perform(call, Op::KvGet { key: "k".into() });
    w.outcomes.clear();
    w.perform(
        call,
        Op::HangUp {
            leg: LEG,
            cause: Cause::Normal,
        },
    );
    w.outcomes.clear();
    answer_bye(w, &a);
    w.end(call, End::Returned);
}

pub fn answer_bye(w: &mut World, phone: &Phone) {
    let got = w.inbox(phone.port);
    let bye = got
        .iter()
        .find(|m| m.method() == Some(Method::Bye))
        .expect("a BYE");
    phone.reply(w, bye, 200);
}

#[test]
fn a_menu_goes_on_whenever_the_server_dies() {
    at_every_point(menu);
}

/// A final response to an INVITE, repeated until its ACK comes, as every phone does.
pub fn respond(w: &mut World, phone: &mut Phone, status: u16) {
    for _ in 0..2 {
        if !w.sent.contains(&(phone.port, "ACK".into())) {
            let body = (status == 200).then(|| sdp(phone.port + 1, ""));
            phone.respond(w, status, body);
        }
    }
}

fn bridged(w: &mut World) {
    let (mut b, mut c) = (Phone::new("302", 6020), Phone::new("303", 6030));
    b.register(w, "1");
    c.register(w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.call(w);
    let targets = ["302", "303"].map(|user| Target::User(user.into())).into();
    let options = super::dialling::options();
    w.perform(
        call,
        Op::Dial {
            caller: LEG,
            targets,
            options,
        },
    );
    assert!(b.rings(w) && c.rings(w));
    b.respond(w, 180, None);
    w.run(secs(2));
    respond(w, &mut c, 200);
    let Some(Outcome::Dialled(Ok(winner))) = w.outcomes.pop_front() else {
        panic!("{:?}", w.all_outcomes)
    };
    let cancel = w
        .inbox(6020)
        .into_iter()
        .find(|m| m.method() == Some(Method::Cancel))
        .expect("a CANCEL");
    b.reply(w, &cancel, 200);
    respond(w, &mut b, 487);
    w.perform(
        call,
        Op::Bridge {
            first: LEG,
            second: winner,
        },
    );
    a.take_ok(w);
    a.ack(w, None);
    w.run(secs(5));
    let pair = joined(w);
    assert!(pair.is_some());
    for direction in ["a=sendonly\r\n", "a=sendrecv\r\n"] {
        let got = a.within(w, Method::Invite, Some(sdp(6011, direction)));
        let ok = |m: &Message| m.status() == Some(200);
        assert!(got.iter().any(ok));
        a.ack(w, None);
    }
    w.run(secs(1));
    assert_eq!(joined(w), pair);
    a.bye(w);
    w.outcomes.clear();
    w.end(call, End::Returned);
    answer_bye(w, &c);
    w.inbox(6010);
}

/// The pair that the gate has joined.
pub fn joined(w: &World) -> Option<(EndpointId, EndpointId)> {
    w.gate.open.iter().find_map(|(a, it)| Some((*a, it.joined?)))
}

#[test]
fn a_dial_and_its_bridge_go_on_whenever_the_server_dies() {
    at_every_point(bridged);
}

/// A server that dies again and again makes no difference to any call.
#[test]
fn calls_of_any_kind_end_as_they_would_have() {
    let mut recoveries = 0;
    for seed in 0..400 {
        let mut undisturbed = World::new(seed);
        any_call(&mut undisturbed, seed);
        undisturbed.run(secs(150));
        let mut w = World::new(seed);
        w.fate = Some(Fate {
            rng: StdRng::seed_from_u64(seed),
            one_in: 5,
            silently: false,
        });
        any_call(&mut w, seed);
        all_is_forgotten(&mut w);
        assert_eq!(told(&w, false), told(&undisturbed, false), "seed {seed}");
        recoveries += w.record().summary.recoveries;
    }
    assert!(recoveries > 800, "{recoveries}");
}

/// Where what it had to say was lost with it, something may be said later, and nothing is forgotten or said twice.
#[test]
fn calls_of_any_kind_leave_nothing_behind_a_server_that_dies_in_the_middle_of_a_step() {
    for seed in 0..400 {
        let mut w = World::new(seed);
        w.fate = Some(Fate {
            rng: StdRng::seed_from_u64(seed),
            one_in: 5,
            silently: true,
        });
        any_call(&mut w, seed);
        all_is_forgotten(&mut w);
        assert_eq!(w.records.len(), 1, "seed {seed}");
    }
}

/// The SIP gate may die with it: what was said by a connection is said by another.
#[test]
fn a_menu_by_tcp_goes_on_whenever_everything_dies() {
    let play = |w: &mut World| {
        w.ways.insert(6010, tcp(6010, 5));
        menu(w);
    };
    let mut undisturbed = World::new(7);
    play(&mut undisturbed);
    // Before its ACK a caller by TCP is lost with its connection.
    for after_inputs in 8..undisturbed.inputs {
        for silently in [false, true] {
            let crash = Crash {
                after_inputs,
                silently,
                gate: true,
                connections: true,
                ..Crash::default()
            };
            println!("{crash:?}");
            let mut w = World::new(7);
            w.crash = Some(crash);
            play(&mut w);
            let (mut told, undisturbed) = (told(&w, false), told(&undisturbed, false));
            // A BYE that had left goes again by the new connection: to the device it is another transaction.
            told.sent.dedup();
            assert_eq!(told, undisturbed, "{crash:?}");
            all_is_forgotten(&mut w);
        }
    }
}

fn play(ms_of: u32) -> Op {
    Op::Play {
        leg: LEG,
        prompts: vec![Prompt::Silence(ms_of)],
    }
}

#[test]
fn another_gate_goes_on_where_the_one_before_it_stood() {
    let mut w = World::new(1);
    let call = Phone::new("301", 6010).talk(&mut w);
    let remote = "127.0.0.1:7777".parse().unwrap();
    let endpoint = w.gate.endpoints()[0];
    w.give(Input::Media(Event::Heard { endpoint, remote }));
    assert_eq!(w.perform(call, play(9_000)), None);
    w.run(ms(3_300));
    w.gate.commands.clear();
    w.crash_and_restore(true);
    let commands = &w.gate.commands;
    assert_eq!(commands[0], Command::Report { shard: 0 });
    let Command::Restore {
        local,
        position,
        heard,
        ..
    } = &commands[1]
    else {
        panic!("{commands:?}")
    };
    assert_eq!((local.port(), position.at_us, *heard), (20_002, 0, Some(remote)));
    assert!(matches!(commands[2], Command::Agree { .. }));
    assert!(matches!(commands[3], Command::Play { from_ms: 3_300, .. }));
    assert_eq!(commands.len(), 4);
    w.run(ms(5_700));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Played(Ok(PlayEnd::Finished)))
    );
}

#[test]
fn the_same_gate_is_told_nothing_that_it_knows() {
    let mut w = World::new(2);
    let call = Phone::new("301", 6010).talk(&mut w);
    assert_eq!(w.perform(call, play(9_000)), None);
    w.gate.commands.clear();
    w.crash_and_restore(false);
    assert_eq!(w.gate.commands, [Command::Report { shard: 0 }]);
    // What nobody knows is closed.
    let endpoint = EndpointId(99);
    w.gate.handle(
        &Command::Open {
            endpoint,
            domain: DOMAIN.into(),
        },
        w.now,
    );
    w.give(Input::GateConnected { fresh: false });
    assert!(w.gate.was_told(|c| *c == Command::Close { endpoint }));
}

#[test]
fn a_leg_whose_media_cannot_be_restored_is_lost() {
    let mut w = World::new(3);
    let call = Phone::new("301", 6010).talk(&mut w);
    assert_eq!(w.perform(call, play(9_000)), None);
    w.gate.refuses = Some(Refusal::PortsTaken);
    w.gate.open.clear();
    w.give(Input::GateConnected { fresh: true });
    assert_eq!(w.outcomes.pop_front(), Some(Outcome::Played(Err(LegError::Gone))));
    assert_eq!(w.got(6010), ["BYE"]);
    w.end(call, End::CallOver);
    assert_eq!(
        w.record().legs[0].cause,
        "media could not be restored: every media port is taken"
    );
}

#[test]
fn digits_are_not_sent_twice_and_those_of_a_dead_gate_count_as_not_sent() {
    let mut w = World::new(4);
    let call = Phone::new("301", 6010).talk(&mut w);
    let digits = || Op::SendDigits {
        leg: LEG,
        digits: "42".into(),
    };
    let sent = |w: &World| {
        let is = |c: &&Command| matches!(c, Command::SendDigits { .. });
        w.gate.commands.iter().filter(is).count()
    };
    // The server dies before the gate has heard of them.
    w.crash = Some(Crash {
        after_inputs: w.inputs + 1,
        silently: true,
        ..Crash::default()
    });
    assert_eq!(w.perform(call, digits()), Some(Outcome::Leg(Ok(()))));
    assert_eq!(sent(&w), 1);
    w.crash = Some(Crash {
        after_inputs: w.inputs + 1,
        gate: true,
        ..Crash::default()
    });
    assert!(matches!(
        w.perform(call, digits()),
        Some(Outcome::Leg(Err(LegError::Media(_))))
    ));
    assert_eq!(sent(&w), 2);
}

#[test]
fn a_store_is_asked_again_under_the_same_name() {
    let mut w = World::new(5);
    let call = Phone::new("301", 6010).talk(&mut w);
    w.silent = true;
    let op = Op::KvIncrement {
        key: "k".into(),
        by: 1,
    };
    assert_eq!(w.perform(call, op), None);
    w.crash_and_restore(false);
    let once = |(number, question): &(u64, Question)| match question {
        Question::KeyValue { once, .. } => (*number, once.clone()),
        other => panic!("{other:?}"),
    };
    let asked: Vec<_> = w.kept.iter().map(once).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1]);
    assert_eq!(asked[0].1.1, 2);
    w.answer_kept();
    assert_eq!(w.outcomes.len(), 1);
}

#[test]
fn a_web_service_is_asked_again_as_the_same_request() {
    let mut w = World::new(5);
    let call = Phone::new("301", 6010).talk(&mut w);
    w.silent = true;
    let request = HttpRequest {
        method: HttpMethod::Post,
        url: "https://a.example/".into(),
        headers: Vec::new(),
        body: b"order".to_vec(),
        timeout_ms: 1_000,
        retries: 0,
    };
    let op = Op::HttpSend { request };
    assert_eq!(w.perform(call, op.clone()), None);
    w.crash_and_restore(false);
    let asked = |(number, question): &(u64, Question)| match question {
        Question::Service { op, once, .. } => (*number, op.clone(), once.clone()),
        other => panic!("{other:?}"),
    };
    let asked: Vec<_> = w.kept.iter().map(asked).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1]);
    assert_eq!((&asked[0].1, asked[0].2.1), (&op, 2));
}

#[test]
fn a_request_that_the_server_never_got_is_done_when_it_is_asked_again() {
    let mut w = World::new(6);
    let call = Phone::new("301", 6010).talk(&mut w);
    w.crash_and_restore(false);
    let scenario = w.scenarios.get_mut(&call).unwrap();
    (scenario.index, scenario.waits) = (OpIndex(2), Some(play(1_000)));
    w.crash_and_restore(false);
    w.run(secs(1));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Played(Ok(PlayEnd::Finished)))
    );
    w.end(call, End::Returned);
    assert_eq!(w.record().summary.recoveries, 2);
}
