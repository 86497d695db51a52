//! SIP messages for people to read, without what would let a reader sign in or listen.

use std::fmt;

/// A message's bytes as text: credentials (Authorization and Proxy-Authorization, RFC 3261 §20.7) and the keys of media
/// (RFC 4568, RFC 4567, `k=` of RFC 8866 §5.12) are left out. Bytes that are no UTF-8 are replaced.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.0);
        let (mut in_head, mut hidden) = (true, false);
        for line in text.split_inclusive('\n') {
            if !in_head {
                match key_of(line) {
                    Some(name) => write!(f, "{name}(left out)\r\n")?,
                    None => f.write_str(line)?,
                }
                continue;
            }
            in_head = !matches!(line, "\r\n" | "\n");
            let name = line.split(':').next().unwrap_or_default().trim_end();
            let credentials = ["authorization", "proxy-authorization"]
                .iter()
                .any(|secret| name.eq_ignore_ascii_case(secret));
            // A folded line goes on with the header before it (RFC 3261 §7.3.1).
            hidden = credentials || hidden && line.starts_with([' ', '\t']);
            if credentials {
                write!(f, "{name}: (left out)\r\n")?;
            } else if !hidden {
                f.write_str(line)?;
            }
        }
        Ok(())
    }
}

/// The beginning of a body's line that holds a key.
fn key_of(line: &str) -> Option<&'static str> {
    ["a=crypto:", "a=key-mgmt:", "k="].into_iter().find(|name| {
        line.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out_with_their_folded_lines() {
        let message = b"REGISTER sip:a SIP/2.0\r\nauthorization : Digest username=\"301\",\r\n response=\"17\"\r\nCSeq: 1 REGISTER\r\n\r\n";
        let shown = Shown(message).to_string();
        assert_eq!(
            shown,
            "REGISTER sip:a SIP/2.0\r\nauthorization: (left out)\r\nCSeq: 1 REGISTER\r\n\r\n"
        );
    }

    #[test]
    fn keys_of_media_are_left_out_of_the_body_alone() {
        let message = b"INVITE sip:a SIP/2.0\r\nk: path\r\n\r\nv=0\r\nk=clear:x\r\nA=Crypto:1 AES inline:x|\r\na=key-mgmt:mikey x\r\na=sendrecv\r\n";
        assert_eq!(
            Shown(message).to_string(),
            "INVITE sip:a SIP/2.0\r\nk: path\r\n\r\nv=0\r\nk=(left out)\r\na=crypto:(left out)\r\na=key-mgmt:(left out)\r\na=sendrecv\r\n"
        );
    }
}
