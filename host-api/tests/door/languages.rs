//! Scenarios in each language, built from source by its SDK (`scripts/language-guests.sh`): what a caller meets, what
//! an author is told, and that clock and chance are the journal's. That they load at all says that they import nothing
//! but our interfaces.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tandem_host_api::op::{
    Address, BridgeEnd, BridgeUntilEnd, Cause, CollectEnd, Collected, Contact, DeadlineOp, Delivery,
    DialFailure, HeaderValue, HttpHeader, HttpResponse, KvError, KvValue, LegError, LegEvent, Level,
    LocalTime, Mail, OriginateFailure, PickUpFailure, PlayEnd, Prompt, RecordEnd, Recorded, RecorderId,
    Recording, ScheduleError, Side, Target, TimerError, TimerOp, User, VoicemailCounts, VoicemailMessage,
    VoicemailOp, VoicemailState, VoicemailValue,
};
use tandem_host_api::{End, LegId, Module, Op, OpIndex, Outcome, ReplayOptions, Reply, replay};

use crate::support::{Call, Left, engine};

const TS: &str = "ts";
const PY: &str = "py";

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A component of `tests/guests/dist`, for example "ts/desk".
fn built(name: &str) -> Module {
    let path = checkout().join(format!("tests/guests/dist/{name}.wasm"));
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: `make guests` builds it", path.display()));
    engine().load(&bytes).unwrap()
}

/// The line, from 1, of a source that has `text`.
fn line_of(source: &str, text: &str) -> usize {
    let source = std::fs::read_to_string(checkout().join(source)).unwrap();
    1 + source.lines().position(|line| line.contains(text)).unwrap()
}

/// Answers as a friendly world does: a caller who hangs on, nobody registered, an empty store.
fn friendly(document: &'static str) -> impl FnMut(OpIndex, &Op) -> Reply + Send + 'static {
    let mut now_ms = 1_795_860_000_000;
    let mut drawn = 0;
    move |_, op| {
        Reply::Now(match op {
            Op::ConfigDocument => Outcome::Text(document.to_owned()),
            Op::ConfigEntryPoint | Op::ConfigDomain => Outcome::Text("demo".to_owned()),
            Op::NowMs => {
                now_ms += 250;
                Outcome::Number(now_ms)
            }
            Op::Random => {
                drawn += 1;
                Outcome::Number(drawn << 60)
            }
            Op::Peer { .. } | Op::Local { .. } => Outcome::Address(Address {
                user: "301".to_owned(),
                ..Address::default()
            }),
            Op::Header { .. } => Outcome::Lines(Vec::new()),
            Op::Ring { .. }
            | Op::EarlyMedia { .. }
            | Op::Answer { .. }
            | Op::SendDigits { .. }
            | Op::HangUp { .. } => Outcome::Leg(Ok(())),
            Op::Play { .. } => Outcome::Played(Ok(PlayEnd::Finished)),
            Op::Collect { .. } => Outcome::Collected(Ok(entered("1"))),
            Op::Dial { .. } => Outcome::Dialled(Ok(LegId(1))),
            Op::Bridge { .. } => Outcome::Bridged(Ok(BridgeEnd::SecondHungUp)),
            Op::FindUser { .. } => Outcome::User(None),
            Op::LocalTime => Outcome::LocalTime(working_hours()),
            Op::KvGet { .. } => Outcome::Kv(Ok(KvValue::Value(None))),
            Op::KvSet { .. } => Outcome::Kv(Ok(KvValue::Written)),
            Op::KvDelete { .. } => Outcome::Kv(Ok(KvValue::Deleted(true))),
            Op::KvIncrement { .. } => Outcome::Kv(Ok(KvValue::Sum(2))),
            Op::KvKeys { .. } => Outcome::Kv(Ok(KvValue::Keys(Vec::new()))),
            Op::DropLeg { .. } | Op::SleepMs { .. } | Op::Log { .. } | Op::Step { .. } => Outcome::Done,
            Op::LookUpSchedule { .. } => Outcome::Schedule(Err(ScheduleError::NotFound)),
            Op::FindContact { .. } => Outcome::Contact(Ok(None)),
            Op::SearchContacts { .. } => Outcome::Contacts(Ok(vec![Contact {
                name: "Ann".to_owned(),
                ..Contact::default()
            }])),
            Op::MetricCount { .. } | Op::MetricGauge { .. } | Op::MetricObserve { .. } => {
                Outcome::Metric(Ok(()))
            }
            Op::HttpSend { .. } => Outcome::Http(Ok(HttpResponse {
                status: 201,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: br#"{"id":7}"#.to_vec(),
            })),
            Op::Hold { .. } | Op::Resume { .. } => Outcome::Leg(Ok(())),
            Op::Record { .. } | Op::RecorderFinish { .. } => Outcome::Recorded(Ok(recorded())),
            Op::RecorderStart { .. } => Outcome::Recorder(Ok(RecorderId(1))),
            Op::RecorderPause { .. } | Op::RecorderResume { .. } => Outcome::Recording(Ok(())),
            Op::DropRecorder { .. } => Outcome::Done,
            Op::RecordingDelete { .. } => Outcome::Recording(Ok(())),
            Op::Transfer { .. } => Outcome::Transferred(Ok(())),
            Op::SendMessage { .. } => Outcome::Messaged(Ok(Delivery {
                accepted: 1,
                devices: 2,
            })),
            Op::SendMail { .. } => Outcome::Mailed(Ok("<1@demo>".to_owned())),
            Op::Voicemail { op, .. } => Outcome::Voicemail(Ok(match op {
                VoicemailOp::Count => VoicemailValue::Counted(VoicemailCounts {
                    new: 7,
                    ..VoicemailCounts::default()
                }),
                VoicemailOp::List { .. } => VoicemailValue::Listed(vec![left_message()]),
                VoicemailOp::Store { .. } => VoicemailValue::Stored(Box::new(left_message())),
                VoicemailOp::Mark { .. } | VoicemailOp::Delete { .. } => VoicemailValue::Done,
            })),
            Op::OriginateData => Outcome::OptionalText(None),
            Op::Originate { .. } => Outcome::Originated(Err(OriginateFailure::Limit("enough".to_owned()))),
            Op::PickUp { .. } => Outcome::PickedUp(Err(PickUpFailure::NothingRings)),
            Op::Timer { op, .. } => Outcome::Timer(match op {
                TimerOp::Set { .. } => Err(TimerError::NoEntryPoint("event:timer-remind".to_owned())),
                TimerOp::Cancel => Ok(true),
            }),
            Op::Deadline(DeadlineOp::Passed) => Outcome::Flag(true),
            Op::Deadline(_) => Outcome::Done,
            Op::WaitLegs { .. } => Outcome::LegEvent(Ok(LegEvent::Digit(1, '#'))),
            other => panic!("these guests do not ask for {}", other.name()),
        })
    }
}

fn recorded() -> Recorded {
    Recorded {
        recording: Recording {
            name: "recording-7".to_owned(),
            duration_ms: 2_000,
            bytes: 32_044,
        },
        end: RecordEnd::Finished,
        digit: String::new(),
    }
}

fn entered(digits: &str) -> Collected {
    Collected {
        digits: digits.to_owned(),
        complete: !digits.is_empty(),
        end: if digits.is_empty() {
            CollectEnd::Timeout
        } else {
            CollectEnd::Full
        },
    }
}

fn left_message() -> VoicemailMessage {
    VoicemailMessage {
        id: 1_795_860_000_000_000,
        recording: "recording-1-0".to_owned(),
        caller: Address {
            user: "302".to_owned(),
            ..Address::default()
        },
        stored_ms: 1_795_860_000_000,
        duration_ms: 2_000,
        state: VoicemailState::New,
    }
}

/// A Wednesday, 10:30.
fn working_hours() -> LocalTime {
    LocalTime {
        year: 2026,
        month: 11,
        day: 25,
        weekday: 3,
        hour: 10,
        minute: 30,
        second: 0,
        utc_offset_s: 3_600,
    }
}

/// One call of a built component, which must be told again by its journal.
async fn call(name: &str, play: impl FnMut(OpIndex, &Op) -> Reply + Send + 'static) -> Left {
    let module = built(name);
    let left = Call::default().run(&module, play).await;
    let report = replay(&engine(), &module, &left.recorded(), ReplayOptions::default());
    assert_eq!(report.divergence, None, "{name}");
    assert_eq!(report.rolling_hash, left.finished.rolling_hash, "{name}");
    left
}

/// What a call wrote into its log.
fn logged(left: &Left) -> Vec<(Level, String)> {
    let line = |op: &Op| match op {
        Op::Log { level, text } => Some((*level, text.clone())),
        _ => None,
    };
    left.asked.iter().filter_map(line).collect()
}

/// The error of a call that ended with one, which its log must have told first.
fn failure(left: &Left) -> String {
    let End::Failed(text) = &left.finished.end else {
        panic!("{:?}", left.finished.end);
    };
    let (level, line) = logged(left).pop().unwrap();
    assert_eq!(level, Level::Error);
    assert!(line.starts_with(text.as_str()), "{line}\n{text}");
    text.clone()
}

fn said(text: &str) -> Op {
    Op::Play {
        leg: LegId(0),
        prompts: vec![speech(text)],
    }
}

fn speech(text: &str) -> Prompt {
    Prompt::Speech {
        text: text.to_owned(),
        language: "en".to_owned(),
    }
}

fn step(id: &str, name: &str) -> Op {
    Op::Step {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

#[tokio::test]
async fn template_connects_the_caller_who_presses_1() {
    for language in [TS, PY] {
        let mut presses = ["9", "", "1"].into_iter();
        let mut others = friendly(r#"{"operator": "303"}"#);
        let play = move |index, op: &Op| match op {
            Op::Collect { rule, .. } => {
                assert_eq!(rule.prompts, [speech("Press 1 to talk to somebody.")]);
                Reply::Now(Outcome::Collected(Ok(entered(presses.next().unwrap()))))
            }
            op => others(index, op),
        };
        let left = call(&format!("{language}/desk"), play).await;
        assert_eq!(left.finished.end, End::Returned);
        let told: Vec<Op> = left
            .asked
            .into_iter()
            .filter(|op| !matches!(op, Op::Collect { .. } | Op::Dial { .. }))
            .collect();
        let hang_up = |leg| Op::HangUp {
            leg: LegId(leg),
            cause: Cause::Normal,
        };
        let expected = [
            Op::ConfigDocument,
            step("greet", "Greet"),
            Op::Answer { leg: LegId(0) },
            said("Welcome to desk."),
            step("menu", "Menu"),
            said("9 is no choice."),
            said("Nothing was pressed."),
            step("dial", "Dial"),
            step("talk", "Talk"),
            Op::Bridge {
                first: LegId(0),
                second: LegId(1),
            },
            hang_up(1),
            hang_up(0),
        ];
        assert_eq!(told, expected, "{language}");
    }
}

#[tokio::test]
async fn template_says_why_nobody_answers() {
    for language in [TS, PY] {
        for (failure, words) in [
            (DialFailure::Busy, "Everybody is busy. Please call later."),
            (DialFailure::NoAnswer, "Nobody answers. Please call later."),
            (
                DialFailure::Rejected(488, "No".to_owned()),
                "Nobody can be reached. Please call later.",
            ),
        ] {
            let mut others = friendly("{}");
            let play = move |index, op: &Op| match op {
                Op::Dial { targets, options, .. } => {
                    assert_eq!(*targets, [Target::Number("302".to_owned())]);
                    assert_eq!(options.timeout_ms, 20_000);
                    Reply::Now(Outcome::Dialled(Err(failure.clone())))
                }
                op => others(index, op),
            };
            let left = call(&format!("{language}/desk"), play).await;
            assert_eq!(left.finished.end, End::Returned);
            assert!(left.asked.contains(&said(words)), "{language}: {:?}", left.asked);
        }
    }
}

#[tokio::test]
async fn caller_who_hangs_up_is_no_error() {
    for language in [TS, PY] {
        let mut others = friendly("{}");
        let play = move |index, op: &Op| match op {
            Op::Collect { .. } => Reply::Now(Outcome::Collected(Err(LegError::Gone))),
            op => others(index, op),
        };
        let left = call(&format!("{language}/desk"), play).await;
        assert_eq!(left.finished.end, End::Returned, "{language}");
        assert!(logged(&left).is_empty(), "{language}");
    }
}

/// Nor is one who does so while others ring; that nobody is there is one, where nobody catches it.
#[tokio::test]
async fn caller_who_hangs_up_in_a_dial_is_no_error() {
    for language in [TS, PY] {
        for (why, fails) in [(DialFailure::CallerGone, false), (DialFailure::Busy, true)] {
            let mut others = friendly("dial");
            let play = move |index, op: &Op| match op {
                Op::Dial { .. } => Reply::Now(Outcome::Dialled(Err(why.clone()))),
                op => others(index, op),
            };
            let left = call(&format!("{language}/sandbox"), play).await;
            assert_eq!(matches!(left.finished.end, End::Failed(_)), fails, "{language}");
            assert_eq!(logged(&left).is_empty(), !fails, "{language}");
        }
    }
}

#[tokio::test]
async fn thrown_error_is_told_with_its_message_file_and_line() {
    let source = "tests/guests/ts/sandbox/main.ts";
    let thrown = line_of(source, "throw new Error(`no department");
    let left = call("ts/sandbox", friendly("throw")).await;
    let text = failure(&left);
    assert!(
        text.starts_with("Error: no department has 999 (main.ts:"),
        "{text}"
    );
    assert!(
        text.contains(&format!("main.ts:{thrown}:")),
        "{text}, not line {thrown}"
    );
    let (_, line) = logged(&left).pop().unwrap();
    for (name, at) in [
        ("find", thrown),
        ("open", line_of(source, "return find(number)")),
        ("throw", line_of(source, "open('999')")),
    ] {
        assert!(
            line.contains(&format!("{name} (main.ts:{at}:")),
            "{name} {at} in {line}"
        );
    }
}

#[tokio::test]
async fn raised_exception_is_told_with_its_message_file_and_line() {
    let source = "tests/guests/py/sandbox/main.py";
    let raised = line_of(source, "raise LookupError");
    let left = call("py/sandbox", friendly("raise")).await;
    assert_eq!(
        failure(&left),
        format!("LookupError: no department has 999 (main.py:{raised}, in find)")
    );
    let (_, line) = logged(&left).pop().unwrap();
    for (name, at, code) in [
        ("find", raised, "raise LookupError"),
        (
            "department",
            line_of(source, "return find(number)"),
            "return find(number)",
        ),
        (
            "attempt_raise",
            line_of(source, "department(\"999\")"),
            "department(\"999\")",
        ),
    ] {
        let place = format!("File \"main.py\", line {at}, in {name}\n    {code}");
        assert!(line.contains(&place), "{place}\nis not in\n{line}");
    }

    let left = call("py/sandbox", friendly("chain")).await;
    assert!(failure(&left).starts_with("ValueError: cannot open (main.py:"));
    let (_, line) = logged(&left).pop().unwrap();
    assert!(line.contains("LookupError: no department has 998"), "{line}");
}

#[tokio::test]
async fn refusal_that_nobody_catches_names_the_line_that_asked() {
    for (name, source, place) in [
        ("ts/sandbox", "tests/guests/ts/sandbox/main.ts", "main.ts"),
        ("py/sandbox", "tests/guests/py/sandbox/main.py", "main.py"),
    ] {
        let mut others = friendly("refused");
        let play = move |index, op: &Op| match op {
            Op::Ring { .. } => Reply::Now(Outcome::Leg(Err(LegError::WrongState(
                "it is a dialled leg".to_owned(),
            )))),
            op => others(index, op),
        };
        let text = failure(&call(name, play).await);
        let line = line_of(source, "caller.ring()");
        assert!(
            text.starts_with(&format!(
                "LegError: leg: wrong state: it is a dialled leg ({place}:{line}"
            )),
            "{text}"
        );
    }
}

#[tokio::test]
async fn chance_and_clock_of_typescript_are_the_journals() {
    let left = call("ts/sandbox", friendly("chance")).await;
    assert_eq!(left.finished.end, End::Returned);
    let lines: Vec<String> = logged(&left).into_iter().map(|(_, text)| text).collect();
    // The first draw is 1 << 60, a sixteenth of the range; the next three are two to four sixteenths.
    assert_eq!(lines[0], "random 0.0625");
    assert_eq!(lines[1], "uuid 20000000-0000-4000-8000-000040000000");
    assert_eq!(lines[2], "now 1795860000250");
    assert_eq!(lines[3], "date 2026-11-28T10:00:00.500Z");
    assert_eq!(lines[4], "elapsed 0 250");
}

#[tokio::test]
async fn chance_and_clock_of_python_are_the_journals() {
    let left = call("py/sandbox", friendly("chance")).await;
    assert_eq!(left.finished.end, End::Returned, "{:?}", logged(&left));
    let lines: Vec<String> = logged(&left).into_iter().map(|(_, text)| text).collect();
    assert!(lines[0].starts_with("random 0."), "{lines:?}");
    assert!(lines[1].starts_with("secret 0000000"), "{lines:?}");
    assert_eq!(lines[2], "now 1795860000.25 0.0 0.25");
    assert_eq!(lines[3], "date 2026-11-28T10:00:01+00:00 2026-11-28");
    assert_eq!(lines[4], "parsed 2026-11-28T00:00:00 2026");
    assert!(left.asked.contains(&Op::SleepMs { duration_ms: 250 }));

    // Another seed, another number.
    let mut others = friendly("chance");
    let play = move |index, op: &Op| match op {
        Op::Random => Reply::Now(Outcome::Number(7)),
        op => others(index, op),
    };
    let other = call("py/sandbox", play).await;
    assert_ne!(logged(&other)[0].1, lines[0]);
}

#[tokio::test]
async fn memory_of_each_language_is_the_same_in_each_replay() {
    for name in ["ts/sandbox", "py/sandbox"] {
        let module = built(name);
        let recorded = Call::default().run(&module, friendly("chance")).await.recorded();
        let options = || ReplayOptions {
            memory_hashes: true,
            ..ReplayOptions::default()
        };
        let first = replay(&engine(), &module, &recorded, options());
        assert_eq!(first.divergence, None, "{name}");
        assert!(first.steps.last().unwrap().memory_hash.is_some());
        assert_eq!(first, replay(&engine(), &module, &recorded, options()), "{name}");
    }
}

#[tokio::test]
async fn what_is_printed_is_in_the_log() {
    let left = call("ts/sandbox", friendly("console")).await;
    let line = |level, text: &str| (level, text.to_owned());
    assert_eq!(
        logged(&left),
        [
            line(Level::Debug, r#"of {"two":["2n",{"Map":[["a",1]]}]}"#),
            line(Level::Warn, "a warning"),
            line(Level::Error, "Error: an error"),
        ]
    );

    let left = call("py/sandbox", friendly("print")).await;
    let mut lines = logged(&left);
    // The traceback of `logging.exception`, and the rest of the first line at the end.
    let (level, told) = lines.remove(4);
    assert_eq!(level, Level::Error);
    assert!(told.starts_with("it failed\nTraceback"), "{told}");
    assert!(told.contains("no department has 997"), "{told}");
    assert_eq!(
        lines,
        [
            line(Level::Info, "one"),
            line(Level::Warn, "wrong"),
            line(Level::Debug, "of 2"),
            line(Level::Warn, "a warning"),
            line(Level::Info, "two"),
        ]
    );
}

/// What a call only reads it does not write to: CPython would otherwise, and have its page copied.
#[tokio::test]
async fn objects_that_python_begins_with_are_not_counted() {
    let left = call("py/sandbox", friendly("count")).await;
    let lines = logged(&left);
    assert_eq!(lines, [(Level::Info, "[False, False, False, True]".to_owned())]);
}

/// The build looks attributes up, so that a call need not, and nobody notices.
#[tokio::test]
async fn what_a_scenario_wrote_in_python_is_not_asked_by_the_build() {
    let left = call("py/sandbox", friendly("asked")).await;
    let line = "[] ['lead', 'descriptor', 'chief', 'property']".to_owned();
    assert_eq!(logged(&left), [(Level::Info, line)]);
}

#[tokio::test]
async fn what_a_sandbox_has_not_fails_in_words_that_say_what_to_do() {
    for (name, what, words) in [
        (
            "ts/sandbox",
            "timer",
            "setTimeout is not there in a scenario: nothing runs beside the handler",
        ),
        (
            "ts/sandbox",
            "fetch",
            "fetch is not there in a scenario: it has no network",
        ),
        (
            "ts/sandbox",
            "promise",
            "the handler is async, and nothing would wait for it",
        ),
        (
            "py/sandbox",
            "open",
            "open('/etc/passwd') is not there in a scenario: a call has no files",
        ),
        (
            "py/sandbox",
            "socket",
            "is not there in a scenario: it has no network",
        ),
        ("py/sandbox", "import", "import wave within a call"),
    ] {
        let text = failure(&call(name, friendly(what)).await);
        assert!(text.contains(words), "{name}, {what}: {text}");
    }
}

#[tokio::test]
async fn recording_is_paused_goes_on_and_is_kept_in_a_box() {
    for language in [TS, PY] {
        let left = call(&format!("{language}/sandbox"), friendly("record")).await;
        assert_eq!(left.finished.end, End::Returned, "{:?}", logged(&left));
        let recorder = RecorderId(1);
        let of_box = |op| Op::Voicemail {
            name: "sales".to_owned(),
            op,
        };
        let expected = [
            Op::ConfigDocument,
            Op::RecorderStart {
                leg: LegId(0),
                side: Side::Peer,
                length_ms: 60_000,
            },
            Op::RecorderPause { recorder },
            Op::RecorderResume { recorder },
            Op::RecorderFinish { recorder },
            Op::Peer { leg: LegId(0) },
            of_box(VoicemailOp::Store {
                recording: "recording-7".to_owned(),
                caller: Address {
                    user: "301".to_owned(),
                    ..Address::default()
                },
                duration_ms: 2_000,
            }),
            of_box(VoicemailOp::Delete {
                id: left_message().id,
            }),
        ];
        let own = |op: &Op| matches!(op, Op::DropRecorder { .. } | Op::DropLeg { .. });
        let asked: Vec<Op> = left.asked.into_iter().filter(|op| !own(op)).collect();
        assert_eq!(asked, expected, "{language}");
    }
}

#[tokio::test]
async fn call_that_begins_anew_has_its_state_and_nothing_else() {
    for language in [TS, PY] {
        let left = call(&format!("{language}/sandbox"), friendly("renew")).await;
        assert_eq!(left.finished.end, End::Returned, "{:?}", logged(&left));
        let line = (Level::Info, "halfway 0 1 None".to_owned());
        assert_eq!(logged(&left), [line], "{language}");
    }
}

/// The tours of the book go through every interface, and all three ask the same.
#[tokio::test]
async fn tours_of_the_book_use_every_interface() {
    let play = || {
        let mut others = friendly(r#"{"greeting": "Hello.", "agents": ["301", "302"]}"#);
        let mut talks = 0;
        move |index, op: &Op| match op {
            Op::KvIncrement { .. } => Reply::Now(Outcome::Kv(Err(KvError::NotANumber))),
            Op::KvGet { key } => {
                // The last agent, and the message before this one.
                let value = if key.starts_with("last/") {
                    "302"
                } else {
                    "recording-6"
                };
                Reply::Now(Outcome::Kv(Ok(KvValue::Value(Some(value.into())))))
            }
            Op::FindUser { number } => Reply::Now(Outcome::User(Some(User {
                name: number.clone(),
                display_name: String::new(),
                registered: false,
            }))),
            // TypeScript has the upper 53 bits of it.
            Op::Random => Reply::Now(Outcome::Number(0)),
            Op::Collect { rule, .. } => {
                assert_eq!((rule.min, rule.max, rule.terminators.as_str()), (3, 6, "#"));
                let late = "the deadline has passed".to_owned();
                Reply::Now(Outcome::Collected(Err(LegError::Limit(late))))
            }
            Op::BridgeUntil { .. } => {
                talks += 1;
                Reply::Now(Outcome::BridgedUntil(Ok(if talks == 1 {
                    BridgeUntilEnd::Digit('*')
                } else {
                    BridgeUntilEnd::SecondHungUp
                })))
            }
            op => others(index, op),
        }
    };
    let mut asked = Vec::new();
    for name in ["tour", "ts/tour", "py/tour"] {
        let left = call(name, play()).await;
        let language = name;
        assert_eq!(left.finished.end, End::Returned, "{:?}", logged(&left));
        let names: BTreeSet<&str> = left.asked.iter().map(Op::name).collect();
        for name in [
            "leg.peer",
            "leg.local",
            "leg.header",
            "leg.ring",
            "leg.early-media",
            "leg.answer",
            "leg.play",
            "leg.collect",
            "leg.send-digits",
            "dial.dial",
            "bridge.bridge",
            "directory.find-user",
            "config.document",
            "config.entry-point",
            "config.domain",
            "key-value.get",
            "key-value.set",
            "key-value.delete",
            "key-value.increment",
            "clock.local",
            "random.next",
            "log.write",
            "trace.step",
            "schedule.look-up",
            "contacts.find-by-number",
            "contacts.search",
            "metrics.count",
            "metrics.gauge",
            "metrics.observe",
            "clock.sleep-ms",
            "recording.record",
            "recording.start",
            "recorder.finish",
            "recording.delete",
            "hold.hold",
            "hold.resume",
            "transfer.transfer",
            "message.send",
            "mail.send",
            "voicemail.count",
            "voicemail.list",
            "voicemail.mark",
            "originate.data",
            "originate.call",
            "pickup.pick-up",
            "timers.set",
            "timers.cancel",
            "deadline.set",
            "deadline.clear",
            "deadline.passed",
            "leg-events.wait",
            "leg-events.bridge-until",
        ] {
            assert!(names.contains(name), "{language}: no {name} in {names:?}");
        }
        let sent = left.asked.iter().find_map(|op| match op {
            Op::HttpSend { request } => Some(request.clone()),
            _ => None,
        });
        let sent = sent.expect("an HTTP request");
        assert_eq!(
            (sent.body.as_slice(), sent.timeout_ms),
            (&br#"{"caller":"Ann"}"#[..], 2_000)
        );
        let mailed = left.asked.iter().find_map(|op| match op {
            Op::SendMail { mail } => Some(mail.clone()),
            _ => None,
        });
        let mailed = mailed.expect("a mail");
        let expected = Mail {
            to: vec!["sales@example.com".to_owned()],
            subject: "7 messages wait".to_owned(),
            text: "From 302".to_owned(),
            html: None,
            attachments: vec!["recording-1-0".to_owned()],
        };
        assert_eq!(mailed, expected, "{language}");
        let token = HttpHeader {
            name: "Authorization".to_owned(),
            value: HeaderValue::Secret {
                name: "crm-token".to_owned(),
                prefix: "Bearer ".to_owned(),
            },
        };
        assert!(sent.headers.contains(&token), "{language}: {sent:?}");
        // How legs and recorders are given up, and what is logged, is each language's own.
        let own = |op: &Op| {
            matches!(
                op,
                Op::HangUp { .. } | Op::DropLeg { .. } | Op::DropRecorder { .. } | Op::Log { .. }
            )
        };
        asked.push(left.asked.into_iter().filter(|op| !own(op)).collect::<Vec<_>>());
    }
    assert_eq!(asked[0], asked[1]);
    assert_eq!(asked[1], asked[2]);
}

#[tokio::test]
async fn panic_of_rust_is_told_with_its_message_file_and_line() {
    let line = line_of("tests/guests/rust/panics/src/lib.rs", "panic!(");
    let left = call("panics", friendly("{}")).await;
    assert!(
        matches!(left.finished.end, End::Trapped { .. }),
        "{:?}",
        left.finished.end
    );
    let (level, text) = logged(&left).pop().unwrap();
    assert_eq!(level, Level::Error);
    assert!(text.contains(&format!("src/lib.rs:{line}:")), "{text}");
    assert!(text.contains("no department has 999"), "{text}");
}
