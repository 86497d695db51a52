//! A call whose process died: its journal is restored, its scenario is led through what it did, and goes on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tandem_host_api::op::{Address, BridgeEnd, CollectEnd, Collected, KvValue, LocalTime, PlayEnd, User};
use tandem_host_api::replay::ReplayEnd;
use tandem_host_api::{
    Clock, DomainLimits, End, Entry, Finished, Input, Journal, JournalError, LegId, Limits, LiveGrants,
    Module, Op, OpIndex, Outcome, RecordedJournal, ReplayOptions, Reply, Run, Switch, replay,
};
use tokio::sync::oneshot;

use crate::support::{Call, domain, engine, module, stopped_clock};

const BEGAN_MS: u64 = 1_795_000_000_000;

/// Answers each host call as the undisturbed call was answered, and remembers what it was asked, and how.
#[derive(Clone, Default)]
struct Script {
    outcomes: Arc<HashMap<OpIndex, Outcome>>,
    asked: Arc<Mutex<Vec<(Asked, OpIndex, Op)>>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    New,
    Open,
}

impl Script {
    fn of(whole: &RecordedJournal) -> Self {
        let outcomes = whole.entries.iter().filter_map(|timed| match &timed.entry {
            Entry::Ended { index, outcome } => Some((*index, outcome.clone())),
            _ => None,
        });
        Self {
            outcomes: Arc::new(outcomes.collect()),
            asked: Arc::default(),
        }
    }

    fn answer(&self, how: Asked, index: OpIndex, op: &Op) -> Reply {
        self.asked.lock().unwrap().push((how, index, op.clone()));
        match self.outcomes.get(&index) {
            Some(outcome) => Reply::Now(outcome.clone()),
            None => Reply::Later(oneshot::channel().1),
        }
    }

    fn asked(&self) -> Vec<(Asked, OpIndex, Op)> {
        self.asked.lock().unwrap().clone()
    }
}

impl Switch for Script {
    fn perform(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.answer(Asked::New, index, op)
    }

    fn resume(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.answer(Asked::Open, index, op)
    }
}

/// Plays the telephones: presses these digits, one at each collection. What it collects stands in the journal.
struct Phones {
    journal: Journal,
    document: String,
    digits: Vec<char>,
    sum: i64,
}

impl Switch for Phones {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        Reply::Now(match op {
            Op::Peer { .. } | Op::Local { .. } => Outcome::Address(Address::default()),
            Op::Header { .. } => Outcome::Lines(Vec::new()),
            Op::Ring { .. }
            | Op::EarlyMedia { .. }
            | Op::Answer { .. }
            | Op::SendDigits { .. }
            | Op::HangUp { .. } => Outcome::Leg(Ok(())),
            Op::Play { .. } => Outcome::Played(Ok(PlayEnd::Finished)),
            Op::Collect { leg, .. } => {
                let digit = self.digits.remove(0);
                self.journal.input(Input::Digit { leg: *leg, digit });
                Outcome::Collected(Ok(Collected {
                    digits: digit.to_string(),
                    complete: true,
                    end: CollectEnd::Full,
                }))
            }
            Op::Dial { .. } => {
                self.journal.input(Input::LegAnswered { leg: LegId(1) });
                Outcome::Dialled(Ok(LegId(1)))
            }
            Op::Bridge { .. } => Outcome::Bridged(Ok(BridgeEnd::SecondHungUp)),
            Op::FindUser { number } => Outcome::User(Some(User {
                name: number.clone(),
                display_name: String::new(),
                registered: true,
            })),
            Op::ConfigDocument => Outcome::Text(self.document.clone()),
            Op::ConfigEntryPoint | Op::ConfigDomain => Outcome::Text("100".to_owned()),
            Op::KvGet { .. } => Outcome::Kv(Ok(KvValue::Value(None))),
            Op::KvSet { .. } => Outcome::Kv(Ok(KvValue::Written)),
            Op::KvDelete { .. } => Outcome::Kv(Ok(KvValue::Deleted(true))),
            Op::KvIncrement { by, .. } => {
                self.sum += by;
                Outcome::Kv(Ok(KvValue::Sum(self.sum)))
            }
            Op::KvKeys { .. } => Outcome::Kv(Ok(KvValue::Keys(Vec::new()))),
            Op::NowMs => Outcome::Number(BEGAN_MS + 17),
            Op::Random => Outcome::Number(0x5eed),
            Op::LocalTime => Outcome::LocalTime(LocalTime {
                year: 2026,
                month: 11,
                day: 21,
                weekday: 6,
                hour: 12,
                minute: 0,
                second: 0,
                utc_offset_s: 0,
            }),
            Op::DropLeg { .. } | Op::SleepMs { .. } | Op::Log { .. } | Op::Step { .. } => Outcome::Done,
            other => panic!("these guests do not ask for {}", other.name()),
        })
    }
}

/// Each look at the clock is three milliseconds after the one before.
fn ticking_clock() -> Clock {
    let ms = AtomicU64::new(0);
    Arc::new(move || Duration::from_millis(ms.fetch_add(3, Ordering::Relaxed)))
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The flow of the demo domain, in the stock scenario that runs it.
fn demo_menu() -> (Module, String) {
    let path = repository("scenarios/dist/flow.wasm");
    let bytes = std::fs::read(path).expect("`make scenarios` makes it");
    let document = std::fs::read_to_string(repository("scenarios/flow/demo-menu.json")).unwrap();
    (engine().load(&bytes).unwrap(), document)
}

/// A call from its beginning to its end, by phones that press 3, star and 1.
async fn undisturbed(module: &Module, document: &str, limits: &Limits) -> Journal {
    let call = Call {
        limits: limits.clone(),
        clock: ticking_clock(),
        ..Call::default()
    };
    let (mut run, _) = call.into_run(module, |_, _| unreachable!());
    let journal = run.journal.clone();
    run.switch = Box::new(Phones {
        journal: journal.clone(),
        document: document.to_owned(),
        digits: vec!['3', '*', '1'],
        sum: 0,
    });
    engine().run(module, run).await;
    journal
}

fn recorded(journal: &Journal) -> RecordedJournal {
    RecordedJournal::from_bytes(&journal.to_bytes()).unwrap()
}

/// The first `count` entries, as they would have been saved.
fn saved_prefix(whole: &RecordedJournal, count: usize) -> Vec<u8> {
    let mut cut = whole.clone();
    cut.entries.truncate(count);
    let mut saved = Vec::new();
    let journal = Journal::restore(&cut.to_bytes(), stopped_clock(), BEGAN_MS).unwrap();
    assert_eq!(journal.take_unsaved(&mut saved), count > 0);
    saved
}

async fn resume(module: &Module, saved: &[u8], script: &Script) -> (Finished, Journal) {
    let journal = Journal::restore(saved, stopped_clock(), BEGAN_MS + 60_000).unwrap();
    let run = Run {
        domain: domain(DomainLimits::default()),
        grants: LiveGrants::default(),
        limits: Limits::default(),
        switch: Box::new(script.clone()),
        journal: journal.clone(),
    };
    (engine().run(module, run).await, journal)
}

/// What the switch is still asked, where the process died after the first `count` entries. What has no outcome in the
/// whole was not asked then either: it filled the journal.
fn rest(whole: &RecordedJournal, count: usize) -> Vec<(Asked, OpIndex, Op)> {
    let mut rest = Vec::new();
    for (place, timed) in whole.entries.iter().enumerate() {
        let is_new = place >= count;
        let Entry::Started { index, op, .. } = &timed.entry else {
            continue;
        };
        let ended = |entry: &Entry| matches!(entry, Entry::Ended { index: of, .. } if of == index);
        let end = whole.entries.iter().position(|timed| ended(&timed.entry));
        if end.is_some_and(|end| end >= count) {
            let how = if is_new { Asked::New } else { Asked::Open };
            rest.push((how, *index, op.clone()));
        }
    }
    rest
}

/// What stands in a journal, without times; of what came from outside only the first `count` entries' share.
fn story(whole: &RecordedJournal, count: usize) -> Vec<Entry> {
    let told = |(place, entry): (usize, Entry)| {
        (place < count || !matches!(entry, Entry::Input(_))).then_some(entry)
    };
    let entries = whole.entries.iter().map(|timed| timed.entry.clone());
    entries.enumerate().filter_map(told).collect()
}

/// The process dies after each entry of the journal in turn.
async fn dies_everywhere(module: &Module, document: &str, limits: &Limits) -> RecordedJournal {
    let journal = undisturbed(module, document, limits).await;
    let whole = recorded(&journal);
    let Some(Entry::Finished { end }) = whole.entries.last().map(|last| last.entry.clone()) else {
        panic!("{:?}", whole.entries.last());
    };
    for count in 1..=whole.entries.len() {
        let mut saved = saved_prefix(&whole, count);
        let script = Script::of(&whole);
        let (finished, journal) = resume(module, &saved, &script).await;
        assert_eq!(finished.end, end, "after {count} entries");
        assert_eq!(finished.rolling_hash, whole.rolling_hash, "after {count} entries");
        assert_eq!(script.asked(), rest(&whole, count), "after {count} entries");

        let left = recorded(&journal);
        assert_eq!(left.rolling_hash, whole.rolling_hash);
        assert_eq!(story(&left, left.entries.len()), story(&whole, count));
        assert!(left.entries.is_sorted_by_key(|timed| timed.at_ms));
        let report = replay(&engine(), module, &left, ReplayOptions::default());
        assert_eq!(report.divergence, None, "after {count} entries");
        assert_eq!(report.end, ReplayEnd::Scenario(end.clone()));

        // What was saved before and after the death is the whole again.
        assert_eq!(journal.take_unsaved(&mut saved), count < whole.entries.len());
        let again = Journal::restore(&saved, stopped_clock(), BEGAN_MS).unwrap();
        assert_eq!(again.to_bytes(), journal.to_bytes(), "after {count} entries");
        assert_eq!(again.known_end(), Some(end.clone()));
    }
    whole
}

#[tokio::test]
async fn demo_menu_goes_on_wherever_it_was_cut_off() {
    let (module, document) = demo_menu();
    let whole = dies_everywhere(&module, &document, &Limits::default()).await;
    let dialled = whole.entries.iter().any(|timed| {
        let entry = &timed.entry;
        matches!(
            entry,
            Entry::Started {
                op: Op::Bridge { .. },
                ..
            }
        )
    });
    assert!(dialled, "the call came to its bridge: {:?}", whole.entries);
}

#[tokio::test]
async fn scenario_that_draws_counts_and_logs_goes_on_wherever_it_was_cut_off() {
    dies_everywhere(&module("tally"), "", &Limits::default()).await;
    dies_everywhere(&module("branch"), "", &Limits::default()).await;
}

#[tokio::test]
async fn budgets_are_where_they_were() {
    let short_log = Limits {
        log_bytes: 20_000,
        ..Limits::default()
    };
    dies_everywhere(&module("log-storm"), "", &short_log).await;
    // Filled by a request, or by an outcome.
    let mut filled_by = [0, 0];
    for journal_bytes in [1_000, 1_008, 1_016, 1_024] {
        let short_journal = Limits {
            journal_bytes,
            ..Limits::default()
        };
        let whole = dies_everywhere(&module("thousand"), "", &short_journal).await;
        match &whole.entries[whole.entries.len() - 2].entry {
            Entry::Started { .. } => filled_by[0] += 1,
            Entry::Ended { .. } => filled_by[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(filled_by.iter().all(|times| *times > 0), "{filled_by:?}");
}

#[tokio::test]
async fn death_before_the_first_entry_is_a_call_that_begins() {
    let module = module("tally");
    let whole = recorded(&undisturbed(&module, "", &Limits::default()).await);
    let mut empty = whole.clone();
    empty.entries.clear();
    let script = Script::of(&whole);
    let (finished, journal) = resume(&module, &empty.to_bytes(), &script).await;
    assert_eq!(
        (finished.end, finished.rolling_hash),
        (End::Returned, whole.rolling_hash)
    );
    assert_eq!(script.asked(), rest(&whole, 0));
    assert_eq!(story(&recorded(&journal), usize::MAX), story(&whole, 0));
}

#[tokio::test]
async fn known_host_calls_take_nothing_of_the_domains_share() {
    let module = module("tally");
    let whole = recorded(&undisturbed(&module, "", &Limits::default()).await);
    let last_start = whole
        .entries
        .iter()
        .rposition(|timed| matches!(timed.entry, Entry::Started { .. }))
        .unwrap();
    let share = domain(DomainLimits {
        instances: 0,
        host_calls_per_s: 0,
        host_calls_burst: 1,
        ..DomainLimits::default()
    });
    let saved = saved_prefix(&whole, last_start);
    let run = Run {
        domain: share.clone(),
        grants: LiveGrants::default(),
        limits: Limits::default(),
        switch: Box::new(Script::of(&whole)),
        journal: Journal::restore(&saved, stopped_clock(), BEGAN_MS).unwrap(),
    };
    let finished = engine().run(&module, run).await;
    assert_eq!(
        (finished.end, finished.rolling_hash),
        (End::Returned, whole.rolling_hash)
    );
    assert_eq!(share.instances(), 0);
}

#[tokio::test]
async fn another_module_diverges_in_words_and_touches_nothing() {
    let limits = Limits {
        cpu: Duration::from_secs(1),
        ..Limits::default()
    };
    let whole = recorded(&undisturbed(&module("tally"), "", &limits).await);
    let saved = saved_prefix(&whole, 7);
    let expected = [
        (
            "branch",
            "host call 1: log.write is recorded, trace.step was asked for",
        ),
        (
            "log-storm",
            "host call 1: log.write with other arguments than recorded",
        ),
        ("idle", "host call 1: log.write is recorded, but it returned"),
        (
            "error",
            "host call 1: log.write is recorded, but it returned the error \"nobody home\"",
        ),
        ("trap", "host call 1: log.write is recorded, but it trapped: "),
        (
            "loop",
            "host call 1: log.write is recorded, but it went over budget: CPU",
        ),
    ];
    for (name, words) in expected {
        let script = Script::of(&whole);
        let (finished, journal) = resume(&module(name), &saved, &script).await;
        let End::Diverged(how) = &finished.end else {
            panic!("{name}: {:?}", finished.end)
        };
        assert!(how.starts_with(words), "{name}: {how}");
        assert_eq!(script.asked(), []);
        let left = recorded(&journal);
        assert_eq!(left.entries.len(), 8, "the end is all that was written");
        assert_eq!(
            left.entries[7].entry,
            Entry::Finished {
                end: finished.end.clone()
            }
        );
        // Who replays it sees the record, and where the resumed scenario left it.
        let report = replay(&engine(), &module("tally"), &left, ReplayOptions::default());
        assert_eq!(report.end, ReplayEnd::Scenario(finished.end));
        assert_eq!(report.divergence, None);
    }
}

#[tokio::test]
async fn call_that_was_given_up_is_over() {
    let module = module("sleeper");
    let left = Call::default()
        .run(&module, |_, _| Reply::Later(oneshot::channel().1))
        .await
        .recorded();
    let cancelled = |entry: &Entry| matches!(entry, Entry::Cancelled { .. });
    let place = left
        .entries
        .iter()
        .position(|timed| cancelled(&timed.entry))
        .unwrap();
    let script = Script::default();
    let (finished, journal) = resume(&module, &saved_prefix(&left, place + 1), &script).await;
    assert_eq!(finished.end, End::CallOver);
    assert_eq!(script.asked(), []);
    assert_eq!(recorded(&journal).rolling_hash, left.rolling_hash);

    // The call is over while the open host call is waited for.
    let script = Script::default();
    let (finished, journal) = resume(&module, &saved_prefix(&left, place), &script).await;
    assert_eq!(finished.end, End::CallOver);
    let sleep = Op::SleepMs { duration_ms: 1_000 };
    assert_eq!(script.asked(), [(Asked::Open, OpIndex(1), sleep)]);
    assert_eq!(recorded(&journal).rolling_hash, left.rolling_hash);
}

#[tokio::test]
async fn time_goes_on_and_never_back() {
    let whole = recorded(&undisturbed(&module("tally"), "", &Limits::default()).await);
    let saved = saved_prefix(&whole, 5);
    let last_ms = whole.entries[4].at_ms;
    for (now_ms, expected_ms) in [(90_000, 90_000), (last_ms, last_ms), (0, last_ms)] {
        let journal = Journal::restore(&saved, stopped_clock(), BEGAN_MS + now_ms).unwrap();
        journal.input(Input::LegRinging { leg: LegId(1) });
        assert_eq!(recorded(&journal).entries[5].at_ms, expected_ms);
    }
    let journal = Journal::restore(&saved, stopped_clock(), 5).unwrap();
    journal.input(Input::LegRinging { leg: LegId(1) });
    assert_eq!(
        recorded(&journal).entries[5].at_ms,
        last_ms,
        "the real clock was set back"
    );
}

/// A journal in pieces, and where each ends.
async fn pieces() -> (Vec<u8>, Vec<usize>, Journal) {
    let whole = recorded(&undisturbed(&module("tally"), "", &Limits::default()).await);
    let journal = Journal::restore(&saved_prefix(&whole, 6), stopped_clock(), BEGAN_MS).unwrap();
    let mut saved = saved_prefix(&whole, 6);
    let mut ends = vec![saved.len()];
    for digit in ['1', '2', '3'] {
        journal.input(Input::Digit { leg: LegId(0), digit });
        assert!(journal.take_unsaved(&mut saved));
        assert!(!journal.take_unsaved(&mut saved));
        ends.push(saved.len());
    }
    (saved, ends, journal)
}

#[tokio::test]
async fn damaged_pieces_are_refused_with_the_place() {
    let (saved, ends, journal) = pieces().await;
    let restore = |bytes: &[u8]| Journal::restore(bytes, stopped_clock(), BEGAN_MS);
    assert_eq!(restore(&saved).unwrap().to_bytes(), journal.to_bytes());
    let read = RecordedJournal::from_bytes(&saved).unwrap();
    assert_eq!(read, recorded(&journal), "either form is read");
    let mut whole_pieces = 0;
    for cut in 0..saved.len() {
        let restored = restore(&saved[..cut]);
        if ends.contains(&cut) {
            whole_pieces += 1;
            assert!(restored.is_ok(), "cut at {cut}");
        } else if cut >= 8 {
            // A head without a piece is what nobody wrote, but it is whole: no entries.
            let no_entries = restored.as_ref().is_ok_and(|journal| journal.len_bytes() == 0);
            assert!(restored.is_err() || no_entries, "cut at {cut}");
        } else {
            assert_eq!(restored.err(), Some(JournalError::NoJournal));
        }
    }
    assert_eq!(whole_pieces, ends.len() - 1);
    for place in 0..saved.len() {
        for bit in 0..8 {
            let mut damaged = saved.clone();
            damaged[place] ^= 1 << bit;
            assert!(restore(&damaged).is_err(), "bit {bit} of byte {place}");
        }
    }
    let mut swapped = saved[..ends[0]].to_vec();
    swapped.extend_from_slice(&saved[ends[1]..]);
    let missing = restore(&swapped).err().unwrap();
    assert!(matches!(missing, JournalError::Checksum { .. }), "{missing}");
    let mut newer = saved.clone();
    newer[8] = 9;
    let refused = restore(&newer).err().unwrap();
    assert_eq!(refused, JournalError::Version { found: 9 });
    assert!(refused.to_string().contains("version 9"), "{refused}");
}

#[tokio::test]
async fn head_that_comes_again_begins_anew() {
    let (saved, ends, journal) = pieces().await;
    let mut again = saved.clone();
    again.extend_from_slice(&saved[..ends[1]]);
    let restored = Journal::restore(&again, stopped_clock(), BEGAN_MS).unwrap();
    let shorter = Journal::restore(&saved[..ends[1]], stopped_clock(), BEGAN_MS).unwrap();
    assert_eq!(restored.to_bytes(), shorter.to_bytes());
    assert_ne!(restored.to_bytes(), journal.to_bytes());
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Compares with a file that was written once; `UPDATE_GOLDEN=1` writes it.
fn assert_golden(name: &str, bytes: &[u8]) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(data(name), bytes).unwrap();
    }
    let golden = std::fs::read(data(name)).unwrap();
    assert_eq!(bytes, golden, "{name}: this version writes other bytes");
}

/// The default when the files were written.
fn limits_then() -> Limits {
    Limits {
        cpu: Duration::from_secs(5),
        ..Limits::default()
    }
}

#[tokio::test]
async fn this_version_writes_what_it_always_wrote() {
    let journal = undisturbed(&module("tally"), "", &limits_then()).await;
    let mut saved = Vec::new();
    journal.take_unsaved(&mut saved);
    journal.input(Input::LegEnded {
        leg: LegId(0),
        cause: "normal".to_owned(),
    });
    journal.take_unsaved(&mut saved);
    assert_golden("journal-v2.bin", &journal.to_bytes());
    assert_golden("saved-v2.bin", &saved);
}

/// Version 1: a call of `branch.wat` that drew 7, with a digit while it slept.
#[tokio::test]
async fn journals_of_every_version_are_read_replayed_and_resumed() {
    let files = [
        ("journal-v1.bin", "branch", 15),
        ("journal-v2.bin", "tally", 21),
        ("saved-v2.bin", "tally", 21),
    ];
    for (file, guest, entries) in files {
        let bytes = std::fs::read(data(file)).unwrap();
        let whole = RecordedJournal::from_bytes(&bytes).unwrap();
        assert_eq!(whole.entries.len(), entries, "{file}");
        let began = Entry::Began {
            limits: limits_then(),
        };
        assert_eq!(whole.entries[0].entry, began, "{file}");
        let report = replay(&engine(), &module(guest), &whole, ReplayOptions::default());
        assert_eq!(report.divergence, None, "{file}");
        assert_eq!(report.rolling_hash, whole.rolling_hash, "{file}");
        assert_eq!(report.end, ReplayEnd::Scenario(End::Returned), "{file}");

        let script = Script::of(&whole);
        let saved = saved_prefix(&whole, 7);
        let (finished, _) = resume(&module(guest), &saved, &script).await;
        assert_eq!(finished.end, End::Returned, "{file}");
        assert_eq!(finished.rolling_hash, whole.rolling_hash, "{file}");
        assert_eq!(script.asked(), rest(&whole, 7), "{file}");
    }
}
