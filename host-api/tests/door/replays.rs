//! The same call again, out of its journal.

use tandem_host_api::replay::{Did, ReplayEnd};
use tandem_host_api::{Divergence, End, Entry, Limits, Op, OpIndex, Outcome, ReplayOptions, Reply, replay};
use tokio::sync::oneshot;

use crate::support::{Call, engine, module, plain};

fn step(id: &str, name: &str) -> Op {
    Op::Step {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

#[tokio::test]
async fn replay_gives_the_same_sequence_hash_and_memory() {
    let module = module("branch");
    let left = Call::default().run(&module, plain(7)).await;
    let recorded = left.recorded();
    let options = || ReplayOptions {
        memory_hashes: true,
        ..ReplayOptions::default()
    };
    let first = replay(&engine(), &module, &recorded, options());
    assert_eq!(first.end, ReplayEnd::Scenario(End::Returned));
    assert_eq!(first.divergence, None);
    assert_eq!(first.rolling_hash, left.finished.rolling_hash);
    assert_eq!(
        first.steps.iter().map(|step| step.op.clone()).collect::<Vec<_>>(),
        left.asked
    );
    assert_eq!(
        first,
        replay(&engine(), &module, &recorded, options()),
        "from replay to replay"
    );

    let hashes: Vec<_> = first.steps.iter().map(|step| step.memory_hash.unwrap()).collect();
    assert_ne!(hashes[2], hashes[3], "the number that was drawn is in memory");
    let node = first.steps[3].node.clone().unwrap();
    assert_eq!(
        (first.steps[3].parent, node),
        (OpIndex(1), ("greet".to_owned(), "Greeting".to_owned()))
    );

    let without = replay(&engine(), &module, &recorded, ReplayOptions::default());
    assert_eq!(without.rolling_hash, first.rolling_hash);
    assert_eq!(without.steps[0].memory_hash, None);
}

#[tokio::test]
async fn changed_outcome_forks_and_both_sides_are_told() {
    let module = module("branch");
    let recorded = Call::default().run(&module, plain(7)).await.recorded();
    let set = vec![(OpIndex(3), Outcome::Number(8))];
    let report = replay(
        &engine(),
        &module,
        &recorded,
        ReplayOptions {
            set,
            ..ReplayOptions::default()
        },
    );
    assert_eq!(report.end, ReplayEnd::Diverged);
    let divergence = Divergence {
        index: OpIndex(5),
        recorded: Did::Asked(step("odd", "Odd number")),
        replayed: Did::Asked(step("even", "Even number")),
    };
    assert_eq!(report.divergence, Some(divergence));
    assert_eq!(report.steps.len(), 5);
}

#[tokio::test]
async fn changed_module_diverges_at_its_first_other_request() {
    let recorded = Call::default().run(&module("branch"), plain(7)).await.recorded();
    let report = replay(&engine(), &module("sleeper"), &recorded, ReplayOptions::default());
    let divergence = Divergence {
        index: OpIndex(1),
        recorded: Did::Asked(step("greet", "Greeting")),
        replayed: Did::Asked(Op::SleepMs { duration_ms: 1_000 }),
    };
    assert_eq!(report.divergence, Some(divergence));

    let report = replay(&engine(), &module("idle"), &recorded, ReplayOptions::default());
    let divergence = Divergence {
        index: OpIndex(1),
        recorded: Did::Asked(step("greet", "Greeting")),
        replayed: Did::Ended(End::Returned),
    };
    assert_eq!(report.divergence, Some(divergence));
}

#[tokio::test]
async fn cut_journal_ends_at_its_last_host_call_in_words() {
    let module = module("branch");
    let mut recorded = Call::default().run(&module, plain(7)).await.recorded();
    let is_third_end = |entry: &Entry| {
        matches!(
            entry,
            Entry::Ended {
                index: OpIndex(3),
                ..
            }
        )
    };
    let third = recorded
        .entries
        .iter()
        .position(|timed| is_third_end(&timed.entry))
        .unwrap();
    recorded.entries.truncate(third + 1);
    let report = replay(&engine(), &module, &recorded, ReplayOptions::default());
    let words = "the journal ends after host call 3, random.next".to_owned();
    assert_eq!(
        (report.end, report.divergence),
        (ReplayEnd::JournalEnds(words), None)
    );

    recorded.entries.truncate(third);
    let report = replay(&engine(), &module, &recorded, ReplayOptions::default());
    let words = "the journal ends in host call 3, random.next, which has no outcome".to_owned();
    assert_eq!(report.end, ReplayEnd::JournalEnds(words));
    assert_eq!(report.steps.last().unwrap().outcome, None);
}

#[tokio::test]
async fn replay_stops_where_it_is_told_to() {
    let module = module("branch");
    let recorded = Call::default().run(&module, plain(7)).await.recorded();
    let until = Some(OpIndex(2));
    let report = replay(
        &engine(),
        &module,
        &recorded,
        ReplayOptions {
            until,
            ..ReplayOptions::default()
        },
    );
    assert_eq!(report.end, ReplayEnd::Until(OpIndex(2)));
    assert_eq!(report.steps.len(), 2);
    assert_eq!(report.steps[1].outcome, Some(Outcome::Leg(Ok(()))));
}

#[tokio::test]
async fn calls_that_were_cut_off_end_as_they_did() {
    let module = module("sleeper");
    let over = Call::default()
        .run(&module, |_, _| Reply::Later(oneshot::channel().1))
        .await;
    let report = replay(&engine(), &module, &over.recorded(), ReplayOptions::default());
    assert_eq!(
        (report.end, report.divergence),
        (ReplayEnd::Scenario(End::CallOver), None)
    );
    assert_eq!(report.rolling_hash, over.finished.rolling_hash);

    let limits = Limits {
        host_calls_per_s: 0,
        host_calls_burst: 10,
        ..Limits::default()
    };
    let stormed = Call {
        limits,
        ..Call::default()
    }
    .run(&crate::support::module("storm"), plain(0))
    .await;
    let report = replay(
        &engine(),
        &crate::support::module("storm"),
        &stormed.recorded(),
        ReplayOptions::default(),
    );
    assert_eq!(report.end, ReplayEnd::Scenario(stormed.finished.end));
    assert_eq!(report.divergence, None);
    assert_eq!(report.rolling_hash, stormed.finished.rolling_hash);
}

#[tokio::test]
async fn trap_is_met_again_at_the_same_place() {
    for name in ["trap", "recursion", "memory-bomb", "error"] {
        let module = module(name);
        let left = Call::default().run(&module, plain(0)).await;
        for memory_hashes in [false, true] {
            let options = ReplayOptions {
                memory_hashes,
                ..ReplayOptions::default()
            };
            let report = replay(&engine(), &module, &left.recorded(), options);
            assert_eq!(report.divergence, None, "{name}, memory hashes: {memory_hashes}");
            assert!(matches!(report.end, ReplayEnd::Scenario(_)));
        }
    }
}

#[tokio::test]
async fn impossible_change_is_refused() {
    let module = module("branch");
    let recorded = Call::default().run(&module, plain(7)).await.recorded();
    for (index, outcome, words) in [
        (3, Outcome::Done, "random.next"),
        (99, Outcome::Done, "the journal has 6"),
    ] {
        let set = vec![(OpIndex(index), outcome)];
        let report = replay(
            &engine(),
            &module,
            &recorded,
            ReplayOptions {
                set,
                ..ReplayOptions::default()
            },
        );
        assert!(
            matches!(&report.end, ReplayEnd::Refused(why) if why.contains(words)),
            "{:?}",
            report.end
        );
    }
}

#[tokio::test]
async fn call_that_filled_its_journal_ends_as_it_did() {
    let module = module("thousand");
    let limits = Limits {
        journal_bytes: 2_000,
        ..Limits::default()
    };
    let left = Call {
        limits,
        ..Call::default()
    }
    .run(&module, plain(0))
    .await;
    let report = replay(&engine(), &module, &left.recorded(), ReplayOptions::default());
    assert_eq!(report.end, ReplayEnd::Scenario(left.finished.end));
    assert_eq!(
        (report.divergence, report.rolling_hash),
        (None, left.finished.rolling_hash)
    );
}
