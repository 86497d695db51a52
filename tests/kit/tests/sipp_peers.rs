//! SIPp against itself and against a phone: calls, digest, media, failures counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::Path;
use std::time::Duration;
use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::rtp::{MediaPeer, Press};
use tandem_kit::sipp::{Caller, Sipp, scenario};

fn caller() -> Caller {
    Caller {
        user: "301".into(),
        password: "secret".into(),
        domain: "demo.local".into(),
        number: "100".into(),
    }
}

fn own(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sipp")
        .join(name)
}

fn hundred_calls(transport: Transport) {
    let media = MediaPeer::start(None).unwrap();
    let uas = Sipp::new(scenario("uas"))
        .transport(transport)
        .calls(100)
        .key("rtp_port", media.port())
        .start()
        .unwrap();
    let calls = Sipp::new(scenario("menu_call"))
        .remote(uas.addr())
        .transport(transport)
        .calls(100)
        .rate(50);
    let result = calls
        .callers([caller()])
        .hold(Duration::from_millis(200))
        .run()
        .unwrap();
    assert_eq!(
        (result.successful, result.failed, result.exit_code),
        (100, 0, Some(0)),
        "{}",
        result.errors
    );
    let answered = uas.finish().unwrap();
    assert_eq!(
        (answered.successful, answered.failed),
        (100, 0),
        "{}",
        answered.errors
    );
}

#[test]
fn a_hundred_calls_over_udp_are_counted() {
    hundred_calls(Transport::Udp);
}

#[test]
fn a_hundred_calls_over_tcp_are_counted() {
    hundred_calls(Transport::Tcp);
}

#[test]
fn a_key_pressed_in_a_scripted_call_reaches_a_phone() {
    let soon = Duration::from_secs(10);
    let bob = Baresip::direct("bob").start().unwrap();
    let media = MediaPeer::start(Some(Press {
        key: '7',
        after: Duration::from_millis(300),
    }))
    .unwrap();
    let call = Sipp::new(scenario("menu_call"))
        .remote(bob.sip_addr())
        .key("rtp_port", media.port());
    let call = call
        .callers([Caller {
            number: "bob".into(),
            ..caller()
        }])
        .hold(Duration::from_secs(5));
    let call = call.start().unwrap();
    bob.wait_for(&EventKind::Incoming, soon).unwrap();
    bob.accept().unwrap();
    assert_eq!(bob.wait_for(&EventKind::KeyDown, soon).unwrap().param, "7");
    bob.wait_for(&EventKind::KeyUp, soon).unwrap();
    bob.wait_for(&EventKind::Closed, soon).unwrap();
    let result = call.finish().unwrap();
    assert_eq!((result.successful, result.failed), (1, 0), "{}", result.errors);
    assert_eq!((media.presses(), media.streams_with(25)), (1, 1));
    assert_eq!(
        bob.events()
            .iter()
            .filter(|event| event.kind == EventKind::KeyDown)
            .count(),
        1
    );
}

#[test]
fn a_challenged_call_is_repeated_with_digest() {
    let uas = Sipp::new(own("challenging_uas.xml")).start().unwrap();
    let result = Sipp::new(scenario("menu_call"))
        .remote(uas.addr())
        .callers([caller()])
        .run()
        .unwrap();
    assert_eq!((result.successful, result.failed), (1, 0), "{}", result.errors);
    let answered = uas.finish().unwrap();
    assert_eq!(answered.successful, 1, "{}", answered.errors);
}

#[test]
fn a_refused_call_is_counted_as_failed() {
    let uas = Sipp::new(own("refusing_uas.xml")).start().unwrap();
    let result = Sipp::new(scenario("menu_call"))
        .remote(uas.addr())
        .callers([caller()])
        .run()
        .unwrap();
    assert_eq!(
        (result.successful, result.failed, result.unexpected),
        (0, 1, 1),
        "{}",
        result.errors
    );
    assert!(result.errors.contains("503"), "{}", result.errors);
}

#[test]
fn a_caller_is_hung_up_on() {
    let uas = Sipp::new(own("hanging_up_uas.xml")).start().unwrap();
    let result = Sipp::new(scenario("menu_call_until_bye"))
        .remote(uas.addr())
        .callers([caller()])
        .run()
        .unwrap();
    assert_eq!((result.successful, result.failed), (1, 0), "{}", result.errors);
}

fn phone_registers(transport: Transport) {
    let registrar = Sipp::new(own("registrar.xml"))
        .transport(transport)
        .start()
        .unwrap();
    let phone = Baresip::builder("301", "demo.local", "secret", registrar.addr())
        .transport(transport)
        .start()
        .unwrap();
    phone.wait_registered(Duration::from_secs(10)).unwrap();
    let log = phone.log();
    assert!(log.contains("REGISTER sip:demo.local"), "{log}");
    assert!(log.contains("Authorization: Digest username=\"301\""), "{log}");
}

#[test]
fn a_phone_registers_with_digest_over_udp() {
    phone_registers(Transport::Udp);
}

#[test]
fn a_phone_registers_with_digest_over_tcp() {
    phone_registers(Transport::Tcp);
}

#[test]
fn sipp_registers_with_digest() {
    let registrar = Sipp::new(own("registrar.xml")).start().unwrap();
    let result = Sipp::new(scenario("register"))
        .remote(registrar.addr())
        .callers([Caller {
            number: String::new(),
            ..caller()
        }])
        .run()
        .unwrap();
    assert_eq!((result.successful, result.failed), (1, 0), "{}", result.errors);
    let answered = registrar.finish().unwrap();
    assert_eq!(answered.successful, 1, "{}", answered.errors);
}

#[test]
fn a_refused_registration_says_why() {
    let registrar = Sipp::new(own("refusing_registrar.xml")).start().unwrap();
    let phone = Baresip::builder("301", "demo.local", "wrong", registrar.addr())
        .start()
        .unwrap();
    let reason = phone.wait_refused(Duration::from_secs(10)).unwrap();
    assert!(reason.contains("403"), "{reason}");
}
