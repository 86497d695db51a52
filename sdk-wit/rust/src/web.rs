//! What comes over HTTP to a web scenario, and what it answers.

pub use crate::bindings::web::exports::tandem::pbx::web_handler::{Header, WebRequest, WebResponse};

impl WebRequest {
    /// The first value of a header; the name compares without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }

    /// The body as text; none: it is no UTF-8.
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.body).ok()
    }
}

impl WebResponse {
    /// Plain text.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text.into())
    }

    /// Text that is JSON.
    pub fn json(status: u16, json: impl Into<String>) -> Self {
        Self::of(status, "application/json", json.into())
    }

    /// A page.
    pub fn html(status: u16, html: impl Into<String>) -> Self {
        Self::of(status, "text/html; charset=utf-8", html.into())
    }

    /// Nothing but a status, such as 204.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn of(status: u16, kind: &str, body: String) -> Self {
        Self::empty(status).with_header("content-type", kind).with_body(body.into_bytes())
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// Another body.
    #[must_use]
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}
