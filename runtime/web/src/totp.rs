//! Time-based one-time passwords (RFC 6238): six digits of HMAC-SHA-1, which every authenticator app has, each for 30 s.

use aws_lc_rs::hmac;

/// Seconds of a code.
const STEP_S: u64 = 30;
/// Codes before and after the one of now that are taken: clocks differ, and people type slowly.
const AROUND: u64 = 1;
/// Bytes of a secret: RFC 4226 §4 wants as many as the hash has.
pub(crate) const SECRET_BYTES: usize = 20;

/// The time step whose code this is, near `unix_s`; none: it is nobody's now.
pub(crate) fn step_of(secret: &[u8], code: &str, unix_s: u64) -> Option<u64> {
    let code = code.trim();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let code: u32 = code.parse().ok()?;
    let now = unix_s / STEP_S;
    // All of them, so that the time tells nothing.
    (now.saturating_sub(AROUND)..=now + AROUND).fold(None, |found, step| {
        if code_of(secret, step) == code {
            Some(step)
        } else {
            found
        }
    })
}

/// RFC 4226 §5.3.
fn code_of(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let four = tag.get(offset..offset + 4).and_then(|four| four.try_into().ok());
    (u32::from_be_bytes(four.unwrap_or_default()) & 0x7fff_ffff) % 1_000_000
}

/// RFC 4648 §6, without padding: what apps and people take a secret in.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(LETTERS, held >> bits));
        }
    }
    if bits > 0 {
        text.push(letter(LETTERS, held << (5 - bits)));
    }
    text
}

fn letter(letters: &[u8; 32], of: u32) -> char {
    letters
        .get((of & 31) as usize)
        .map_or('A', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, of which an app shows the last six digits.
    #[test]
    fn the_codes_of_the_rfc_come_out_and_no_other_is_taken() {
        let secret = b"12345678901234567890";
        for (unix_s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(secret, code, unix_s), Some(unix_s / STEP_S), "{code}");
            assert_eq!(
                step_of(secret, code, unix_s + STEP_S),
                Some(unix_s / STEP_S),
                "{code}"
            );
            assert_eq!(step_of(secret, code, unix_s + 3 * STEP_S), None, "{code}");
        }
        for code in ["", "28708", "2870822", "28708x", "-28708", "２８７０８２"] {
            assert_eq!(step_of(secret, code, 59), None, "{code}");
        }
    }

    /// RFC 4648 §10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
