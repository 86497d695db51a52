//! SIP messages in the log, without what would let a reader sign in.

use std::fmt;

/// A message for the log: the credentials in Authorization and Proxy-Authorization are left out.
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.0);
        let mut hidden = false;
        for line in text.split_inclusive('\n') {
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
}
