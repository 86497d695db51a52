//! Voicemail boxes.

use serde::{Deserialize, Serialize};

use super::Address;

/// One request to a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the WIT function's parameters, documented there"
)]
pub enum VoicemailOp {
    /// `voicemail.store`
    Store {
        recording: String,
        caller: Address,
        duration_ms: u64,
    },
    /// `voicemail.list`
    List {
        state: Option<VoicemailState>,
        offset: u32,
        limit: u32,
    },
    /// `voicemail.mark`
    Mark { id: u64, state: VoicemailState },
    /// `voicemail.delete`
    Delete { id: u64 },
    /// `voicemail.count`
    Count,
}

impl VoicemailOp {
    /// The WIT function's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Store { .. } => "voicemail.store",
            Self::List { .. } => "voicemail.list",
            Self::Mark { .. } => "voicemail.mark",
            Self::Delete { .. } => "voicemail.delete",
            Self::Count => "voicemail.count",
        }
    }
}

/// `voicemail.state`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoicemailState {
    /// Nobody has listened to it.
    New,
    /// Somebody has.
    Heard,
    /// Kept until it is deleted.
    Saved,
}

/// `voicemail.message`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailMessage {
    /// Its number in the domain.
    pub id: u64,
    /// The name of its recording.
    pub recording: String,
    /// Who left it.
    pub caller: Address,
    /// When, since the epoch.
    pub stored_ms: u64,
    /// Its length.
    pub duration_ms: u64,
    /// What became of it.
    pub state: VoicemailState,
}

/// `voicemail.counts`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailCounts {
    /// New messages.
    pub new: u32,
    /// Heard ones.
    pub heard: u32,
    /// Saved ones.
    pub saved: u32,
}

/// What a request to a box gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoicemailValue {
    /// `store`
    Stored(Box<VoicemailMessage>),
    /// `list`
    Listed(Vec<VoicemailMessage>),
    /// `mark`, `delete`
    Done,
    /// `count`
    Counted(VoicemailCounts),
}

/// `voicemail.voicemail-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoicemailError {
    /// No such box.
    NoBox,
    /// No such message or recording.
    NotFound,
    /// Messages of the box, bytes of the domain.
    Full(String),
    /// Outside its range.
    BadArgument(String),
    /// No answer from the store.
    Unavailable,
}
