//! Calls that outlive the processes that carry them: each is killed in turn, at bad moments, and people talk on.
//!
//! Sound is measured in three ways. What is in a recording (a tone without a hole, the greeting as it was heard before)
//! and how much of what one phone said never reached the other are exact, and have to be right at once. When sound
//! came is told by the clock, and a machine with two cores may hold up whoever sends or hears it for longer than the
//! 40 ms that are allowed. `tandem_kit::watch` takes off what the phones themselves were held up. The media gate may be
//! held up too, which nothing outside tells apart from a fault: so a gap may be longer by what a thread that only sleeps
//! and wakes was held up in the same time, which on a machine at rest is a millisecond. And a fault comes back: a
//! scenario whose only blemish is a time that was too long is played again, in a server of its own, five times at most,
//! and has to be right once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod dialling;
mod menu;
mod talk;
mod walkers;

use std::time::{Duration, Instant};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::watch::Timeline;
use tandem_kit::{tone, wait};
use tandem_tests::calls;
use tandem_tests::listening::{GAP_MOST, hears_talk};
use tandem_tests::recovery::offer_flow;

/// For everything that should happen at once, on a machine that does many other things.
const LONG: Duration = Duration::from_secs(30);
/// How long people talk after a blow.
const TALK: Duration = Duration::from_secs(4);
/// The number of a menu that greets with a tone.
const TONE_NUMBER: &str = "700";
const GREETING_HZ: f64 = 650.0;
const GREETING: Duration = Duration::from_secs(6);
const ASKING_HZ: f64 = 850.0;

/// A time that was measured by the clock, and what it may be.
#[derive(Debug)]
#[allow(dead_code)] // `what` is printed.
struct Measured {
    what: &'static str,
    was: Duration,
    most: Duration,
}

impl Measured {
    /// The longest gap that this phone heard.
    fn gap(what: &'static str, seen: &Timeline, listener: usize, from: Instant, to: Instant) -> Self {
        Self {
            what,
            was: seen.longest_gap(listener, from, to),
            most: GAP_MOST + seen.held_up(from, to),
        }
    }
}

/// Plays a scenario, and again, five times at most, as long as nothing is wrong with it but a time.
fn in_time(scenario: impl Fn() -> Vec<Measured>) {
    let played = |_| {
        let mut times = scenario();
        println!("{times:?}");
        times.retain(|time| time.was > time.most);
        times
    };
    let late: Vec<_> = (0..5).map(played).take_while(|late| !late.is_empty()).collect();
    assert!(late.len() < 5, "too long each time: {late:?}");
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn start() -> Tandem {
    let tandem = Tandem::builder().start().unwrap();
    offer_flow(&tandem, TONE_NUMBER, &tone_menu()).unwrap();
    tandem
}

/// Greets with a tone of six seconds; 1 calls 302, 2 asks, with another tone, for an extension of three digits.
fn tone_menu() -> serde_json::Value {
    let tone = |hz: f64, length: Duration| serde_json::json!({ "tone": { "hz": hz as u16, "duration_ms": length.as_millis() as u64 } });
    serde_json::json!({
        "version": 1, "name": "Tones", "language": "en", "start": "main",
        "nodes": [
            { "id": "main", "name": "Main", "do": { "menu": {
                "prompts": [tone(GREETING_HZ, GREETING)],
                "choices": { "1": "call-302", "2": "ask" },
                "timeout_ms": 60_000, "default": "end" } } },
            { "id": "call-302", "name": "Call 302", "do": { "dial_user": { "user": "302", "default": "end" } } },
            { "id": "ask", "name": "Ask", "do": { "collect": {
                "prompts": [tone(ASKING_HZ, Duration::from_mins(5))],
                "into": "extension", "min": 3, "max": 3, "digit_timeout_ms": 60_000,
                "next": "call-extension", "default": "end" } } },
            { "id": "call-extension", "name": "Call it", "do": { "dial_number": {
                "number": { "variable": "extension" }, "default": "end" } } },
            { "id": "end", "name": "Hang up", "do": { "hang_up": {} } }
        ]
    })
}

/// Waits until the phone hears this tone, and gives where in its recording.
fn hears(phone: &Baresip, hz: f64) -> Duration {
    wait::until(LONG, &format!("a tone of {hz} Hz"), || {
        tone::onset(&phone.received().ok()?, hz, TONE_LEAST_DBFS)
    })
    .unwrap()
}

/// 302's phone rings and is answered, then both talk.
fn rings_and_talks(caller: &Baresip, callee: &Baresip) {
    callee.wait_for(&EventKind::Incoming, LONG).unwrap();
    callee.accept().unwrap();
    callee.wait_for(&EventKind::Established, LONG).unwrap();
    talk(caller, "301", callee, "302");
}

/// From now on, each hears the other without a gap.
fn talk(a: &Baresip, a_user: &str, b: &Baresip, b_user: &str) {
    let before = [recorded(a), recorded(b)];
    // Whether a blow is heard, `Watch` tells.
    hears_talk(a, before[0], b_user, TALK).unwrap();
    hears_talk(b, before[1], a_user, TALK).unwrap();
}

/// How long the phone's recording is.
fn recorded(phone: &Baresip) -> Duration {
    let heard = || Some(phone.received().ok()?.length());
    wait::until(LONG, "a recording", heard).unwrap()
}

fn both_close(ending: &Baresip, other: &Baresip) {
    ending.hangup().unwrap();
    other.wait_for(&EventKind::Closed, LONG).unwrap();
    ending.wait_for(&EventKind::Closed, LONG).unwrap();
}

/// So many calls were recorded; the newest one, to this number, was taken up so often.
fn recorded_once(tandem: &Tandem, number: &str, records: usize, recoveries: Option<u64>) {
    let call = wait::until(LONG, "the call's record", || {
        (calls::list(tandem).ok()?.len() >= records).then(|| calls::call_to(tandem, number).ok())?
    })
    .unwrap();
    assert_eq!(calls::list(tandem).unwrap().len(), records, "one record a call");
    assert_eq!(call.text("cause").unwrap(), "normal");
    if let Some(recoveries) = recoveries {
        assert_eq!(call.recoveries().unwrap(), recoveries);
    }
}
