//! What phones hear through a gate, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

mod kit;

use std::time::{Duration, Instant};

use kit::{Rig, assert_continuous, power};
use tandem_bus::media::{Codec, Command, EndpointId, Event, PlayEnd, PlayId, Prompt, SendId};
use tandem_media::telephone_event::TelephoneEvent;

const A: EndpointId = EndpointId(1);
const B: EndpointId = EndpointId(2);

#[test]
fn an_agreed_leg_gets_silence_each_20_ms() {
    let rig = Rig::new(42_000..=42_019);
    let phone = rig.phone(1, Codec::Pcmu);
    let heard = phone.listen(Duration::from_millis(1_000));
    assert!((45..=53).contains(&heard.len()), "{}", heard.len());
    assert_continuous(&heard);
    assert!(heard[0].header.marker && heard.iter().all(|h| h.payload == [0xFF; 160]));
}

/// Two tones and a pause come out whole, in order, without a gap, and are told of.
#[test]
fn playback_is_gap_free() {
    let rig = Rig::new(42_020..=42_039);
    let phone = rig.phone(1, Codec::Pcma);
    let tone = |hz, ms| Prompt::Tone {
        first_hz: hz,
        second_hz: 0,
        duration_ms: ms,
    };
    let prompts = vec![
        tone(500, 400),
        Prompt::Silence(200),
        tone(1_000, 400),
        tone(1_500, 210),
    ];
    rig.gate
        .send(Command::Play {
            endpoint: A,
            play: PlayId(1),
            prompts,
            repeat: false,
            from_ms: 0,
        })
        .unwrap();
    let heard = phone.listen(Duration::from_millis(1_700));
    assert_continuous(&heard);
    let times: Vec<Duration> = heard.windows(2).map(|w| w[1].at - w[0].at).collect();
    assert!(times.iter().all(|t| *t < Duration::from_millis(60)), "{times:?}");
    let samples = phone.decode(&heard);
    let begin = samples.iter().position(|s| s.abs() > 500).unwrap();
    let at = |ms: usize, length: usize| &samples[begin + ms * 8..begin + (ms + length) * 8];
    assert!(power(at(50, 300), 500.0) > 7_000.0);
    assert!(at(410, 180).iter().all(|s| s.abs() < 20));
    assert!(power(at(650, 300), 1_000.0) > 7_000.0);
    assert!(power(at(1_050, 100), 1_500.0) > 7_000.0);
    assert!(at(1_220, 100).iter().all(|s| s.abs() < 20));
    match rig.event() {
        Event::PlayEnded {
            endpoint: A,
            play: PlayId(1),
            end: PlayEnd::Finished,
            played_ms: 1_210,
        } => {}
        other => panic!("{other:?}"),
    }
}

/// Each phone hears the other's tone, at once and whole; A-law on one side, µ-law on the other.
#[test]
fn joined_phones_hear_each_other() {
    for (first, second, ports) in [
        (Codec::Pcma, Codec::Pcma, 42_040),
        (Codec::Pcma, Codec::Pcmu, 42_060),
    ] {
        let rig = Rig::new(ports..=ports + 19);
        let (mut a, mut b) = (rig.phone(1, first), rig.phone(2, second));
        rig.gate.send(Command::Join { a: A, b: B }).unwrap();
        let tone = |hz: f64, n: usize| -> Vec<i16> {
            (n * 160..(n + 1) * 160)
                .map(|i| ((std::f64::consts::TAU * hz * i as f64 / 8_000.0).sin() * 8_000.0) as i16)
                .collect()
        };
        let (mut heard_a, mut heard_b) = (Vec::new(), Vec::new());
        let begin = Instant::now();
        a.socket.set_nonblocking(true).unwrap();
        b.socket.set_nonblocking(true).unwrap();
        for n in 0..100 {
            a.send(&tone(700.0, n));
            b.send(&tone(1_100.0, n));
            while begin.elapsed() < Duration::from_millis(20 * (n as u64 + 1)) {
                heard_a.extend(a.hear());
                heard_b.extend(b.hear());
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        for (phone, heard, own, other) in [(&a, &heard_a, 700.0, 1_100.0), (&b, &heard_b, 1_100.0, 700.0)] {
            assert_continuous(heard);
            let samples = phone.decode(heard);
            assert!(
                (97 * 160..106 * 160).contains(&samples.len()),
                "{}",
                samples.len()
            );
            let middle = &samples[10 * 160..90 * 160];
            assert!(power(middle, other) > 7_500.0, "{}", power(middle, other));
            assert!(power(middle, own) < 100.0);
        }
        rig.gate.send(Command::Part { a: A, b: B }).unwrap();
        rig.gate.send(Command::Close { endpoint: A }).unwrap();
        match rig.event() {
            Event::Closed {
                endpoint: A,
                statistics,
            } => {
                assert_eq!(
                    (statistics.received, statistics.lost, statistics.dropped),
                    (100, 0, 0)
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn digits_are_told_once_and_relayed() {
    let rig = Rig::new(42_080..=42_099);
    let (mut a, mut b) = (rig.phone(1, Codec::Pcmu), rig.phone(2, Codec::Pcmu));
    rig.agree(2, &mut b, |agreed| agreed.telephone_event = Some(97));
    rig.gate.send(Command::Join { a: A, b: B }).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let start = a.timestamp;
    for n in 1..=7_u16 {
        let event = TelephoneEvent {
            code: 10,
            end: n > 4,
            volume: 10,
            duration: n.min(5) * 160,
        };
        a.send_payload(101, n == 1, start, &event.to_bytes());
    }
    assert_eq!(
        rig.event(),
        Event::Digit {
            endpoint: A,
            digit: '*'
        }
    );
    let events: Vec<_> = b
        .listen(Duration::from_millis(200))
        .into_iter()
        .filter(|h| h.header.payload_type == 97)
        .collect();
    assert_eq!(events.len(), 7);
    assert!(
        events
            .iter()
            .all(|h| h.header.timestamp == events[0].header.timestamp)
    );
    assert!(rig.events.try_recv().is_err(), "one digit, one event");
    rig.gate
        .send(Command::SendDigits {
            endpoint: A,
            send: SendId(1),
            digits: "1#".into(),
            tone_ms: 100,
            gap_ms: 60,
        })
        .unwrap();
    let heard = a.listen(Duration::from_millis(600));
    let ends = heard
        .iter()
        .filter(|h| h.header.payload_type == 101 && h.payload[1] & 0x80 != 0)
        .count();
    assert_eq!(ends, 6);
    assert_eq!(
        rig.event(),
        Event::DigitsSent {
            endpoint: A,
            send: SendId(1),
            sent: true
        }
    );
}
