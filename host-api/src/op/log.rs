//! The scenario's log.

use serde::{Deserialize, Serialize};

/// `log.level`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// For developers.
    Debug,
    /// Milestones.
    Info,
    /// Degraded.
    Warn,
    /// Someone must act.
    Error,
}
