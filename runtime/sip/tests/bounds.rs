//! What is large or broken on purpose: bounds hold, offsets do not wrap, and no bytes make a panic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "shared/exercise.rs"]
mod exercise;

use bytes::Bytes;
use exercise::{Mutator, SEEDS, exercise};
use tandem_sip::message::{HEADERS_MAX, MESSAGE_MAX};
use tandem_sip::{Message, Method, Name, ParseError};

fn options(extra: &str) -> String {
    format!(
        "OPTIONS sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n\
         To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n{extra}\r\n"
    )
}

fn parse(text: impl Into<Vec<u8>>) -> Result<Message, ParseError> {
    Message::parse(Bytes::from(text.into()))
}

#[test]
fn offsets_hold_beyond_64_kib() {
    let long = "x".repeat(70_000);
    let m = parse(
        options(&format!(
            "X-Long: {long}\r\nSubject: behind\r\nContent-Length: 70000\r\n"
        )) + &long,
    )
    .unwrap();
    assert_eq!(m.header(Name::Subject), Some(&b"behind"[..]));
    assert_eq!(m.header_named("x-long").next().unwrap().len(), 70_000);
    assert_eq!(m.body(), long.as_bytes());
    assert_eq!(m.validate(), Ok(()));
}

#[test]
fn headers_are_bounded() {
    let many = |n: usize| options(&"X-Y: z\r\n".repeat(n - 5));
    for n in [31, 32, 33, 34, HEADERS_MAX] {
        let m = parse(many(n)).unwrap();
        assert_eq!(m.all_headers().count(), n);
        assert_eq!(m.header_named("X-Y").count(), n - 5);
    }
    assert_eq!(
        parse(many(HEADERS_MAX + 1)).unwrap_err(),
        ParseError::TooManyHeaders { max: HEADERS_MAX }
    );
}

#[test]
fn too_long_is_refused_before_it_is_read() {
    let long = vec![b'x'; MESSAGE_MAX + 1];
    assert_eq!(
        parse(long).unwrap_err(),
        ParseError::TooLong {
            len: MESSAGE_MAX + 1,
            max: MESSAGE_MAX
        }
    );
    let name = "N".repeat(256);
    assert!(matches!(
        parse(options(&format!("{name}: x\r\n"))),
        Err(ParseError::HeaderNameTooLong { .. })
    ));
}

#[test]
fn line_ends_alone_are_refused_in_the_head_only() {
    assert!(matches!(
        parse(options("X: y\nVia: z\r\n")),
        Err(ParseError::BareLineEnd { .. })
    ));
    assert!(matches!(
        parse(options("X: y\rVia: z\r\n")),
        Err(ParseError::BareLineEnd { .. })
    ));
    assert_eq!(parse(options("") + "a\nb\rc").unwrap().body(), b"a\nb\rc");
}

#[test]
fn folds_become_spaces_and_bodies_stay() {
    let m = parse(options("Subject: one\r\n two\r\n\tthree\r\n") + "a\r\n b").unwrap();
    assert_eq!(m.header(Name::Subject), Some(&b"one   two  \tthree"[..]));
    assert_eq!(m.body(), b"a\r\n b");
    assert!(
        !m.as_bytes()[..m.as_bytes().len() - m.body().len()]
            .windows(3)
            .any(|w| w == b"\r\n ")
    );
}

#[test]
fn nothing_is_no_message() {
    for text in ["", "\r\n", "\r\n\r\n"] {
        assert_eq!(parse(text).unwrap_err(), ParseError::Empty { len: text.len() });
    }
    for text in [
        "x",
        "INVITE",
        "INVITE sip:a@b",
        "SIP/2.0 2000 OK\r\n\r\n",
        "SIP/2.0 099 OK\r\n\r\n",
        "SIP/3.0 200 OK\r\n\r\n",
    ] {
        assert!(matches!(parse(text), Err(ParseError::StartLine { .. })), "{text}");
    }
}

/// Where one peer would read one Content-Length and another the other, nobody gets to choose.
#[test]
fn doubtful_content_length_is_refused() {
    for extra in [
        "l: 5\r\nContent-Length: 5\r\n",
        "l: +5\r\n",
        "l: 5 5\r\n",
        "l: 0x5\r\n",
        "l: \r\n",
    ] {
        assert_eq!(
            parse(options(extra) + "hello")
                .unwrap()
                .validate()
                .unwrap_err()
                .status,
            400,
            "{extra}"
        );
    }
}

#[test]
fn a_deep_list_is_a_loop() {
    let commas = ",".repeat(500_000);
    let m = parse(options(&format!(
        "Contact: {commas}<sip:a@b>\r\nRoute: {}\r\n",
        ";".repeat(300_000)
    )))
    .unwrap();
    assert_eq!(m.contacts().count(), 1);
    assert!(m.validate().is_err());
}

/// Seeded, so that a failure repeats: the message names seed and iteration.
#[test]
fn mutated_messages_never_panic() {
    let mut mutator = Mutator::new(0x7a6d);
    for round in 0..20_000_u32 {
        let seed = SEEDS[round as usize % SEEDS.len()];
        let bytes = mutator.mutate(seed);
        let run = std::panic::catch_unwind(|| exercise(&bytes));
        assert!(
            run.is_ok(),
            "round {round}: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// The same over the torture messages, where they are.
#[test]
fn mutated_torture_messages_never_panic() {
    let folder = std::env::var_os("TANDEM_CORPORA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        std::path::PathBuf::from,
    );
    let mut seeds = Vec::new();
    for part in ["rfc4475", "rfc5118"] {
        let Ok(files) = std::fs::read_dir(folder.join(part)) else {
            println!("skipped: mutated_torture_messages_never_panic (no corpora)");
            return;
        };
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort(); // The same order on every machine, so that a round repeats.
        seeds.extend(paths.into_iter().map(|path| std::fs::read(path).unwrap()));
    }
    let mut mutator = Mutator::new(0x4475);
    for round in 0..10_000_usize {
        let bytes = mutator.mutate(&seeds[round % seeds.len()]);
        let run = std::panic::catch_unwind(|| exercise(&bytes));
        assert!(
            run.is_ok(),
            "round {round}: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// What validates can be answered, and the answer validates.
#[test]
fn replies_to_mutated_requests_are_valid() {
    let mut mutator = Mutator::new(0x5150);
    let mut answered = 0;
    for round in 0..20_000_u32 {
        let bytes = mutator.mutate(SEEDS[round as usize % SEEDS.len()]);
        let Ok(request) = Message::parse(Bytes::from(bytes)) else {
            continue;
        };
        if !request.is_request() || request.validate().is_err() || request.method() == Some(Method::Ack) {
            continue;
        }
        let request = request.with_received("192.0.2.1:5060".parse().unwrap()).unwrap();
        request.validate().unwrap();
        let reply = tandem_sip::Builder::reply(&request, 200, "OK")
            .to_tag("t")
            .build()
            .unwrap();
        reply
            .validate()
            .unwrap_or_else(|e| panic!("{e}\n{request}\n{reply}"));
        assert!(reply.to().unwrap().tag().is_some());
        answered += 1;
    }
    assert!(answered > 1_000, "{answered}");
}
