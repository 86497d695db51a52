//! Shared by the mutation test and the fuzz targets: seeds, and a walk over everything a message can be asked.

use bytes::Bytes;
use tandem_sip::{Builder, Message, Name, NameAddr, StreamFramer, Uri, Via};

/// One message of each kind a phone sends.
#[allow(dead_code)] // The fuzzer is given their folder.
pub const SEEDS: &[&[u8]] = &[
    include_bytes!("../data/invite.sip"),
    include_bytes!("../data/register.sip"),
    include_bytes!("../data/ok.sip"),
    include_bytes!("../data/folded.sip"),
];

/// Asks a message everything; the answers do not matter, coming back does.
pub fn exercise(bytes: &[u8]) {
    let _ = Uri::parse(bytes).map(|uri| (uri.user(), uri.to_string(), uri.equivalent(&uri)));
    let _ = NameAddr::parse(bytes).map(|a| (a.display_name(), a.tag().map(str::len)));
    let _ = Via::parse(bytes).map(|via| (via.branch().map(str::len), via.received(), via.rport()));
    let mut framer = StreamFramer::new();
    for piece in bytes.chunks(97) {
        framer.push(piece);
        while let Ok(Some(_)) = framer.next() {}
    }
    let Ok(message) = Message::parse(Bytes::copy_from_slice(bytes)) else {
        return;
    };
    let verdict = message.validate();
    for (name, text, value) in message.all_headers() {
        assert!(
            !value.contains(&b'\r') && !value.contains(&b'\n'),
            "a line end in a value"
        );
        if let Ok(text) = std::str::from_utf8(text) {
            assert!(
                message.header_named(text).count() > 0,
                "{name} is not found by its own name"
            );
        }
    }
    let _ = (
        message.call_id(),
        message.from().is_ok(),
        message.to().is_ok(),
        message.cseq(),
        message.max_forwards(),
    );
    let _ = (
        message.expires(),
        message.content_length(),
        message.content_type(),
        message.reason(),
    );
    for via in message.vias().filter_map(Result::ok) {
        let _ = (
            via.branch().map(str::len),
            via.magic_branch().map(str::len),
            via.received(),
            via.rport(),
        );
    }
    for contact in message.contacts().filter_map(Result::ok) {
        let _ = (
            contact.q_thousandths(),
            contact.expires(),
            contact.uri().map(ToString::to_string),
        );
    }
    for route in message
        .routes()
        .chain(message.record_routes())
        .filter_map(Result::ok)
    {
        let _ = (route.display_name(), route.uri.user(), route.uri.is_loose());
    }
    let _ = message.values(Name::Allow).count();
    // Parsing our own output changes nothing.
    let again = Message::parse(message.as_bytes().clone()).expect("own bytes");
    assert_eq!(again.as_bytes(), message.as_bytes());
    assert_eq!(again.validate(), verdict);
    let _ = message.with_received("[::1]:5060".parse().expect("an address"));
    let _ = message
        .with_top_via("SIP/2.0/UDP h;branch=z9hG4bK1")
        .map(|m| m.validate());
    let _ = Builder::reply(&message, 400, "Bad Request").to_tag("t").build();
    let _ = Builder::from_message(&message).without(Name::Via).build();
}

/// Changes a seed in a few places, the same way for the same number.
#[allow(dead_code)] // The fuzzer brings its own.
pub struct Mutator(u64);

#[allow(dead_code)]
impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number under `below` (xorshift64).
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }

    pub fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        const BITS: &[&[u8]] = &[
            b"\r\n",
            b"\r\n ",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b"\"",
            b"<",
            b">",
            b";",
            b",",
            b":",
            b"@",
            b"%",
            b"%zz",
            b"\\",
            b"[",
            b"]",
            b"=",
            b"?",
            b"/",
            b" ",
            b"\t",
            b"\0",
            b"\xff",
            b"*",
            b"SIP/2.0",
            b"4294967296",
            b"-1",
            b"::",
            b"Content-Length: 4\r\n",
            b"l: 99999999999999999999\r\n",
            b"v: SIP/2.0/TCP x\r\n",
            b"Via:",
            b"tag",
        ];
        let mut bytes = seed.to_vec();
        for _ in 0..=self.next(4) {
            let at = self.next(bytes.len());
            let to = (at + self.next(12)).min(bytes.len());
            match self.next(6) {
                0 => drop(bytes.splice(at..at, BITS[self.next(BITS.len())].iter().copied())),
                1 => drop(bytes.splice(at..to, BITS[self.next(BITS.len())].iter().copied())),
                2 => drop(bytes.drain(at..to)),
                3 => bytes.extend_from_within(at..to),
                4 => bytes.truncate(bytes.len() - self.next(bytes.len() / 8)),
                _ => {
                    let value = self.next(256) as u8;
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = value;
                    }
                }
            }
        }
        bytes
    }
}
