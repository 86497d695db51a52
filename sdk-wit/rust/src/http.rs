//! Requests to web services, as far as the administrator allows: a domain reaches the hosts on its list and no others.
//!
//! ```no_run
//! # fn order(number: &str) -> Result<Option<String>, tandem_sdk::http::HttpError> {
//! use tandem_sdk::http::Request;
//!
//! let answer = Request::get(&format!("https://crm.example.com/callers/{number}"))
//!     .bearer("crm-token")
//!     .timeout_ms(3_000)
//!     .send()?;
//! # Ok(answer.text().map(str::to_owned)) }
//! ```
//!
//! With the feature `json`: [`get_json`], [`post_json`], [`Request::json`], [`Response::json`].

use crate::bindings::tandem::pbx::http as raw;
pub use crate::bindings::tandem::pbx::http::{HttpError, Method};

/// How long a request may take, if nothing else is said: 5 s. Callers wait.
pub const TIMEOUT_MS: u32 = 5_000;

/// A request, built step by step and sent by [`Request::send`].
#[derive(Debug, Clone)]
pub struct Request(raw::Request);

impl Request {
    /// A request of any method to an absolute URL of https or http.
    #[must_use]
    pub fn new(method: Method, url: &str) -> Self {
        Self(raw::Request {
            method,
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: TIMEOUT_MS,
            retries: 0,
        })
    }

    /// Reads.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self::new(Method::Get, url)
    }

    /// Lets the service do something with a body of this media type.
    #[must_use]
    pub fn post(url: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Method::Post, url).body(content_type, body)
    }

    /// Adds a header: at most 32, each of printable ASCII.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push(raw::Header {
            name: name.to_owned(),
            value: raw::HeaderValue::Text(value.to_owned()),
        });
        self
    }

    /// Adds a header whose value is a secret of the domain, behind a prefix. The scenario never sees it.
    #[must_use]
    pub fn secret_header(mut self, name: &str, prefix: &str, secret: &str) -> Self {
        self.0.headers.push(raw::Header {
            name: name.to_owned(),
            value: raw::HeaderValue::Secret(raw::SecretRef {
                name: secret.to_owned(),
                prefix: prefix.to_owned(),
            }),
        });
        self
    }

    /// Shows a secret of the domain as a bearer token: `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, secret: &str) -> Self {
        self.secret_header("Authorization", "Bearer ", secret)
    }

    /// Sets the body, at most 128 KiB, and says what it is.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self.header("Content-Type", content_type)
    }

    /// Sets the time for all of it, with redirects and repetitions: 1 to 60,000 ms.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.0.timeout_ms = timeout_ms;
        self
    }

    /// Lets it be made again up to 5 times where that does no harm.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.0.retries = retries;
        self
    }

    /// Sends it and ends with the response, whatever its status. A request that changes something carries the header
    /// `Idempotency-Key`, the same for every repetition.
    pub fn send(self) -> Result<Response, HttpError> {
        raw::send(&self.0).map(Response)
    }

    /// Sets the body to JSON.
    #[cfg(feature = "json")]
    pub fn json(self, value: &impl serde::Serialize) -> Result<Self, JsonError> {
        Ok(self.body("application/json", serde_json::to_vec(value)?))
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response(raw::Response);

impl Response {
    /// The final status, 200 to 599.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.0.status)
    }

    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.0.headers.iter();
        headers
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body, at most 256 KiB.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The body as text, where it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0.body).ok()
    }

    /// The body as JSON; a status that is no success is an error.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, JsonError> {
        if !self.is_success() {
            return Err(JsonError::Status(self.status()));
        }
        Ok(serde_json::from_slice(&self.0.body)?)
    }
}

/// Why there is no JSON.
#[cfg(feature = "json")]
#[derive(Debug)]
pub enum JsonError {
    /// There is no response.
    Http(HttpError),
    /// The service refused: with this status.
    Status(u16),
    /// It is not JSON, or not of this shape.
    Json(serde_json::Error),
}

#[cfg(feature = "json")]
impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Status(status) => write!(f, "the service refuses: {status}"),
            Self::Json(error) => error.fmt(f),
        }
    }
}

#[cfg(feature = "json")]
impl std::error::Error for JsonError {}

#[cfg(feature = "json")]
impl From<HttpError> for JsonError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

#[cfg(feature = "json")]
impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

#[cfg(feature = "json")]
impl From<JsonError> for String {
    fn from(error: JsonError) -> Self {
        error.to_string()
    }
}

/// Reads JSON; `bearer` is the secret that is shown as a token, if one is.
#[cfg(feature = "json")]
pub fn get_json<T: serde::de::DeserializeOwned>(url: &str, bearer: Option<&str>) -> Result<T, JsonError> {
    with_bearer(Request::get(url), bearer).send()?.json()
}

/// Posts JSON and reads what comes back; `bearer` as in [`get_json`].
#[cfg(feature = "json")]
pub fn post_json<T: serde::de::DeserializeOwned>(
    url: &str,
    value: &impl serde::Serialize,
    bearer: Option<&str>,
) -> Result<T, JsonError> {
    let request = Request::new(Method::Post, url).json(value)?;
    with_bearer(request, bearer).send()?.json()
}

#[cfg(feature = "json")]
fn with_bearer(request: Request, bearer: Option<&str>) -> Request {
    let request = request.header("Accept", "application/json");
    match bearer {
        Some(secret) => request.bearer(secret),
        None => request,
    }
}

/// For `?` in a scenario: the text of its error.
impl From<HttpError> for String {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotAllowed(why) => format!("http: not allowed: {why}"),
            HttpError::PrivateAddress => "http: private address".into(),
            HttpError::TimeOut => "http: time-out".into(),
            HttpError::TooLarge(why) => format!("http: too large: {why}"),
            HttpError::Connect(why) => format!("http: connect: {why}"),
            HttpError::Tls(why) => format!("http: tls: {why}"),
            HttpError::BadArgument(why) => format!("http: bad argument: {why}"),
            HttpError::Limit(why) => format!("http: limit: {why}"),
        }
    }
}
