//! One SIP message: its bytes, the offsets of its parts, and typed views made on demand.
//!
//! [`Message::parse`] finds lines and knows header names; it reads no value but Content-Length. A typed view
//! ([`Uri`], [`NameAddr`], [`Via`]) borrows from the bytes and is made when asked for, so a message that is
//! only passed on costs little. [`Message::validate`] is the one gate for what comes from outside: behind it,
//! what RFC 3261 §8.1.1 makes mandatory is there and readable. [`Builder`] writes; [`StreamFramer`] cuts a TCP
//! stream into messages.
//!
//! Folded lines are unfolded while parsing (the only copy), so no value ever holds a CR or LF.

mod builder;
mod edit;
mod error;
mod frame;
mod lex;
mod method;
mod name;
mod nameaddr;
mod params;
mod parse;
mod shown;
mod uri;
mod validate;
mod via;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::lex::{List, number, trim};
use self::parse::{Index, Start};

pub use self::builder::Builder;
pub use self::error::{HeaderError, ParseError, Reject};
pub use self::frame::{Frame, FramingError, StreamFramer};
pub use self::method::Method;
pub use self::name::Name;
pub use self::nameaddr::{Contact, NameAddr};
pub use self::params::Params;
pub use self::shown::Shown;
pub use self::uri::{Host, Scheme, Uri};
pub use self::via::{MAGIC_COOKIE, Via};

/// The longest message we read, in bytes. A datagram never reaches it; a stream's body might.
pub const MESSAGE_MAX: usize = 1024 * 1024;

/// The most header lines we read in one message.
pub const HEADERS_MAX: usize = 256;

/// A SIP request or response (RFC 3261 §7). A clone shares the bytes.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    index: Index,
}

/// The CSeq header (RFC 3261 §20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number, under 2^31.
    pub seq: u32,
    /// The method.
    pub method: Method,
    method_str: &'a str,
}

impl<'a> CSeq<'a> {
    /// The method's text: tells extension methods apart.
    pub fn method_str(&self) -> &'a str {
        self.method_str
    }
}

impl Message {
    /// Reads one datagram or one framed message. What can still be answered is no error here but found by
    /// [`Self::validate`]; an error means that there is nothing to answer.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        parse::parse(bytes)
    }

    /// The message as it goes over the wire, up to the end of its body.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The body, cut to Content-Length.
    pub fn body(&self) -> &[u8] {
        self.index.body.of(&self.bytes)
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.index.start, Start::Request { .. })
    }

    /// A request's method.
    pub fn method(&self) -> Option<Method> {
        match self.index.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// A request's method as written; empty for a response.
    pub fn method_str(&self) -> &str {
        match self.index.start {
            Start::Request {
                method: Method::Other,
                text,
                ..
            } => std::str::from_utf8(text.of(&self.bytes)).unwrap_or_default(),
            Start::Request { method, .. } => method.as_str(),
            Start::Response { .. } => "",
        }
    }

    /// The Request-URI; an error for a response.
    pub fn uri(&self) -> Result<Uri<'_>, HeaderError> {
        match self.index.start {
            Start::Request { uri, .. } => Uri::parse(uri.of(&self.bytes)),
            Start::Response { .. } => Err(HeaderError::Missing(Name::Other)),
        }
    }

    /// The Request-URI as written; empty for a response.
    pub fn uri_str(&self) -> &str {
        match self.index.start {
            Start::Request { uri, .. } => std::str::from_utf8(uri.of(&self.bytes)).unwrap_or_default(),
            Start::Response { .. } => "",
        }
    }

    /// A response's status, 100 to 699.
    pub fn status(&self) -> Option<u16> {
        match self.index.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// A response's reason phrase, in any encoding; empty for a request.
    pub fn reason(&self) -> &[u8] {
        match self.index.start {
            Start::Request { .. } => &[],
            Start::Response { reason, .. } => reason.of(&self.bytes),
        }
    }

    /// The first header of that name: its value without white space around it.
    pub fn header(&self, name: Name) -> Option<&[u8]> {
        self.headers(name).next()
    }

    /// The first header of that name as text; `None` if it is no UTF-8.
    pub fn header_str(&self, name: Name) -> Option<&str> {
        std::str::from_utf8(self.header(name)?).ok()
    }

    /// Every header line of that name in order; comma lists stay whole.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &[u8]> + Clone {
        self.index
            .headers
            .iter()
            .filter(move |e| e.name == name)
            .map(|e| e.value().of(&self.bytes))
    }

    /// Every value of that name in order: comma lists are split outside quotes and angle brackets.
    ///
    /// Not for headers whose grammar has commas inside one value: Date, WWW-Authenticate, Authorization.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.headers(name).flat_map(List::new)
    }

    /// Every header line with this name in any case; a compact form finds the long one and vice versa.
    pub fn header_named(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let known = Name::from_bytes(name.as_bytes());
        self.index
            .headers
            .iter()
            .filter(move |e| {
                e.name == known
                    && (known != Name::Other
                        || e.text().of(&self.bytes).eq_ignore_ascii_case(name.as_bytes()))
            })
            .map(|e| e.value().of(&self.bytes))
    }

    /// Every header line in order: what we make of the name, its text, its value.
    pub fn all_headers(&self) -> impl Iterator<Item = (Name, &[u8], &[u8])> {
        self.index
            .headers
            .iter()
            .map(|e| (e.name, e.text().of(&self.bytes), e.value().of(&self.bytes)))
    }

    /// The Call-ID (RFC 3261 §20.8).
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let value = self.required(Name::CallId)?;
        let wrong = |why| HeaderError::Malformed {
            name: Name::CallId,
            why,
        };
        if value.is_empty() || value.iter().any(u8::is_ascii_whitespace) {
            return Err(wrong("empty or with white space"));
        }
        std::str::from_utf8(value).map_err(|_| wrong("no UTF-8"))
    }

    /// From (RFC 3261 §20.20).
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.name_addr(Name::From)
    }

    /// To (RFC 3261 §20.39).
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.name_addr(Name::To)
    }

    /// CSeq (RFC 3261 §20.16).
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        let value = self.required(Name::CSeq)?;
        let wrong = |why| HeaderError::Malformed {
            name: Name::CSeq,
            why,
        };
        let digits = value
            .iter()
            .position(|b| !b.is_ascii_digit())
            .ok_or(wrong("no method"))?;
        let (seq, method) = value.split_at_checked(digits).ok_or(wrong("no method"))?;
        let seq = number(seq).ok_or(wrong("no number"))?;
        // RFC 3261 §8.1.1.5
        let seq = u32::try_from(seq)
            .ok()
            .filter(|seq| *seq < 1 << 31)
            .ok_or(wrong("number not under 2^31"))?;
        let method = match method {
            [b' ' | b'\t', ..] => trim(method),
            _ => return Err(wrong("no space before the method")),
        };
        if !lex::is_token(method) {
            return Err(wrong("method is no token"));
        }
        let method_str = std::str::from_utf8(method).map_err(|_| wrong("method is no token"))?;
        Ok(CSeq {
            seq,
            method: Method::from_bytes(method),
            method_str,
        })
    }

    /// The first Via: of a request the last hop's, of a response ours (RFC 3261 §20.42).
    pub fn top_via(&self) -> Result<Via<'_>, HeaderError> {
        self.vias().next().unwrap_or(Err(HeaderError::Missing(Name::Via)))
    }

    /// Every Via from the top.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, HeaderError>> {
        self.values(Name::Via).map(Via::parse)
    }

    /// Every Contact (RFC 3261 §20.10).
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'_>, HeaderError>> {
        self.values(Name::Contact).map(Contact::parse)
    }

    /// Every Route from the top (RFC 3261 §20.34).
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.name_addrs(Name::Route)
    }

    /// Every Record-Route from the top (RFC 3261 §20.30).
    pub fn record_routes(&self) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.name_addrs(Name::RecordRoute)
    }

    /// Every value of a header whose values are name-addrs: Route, Path, P-Asserted-Identity, Diversion.
    pub fn name_addrs(&self, name: Name) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.values(name)
            .map(move |value| NameAddr::read(value).map_err(|why| HeaderError::Malformed { name, why }))
    }

    /// Max-Forwards, 0 to 255; `None` where it is absent (RFC 3261 §20.22).
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let wrong = HeaderError::Malformed {
            name: Name::MaxForwards,
            why: "not 0 to 255",
        };
        let Some(value) = self.header(Name::MaxForwards) else {
            return Ok(None);
        };
        number(value)
            .and_then(|n| u8::try_from(n).ok())
            .map(Some)
            .ok_or(wrong)
    }

    /// Expires in seconds; larger numbers become `u32::MAX` (RFC 3261 §20.19).
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        let wrong = HeaderError::Malformed {
            name: Name::Expires,
            why: "no number of seconds",
        };
        let Some(value) = self.header(Name::Expires) else {
            return Ok(None);
        };
        number(value)
            .map(|n| Some(u32::try_from(n).unwrap_or(u32::MAX)))
            .ok_or(wrong)
    }

    /// Content-Length in bytes, which may be more than came; `None` where it is absent.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        let wrong = HeaderError::Malformed {
            name: Name::ContentLength,
            why: "no number of bytes",
        };
        let Some(value) = self.header(Name::ContentLength) else {
            return Ok(None);
        };
        number(value)
            .map(|n| Some(usize::try_from(n).unwrap_or(usize::MAX)))
            .ok_or(wrong)
    }

    /// Content-Type as written, parameters and all.
    pub fn content_type(&self) -> Option<&str> {
        self.header_str(Name::ContentType)
    }

    /// Starts a request: add Via, From, To, Call-ID, CSeq, Max-Forwards yourself.
    pub fn request(method: Method, uri: impl AsRef<[u8]>) -> Builder {
        Builder::request(method.as_str(), uri.as_ref())
    }

    /// Starts a request with an extension method.
    pub fn request_named(method: &str, uri: impl AsRef<[u8]>) -> Builder {
        Builder::request(method, uri.as_ref())
    }

    /// Starts a response from nothing; [`Builder::reply`] starts one from its request.
    pub fn response(status: u16, reason: &str) -> Builder {
        Builder::response(status, reason.as_bytes())
    }

    fn required(&self, name: Name) -> Result<&[u8], HeaderError> {
        self.header(name).ok_or(HeaderError::Missing(name))
    }

    fn name_addr(&self, name: Name) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::read(self.required(name)?).map_err(|why| HeaderError::Malformed { name, why })
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Message {}

/// Its bytes.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes.serialize(serializer)
    }
}

/// Parsed again; an error where the bytes are no message.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Message::parse(Bytes::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The start line and the length: bodies and credentials stay out of logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.bytes.split(|b| *b == b'\r').next().unwrap_or_default();
        write!(
            f,
            "Message({:?}, {} bytes)",
            String::from_utf8_lossy(line),
            self.bytes.len()
        )
    }
}

/// The whole message as text, for traces.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}
