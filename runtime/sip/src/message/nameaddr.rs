//! From, To, Contact, Route: a URI with a display name and parameters (RFC 3261 §20.10).

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::lex::{cut, number, quoted_len, trim, unescape_quoted};
use super::{HeaderError, Name, Params, Uri};

/// `"Display" <uri>;params` or `uri;params`.
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// The display name as written, without its quotes; `None` where there is none or it is empty.
    pub display: Option<&'a [u8]>,
    /// The URI.
    pub uri: Uri<'a>,
    /// The header's parameters, not the URI's.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one value; the error's name is [`Name::Other`].
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        Self::read(value).map_err(|why| HeaderError::Malformed {
            name: Name::Other,
            why,
        })
    }

    pub(crate) fn read(value: &'a [u8]) -> Result<Self, &'static str> {
        let value = trim(value);
        let (display, open) = if value.first() == Some(&b'"') {
            let end = quoted_len(value).ok_or("unbalanced quotes")?;
            let inside = value.get(1..end - 1).unwrap_or_default();
            let after = trim(value.get(end..).unwrap_or_default());
            match after {
                [b'<', rest @ ..] => (inside, Some(rest)),
                _ => return Err("no < after the display name"),
            }
        } else {
            // A `;` first means there are no brackets: all after it belongs to the header.
            match memchr2(b'<', b';', value) {
                Some(at) if value.get(at) == Some(&b'<') => {
                    let (display, rest) = cut(value, at);
                    (trim(display), Some(rest))
                }
                _ => (&[][..], None),
            }
        };
        let Some(open) = open else {
            return Self::read_bare(value);
        };
        if display.contains(&b'"') && value.first() != Some(&b'"') {
            return Err("quotes inside a display name");
        }
        let close = memchr(b'>', open).ok_or("< without >")?;
        let (uri, rest) = cut(open, close);
        let rest = trim(rest);
        if !matches!(rest, [] | [b';', ..]) {
            return Err("text after >");
        }
        Ok(Self {
            display: if display.is_empty() { None } else { Some(display) },
            uri: Uri::read(uri)?,
            params: Params::new(rest),
        })
    }

    /// Without brackets every parameter is the header's, and `?` or `,` may not occur (RFC 3261 §20.10).
    fn read_bare(value: &'a [u8]) -> Result<Self, &'static str> {
        let (uri, params) = match memchr(b';', value) {
            Some(at) => value.split_at_checked(at).unwrap_or((value, b"")),
            None => (value, &b""[..]),
        };
        let uri = trim(uri);
        if memchr2(b'?', b',', uri).is_some() {
            return Err("URI with ? or , outside <>");
        }
        Ok(Self {
            display: None,
            uri: Uri::read(uri)?,
            params: Params::new(params),
        })
    }

    /// The display name with escapes resolved; bytes that are no UTF-8 become U+FFFD.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.display.map(unescape_quoted)
    }

    /// The `tag` parameter: one end of a dialog (RFC 3261 §19.3).
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        self.uri.check()?;
        self.params.check()
    }
}

/// One value of Contact (RFC 3261 §20.10).
#[derive(Debug, Clone, Copy)]
pub enum Contact<'a> {
    /// `*`: every binding, in a REGISTER with Expires 0.
    Star,
    /// One address.
    Address(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one value; the error names Contact.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        if trim(value) == b"*" {
            return Ok(Self::Star);
        }
        NameAddr::read(value)
            .map(Self::Address)
            .map_err(|why| HeaderError::Malformed {
                name: Name::Contact,
                why,
            })
    }

    /// Whether it is `*`.
    pub fn is_star(&self) -> bool {
        matches!(self, Self::Star)
    }

    /// The address, unless it is `*`.
    pub fn address(&self) -> Option<&NameAddr<'a>> {
        match self {
            Self::Star => None,
            Self::Address(address) => Some(address),
        }
    }

    /// The URI, unless it is `*`.
    pub fn uri(&self) -> Option<&Uri<'a>> {
        self.address().map(|address| &address.uri)
    }

    /// The `q` parameter in thousandths, 0 to 1000; 1000 where it is absent or malformed.
    pub fn q_thousandths(&self) -> u16 {
        let Some(q) = self.address().and_then(|a| a.params.get("q")) else {
            return 1000;
        };
        let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
        let mut thousandths = 0_u16;
        let mut digits = fraction.bytes();
        for _ in 0..3 {
            let digit = digits.next().unwrap_or(b'0');
            if !digit.is_ascii_digit() {
                return 1000;
            }
            thousandths = thousandths * 10 + u16::from(digit - b'0');
        }
        match whole {
            "0" | "" if !q.is_empty() && q != "." => thousandths,
            _ => 1000,
        }
    }

    /// The `expires` parameter in seconds; larger numbers become `u32::MAX`, malformed ones count as absent.
    pub fn expires(&self) -> Option<u32> {
        let text = self.address()?.params.get("expires")?;
        number(text.as_bytes()).map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_name_addr() {
        let a = NameAddr::parse(b"\"J \\\"R\\\" <x>\" <sip:a@b;lr>;tag=1").unwrap();
        assert_eq!(a.display_name().as_deref(), Some("J \"R\" <x>"));
        assert!(a.uri.is_loose() && a.tag() == Some("1"));
        let a = NameAddr::parse(b"sip:a@b ; tag = 2").unwrap();
        assert_eq!((a.uri.as_str(), a.tag()), ("sip:a@b", Some("2")));
        let a = NameAddr::parse(b"caller<sip:a@b>").unwrap();
        assert_eq!((a.display, a.tag()), (Some(&b"caller"[..]), None));
        assert!(NameAddr::parse(b"<sip:a@b>").unwrap().display.is_none());
    }

    #[test]
    fn malformed_name_addrs_are_refused() {
        for text in [
            "\"Mr. J. User <sip:j.user@example.com>",
            "<sip:a@b",
            "<sip:a@b> x",
            "sip:a@b?Route=x",
            "a@b",
            "\"x\" sip:a@b",
            "",
            "\"",
            "x\"y\" <sip:a@b>",
            "< sip:a@b >",
        ] {
            assert!(NameAddr::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn q_and_expires_of_contacts() {
        let contact = |text: &'static str| Contact::parse(text.as_bytes()).unwrap();
        for (text, q) in [
            ("0.33", 330),
            ("1", 1000),
            ("1.0", 1000),
            ("0", 0),
            ("0.001", 1),
            (".5", 500),
            ("x", 1000),
        ] {
            let text = format!("<sip:a@b>;q={text}");
            assert_eq!(
                Contact::parse(text.as_bytes()).unwrap().q_thousandths(),
                q,
                "{text}"
            );
        }
        assert_eq!(
            contact("<sip:a@b>;expires=280297596632815").expires(),
            Some(u32::MAX)
        );
        assert_eq!(contact("<sip:a@b>;expires=60").expires(), Some(60));
        assert!(contact(" * ").is_star());
    }
}
