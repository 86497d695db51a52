//! One gate takes the place of another in the midst of calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

mod kit;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use kit::{Heard, Phone, Rig, assert_continuous, config};
use tandem_bus::media::{Codec, Command, EndpointId, Event, PlayEnd, PlayId, Prompt, SendId};
use tandem_gate::{EndpointState, Espeak, Gate, HandedEndpoint, SendError};
use tandem_media::g711;
use tandem_media::tone::{Cadence, ToneGenerator};

const A: EndpointId = EndpointId(1);
const B: EndpointId = EndpointId(2);
const TONE: EndpointId = EndpointId(3);
const FILE: EndpointId = EndpointId(4);
const DIGITS: EndpointId = EndpointId(5);

/// A successor with what the gate before gave away, by way of bytes.
fn succeed(rig: &mut Rig, ports: std::ops::RangeInclusive<u16>) -> Vec<usize> {
    let handed = rig.gate.hand_over();
    assert!(handed.commands.is_empty());
    let mut sizes = Vec::new();
    let endpoints = handed
        .endpoints
        .into_iter()
        .map(|HandedEndpoint { state, rtp, rtcp }| {
            let bytes = postcard::to_stdvec(&state).unwrap();
            sizes.push(bytes.len());
            let state: EndpointState = postcard::from_bytes(&bytes).unwrap();
            HandedEndpoint { state, rtp, rtcp }
        });
    let endpoints = endpoints.collect();
    let (told, events) = channel();
    let on_event = move |event| drop(told.send(event));
    let next = Gate::adopt(
        config(ports, &rig.dir),
        Arc::new(Espeak::default()),
        on_event,
        endpoints,
    )
    .unwrap();
    let before = std::mem::replace(&mut rig.gate, next);
    assert_eq!(before.send(Command::Report { shard: 0 }), Err(SendError::Stopped));
    assert!(before.hand_over().endpoints.is_empty());
    drop(before);
    let told_before: Vec<Event> = std::mem::replace(&mut rig.events, events).try_iter().collect();
    assert!(
        told_before
            .iter()
            .all(|event| matches!(event, Event::Heard { .. })),
        "{told_before:?}"
    );
    sizes
}

fn play(rig: &Rig, endpoint: EndpointId, prompts: Vec<Prompt>) {
    rig.send(Command::Play {
        endpoint,
        play: PlayId(1),
        prompts,
        repeat: false,
        from_ms: 0,
    });
}

/// Samples of sound from its first loud one on.
fn sound(heard: &[Heard]) -> Vec<u8> {
    let bytes: Vec<u8> = heard.iter().flat_map(|h| h.payload.clone()).collect();
    let frame = bytes
        .chunks(160)
        .position(|frame| frame.iter().any(|b| *b != 0xD5));
    bytes[frame.unwrap() * 160..].to_vec()
}

fn listen(phones: &[Phone], heard: &mut [Vec<Heard>]) {
    for (phone, heard) in phones.iter().zip(heard) {
        heard.extend(std::iter::from_fn(|| phone.hear()));
    }
}

/// Packets that were on their way arrive, numbers go on by one, a tone keeps its phase, a file its place, digits their
/// order; and the call logic is told nothing but the ends.
#[test]
fn nobody_hears_that_the_gate_is_another() {
    let ports = 42_440..=42_459;
    let mut rig = Rig::new(ports.clone());
    let dir = rig.dir.path().join("prompts/demo");
    std::fs::create_dir_all(&dir).unwrap();
    let ramp: Vec<i16> = (0..48_000).map(|n| (1_000 + n % 16_000) as i16).collect();
    std::fs::write(dir.join("ramp.wav"), tandem_media::wav::write_8khz(&ramp)).unwrap();
    let mut phones: Vec<_> = (1..=5).map(|id| rig.phone(id, Codec::Pcma)).collect();
    for phone in &phones {
        phone.socket.set_nonblocking(true).unwrap();
    }
    rig.send(Command::Join { a: A, b: B });
    assert_eq!(rig.report()[1].joined, Some(A));
    play(
        &rig,
        TONE,
        vec![Prompt::Tone {
            first_hz: 437,
            second_hz: 0,
            duration_ms: 6_000,
        }],
    );
    play(&rig, FILE, vec![Prompt::Silence(0), Prompt::File("ramp".into())]);
    rig.send(Command::SendDigits {
        endpoint: DIGITS,
        send: SendId(1),
        digits: "12345".into(),
        tone_ms: 600,
        gap_ms: 400,
    });
    let begun = Instant::now();
    let mut heard: Vec<Vec<Heard>> = vec![Vec::new(); 5];
    for n in 0..150_u16 {
        // Each packet tells its number.
        for phone in &mut phones[..2] {
            let payload: Vec<u8> = n.to_be_bytes().repeat(80);
            let timestamp = u32::from(n) * 160;
            phone.send_payload(8, n == 0, timestamp, &payload);
        }
        if n == 30 {
            let sizes = succeed(&mut rig, ports.clone());
            assert_eq!(sizes.len(), 5);
            assert!(sizes.iter().all(|size| *size < 260), "{sizes:?}");
        }
        while begun.elapsed() < Duration::from_millis(20 * (u64::from(n) + 1)) {
            listen(&phones, &mut heard);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let mut told = Vec::new();
    while told.len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{told:?}");
        let event = rig.events.recv_timeout(Duration::from_millis(20));
        told.extend(event.ok().filter(|event| !matches!(event, Event::Heard { .. })));
        listen(&phones, &mut heard);
    }
    for heard in &heard {
        assert_continuous(heard);
    }
    for heard in &heard[..2] {
        let numbers: Vec<u16> = heard
            .iter()
            .map(|h| u16::from_be_bytes([h.payload[0], h.payload[1]]))
            .filter(|n| *n != 0xD5D5)
            .collect();
        assert_eq!(
            numbers,
            (0..150).collect::<Vec<_>>(),
            "nothing is lost or doubled"
        );
    }
    let mut tone = vec![0; 48_000];
    ToneGenerator::new(Cadence::steady(437.0, 0.0), 48_000).render(&mut tone);
    let mut expected = Vec::new();
    g711::Codec::Pcma.encode(&tone, &mut expected);
    assert!(
        sound(&heard[2])[..48_000] == expected[..],
        "the tone goes on in its phase"
    );
    expected.clear();
    g711::Codec::Pcma.encode(&ramp, &mut expected);
    let mut file = sound(&heard[3]);
    file.retain(|byte| *byte != 0xD5);
    expected.retain(|byte| *byte != 0xD5);
    assert!(file == expected, "the file goes on in its place");
    let mut digits: Vec<(u32, u8)> = heard[4]
        .iter()
        .filter(|h| h.header.payload_type == 101)
        .map(|h| (h.header.timestamp, h.payload[0]))
        .collect();
    digits.dedup();
    assert_eq!(
        digits.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );

    told.sort_by_key(|event| event.endpoint());
    let finished = |endpoint, played_ms| Event::PlayEnded {
        endpoint,
        play: PlayId(1),
        end: PlayEnd::Finished,
        played_ms,
    };
    let sent = Event::DigitsSent {
        endpoint: DIGITS,
        send: SendId(1),
        sent: true,
    };
    assert_eq!(told, [finished(TONE, 6_000), finished(FILE, 6_000), sent]);
    assert!(rig.events.try_recv().is_err());
    let report = rig.report();
    assert_eq!((report[0].joined, report[1].joined), (Some(B), Some(A)));
    assert_eq!(report[2].play, Some(PlayId(1)));
    // Ports of adopted endpoints are not given away, and given back at their end.
    assert_ne!(rig.open(9).port(), phones[0].gate.port());
    rig.send(Command::Close { endpoint: A });
    match rig.event() {
        Event::Closed {
            endpoint: A,
            statistics,
        } => assert_eq!((statistics.received, statistics.lost), (150, 0)),
        other => panic!("{other:?}"),
    }
}

/// Gate after gate: nothing wears off.
#[test]
fn a_hand_over_can_be_repeated() {
    let ports = 42_460..=42_479;
    let mut rig = Rig::new(ports.clone());
    let phone = rig.phone(1, Codec::Pcma);
    let speech = Prompt::Speech {
        text: "One. Two. Three. Four. Five.".into(),
        language: String::new(),
    };
    rig.send(Command::Play {
        endpoint: A,
        play: PlayId(1),
        prompts: vec![Prompt::Silence(10), speech],
        repeat: true,
        from_ms: 0,
    });
    let mut heard = Vec::new();
    for _ in 0..8 {
        heard.extend(phone.listen_until(|heard| heard.len() >= 7));
        succeed(&mut rig, ports.clone());
    }
    heard.extend(phone.listen_until(|heard| heard.iter().filter(|h| phone.sounds(h)).count() >= 10));
    assert_continuous(&heard);
    rig.send(Command::Stop {
        endpoint: A,
        play: PlayId(1),
    });
    match rig.event() {
        Event::PlayEnded {
            end: PlayEnd::Stopped,
            played_ms,
            ..
        } => assert!(played_ms > 100, "{played_ms}"),
        other => panic!("{other:?}"),
    }
}
