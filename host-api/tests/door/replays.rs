//! The same call again, out of its journal.

use std::time::Duration;

use tandem_host_api::replay::{Comparison, Did, Difference, Finding, Node, ReplayEnd, Report, Side, Verdict};
use tandem_host_api::{
    Divergence, End, Entry, LegId, Limits, Op, OpIndex, Outcome, RecordedJournal, ReplayOptions,
    ReplayReport, Reply, replay,
};
use tokio::sync::oneshot;

use crate::support::{Call, engine, guest_text, module, plain};

fn unchanged(module: &tandem_host_api::Module, recorded: &RecordedJournal) -> ReplayReport {
    replay(&engine(), module, recorded, ReplayOptions::default())
}

fn asked(request: Op, outcome: Option<Outcome>) -> Side {
    Side::Asked {
        name: request.name().to_owned(),
        request,
        outcome,
    }
}

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

#[tokio::test]
async fn diff_has_the_set_answer_the_parting_and_the_rest_of_the_record() {
    let module = module("branch");
    let recorded = Call::default().run(&module, plain(7)).await.recorded();
    let options = ReplayOptions {
        set: vec![(OpIndex(3), Outcome::Number(8))],
        ..ReplayOptions::default()
    };
    let report = replay(&engine(), &module, &recorded, options);
    let report = Report::new(&recorded, module.hash(), true, &report);
    let node = |id: &str, name: &str| {
        Some(Node {
            id: id.to_owned(),
            name: name.to_owned(),
        })
    };
    let row = |step, node, recorded, replayed| Difference {
        step,
        node,
        recorded,
        replayed,
    };
    let greet = || node("greet", "Greeting");
    let odd = step("odd", "Odd number");
    let dropped = Op::DropLeg { leg: LegId(0) };
    let number = |number| Some(asked(Op::Random, Some(Outcome::Number(number))));
    let expected = [
        row(3, greet(), number(7), number(8)),
        row(
            5,
            greet(),
            Some(asked(odd, Some(Outcome::Done))),
            Some(asked(step("even", "Even number"), None)),
        ),
        row(
            6,
            node("odd", "Odd number"),
            Some(asked(dropped, Some(Outcome::Done))),
            None,
        ),
        row(
            7,
            node("odd", "Odd number"),
            Some(Side::Ended(End::Returned)),
            None,
        ),
    ];
    assert_eq!(report.diff, expected);
    assert!(report.diverged && !report.same_hash);

    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<Report>(&text).unwrap(),
        report,
        "JSON is whole"
    );
}

#[tokio::test]
async fn unchanged_replay_has_no_diff() {
    for (name, limits) in [
        ("branch", Limits::default()),
        ("trap", Limits::default()),
        (
            "thousand",
            Limits {
                journal_bytes: 2_000,
                ..Limits::default()
            },
        ),
    ] {
        let module = module(name);
        let call = Call {
            limits,
            ..Call::default()
        };
        let recorded = call.run(&module, plain(7)).await.recorded();
        let report = Report::new(&recorded, module.hash(), false, &unchanged(&module, &recorded));
        assert_eq!(
            (report.diff.as_slice(), report.diverged),
            (&[][..], false),
            "{name}"
        );
    }
}

/// What is left of a record whose process died and never came back.
#[tokio::test]
async fn cut_journal_is_the_same_as_far_as_it_goes() {
    let module = module("branch");
    let mut recorded = Call::default().run(&module, plain(7)).await.recorded();
    recorded.entries.truncate(6);
    let recorded = RecordedJournal::from_bytes(&recorded.to_bytes()).unwrap();
    let report = unchanged(&module, &recorded);
    assert_eq!(Finding::of(&recorded, &report).verdict(), Verdict::Same);
    assert!(
        Report::new(&recorded, module.hash(), false, &report)
            .diff
            .is_empty()
    );
}

#[tokio::test]
async fn where_one_side_ends_the_diff_says_how() {
    let branch = module("branch");
    let long = Call::default().run(&branch, plain(7)).await.recorded();
    let short = Call::default().run(&module("idle"), plain(7)).await.recorded();
    let ended = || Some(Side::Ended(End::Returned));
    let first = step("greet", "Greeting");

    let report = Report::new(&short, branch.hash(), true, &unchanged(&branch, &short));
    let expected = Difference {
        step: 1,
        node: None,
        recorded: ended(),
        replayed: Some(asked(first.clone(), None)),
    };
    assert_eq!(report.diff, [expected]);

    let report = Report::new(&long, "idle", true, &unchanged(&module("idle"), &long));
    let expected = Difference {
        step: 1,
        node: None,
        recorded: Some(asked(first, Some(Outcome::Done))),
        replayed: ended(),
    };
    assert_eq!(report.diff[0], expected);
    assert_eq!(
        report.diff.len(),
        7,
        "the record's other five steps and its end follow"
    );
    assert!(report.diff[1..].iter().all(|row| row.replayed.is_none()));
}

#[tokio::test]
async fn many_calls_are_summed_up_by_where_they_part() {
    let branch = module("branch");
    // The same scenario, but for the name of one of its two ways.
    let renamed = engine()
        .load(&wat::parse_str(guest_text("branch").replace("\"even\"", "\"EVEN\"")).unwrap())
        .unwrap();
    let mut recorded = Vec::new();
    for drawn in 0..20 {
        recorded.push(Call::default().run(&branch, plain(drawn)).await.recorded());
    }
    let compare = |module: &tandem_host_api::Module| {
        let mut comparison = Comparison::default();
        for (number, recorded) in recorded.iter().enumerate() {
            comparison.add(
                &number.to_string(),
                Finding::of(recorded, &unchanged(module, recorded)),
            );
        }
        comparison.sort();
        comparison
    };
    let same = compare(&branch);
    assert_eq!((same.same, same.steps, same.is_same()), (20, 120, true));
    assert!(same.groups.is_empty());

    let changed = compare(&renamed);
    assert_eq!((changed.same, changed.different, changed.failed), (10, 10, 0));
    let [group] = changed.groups.as_slice() else {
        panic!("{:?}", changed.groups)
    };
    assert_eq!((group.calls, group.step_least, group.step_most), (10, 5, 5));
    assert_eq!(
        (
            group.recorded.as_str(),
            group.replayed.as_str(),
            group.example_call.as_str()
        ),
        ("trace.step even", "trace.step EVEN", "0")
    );
    assert_eq!(group.node.as_ref().unwrap().id, "greet");

    let failed = compare(&module("trap"));
    assert_eq!((failed.failed, failed.different), (20, 0));
    assert!(
        failed.groups[0].replayed.starts_with("ended: trapped: "),
        "{}",
        failed.groups[0].replayed
    );
}

#[tokio::test]
async fn ten_thousand_recorded_steps_give_equal_hashes() {
    // Ten times as many, half as far apart: they still fit into the guest's memory of one page.
    let text = guest_text("thousand")
        .replace("(i32.const 1000)", "(i32.const 10000)")
        .replace("(i32.const 3)", "(i32.const 2)");
    let module = engine().load(&wat::parse_str(text).unwrap()).unwrap();
    let limits = Limits {
        cpu: Duration::from_mins(5), // hashing counts
        ..Limits::default()
    };
    let call = Call {
        limits,
        ..Call::default()
    };
    let left = call.run(&module, plain(7)).await;
    let recorded = left.recorded();
    let hashed = || {
        let options = ReplayOptions {
            memory_hashes: true,
            ..ReplayOptions::default()
        };
        replay(&engine(), &module, &recorded, options)
    };
    let (first, second) = (hashed(), hashed());
    assert_eq!((first.steps.len(), &first.divergence), (10_000, &None));
    assert_eq!(first.rolling_hash, left.finished.rolling_hash);
    assert_eq!(first.rolling_hash, recorded.rolling_hash);
    assert!(first == second, "each step, with its memory's hash");
    let hashes: std::collections::HashSet<_> = first.steps.iter().map(|step| step.memory_hash).collect();
    assert_eq!(hashes.len(), 10_000, "each answer changes the memory");
    assert!(!hashes.contains(&None));
}
