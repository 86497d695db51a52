//! `/s/DOMAIN/PATH`: what a domain's web scenarios answer.
//!
//! A scenario's page shares its host name with the API, so a browser is told to treat it as of an origin of its own
//! (CSP `sandbox`), and no cookie passes in either direction.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use tandem_host_api::{WEB_RESPONSE_MAX, WebRequest, WebResponse};

use crate::api::Peer;

/// Longest body of a request, in bytes.
const REQUEST_MAX: usize = 1 << 20;
/// Headers of either.
const HEADERS_MAX: usize = 100;
/// Bytes of their names and values.
const HEADER_BYTES_MAX: usize = 32 << 10;
/// Forms and scripts work, on an origin of their own.
const SANDBOX: &str = "sandbox allow-forms allow-scripts allow-popups";

/// Why a request has no answer of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No domain of this name, or no scenario for this path: which of both is not told.
    NotFound,
    /// The scenario failed; its log says how.
    Failed,
    /// It took too long.
    TimedOut,
    /// The store does not answer.
    Unavailable,
}

/// Runs web scenarios.
pub trait Serve: Send + Sync + 'static {
    /// Answers a request of the domain.
    fn serve(
        &self,
        domain: String,
        request: WebRequest,
    ) -> Pin<Box<dyn Future<Output = Result<WebResponse, Refusal>> + Send + '_>>;
}

pub(crate) fn router(serve: Arc<dyn Serve>) -> Router {
    Router::new()
        .route("/{domain}", any(handle))
        .route("/{domain}/", any(handle))
        .route("/{domain}/{*path}", any(handle))
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .with_state(serve)
}

async fn handle(
    State(serve): State<Arc<dyn Serve>>,
    Extension(Peer(peer)): Extension<Peer>,
    Path(named): Path<Vec<(String, String)>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let mut named = named.into_iter().map(|(_, value)| value);
    let domain = named.next().unwrap_or_default();
    let path = format!("/{}", named.next().unwrap_or_default());
    let body = match body {
        Ok(body) => body,
        Err(refused) => return unreadable(&refused),
    };
    let headers = shown(&headers);
    if headers.len() > HEADERS_MAX || weight(&headers) > HEADER_BYTES_MAX {
        return told(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "more than 100 headers or 32 KiB of them\n",
        );
    }
    let request = WebRequest {
        method: method.as_str().to_ascii_uppercase(),
        path,
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.to_vec(),
        peer: peer.to_string(),
    };
    match serve.serve(domain, request).await {
        Ok(answer) => response_of(answer),
        Err(Refusal::NotFound) => told(StatusCode::NOT_FOUND, "there is nothing here\n"),
        Err(Refusal::Failed) => told(StatusCode::INTERNAL_SERVER_ERROR, "the scenario failed\n"),
        Err(Refusal::TimedOut) => told(StatusCode::GATEWAY_TIMEOUT, "the scenario took too long\n"),
        Err(Refusal::Unavailable) => told(StatusCode::SERVICE_UNAVAILABLE, "try again later\n"),
    }
}

fn unreadable(refused: &BytesRejection) -> Response {
    if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return told(refused.status(), "the body has more than 1 MiB\n");
    }
    told(refused.status(), "the body could not be read\n")
}

fn told(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// The headers that a scenario sees.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let seen = headers.iter().filter(|(name, _)| *name != header::COOKIE);
    seen.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    })
    .collect()
}

fn weight(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// What a scenario answered, as far as it may.
fn response_of(answer: WebResponse) -> Response {
    let status = StatusCode::from_u16(answer.status)
        .ok()
        .filter(|_| (200..=599).contains(&answer.status));
    let Some(status) = status else {
        return told(
            StatusCode::BAD_GATEWAY,
            "the scenario answered with no HTTP status\n",
        );
    };
    if answer.body.len() > WEB_RESPONSE_MAX || answer.headers.len() > HEADERS_MAX {
        return told(StatusCode::BAD_GATEWAY, "the scenario answered with too much\n");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) else {
            return told(
                StatusCode::BAD_GATEWAY,
                "the scenario answered with a header that is none\n",
            );
        };
        if !withheld(&name) {
            headers.append(name, value);
        }
    }
    headers.append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    (status, headers, answer.body).into_response()
}

/// What is the server's alone, or concerns one connection (RFC 9110 §7.6.1).
fn withheld(name: &HeaderName) -> bool {
    [
        header::SET_COOKIE,
        header::CONTENT_LENGTH,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
        header::PROXY_AUTHENTICATE,
        header::STRICT_TRANSPORT_SECURITY,
    ]
    .contains(name)
        || name.as_str() == "keep-alive"
}
