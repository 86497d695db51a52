//! A call whose scenario failed goes on with another: one journal, numbers that go on, and replays of both.

use tandem_host_api::replay::{ReplayEnd, Report};
use tandem_host_api::{
    End, Entry, Journal, Limits, Module, OpIndex, RecordedJournal, ReplayOptions, Run, replay,
};

use crate::support::{Call, Left, engine, guest_text, module, plain, stopped_clock};

/// A guest by name; `branch-fails` does what `branch` does and traps where that one returns.
fn scenario(name: &str) -> Module {
    if name != "branch-fails" {
        return module(name);
    }
    let (returns, traps) = ("(call $drop-leg (local.get $caller))", "(unreachable)");
    let text = guest_text("branch");
    assert!(text.contains(returns));
    engine()
        .load(&wat::parse_str(text.replace(returns, traps)).unwrap())
        .unwrap()
}

/// This guest fails, then `branch` takes over.
async fn both(first: &str) -> Left {
    let mut left = Call::default().run(&scenario(first), plain(7)).await;
    let end = left.finished.end.clone();
    assert!(!matches!(end, End::Returned | End::CallOver), "{end:?}");
    let second = module("branch");
    left.journal
        .fell_back(&end, OpIndex::NONE, "branch", second.hash());
    let run = run_with(left.journal.clone());
    left.finished = engine().run(&second, run).await;
    left
}

fn run_with(journal: Journal) -> Run {
    let (mut run, _) = Call::default().into_run(&module("branch"), plain(7));
    run.journal = journal;
    run
}

fn indexes(left: &Left) -> Vec<u32> {
    left.recorded()
        .entries
        .iter()
        .filter_map(|timed| match &timed.entry {
            Entry::Started { index, .. } => Some(index.0),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn the_fallback_numbers_on_and_the_journal_says_where_it_begins() {
    let left = both("branch-fails").await;
    assert_eq!(left.finished.end, End::Returned);
    let recorded = left.recorded();
    assert_eq!(recorded.fell_back_to(), Some(("branch", module("branch").hash())));
    let numbers = indexes(&left);
    assert!(numbers.len() > 4);
    assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>());
    let began = recorded
        .entries
        .iter()
        .filter(|timed| matches!(timed.entry, Entry::Began { .. }));
    assert_eq!(began.count(), 2);
}

#[tokio::test]
async fn a_replay_goes_through_both_and_says_where_the_second_begins() {
    for first in ["trap", "error", "branch-fails"] {
        let left = both(first).await;
        let recorded = left.recorded();
        let with_both = ReplayOptions {
            fallback: Some(module("branch")),
            ..ReplayOptions::default()
        };
        let report = replay(&engine(), &scenario(first), &recorded, with_both);
        assert_eq!(report.end, ReplayEnd::Scenario(End::Returned), "{first}");
        assert_eq!(report.divergence, None);
        assert_eq!(report.rolling_hash, left.finished.rolling_hash, "{first}");
        let fell_back = report.fallback.clone().unwrap();
        assert!(fell_back.replayed);
        let shown = Report::new(&recorded, scenario(first).hash(), false, &report);
        assert!(
            !shown.diverged && shown.same_hash && shown.diff.is_empty(),
            "{shown:?}"
        );
        assert_eq!(shown.fallback.unwrap().scenario, "branch");

        let alone = replay(&engine(), &scenario(first), &recorded, ReplayOptions::default());
        assert!(!alone.fallback.clone().unwrap().replayed);
        let shown = Report::new(&recorded, scenario(first).hash(), false, &alone);
        assert!(!shown.diverged, "{first}: what is not replayed does not differ");
        assert_eq!(shown.steps.len() as u32, fell_back.after.0);
    }
}

/// A version that does not fail any more leaves the record where the other one failed.
#[tokio::test]
async fn a_version_that_does_not_fail_parts_there() {
    let recorded = both("error").await.recorded();
    let report = replay(&engine(), &module("idle"), &recorded, ReplayOptions::default());
    let divergence = report.divergence.clone().expect("it ended otherwise");
    assert_eq!(divergence.index, OpIndex(1));
    let shown = Report::new(&recorded, "other", true, &report);
    assert!(shown.diverged);
    assert_eq!(shown.diff[0].step, 1);
}

/// The server dies after each entry: before, at and after the point at which the fall-back took over.
#[tokio::test]
async fn the_fallback_survives_a_death_at_every_entry() {
    let whole = both("branch-fails").await;
    let recorded = whole.recorded();
    let at = recorded
        .entries
        .iter()
        .position(|timed| matches!(timed.entry, Entry::FellBack { .. }))
        .unwrap();
    for count in at + 1..=recorded.entries.len() {
        let mut cut = recorded.clone();
        cut.entries.truncate(count);
        let journal = Journal::restore(&cut.to_bytes(), stopped_clock(), 1_795_000_000_000).unwrap();
        let finished = engine().run(&module("branch"), run_with(journal.clone())).await;
        assert_eq!(finished.end, End::Returned, "after {count} entries");
        assert_eq!(
            finished.rolling_hash, recorded.rolling_hash,
            "after {count} entries"
        );
        let again = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
        assert_eq!(again.entries.len(), recorded.entries.len());
    }
}

/// A request whose number the journal lost is not made again under it: the store would take it for done.
#[tokio::test]
async fn numbers_that_were_given_elsewhere_are_not_given_again() {
    let module = module("branch");
    let (run, asked) = Call::default().into_run(&module, plain(7));
    run.journal.fell_back(
        &End::Diverged("lost".into()),
        OpIndex(40),
        "branch",
        module.hash(),
    );
    let journal = run.journal.clone();
    engine().run(&module, run).await;
    assert!(!asked.lock().unwrap().is_empty());
    let recorded = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
    let first = recorded.entries.iter().find_map(|timed| match &timed.entry {
        Entry::Started { index, .. } => Some(*index),
        _ => None,
    });
    assert_eq!(first, Some(OpIndex(41)));
}

/// The journal that the first scenario filled has room for the second.
#[tokio::test]
async fn a_full_journal_has_room_for_the_fallback() {
    let limits = Limits {
        journal_bytes: 2_000,
        ..Limits::default()
    };
    let call = Call {
        limits,
        ..Call::default()
    };
    let left = call.run(&module("storm"), plain(7)).await;
    assert!(
        matches!(&left.finished.end, End::OverBudget(why) if why.contains("journal")),
        "{:?}",
        left.finished
    );
    let second = module("branch");
    left.journal
        .fell_back(&left.finished.end, OpIndex::NONE, "branch", second.hash());
    let finished = engine().run(&second, run_with(left.journal.clone())).await;
    assert_eq!(finished.end, End::Returned);
}
