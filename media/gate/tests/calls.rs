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

use kit::{Heard, Rig, assert_continuous, assert_steady, power};
use tandem_bus::media::{Codec, Command, EndpointId, Event, PlayEnd, PlayId, Prompt, SendId};
use tandem_media::telephone_event::TelephoneEvent;

const A: EndpointId = EndpointId(1);
const B: EndpointId = EndpointId(2);

#[test]
fn an_agreed_leg_gets_silence_each_20_ms() {
    let rig = Rig::new(42_000..=42_019);
    let begun = Instant::now();
    let phone = rig.phone(1, Codec::Pcmu);
    let heard = phone.listen_until(|heard| heard.len() == 51);
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "no faster than they sound"
    );
    assert_continuous(&heard);
    assert_steady(&heard, &rig.gate);
    assert!(heard[0].header.marker && heard.iter().all(|h| h.payload == [0xFF; 160]));
}

/// Tones and a pause come out whole, in order, without a gap, and are told of. The last is asked for when the first is
/// over, and has time to come.
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
        tone(1_000, 2_000),
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
    let heard = phone.listen_until(|heard| phone.sound(heard).len() >= 2_920 * 8);
    assert_continuous(&heard);
    assert_steady(&heard, &rig.gate);
    let sound = phone.sound(&heard);
    let at = |ms: usize, length: usize| &sound[ms * 8..(ms + length) * 8];
    assert!(power(at(50, 300), 500.0) > 7_000.0);
    assert!(at(410, 180).iter().all(|s| s.abs() < 20));
    assert!(power(at(650, 1_900), 1_000.0) > 7_000.0);
    assert!(power(at(2_650, 100), 1_500.0) > 7_000.0);
    assert!(at(2_820, 100).iter().all(|s| s.abs() < 20));
    match rig.event() {
        Event::PlayEnded {
            endpoint: A,
            play: PlayId(1),
            end: PlayEnd::Finished,
            played_ms: 2_810,
        } => {}
        other => panic!("{other:?}"),
    }
}

/// Each phone hears the other's tone, at once and whole; A-law on one side, µ-law on the other. Silence comes only where
/// nobody speaks: there is no more than the time has room for.
#[test]
fn joined_phones_hear_each_other() {
    for (first, second, ports) in [
        (Codec::Pcma, Codec::Pcma, 42_040),
        (Codec::Pcma, Codec::Pcmu, 42_060),
    ] {
        let rig = Rig::new(ports..=ports + 19);
        let begun = Instant::now();
        let (mut a, mut b) = (rig.phone(1, first), rig.phone(2, second));
        rig.gate.send(Command::Join { a: A, b: B }).unwrap();
        rig.settle();
        let tone = |hz: f64, n: usize| -> Vec<i16> {
            (n * 160..(n + 1) * 160)
                .map(|i| ((std::f64::consts::TAU * hz * i as f64 / 8_000.0).sin() * 8_000.0) as i16)
                .collect()
        };
        let (mut heard_a, mut heard_b) = (Vec::new(), Vec::new());
        for n in 0..100 {
            let sent = Instant::now();
            a.send(&tone(700.0, n));
            b.send(&tone(1_100.0, n));
            for (phone, heard) in [(&a, &mut heard_a), (&b, &mut heard_b)] {
                heard.extend(phone.listen_until(|heard| heard.last().is_some_and(|h| phone.sounds(h))));
            }
            std::thread::sleep(Duration::from_millis(20).saturating_sub(sent.elapsed()));
        }
        let most = begun.elapsed().as_millis() as usize / 20 + 3;
        for (phone, heard, own, other) in [
            (&a, &mut heard_a, 700.0, 1_100.0),
            (&b, &mut heard_b, 1_100.0, 700.0),
        ] {
            assert_continuous(heard);
            assert!(heard.len() <= most, "{} of {most}", heard.len());
            heard.retain(|h| phone.sounds(h));
            let samples = phone.decode(heard);
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
    rig.settle();
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
    let is_event = |h: &Heard| h.header.payload_type == 97;
    let heard = b.listen_until(|heard| heard.iter().filter(|h| is_event(h)).count() == 7);
    // Silence between two of them, where the gate was held up, moves what follows.
    let mut pairs = heard
        .windows(2)
        .filter(|pair| is_event(&pair[0]) && is_event(&pair[1]));
    assert!(pairs.all(|pair| pair[0].header.timestamp == pair[1].header.timestamp));
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
    let is_digit = |h: &Heard| h.header.payload_type == 101;
    let ends = |heard: &[Heard]| {
        let ends = heard.iter().filter(|h| is_digit(h) && h.payload[1] & 0x80 != 0);
        ends.count()
    };
    // What follows the last of them shows that no more come.
    let heard = a.listen_until(|heard| ends(heard) >= 6 && heard.last().is_some_and(|h| !is_digit(h)));
    assert_eq!(ends(&heard), 6);
    assert_eq!(
        rig.event(),
        Event::DigitsSent {
            endpoint: A,
            send: SendId(1),
            sent: true
        }
    );
}
