//! The phones themselves, without Tandem: what they say, hear and press.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::{Duration, Instant};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tone::{self, Span};

const SOON: Duration = Duration::from_secs(10);

fn call_with_tones(transport: Transport) {
    let alice = Baresip::direct("alice")
        .transport(transport)
        .tone_hz(523.0)
        .start()
        .unwrap();
    let bob = Baresip::direct("bob")
        .transport(transport)
        .tone_hz(697.0)
        .start()
        .unwrap();
    alice
        .dial(&format!("{};transport={}", bob.uri(), transport.as_str()))
        .unwrap();
    bob.wait_for(&EventKind::Incoming, SOON).unwrap();
    alice.wait_for(&EventKind::Ringing, SOON).unwrap();
    bob.accept().unwrap();
    let answered = alice.wait_for(&EventKind::Established, SOON).unwrap();
    bob.wait_for(&EventKind::Established, SOON).unwrap();

    std::thread::sleep(Duration::from_secs(6));
    alice.press('5').unwrap();
    assert_eq!(bob.wait_for(&EventKind::KeyDown, SOON).unwrap().param, "5");
    bob.wait_for(&EventKind::KeyUp, SOON).unwrap();

    bob.hangup().unwrap();
    let closed = alice.wait_for(&EventKind::Closed, SOON).unwrap();
    bob.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(closed.at - answered.at > Duration::from_secs(6));

    for (who, hz) in [(&alice, 697.0), (&bob, 523.0)] {
        let heard = who.received().unwrap();
        let (found, share) =
            tone::dominant(&heard.slice(Duration::from_secs(1), Duration::from_secs(2))).unwrap();
        assert!(
            (found - hz).abs() < 1.0 && share > 0.95,
            "heard {found} Hz with {share}"
        );
        let begin = tone::onset(&heard, hz, TONE_LEAST_DBFS).unwrap();
        let gaps = tone::gaps(
            &heard,
            hz,
            TONE_LEAST_DBFS,
            Span {
                from: begin,
                to: begin + Duration::from_millis(5_700),
            },
        );
        assert!(
            gaps.first()
                .is_none_or(|gap| gap.length() <= Duration::from_millis(40)),
            "{gaps:?}"
        );
        let report = who.media_report().unwrap();
        assert_eq!(report.lost_received, 0, "{report:?}");
        assert!(report.packets_received > 290, "{report:?}");
        assert_eq!(who.recordings(), 1);
        let missing = who.sent().unwrap().length().saturating_sub(heard.length());
        assert!(
            missing < Duration::from_millis(400),
            "{missing:?} less was heard than sent"
        );
    }
}

#[test]
fn two_phones_talk_over_udp() {
    call_with_tones(Transport::Udp);
}

#[test]
fn two_phones_talk_over_tcp() {
    call_with_tones(Transport::Tcp);
}

#[test]
fn a_refused_call_says_why() {
    let alice = Baresip::direct("alice").start().unwrap();
    let bob = Baresip::direct("bob").start().unwrap();
    alice.dial(&bob.uri()).unwrap();
    bob.wait_for(&EventKind::Incoming, SOON).unwrap();
    bob.hangup().unwrap();
    let closed = alice.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(closed.param.contains("486"), "{}", closed.param);
    let missing = alice
        .wait_for(&EventKind::Established, Duration::from_millis(100))
        .unwrap_err();
    assert!(
        missing.to_string().contains("486"),
        "a vain wait tells what did happen: {missing}"
    );
}

/// After it, both get sound again. (baresip sends nothing while it holds a call.)
#[test]
fn held_call_is_resumed() {
    let alice = Baresip::direct("alice").start().unwrap();
    let bob = Baresip::direct("bob").start().unwrap();
    alice.dial(&bob.uri()).unwrap();
    bob.wait_for(&EventKind::Incoming, SOON).unwrap();
    let accepted = Instant::now();
    bob.accept().unwrap();
    alice.wait_for(&EventKind::Established, SOON).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    alice.hold().unwrap();
    let held = accepted.elapsed();
    std::thread::sleep(Duration::from_secs(2));
    let resumed = Instant::now();
    let before_the_hold = alice.received().unwrap().length();
    alice.resume().unwrap();
    std::thread::sleep(Duration::from_secs(8));
    alice.hangup().unwrap();
    alice.wait_for(&EventKind::Closed, SOON).unwrap();
    bob.wait_for(&EventKind::Closed, SOON).unwrap();
    let packets = |length: Duration| (length.as_millis() / 20) as u64;
    let received = alice.media_report().unwrap().packets_received;
    let after = received.saturating_sub(packets(before_the_hold));
    let most = packets(resumed.elapsed()) + 50;
    assert!((150..most).contains(&after), "{after} packets after the hold");
    let received = bob.media_report().unwrap().packets_received;
    // What came before the hold, nothing in it, eight seconds after it.
    let sounding = packets(held) + 150..packets(accepted.elapsed()) + 50;
    assert!(sounding.contains(&received), "bob received {received} packets");
}
