//! Calls that no caller began: somebody is rung, and whoever answers is the scenario's caller.

use std::sync::Arc;

use tandem_directory::Resolved;
use tandem_host_api::End;
use tandem_host_api::op::{Address, LegId, Op, Outcome, PlayEnd, Prompt};
use tandem_switch::call::Origination;
use tandem_switch::{Input, Inquiry, Told};

use crate::kit::*;

const ID: &str = "019aa0000000000001";

fn origination(user: &str) -> Origination {
    Origination {
        id: ID.into(),
        domain: Arc::from(DOMAIN),
        resolved: Resolved::from(entry_point("00ff")),
        user: user.into(),
        from: Address {
            user: NUMBER.into(),
            host: DOMAIN.into(),
            display_name: "Reminder".into(),
        },
        data: "appointment 7".into(),
        ring_ms: 20_000,
    }
}

fn originate(w: &mut World, user: &str) -> String {
    let inquiry = Inquiry::Originate(Box::new(origination(user)));
    w.give(Input::Inquire {
        number: 1 << 40,
        inquiry,
    });
    w.told.last().map(|told| format!("{told:?}")).unwrap_or_default()
}

/// 302 has two devices; the second answers, hears something and hangs up.
fn answered(w: &mut World) {
    let (mut b, mut c) = (Phone::new("302", 6020), Phone::new("302", 6021));
    b.register(w, "1");
    c.register(w, "1");
    originate(w, "302");
    assert!(b.rings(w) && c.rings(w));
    let from = c.invite.as_ref().unwrap().from().unwrap();
    assert_eq!(from.display_name().unwrap(), "Reminder");
    b.respond(w, 180, None);
    c.respond(w, 180, None);
    assert_eq!(w.started, []);
    c.pick_up(w);
    let got = w.inbox(6020);
    let cancel = got.iter().find(|m| short(m) == "CANCEL").expect("a CANCEL");
    b.reply(w, cancel, 200);
    b.respond(w, 487, None);
    let call = *w.started.first().expect("a scenario");
    // What an incoming call's scenario does first is done already.
    let leg = LegId(0);
    assert_eq!(w.perform(call, Op::Answer { leg }), Some(Outcome::Leg(Ok(()))));
    let prompts = vec![Prompt::File("hello.wav".into())];
    assert_eq!(w.perform(call, Op::Play { leg, prompts }), None);
    w.run(secs(3));
    assert_eq!(
        w.outcomes.pop_front(),
        Some(Outcome::Played(Ok(PlayEnd::Finished)))
    );
    c.bye(w);
    w.end(call, End::Returned);
    w.run(secs(5));
    let record = w.record();
    let summary = &record.summary;
    assert_eq!((summary.id.as_str(), summary.cause.as_str()), (ID, "normal"));
    assert_eq!(
        (summary.from_number.as_str(), summary.to_number.as_str()),
        ("302", NUMBER)
    );
    assert_eq!(record.legs.len(), 2);
    assert!(record.legs[0].answered_at.is_some() && record.legs[1].answered_at.is_none());
    w.run(secs(150));
    assert_eq!((w.shard.calls(), w.shard.remembered()), (0, 0));
    assert!(w.gate.endpoints().is_empty());
}

#[test]
fn the_device_that_answers_is_the_scenarios_caller() {
    let mut w = World::new(1);
    answered(&mut w);
}

/// The server dies after each step, with and without its media gate.
#[test]
fn an_originated_call_survives() {
    let mut undisturbed = World::new(1);
    answered(&mut undisturbed);
    for after_inputs in 3..undisturbed.inputs {
        for (silently, gate) in [(false, false), (true, false), (true, true)] {
            let crash = Crash {
                after_inputs,
                silently,
                gate,
                ..Crash::default()
            };
            println!("{crash:?}");
            let mut w = World::new(1);
            w.crash = Some(crash);
            answered(&mut w);
        }
    }
}

#[test]
fn asked_for_again_it_is_one_call() {
    let mut w = World::new(2);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    assert_eq!(originate(&mut w, "302"), format!("{:?}", Told::Begun));
    w.crash_and_restore(false);
    assert_eq!(originate(&mut w, "302"), format!("{:?}", Told::Begun));
    assert_eq!(w.shard.calls(), 1);
    assert!(b.rings(&mut w));
}

#[test]
fn whoever_does_not_answer_leaves_a_record_that_says_why() {
    for (status, cause, ended_by) in [
        (Some(486), "busy", "callee"),
        (Some(603), "declined", "callee"),
        (None, "no-answer", "system"),
    ] {
        let mut w = World::new(3);
        let mut b = Phone::new("302", 6020);
        b.register(&mut w, "1");
        originate(&mut w, "302");
        assert!(b.rings(&mut w));
        if let Some(status) = status {
            b.respond(&mut w, status, None);
        } else {
            b.respond(&mut w, 180, None);
            w.run(secs(21));
            b.respond(&mut w, 487, None);
        }
        w.run(secs(40));
        let summary = &w.record().summary;
        assert_eq!(
            (summary.cause.as_str(), summary.ended_by.as_str()),
            (cause, ended_by)
        );
        assert_eq!(w.started, []);
    }
    let mut w = World::new(4);
    originate(&mut w, "305"); // no device
    w.run(secs(10));
    assert_eq!(w.record().summary.cause, "unavailable");
}

#[test]
fn a_server_that_stops_or_is_full_begins_none() {
    let mut w = World::new(5);
    w.give(Input::Drain { on: true });
    assert!(originate(&mut w, "302").contains("stops"));
    w.give(Input::Drain { on: false });
    let mut a = Phone::new("301", 6010);
    a.register(&mut w, "1");
    originate(&mut w, "301");
    assert!(a.rings(&mut w));
    a.respond(&mut w, 180, None);
    w.give(Input::EndAll);
    w.run(secs(40));
    assert_eq!((w.shard.calls(), w.started.len()), (0, 0));
}
