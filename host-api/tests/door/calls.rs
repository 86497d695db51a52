//! Honest guests: requests arrive in order, answers that come later, calls that end meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tandem_host_api::op::{Address, LegError};
use tandem_host_api::{
    DomainLimits, End, Entry, Input, JournalError, LegId, Limits, Op, OpIndex, Outcome, RecordedJournal,
    Reply,
};
use tokio::sync::oneshot;

use crate::support::{Call, domain, engine, module, plain, stopped_clock};

#[tokio::test]
async fn requests_arrive_in_order_and_are_journalled_with_their_step() {
    let left = Call::default().run(&module("branch"), plain(7)).await;
    assert_eq!(left.finished.end, End::Returned);
    let step = |id: &str, name: &str| Op::Step {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let leg = LegId(0);
    let asked = [
        step("greet", "Greeting"),
        Op::Ring { leg },
        Op::Random,
        Op::SleepMs { duration_ms: 5 },
        step("odd", "Odd number"),
        Op::DropLeg { leg },
    ];
    assert_eq!(left.asked, asked);

    let recorded = left.recorded();
    assert_eq!(recorded.rolling_hash, left.finished.rolling_hash);
    let started: Vec<_> = recorded
        .entries
        .iter()
        .filter_map(|timed| match &timed.entry {
            Entry::Started { index, parent, op } => Some((index.0, parent.0, op.clone())),
            _ => None,
        })
        .collect();
    let parents = [0, 1, 1, 1, 1, 5];
    let expected: Vec<_> = asked
        .into_iter()
        .zip(parents)
        .zip(1..)
        .map(|((op, parent), index)| (index, parent, op))
        .collect();
    assert_eq!(started, expected);
    assert!(matches!(
        recorded.entries.last().unwrap().entry,
        Entry::Finished { end: End::Returned }
    ));
}

#[tokio::test]
async fn same_conversation_has_the_same_rolling_hash_and_another_has_not() {
    let module = module("branch");
    let first = Call::default().run(&module, plain(7)).await.finished.rolling_hash;
    assert_eq!(
        first,
        Call::default().run(&module, plain(7)).await.finished.rolling_hash
    );
    assert_ne!(
        first,
        Call::default().run(&module, plain(9)).await.finished.rolling_hash
    );
}

#[tokio::test]
async fn leg_errors_reach_the_guest() {
    let play = |_, op: &Op| {
        Reply::Now(match op {
            Op::Ring { .. } => Outcome::Leg(Err(LegError::WrongState("it is a dialled leg".to_owned()))),
            _ => Outcome::Done,
        })
    };
    let left = Call::default().run(&module("branch"), play).await;
    assert_eq!(left.finished.end, End::Failed("no ring".to_owned()));
}

#[tokio::test]
async fn handlers_error_is_told() {
    let left = Call::default().run(&module("error"), plain(0)).await;
    assert_eq!(left.finished.end, End::Failed("nobody home".to_owned()));
}

#[tokio::test]
async fn answers_may_come_later_and_inputs_stand_between() {
    let waiting: Arc<Mutex<Option<oneshot::Sender<Outcome>>>> = Arc::default();
    let slot = Arc::clone(&waiting);
    let mut others = plain(2);
    let play = move |index, op: &Op| match op {
        Op::SleepMs { .. } => {
            let (sender, receiver) = oneshot::channel();
            *slot.lock().unwrap() = Some(sender);
            Reply::Later(receiver)
        }
        op => others(index, op),
    };
    let module = module("branch");
    let (run, _) = Call::default().into_run(&module, play);
    let journal = run.journal.clone();
    let running = tokio::spawn(engine().run(&module, run));
    let sender = loop {
        tokio::task::yield_now().await;
        if let Some(sender) = waiting.lock().unwrap().take() {
            break sender;
        }
    };
    journal.input(Input::Digit {
        leg: LegId(0),
        digit: '5',
    });
    sender.send(Outcome::Done).unwrap();
    assert_eq!(running.await.unwrap().end, End::Returned);

    let recorded = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
    let place =
        |wanted: &dyn Fn(&Entry) -> bool| recorded.entries.iter().position(|t| wanted(&t.entry)).unwrap();
    let started = place(&|entry| {
        matches!(
            entry,
            Entry::Started {
                op: Op::SleepMs { .. },
                ..
            }
        )
    });
    let digit = place(&|entry| matches!(entry, Entry::Input(Input::Digit { digit: '5', .. })));
    let ended = place(&|entry| {
        matches!(
            entry,
            Entry::Ended {
                index: OpIndex(4),
                ..
            }
        )
    });
    assert!(started < digit && digit < ended, "{:?}", recorded.entries);
}

#[tokio::test]
async fn dropped_sender_is_the_end_of_the_call() {
    let play = |_, _: &Op| Reply::Later(oneshot::channel().1);
    let left = Call::default().run(&module("sleeper"), play).await;
    assert_eq!(left.finished.end, End::CallOver);
    let recorded = left.recorded();
    let cancelled = recorded
        .entries
        .iter()
        .any(|t| t.entry == Entry::Cancelled { index: OpIndex(1) });
    assert!(cancelled, "{:?}", recorded.entries);
}

#[tokio::test]
async fn dropped_run_cancels_its_open_host_call_and_gives_its_place_back() {
    let quota = domain(DomainLimits::default());
    let held: Arc<Mutex<Vec<oneshot::Sender<Outcome>>>> = Arc::default();
    let hold = Arc::clone(&held);
    let play = move |_, _: &Op| {
        let (sender, receiver) = oneshot::channel();
        hold.lock().unwrap().push(sender);
        Reply::Later(receiver)
    };
    let module = module("sleeper");
    let call = Call {
        domain: quota.clone(),
        ..Call::default()
    };
    let (run, _) = call.into_run(&module, play);
    let journal = run.journal.clone();
    let running = tokio::spawn(engine().run(&module, run));
    while held.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(quota.instances(), 1);
    let [begun, waiting] = [(); 2].map(|()| quota.take_used());
    assert!(begun.cpu_us > 0, "{begun:?}");
    assert_eq!(begun.memory_peak_bytes % 65_536, 0);
    assert!(begun.memory_peak_bytes > 0, "{begun:?}");
    assert_eq!(
        (waiting.cpu_us, waiting.memory_peak_bytes),
        (0, begun.memory_peak_bytes)
    );
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(quota.instances(), 0);
    assert_eq!(quota.take_used().memory_peak_bytes, 0);
    let recorded = RecordedJournal::from_bytes(&journal.to_bytes()).unwrap();
    assert_eq!(
        recorded.entries.last().unwrap().entry,
        Entry::Cancelled { index: OpIndex(1) }
    );
}

#[tokio::test]
async fn answer_of_another_shape_ends_the_call_and_says_so() {
    let play = |_, _: &Op| Reply::Now(Outcome::Address(Address::default()));
    let left = Call::default().run(&module("storm"), play).await;
    let End::Trapped { message, .. } = left.finished.end else {
        panic!("{:?}", left.finished.end)
    };
    assert!(
        message.contains("clock.now-ms was answered with Address"),
        "{message}"
    );
}

#[tokio::test]
async fn waiting_is_not_computing() {
    let play = |_, _: &Op| {
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = sender.send(Outcome::Done);
        });
        Reply::Later(receiver)
    };
    let limits = Limits {
        cpu: Duration::from_millis(1_500),
        ..Limits::default()
    };
    let left = Call {
        limits,
        ..Call::default()
    }
    .run(&module("patient"), play)
    .await;
    assert_eq!(left.finished.end, End::Returned);
    assert!(
        left.finished.cpu < Duration::from_secs(1),
        "{:?}",
        left.finished.cpu
    );
}

#[tokio::test]
async fn full_journal_ends_the_call_and_can_still_be_read() {
    let limits = Limits {
        journal_bytes: 2_000,
        ..Limits::default()
    };
    let left = Call {
        limits,
        clock: stopped_clock(),
        ..Call::default()
    }
    .run(&module("thousand"), plain(0))
    .await;
    let end = End::OverBudget("the journal has reached its limit of 2000 bytes".to_owned());
    assert_eq!(left.finished.end, end);
    assert!(left.journal.len_bytes() < 2_300, "{}", left.journal.len_bytes());
    assert_eq!(
        left.recorded().entries.last().unwrap().entry,
        Entry::Finished { end }
    );
}

#[tokio::test]
async fn damaged_journals_are_refused_with_the_reason() {
    let bytes = Call::default()
        .run(&module("branch"), plain(7))
        .await
        .journal
        .to_bytes();
    assert_eq!(RecordedJournal::from_bytes(b"RIFF"), Err(JournalError::NoJournal));
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert_eq!(
        RecordedJournal::from_bytes(&newer),
        Err(JournalError::Version { found: 9 })
    );
    for cut in 0..bytes.len() {
        assert!(
            RecordedJournal::from_bytes(&bytes[..cut]).is_err(),
            "cut at {cut}"
        );
    }
    for flipped in 10..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[flipped] ^= 0x10;
        assert!(RecordedJournal::from_bytes(&damaged).is_err(), "byte {flipped}");
    }
    let again = RecordedJournal::from_bytes(&bytes).unwrap().to_bytes();
    assert_eq!(again, bytes);
}
