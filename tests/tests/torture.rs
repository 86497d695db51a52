//! The torture messages of RFC 4475 and RFC 5118 against the running server: each is answered as its RFC wants, or
//! thrown away, and a call works afterwards.
//!
//! The messages are not in this repository: `TANDEM_CORPORA`, or `shared/corpora` beside the checkout.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tandem_kit::http;
use tandem_kit::tandem::Tandem;
use tandem_tests::modules;
use tandem_tests::phones::{menu_greets, phone};

/// Where no answer is wanted: what comes later than this does not come at all.
const QUIET: Duration = Duration::from_millis(700);
/// Where one is.
const ANSWERED: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// Answered with this final status.
    Is(u16),
    /// Refused; with what, the RFC leaves to the server.
    Refused,
    /// Thrown away.
    Nothing,
}
use Expected::{Is, Nothing, Refused};

/// What a server of example.com answers that knows none of the callers.
const MESSAGES: &[(&str, Expected)] = &[
    ("rfc4475/badaspec.dat", Is(400)),
    ("rfc4475/badbranch.dat", Is(200)),
    ("rfc4475/baddate.dat", Refused),
    ("rfc4475/baddn.dat", Is(400)),
    ("rfc4475/badinv01.dat", Is(400)),
    ("rfc4475/badvers.dat", Is(505)),
    ("rfc4475/bcast.dat", Nothing),
    ("rfc4475/bext01.dat", Is(420)),
    ("rfc4475/bigcode.dat", Nothing),
    ("rfc4475/clerr.dat", Is(400)),
    ("rfc4475/cparam01.dat", Is(401)),
    ("rfc4475/cparam02.dat", Is(401)),
    ("rfc4475/dblreq.dat", Is(401)),
    ("rfc4475/esc01.dat", Is(404)),
    ("rfc4475/esc02.dat", Is(501)),
    ("rfc4475/escnull.dat", Is(401)),
    ("rfc4475/escruri.dat", Is(400)),
    ("rfc4475/insuf.dat", Is(400)),
    ("rfc4475/intmeth.dat", Is(501)),
    ("rfc4475/inv2543.dat", Refused),
    ("rfc4475/invut.dat", Refused),
    ("rfc4475/longreq.dat", Refused),
    ("rfc4475/ltgtruri.dat", Is(400)),
    ("rfc4475/lwsdisp.dat", Is(200)),
    ("rfc4475/lwsruri.dat", Is(400)),
    ("rfc4475/lwsstart.dat", Is(400)),
    ("rfc4475/mcl01.dat", Is(400)),
    ("rfc4475/mismatch01.dat", Is(400)),
    ("rfc4475/mismatch02.dat", Is(400)),
    ("rfc4475/mpart01.dat", Is(405)),
    ("rfc4475/multi01.dat", Is(400)),
    ("rfc4475/ncl.dat", Is(400)),
    ("rfc4475/noreason.dat", Nothing),
    ("rfc4475/novelsc.dat", Is(416)),
    ("rfc4475/quotbal.dat", Is(400)),
    // An unknown scheme of Authorization is no Authorization.
    ("rfc4475/regaut01.dat", Is(401)),
    ("rfc4475/regbadct.dat", Is(400)),
    ("rfc4475/regescrt.dat", Is(401)),
    ("rfc4475/scalar02.dat", Is(400)),
    ("rfc4475/scalarlg.dat", Nothing),
    ("rfc4475/sdp01.dat", Refused),
    ("rfc4475/semiuri.dat", Is(200)),
    ("rfc4475/test.dat", Nothing),
    ("rfc4475/transports.dat", Is(200)),
    ("rfc4475/trws.dat", Is(400)),
    ("rfc4475/unkscm.dat", Is(416)),
    ("rfc4475/unksm2.dat", Refused),
    ("rfc4475/unreason.dat", Nothing),
    // In a dialog that nobody knows.
    ("rfc4475/wsinv.dat", Is(481)),
    // Max-Forwards 0 stops proxies only.
    ("rfc4475/zeromf.dat", Is(200)),
    ("rfc5118/ipv4-mapped-ipv6", Refused),
    ("rfc5118/ipv6-bad", Is(400)),
    ("rfc5118/ipv6-bug-abnf-3-colons", Is(200)),
    ("rfc5118/ipv6-correct-abnf-2-colons", Is(200)),
    ("rfc5118/ipv6-good", Refused),
    ("rfc5118/ipv6-in-sdp", Refused),
    ("rfc5118/mult-ip-in-header", Is(481)),
    ("rfc5118/mult-ip-in-sdp", Refused),
    ("rfc5118/port-ambiguous", Refused),
    ("rfc5118/port-unambiguous", Refused),
    ("rfc5118/via-received-param-no-delim", Is(200)),
    ("rfc5118/via-received-param-with-delim", Is(481)),
];

/// Where these end cannot be told in a stream (RFC 3261 §18.3): the connection is closed, or waits for the rest.
const NO_END: &[&str] = &[
    "rfc4475/baddn.dat",
    "rfc4475/clerr.dat",
    "rfc4475/dblreq.dat",
    "rfc4475/inv2543.dat",
    "rfc4475/mcl01.dat",
    "rfc4475/ncl.dat",
];

type Send = fn(&[u8], SocketAddr, Duration) -> Option<u16>;

/// Sends every message, and compares.
fn answered_as_expected(test: &str, send: Send, expected: impl Fn(&str, Expected) -> Expected) {
    let Some(corpora) = corpora() else {
        println!("skipped: {test} (no corpora)");
        return;
    };
    assert_eq!(MESSAGES.len(), 62);
    let mut wrong = Vec::new();
    for round in rounds(&corpora) {
        let mut tandem = start();
        for (name, wanted, bytes) in round {
            let wanted = expected(name, wanted);
            let within = if wanted == Nothing { QUIET } else { ANSWERED };
            let got = send(&bytes, tandem.sip(), within);
            let right = match wanted {
                Is(status) => got == Some(status),
                Refused => matches!(got, Some(400..=599)),
                Nothing => got.is_none(),
            };
            if !right {
                wrong.push(format!("{name}: {got:?}, not {wanted:?}"));
            }
        }
        tandem.assert_alive().unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_message_is_answered_as_its_rfc_wants_over_udp() {
    answered_as_expected(
        "each_message_is_answered_as_its_rfc_wants_over_udp",
        over_udp,
        |_, expected| expected,
    );
}

#[test]
fn each_message_is_answered_as_its_rfc_wants_over_tcp() {
    answered_as_expected(
        "each_message_is_answered_as_its_rfc_wants_over_tcp",
        over_tcp,
        |name, expected| if NO_END.contains(&name) { Nothing } else { expected },
    );
}

#[test]
fn all_messages_at_once_leave_a_server_that_takes_calls() {
    let Some(corpora) = corpora() else {
        println!("skipped: all_messages_at_once_leave_a_server_that_takes_calls (no corpora)");
        return;
    };
    let mut tandem = start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut connections = Vec::new();
    for _ in 0..5 {
        for (_, _, bytes) in rounds(&corpora).into_iter().flatten() {
            socket.send_to(&bytes, tandem.sip()).unwrap();
            let mut connection = TcpStream::connect(tandem.sip()).unwrap();
            // The server may close the connection at any byte.
            let _ = connection.write_all(&bytes);
            connections.push(connection);
        }
    }
    let (status, health) = http::get(tandem.web(), "/healthz").unwrap();
    assert_eq!(status, 200, "{health}");
    let caller = phone(&tandem, "301").unwrap().expires_s(0).start().unwrap();
    menu_greets(&tandem, &caller).unwrap();
    tandem.assert_alive().unwrap();
    assert!(!tandem.log().contains("panicked"), "{}", tandem.log());
}

/// A server of the domain that most of the messages are about.
fn start() -> Tandem {
    let tandem = Tandem::builder().media_ports(8).start().unwrap();
    modules::add_domain(&tandem, "example.com", &["user"]).unwrap();
    tandem
}

/// All messages, in rounds in which none repeats the transaction of another: many of them have the same branch.
fn rounds(corpora: &Path) -> Vec<Vec<(&'static str, Expected, Vec<u8>)>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut rounds: Vec<Vec<_>> = Vec::new();
    for (name, expected) in MESSAGES {
        let bytes = std::fs::read(corpora.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let branch = text.split("branch").nth(1).unwrap_or_default().lines().next();
        let round = seen.entry(branch.unwrap_or_default().to_owned()).or_default();
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push((*name, *expected, bytes));
        *round += 1;
    }
    rounds
}

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TANDEM_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"),
        PathBuf::from,
    );
    folder.join("rfc4475").is_dir().then_some(folder)
}

/// The final status that comes back on the socket; none if nothing does.
fn over_udp(message: &[u8], server: SocketAddr, within: Duration) -> Option<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(within)).unwrap();
    socket.send_to(message, server).unwrap();
    let mut answer = [0; 4_096];
    let began = Instant::now();
    while began.elapsed() < within {
        let Ok((length, _)) = socket.recv_from(&mut answer) else {
            break;
        };
        if let Some(status @ 200..) = status(&answer[..length]) {
            return Some(status);
        }
    }
    None
}

/// The final status that comes back on the connection before it is closed; none if nothing does.
fn over_tcp(message: &[u8], server: SocketAddr, within: Duration) -> Option<u16> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(within)).unwrap();
    // The server may close the connection at any byte.
    let _ = stream.write_all(message);
    let mut answers = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        answers.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&answers);
        let mut starts = text
            .match_indices("SIP/2.0 ")
            .filter(|(at, _)| *at == 0 || text[..*at].ends_with("\r\n\r\n"));
        if let Some(status) =
            starts.find_map(|(at, _)| status(text[at..].as_bytes()).filter(|status| *status >= 200))
        {
            let _ = stream.shutdown(Shutdown::Both);
            return Some(status);
        }
    }
    None
}

fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.strip_prefix(b"SIP/2.0 ")?.get(..3)?)
        .ok()?
        .parse()
        .ok()
}
