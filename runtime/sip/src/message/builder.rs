//! Writing messages. What is written is parsed again, so a built message is as trustworthy as a received one.

use std::fmt::Display;
use std::io::Write as _;

use bytes::Bytes;

use super::lex::{is_token, trim};
use super::{Message, Method, Name, ParseError};

/// A message being written, header by header in the order of the calls.
///
/// A value with CR or LF is refused by [`Self::build`]: it would begin a header of its own. Content-Length is
/// always written, by [`Self::build`] alone.
#[derive(Debug, Clone)]
pub struct Builder {
    text: Vec<u8>,
    /// Length of the start line with its line end.
    start_len: usize,
    content_type: Option<Vec<u8>>,
    body: Bytes,
    /// The To line is last and lacks a tag: [`Self::to_tag`] may append one.
    to_open: bool,
    refused: Option<ParseError>,
}

impl Builder {
    fn new(capacity: usize) -> Self {
        Self {
            text: Vec::with_capacity(capacity),
            start_len: 0,
            content_type: None,
            body: Bytes::new(),
            to_open: false,
            refused: None,
        }
    }

    pub(super) fn request(method: &str, uri: &[u8]) -> Self {
        let mut builder = Self::new(768);
        if !is_token(method.as_bytes()) {
            builder.refuse("the method");
        }
        if uri.is_empty() || !uri.iter().all(u8::is_ascii_graphic) {
            builder.refuse("the Request-URI");
        }
        for part in [method.as_bytes(), b" ", uri, b" SIP/2.0\r\n"] {
            builder.text.extend_from_slice(part);
        }
        builder.start_len = builder.text.len();
        builder
    }

    pub(super) fn response(status: u16, reason: &[u8]) -> Self {
        let mut builder = Self::new(768);
        builder.status_line(status, reason);
        builder
    }

    fn status_line(&mut self, status: u16, reason: &[u8]) {
        if !(100..700).contains(&status) {
            self.refuse("the status");
        }
        if breaks_line(reason) {
            self.refuse("the reason phrase");
        }
        let digit = |n: u16| b'0' + (n % 10) as u8;
        self.text.extend_from_slice(b"SIP/2.0 ");
        self.text
            .extend_from_slice(&[digit(status / 100), digit(status / 10), digit(status), b' ']);
        self.text.extend_from_slice(reason);
        self.text.extend_from_slice(b"\r\n");
        self.start_len = self.text.len();
    }

    /// Starts the response to `request`: its Vias, From, Call-ID, CSeq and To (RFC 3261 §8.2.6.2), Timestamp in
    /// a 100, and Record-Route where the response may make a dialog (§12.1.1). Call [`Self::to_tag`] next for
    /// any response but 100.
    ///
    /// The top Via is copied as it is: give a request that went through [`Message::with_received`].
    pub fn reply(request: &Message, status: u16, reason: &str) -> Self {
        let mut builder = Self::new(request.as_bytes().len() - request.body().len() + 128);
        builder.status_line(status, reason.as_bytes());
        let makes_dialog = (101..300).contains(&status)
            && matches!(
                request.method(),
                Some(Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
            );
        for (name, _, value) in request.all_headers() {
            match name {
                Name::Via | Name::From | Name::CallId | Name::CSeq => builder.line(name.as_str(), value),
                Name::RecordRoute if makes_dialog => builder.line(name.as_str(), value),
                Name::Timestamp if status == 100 => builder.line(name.as_str(), value),
                _ => (),
            }
        }
        // Last, so that a tag can be appended.
        if let Some(to) = request.header(Name::To) {
            builder.line(Name::To.as_str(), to);
            builder.to_open = request.to().map_or(true, |to| to.tag().is_none());
        }
        builder
    }

    /// Starts a copy of `message` to be changed: everything but Content-Type and the body is taken over, and
    /// those too unless [`Self::body`] replaces them.
    pub fn from_message(message: &Message) -> Self {
        let mut builder = match message.status() {
            Some(status) => Self::response(status, message.reason()),
            None => Self::request(message.method_str(), message.uri_str().as_bytes()),
        };
        for (name, text, value) in message.all_headers() {
            match name {
                Name::ContentLength => (),
                Name::ContentType => builder.content_type = Some(value.to_vec()),
                Name::Other => builder.raw_line(text, value),
                name => builder.line(name.as_str(), value),
            }
        }
        builder.body = message.as_bytes().slice_ref(message.body());
        builder
    }

    /// Gives the To header of a reply our tag, unless the request's To has one already (RFC 3261 §8.2.6.2).
    /// Call it right after [`Self::reply`].
    #[must_use]
    pub fn to_tag(mut self, tag: &str) -> Self {
        if !self.to_open {
            return self;
        }
        self.to_open = false;
        if !is_token(tag.as_bytes()) {
            self.refuse("the tag");
        }
        self.text.truncate(self.text.len().saturating_sub(2));
        for part in [&b";tag="[..], tag.as_bytes(), b"\r\n"] {
            self.text.extend_from_slice(part);
        }
        self
    }

    /// Adds a header line. Content-Length is left to [`Self::build`]; Content-Type replaces the one before.
    #[must_use]
    pub fn header(mut self, name: Name, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        match name {
            Name::ContentLength => (),
            Name::ContentType => {
                if breaks_line(value) {
                    self.refuse(name.as_str());
                }
                self.content_type = Some(value.to_vec());
            }
            Name::Other => self.refuse("a header without a name"),
            name => self.line(name.as_str(), value),
        }
        self
    }

    /// Adds a header line whose value is formatted: `header_display(Name::CSeq, format_args!("{seq} BYE"))`.
    #[must_use]
    pub fn header_display(self, name: Name, value: impl Display) -> Self {
        self.header(name, value.to_string())
    }

    /// Adds a header line of any name.
    #[must_use]
    pub fn header_named(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        match Name::from_bytes(name.as_bytes()) {
            Name::Other => {
                self.raw_line(name.as_bytes(), value.as_ref());
                self
            }
            known => self.header(known, value),
        }
    }

    /// Adds one line per value.
    #[must_use]
    pub fn headers<V: AsRef<[u8]>>(self, name: Name, values: impl IntoIterator<Item = V>) -> Self {
        values
            .into_iter()
            .fold(self, |builder, value| builder.header(name, value))
    }

    /// Takes every header of that name out again.
    #[must_use]
    pub fn without(mut self, name: Name) -> Self {
        if name == Name::ContentType {
            self.content_type = None;
        }
        let mut kept = self.text.get(..self.start_len).unwrap_or_default().to_vec();
        for line in self
            .text
            .get(self.start_len..)
            .unwrap_or_default()
            .split_inclusive(|b| *b == b'\n')
        {
            let text = line.split(|b| *b == b':').next().unwrap_or_default();
            if name == Name::Other || Name::from_bytes(trim(text)) != name {
                kept.extend_from_slice(line);
            }
        }
        self.text = kept;
        self.to_open = false;
        self
    }

    /// Gives the message a body; replaces the one before.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(Name::ContentType, content_type)
    }

    /// Takes the body and its Content-Type away.
    #[must_use]
    pub fn without_body(mut self) -> Self {
        self.body = Bytes::new();
        self.content_type = None;
        self
    }

    /// The finished message, or what was refused on the way.
    pub fn build(mut self) -> Result<Message, ParseError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if let Some(content_type) = self.content_type.take() {
            self.line(Name::ContentType.as_str(), &content_type);
        }
        let body = std::mem::take(&mut self.body);
        self.text.extend_from_slice(b"Content-Length: ");
        // Writing to a Vec cannot fail.
        let _ = write!(self.text, "{}\r\n\r\n", body.len());
        self.text.extend_from_slice(&body);
        Message::parse(Bytes::from(self.text))
    }

    fn raw_line(&mut self, name: &[u8], value: &[u8]) {
        if !is_token(name) {
            self.refuse("a header whose name is no token");
        }
        if breaks_line(value) {
            let name = String::from_utf8_lossy(name).into_owned();
            self.refused
                .get_or_insert(ParseError::Injection { what: name.into() });
        }
        for part in [name, b": ", value, b"\r\n"] {
            self.text.extend_from_slice(part);
        }
        self.to_open = false;
    }

    fn line(&mut self, name: &'static str, value: &[u8]) {
        if breaks_line(value) {
            self.refuse(name);
        }
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.text.extend_from_slice(part);
        }
        self.to_open = false;
    }

    fn refuse(&mut self, what: &'static str) {
        self.refused
            .get_or_insert(ParseError::Injection { what: what.into() });
    }
}

fn breaks_line(value: &[u8]) -> bool {
    memchr::memchr2(b'\r', b'\n', value).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Message {
        Message::request(Method::Invite, "sip:bob@example.com")
            .header(Name::Via, "SIP/2.0/UDP a.example;branch=z9hG4bK1;rport")
            .header(Name::RecordRoute, "<sip:p.example;lr>")
            .header(Name::From, "<sip:alice@example.com>;tag=a")
            .header(Name::To, "<sip:bob@example.com>")
            .header(Name::CallId, "1@a")
            .header_display(Name::CSeq, format_args!("{} INVITE", 7))
            .header_named("X-Thing", "1")
            .body("application/sdp", "v=0\r\n")
            .build()
            .unwrap()
    }

    #[test]
    fn a_request_is_what_was_put_in() {
        let m = invite();
        assert_eq!(m.body(), b"v=0\r\n");
        assert_eq!(m.content_length(), Ok(Some(5)));
        assert_eq!(m.content_type(), Some("application/sdp"));
        assert_eq!(m.header_named("x-thing").next(), Some(&b"1"[..]));
        assert_eq!(m.validate(), Ok(()));
    }

    #[test]
    fn a_reply_takes_over_what_the_rfc_says() {
        let m = Builder::reply(&invite(), 180, "Ringing")
            .to_tag("b")
            .header(Name::Contact, "<sip:b@b>")
            .build()
            .unwrap();
        assert_eq!((m.status(), m.reason()), (Some(180), &b"Ringing"[..]));
        assert_eq!(m.to().unwrap().tag(), Some("b"));
        assert_eq!(m.cseq().unwrap().seq, 7);
        assert_eq!(m.record_routes().count(), 1);
        let again = Builder::reply(&invite(), 100, "Trying").build().unwrap();
        assert_eq!(
            (again.to().unwrap().tag(), again.record_routes().count()),
            (None, 0)
        );
    }

    #[test]
    fn header_injection_is_refused() {
        let start = || Message::request(Method::Options, "sip:a@b");
        for builder in [
            start().header(Name::Subject, "x\r\nVia: evil"),
            start().header(Name::ContentType, "x\ny"),
            start().header_named("X\r\nY", "z"),
            start().header_named("X", "y\rz"),
            Message::request(Method::Options, "sip:a@b SIP/2.0\r\nX: y"),
            Message::request_named("A B", "sip:a@b"),
            Message::response(200, "OK\r\nX: y"),
            Message::response(99, "?"),
            Builder::reply(&invite(), 200, "OK").to_tag("a\r\nb"),
        ] {
            assert!(matches!(builder.build(), Err(ParseError::Injection { .. })));
        }
    }

    #[test]
    fn a_copy_can_be_changed() {
        let m = Builder::from_message(&invite())
            .without(Name::CSeq)
            .header(Name::CSeq, "8 INVITE")
            .build()
            .unwrap();
        assert_eq!(m.cseq().unwrap().seq, 8);
        assert_eq!(m.headers(Name::CSeq).count(), 1);
        assert_eq!(m.body(), b"v=0\r\n");
        assert_eq!(m.header_named("x-thing").count(), 1);
    }
}
