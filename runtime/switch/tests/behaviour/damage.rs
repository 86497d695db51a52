//! What was written down and cannot be read costs its own call and no other.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::media::Command;
use tandem_host_api::op::{LegId, Op, Prompt, Target};
use tandem_switch::{CallKey, Input, Kind};

use crate::kit::*;

const LEG: LegId = LegId(0);

/// A call that dials, one that plays, one that is not admitted yet.
fn busy(seed: u64) -> (World, CallKey, CallKey) {
    let mut w = World::new(seed);
    let mut b = Phone::new("302", 6020);
    b.register(&mut w, "1");
    let dials = Phone::new("301", 6010).call(&mut w);
    let op = Op::Dial {
        caller: LEG,
        targets: vec![Target::User("302".into())],
        options: super::dialling::options(),
    };
    assert_eq!(w.perform(dials, op), None);
    let plays = Phone::new("303", 6030).talk(&mut w);
    let prompts = vec![Prompt::Silence(60_000)];
    assert_eq!(w.perform(plays, Op::Play { leg: LEG, prompts }), None);
    w.silent = true;
    Phone::new("304", 6040).invite_with(&mut w, NUMBER, None, DOMAIN);
    w.silent = false;
    (w, dials, plays)
}

#[test]
fn each_value_that_is_damaged_costs_its_call_alone_and_says_so() {
    let keys: Vec<_> = busy(1).0.log.keys().copied().collect();
    for key in keys {
        let (mut w, dials, plays) = busy(1);
        w.log.get_mut(&key).unwrap()[0] = 77;
        let problems = w.restore();
        assert_eq!(problems.len(), 1, "{key:?} {problems:?}");
        let of_a_call = [Kind::Call, Kind::Leg, Kind::Origin].contains(&key.kind);
        assert_eq!(problems[0].call, of_a_call.then_some(CallKey(key.id)));
        assert!(
            problems[0].why.contains("its form 77 is not known here"),
            "{}",
            problems[0]
        );
        assert_eq!(w.shard.calls(), if of_a_call { 1 } else { 2 });
        w.write_down();
        if of_a_call {
            assert!(
                !w.log
                    .keys()
                    .any(|k| k.id == key.id && [Kind::Call, Kind::Leg, Kind::Origin].contains(&k.kind))
            );
            let lives = if key.id == dials.0 { plays } else { dials };
            w.give(Input::GateConnected { fresh: false });
            assert!(w.shard.calls() == 1, "{lives:?}");
            // Its endpoints are given back.
            assert!(w.gate.was_told(|c| matches!(c, Command::Close { .. })) || key.id != plays.0);
        }
    }
}

#[test]
fn an_answered_caller_whose_call_is_lost_gets_its_bye() {
    let (mut w, _, plays) = busy(2);
    w.inbox(6030);
    let core = w
        .log
        .keys()
        .find(|key| key.kind == Kind::Call && key.id == plays.0)
        .copied()
        .unwrap();
    w.log.get_mut(&core).unwrap().truncate(3);
    assert_eq!(w.restore().len(), 1);
    w.give(Input::Timeout);
    assert_eq!(w.got(6030), ["BYE"]);
}

#[test]
fn no_bytes_make_a_panic() {
    let keys: Vec<_> = busy(3).0.log.keys().copied().collect();
    let mut rng = StdRng::seed_from_u64(3);
    for key in keys {
        let (template, ..) = busy(3);
        let value = &template.log[&key];
        let mut damaged: Vec<Vec<u8>> = (0..value.len())
            .step_by(1 + value.len() / 60)
            .map(|n| value[..n].to_vec())
            .collect();
        for _ in 0..150 {
            let mut flipped = value.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..flipped.len());
                flipped[at] ^= 1 << rng.random_range(0..8);
            }
            damaged.push(flipped);
        }
        for value in damaged {
            let mut w = World::new(3);
            w.log.clone_from(&template.log);
            w.log.insert(key, value);
            w.restore();
            w.forgiving = true;
            w.give(Input::GateConnected { fresh: true });
            w.give(Input::Timeout);
            w.give(Input::EndAll);
        }
    }
}
