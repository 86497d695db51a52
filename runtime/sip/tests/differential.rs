//! Ours against rsip, on messages both must understand: each reads the same in both.
//!
//! rsip refuses IPv6, folds, compact names and extension methods, so those are left to the torture tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use bytes::Bytes;
use rsip::prelude::*;
use tandem_sip::{Builder, Message, Method, Name};

const METHODS: [&str; 6] = ["INVITE", "REGISTER", "BYE", "OPTIONS", "ACK", "SUBSCRIBE"];
const URIS: [&str; 5] = [
    "sip:example.com",
    "sip:201@example.com",
    "sip:bob@192.0.2.4:5070",
    "sips:bob@b.example.com",
    "sip:bob@b.example.com;transport=TCP",
];
const DISPLAYS: [&str; 3] = ["", "\"Alice Miller\" ", "Alice "];
const VIAS: [(&str, &str); 3] = [
    ("SIP/2.0/UDP 192.0.2.15:5062;branch=z9hG4bK1;rport", "192.0.2.15"),
    ("SIP/2.0/TCP pc33.example.com;branch=z9hG4bK1", "pc33.example.com"),
    (
        "SIP/2.0/UDP pc33.example.com:5060;received=192.0.2.1;branch=z9hG4bK1",
        "pc33.example.com",
    ),
];

/// Every well-formed request of the tables above.
fn requests() -> impl Iterator<Item = String> {
    let all = METHODS.len() * URIS.len() * DISPLAYS.len() * VIAS.len();
    (0..all).map(|n| {
        let method = METHODS[n % METHODS.len()];
        let uri = URIS[n / METHODS.len() % URIS.len()];
        let display = DISPLAYS[n / METHODS.len() / URIS.len() % DISPLAYS.len()];
        let via = VIAS[n / METHODS.len() / URIS.len() / DISPLAYS.len()].0;
        let body = "v=0\r\n".repeat(n % 3);
        format!(
            "{method} {uri} SIP/2.0\r\nVia: {via}\r\nVia: SIP/2.0/UDP second.example.com;branch=z9hG4bK2\r\n\
             Max-Forwards: {}\r\nFrom: {display}<sip:201@example.com>;tag=from{n}\r\nTo: <{uri}>;tag=to{n}\r\n\
             Contact: <sip:201@192.0.2.15:5062>\r\nCall-ID: {n}@192.0.2.15\r\nCSeq: {} {method}\r\n\
             User-Agent: Phone {n}\r\nX-Own: a, b\r\nContent-Length: {}\r\n\r\n{body}",
            n % 256,
            n + 1,
            body.len()
        )
    })
}

#[test]
fn requests_read_the_same() {
    let mut compared = 0;
    for text in requests() {
        let ours = Message::parse(Bytes::from(text.clone())).unwrap();
        ours.validate().unwrap_or_else(|e| panic!("{e}\n{text}"));
        let theirs = rsip::Request::try_from(text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(ours.method_str(), theirs.method.to_string());
        assert_eq!(ours.uri_str(), theirs.uri.to_string());
        assert_eq!(
            ours.uri().unwrap().host.to_string(),
            theirs.uri.host().to_string()
        );
        assert_eq!(ours.uri().unwrap().port, theirs.uri.port().map(|p| *p.value()));
        assert_eq!(ours.all_headers().count(), theirs.headers.iter().count());
        for ((name, text, value), header) in ours.all_headers().zip(theirs.headers.iter()) {
            let line = header.to_string();
            let (their_name, their_value) = line.split_once(':').unwrap();
            assert!(
                their_name.eq_ignore_ascii_case(std::str::from_utf8(text).unwrap()),
                "{name} {line}"
            );
            assert_eq!(their_value.trim().as_bytes(), value);
        }
        compare_typed(&ours, &theirs);
        assert_eq!(ours.body(), theirs.body);
        compared += 1;
    }
    assert_eq!(compared, 270);
}

fn compare_typed(ours: &Message, theirs: &impl HeadersExt) {
    let (from, to) = (
        theirs.from_header().unwrap().typed().unwrap(),
        theirs.to_header().unwrap().typed().unwrap(),
    );
    assert_eq!(ours.from().unwrap().uri.as_str(), from.uri.to_string());
    assert_eq!(ours.to().unwrap().uri.as_str(), to.uri.to_string());
    assert_eq!(
        ours.from().unwrap().tag(),
        from.tag().map(rsip::param::Tag::value)
    );
    assert_eq!(ours.to().unwrap().tag(), to.tag().map(rsip::param::Tag::value));
    let display = from.display_name.unwrap_or_default();
    assert_eq!(
        ours.from().unwrap().display_name().unwrap_or_default(),
        display.trim().trim_matches('"')
    );
    let cseq = theirs.cseq_header().unwrap().typed().unwrap();
    assert_eq!(
        (ours.cseq().unwrap().seq, ours.cseq().unwrap().method_str()),
        (cseq.seq, &*cseq.method.to_string())
    );
    let via = theirs.via_header().unwrap().typed().unwrap();
    let our_via = ours.top_via().unwrap();
    assert_eq!(our_via.transport, via.transport.to_string());
    assert_eq!(our_via.host.to_string(), via.uri.host().to_string());
    assert_eq!(our_via.port, via.uri.port().map(|p| *p.value()));
    assert_eq!(our_via.branch(), via.branch().map(rsip::param::Branch::value));
    let contact = theirs.contact_header().unwrap().typed().unwrap();
    let our_contact = ours.contacts().next().unwrap().unwrap();
    assert_eq!(our_contact.uri().unwrap().as_str(), contact.uri.to_string());
    assert_eq!(ours.call_id().unwrap(), theirs.call_id_header().unwrap().value());
}

/// What our builder writes, rsip reads the same.
#[test]
fn replies_we_write_read_the_same() {
    for text in requests().step_by(7) {
        let request = Message::parse(Bytes::from(text)).unwrap();
        let ours = Builder::reply(&request, 200, "OK")
            .to_tag("never used")
            .header(Name::Contact, "<sip:202@192.0.2.16>")
            .body("application/sdp", "v=0\r\n")
            .build()
            .unwrap();
        let theirs = rsip::Response::try_from(ours.as_bytes().to_vec()).unwrap();
        assert_eq!(ours.status(), Some(theirs.status_code.code()));
        compare_typed(&ours, &theirs);
        assert_eq!(ours.body(), theirs.body);
    }
}

/// What rsip writes, we read the same.
#[test]
fn messages_rsip_writes_read_the_same() {
    for text in requests().step_by(11) {
        let theirs = rsip::Request::try_from(text.as_bytes()).unwrap();
        let ours = Message::parse(Bytes::from(theirs.to_string())).unwrap();
        ours.validate().unwrap();
        assert_ne!(ours.method(), Some(Method::Other));
        compare_typed(&ours, &theirs);
    }
}
