//! Digest answers to a challenge, with MD5 (RFC 7616 §3.4).

use md5::{Digest, Md5};

/// The value of `Authorization` for a `WWW-Authenticate` challenge; `None` where it offers no MD5.
pub fn authorization(challenge: &str, method: &str, uri: &str, user: &str, password: &str) -> Option<String> {
    let value = |name: &str| {
        let rest = challenge
            .split([' ', ','])
            .find_map(|part| part.strip_prefix(name))?;
        Some(rest.strip_prefix('=')?.trim_matches('"'))
    };
    let (realm, nonce) = (value("realm")?, value("nonce")?);
    if value("algorithm").is_some_and(|algorithm| !algorithm.eq_ignore_ascii_case("MD5")) {
        return None;
    }
    let secret = hex(&format!("{user}:{realm}:{password}"));
    let request = hex(&format!("{method}:{uri}"));
    let common = format!("Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\"");
    // A nonce is used once here, so its count is always the first.
    let (count, cnonce) = ("00000001", "0a4f113b");
    let answer = if value("qop").is_some() {
        let response = hex(&format!("{secret}:{nonce}:{count}:{cnonce}:auth:{request}"));
        format!("{common}, response=\"{response}\", algorithm=MD5, qop=auth, nc={count}, cnonce=\"{cnonce}\"")
    } else {
        let response = hex(&format!("{secret}:{nonce}:{request}"));
        format!("{common}, response=\"{response}\", algorithm=MD5")
    };
    Some(match value("opaque") {
        Some(opaque) => format!("{answer}, opaque=\"{opaque}\""),
        None => answer,
    })
}

fn hex(text: &str) -> String {
    let digest: [u8; 16] = Md5::digest(text.as_bytes()).into();
    format!("{:032x}", u128::from_be_bytes(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2617 §3.5 has another cnonce; without `qop` its values give this response.
    #[test]
    fn response_without_qop_is_that_of_rfc_2069() {
        let challenge = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc\"";
        let answer = authorization(challenge, "GET", "/dir/index.html", "Mufasa", "Circle Of Life").unwrap();
        assert!(
            answer.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""),
            "{answer}"
        );
        assert!(answer.ends_with("opaque=\"5ccc\""), "{answer}");
    }

    #[test]
    fn only_md5_is_answered() {
        let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
        assert!(authorization(challenge, "INVITE", "sip:1@r", "u", "p").is_none());
        let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"";
        let answer = authorization(challenge, "INVITE", "sip:1@r", "u", "p").unwrap();
        assert!(answer.contains("qop=auth, nc=00000001"), "{answer}");
    }
}
