//! What several interfaces share: addresses, causes, prompts.

use serde::{Deserialize, Serialize};

/// `types.address`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// User part, unescaped.
    pub user: String,
    /// Host part.
    pub host: String,
    /// Display name, may be empty.
    pub display_name: String,
}

/// `types.cause`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// BYE, or 480 before an answer.
    Normal,
    /// 486
    Busy,
    /// 603
    Declined,
    /// 404
    NotFound,
    /// 403
    Forbidden,
    /// 480
    Unavailable,
    /// 503
    Congested,
    /// 400 to 699
    Status(u16),
}

impl Cause {
    /// The SIP status that refuses an INVITE for this cause.
    pub fn status(self) -> u16 {
        match self {
            Self::Normal | Self::Unavailable => 480,
            Self::Busy => 486,
            Self::Declined => 603,
            Self::NotFound => 404,
            Self::Forbidden => 403,
            Self::Congested => 503,
            Self::Status(status) => status,
        }
    }
}

/// `types.call-progress-tone`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgressTone {
    /// Dial tone.
    Dial,
    /// The other side rings.
    Ringback,
    /// The other side is busy.
    Busy,
    /// No way there.
    Congestion,
    /// Three rising tones before an announcement.
    SpecialInformation,
}

/// `types.prompt`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are those of the WIT records, documented there"
)]
pub enum Prompt {
    /// A WAV file of the domain, by name.
    File(String),
    /// A national tone.
    Progress { tone: ProgressTone, duration_ms: u32 },
    /// One or two frequencies; `second_hz` 0 for one.
    Tone {
        first_hz: u16,
        second_hz: u16,
        duration_ms: u32,
    },
    /// Milliseconds of silence.
    Silence(u32),
    /// Text to speak in a language (empty: the domain's).
    Speech { text: String, language: String },
}
