//! The gate dies, or the call logic does: what the other side needs then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

mod kit;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use kit::{Heard, Rig, assert_continuous, power};
use tandem_bus::media::{
    Codec, Command, EndpointId, Event, PlayEnd, PlayId, Prompt, Refusal, RtpPosition, SendId,
};

const A: EndpointId = EndpointId(1);
const B: EndpointId = EndpointId(2);

fn tone(hz: u16, duration_ms: u32) -> Prompt {
    Prompt::Tone {
        first_hz: hz,
        second_hz: 0,
        duration_ms,
    }
}

fn play(endpoint: EndpointId, play: u64, prompts: Vec<Prompt>, from_ms: u64) -> Command {
    Command::Play {
        endpoint,
        play: PlayId(play),
        prompts,
        repeat: false,
        from_ms,
    }
}

fn restore(
    endpoint: EndpointId,
    local: SocketAddr,
    position: RtpPosition,
    heard: Option<SocketAddr>,
) -> Command {
    Command::Restore {
        endpoint,
        domain: "demo".into(),
        local,
        position,
        heard,
    }
}

fn position() -> RtpPosition {
    RtpPosition {
        ssrc: 5,
        sequence: 65_500,
        timestamp: u32::MAX - 1_000,
        at_us: 0,
    }
}

/// The peer hears one stream, from one port, whose numbers never go back; and it is sent to where it was heard.
#[test]
fn a_restored_endpoint_goes_on_as_the_peer_sees_it() {
    let first = Rig::new(42_300..=42_319);
    let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut phone = first.phone(1, Codec::Pcma);
    first.agree(1, &mut phone, |agreed| {
        agreed.remote = elsewhere.local_addr().unwrap()
    });
    let position = first.report()[0].position;
    // The lock moves to a new address only when the one before was heard: latch on the phone first.
    while !first
        .events
        .try_iter()
        .any(|event| matches!(event, Event::Heard { endpoint: A, remote } if remote == phone.socket.local_addr().unwrap()))
    {
        phone.send(&[0; 160]);
        std::thread::sleep(Duration::from_millis(20));
    }
    let before = phone.listen_until(|heard| heard.len() >= 15);
    drop(first.gate);
    while let Some(rest) = phone.hear() {
        assert_eq!(rest.header.ssrc, position.ssrc);
    }

    let second = Rig::new(42_300..=42_319);
    // A new call does not get the ports before the old one.
    second.send(restore(
        A,
        phone.gate,
        position,
        Some(phone.socket.local_addr().unwrap()),
    ));
    match second.event() {
        Event::Opened {
            endpoint: A,
            local,
            position: now,
        } => {
            assert_eq!((local, now.ssrc), (phone.gate, position.ssrc));
            assert!(now.at_us > position.at_us);
        }
        other => panic!("{other:?}"),
    }
    second.agree(1, &mut phone, |agreed| {
        agreed.remote = elsewhere.local_addr().unwrap()
    });
    let mut after = phone.listen_until(|heard| heard.len() >= 15);
    let (last, next) = (before.last().unwrap().header, after[0].header);
    assert_eq!(next.ssrc, last.ssrc);
    assert!(next.sequence.wrapping_sub(last.sequence).cast_signed() > 0);
    assert!(next.timestamp.wrapping_sub(last.timestamp).cast_signed() > 0);
    // The same again changes nothing and is answered alike.
    second.send(restore(A, phone.gate, position, None));
    assert!(matches!(second.event(), Event::Opened { endpoint: A, local, .. } if local == phone.gate));
    after.extend(phone.listen_until(|heard| heard.len() >= 5));
    assert_continuous(&after);
}

/// Another program lets go of the port a little later: what was said meanwhile is done in its order, and nobody else
/// waits.
#[test]
fn a_port_that_is_still_held_is_waited_for() {
    let rig = Rig::with(42_320..=42_339, |config| {
        config.patience = Duration::from_secs(10)
    });
    let theirs = UdpSocket::bind("127.0.0.1:42325").unwrap();
    let local = SocketAddr::from(([127, 0, 0, 1], 42_324));
    rig.send(restore(A, local, position(), None));
    let mut phone = {
        let other = rig.phone(2, Codec::Pcma);
        assert_ne!(other.gate, local);
        other
    };
    rig.agree(1, &mut phone, |_| {});
    rig.send(Command::Join { a: A, b: B });
    rig.send(play(B, 1, vec![Prompt::Silence(0)], 0));
    drop(theirs);
    assert!(matches!(rig.event(), Event::Opened { endpoint: A, local: opened, .. } if opened == local));
    match rig.event() {
        Event::PlayEnded {
            endpoint: B,
            end: PlayEnd::Finished,
            ..
        } => {}
        other => panic!("the pair was made first: {other:?}"),
    }
    let report = rig.report();
    assert_eq!((report[0].joined, report[1].joined), (Some(B), Some(A)));
}

#[test]
fn a_port_that_stays_held_is_refused_in_the_systems_words() {
    let rig = Rig::new(42_340..=42_359);
    let _theirs = UdpSocket::bind("127.0.0.1:42344").unwrap();
    let begun = Instant::now();
    rig.send(restore(A, "127.0.0.1:42344".parse().unwrap(), position(), None));
    rig.send(Command::Open {
        endpoint: B,
        domain: "demo".into(),
    });
    let mut told = [rig.event(), rig.event()];
    told.sort_by_key(Event::endpoint);
    let taken = match told {
        [
            Event::Refused {
                endpoint: A,
                why: Refusal::System(words),
            },
            Event::Opened {
                endpoint: B, local, ..
            },
        ] if words.contains("in use") => local,
        other => panic!("{other:?}"),
    };
    assert!(begun.elapsed() >= Duration::from_millis(500));
    // Another endpoint of ours has it.
    rig.send(restore(A, taken, position(), None));
    match rig.event() {
        Event::Refused {
            endpoint: A,
            why: Refusal::PortsTaken,
        } => {}
        other => panic!("{other:?}"),
    }
    rig.send(restore(A, "127.0.0.1:65535".parse().unwrap(), position(), None));
    assert!(matches!(rig.event(), Event::Refused { endpoint: A, .. }));
}

/// One shard's endpoints, as they are now.
#[test]
fn a_report_tells_all_that_is() {
    let rig = Rig::new(42_360..=42_379);
    let other_shard = EndpointId(7 << 48 | 1);
    rig.open(other_shard.0);
    let phones = [
        rig.phone(1, Codec::Pcma),
        rig.phone(2, Codec::Pcmu),
        rig.phone(3, Codec::Pcma),
    ];
    rig.send(Command::Join { a: A, b: B });
    let opened = rig.report();
    rig.send(play(EndpointId(3), 8, vec![tone(500, 60_000)], 0));
    rig.send(play(A, 9, vec![Prompt::Silence(20)], 0));
    rig.send(Command::SendDigits {
        endpoint: B,
        send: SendId(4),
        digits: "1".into(),
        tone_ms: 100,
        gap_ms: 50,
    });
    let (mut ended, mut sent) = (false, false);
    while !ended || !sent {
        match rig.event() {
            Event::PlayEnded { endpoint: A, .. } => ended = true,
            Event::DigitsSent {
                endpoint: B,
                send: SendId(4),
                sent: true,
            } => sent = true,
            other => panic!("{other:?}"),
        }
    }
    let heard = phones[2].listen_until(|heard| heard.len() >= 5);
    let report = rig.report();
    assert_eq!(report.len(), 3);
    for (n, existing) in report.iter().enumerate() {
        assert_eq!(existing.endpoint, EndpointId(n as u64 + 1));
        assert_eq!(existing.local, phones[n].gate);
        let agreed = existing.agreed.as_ref().unwrap();
        assert_eq!(agreed.remote, phones[n].socket.local_addr().unwrap());
        assert_eq!(existing.position.ssrc, opened[n].position.ssrc);
        assert!(existing.position.at_us > opened[n].position.at_us);
    }
    let plays: Vec<_> = report.iter().map(|e| (e.play, e.playing)).collect();
    assert_eq!(
        plays,
        [(Some(PlayId(9)), false), (None, false), (Some(PlayId(8)), true)]
    );
    let sends: Vec<_> = report.iter().map(|e| e.send).collect();
    assert_eq!(sends, [None, Some(SendId(4)), None]);
    let joined: Vec<_> = report.iter().map(|e| e.joined).collect();
    assert_eq!(joined, [Some(B), Some(A), None]);
    let (last, now) = (heard.last().unwrap().header, report[2].position);
    assert_eq!(now.ssrc, last.ssrc);
    assert!((1..3_000).contains(&now.sequence.wrapping_sub(last.sequence)));
    assert!((160..480_000).contains(&now.timestamp.wrapping_sub(last.timestamp)));
    rig.send(Command::Report { shard: 7 });
    match rig.event() {
        Event::Reported { shard: 7, endpoints } => {
            assert_eq!(endpoints.len(), 1);
            assert_eq!(
                (endpoints[0].endpoint, &endpoints[0].agreed),
                (other_shard, &None)
            );
        }
        other => panic!("{other:?}"),
    }
    rig.send(Command::Report { shard: 8 });
    assert_eq!(
        rig.event(),
        Event::Reported {
            shard: 8,
            endpoints: vec![]
        }
    );
}

/// Of 1 s and 1 s, 1,200 ms are left out: 800 ms of the second are heard.
#[test]
fn a_playback_begins_where_it_is_told_to() {
    let rig = Rig::new(42_380..=42_399);
    let phone = rig.phone(1, Codec::Pcma);
    rig.send(play(A, 1, vec![tone(500, 1_000), tone(1_100, 1_000)], 1_200));
    let heard = phone.listen_until(|heard| phone.sound(heard).len() >= 900 * 8);
    match rig.event() {
        Event::PlayEnded {
            end: PlayEnd::Finished,
            played_ms: 2_000,
            ..
        } => {}
        other => panic!("{other:?}"),
    }
    let sound = phone.sound(&heard);
    let end = sound.iter().rposition(|s| s.abs() > 500).unwrap();
    assert!((790..=801).contains(&(end / 8)), "{} ms", end / 8);
    assert!(power(&sound[..end], 1_100.0) > 7_000.0);
    assert!(power(&sound[..end], 500.0) < 100.0);
    // All of it left out: it ends at once, at its length.
    rig.send(play(A, 2, vec![tone(500, 300), Prompt::Silence(50)], 9_000));
    match rig.event() {
        Event::PlayEnded {
            play: PlayId(2),
            end: PlayEnd::Finished,
            played_ms: 350,
            ..
        } => {}
        other => panic!("{other:?}"),
    }
    // In rounds of 100 ms: stopped, it says how far it was from the very beginning.
    rig.send(Command::Play {
        endpoint: A,
        play: PlayId(3),
        prompts: vec![tone(500, 60), tone(1_500, 40)],
        repeat: true,
        from_ms: 3_600_000,
    });
    std::thread::sleep(Duration::from_millis(200));
    rig.send(Command::Stop {
        endpoint: A,
        play: PlayId(3),
    });
    match rig.event() {
        Event::PlayEnded {
            end: PlayEnd::Stopped,
            played_ms,
            ..
        } => assert!((3_600_000..3_610_000).contains(&played_ms), "{played_ms}"),
        other => panic!("{other:?}"),
    }
}

/// Whatever has been carried out has no effect when it is said again.
#[test]
fn commands_said_again_have_no_effect() {
    let rig = Rig::new(42_400..=42_419);
    let (mut a, mut b) = (rig.phone(1, Codec::Pcma), rig.phone(2, Codec::Pcma));
    let digits = || Command::SendDigits {
        endpoint: A,
        send: SendId(3),
        digits: "5".into(),
        tone_ms: 60,
        gap_ms: 40,
    };
    rig.send(play(A, 7, vec![tone(500, 100)], 0));
    rig.send(play(A, 7, vec![tone(500, 100)], 0));
    rig.send(play(A, 6, vec![tone(500, 100)], 0));
    assert!(matches!(
        rig.event(),
        Event::PlayEnded {
            play: PlayId(7),
            end: PlayEnd::Finished,
            ..
        }
    ));
    rig.send(play(A, 7, vec![tone(500, 100)], 0));
    rig.send(digits());
    rig.send(digits());
    assert!(matches!(
        rig.event(),
        Event::DigitsSent {
            send: SendId(3),
            sent: true,
            ..
        }
    ));
    rig.send(digits());
    rig.send(Command::Open {
        endpoint: A,
        domain: "demo".into(),
    });
    assert!(matches!(rig.event(), Event::Opened { endpoint: A, local, .. } if local == a.gate));

    rig.send(Command::Join { a: A, b: B });
    assert_eq!(rig.report()[1].joined, Some(A));
    b.drain();
    let mut heard = Vec::new();
    for n in 0..100 {
        heard.extend(b.drain());
        if n % 20 == 10 {
            rig.agree(1, &mut a, |_| {});
            rig.agree(2, &mut b, |_| {});
            rig.send(Command::Join { a: A, b: B });
            rig.send(Command::Join { a: B, b: A });
            rig.send(Command::Part {
                a: A,
                b: EndpointId(9),
            });
        }
        a.send(&[2_000 + n * 100; 160]);
        std::thread::sleep(Duration::from_millis(5));
    }
    let sounding = |heard: &[Heard]| heard.iter().filter(|h| b.sounds(h)).count();
    let missing = 100 - sounding(&heard);
    heard.extend(b.listen_until(|heard| sounding(heard) == missing));
    assert_continuous(&heard);
    // Silence, where the phones were held up, begins another run.
    let mut pairs = heard
        .windows(2)
        .filter(|pair| b.sounds(&pair[0]) && b.sounds(&pair[1]));
    assert!(
        pairs.all(|pair| !pair[1].header.marker),
        "one run of packets from beginning to end"
    );

    for _ in 0..2 {
        rig.send(Command::Part { a: A, b: B });
    }
    for _ in 0..2 {
        rig.send(Command::Close { endpoint: A });
    }
    assert!(matches!(rig.event(), Event::Closed { endpoint: A, .. }));
    let report = rig.report();
    assert_eq!((report.len(), report[0].joined), (1, None));
    assert!(rig.events.try_recv().is_err(), "nothing was told twice");
}

/// Nobody attends: sound goes on for a while, then the ports are free again. Whoever is back in time finds everything.
#[test]
fn endpoints_without_a_call_logic_are_released_in_the_end() {
    let rig = Rig::with(42_420..=42_439, |config| {
        config.orphan_after = Some(Duration::from_millis(700));
    });
    let phone = rig.phone(1, Codec::Pcma);
    rig.send(play(A, 1, vec![tone(500, 60_000)], 0));
    rig.gate.attended(false);
    rig.gate.attended(true);
    std::thread::sleep(Duration::from_millis(900));
    assert_eq!(rig.report().len(), 1);
    let left = Instant::now();
    rig.gate.attended(false);
    std::thread::sleep(Duration::from_millis(50));
    rig.gate.attended(false);
    assert!(matches!(
        rig.event(),
        Event::PlayEnded {
            endpoint: A,
            end: PlayEnd::Stopped,
            ..
        }
    ));
    assert!(matches!(rig.event(), Event::Closed { endpoint: A, .. }));
    assert!(left.elapsed() >= Duration::from_millis(700));
    assert!(UdpSocket::bind(phone.gate).is_ok());
    rig.gate.attended(true);
    rig.open(2);
}
