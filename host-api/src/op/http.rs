//! Requests to web services.

use serde::{Deserialize, Serialize};

/// `http.method`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Reads without the body.
    Head,
    /// Lets the service do something.
    Post,
    /// Writes a whole.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl HttpMethod {
    /// As a request line has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes nothing (RFC 9110 §9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    /// Whether doing it twice is as doing it once (RFC 9110 §9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// `http.header-value`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are those of the WIT record, documented there"
)]
pub enum HeaderValue {
    /// As it is.
    Text(String),
    /// A secret of the domain, behind a prefix.
    Secret { name: String, prefix: String },
}

/// `http.header`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeader {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

/// `http.request`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// What is to be done.
    pub method: HttpMethod,
    /// Where, as an absolute URL.
    pub url: String,
    /// Headers of the scenario.
    pub headers: Vec<HttpHeader>,
    /// The body; empty: none.
    pub body: Vec<u8>,
    /// For all of it.
    pub timeout_ms: u32,
    /// Further tries at most.
    pub retries: u32,
}

/// `http.response`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Decoded.
    pub body: Vec<u8>,
}

/// `http.http-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpError {
    /// The administrator did not allow it.
    NotAllowed(String),
    /// The host is where only this machine or network reaches.
    PrivateAddress,
    /// The time ran out.
    TimeOut,
    /// The response is too long.
    TooLarge(String),
    /// No connection, or it broke.
    Connect(String),
    /// No trust in the other side.
    Tls(String),
    /// Outside its range.
    BadArgument(String),
    /// A limit of the domain.
    Limit(String),
}
