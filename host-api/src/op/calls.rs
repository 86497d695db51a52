//! What is asked of calls other than the scenario's own: new ones, and those that ring elsewhere.

use serde::{Deserialize, Serialize};

/// `originate.originate-failure`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OriginateFailure {
    /// Leads to no user.
    NotFound(String),
    /// Leads to no call scenario.
    NoEntryPoint(String),
    /// Outside its range.
    BadArgument(String),
    /// A domain's limit.
    Limit(String),
    /// No answer from the store.
    Unavailable,
}

/// `pickup.pick-up-failure`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PickUpFailure {
    /// The leg has ended.
    Gone,
    /// Not answered, or of another call.
    WrongState(String),
    /// Nothing to be picked up.
    NothingRings,
    /// Outside its range.
    BadArgument(String),
    /// A call's limit.
    Limit(String),
}
