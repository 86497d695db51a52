//! `originate` and `pickup` through the door, by the guest `calls`: what is asked, what a guest is told, and that a replay
//! asks the same.

use std::path::Path;

use tandem_host_api::op::{Address, BridgeEnd, PickUpFailure, PlayEnd};
use tandem_host_api::{End, LegId, Module, Op, OpIndex, Outcome, ReplayOptions, Reply, replay};

use crate::support::{Call, engine};

fn calls() -> Module {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/dist/calls.wasm");
    let bytes = std::fs::read(&file).expect("`make scenarios` builds it");
    engine().load(&bytes).unwrap()
}

/// Of a call that was originated with this, or else was dialled at 8302.
fn play(data: Option<&str>, rings: bool) -> impl FnMut(OpIndex, &Op) -> Reply + Send + 'static {
    let data = data.map(str::to_owned);
    move |_, op| {
        let address = |user: &str| {
            Outcome::Address(Address {
                user: user.to_owned(),
                ..Address::default()
            })
        };
        Reply::Now(match op {
            Op::OriginateData => Outcome::OptionalText(data.clone()),
            Op::Peer { .. } => address("303"),
            Op::Local { leg: LegId(0) } => address("8302"),
            Op::Local { .. } => address("302"),
            Op::Answer { .. } | Op::HangUp { .. } => Outcome::Leg(Ok(())),
            Op::Play { .. } => Outcome::Played(Ok(PlayEnd::Finished)),
            Op::PickUp { .. } if rings => Outcome::PickedUp(Ok(LegId(1))),
            Op::PickUp { .. } => Outcome::PickedUp(Err(PickUpFailure::NothingRings)),
            Op::Bridge { .. } => Outcome::Bridged(Ok(BridgeEnd::SecondHungUp)),
            Op::Log { .. } | Op::DropLeg { .. } => Outcome::Done,
            other => panic!("not asked for: {}", other.name()),
        })
    }
}

/// What a call asks for, in words, once its replay has asked the same.
async fn asked(data: Option<&str>, rings: bool) -> (Vec<Op>, Vec<String>) {
    let module = calls();
    let left = Call::default().run(&module, play(data, rings)).await;
    assert_eq!(left.finished.end, End::Returned);
    let report = replay(&engine(), &module, &left.recorded(), ReplayOptions::default());
    assert_eq!(report.divergence, None);
    let line = |op: &Op| match op {
        Op::Log { text, .. } => Some(text.clone()),
        _ => None,
    };
    let log = left.asked.iter().filter_map(line).collect();
    (left.asked, log)
}

#[tokio::test]
async fn a_call_knows_what_it_was_originated_with() {
    let (_, log) = asked(Some("order 7"), false).await;
    assert_eq!(log, ["originated with order 7 for 303"]);
}

#[tokio::test]
async fn a_pick_up_gives_a_leg_that_can_be_bridged() {
    let (asked, log) = asked(None, true).await;
    let users = vec!["302".to_owned()];
    let picker = LegId(0);
    assert!(asked.contains(&Op::PickUp { picker, users }), "{asked:?}");
    let (first, second) = (LegId(0), LegId(1));
    assert!(asked.contains(&Op::Bridge { first, second }), "{asked:?}");
    assert_eq!(log[0], "picked up 303 for 302");
}

#[tokio::test]
async fn nothing_to_pick_up_is_told_in_words() {
    let (_, log) = asked(None, false).await;
    assert_eq!(log, ["not picked up by 303: pick-up: nothing rings"]);
}
