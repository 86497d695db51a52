//! Bytes to offsets: the start line and one entry per header line, nothing copied unless a line is folded.

use bytes::{Buf, Bytes};
use memchr::{memchr, memchr2, memmem, memrchr};

use super::lex::{is_space, is_token, is_token_byte, number, trim};
use super::{HEADERS_MAX, MESSAGE_MAX, Message, Method, Name, ParseError};

/// Header lines whose offsets lie in the message itself; more go to the heap.
const INLINE: usize = 32;

/// From one byte to before another. Offsets are 32 bits: [`MESSAGE_MAX`] is far below.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Span {
    fn new(from: usize, to: usize) -> Self {
        Self {
            from: from as u32,
            to: to as u32,
        }
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(self.from as usize..self.to as usize)
            .unwrap_or_default()
    }
}

/// One header line: `from` its first byte, `to` the end of its value, without trailing white space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Where the value begins, counted from `from`.
    value: u16,
    /// Length of the name's text.
    name_len: u8,
    pub(super) name: Name,
}

impl Entry {
    const NONE: Self = Self {
        from: 0,
        to: 0,
        value: 0,
        name_len: 0,
        name: Name::Other,
    };

    pub(super) fn value(self) -> Span {
        Span {
            from: self.from + u32::from(self.value),
            to: self.to,
        }
    }

    pub(super) fn text(self) -> Span {
        Span {
            from: self.from,
            to: self.from + u32::from(self.name_len),
        }
    }
}

/// The header lines in their order.
#[derive(Debug, Clone)]
pub(super) struct Table {
    inline: [Entry; INLINE],
    count: u16,
    spill: Vec<Entry>,
}

impl Table {
    fn push(&mut self, entry: Entry) -> Result<(), ParseError> {
        match self.inline.get_mut(self.count as usize) {
            Some(free) => *free = entry,
            None if self.count as usize >= HEADERS_MAX => {
                return Err(ParseError::TooManyHeaders { max: HEADERS_MAX });
            }
            None => self.spill.push(entry),
        }
        self.count += 1;
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> + Clone + '_ {
        let inline = self.inline.get(..self.count as usize).unwrap_or(&self.inline);
        inline.iter().chain(&self.spill).copied()
    }
}

/// The start line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Request { method: Method, text: Span, uri: Span },
    Response { status: u16, reason: Span },
}

/// Something wrong that still leaves a message to answer: [`Message::validate`] reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// 505
    Version,
    /// 400, RFC 3261 §7.1: single spaces, none in the URI, none at the end.
    RequestLine,
    /// 400: a header line without a name or colon.
    HeaderLine,
    /// 400: the headers end without an empty line.
    NoEmptyLine,
}

/// What parsing finds.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) start: Start,
    pub(super) headers: Table,
    pub(super) body: Span,
    pub(super) defect: Option<Defect>,
}

impl Index {
    const EMPTY: Self = Self {
        start: Start::Response {
            status: 0,
            reason: Span { from: 0, to: 0 },
        },
        headers: Table {
            inline: [Entry::NONE; INLINE],
            count: 0,
            spill: Vec::new(),
        },
        body: Span { from: 0, to: 0 },
        defect: None,
    };
}

enum Stop {
    /// A line goes on in the next one.
    Folded,
    Error(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Error(error)
    }
}

/// See [`Message::parse`].
#[inline]
pub(super) fn parse(mut bytes: Bytes) -> Result<Message, ParseError> {
    let len = bytes.len();
    if len > MESSAGE_MAX {
        return Err(ParseError::TooLong {
            len,
            max: MESSAGE_MAX,
        });
    }
    // Line ends before the start line are ignored (RFC 3261 §7.5).
    if matches!(bytes.first(), Some(b'\r' | b'\n') | None) {
        let leading = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'));
        bytes.advance(leading.ok_or(ParseError::Empty { len })?);
    }
    // Filled where it stays: the table is half a kilobyte, and moving it would cost as much as reading some lines.
    let mut message = Message {
        bytes,
        index: Index::EMPTY,
    };
    match index(&message.bytes, &mut message.index) {
        Ok(()) => (),
        Err(Stop::Error(error)) => return Err(error),
        Err(Stop::Folded) => {
            message.bytes = unfold(&message.bytes);
            message.index = Index::EMPTY;
            match index(&message.bytes, &mut message.index) {
                Ok(()) => (),
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Folded) => {
                    return Err(ParseError::StartLine {
                        why: "folds within folds",
                    });
                }
            }
        }
    }
    // What lies behind Content-Length in a datagram is discarded (RFC 3261 §18.3).
    message.bytes.truncate(message.index.body.to as usize);
    Ok(message)
}

/// A copy whose folds are spaces: a fold means one space (RFC 3261 §7.3.1), and nobody after us meets it.
fn unfold(bytes: &[u8]) -> Bytes {
    let mut copy = bytes.to_vec();
    let end = memmem::find(bytes, b"\r\n\r\n").unwrap_or(bytes.len());
    let mut from = 0;
    while let Some(at) = copy
        .get(from..end)
        .and_then(|head| memchr(b'\r', head))
        .map(|at| from + at)
    {
        if let Some([first @ b'\r', second @ b'\n', b' ' | b'\t']) = copy.get_mut(at..at + 3) {
            (*first, *second) = (b' ', b' ');
        }
        from = at + 1;
    }
    Bytes::from(copy)
}

/// Fills `index`, which is empty.
fn index(bytes: &[u8], index: &mut Index) -> Result<(), Stop> {
    let mut defect = None;
    let first_end = line_end(bytes, 0)?.ok_or(ParseError::StartLine {
        why: "it does not end",
    })?;
    index.start = start_line(bytes.get(..first_end).unwrap_or_default(), &mut defect)?;

    let mut content_length = None;
    let mut at = first_end + 2;
    let body = loop {
        match bytes.get(at) {
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => break at + 2,
            Some(b'\r' | b'\n') => return Err(ParseError::BareLineEnd { at }.into()),
            Some(b' ' | b'\t') => return Err(Stop::Folded),
            Some(_) => (),
            None => {
                defect = defect.or(Some(Defect::NoEmptyLine));
                break bytes.len();
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let name_len = rest.iter().position(|&b| !is_token_byte(b)).unwrap_or(rest.len());
        let spaces = rest
            .get(name_len..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| is_space(**b))
            .count();
        let colon = name_len + spaces;
        let named = name_len > 0 && rest.get(colon) == Some(&b':');
        let end = line_end(bytes, at + colon)?.unwrap_or(bytes.len());
        if named {
            let mut value = colon + 1;
            while at + value < end && rest.get(value).is_some_and(|b| is_space(*b)) {
                value += 1;
            }
            let mut to = end;
            while to > at + value && bytes.get(to - 1).is_some_and(|b| is_space(*b)) {
                to -= 1;
            }
            let name = Name::from_bytes(rest.get(..name_len).unwrap_or_default());
            let (Ok(value), Ok(name_len)) = (u16::try_from(value), u8::try_from(name_len)) else {
                return Err(ParseError::HeaderNameTooLong { at }.into());
            };
            let entry = Entry {
                from: at as u32,
                to: to as u32,
                value,
                name_len,
                name,
            };
            if name == Name::ContentLength && content_length.is_none() {
                content_length = number(entry.value().of(bytes));
            }
            index.headers.push(entry)?;
        } else {
            defect = defect.or(Some(Defect::HeaderLine));
        }
        at = end + 2;
    };
    let body = body.min(bytes.len());
    let available = bytes.len() - body;
    let len = content_length.map_or(available, |length| {
        available.min(usize::try_from(length).unwrap_or(available))
    });
    index.body = Span::new(body, body + len);
    index.defect = defect;
    Ok(())
}

/// Where the line that holds `from` ends; `None` if the bytes end first.
fn line_end(bytes: &[u8], from: usize) -> Result<Option<usize>, ParseError> {
    let Some(found) = memchr2(b'\r', b'\n', bytes.get(from..).unwrap_or_default()) else {
        return Ok(None);
    };
    let at = from + found;
    match bytes.get(at..at + 2) {
        Some(b"\r\n") => Ok(Some(at)),
        _ => Err(ParseError::BareLineEnd { at }),
    }
}

fn start_line(line: &[u8], defect: &mut Option<Defect>) -> Result<Start, ParseError> {
    let wrong = |why| ParseError::StartLine { why };
    let gap = memchr(b' ', line).ok_or(wrong("no space"))?;
    let (first, rest) = line.split_at_checked(gap).unwrap_or((line, b""));
    if memchr(b'/', first).is_some() {
        if !first.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(wrong("status line of another version"));
        }
        let (digits, reason) = match rest.get(1..).and_then(|rest| rest.split_at_checked(3)) {
            Some((digits, [] | [b' ', ..])) => (digits, gap + 5),
            _ => return Err(wrong("status is no three digits")),
        };
        let status = number(digits)
            .and_then(|n| u16::try_from(n).ok())
            .filter(|n| (100..700).contains(n));
        let status = status.ok_or(wrong("status outside 100 to 699"))?;
        return Ok(Start::Response {
            status,
            reason: Span::new(reason.min(line.len()), line.len()),
        });
    }
    if !is_token(first) {
        return Err(wrong("method is no token"));
    }
    let trimmed = gap + rest.len() - rest.iter().rev().take_while(|b| is_space(**b)).count();
    let last = memrchr(b' ', line.get(..trimmed).unwrap_or_default()).unwrap_or(0);
    let version = line.get(last + 1..trimmed).unwrap_or_default();
    if last <= gap || !version.get(..4).is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/")) {
        return Err(wrong("no SIP version"));
    }
    let padded = line.get(gap + 1..last).unwrap_or_default();
    let uri = trim(padded);
    if uri.is_empty() {
        return Err(wrong("no Request-URI"));
    }
    if std::str::from_utf8(uri).is_err() {
        return Err(wrong("Request-URI is no UTF-8"));
    }
    let uri_from = gap + 1 + padded.iter().take_while(|b| is_space(**b)).count();
    if trimmed != line.len() || uri.len() != padded.len() || uri.iter().any(|b| is_space(*b)) {
        *defect = Some(Defect::RequestLine);
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        *defect = Some(Defect::Version);
    }
    Ok(Start::Request {
        method: Method::from_bytes(first),
        text: Span::new(0, gap),
        uri: Span::new(uri_from, uri_from + uri.len()),
    })
}
