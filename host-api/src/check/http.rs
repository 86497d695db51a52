//! The ranges of `http`: what can be said without knowing what the domain allows.

use super::{at_most, within};
use crate::op::{HeaderValue, HttpHeader, HttpRequest};

const URL_BYTES_MAX: usize = 2_048;
const HEADERS_MAX: usize = 32;
const HEADER_NAME_BYTES_MAX: usize = 64;
const HEADER_VALUE_BYTES_MAX: usize = 4_096;
const PREFIX_BYTES_MAX: usize = 64;
const SECRET_NAME_BYTES_MAX: usize = 64;
const BODY_BYTES_MAX: usize = 128 << 10;
const TIMEOUT_MS_MAX: u32 = 60_000;
const RETRIES_MAX: u32 = 5;

/// What the host itself says (RFC 9110 §7.2, §7.6.1, §8.6, §10.1.1).
const OURS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
];

pub(super) fn check(request: &HttpRequest) -> Result<(), String> {
    at_most("the URL", request.url.len(), URL_BYTES_MAX, "bytes")?;
    let scheme = request.url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !(scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) {
        return Err("the URL does not begin with https:// or http://".to_owned());
    }
    at_most("the list", request.headers.len(), HEADERS_MAX, "headers")?;
    request.headers.iter().try_for_each(check_header)?;
    at_most("the body", request.body.len(), BODY_BYTES_MAX, "bytes")?;
    if request.method.is_safe() && !request.body.is_empty() {
        return Err(format!("{} has no body", request.method.as_str()));
    }
    within("timeout-ms", request.timeout_ms, 1, TIMEOUT_MS_MAX)?;
    within("retries", request.retries, 0, RETRIES_MAX)
}

fn check_header(header: &HttpHeader) -> Result<(), String> {
    let name = header.name.as_str();
    at_most("a header's name", name.len(), HEADER_NAME_BYTES_MAX, "bytes")?;
    // A token of RFC 9110 §5.6.2.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("{name:?} is no header's name"));
    }
    let is_ours = OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    if is_ours
        || name
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case("proxy-"))
    {
        return Err(format!("the host sets the header {name} itself"));
    }
    match &header.value {
        HeaderValue::Text(text) => {
            at_most("a header's value", text.len(), HEADER_VALUE_BYTES_MAX, "bytes")?;
            printable(name, text)
        }
        HeaderValue::Secret { name: secret, prefix } => {
            at_most("a secret's name", secret.len(), SECRET_NAME_BYTES_MAX, "bytes")?;
            at_most("a secret's prefix", prefix.len(), PREFIX_BYTES_MAX, "bytes")?;
            printable(name, prefix)
        }
    }
}

/// A line break here would end a header and begin another.
fn printable(name: &str, text: &str) -> Result<(), String> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        Ok(())
    } else {
        Err(format!("the header {name} has what is not printable ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::HttpMethod;

    fn request() -> HttpRequest {
        HttpRequest {
            method: HttpMethod::Post,
            url: "https://a.example/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 1_000,
            retries: 0,
        }
    }

    fn with(name: &str, text: &str) -> HttpRequest {
        let header = HttpHeader {
            name: name.to_owned(),
            value: HeaderValue::Text(text.to_owned()),
        };
        HttpRequest {
            headers: vec![header],
            ..request()
        }
    }

    #[test]
    fn what_is_outside_the_ranges_is_said_in_words() {
        assert_eq!(check(&request()), Ok(()));
        assert_eq!(check(&with("X-Call", "7")), Ok(()));
        let (url, post) = (|url: &str| url.to_owned(), request);
        let body = vec![0; BODY_BYTES_MAX + 1];
        for (request, words) in [
            (
                HttpRequest {
                    url: url("ftp://a"),
                    ..post()
                },
                "https://",
            ),
            (
                HttpRequest {
                    url: url("a.example"),
                    ..post()
                },
                "https://",
            ),
            (
                HttpRequest {
                    timeout_ms: 0,
                    ..post()
                },
                "timeout-ms is 0",
            ),
            (
                HttpRequest {
                    timeout_ms: 60_001,
                    ..post()
                },
                "timeout-ms is 60001",
            ),
            (HttpRequest { retries: 6, ..post() }, "retries is 6"),
            (HttpRequest { body, ..post() }, "131073 bytes"),
            (with("Host", "b"), "itself"),
            (with("proxy-authorization", "b"), "itself"),
            (with("X Y", "b"), "no header's name"),
            (with("", "b"), "no header's name"),
            (with("X", "a\r\nY: b"), "not printable"),
        ] {
            let found = check(&request);
            assert!(
                found.as_ref().is_err_and(|e| e.contains(words)),
                "{words}: {found:?}"
            );
        }
        let get = HttpRequest {
            method: HttpMethod::Get,
            body: b"x".to_vec(),
            ..request()
        };
        assert_eq!(check(&get), Err("GET has no body".to_owned()));
    }
}
