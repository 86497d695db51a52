//! What must not work does not, with a specific answer, and nobody else notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;
use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::http;
use tandem_kit::sipp::{Sipp, scenario};
use tandem_kit::tandem::Tandem;
use tandem_tests::listening::{Talk, no_packet_missed};
use tandem_tests::phones::{SOON, phone, registered};

#[test]
fn wrong_password_is_refused_and_binds_nothing() {
    let tandem = Tandem::builder().start().unwrap();
    let stranger = Baresip::builder("302", &tandem.demo().domain, "guessed", tandem.sip())
        .start()
        .unwrap();
    let reason = stranger.wait_refused(SOON).unwrap();
    assert!(reason.contains("401") || reason.contains("403"), "{reason}");

    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    let closed = a.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(closed.param.contains("480"), "{}", closed.param);
    assert!(
        stranger
            .events()
            .iter()
            .all(|event| event.kind != EventKind::Incoming)
    );
}

#[test]
fn unknown_domain_is_refused() {
    let tandem = Tandem::builder().start().unwrap();
    let user = tandem.demo().user("301").unwrap().clone();
    let stranger = Baresip::builder(&user.name, "elsewhere.local", &user.password, tandem.sip())
        .start()
        .unwrap();
    let reason = stranger.wait_refused(SOON).unwrap();
    assert!(reason.contains("404") || reason.contains("403"), "{reason}");
}

#[test]
fn unknown_user_is_refused_as_a_wrong_password_is() {
    let tandem = Tandem::builder().start().unwrap();
    let refused = |user: &str| {
        let stranger = Baresip::builder(user, &tandem.demo().domain, "guessed", tandem.sip())
            .start()
            .unwrap();
        stranger.wait_refused(SOON).unwrap()
    };
    // Or a scanner learns which users there are.
    assert_eq!(refused("nobody"), refused("301"));
}

#[test]
fn unknown_number_is_told_to_the_caller() {
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    a.dial("999999").unwrap();
    let closed = a.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(closed.param.contains("404"), "{}", closed.param);
}

#[test]
fn nobody_calls_without_a_password() {
    let tandem = Tandem::builder().start().unwrap();
    let stranger = phone(&tandem, "301").unwrap().expires_s(0);
    let known = stranger.clone().start().unwrap();
    known.dial(&tandem.demo().menu).unwrap();
    known.wait_for(&EventKind::Established, SOON).unwrap();
    known.hangup().unwrap();

    let demo = tandem.demo();
    let stranger = Baresip::builder("301", &demo.domain, "guessed", tandem.sip())
        .expires_s(0)
        .start()
        .unwrap();
    stranger.dial(&demo.menu).unwrap();
    let closed = stranger.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(
        ["401", "403", "407"]
            .iter()
            .any(|status| closed.param.contains(status)),
        "{}",
        closed.param
    );
}

#[test]
fn options_is_answered() {
    let tandem = Tandem::builder().start().unwrap();
    for transport in [Transport::Udp, Transport::Tcp] {
        let options = Sipp::new(scenario("options"))
            .remote(tandem.sip())
            .transport(transport)
            .calls(10);
        let result = options.key("domain", &tandem.demo().domain).run().unwrap();
        assert_eq!(
            (result.successful, result.failed),
            (10, 0),
            "{transport:?}: {}",
            result.errors
        );
    }
}

#[test]
fn malformed_messages_do_not_disturb_a_call() {
    let mut tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    let talk = Talk::begin(&a, &b).unwrap();

    let seed = 0x5eed_u64;
    println!("seed {seed:#x}");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let messages: Vec<Vec<u8>> = Garbage { state: seed }.messages(2_000);
    for (index, message) in messages.iter().enumerate() {
        socket.send_to(message, tandem.sip()).unwrap();
        if index % 100 == 0 {
            // The server may close the connection at any byte.
            let _ = TcpStream::connect(tandem.sip()).unwrap().write_all(message);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    talk.goes_on(&a, &b, Duration::from_millis(5_500)).unwrap();
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    no_packet_missed(&b).unwrap();
    tandem.assert_alive().unwrap();
    assert_eq!(http::get(tandem.web(), "/healthz").unwrap().0, 200);
    registered(&tandem, "303", Transport::Udp).unwrap();
}

/// A good INVITE, spoilt in ways that a seed chooses.
struct Garbage {
    state: u64,
}

impl Garbage {
    fn messages(mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.message()).collect()
    }

    fn message(&mut self) -> Vec<u8> {
        let good = "INVITE sip:302@demo.local SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx;rport\r\n\
                    Max-Forwards: 70\r\nFrom: <sip:301@demo.local>;tag=f\r\nTo: <sip:302@demo.local>\r\nCall-ID: g\r\n\
                    CSeq: 1 INVITE\r\nContact: <sip:301@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n";
        let mut bytes = good.as_bytes().to_vec();
        match self.below(7) {
            // Cut short.
            0 => bytes.truncate(self.below(bytes.len())),
            // Bytes changed.
            1 => {
                for _ in 0..20 {
                    let at = self.below(bytes.len());
                    bytes[at] = self.below(256) as u8;
                }
            }
            // An oversized header.
            2 => {
                let long = format!("X-Long: {}\r\n\r\n", "a".repeat(20_000 + self.below(40_000)));
                bytes.truncate(bytes.len() - 2);
                bytes.extend_from_slice(long.as_bytes());
            }
            // A body that is promised and does not come.
            3 => {
                bytes = good
                    .replace("Content-Length: 0", "Content-Length: 99999999999")
                    .into_bytes();
            }
            // Two methods in one message, a negative sequence number.
            4 => bytes = good.replace("CSeq: 1 INVITE", "CSeq: -1 BYE").into_bytes(),
            // Nothing but noise.
            5 => bytes = (0..self.below(1_400)).map(|_| self.below(256) as u8).collect(),
            // A response to nothing.
            _ => {
                bytes = good
                    .replace("INVITE sip:302@demo.local SIP/2.0", "SIP/2.0 999 ?")
                    .into_bytes();
            }
        }
        bytes
    }

    /// xorshift64: good enough to choose, and the same everywhere.
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % bound.max(1) as u64) as usize
    }
}
