//! The deadline of a run.

use serde::{Deserialize, Serialize};

use super::{DialFailure, HttpError, LegError, Op, Outcome, RecordingError, TransferFailure};

/// How it is said where there are words.
const WORDS: &str = "the deadline has passed";

/// One request about the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the WIT function's parameters, documented there"
)]
pub enum DeadlineOp {
    /// `deadline.set`
    Set { after_ms: u32 },
    /// `deadline.clear`
    Clear,
    /// `deadline.passed`
    Passed,
}

impl DeadlineOp {
    /// The WIT function's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Set { .. } => "deadline.set",
            Self::Clear => "deadline.clear",
            Self::Passed => "deadline.passed",
        }
    }
}

/// What a scenario waits for that a deadline ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// `leg.play`
    Play,
    /// `leg.collect`
    Collect,
    /// `dial.dial`
    Dial,
    /// `bridge.bridge`
    Bridge,
    /// `leg-events.bridge-until`
    BridgeUntil,
    /// `leg-events.wait`
    Legs,
    /// `transfer.transfer`
    Transfer,
    /// `http.send`
    Http,
    /// `recording.record`
    Record,
    /// `clock.sleep-ms`
    Sleep,
}

impl Waiting {
    /// How it ends where the deadline has passed and there is nothing to show.
    pub fn past_deadline(self) -> Outcome {
        let words = WORDS.to_owned();
        match self {
            Self::Play => Outcome::Played(Err(LegError::Limit(words))),
            Self::Collect => Outcome::Collected(Err(LegError::Limit(words))),
            Self::Dial => Outcome::Dialled(Err(DialFailure::Limit(words))),
            Self::Bridge => Outcome::Bridged(Err(LegError::Limit(words))),
            Self::BridgeUntil => Outcome::BridgedUntil(Err(LegError::Limit(words))),
            Self::Legs => Outcome::LegEvent(Err(LegError::Limit(words))),
            Self::Transfer => Outcome::Transferred(Err(TransferFailure::Limit(words))),
            Self::Http => Outcome::Http(Err(HttpError::Limit(words))),
            Self::Record => Outcome::Recorded(Err(RecordingError::Limit(words))),
            Self::Sleep => Outcome::Done,
        }
    }
}

impl Op {
    /// What of it a deadline ends; none: a deadline does not touch it.
    pub fn waiting(&self) -> Option<Waiting> {
        Some(match self {
            Self::Play { .. } => Waiting::Play,
            Self::Collect { .. } => Waiting::Collect,
            Self::Dial { .. } => Waiting::Dial,
            Self::Bridge { .. } => Waiting::Bridge,
            Self::BridgeUntil { .. } => Waiting::BridgeUntil,
            Self::WaitLegs { .. } => Waiting::Legs,
            Self::Transfer { .. } => Waiting::Transfer,
            Self::HttpSend { .. } => Waiting::Http,
            Self::Record { .. } => Waiting::Record,
            Self::SleepMs { .. } => Waiting::Sleep,
            _ => return None,
        })
    }
}
