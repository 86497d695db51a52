//! `Digest name=value, name="value", …` (RFC 3261 §25.1), read from anybody.

use std::borrow::Cow;

/// More parameters than this are nobody's honest header.
const PARAMETERS_MAX: usize = 32;

/// Why a header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Basic, Bearer, AKA or anything else.
    #[error("the scheme is not Digest")]
    Scheme,
    /// Not `name=value` with commas between.
    #[error("malformed parameter list")]
    Malformed,
    /// A parameter occurs twice: peers would disagree on which counts.
    #[error("a parameter occurs twice")]
    Repeated,
    /// One that must be there.
    #[error("no {0} parameter")]
    Missing(&'static str),
    /// Neither MD5 nor SHA-256.
    #[error("unknown algorithm")]
    Algorithm,
    /// Only `auth` is supported.
    #[error("no qop that is supported")]
    Qop,
}

/// What Authorization or Proxy-Authorization says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// User name, unescaped.
    pub username: Cow<'a, str>,
    /// The realm it answers to.
    pub realm: Cow<'a, str>,
    /// The nonce it answers to.
    pub nonce: Cow<'a, str>,
    /// The URI that was hashed.
    pub uri: Cow<'a, str>,
    /// The digest, hex.
    pub response: Cow<'a, str>,
    /// Absent means MD5.
    pub algorithm: Option<Cow<'a, str>>,
    /// `auth`, or absent for the old way.
    pub qop: Option<Cow<'a, str>>,
    /// Nonce count as written: eight hex digits.
    pub nc: Option<Cow<'a, str>>,
    /// The client's chance.
    pub cnonce: Option<Cow<'a, str>>,
    /// What our challenge gave.
    pub opaque: Option<Cow<'a, str>>,
}

impl<'a> Credentials<'a> {
    /// Reads the value of Authorization or Proxy-Authorization.
    pub fn parse(value: &'a [u8]) -> Result<Self, CredentialsError> {
        let mut list = List::parse(value)?;
        Ok(Credentials {
            username: list.need("username")?,
            realm: list.need("realm")?,
            nonce: list.need("nonce")?,
            uri: list.need("uri")?,
            response: list.need("response")?,
            algorithm: list.take("algorithm"),
            qop: list.take("qop"),
            nc: list.take("nc"),
            cnonce: list.take("cnonce"),
            opaque: list.take("opaque"),
        })
    }
}

/// What WWW-Authenticate or Proxy-Authenticate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Whose password is asked for.
    pub realm: Cow<'a, str>,
    /// The server's nonce.
    pub nonce: Cow<'a, str>,
    /// Absent means MD5.
    pub algorithm: Option<Cow<'a, str>>,
    /// What is offered, with commas between.
    pub qop: Option<Cow<'a, str>>,
    /// To be given back as it is.
    pub opaque: Option<Cow<'a, str>>,
    /// The last password was right, its nonce too old.
    pub stale: bool,
}

impl<'a> Challenge<'a> {
    /// Reads the value of WWW-Authenticate or Proxy-Authenticate.
    pub fn parse(value: &'a [u8]) -> Result<Self, CredentialsError> {
        let mut list = List::parse(value)?;
        Ok(Challenge {
            realm: list.need("realm")?,
            nonce: list.need("nonce")?,
            algorithm: list.take("algorithm"),
            qop: list.take("qop"),
            opaque: list.take("opaque"),
            stale: list
                .take("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

struct List<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> List<'a> {
    fn parse(value: &'a [u8]) -> Result<Self, CredentialsError> {
        let text = std::str::from_utf8(value)
            .map_err(|_| CredentialsError::Malformed)?
            .trim();
        let (scheme, mut rest) = text
            .split_once(|c: char| c.is_ascii_whitespace())
            .ok_or(CredentialsError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(CredentialsError::Scheme);
        }
        let mut list: Vec<(&str, Cow<'_, str>)> = Vec::new();
        loop {
            // Empty elements are allowed (RFC 7616's list rule), a comma at the end is common.
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
            if rest.is_empty() {
                return Ok(List(list));
            }
            let (name, after) = rest.split_once('=').ok_or(CredentialsError::Malformed)?;
            let name = name.trim_end();
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(CredentialsError::Malformed);
            }
            let (value, after) = read_value(after.trim_start())?;
            if list.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                return Err(CredentialsError::Repeated);
            }
            if list.len() == PARAMETERS_MAX {
                return Err(CredentialsError::Malformed);
            }
            list.push((name, value));
            rest = after.trim_start();
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(CredentialsError::Malformed);
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self
            .0
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(self.0.swap_remove(at).1)
    }

    fn need(&mut self, name: &'static str) -> Result<Cow<'a, str>, CredentialsError> {
        self.take(name).ok_or(CredentialsError::Missing(name))
    }
}

/// A quoted-string without its quotes and escapes, or what stands before the next comma or space.
fn read_value(text: &str) -> Result<(Cow<'_, str>, &str), CredentialsError> {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text
            .find(|c: char| c == ',' || c.is_ascii_whitespace())
            .unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end).ok_or(CredentialsError::Malformed)?;
        return if value.is_empty() || value.contains('"') {
            Err(CredentialsError::Malformed)
        } else {
            Ok((Cow::Borrowed(value), rest))
        };
    };
    let mut unescaped: Option<String> = None;
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let value = match unescaped {
                    Some(text) => Cow::Owned(text),
                    None => Cow::Borrowed(inside.get(..at).unwrap_or_default()),
                };
                return Ok((value, inside.get(at + 1..).unwrap_or_default()));
            }
            '\\' => {
                let (_, escaped) = chars.next().ok_or(CredentialsError::Malformed)?;
                unescaped
                    .get_or_insert_with(|| inside.get(..at).unwrap_or_default().to_owned())
                    .push(escaped);
            }
            c => {
                if let Some(text) = &mut unescaped {
                    text.push(c);
                }
            }
        }
    }
    Err(CredentialsError::Malformed)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_commas_and_spaces_are_read() {
        let value = br#"digest  username="a\"b,c" , realm = "r=1", nonce="n", uri="sip:x;y=z", response=00, qop=auth,,nc=00000001,"#;
        let read = Credentials::parse(value).unwrap();
        assert_eq!(read.username, "a\"b,c");
        assert_eq!(read.realm, "r=1");
        assert_eq!(read.uri, "sip:x;y=z");
        assert_eq!(read.response, "00");
        assert_eq!(read.qop.as_deref(), Some("auth"));
        assert_eq!(read.nc.as_deref(), Some("00000001"));
    }

    #[test]
    fn what_is_no_digest_is_refused_by_name() {
        for (value, error) in [
            (&b"Basic Zm9v"[..], CredentialsError::Scheme),
            (b"Digest", CredentialsError::Scheme),
            (b"Digest username", CredentialsError::Malformed),
            (b"Digest username=\"a", CredentialsError::Malformed),
            (b"Digest username=\"a\\", CredentialsError::Malformed),
            (b"Digest username=\"a\"realm=\"b\"", CredentialsError::Malformed),
            (b"Digest =x", CredentialsError::Malformed),
            (b"Digest username=a, USERNAME=b", CredentialsError::Repeated),
            (b"Digest username=a", CredentialsError::Missing("realm")),
            (b"Digest \xff=1", CredentialsError::Malformed),
        ] {
            assert_eq!(
                Credentials::parse(value),
                Err(error),
                "{}",
                String::from_utf8_lossy(value)
            );
        }
    }
}
