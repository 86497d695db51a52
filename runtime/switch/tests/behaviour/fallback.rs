//! A call whose scenario fails is taken over by another one, as it stands.

use tandem_bus::media::Command;
use tandem_directory::records::ScenarioEnd;
use tandem_host_api::End;
use tandem_host_api::op::{BridgeEnd, Cause, LegId, Op, Outcome, Prompt, Target};
use tandem_sip::Method;
use tandem_switch::CallKey;

use crate::kit::*;

const LEG: LegId = LegId(0);

fn world(seed: u64) -> World {
    let mut w = World::new(seed);
    w.fallback = Some("feed");
    w
}

fn trap() -> End {
    End::Trapped {
        message: "unreachable".into(),
        backtrace: Vec::new(),
    }
}

/// The scenario fails; the fall-back's first request finds the call as it stands.
fn fails(w: &mut World, call: CallKey) {
    w.end(call, trap());
    let (taken, version) = w.versions.last().unwrap();
    assert_eq!((*taken, version.as_str()), (call, "feed"));
}

/// The fall-back answers; the caller hangs up.
fn answers_and_is_over(w: &mut World, a: &mut Phone, call: CallKey) {
    assert_eq!(
        w.perform(call, Op::Answer { leg: LEG }),
        Some(Outcome::Leg(Ok(())))
    );
    a.take_ok(w);
    a.ack(w, None);
    a.bye(w);
    w.end(call, End::CallOver);
    w.run(secs(5));
}

#[test]
fn a_ringing_caller_goes_on_ringing_and_can_be_answered() {
    let mut w = world(1);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    w.perform(call, Op::Ring { leg: LEG });
    assert_eq!(w.got(a.port), ["180"]);
    fails(&mut w, call);
    w.run(secs(2));
    assert_eq!(w.got(a.port), [""; 0], "the caller hears nothing of it");
    answers_and_is_over(&mut w, &mut a, call);

    let summary = w.record().summary.clone();
    assert_eq!(
        summary.scenario_hash.as_deref(),
        Some("00ff"),
        "the one that was chosen is judged"
    );
    assert_eq!(summary.scenario_end, Some(ScenarioEnd::Trapped));
    assert_eq!(summary.scenario_error.as_deref(), Some("unreachable"));
    let fallback = summary.fallback.unwrap();
    assert_eq!(
        (fallback.scenario_hash.as_str(), fallback.end),
        ("feed", Some(ScenarioEnd::CallOver))
    );
    assert_eq!(summary.cause, "normal");
}

/// It cannot be loaded, or finds no place.
#[test]
fn a_call_whose_scenario_does_not_begin_is_taken_over_too() {
    let mut w = world(4);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    w.end(call, End::Refused("its compilation took too long".into()));
    assert_eq!(w.versions.last().unwrap().1, "feed");
    answers_and_is_over(&mut w, &mut a, call);
    let summary = w.record().summary.clone();
    assert_eq!(summary.scenario_end, Some(ScenarioEnd::Refused));
    let fallback = summary.fallback.unwrap();
    assert_eq!(fallback.end, Some(ScenarioEnd::CallOver));
    assert_eq!(summary.cause, "normal");
}

#[test]
fn what_was_played_stops_and_an_answered_caller_stays() {
    let mut w = world(2);
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    let prompts = vec![Prompt::Silence(60_000)];
    w.perform(call, Op::Play { leg: LEG, prompts });
    // As when a resumed scenario asks for something else than what is under way.
    w.perform(call, Op::Answer { leg: LEG });
    assert!(w.gate.was_told(|command| matches!(command, Command::Stop { .. })));
    assert_eq!(w.versions.last().unwrap().1, "feed");
    w.outcomes.clear();
    let prompts = vec![Prompt::Silence(100)];
    assert_eq!(w.perform(call, Op::Play { leg: LEG, prompts }), None);
    w.run(secs(1));
    assert!(matches!(w.outcomes.pop_front(), Some(Outcome::Played(Ok(_)))));
    assert_eq!(w.got(a.port), [""; 0]);
    a.bye(&mut w);
    w.end(call, End::CallOver);
    w.run(secs(5));
    assert_eq!(w.record().summary.scenario_end, Some(ScenarioEnd::Diverged));
}

#[test]
fn other_legs_are_hung_up_and_the_caller_is_kept() {
    let mut w = world(3);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let mut a = Phone::new("301", 6010);
    let call = a.talk(&mut w);
    let dial = Op::Dial {
        caller: LEG,
        targets: vec![Target::User("302".into())],
        options: super::dialling::options(),
    };
    assert_eq!(w.perform(call, dial), None);
    assert!(b.rings(&mut w));
    b.pick_up(&mut w);
    let Some(Outcome::Dialled(Ok(leg))) = w.outcomes.pop_front() else {
        panic!("{:?}", w.all_outcomes)
    };
    let bridge = Op::Bridge {
        first: LEG,
        second: leg,
    };
    assert_eq!(w.perform(call, bridge), None);
    w.got(b.port);
    fails(&mut w, call);
    assert!(w.gate.was_told(|command| matches!(command, Command::Part { .. })));
    let got = w.inbox(b.port);
    let bye = got
        .iter()
        .find(|m| m.method() == Some(Method::Bye))
        .expect("a BYE");
    b.reply(&mut w, bye, 200);
    assert_eq!(w.got(a.port), [""; 0]);
    let cause = Cause::Busy;
    w.perform(call, Op::HangUp { leg: LEG, cause });
    w.end(call, End::Returned);
    w.run(secs(40));
    assert_eq!(w.records.len(), 1);
    assert!(
        !w.all_outcomes
            .contains(&Outcome::Bridged(Ok(BridgeEnd::SecondHungUp)))
    );
}

/// The fall-back of a fall-back is the cause.
#[test]
fn a_fallback_that_fails_too_gives_the_cause() {
    let mut w = world(4);
    let a = {
        let mut a = Phone::new("301", 6010);
        let call = a.call(&mut w);
        fails(&mut w, call);
        w.end(call, End::Failed("no luck either".into()));
        a
    };
    assert_eq!(w.got(a.port).last().map(String::as_str), Some("480"));
    w.run(secs(5));
    let summary = &w.record().summary;
    assert_eq!(summary.cause, "scenario-failed");
    let fallback = summary.fallback.clone().unwrap();
    assert_eq!(fallback.end, Some(ScenarioEnd::Failed));
    assert_eq!(fallback.error.as_deref(), Some("no luck either"));
    assert_eq!(w.versions.len(), 2, "nothing else was started");
}

/// Without anybody on the line there is nobody to take over.
#[test]
fn a_caller_that_is_gone_is_not_taken_over() {
    let mut w = world(5);
    let mut a = Phone::new("301", 6010);
    let call = a.call(&mut w);
    a.cancel(&mut w);
    w.end(call, trap());
    w.run(secs(5));
    assert_eq!(w.versions.len(), 1);
    assert_eq!(w.record().summary.fallback, None);
}

/// The fall-back is that of the call's beginning, whatever is set meanwhile, and whenever the server dies.
#[test]
fn the_server_dies_before_and_during_the_fallback() {
    for seed in [6, 7] {
        let mut w = world(seed);
        let mut a = Phone::new("301", 6010);
        let call = a.talk(&mut w);
        w.fallback = None;
        if seed == 6 {
            w.crash_and_restore(false);
        }
        fails(&mut w, call);
        w.crash_and_restore(true);
        assert_eq!(
            w.versions.last().unwrap().1,
            "feed",
            "taken up again with the same"
        );
        let prompts = vec![Prompt::Silence(100)];
        w.perform(call, Op::Play { leg: LEG, prompts });
        w.crash_and_restore(false);
        w.run(secs(1));
        assert!(
            matches!(w.outcomes.pop_front(), Some(Outcome::Played(Ok(_)))),
            "{:?}",
            w.all_outcomes
        );
        a.bye(&mut w);
        w.end(call, End::CallOver);
        w.run(secs(5));
        let summary = &w.record().summary;
        assert_eq!(summary.scenario_end, Some(ScenarioEnd::Trapped));
        assert_eq!(
            summary.fallback.as_ref().unwrap().end,
            Some(ScenarioEnd::CallOver)
        );
        w.run(secs(150));
        assert_eq!((w.shard.calls(), w.shard.remembered()), (0, 0));
        assert!(
            w.log
                .keys()
                .all(|key| key.kind != tandem_switch::keys::Kind::Fallback)
        );
    }
}
