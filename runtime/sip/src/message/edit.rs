//! The few changes a message meets on its way: a Via on top, and what the transport saw in it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;

use super::parse::Span;
use super::{HeaderError, Message, Name, ParseError};

impl Message {
    /// The same message with one more Via on top, given without its header name (RFC 3261 §8.1.1.7).
    pub fn with_top_via(&self, via: &str) -> Result<Self, ParseError> {
        if via.bytes().any(|b| matches!(b, b'\r' | b'\n')) {
            return Err(ParseError::Injection {
                what: Name::Via.as_str().into(),
            });
        }
        let bytes = self.as_bytes();
        let line_end = memchr::memchr(b'\n', bytes).unwrap_or(0) + 1;
        let (start, rest) = bytes.split_at_checked(line_end).unwrap_or((bytes, b""));
        let mut copy = Vec::with_capacity(bytes.len() + via.len() + 7);
        for part in [start, b"Via: ", via.as_bytes(), b"\r\n", rest] {
            copy.extend_from_slice(part);
        }
        Self::parse(Bytes::from(copy))
    }

    /// The same request with what the transport saw in its top Via: `received` where the address is not that
    /// of sent-by (RFC 3261 §18.2.1), `received` and `rport` where `rport` is asked for (RFC 3581 §4).
    /// What the sender wrote there itself is replaced.
    pub fn with_received(&self, remote: SocketAddr) -> Result<Self, ParseError> {
        let missing = HeaderError::Missing(Name::Via);
        let via = self.top_via()?;
        let value = self.values(Name::Via).next().ok_or(missing)?;
        let wants_port = via.params.has("rport");
        // An IPv4 peer on a dual-stack socket is that IPv4 peer.
        let seen = remote.ip().to_canonical();
        let wants_address = wants_port || via.host.ip().map(|ip| ip.to_canonical()) != Some(seen);
        if !wants_address && !via.params.has("received") {
            return Ok(self.clone());
        }
        let mut text = format!("SIP/2.0/{} {}", via.transport, via.host);
        // Writing to a String cannot fail.
        if let Some(port) = via.port {
            let _ = write!(text, ":{port}");
        }
        let mut text = text.into_bytes();
        for (name, value) in via.params.iter() {
            if name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport") {
                continue;
            }
            text.push(b';');
            text.extend_from_slice(name);
            if let Some(value) = value {
                text.push(b'=');
                text.extend_from_slice(value);
            }
        }
        if wants_address {
            text.extend_from_slice(format!(";received={seen}").as_bytes());
        }
        if wants_port {
            text.extend_from_slice(format!(";rport={}", remote.port()).as_bytes());
        }
        self.replace(value, &text)
    }

    /// A copy with `part`, a slice of this message, replaced.
    fn replace(&self, part: &[u8], by: &[u8]) -> Result<Self, ParseError> {
        let bytes = self.as_bytes();
        let from = bytes.slice_ref(part).as_ptr() as usize - bytes.as_ptr() as usize;
        let before = Span {
            from: 0,
            to: from as u32,
        };
        let after = Span {
            from: (from + part.len()) as u32,
            to: bytes.len() as u32,
        };
        let mut copy = Vec::with_capacity(bytes.len() + by.len());
        for piece in [before.of(bytes), by, after.of(bytes)] {
            copy.extend_from_slice(piece);
        }
        Self::parse(Bytes::from(copy))
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{Message, Method, Name};

    fn options(via: &str) -> Message {
        Message::request(Method::Options, "sip:b@b")
            .header(Name::Via, via)
            .build()
            .unwrap()
    }

    fn top(message: &Message) -> String {
        String::from_utf8(message.header(Name::Via).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn rport_is_filled_in_with_received() {
        let seen = "192.0.2.7:40000".parse().unwrap();
        let m = options("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1, SIP/2.0/UDP x")
            .with_received(seen)
            .unwrap();
        assert_eq!(
            top(&m),
            "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;received=192.0.2.7;rport=40000, SIP/2.0/UDP x"
        );
        assert_eq!(m.top_via().unwrap().rport(), Some(Some(40000)));
    }

    #[test]
    fn received_only_where_sent_by_differs() {
        let seen = "192.0.2.7:5060".parse().unwrap();
        let same = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1";
        assert_eq!(top(&options(same).with_received(seen).unwrap()), same);
        let m = options("SIP/2.0/UDP h.example;received=1.1.1.1;branch=z9hG4bK1")
            .with_received(seen)
            .unwrap();
        assert_eq!(
            top(&m),
            "SIP/2.0/UDP h.example;branch=z9hG4bK1;received=192.0.2.7"
        );
    }

    #[test]
    fn a_via_goes_on_top() {
        let m = options("SIP/2.0/UDP a;branch=z9hG4bK1")
            .with_top_via("SIP/2.0/TCP b;branch=z9hG4bK2")
            .unwrap();
        let branches: Vec<_> = m
            .vias()
            .map(|v| v.unwrap().branch().unwrap().to_owned())
            .collect();
        assert_eq!(branches, ["z9hG4bK2", "z9hG4bK1"]);
        assert!(m.with_top_via("x\r\ny: z").is_err());
    }
}
