//! Opening hours.

use serde::{Deserialize, Serialize};

/// `schedule.state`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleState {
    /// Within the hours.
    Open,
    /// Outside of them.
    Closed,
    /// A holiday: its name.
    Holiday(String),
}

/// `schedule.status`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// What holds now.
    pub state: ScheduleState,
    /// Until then, since the epoch; none: for more than a year.
    pub until_ms: Option<u64>,
}

/// `schedule.schedule-error`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleError {
    /// No such schedule.
    NotFound,
    /// No answer from the store.
    Unavailable,
}
