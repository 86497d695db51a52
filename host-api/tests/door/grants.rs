//! What a scenario is granted: withdrawn before it begins, and while it runs.

use tandem_host_api::op::{KvError, KvValue};
use tandem_host_api::{End, Grants, LiveGrants, Op, OpIndex, Outcome, ReplayOptions, Reply, replay};

use crate::support::{Call, engine, module, plain};

fn but(denied: &str) -> Grants {
    let all = ["leg", "trace", "random", "clock", "log", "key-value"];
    let names = all.into_iter().filter(|name| *name != denied);
    Grants::only(&names.map(str::to_owned).collect::<Vec<_>>()).unwrap()
}

/// As `plain`, with a key-value store that counts nothing.
fn with_store() -> impl FnMut(OpIndex, &Op) -> Reply + Send + 'static {
    let mut answers = plain(3);
    move |index, op| match op {
        Op::KvIncrement { .. } => Reply::Now(Outcome::Kv(Ok(KvValue::Sum(1)))),
        _ => answers(index, op),
    }
}

fn asked_of_store(asked: &[Op]) -> usize {
    asked
        .iter()
        .filter(|op| matches!(op, Op::KvIncrement { .. }))
        .count()
}

#[tokio::test]
async fn an_interface_that_is_not_granted_is_refused_and_the_scenario_goes_on() {
    let grants = LiveGrants::of(&but("key-value"));
    let left = Call {
        grants,
        ..Call::default()
    }
    .run(&module("tally"), with_store())
    .await;
    assert_eq!(left.finished.end, End::Returned);
    assert_eq!(asked_of_store(&left.asked), 0, "{:?}", left.asked);
    // The refusal is an outcome like any other: a replay, where all is granted, tells it again.
    let report = replay(
        &engine(),
        &module("tally"),
        &left.recorded(),
        ReplayOptions::default(),
    );
    assert!(report.divergence.is_none(), "{report:?}");
    let refused = Outcome::Kv(Err(KvError::Unavailable));
    let told = format!("{:?}", left.recorded().entries);
    assert_eq!(told.matches(&format!("{refused:?}")).count(), 2, "{told}");
}

#[tokio::test]
async fn what_is_withdrawn_while_it_runs_is_refused_from_the_next_host_call_on() {
    let grants = LiveGrants::default();
    let neighbours = LiveGrants::default();
    let withdrawn = grants.clone();
    let mut answers = with_store();
    let play = move |index: OpIndex, op: &Op| {
        if let Op::KvIncrement { .. } = op {
            withdrawn.set(&but("key-value"));
        }
        answers(index, op)
    };
    let left = Call {
        grants,
        ..Call::default()
    }
    .run(&module("tally"), play)
    .await;
    assert_eq!(left.finished.end, End::Returned);
    assert_eq!(asked_of_store(&left.asked), 1, "the second is refused");
    let other = Call {
        grants: neighbours,
        ..Call::default()
    }
    .run(&module("tally"), with_store())
    .await;
    assert_eq!(asked_of_store(&other.asked), 2);
}

#[tokio::test]
async fn a_function_without_an_error_ends_the_scenario_with_words() {
    let grants = LiveGrants::of(&but("clock"));
    let left = Call {
        grants,
        ..Call::default()
    }
    .run(&module("tally"), with_store())
    .await;
    let End::OverBudget(words) = &left.finished.end else {
        panic!("{:?}", left.finished.end)
    };
    assert_eq!(
        words,
        "not granted: clock.now-ms, as the scenario may no longer use `clock`"
    );
    assert_eq!(left.finished.end.limit(), Some("grants"));
}
