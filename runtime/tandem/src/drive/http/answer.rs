//! What comes back, within its bounds: as it arrives, and again when it is decoded.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use reqwest::Response;
use tandem_host_api::op::{HttpError, HttpResponse};

use super::fault;

/// Longest body, before and after it is decoded.
const BODY_MAX: usize = 256 << 10;
/// Most bytes of names and values of headers.
const HEADERS_MAX: usize = 16 << 10;

/// Reads a response to its end.
pub(super) async fn read(mut response: Response) -> Result<HttpResponse, HttpError> {
    let status = response.status().as_u16();
    let mut headers = Vec::with_capacity(response.headers().len());
    let mut bytes = 0;
    for (name, value) in response.headers() {
        bytes += name.as_str().len() + value.len();
        if bytes > HEADERS_MAX {
            return Err(HttpError::TooLarge(format!(
                "the headers have more than {HEADERS_MAX} bytes"
            )));
        }
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.push((name.as_str().to_owned(), value));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let zipped = header(&headers, "content-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip"));
    if zipped && !body.is_empty() {
        body = unzip(&body)?;
        // Both spoke of what is not there any more.
        headers.retain(|(name, _)| name != "content-encoding" && name != "content-length");
    }
    Ok(HttpResponse {
        status,
        headers,
        body,
    })
}

fn too_large() -> HttpError {
    HttpError::TooLarge(format!("the body has more than {BODY_MAX} bytes"))
}

/// A few bytes can stand for any number: no more than the bound is ever made of them.
fn unzip(bytes: &[u8]) -> Result<Vec<u8>, HttpError> {
    let mut whole = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(BODY_MAX as u64 + 1)
        .read_to_end(&mut whole)
        .map_err(|error| HttpError::Connect(format!("the body is not gzip: {error}")))?;
    if whole.len() > BODY_MAX {
        return Err(too_large());
    }
    Ok(whole)
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(own, _)| own == name)?;
    Some(found.1.as_str())
}

/// How long a service wants to be left alone (RFC 9110 §10.2.3), where it says so in seconds.
pub(super) fn retry_after(response: &HttpResponse) -> Duration {
    header(&response.headers, "retry-after")
        .and_then(|text| text.trim().parse().ok())
        .map_or(Duration::ZERO, |seconds: u32| Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn zip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_not_blown_up() {
        assert_eq!(unzip(&zip(b"hello")).unwrap(), b"hello");
        let bomb = zip(&vec![0; 64 << 20]);
        assert!(bomb.len() < BODY_MAX);
        assert!(matches!(unzip(&bomb), Err(HttpError::TooLarge(_))));
        assert!(matches!(unzip(b"\x1f\x8b nonsense"), Err(HttpError::Connect(_))));
    }
}
