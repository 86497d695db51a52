//! Whatever way a call goes, nothing of it is kept.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::media::Event;
use tandem_host_api::End;
use tandem_host_api::op::{LegId, Op, Target};
use tandem_sip::Method;
use tandem_switch::Kind;

use crate::kit::*;

pub fn all_is_forgotten(w: &mut World) {
    w.run(secs(150));
    assert_eq!((w.shard.calls(), w.shard.remembered()), (0, 0));
    assert!(w.gate.endpoints().is_empty(), "ports are given back");
    let kept: Vec<_> = w
        .log
        .keys()
        .filter(|key| ![Kind::Meta, Kind::Nonce].contains(&key.kind))
        .collect();
    assert!(kept.is_empty(), "written down: {kept:?}");
}

#[test]
fn a_call_that_was_refused_or_cancelled_before_it_began_leaves_nothing() {
    let mut w = World::new(1);
    Phone::new("301", 6010).invite_with(&mut w, "999", None, DOMAIN);
    w.silent = true;
    let mut b = Phone::new("302", 6020);
    b.invite_with(&mut w, NUMBER, None, DOMAIN);
    b.cancel(&mut w);
    w.answer_kept();
    all_is_forgotten(&mut w);
}

/// A call of random turns: who rings, who answers, who gives up, what is lost on the way.
pub fn any_call(w: &mut World, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut phones = [Phone::new("302", 6020), Phone::new("303", 6030)];
    for phone in &mut phones {
        phone.register(w, if rng.random() { "1" } else { "0.5" });
    }
    let mut a = Phone::new("301", 6010);
    let (answered, acked): (bool, bool) = (rng.random(), rng.random());
    let call = match (answered, acked) {
        (true, true) => a.talk(w),
        (true, false) => {
            let call = a.call(w);
            w.perform(call, Op::Answer { leg: LegId(0) });
            call
        }
        (false, _) => a.call(w),
    };
    w.outcomes.clear();
    let targets = ["302", "303"].map(|user| Target::User(user.into())).into();
    let options = super::dialling::options();
    w.perform(
        call,
        Op::Dial {
            caller: LegId(0),
            targets,
            options,
        },
    );
    for phone in &mut phones {
        if phone.rings(w) {
            match rng.random_range(0..5) {
                0 => phone.respond(w, 180, None),
                1 => phone.respond(w, 486, None),
                2 => phone.pick_up(w),
                3 => phone.respond(w, 200, None),
                _ => (),
            }
        }
    }
    if w.outcomes.pop_front().is_some() {
        w.perform(
            call,
            Op::Bridge {
                first: LegId(0),
                second: LegId(rng.random_range(1..3)),
            },
        );
        w.outcomes.clear();
    }
    w.run(ms(rng.random_range(0..40_000)));
    match rng.random_range(0..6) {
        0 if answered && acked && w.shard.calls() == 1 => drop(a.within(w, Method::Bye, None)),
        0 | 1 => a.cancel(w),
        2 => w.give(tandem_switch::Input::EndAll),
        3 => {
            if let Some(endpoint) = w.gate.endpoints().get(1).copied() {
                w.give(tandem_switch::Input::Media(Event::Unheard {
                    endpoint,
                    for_ms: 30_000,
                }));
            }
        }
        4 => w.outcomes.clear(),
        _ => w.end(call, End::Returned),
    }
    w.outcomes.clear();
    // A phone that picks up late.
    if rng.random() {
        phones[0].invite.is_some().then(|| phones[0].pick_up(w));
    }
    w.run(ms(rng.random_range(0..5_000)));
    w.outcomes.clear();
    w.end(call, End::CallOver);
}

#[test]
fn calls_of_any_kind_leave_nothing() {
    for seed in 0..400 {
        let mut w = World::new(seed);
        any_call(&mut w, seed);
        all_is_forgotten(&mut w);
        assert_eq!(w.records.len(), 1);
    }
}
