//! The few lexical rules everything shares: tokens, white space, quoted strings, comma lists.

use std::borrow::Cow;

use memchr::memchr;

/// Bytes of `token` (RFC 3261 §25.1).
static TOKEN: [bool; 256] = token_table();

const fn token_table() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        let b = byte as u8;
        #[allow(clippy::indexing_slicing)] // Evaluated by the compiler, which checks it.
        {
            table[byte] = b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
                );
        }
        byte += 1;
    }
    table
}

/// Whether `byte` may stand in a token.
#[inline]
#[allow(clippy::indexing_slicing)] // A byte is always under 256.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether `text` is a token: not empty, only token bytes.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| is_token_byte(b))
}

/// Linear white space once folds are gone.
#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `text` without white space at both ends.
#[inline]
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// `text` cut at `at`: before, and after the byte there.
#[inline]
pub(crate) fn cut(text: &[u8], at: usize) -> (&[u8], &[u8]) {
    (
        text.get(..at).unwrap_or(text),
        text.get(at + 1..).unwrap_or_default(),
    )
}

/// Length of the quoted string that `text` begins with, both quotes counted; `None` if it never ends.
pub(crate) fn quoted_len(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => (),
        }
    }
    None
}

/// Offset of the first `stop` outside quotes and angle brackets; `None` if there is none.
pub(crate) fn find_outside(text: &[u8], stop: u8) -> Option<usize> {
    let (mut quoted, mut escaped, mut angled) = (false, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !angled => quoted = !quoted,
            _ if quoted => (),
            b'<' => angled = true,
            b'>' => angled = false,
            _ if byte == stop && !angled => return Some(at),
            _ => (),
        }
    }
    None
}

/// Splits a comma list outside quotes and angle brackets (RFC 3261 §7.3.1); empty parts are left out.
#[derive(Debug, Clone)]
pub(crate) struct List<'a> {
    rest: &'a [u8],
}

impl<'a> List<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            // Most values have no comma at all: one fast search says so.
            let comma = if memchr(b',', self.rest).is_some() {
                find_outside(self.rest, b',')
            } else {
                None
            };
            let (part, rest) = match comma {
                Some(at) => cut(self.rest, at),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            let part = trim(part);
            if !part.is_empty() {
                return Some(part);
            }
        }
        None
    }
}

/// Text with `%XX` resolved (RFC 3261 §19.1.2); what is no UTF-8 then becomes U+FFFD.
pub(crate) fn unescape_percent(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    match String::from_utf8(unescape_percent_bytes(text.as_bytes())) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

fn unescape_percent_bytes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%'
            && let [high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(byte);
        }
    }
    out
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// The inside of a quoted string with its backslashes resolved.
pub(crate) fn unescape_quoted(inside: &[u8]) -> Cow<'_, str> {
    if memchr(b'\\', inside).is_none() {
        return String::from_utf8_lossy(inside);
    }
    let mut out = Vec::with_capacity(inside.len());
    let mut escaped = false;
    for &byte in inside {
        if byte == b'\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(byte);
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// A decimal number that fits `u64`; larger ones give `u64::MAX`. `None` where it is no number.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    }
    Some(value)
}
