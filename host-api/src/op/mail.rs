//! E-mail.

use serde::{Deserialize, Serialize};

/// `mail.message`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Whom it goes to.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// Names of recordings.
    pub attachments: Vec<String>,
}

/// `mail.mail-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailError {
    /// No such recording: its name.
    NotFound(String),
    /// The mail server did not take it.
    Refused(String),
    /// No mail server, or none that answers now.
    Unavailable(String),
    /// Outside its range.
    BadArgument(String),
    /// A limit of the domain or of bytes.
    Limit(String),
}
