//! Full ranges, hostile datagrams, silence of the peer, the end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

mod kit;

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::{Rig, config, wait_until};
use tandem_bus::media::{Codec, Command, EndpointId, Event, PlayEnd, PlayId, Prompt, Refusal};
use tandem_gate::{Gate, GateConfig, GateError, SendError, Speech, SpeechError};

#[test]
fn a_full_range_refuses_and_recovers() {
    let rig = Rig::new(42_200..=42_203);
    let (first, second) = (rig.open(1), rig.open(2));
    assert_eq!((first.port(), second.port()), (42_200, 42_202));
    rig.gate
        .send(Command::Open {
            endpoint: EndpointId(3),
            domain: "demo".into(),
        })
        .unwrap();
    assert_eq!(
        rig.event(),
        Event::Refused {
            endpoint: EndpointId(3),
            why: Refusal::PortsTaken
        }
    );
    rig.gate
        .send(Command::Close {
            endpoint: EndpointId(1),
        })
        .unwrap();
    assert!(matches!(
        rig.event(),
        Event::Closed {
            endpoint: EndpointId(1),
            ..
        }
    ));
    assert_eq!(rig.open(4).port(), 42_200);
    let counted = rig.gate.counted();
    assert_eq!((counted.endpoints, counted.opened, counted.refused), (2, 3, 1));
}

#[test]
fn a_peer_that_falls_silent_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (told, events) = std::sync::mpsc::channel();
    let set = GateConfig {
        unheard_after: Duration::from_millis(300),
        ..config(42_210..=42_219, &dir)
    };
    let gate = Gate::start(set, move |event| drop(told.send(event))).unwrap();
    let rig = Rig { gate, events, dir };
    let mut phone = rig.phone(1, Codec::Pcma);
    rig.settle();
    let sent = Instant::now();
    phone.send(&[0; 160]);
    match rig.event() {
        Event::Unheard {
            endpoint: EndpointId(1),
            for_ms,
        } => assert!(
            (300..=sent.elapsed().as_millis()).contains(&u128::from(for_ms)),
            "{for_ms}"
        ),
        other => panic!("{other:?}"),
    }
}

/// Noise on both ports from many sources: the call goes on, the noise is counted.
#[test]
fn hostile_datagrams_harm_nobody() {
    let rig = Rig::new(42_220..=42_239);
    let (mut a, mut b) = (rig.phone(1, Codec::Pcma), rig.phone(2, Codec::Pcma));
    rig.gate
        .send(Command::Join {
            a: EndpointId(1),
            b: EndpointId(2),
        })
        .unwrap();
    rig.settle();
    a.send(&[1_000; 160]);
    b.send(&[1_000; 160]);
    for phone in [&a, &b] {
        phone.listen_until(|heard| heard.iter().any(|h| phone.sounds(h)));
    }
    let before = rig.gate.counted().datagrams;
    let attackers: Vec<UdpSocket> = (0..4).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let mut state = 1_u64;
    for n in 0..8_000_u32 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let length = (state >> 40) as usize % 1_500;
        let mut bytes: Vec<u8> = (0..length).map(|i| (state >> (i % 56)) as u8 ^ i as u8).collect();
        if n % 2 == 0 && length > 12 {
            bytes[..2].copy_from_slice(&[0x80, 8]);
        }
        let mut to = a.gate;
        to.set_port(to.port() + (n % 3 == 0) as u16);
        attackers[n as usize % 4].send_to(&bytes, to).unwrap();
        if n % 100 == 99 {
            // The sockets hold little more than that.
            wait_until(|| rig.gate.counted().datagrams > before + u64::from(n));
            b.drain();
        }
    }
    for _ in 0..10 {
        a.send(&[4_000; 160]);
        std::thread::sleep(Duration::from_millis(20));
    }
    b.listen_until(|heard| {
        let sounding = heard
            .iter()
            .filter(|h| a.law().decode_sample(h.payload[0]) > 3_000);
        sounding.count() == 10
    });
    rig.gate
        .send(Command::Close {
            endpoint: EndpointId(1),
        })
        .unwrap();
    match rig.event() {
        Event::Closed { statistics, .. } => {
            assert_eq!(statistics.received, 11);
            assert!(statistics.dropped > 4_000, "{statistics:?}");
        }
        other => panic!("{other:?}"),
    }
}

/// Stopping answers everything, gives the ports back and ends the threads.
#[test]
fn stopping_closes_everything() {
    let rig = Rig::new(42_240..=42_259);
    let phone = rig.phone(1, Codec::Pcma);
    rig.open(2);
    let prompts = vec![Prompt::Silence(60_000)];
    rig.gate
        .send(Command::Play {
            endpoint: EndpointId(1),
            play: PlayId(5),
            prompts,
            repeat: false,
            from_ms: 0,
        })
        .unwrap();
    rig.gate.stop();
    let events: Vec<Event> = rig.events.try_iter().collect();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events.iter().any(|e| matches!(
        e,
        Event::PlayEnded {
            end: PlayEnd::Stopped,
            ..
        }
    )));
    assert_eq!(
        events
            .iter()
            .filter(|e| matches!(e, Event::Closed { .. }))
            .count(),
        2
    );
    assert_eq!(
        rig.gate.send(Command::Close {
            endpoint: EndpointId(1)
        }),
        Err(SendError::Stopped)
    );
    assert!(UdpSocket::bind(phone.gate).is_ok());
}

/// Texts that wait to be spoken do not hold up the end; only those being spoken are waited for. All would take 20 s.
#[test]
fn stopping_does_not_wait_for_queued_speech() {
    struct Slow;
    impl Speech for Slow {
        fn speak(&self, _: &str, _: &str) -> Result<Vec<u8>, SpeechError> {
            std::thread::sleep(Duration::from_secs(5));
            Err(SpeechError::Refused("too late".into()))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (told, events) = std::sync::mpsc::channel();
    let set = config(42_260..=42_279, &dir);
    let gate = Gate::start_with_speech(set, Arc::new(Slow), move |event| drop(told.send(event))).unwrap();
    let rig = Rig { gate, events, dir };
    for id in 0..8 {
        rig.open(id);
        let prompts = vec![Prompt::Speech {
            text: format!("text {id}"),
            language: String::new(),
        }];
        let endpoint = EndpointId(id);
        rig.gate
            .send(Command::Play {
                endpoint,
                play: PlayId(1),
                prompts,
                repeat: false,
                from_ms: 0,
            })
            .unwrap();
    }
    let begun = Instant::now();
    rig.gate.stop();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn wrong_settings_are_named() {
    let start = |set: GateConfig| Gate::start(set, |_| {}).unwrap_err();
    let base = GateConfig::default;
    assert!(matches!(
        start(GateConfig {
            ports: 5_001..=5_002,
            ..base()
        }),
        GateError::Ports { .. }
    ));
    assert!(matches!(
        start(GateConfig { threads: 0, ..base() }),
        GateError::Threads(0)
    ));
    assert!(matches!(
        start(GateConfig {
            plan: "xx".into(),
            ..base()
        }),
        GateError::Plan(_)
    ));
    let anywhere = "0.0.0.0".parse().unwrap();
    assert!(matches!(
        start(GateConfig {
            address: anywhere,
            ..base()
        }),
        GateError::Announced(_)
    ));
    let foreign = "192.0.2.77".parse().unwrap();
    assert!(matches!(
        start(GateConfig {
            address: foreign,
            ..base()
        }),
        GateError::Address { .. }
    ));
}
