//! `http`: requests to web services.

use tandem_bindings::tandem::pbx::http as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{HeaderValue, HttpError, HttpHeader, HttpMethod, HttpRequest, HttpResponse, Op, Outcome};

impl wit::Host for Door {
    async fn send(&mut self, request: wit::Request) -> Result<Result<wit::Response, wit::HttpError>> {
        let request = from_wit(request);
        match self.ask(Op::HttpSend { request }).await? {
            Outcome::Http(result) => Ok(result.map(response_to_wit).map_err(error_to_wit)),
            other => misfit(&other),
        }
    }
}

fn from_wit(request: wit::Request) -> HttpRequest {
    HttpRequest {
        method: match request.method {
            wit::Method::Get => HttpMethod::Get,
            wit::Method::Head => HttpMethod::Head,
            wit::Method::Post => HttpMethod::Post,
            wit::Method::Put => HttpMethod::Put,
            wit::Method::Patch => HttpMethod::Patch,
            wit::Method::Delete => HttpMethod::Delete,
        },
        url: request.url,
        headers: request.headers.into_iter().map(header).collect(),
        body: request.body,
        timeout_ms: request.timeout_ms,
        retries: request.retries,
    }
}

fn header(header: wit::Header) -> HttpHeader {
    HttpHeader {
        name: header.name,
        value: match header.value {
            wit::HeaderValue::Text(text) => HeaderValue::Text(text),
            wit::HeaderValue::Secret(wit::SecretRef { name, prefix }) => HeaderValue::Secret { name, prefix },
        },
    }
}

fn response_to_wit(response: HttpResponse) -> wit::Response {
    wit::Response {
        status: response.status,
        headers: response.headers,
        body: response.body,
    }
}

fn error_to_wit(error: HttpError) -> wit::HttpError {
    match error {
        HttpError::NotAllowed(words) => wit::HttpError::NotAllowed(words),
        HttpError::PrivateAddress => wit::HttpError::PrivateAddress,
        HttpError::TimeOut => wit::HttpError::TimeOut,
        HttpError::TooLarge(words) => wit::HttpError::TooLarge(words),
        HttpError::Connect(words) => wit::HttpError::Connect(words),
        HttpError::Tls(words) => wit::HttpError::Tls(words),
        HttpError::BadArgument(words) => wit::HttpError::BadArgument(words),
        HttpError::Limit(words) => wit::HttpError::Limit(words),
    }
}
