//! A scenario that begins anew with what it handed over: its journal is short, and it survives and replays as others do.

use std::sync::{Arc, Mutex};

use tandem_host_api::replay::ReplayEnd;
use tandem_host_api::{End, Entry, Journal, Op, OpIndex, RecordedJournal, ReplayOptions, Run, replay};

use crate::support::{Call, domain, engine, module, plain, stopped_clock};

fn numbers(recorded: &RecordedJournal) -> Vec<u32> {
    let started = recorded.entries.iter().filter_map(|timed| match &timed.entry {
        Entry::Started { index, .. } => Some(index.0),
        _ => None,
    });
    started.collect()
}

#[tokio::test]
async fn it_goes_on_with_its_state_and_a_journal_that_begins_there() {
    let left = Call::default().run(&module("anew"), plain(0)).await;
    assert_eq!(left.finished.end, End::Returned, "it has its state");
    assert_eq!(left.asked, vec![Op::NowMs; 8]);
    let recorded = left.recorded();
    let Entry::Anew { after, start } = &recorded.entries[0].entry else {
        panic!("{:?}", recorded.entries[0]);
    };
    assert_eq!((*after, start.state.as_slice()), (OpIndex(5), b"abc".as_slice()));
    assert_eq!(
        numbers(&recorded),
        [6, 7, 8],
        "its numbers go on: none is used twice"
    );
    assert_eq!(recorded.rolling_hash, left.finished.rolling_hash);
    let used: Vec<_> = left.finished.usage.host_calls().collect();
    assert_eq!(used, [("clock", 8)], "of both instances");
}

#[tokio::test]
async fn its_replay_begins_there_too() {
    let recorded = Call::default().run(&module("anew"), plain(0)).await.recorded();
    for memory_hashes in [false, true] {
        let options = ReplayOptions {
            memory_hashes,
            ..ReplayOptions::default()
        };
        let report = replay(&engine(), &module("anew"), &recorded, options);
        assert_eq!(report.end, ReplayEnd::Scenario(End::Returned));
        assert_eq!(report.divergence, None);
        assert_eq!(report.rolling_hash, recorded.rolling_hash);
        assert_eq!(report.steps.len(), 3);
    }
}

/// All that is saved, piece by piece, as a process would; it dies after each entry.
#[tokio::test]
async fn it_survives_a_death_at_every_entry() {
    let (run, _) = Call::default().into_run(&module("anew"), plain(0));
    let journal = run.journal.clone();
    let pieces = Arc::new(Mutex::new(Vec::new()));
    let saver = (journal.clone(), Arc::clone(&pieces));
    let mut answers = plain(0);
    let saving = move |index, op: &Op| {
        saver.0.take_unsaved(&mut saver.1.lock().unwrap());
        answers(index, op)
    };
    let run = Run {
        switch: Call::default().into_run(&module("anew"), saving).0.switch,
        ..run
    };
    engine().run(&module("anew"), run).await;
    let mut pieces = std::mem::take(&mut *pieces.lock().unwrap());
    journal.take_unsaved(&mut pieces);
    let whole = RecordedJournal::from_bytes(&pieces).unwrap();
    assert_eq!(whole, RecordedJournal::from_bytes(&journal.to_bytes()).unwrap());
    for count in 1..=whole.entries.len() {
        let mut cut = whole.clone();
        cut.entries.truncate(count);
        let journal = Journal::restore(&cut.to_bytes(), stopped_clock(), 1_795_000_000_000).unwrap();
        let run = Run {
            domain: domain(tandem_host_api::DomainLimits::default()),
            journal: journal.clone(),
            ..Call::default().into_run(&module("anew"), plain(0)).0
        };
        let finished = engine().run(&module("anew"), run).await;
        assert_eq!(finished.end, End::Returned, "after {count} entries");
        let again = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
        assert_eq!(numbers(&again), [6, 7, 8], "after {count} entries");
    }
}
