//! What phones say, in files: whole, over a hand-over, within a domain's bytes and walls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

mod kit;

use std::f64::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use kit::{Phone, Rig, config, power};
use tandem_bus::media::{
    Codec, Command, EndpointId, Event, PlayEnd, PlayId, Prompt, RecordEnd, RecordId, RecordRule, Sides,
};
use tandem_gate::{Espeak, Gate};
use tandem_media::wav::Wav;

const A: EndpointId = EndpointId(1);
/// A recording may be longer than its time: the gate makes up for ticks that were late.
const SPARE: Duration = Duration::from_millis(300);

fn rule(sides: Sides) -> RecordRule {
    RecordRule {
        name: "recording-1".into(),
        sides,
        length_ms: 60_000,
        silence_ms: 0,
        paused: false,
    }
}

fn record(rig: &Rig, record: u64, rule: RecordRule) {
    rig.send(Command::Record {
        endpoint: A,
        record: RecordId(record),
        rule,
    });
}

fn end(rig: &Rig, record: u64) {
    rig.send(Command::EndRecord {
        endpoint: A,
        record: RecordId(record),
    });
}

fn ended(rig: &Rig, record: u64) -> (RecordEnd, u64, u64) {
    loop {
        match rig.event() {
            Event::RecordEnded {
                endpoint: A,
                record: RecordId(of),
                end,
                duration_ms,
                bytes,
            } if of == record => return (end, duration_ms, bytes),
            Event::PlayEnded { .. } => (),
            other => panic!("{other:?}"),
        }
    }
}

/// Says a tone: a packet for each of the gate's and in its time, so that none comes late, whoever is held up.
fn talk(phone: &mut Phone, hz: f64, packets: usize) {
    for _ in 0..packets {
        phone.drain();
        let at = phone.listen_until(|heard| !heard.is_empty())[0].header.timestamp;
        if at.wrapping_sub(phone.timestamp) > 320 {
            // Another source, lest the gate wait for what was not said meanwhile.
            phone.ssrc += 1;
        }
        phone.timestamp = at;
        let tone: Vec<i16> = (0..160)
            .map(|n| (8_000.0 * (TAU * hz * (at as usize + n) as f64 / 8_000.0).sin()) as i16)
            .collect();
        phone.send(&tone);
    }
}

fn file(rig: &Rig) -> PathBuf {
    rig.dir.path().join("recordings/demo/recording-1.wav")
}

fn sound(rig: &Rig) -> Vec<i16> {
    let bytes = std::fs::read(file(rig)).unwrap();
    Wav::parse(&bytes).unwrap().to_8khz(60).unwrap()
}

/// The tenths of a second more than half of which each of these tones is heard.
fn tenths(sound: &[i16], tones: &[f64]) -> Vec<usize> {
    let heard = |part: &[i16]| tones.iter().all(|hz| power(part, *hz) > 5_000.0);
    let tenths = sound.chunks_exact(800).enumerate();
    tenths.filter(|(_, part)| heard(part)).map(|(n, _)| n).collect()
}

#[test]
fn both_sides_are_mixed_and_a_pause_is_left_out() {
    let rig = Rig::new(43_300..=43_309);
    let mut phone = rig.phone(1, Codec::Pcma);
    let begun = Instant::now();
    record(&rig, 1, rule(Sides::Both));
    rig.send(Command::Play {
        endpoint: A,
        play: PlayId(1),
        prompts: vec![Prompt::Tone {
            first_hz: 1_200,
            second_hz: 0,
            duration_ms: 60_000,
        }],
        repeat: false,
        from_ms: 0,
    });
    rig.settle();
    talk(&mut phone, 500.0, 50);
    let pause = |paused| {
        rig.send(Command::PauseRecord {
            endpoint: A,
            record: RecordId(1),
            paused,
        });
        rig.settle();
    };
    pause(true);
    let before = begun.elapsed();
    talk(&mut phone, 700.0, 50);
    let resumed = Instant::now();
    pause(false);
    talk(&mut phone, 900.0, 50);
    end(&rig, 1);
    let (why, duration_ms, bytes) = ended(&rig, 1);
    assert_eq!(why, RecordEnd::Finished);
    let most = (before + resumed.elapsed() + SPARE).as_millis() as u64;
    assert!((1_800..most).contains(&duration_ms), "{duration_ms} of {most} ms");
    let sound = sound(&rig);
    assert_eq!(std::fs::metadata(file(&rig)).unwrap().len(), bytes);
    assert_eq!(sound.len() as u64 / 8, duration_ms);
    let (first, last) = (
        tenths(&sound, &[500.0, 1_200.0]),
        tenths(&sound, &[900.0, 1_200.0]),
    );
    assert!(first.len() >= 5 && last.len() >= 5, "{first:?} {last:?}");
    assert!(first.last() < last.first(), "{first:?} {last:?}");
    assert!(power(&sound, 700.0) < 300.0);
}

#[test]
fn silence_and_length_end_it_and_its_end_is_told_again() {
    let rig = Rig::new(43_310..=43_319);
    let mut phone = rig.phone(1, Codec::Pcmu);
    let silent = RecordRule {
        silence_ms: 3_000,
        ..rule(Sides::Peer)
    };
    let begun = Instant::now();
    record(&rig, 1, silent.clone());
    rig.settle();
    talk(&mut phone, 500.0, 25);
    let (why, first_ms, bytes) = ended(&rig, 1);
    assert_eq!(why, RecordEnd::Silence);
    let most = (begun.elapsed() + SPARE).as_millis() as u64;
    assert!((3_350..most).contains(&first_ms), "{first_ms} of {most} ms");
    record(&rig, 1, silent);
    assert_eq!(ended(&rig, 1), (RecordEnd::Finished, first_ms, bytes));

    let short = RecordRule {
        name: "recording-2".into(),
        length_ms: 1_000,
        ..rule(Sides::Peer)
    };
    record(&rig, 2, short);
    assert_eq!(ended(&rig, 2), (RecordEnd::Length, 1_000, 16_044));
}

/// At rest it is ended after two seconds and a half; a gate that is held up writes a second of silence at once.
#[test]
fn a_domain_has_so_many_bytes_and_no_more() {
    let rig = Rig::with(43_320..=43_329, |config| config.recordings_max = 42_000);
    let mut phone = rig.phone(1, Codec::Pcmu);
    record(&rig, 1, rule(Sides::Peer));
    talk(&mut phone, 500.0, 90);
    let (why, duration_ms, bytes) = ended(&rig, 1);
    let full = |why: &RecordEnd| matches!(why, RecordEnd::Failed(words) if words.contains("of demo"));
    assert!(full(&why), "{why:?}");
    assert!(duration_ms >= 1_100 && bytes <= 42_000, "{bytes} bytes");
    std::fs::write(rig.dir.path().join("recordings/demo/more"), vec![0; 42_000]).unwrap();
    let second = RecordRule {
        name: "recording-2".into(),
        ..rule(Sides::Peer)
    };
    record(&rig, 2, second);
    let (why, ..) = ended(&rig, 2);
    assert!(full(&why), "{why:?}");
}

#[test]
fn a_recording_can_be_played_in_its_domain_alone() {
    let rig = Rig::new(43_330..=43_339);
    let mut phone = rig.phone(1, Codec::Pcmu);
    record(&rig, 1, rule(Sides::Peer));
    rig.settle();
    talk(&mut phone, 500.0, 30);
    end(&rig, 1);
    ended(&rig, 1);
    rig.send(Command::Open {
        endpoint: EndpointId(2),
        domain: "other".into(),
    });
    assert!(matches!(rig.event(), Event::Opened { .. }));
    for (endpoint, plays) in [(A, true), (EndpointId(2), false)] {
        if endpoint != A {
            rig.agree(2, &mut phone, |_| {});
        }
        rig.send(Command::Play {
            endpoint,
            play: PlayId(1),
            prompts: vec![Prompt::File("recording-1".into())],
            repeat: false,
            from_ms: 0,
        });
        match rig.event() {
            Event::PlayEnded { end, .. } => {
                assert_eq!(end == PlayEnd::Finished, plays, "{end:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_recording_goes_on_in_the_gate_that_follows() {
    let mut rig = Rig::new(43_340..=43_349);
    let mut phone = rig.phone(1, Codec::Pcmu);
    let begun = Instant::now();
    record(&rig, 1, rule(Sides::Peer));
    rig.settle();
    talk(&mut phone, 500.0, 40);
    let handed = rig.gate.hand_over();
    let (told, events) = channel();
    let config = config(43_340..=43_349, &rig.dir);
    let on_event = move |event| drop(told.send(event));
    rig.gate = Gate::adopt(config, Arc::new(Espeak::default()), on_event, handed.endpoints).unwrap();
    rig.events = events;
    talk(&mut phone, 900.0, 40);
    let existing = rig.report();
    assert_eq!(
        (existing[0].record, existing[0].recording),
        (Some(RecordId(1)), true)
    );
    end(&rig, 1);
    let (why, duration_ms, _) = ended(&rig, 1);
    assert_eq!(why, RecordEnd::Finished);
    let most = (begun.elapsed() + SPARE).as_millis() as u64;
    assert!((1_400..most).contains(&duration_ms), "{duration_ms} of {most} ms");
    let sound = sound(&rig);
    let (first, last) = (tenths(&sound, &[500.0]), tenths(&sound, &[900.0]));
    assert!(first.len() >= 4 && last.len() >= 4, "{first:?} {last:?}");
    assert!(first.last() < last.first(), "{first:?} {last:?}");
}

#[test]
fn the_end_of_an_endpoint_ends_its_recording() {
    let rig = Rig::new(43_350..=43_359);
    let mut phone = rig.phone(1, Codec::Pcmu);
    record(&rig, 1, rule(Sides::Peer));
    talk(&mut phone, 500.0, 20);
    rig.send(Command::Close { endpoint: A });
    let mut told = Vec::new();
    while told.len() < 2 {
        told.push(rig.event());
    }
    assert!(told.iter().any(|event| matches!(event, Event::Closed { .. })));
    assert!(told.iter().any(|event| matches!(
        event,
        Event::RecordEnded {
            end: RecordEnd::Finished,
            ..
        }
    )));
    assert!(file(&rig).exists());
}
