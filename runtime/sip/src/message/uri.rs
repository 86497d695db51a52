//! URIs: sip, sips and tel, and any other scheme kept whole (RFC 3261 §19.1, RFC 3966).

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use memchr::{memchr, memchr2};

use super::lex::{trim, unescape_percent};
use super::{HeaderError, Name, Params};
use crate::flow::Transport;

/// A URI's scheme, in any case in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`: the number is in [`Uri::user`] (RFC 3966).
    Tel,
    /// Any other; the rest of the URI is in [`Uri::opaque`].
    Other(&'a str),
}

impl Scheme<'_> {
    /// As written: `sip`, `sips`, `tel` or the other scheme's text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(text) => text,
        }
    }
}

/// The host of a URI or Via.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A domain name, or empty in tel and unknown URIs.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; brackets are not part of it.
    V6(Ipv6Addr),
}

impl Host<'_> {
    /// The address, if it is no name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
        }
    }

    /// Whether both name the same host: names in any case, addresses by value.
    pub fn equivalent(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::V4(a), Host::V4(b)) => a == b,
            (Self::V6(a), Host::V6(b)) => a == b,
            (Self::Name(_) | Self::V4(_) | Self::V6(_), _) => false,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
        }
    }
}

/// A URI, borrowed from its text. Displays as that text.
#[derive(Debug, Clone, Copy)]
pub struct Uri<'a> {
    raw: &'a str,
    /// The scheme.
    pub scheme: Scheme<'a>,
    /// The user part as written, `%XX` and all; the number of a tel URI.
    pub user: Option<&'a str>,
    /// The password as written.
    pub password: Option<&'a str>,
    /// The host; an empty name in tel and unknown URIs.
    pub host: Host<'a>,
    /// The port, if written.
    pub port: Option<u16>,
    /// What follows the host after semicolons.
    pub params: Params<'a>,
    /// What follows `?`, as written: headers for a request made from this URI.
    pub headers: Option<&'a str>,
}

impl<'a> Uri<'a> {
    /// Reads one URI; the error's name is [`Name::Other`].
    pub fn parse(text: &'a [u8]) -> Result<Self, HeaderError> {
        Self::read(text).map_err(|why| HeaderError::Malformed {
            name: Name::Other,
            why,
        })
    }

    pub(crate) fn read(text: &'a [u8]) -> Result<Self, &'static str> {
        // Bytes a URI can never hold; a space here is how badly bracketed URIs show (RFC 3261 §25.1).
        if text
            .iter()
            .any(|&b| !b.is_ascii_graphic() || matches!(b, b'<' | b'>' | b'"'))
        {
            return Err("URI with a byte that must be escaped");
        }
        let raw = std::str::from_utf8(text).map_err(|_| "URI is no UTF-8")?;
        let colon = memchr(b':', text).ok_or("URI without a scheme")?;
        let (Some(scheme), Some(rest)) = (raw.get(..colon), raw.get(colon + 1..)) else {
            return Err("URI without a scheme");
        };
        let scheme = match scheme.as_bytes() {
            b"sip" => Scheme::Sip,
            text if text.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            text if text.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            text if text.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
            [first, others @ ..]
                if first.is_ascii_alphabetic()
                    && others
                        .iter()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) =>
            {
                Scheme::Other(scheme)
            }
            _ => return Err("URI with a malformed scheme"),
        };
        let mut uri = Uri {
            raw,
            scheme,
            user: None,
            password: None,
            host: Host::Name(""),
            port: None,
            params: Params::default(),
            headers: None,
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => uri.read_sip(rest)?,
            Scheme::Tel => {
                let (number, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
                if number.is_empty() {
                    return Err("tel URI without a number");
                }
                uri.user = Some(number);
                uri.params = Params::new(params.as_bytes());
            }
            Scheme::Other(_) if rest.is_empty() => return Err("URI with nothing after its scheme"),
            Scheme::Other(_) => (),
        }
        Ok(uri)
    }

    fn read_sip(&mut self, rest: &'a str) -> Result<(), &'static str> {
        let mut rest = rest;
        // `;` and `?` may stand in a user part, `@` in nothing after it: look for that first.
        if let Some((user, after)) = split_once(rest, b'@') {
            let (user, password) = match split_once(user, b':') {
                Some((user, password)) => (user, Some(password)),
                None => (user, None),
            };
            if user.is_empty() {
                return Err("URI with an empty user part");
            }
            self.user = Some(user);
            self.password = password;
            rest = after;
        }
        if let Some((before, headers)) = split_once(rest, b'?') {
            self.headers = Some(headers);
            rest = before;
        }
        let params = memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let (host, params) = rest.split_at_checked(params).unwrap_or((rest, ""));
        (self.host, self.port) = read_host_port(host)?;
        if !params.is_empty() {
            self.params = Params::new(params.as_bytes());
        }
        Ok(())
    }

    /// The URI as written.
    pub fn as_str(&self) -> &'a str {
        self.raw
    }

    /// The user part with `%XX` resolved: what to look up and to show. The number of a tel URI.
    pub fn user(&self) -> Option<Cow<'a, str>> {
        self.user.map(unescape_percent)
    }

    /// Where a request to it goes, if that needs no DNS: an address for host, its port or 5060, and the transport that
    /// its `transport` parameter names, else `default` (RFC 3263 §4.1, §4.2: UDP, where nothing better is known).
    /// `None` for a name, for `sips` and for transports other than UDP and TCP.
    pub fn address(&self, default: Transport) -> Option<(Transport, SocketAddr)> {
        if self.scheme != Scheme::Sip {
            return None;
        }
        let transport = match self.params.get("transport") {
            None => default,
            Some(name) if name.eq_ignore_ascii_case("udp") => Transport::Udp,
            Some(name) if name.eq_ignore_ascii_case("tcp") => Transport::Tcp,
            Some(_) => return None,
        };
        Some((transport, (self.host.ip()?, self.port.unwrap_or(5060)).into()))
    }

    /// What follows the scheme and its colon.
    pub fn opaque(&self) -> &'a str {
        self.raw.get(self.scheme.as_str().len() + 1..).unwrap_or_default()
    }

    /// Whether it is `sip:` or `sips:`.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// Whether it is `sips:`.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::Sips
    }

    /// Whether it carries `lr`: a loose router's URI (RFC 3261 §19.1.1).
    pub fn is_loose(&self) -> bool {
        self.params.has("lr")
    }

    /// The `transport` parameter as written.
    pub fn transport(&self) -> Option<&'a str> {
        self.params.get("transport")
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4). Not transitive, so not `==`.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => (),
            (Scheme::Tel, Scheme::Tel) => return same_number(self.user, other.user),
            (a, b) => {
                return a.as_str().eq_ignore_ascii_case(b.as_str())
                    && !self.is_sip()
                    && self.opaque() == other.opaque();
            }
        }
        same_escaped(self.user, other.user)
            && same_escaped(self.password, other.password)
            && self.host.equivalent(&other.host)
            && self.port == other.port
            && params_agree(&self.params, &other.params)
            && params_agree(&other.params, &self.params)
            && headers_within(self.headers, other.headers)
            && headers_within(other.headers, self.headers)
    }

    /// Everything the lenient readers leave unchecked.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        self.params.check()
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr(byte, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `host[:port]`, IPv6 in brackets; white space around the colon is allowed (RFC 3261 §25.1, COLON).
pub(crate) fn read_host_port(text: &str) -> Result<(Host<'_>, Option<u16>), &'static str> {
    let bytes = trim(text.as_bytes());
    if bytes.first() == Some(&b'[') {
        let close = memchr(b']', bytes).ok_or("IPv6 address without its bracket")?;
        let inside = bytes
            .get(1..close)
            .and_then(|b| std::str::from_utf8(b).ok())
            .unwrap_or_default();
        let host = read_ipv6(inside).ok_or("malformed IPv6 address")?;
        return match trim(bytes.get(close + 1..).unwrap_or_default()) {
            [] => Ok((Host::V6(host), None)),
            [b':', port @ ..] => Ok((Host::V6(host), Some(read_port(port)?))),
            _ => Err("text after an IPv6 address"),
        };
    }
    let (host, port) = match memchr2(b':', b' ', bytes) {
        None => (bytes, None),
        Some(at) => {
            let (host, rest) = bytes.split_at_checked(at).unwrap_or((bytes, b""));
            match trim(rest) {
                [b':', port @ ..] => (host, Some(read_port(port)?)),
                _ => return Err("white space in a host"),
            }
        }
    };
    let host = std::str::from_utf8(host).map_err(|_| "malformed host")?;
    let Some(first) = host.bytes().next() else {
        return Err("empty host");
    };
    if first.is_ascii_digit()
        && let Ok(ip) = host.parse::<Ipv4Addr>()
    {
        return Ok((Host::V4(ip), port));
    }
    // Underscores are no host names, but phones and labs are named with them.
    if !host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    {
        return Err("malformed host");
    }
    Ok((Host::Name(host), port))
}

/// An IPv6 address. RFC 3261's grammar wrote `:::` before an embedded IPv4 address: that is read as `::`
/// (RFC 5118 §4.10).
pub(crate) fn read_ipv6(text: &str) -> Option<Ipv6Addr> {
    match text.parse() {
        Ok(ip) => Some(ip),
        Err(_) if text.contains(":::") => text.replacen(":::", "::", 1).parse().ok(),
        Err(_) => None,
    }
}

fn read_port(text: &[u8]) -> Result<u16, &'static str> {
    let number = super::lex::number(trim(text)).ok_or("malformed port")?;
    u16::try_from(number).map_err(|_| "port above 65535")
}

fn same_escaped(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a == b || unescape_percent(a) == unescape_percent(b),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Telephone numbers compare without their visual separators (RFC 3966 §4).
fn same_number(a: Option<&str>, b: Option<&str>) -> bool {
    let digits = |text: Option<&str>| -> Vec<u8> {
        let text = text.unwrap_or_default();
        text.bytes()
            .filter(|b| !matches!(b, b'-' | b'.' | b'(' | b')'))
            .map(|b| b.to_ascii_lowercase())
            .collect()
    };
    digits(a) == digits(b)
}

/// Each parameter of `a` that `b` has too is equal; some must not be missing in `b` at all.
fn params_agree(a: &Params<'_>, b: &Params<'_>) -> bool {
    const NEVER_ALONE: [&[u8]; 5] = [b"user", b"ttl", b"method", b"maddr", b"transport"];
    a.iter().all(
        |(name, value)| match b.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, other)) => same_value(value.unwrap_or_default(), other.unwrap_or_default()),
            None => !NEVER_ALONE.iter().any(|n| n.eq_ignore_ascii_case(name)),
        },
    )
}

fn same_value(a: &[u8], b: &[u8]) -> bool {
    let text = |v| unescape_percent(std::str::from_utf8(v).unwrap_or_default()).to_ascii_lowercase();
    a.eq_ignore_ascii_case(b) || text(a) == text(b)
}

fn headers_within(a: Option<&str>, b: Option<&str>) -> bool {
    let pair = |h: &str| {
        let (name, value) = split_once(h, b'=').unwrap_or((h, ""));
        (name.to_ascii_lowercase(), unescape_percent(value).into_owned())
    };
    let all = |text: Option<&str>| -> Vec<_> {
        text.into_iter()
            .flat_map(|t| t.split('&'))
            .filter(|h| !h.is_empty())
            .map(pair)
            .collect()
    };
    let theirs = all(b);
    all(a).iter().all(|header| theirs.contains(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn parts_are_found() {
        let u = uri("sip:alice:secret@example.com:5070;transport=tcp;lr?Subject=x%20y");
        assert_eq!(
            (u.user, u.password, u.port),
            (Some("alice"), Some("secret"), Some(5070))
        );
        assert_eq!(u.host, Host::Name("example.com"));
        assert!(u.is_loose() && u.transport() == Some("tcp"));
        assert_eq!(u.headers, Some("Subject=x%20y"));
        assert_eq!(u.to_string(), u.as_str());
        let u = uri("sip:user;par=u%40example.net@example.com");
        assert_eq!(u.user().as_deref(), Some("user;par=u@example.net"));
        assert_eq!(uri("SIPS:[2001:db8::1]:5061").host.to_string(), "[2001:db8::1]");
        let tel = uri("tel:+1-201-555-0123;phone-context=x");
        assert_eq!(
            (tel.user, tel.params.get("phone-context")),
            (Some("+1-201-555-0123"), Some("x"))
        );
        assert_eq!(
            uri("soap.beep://192.0.2.103:3002").scheme,
            Scheme::Other("soap.beep")
        );
    }

    #[test]
    fn malformed_uris_are_refused() {
        for text in [
            "",
            "sip:",
            "alan@jasomi.com",
            "sip:@x",
            "sip:a@",
            "sip:2001:db8::10",
            "sip:a@b:99999",
            "sip:a b@c",
            "sip:a@[::1",
            "sip:a@[::1]x",
            "<sip:a@b>",
            "sip:a@b:",
            "tel:",
            "1x:y",
            "sip:a@b,c",
            "x:",
        ] {
            assert!(Uri::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    /// The pairs of RFC 3261 §19.1.4.
    #[test]
    fn equivalence_is_that_of_rfc_3261() {
        for (a, b) in [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:carol@chicago.com;newparam=5",
                "sip:carol@chicago.com;security=on",
            ),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+1-201-555-0123", "tel:+12015550123"),
        ] {
            assert!(
                uri(a).equivalent(&uri(b)) && uri(b).equivalent(&uri(a)),
                "{a} {b}"
            );
        }
        for (a, b) in [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ] {
            assert!(
                !uri(a).equivalent(&uri(b)) && !uri(b).equivalent(&uri(a)),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn the_three_colons_of_rfc_3261_are_read() {
        assert_eq!(
            uri("sip:user@[2001:db8:::192.0.2.1]").host,
            uri("sip:u@[2001:db8::192.0.2.1]").host
        );
    }
}
