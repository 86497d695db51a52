//! The ranges of `mail`.

use super::{at_most, check_recording_name};
use crate::op::Mail;

const RECIPIENTS_MAX: usize = 16;
/// RFC 5321 §4.5.3.1.3, without the angle brackets.
const ADDRESS_BYTES_MAX: usize = 254;
const SUBJECT_BYTES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 64 << 10;
const HTML_BYTES_MAX: usize = 128 << 10;
const ATTACHMENTS_MAX: usize = 4;

pub(super) fn check(mail: &Mail) -> Result<(), String> {
    if mail.to.is_empty() {
        return Err("to is empty".to_owned());
    }
    at_most("to", mail.to.len(), RECIPIENTS_MAX, "addresses")?;
    mail.to.iter().try_for_each(|address| check_address(address))?;
    at_most("subject", mail.subject.len(), SUBJECT_BYTES_MAX, "bytes")?;
    // A line break here would end the header and begin another.
    if mail.subject.chars().any(char::is_control) {
        return Err("subject has a line break or another control character".to_owned());
    }
    at_most("text", mail.text.len(), TEXT_BYTES_MAX, "bytes")?;
    if let Some(html) = &mail.html {
        at_most("html", html.len(), HTML_BYTES_MAX, "bytes")?;
    }
    at_most(
        "attachments",
        mail.attachments.len(),
        ATTACHMENTS_MAX,
        "recordings",
    )?;
    mail.attachments
        .iter()
        .try_for_each(|name| check_recording_name(name).map_err(|why| format!("attachments: {why}")))
}

/// A mailbox's local part and domain (RFC 5321 §4.1.2) without quotes: what would end an address and begin something else
/// is not in it.
fn check_address(address: &str) -> Result<(), String> {
    at_most("to: an address", address.len(), ADDRESS_BYTES_MAX, "bytes")?;
    let letters = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"@".contains(&byte))
    };
    match address.split_once('@') {
        Some((local, domain)) if letters(local) && letters(domain) => Ok(()),
        Some(_) | None => Err(format!("to: {address:?} is no address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            to: vec!["ann@example.com".to_owned()],
            subject: "Ä message".to_owned(),
            text: "one\r\ntwo".to_owned(),
            ..Mail::default()
        }
    }

    #[test]
    fn what_is_outside_the_ranges_is_said_with_its_field() {
        assert_eq!(check(&mail()), Ok(()));
        let to = |address: &str| Mail {
            to: vec![address.to_owned()],
            ..mail()
        };
        let long = "a".repeat(250) + "@example.com";
        let attached = |name: &str| Mail {
            attachments: vec![name.to_owned()],
            ..mail()
        };
        for (mail, words) in [
            (
                Mail {
                    to: Vec::new(),
                    ..mail()
                },
                "to is empty",
            ),
            (
                Mail {
                    to: vec!["a@b".to_owned(); 17],
                    ..mail()
                },
                "to has 17 addresses",
            ),
            (to("ann"), "no address"),
            (to("@example.com"), "no address"),
            (to("ann@"), "no address"),
            (to("ann@a@b"), "no address"),
            (to("ann@example.com\r\nBcc: eve@example.com"), "no address"),
            (to("ann@example.com, eve@example.com"), "no address"),
            (to("Ann <ann@example.com>"), "no address"),
            (to(&long), "262 bytes"),
            (
                Mail {
                    subject: "hello\r\nBcc: eve@example.com".to_owned(),
                    ..mail()
                },
                "subject has a line break",
            ),
            (
                Mail {
                    subject: "a".repeat(257),
                    ..mail()
                },
                "subject has 257 bytes",
            ),
            (
                Mail {
                    text: "a".repeat(TEXT_BYTES_MAX + 1),
                    ..mail()
                },
                "text has 65537 bytes",
            ),
            (
                Mail {
                    html: Some("a".repeat(HTML_BYTES_MAX + 1)),
                    ..mail()
                },
                "html has 131073 bytes",
            ),
            (attached("../secrets.key"), "attachments: "),
            (
                Mail {
                    attachments: vec!["recording-1-0".to_owned(); 5],
                    ..mail()
                },
                "attachments has 5 recordings",
            ),
        ] {
            let found = check(&mail);
            assert!(
                found.as_ref().is_err_and(|e| e.contains(words)),
                "{words}: {found:?}"
            );
        }
    }
}
