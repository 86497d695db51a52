//! What can be wrong with bytes, with one header, or with a whole request.

use std::borrow::Cow;

use super::Name;

/// Bytes that are no SIP message: nothing to answer, so the driver drops and counts them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Only line ends, or nothing.
    #[error("no message in {len} bytes")]
    Empty {
        /// Length of what came, in bytes.
        len: usize,
    },
    /// Longer than [`super::MESSAGE_MAX`].
    #[error("message of {len} bytes is longer than {max}")]
    TooLong {
        /// Length of what came, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The first line is neither a Request-Line nor a Status-Line (RFC 3261 §7.1, §7.2).
    #[error("start line: {why}")]
    StartLine {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A CR or LF alone above the body: peers disagree on what it ends (RFC 3261 §7).
    #[error("CR or LF alone at byte {at}")]
    BareLineEnd {
        /// Offset from the start of the input.
        at: usize,
    },
    /// More than [`super::HEADERS_MAX`] header lines.
    #[error("too many headers: more than {max}")]
    TooManyHeaders {
        /// The limit.
        max: usize,
    },
    /// A header name of more than 255 bytes, or 64 KiB of space before its value.
    #[error("header name too long at byte {at}")]
    HeaderNameTooLong {
        /// Offset of the header line.
        at: usize,
    },
    /// The builder was given text that would end its line, or a name that is no token.
    #[error("refused to write {what}: it would break the message")]
    Injection {
        /// Which part was to be written.
        what: Cow<'static, str>,
    },
    /// A header needed to build or edit a message is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// A header that was asked for is missing or unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The message has no such header.
    #[error("no {} header", .0.as_str())]
    Missing(Name),
    /// Its value does not follow the grammar (RFC 3261 §25.1).
    #[error("{} header: {why}", .name.as_str())]
    Malformed {
        /// Which header; [`Name::Other`] stands for the Request-URI or a free value.
        name: Name,
        /// The rule it breaks.
        why: &'static str,
    },
}

impl HeaderError {
    /// The header in question.
    pub fn name(&self) -> Name {
        match self {
            Self::Missing(name) | Self::Malformed { name, .. } => *name,
        }
    }
}

/// Why a request is refused before any transaction user sees it: becomes the answer's status line.
///
/// For a response the status means nothing; it is to be dropped (RFC 3261 §8.1.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}")]
pub struct Reject {
    /// 400, 416, 505 …
    pub status: u16,
    /// Reason phrase: names what is wrong (RFC 3261 §21.4.1).
    pub reason: Cow<'static, str>,
}

impl Reject {
    /// A refusal with this status and reason phrase.
    pub fn new(status: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }
}

impl From<HeaderError> for Reject {
    fn from(error: HeaderError) -> Self {
        let reason = match error {
            HeaderError::Missing(name) => format!("Missing {} Header", name.as_str()),
            HeaderError::Malformed { name, why } => format!("Bad {} Header: {why}", name.as_str()),
        };
        Self::new(400, reason)
    }
}
