//! Pick-up: what rings at one phone is answered from another, and the two calls hold on to each other.

use tandem_bus::media::Command;
use tandem_directory::records::CallRecord;
use tandem_host_api::End;
use tandem_host_api::op::{
    Address, BridgeEnd, Cause, LegError, LegId, Op, Outcome, PickUpFailure, Prompt, Target,
};
use tandem_sip::{Method, Name};
use tandem_switch::{CallKey, ShardConfig};

use crate::kit::*;

const CALLER: LegId = LegId(0);

/// 301 calls 302, which rings.
fn ringing(w: &mut World) -> (Phone, CallKey, Phone) {
    let mut b = Phone::new("302", 6020);
    b.register(w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.call(w);
    let targets = vec![Target::User("302".into())];
    let dial = Op::Dial {
        caller: CALLER,
        targets,
        options: super::dialling::options(),
    };
    assert_eq!(w.perform(call, dial), None);
    assert!(b.rings(w));
    b.respond(w, 180, None);
    (a, call, b)
}

fn pick_up(w: &mut World, call: CallKey, users: &[&str]) -> Option<Outcome> {
    let users = users.iter().map(|user| (*user).to_owned()).collect();
    w.perform(
        call,
        Op::PickUp {
            picker: CALLER,
            users,
        },
    )
}

fn bridge(w: &mut World, call: CallKey, second: LegId) -> Option<Outcome> {
    let first = CALLER;
    w.perform(call, Op::Bridge { first, second })
}

/// The phone got a CANCEL and says so; its Reason.
fn cancelled(w: &mut World, phone: &mut Phone) -> Option<String> {
    let got = w.inbox(phone.port);
    let cancel = got.iter().find(|m| m.method() == Some(Method::Cancel))?;
    let reason = cancel.header_str(Name::Reason).map(str::to_owned);
    phone.reply(w, cancel, 200);
    phone.respond(w, 487, None);
    Some(reason.unwrap_or_default())
}

fn record_of<'a>(w: &'a World, from: &str) -> &'a CallRecord {
    let mut records = w.records.iter();
    records
        .find(|it| it.summary.from_number == from)
        .expect("a record")
}

/// 303 picks the call up and talks with 301; then one of the two hangs up.
fn picked_up(w: &mut World, caller_ends: bool) {
    let (mut a, call, mut b) = ringing(w);
    let mut c = Phone::new("303", 6030);
    let own = c.talk(w);
    // The dial of the call that rang has its answer, too.
    let mut outcomes: Vec<Outcome> = pick_up(w, own, &["302"]).into_iter().collect();
    outcomes.append(&mut w.outcomes.drain(..).collect());
    outcomes.sort_by_key(|outcome| format!("{outcome:?}"));
    assert_eq!(
        outcomes,
        [Outcome::Dialled(Ok(LegId(2))), Outcome::PickedUp(Ok(LegId(1)))]
    );
    assert_eq!(
        cancelled(w, &mut b).as_deref(),
        Some("SIP;cause=200;text=\"Call completed elsewhere\"")
    );
    assert_eq!(bridge(w, own, LegId(1)), None);
    assert_eq!(bridge(w, call, LegId(2)), None);
    a.take_ok(w);
    a.ack(w, None);
    let joins = w
        .gate
        .commands
        .iter()
        .filter(|c| matches!(c, Command::Join { .. }))
        .count();
    assert!(joins >= 1);
    w.run(secs(7));
    if caller_ends {
        a.bye(w);
        assert_eq!(
            w.outcomes.pop_front(),
            Some(Outcome::Bridged(Ok(BridgeEnd::FirstHungUp)))
        );
        w.end(call, End::Returned);
        assert_eq!(
            w.outcomes.pop_front(),
            Some(Outcome::Bridged(Ok(BridgeEnd::SecondHungUp)))
        );
        w.end(own, End::Returned);
        assert_eq!(w.got(6030).last().map(String::as_str), Some("BYE"));
    } else {
        c.bye(w);
        let mut ends: Vec<Outcome> = w.outcomes.drain(..).collect();
        ends.sort_by_key(|end| format!("{end:?}"));
        assert_eq!(
            ends,
            [
                Outcome::Bridged(Ok(BridgeEnd::FirstHungUp)),
                Outcome::Bridged(Ok(BridgeEnd::SecondHungUp))
            ]
        );
        w.end(own, End::Returned);
        w.end(call, End::Returned);
        assert_eq!(w.got(6010).last().map(String::as_str), Some("BYE"));
    }
    w.run(secs(5));
}

fn check(w: &mut World) {
    let rang = record_of(w, "301");
    let causes: Vec<&str> = rang.legs.iter().map(|leg| leg.cause.as_str()).collect();
    assert_eq!(causes[1], "picked up by 303");
    assert_eq!(rang.legs[2].user.as_deref(), Some("303"));
    assert!(rang.legs[2].talk_ms >= 6_900, "{rang:?}");
    assert_eq!(rang.summary.cause, "normal");
    let picker = record_of(w, "303");
    assert_eq!(picker.legs[1].user.as_deref(), Some("301"));
    assert!(picker.legs[1].talk_ms >= 6_900, "{picker:?}");
    w.run(secs(150));
    assert_eq!((w.shard.calls(), w.shard.remembered()), (0, 0));
    assert!(w.gate.endpoints().is_empty());
}

#[test]
fn a_call_is_picked_up_and_its_end_reaches_both() {
    for caller_ends in [true, false] {
        let mut w = World::new(1);
        picked_up(&mut w, caller_ends);
        check(&mut w);
    }
}

/// The server dies after each step, with and without its media gate.
#[test]
fn a_picked_up_call_survives() {
    for caller_ends in [true, false] {
        let mut undisturbed = World::new(1);
        picked_up(&mut undisturbed, caller_ends);
        for after_inputs in 1..undisturbed.inputs {
            for (silently, gate) in [(false, false), (true, false), (true, true)] {
                let crash = Crash {
                    after_inputs,
                    silently,
                    gate,
                    ..Crash::default()
                };
                println!("{caller_ends} {crash:?}");
                let mut w = World::new(1);
                w.crash = Some(crash);
                picked_up(&mut w, caller_ends);
                check(&mut w);
            }
        }
    }
}

#[test]
fn of_two_who_pick_up_one_is_first() {
    let mut w = World::with_config(
        ShardConfig {
            shard: 0,
            shards: 1,
            calls_max: 9,
            calls_per_domain_max: 9,
        },
        2,
    );
    let (_a, _call, _b) = ringing(&mut w);
    let (mut c, mut d) = (Phone::new("303", 6030), Phone::new("304", 6040));
    let (first, second) = (c.talk(&mut w), d.talk(&mut w));
    let group = ["305", "302"];
    pick_up(&mut w, first, &group);
    assert!(w.all_outcomes.contains(&Outcome::PickedUp(Ok(LegId(1)))));
    w.outcomes.clear();
    let nothing = Some(Outcome::PickedUp(Err(PickUpFailure::NothingRings)));
    assert_eq!(pick_up(&mut w, second, &group), nothing);
    // Nor is there a second call for the first.
    assert_eq!(pick_up(&mut w, first, &group), nothing);
}

#[test]
fn another_domain_finds_nothing() {
    let mut w = World::new(3);
    let (_a, _call, mut b) = ringing(&mut w);
    let mut stranger = Phone::of("b.example", "401", 6041);
    stranger.invite_with(&mut w, NUMBER, Some(sdp(6042, "")), "b.example");
    let call = *w.started.last().unwrap();
    w.perform(call, Op::Answer { leg: CALLER });
    stranger.take_ok(&mut w);
    stranger.ack(&mut w, None);
    let nothing = Some(Outcome::PickedUp(Err(PickUpFailure::NothingRings)));
    assert_eq!(pick_up(&mut w, call, &["302"]), nothing);
    assert_eq!(cancelled(&mut w, &mut b), None);
}

#[test]
fn what_does_not_ring_or_is_not_answered_is_told() {
    let mut w = World::new(4);
    let nothing = Some(Outcome::PickedUp(Err(PickUpFailure::NothingRings)));
    let mut c = Phone::new("303", 6030);
    let own = c.talk(&mut w);
    assert_eq!(pick_up(&mut w, own, &["302"]), nothing);
    let mut d = Phone::new("304", 6040);
    let unanswered = d.call(&mut w);
    let refused = pick_up(&mut w, unanswered, &["302"]);
    assert!(
        matches!(
            refused,
            Some(Outcome::PickedUp(Err(PickUpFailure::WrongState(_))))
        ),
        "{refused:?}"
    );
}

#[test]
fn a_leg_of_another_call_can_be_bridged_and_hung_up_only() {
    let mut w = World::new(5);
    let (mut a, call, _b) = ringing(&mut w);
    let mut c = Phone::new("303", 6030);
    let own = c.talk(&mut w);
    pick_up(&mut w, own, &["302"]);
    w.outcomes.clear();
    let there = LegId(1);
    let address = |user: &str| Address {
        user: user.into(),
        host: DOMAIN.into(),
        display_name: String::new(),
    };
    let peer = w.perform(own, Op::Peer { leg: there });
    assert!(matches!(peer, Some(Outcome::Address(peer)) if peer.user == "301"));
    assert_eq!(
        w.perform(own, Op::Local { leg: there }),
        Some(Outcome::Address(address("302")))
    );
    let prompts = vec![Prompt::File("hello.wav".into())];
    let played = w.perform(own, Op::Play { leg: there, prompts });
    assert!(
        matches!(&played, Some(Outcome::Played(Err(LegError::WrongState(_))))),
        "{played:?}"
    );
    // Hung up here, it ends in the call that rang, whose scenario goes on.
    let cause = Cause::Normal;
    w.perform(own, Op::HangUp { leg: there, cause });
    assert_eq!(
        bridge(&mut w, call, LegId(2)),
        Some(Outcome::Bridged(Err(LegError::Gone)))
    );
    w.end(call, End::Returned);
    assert_eq!(w.got(6010).last().map(String::as_str), Some("480"));
    a.invite = None;
    w.end(own, End::Returned);
}
