//! The console's files, which are in the binary: `admin-ui/dist`, as `make build` leaves it.
//!
//! A path that no file has is a page of the console, which finds its way in the browser: it gets `index.html`. The page
//! may run our scripts and nothing else (Content-Security-Policy); the one nonce is for styles that scripts add.
//! `/api/docs` is a page of its own: the HTTP API, to read and to try out.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashMap;

/// What stands in `index.html` where the nonce belongs.
const NONCE: &str = "__CSP_NONCE__";
/// Files that a browser may keep for ever: their names change with what is in them.
const HASHED: &str = "assets/";
/// The console's page.
const CONSOLE: &str = "index.html";
/// The page of the HTTP API, and where it is.
const REFERENCE: &str = "reference.html";
const REFERENCE_PATH: &str = "api/docs";

#[derive(rust_embed::Embed)]
#[folder = "../../admin-ui/dist"]
#[allow_missing = true]
struct Files;

/// A file of the console, or its first page.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, "this path is only to be read\n").into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if path.trim_end_matches('/') == REFERENCE_PATH {
        return page(REFERENCE);
    }
    match Files::get(path) {
        // Pages come with their policy only.
        Some(file) if path != CONSOLE && path != REFERENCE => asset(path, &file, &headers),
        // A name with an ending is a file, which is not there.
        _ if path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains('.') && path.starts_with(HASHED)) =>
        {
            (StatusCode::NOT_FOUND, "there is no such file\n").into_response()
        }
        _ => page(CONSOLE),
    }
}

fn page(name: &str) -> Response {
    let Some(file) = Files::get(name) else {
        let words = "the console is not in this binary: `make build` puts it there\n";
        return (StatusCode::NOT_FOUND, words).into_response();
    };
    let Some(nonce) = nonce() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "no random numbers\n").into_response();
    };
    let text = String::from_utf8_lossy(&file.data).replace(NONCE, &nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         media-src 'self' blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    (headers, text).into_response()
}

/// 128 bits in hexadecimal.
fn nonce() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn asset(path: &str, file: &rust_embed::EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let tag = hash
        .iter()
        .take(12)
        .fold(String::new(), |tag, byte| tag + &format!("{byte:02x}"));
    let tag = format!("\"{tag}\"");
    let keep = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = if has(headers, header::IF_NONE_MATCH, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if has(headers, header::ACCEPT_ENCODING, "gzip") {
        ([(header::CONTENT_ENCODING, "gzip")], packed(path, &file.data)).into_response()
    } else {
        file.data.clone().into_response()
    };
    let fields = [
        (header::CONTENT_TYPE, file.metadata.mimetype()),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::VARY, "accept-encoding"),
        (header::ETAG, &tag),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn has(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        value
            .split(',')
            .any(|one| one.split(';').next().unwrap_or_default().trim() == word)
    })
}

/// The file with gzip, which is made once: all of them at the first request, in some tens of milliseconds.
fn packed(path: &str, data: &[u8]) -> Vec<u8> {
    static PACKED: OnceLock<HashMap<String, Vec<u8>>> = OnceLock::new();
    let packed = PACKED.get_or_init(|| {
        let each = |name: Cow<'static, str>| Some((name.to_string(), gzip(&Files::get(&name)?.data)));
        Files::iter().filter_map(each).collect()
    });
    packed.get(path).cloned().unwrap_or_else(|| gzip(data))
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Into memory: neither fails.
    let _ = encoder.write_all(data);
    encoder.finish().unwrap_or_default()
}
