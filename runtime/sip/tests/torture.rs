//! The torture messages of RFC 4475 and RFC 5118, each with the treatment its RFC asks for.
//!
//! The messages are not in this repository: `TANDEM_CORPORA`, or `shared/corpora` beside the checkout.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::PathBuf;

use bytes::Bytes;
use tandem_sip::{Frame, Host, Message, Method, Name, StreamFramer};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Treatment {
    /// Goes on to transactions. What a registrar or UAS then answers is not the wire's business.
    Accepted,
    /// A request answered with this status.
    Refused(u16),
    /// A response, or what has no start line to answer: thrown away.
    Dropped,
}
use Treatment::*;

/// Name, expected treatment, and why where it is not plain from the message.
const MESSAGES: &[(&str, Treatment, &str)] = &[
    // RFC 4475 §3.1.1: valid.
    (
        "rfc4475/wsinv.dat",
        Accepted,
        "odd but legal white space and folds",
    ),
    (
        "rfc4475/intmeth.dat",
        Accepted,
        "every byte a token may hold, NUL and UTF-8 in quotes",
    ),
    ("rfc4475/esc01.dat", Accepted, "escapes in the user part"),
    ("rfc4475/escnull.dat", Accepted, "%00 is a user part"),
    (
        "rfc4475/esc02.dat",
        Accepted,
        "% escapes nothing in methods, names and display names",
    ),
    ("rfc4475/lwsdisp.dat", Accepted, "no space before <"),
    ("rfc4475/longreq.dat", Accepted, "34 Vias and long everything"),
    (
        "rfc4475/dblreq.dat",
        Accepted,
        "what follows the message in its datagram is ignored",
    ),
    ("rfc4475/semiuri.dat", Accepted, "semicolon in a user part"),
    ("rfc4475/transports.dat", Accepted, "unknown transports in Via"),
    ("rfc4475/mpart01.dat", Accepted, "binary body"),
    ("rfc4475/unreason.dat", Accepted, "UTF-8 reason phrase"),
    ("rfc4475/noreason.dat", Accepted, "empty reason phrase"),
    // §3.1.2: invalid.
    ("rfc4475/badinv01.dat", Refused(400), "empty parameters"),
    (
        "rfc4475/clerr.dat",
        Refused(400),
        "Content-Length beyond the datagram",
    ),
    ("rfc4475/ncl.dat", Refused(400), "negative Content-Length"),
    (
        "rfc4475/scalar02.dat",
        Refused(400),
        "CSeq over 2^32, Max-Forwards 300",
    ),
    (
        "rfc4475/scalarlg.dat",
        Dropped,
        "response with an impossible CSeq",
    ),
    ("rfc4475/quotbal.dat", Refused(400), "unbalanced quote"),
    ("rfc4475/ltgtruri.dat", Refused(400), "<> around the Request-URI"),
    ("rfc4475/lwsruri.dat", Refused(400), "space in the Request-URI"),
    (
        "rfc4475/lwsstart.dat",
        Refused(400),
        "two spaces in the request line",
    ),
    ("rfc4475/trws.dat", Refused(400), "space behind the request line"),
    ("rfc4475/escruri.dat", Refused(400), "headers in the Request-URI"),
    (
        "rfc4475/baddate.dat",
        Accepted,
        "a Date nobody needs is not looked at, as §3.1.2.12 allows",
    ),
    ("rfc4475/regbadct.dat", Refused(400), "? outside <>"),
    ("rfc4475/badaspec.dat", Refused(400), "spaces within <>"),
    (
        "rfc4475/baddn.dat",
        Refused(400),
        "unquoted display name with a comma, and no empty line",
    ),
    ("rfc4475/badvers.dat", Refused(505), "SIP/7.0"),
    (
        "rfc4475/mismatch01.dat",
        Refused(400),
        "CSeq method against the request line",
    ),
    (
        "rfc4475/mismatch02.dat",
        Refused(400),
        "the same with an unknown method",
    ),
    ("rfc4475/bigcode.dat", Dropped, "status of ten digits"),
    // §3.2: transaction layer.
    (
        "rfc4475/badbranch.dat",
        Accepted,
        "a cookie alone: matched as RFC 2543 did",
    ),
    // §3.3: application layer.
    ("rfc4475/insuf.dat", Refused(400), "no Call-ID, From, To"),
    ("rfc4475/unkscm.dat", Refused(416), "unknown scheme"),
    ("rfc4475/novelsc.dat", Refused(416), "known scheme that is no SIP"),
    (
        "rfc4475/unksm2.dat",
        Accepted,
        "unknown schemes elsewhere: the registrar's decision",
    ),
    ("rfc4475/bext01.dat", Accepted, "420 is the UAS's answer"),
    ("rfc4475/invut.dat", Accepted, "415 is the UAS's answer"),
    ("rfc4475/regaut01.dat", Accepted, "401 is the registrar's answer"),
    (
        "rfc4475/multi01.dat",
        Refused(400),
        "repeated CSeq, Call-ID, To, From",
    ),
    ("rfc4475/mcl01.dat", Refused(400), "two Content-Lengths"),
    (
        "rfc4475/bcast.dat",
        Accepted,
        "well-formed; dropped by the transaction layer, whose branch it is not",
    ),
    (
        "rfc4475/zeromf.dat",
        Accepted,
        "Max-Forwards 0 stops proxies only",
    ),
    ("rfc4475/cparam01.dat", Accepted, "unknown Contact parameter"),
    ("rfc4475/cparam02.dat", Accepted, "unknown URI parameter"),
    ("rfc4475/regescrt.dat", Accepted, "headers in a Contact's URI"),
    ("rfc4475/sdp01.dat", Accepted, "406 is the UAS's answer"),
    // §3.4: RFC 2543.
    (
        "rfc4475/inv2543.dat",
        Accepted,
        "no branch, no tag, no Max-Forwards",
    ),
    // In the archive without a section of its own.
    ("rfc4475/test.dat", Dropped, "no version in the request line"),
    // RFC 5118 §4.
    ("rfc5118/ipv6-good", Accepted, ""),
    ("rfc5118/ipv6-bad", Refused(400), "IPv6 without brackets"),
    (
        "rfc5118/port-ambiguous",
        Accepted,
        "the port is part of the address",
    ),
    ("rfc5118/port-unambiguous", Accepted, ""),
    ("rfc5118/via-received-param-with-delim", Accepted, ""),
    ("rfc5118/via-received-param-no-delim", Accepted, ""),
    ("rfc5118/ipv6-in-sdp", Accepted, ""),
    ("rfc5118/mult-ip-in-header", Accepted, ""),
    ("rfc5118/mult-ip-in-sdp", Accepted, ""),
    ("rfc5118/ipv4-mapped-ipv6", Accepted, ""),
    (
        "rfc5118/ipv6-bug-abnf-3-colons",
        Accepted,
        "what RFC 3261's grammar makes is read too",
    ),
    ("rfc5118/ipv6-correct-abnf-2-colons", Accepted, ""),
];

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TANDEM_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    folder.join("rfc4475").is_dir().then_some(folder)
}

fn read(name: &str) -> Option<Bytes> {
    Some(Bytes::from(
        std::fs::read(corpora()?.join(name)).unwrap_or_else(|e| panic!("{name}: {e}")),
    ))
}

fn treat(bytes: Bytes) -> Treatment {
    let Ok(message) = Message::parse(bytes) else {
        return Dropped;
    };
    match message.validate() {
        Ok(()) => Accepted,
        Err(reject) if message.is_request() => Refused(reject.status),
        Err(_) => Dropped,
    }
}

#[test]
fn each_torture_message_is_treated_as_its_rfc_says() {
    if corpora().is_none() {
        println!("skipped: each_torture_message_is_treated_as_its_rfc_says (no corpora)");
        return;
    }
    assert_eq!(MESSAGES.len(), 62);
    let mut wrong = Vec::new();
    for (name, expected, why) in MESSAGES {
        let got = treat(read(name).unwrap());
        if got != *expected {
            wrong.push(format!("{name}: {got:?}, not {expected:?} ({why})"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        MESSAGES.len(),
        wrong.join("\n")
    );
}

fn message(name: &str) -> Option<Message> {
    let bytes = read(name);
    if bytes.is_none() {
        println!("skipped: {name} (no corpora)");
    }
    bytes.map(|bytes| Message::parse(bytes).unwrap())
}

/// RFC 4475 §3.1.1.1: what the white space hides is found.
#[test]
fn wsinv_reads_as_its_rfc_explains() {
    let Some(m) = message("rfc4475/wsinv.dat") else {
        return;
    };
    assert_eq!(m.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(
        m.from().unwrap().display_name().as_deref(),
        Some("J Rosenberg \\\"")
    );
    assert_eq!(m.from().unwrap().tag(), Some("98asjd8"));
    assert_eq!(
        (m.cseq().unwrap().seq, m.cseq().unwrap().method),
        (9, Method::Invite)
    );
    assert_eq!(m.max_forwards(), Ok(Some(68)));
    let branches: Vec<_> = m
        .vias()
        .map(|v| v.unwrap().branch().unwrap().to_owned())
        .collect();
    assert_eq!(branches, ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]);
    assert_eq!(m.header(Name::Subject), Some(&b""[..]));
    let contact = m.contacts().next().unwrap().unwrap();
    assert_eq!(contact.q_thousandths(), 330);
    assert_eq!(
        contact.address().unwrap().params.get("newparam"),
        Some("newvalue")
    );
    assert!(m.routes().next().unwrap().unwrap().uri.is_loose());
    assert_eq!(m.body().len(), 150);
}

#[test]
fn intmeth_keeps_every_byte() {
    let Some(m) = message("rfc4475/intmeth.dat") else {
        return;
    };
    assert_eq!(m.method(), Some(Method::Other));
    assert_eq!(m.method_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(m.cseq().unwrap().method_str(), m.method_str());
    assert_eq!(
        m.to().unwrap().display_name().as_deref(),
        Some("BEL:\u{7} NUL:\0 DEL:\u{7f}")
    );
    assert_eq!(m.from().unwrap().tag(), Some("_token~1'+`*%!-."));
    assert_eq!(m.call_id(), Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(m.max_forwards(), Ok(Some(255)));
}

#[test]
fn escapes_are_resolved_in_users_only() {
    let Some(m) = message("rfc4475/esc01.dat") else {
        return;
    };
    assert_eq!(m.uri().unwrap().user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(m.to().unwrap().uri.user().as_deref(), Some("user"));
    assert_eq!(m.from().unwrap().uri.user().as_deref(), Some("I have spaces"));
    let Some(m) = message("rfc4475/esc02.dat") else {
        return;
    };
    assert_eq!(m.method(), Some(Method::Other));
    assert_eq!(m.contacts().count(), 2);
    assert_eq!(m.to().unwrap().display, Some(&b"%Z%45"[..]));
    let Some(m) = message("rfc4475/escnull.dat") else {
        return;
    };
    assert_eq!(m.to().unwrap().uri.user().as_deref(), Some("null-\0-null"));
}

#[test]
fn ipv6_hosts_and_ports_are_told_apart() {
    let Some(m) = message("rfc5118/port-ambiguous") else {
        return;
    };
    let uri = m.uri().unwrap();
    assert_eq!(
        (uri.host, uri.port),
        (Host::V6("2001:db8::10:5070".parse().unwrap()), None)
    );
    let Some(m) = message("rfc5118/port-unambiguous") else {
        return;
    };
    let uri = m.uri().unwrap();
    assert_eq!(
        (uri.host, uri.port),
        (Host::V6("2001:db8::10".parse().unwrap()), Some(5070))
    );
    let Some(m) = message("rfc5118/via-received-param-no-delim") else {
        return;
    };
    assert_eq!(m.top_via().unwrap().received(), "2001:db8::9:255".parse().ok());
}

/// RFC 4475 §3.1.1.8 over TCP: both requests of the stream are found.
#[test]
fn both_requests_of_dblreq_come_out_of_a_stream() {
    let Some(bytes) = read("rfc4475/dblreq.dat") else {
        println!("skipped: both_requests_of_dblreq_come_out_of_a_stream (no corpora)");
        return;
    };
    let mut framer = StreamFramer::new();
    framer.push(&bytes);
    let mut methods = Vec::new();
    // Behind the second one the file has three bytes more than its Content-Length.
    while methods.len() < 2 {
        if let Some(Frame::Message(m)) = framer.next().unwrap() {
            m.validate().unwrap();
            methods.push(m.method().unwrap());
        }
    }
    assert_eq!(methods, [Method::Register, Method::Invite]);
}
