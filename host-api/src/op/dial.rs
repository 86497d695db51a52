//! Calling users, and connecting two legs.

use serde::{Deserialize, Serialize};

use super::Address;

/// `dial.target`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A user of the domain.
    User(String),
    /// A number that leads to a user.
    Number(String),
}

/// `dial.strategy`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// All at once.
    Parallel,
    /// One after another.
    InTurn,
}

/// `dial.dial-options`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialOptions {
    /// How several targets are called.
    pub strategy: Strategy,
    /// How long each rings.
    pub timeout_ms: u32,
    /// Who the callee sees.
    pub caller_id: Option<Address>,
    /// Ringback tone on the caller's leg.
    pub ringback: bool,
}

/// `dial.dial-failure`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DialFailure {
    /// Leads to no user.
    NotFound(String),
    /// No device could be reached.
    Unreachable,
    /// 486, 600
    Busy,
    /// The time ran out.
    NoAnswer,
    /// 603
    Declined,
    /// Another final status.
    Rejected(u16, String),
    /// The caller's leg ended first.
    CallerGone,
    /// No codec or port.
    Media(String),
    /// Outside its range.
    BadArgument(String),
    /// A domain's limit.
    Limit(String),
}

impl DialFailure {
    /// What a callee's final status says, 300 to 699, with its reason phrase.
    pub fn of_status(status: u16, reason: &str) -> Self {
        match status {
            486 | 600 => Self::Busy,
            603 => Self::Declined,
            404 | 408 | 480 | 502 | 604 => Self::Unreachable,
            488 | 606 => Self::Media("no common codec with the callee".into()),
            status => Self::Rejected(status, reason.to_owned()),
        }
    }

    /// How much a reason tells the caller: of several targets' reasons it is given the greatest.
    pub fn weight(&self) -> u8 {
        match self {
            Self::CallerGone => 9,
            Self::Declined => 8,
            Self::Busy => 7,
            Self::NoAnswer => 6,
            Self::Rejected(..) => 5,
            Self::Media(_) => 4,
            Self::Limit(_) => 3,
            Self::Unreachable => 2,
            Self::NotFound(_) => 1,
            Self::BadArgument(_) => 0,
        }
    }
}

/// `bridge.bridge-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeEnd {
    /// The first leg's peer hung up.
    FirstHungUp,
    /// The second leg's peer hung up.
    SecondHungUp,
    /// Media or a peer was lost.
    Lost,
}
