//! Via: the way the response goes back (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;

use super::lex::{is_space, number, trim};
use super::uri::{read_host_port, read_ipv6};
use super::{HeaderError, Host, Name, Params};

/// What every branch since RFC 3261 begins with (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One Via value, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS`… as written.
    pub transport: &'a str,
    /// Host of sent-by.
    pub host: Host<'a>,
    /// Port of sent-by, if written.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads one value, not a comma list.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        Self::read(value).map_err(|why| HeaderError::Malformed { name: Name::Via, why })
    }

    fn read(value: &'a [u8]) -> Result<Self, &'static str> {
        // Nearly always written without spaces; the grammar allows them around both slashes.
        let rest = if let Some(rest) = value.strip_prefix(b"SIP/2.0/") {
            rest
        } else {
            let rest = strip_word(value, b"SIP")?;
            let rest = strip_word(rest, b"/")?;
            let rest = strip_word(rest, b"2.0")?;
            strip_word(rest, b"/")?
        };
        let rest = trim(rest);
        let gap = rest.iter().position(|&b| is_space(b)).ok_or("no sent-by")?;
        let (transport, rest) = rest.split_at_checked(gap).ok_or("no sent-by")?;
        if !super::lex::is_token(transport) {
            return Err("transport is no token");
        }
        let transport = std::str::from_utf8(transport).map_err(|_| "transport is no token")?;
        let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at_checked(end).unwrap_or((rest, b""));
        let sent_by = std::str::from_utf8(sent_by).map_err(|_| "malformed host")?;
        let (host, port) = read_host_port(sent_by)?;
        Ok(Self {
            transport,
            host,
            port,
            params: Params::new(params),
        })
    }

    /// The `branch` parameter: names the transaction (RFC 3261 §17.1.3).
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }

    /// The branch if it names a transaction by itself: the magic cookie and something after it.
    /// Without one, match as RFC 2543 did (RFC 3261 §17.2.3).
    pub fn magic_branch(&self) -> Option<&'a str> {
        self.branch().filter(|branch| {
            branch.len() > MAGIC_COOKIE.len()
                && branch
                    .get(..MAGIC_COOKIE.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
        })
    }

    /// The `received` parameter, IPv6 with brackets or without (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.get("received")?;
        let bare = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        bare.parse().ok().or_else(|| read_ipv6(bare).map(IpAddr::V6))
    }

    /// The `rport` parameter: `Some(None)` asks for one, `Some(Some(port))` carries it (RFC 3581 §3).
    pub fn rport(&self) -> Option<Option<u16>> {
        let text = self.params.get("rport")?;
        Some(number(text.as_bytes()).and_then(|port| u16::try_from(port).ok()))
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        self.params.check()
    }
}

fn strip_word<'a>(text: &'a [u8], word: &[u8]) -> Result<&'a [u8], &'static str> {
    let text = trim(text);
    match text.split_at_checked(word.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(word) => Ok(rest),
        _ => Err("not SIP/2.0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_around_slashes_and_colon() {
        let via = Via::parse(b"SIP  /   2.0   /UDP     192.0.2.2 : 5070 ;branch = z9hG4bKx ;rport").unwrap();
        assert_eq!(
            (via.transport, via.port, via.branch()),
            ("UDP", Some(5070), Some("z9hG4bKx"))
        );
        assert_eq!(via.rport(), Some(None));
        assert_eq!(via.host.ip(), "192.0.2.2".parse().ok());
    }

    #[test]
    fn received_with_brackets_or_without() {
        for text in ["received=2001:db8::9:255", "received=[2001:db8::9:255]"] {
            let value = format!("SIP/2.0/UDP [2001:db8::9:1];{text};branch=z9hG4bKas3");
            assert_eq!(
                Via::parse(value.as_bytes()).unwrap().received(),
                "2001:db8::9:255".parse().ok()
            );
        }
    }

    #[test]
    fn a_cookie_alone_names_no_transaction() {
        let via = Via::parse(b"SIP/2.0/UDP h;branch=z9hG4bK").unwrap();
        assert_eq!((via.branch(), via.magic_branch()), (Some("z9hG4bK"), None));
    }

    #[test]
    fn malformed_vias_are_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/7.0/UDP h",
            "UDP h",
            "SIP/2.0/U,P h",
            "SIP/2.0/UDP h h",
        ] {
            assert!(Via::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
