//! Timers of the domain.

use serde::{Deserialize, Serialize};

/// One request about a timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the WIT function's parameters, documented there"
)]
pub enum TimerOp {
    /// `timers.set`
    Set { after_ms: u64, data: String },
    /// `timers.cancel`
    Cancel,
}

impl TimerOp {
    /// The WIT function's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Set { .. } => "timers.set",
            Self::Cancel => "timers.cancel",
        }
    }
}

/// `timers.timer-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimerError {
    /// Nothing would be started.
    NoEntryPoint(String),
    /// Outside its range.
    BadArgument(String),
    /// A domain's limit.
    Limit(String),
    /// No answer from the store.
    Unavailable,
}

/// The entry point that a timer starts: what stands before the first `/` of its name chooses it.
pub fn entry_point_of_timer(name: &str) -> String {
    let chosen = name.split('/').next().unwrap_or_default();
    format!("event:timer-{chosen}")
}
