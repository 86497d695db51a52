//! What is asked of phones beyond a call's own signalling: recordings, transfers, messages.

use serde::{Deserialize, Serialize};

/// A recorder as a scenario's requests name it: its number within the call, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecorderId(pub u32);

/// `recording.recording-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordingError {
    /// The leg has ended.
    Gone,
    /// Not in this state.
    WrongState(String),
    /// Outside its range.
    BadArgument(String),
    /// The gate could not record.
    Media(String),
    /// Nothing can be written.
    Storage(String),
    /// A domain's limit.
    Limit(String),
}

/// `recording.side`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// What the peer says.
    Peer,
    /// That and what it hears.
    Both,
}

/// `recording.record-rule`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRule {
    /// A tone first.
    pub beep: bool,
    /// Longest length.
    pub length_ms: u32,
    /// Ends after so much silence; 0: never.
    pub silence_ms: u32,
    /// Digits that end it.
    pub stop_digits: String,
    /// The digit that pauses it and lets it go on; empty: none.
    pub pause_digit: String,
}

/// `recording.recording`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// For `prompt.file` and `recording.delete`.
    pub name: String,
    /// Without pauses.
    pub duration_ms: u64,
    /// Of its file.
    pub bytes: u64,
}

/// `recording.record-end`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordEnd {
    /// As long as it may be.
    Length,
    /// The peer was silent.
    Silence,
    /// A stop digit.
    Digit,
    /// The leg ended.
    LegGone,
    /// `recorder.finish`, or another recording.
    Finished,
    /// Nothing more can be written.
    Storage(String),
}

/// `recording.recorded`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// What there is.
    pub recording: Recording,
    /// Why there is no more.
    pub end: RecordEnd,
    /// The stop digit; else empty.
    pub digit: String,
}

/// `transfer.transfer-target`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferTarget {
    /// A number or user of the domain.
    Number(String),
    /// A URI.
    Uri(String),
}

/// `transfer.transfer-failure`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferFailure {
    /// The leg has ended.
    Gone,
    /// Not answered.
    WrongState(String),
    /// Outside its range.
    BadArgument(String),
    /// The phone refuses.
    NotAccepted(u16, String),
    /// The phone's call failed.
    Failed(u16, String),
    /// No answer or no outcome in time.
    TimedOut,
    /// A domain's limit.
    Limit(String),
}

/// `message.delivery`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Devices that accepted it.
    pub accepted: u32,
    /// Devices that it was sent to.
    pub devices: u32,
}

/// `message.message-failure`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageFailure {
    /// No such user.
    NotFound(String),
    /// No device is registered or could be reached.
    NoDevice,
    /// The greatest final status of those that refused.
    Refused(u16, String),
    /// No device answered.
    TimedOut,
    /// Outside its range.
    BadArgument(String),
    /// A domain's limit.
    Limit(String),
    /// The directory does not answer.
    Unavailable,
}
