//! The arithmetic of RFC 7616 §3.4.

use super::{Challenge, CredentialsError};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Hash of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// RFC 2617's only one, still what most phones do.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    /// As headers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    /// The algorithm of this name, in any case; `None` for those that are not offered (`-sess`, SHA-512-256).
    pub fn from_name(name: &str) -> Option<Algorithm> {
        [Algorithm::Md5, Algorithm::Sha256]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(name))
    }

    /// The hash of `parts` with colons between them, in lower-case hex.
    pub(super) fn hash(self, parts: &[&str]) -> String {
        match self {
            Algorithm::Md5 => hex(&joined::<Md5>(parts)),
            Algorithm::Sha256 => hex(&joined::<Sha256>(parts)),
        }
    }
}

fn joined<D: Digest>(parts: &[&str]) -> impl AsRef<[u8]> + use<D> {
    let mut digest = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            digest.update(b":");
        }
        digest.update(part.as_bytes());
    }
    digest.finalize().to_vec()
}

pub(super) fn hex(bytes: &impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// H(user:realm:password) in lower-case hex: what is stored in place of a password.
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[user, realm, password])
}

/// What the digest of one request is made from, beside HA1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub nonce: &'a str,
    /// `nc` as written and `cnonce`; `None` where the challenge offered no qop (RFC 2069).
    pub counted: Option<(&'a str, &'a str)>,
    pub method: &'a str,
    pub uri: &'a str,
}

/// The `response` parameter.
pub(super) fn response(algorithm: Algorithm, ha1: &str, request: &Request<'_>) -> String {
    let ha2 = algorithm.hash(&[request.method, request.uri]);
    match request.counted {
        Some((nc, cnonce)) => algorithm.hash(&[ha1, request.nonce, nc, cnonce, "auth", &ha2]),
        None => algorithm.hash(&[ha1, request.nonce, &ha2]),
    }
}

/// What a client answers a challenge with.
#[derive(Debug, Clone, Copy)]
pub struct Respond<'a> {
    /// User name.
    pub user: &'a str,
    /// Password in clear.
    pub password: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Its Request-URI.
    pub uri: &'a str,
    /// Chance of ours.
    pub cnonce: &'a str,
    /// How often this nonce is used now, from 1.
    pub nc: u32,
}

/// The value of Authorization (or Proxy-Authorization) that answers `challenge`, the value of
/// WWW-Authenticate (or Proxy-Authenticate). Of several challenges answer the first that does not
/// give an error (RFC 8760 §2.4).
pub fn respond(challenge: &[u8], with: Respond<'_>) -> Result<String, CredentialsError> {
    let challenge = Challenge::parse(challenge)?;
    let algorithm = match &challenge.algorithm {
        None => Algorithm::Md5,
        Some(name) => Algorithm::from_name(name).ok_or(CredentialsError::Algorithm)?,
    };
    let ha1 = ha1(algorithm, with.user, &challenge.realm, with.password);
    let nc = format!("{:08x}", with.nc);
    let counted = match &challenge.qop {
        None => None,
        Some(offered)
            if offered
                .split(',')
                .any(|qop| qop.trim().eq_ignore_ascii_case("auth")) =>
        {
            Some((nc.as_str(), with.cnonce))
        }
        Some(_) => return Err(CredentialsError::Qop),
    };
    let request = Request {
        nonce: &challenge.nonce,
        counted,
        method: with.method,
        uri: with.uri,
    };
    let response = response(algorithm, &ha1, &request);
    let mut value = format!(
        "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={}",
        quote(with.user),
        quote(&challenge.realm),
        quote(&challenge.nonce),
        quote(with.uri),
        algorithm.as_str(),
    );
    if counted.is_some() {
        let _ = write!(value, ", qop=auth, nc={nc}, cnonce={}", quote(with.cnonce));
    }
    if let Some(opaque) = &challenge.opaque {
        let _ = write!(value, ", opaque={}", quote(opaque));
    }
    Ok(value)
}

/// A quoted-string (RFC 3261 §25.1).
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn rfc_7616(algorithm: Algorithm) -> String {
        let ha1 = ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
        let counted = Some(("00000001", CNONCE));
        response(
            algorithm,
            &ha1,
            &Request {
                nonce: NONCE,
                counted,
                method: "GET",
                uri: "/dir/index.html",
            },
        )
    }

    /// RFC 7616 §3.9.1.
    #[test]
    fn the_rfcs_vectors_hold() {
        assert_eq!(rfc_7616(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            rfc_7616(Algorithm::Sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    /// RFC 2617 §3.5, whose answer every phone of that age was built against.
    #[test]
    fn the_older_vector_holds() {
        let ha1 = ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
        let request = Request {
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            counted: Some(("00000001", "0a4f113b")),
            method: "GET",
            uri: "/dir/index.html",
        };
        assert_eq!(
            response(Algorithm::Md5, &ha1, &request),
            "6629fae49393a05397450978507c4ef1"
        );
    }

    #[test]
    fn a_challenge_without_qop_is_answered_the_old_way() {
        let with = Respond {
            user: "bob",
            password: "zanzibar",
            method: "INVITE",
            uri: "sip:a@b",
            cnonce: "x",
            nc: 1,
        };
        let value = respond(b"Digest realm=\"biloxi.com\", nonce=\"n\"", with).unwrap();
        assert!(!value.contains("qop") && !value.contains("cnonce"), "{value}");
        assert_eq!(
            respond(b"Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"", with),
            Err(CredentialsError::Qop)
        );
    }
}
