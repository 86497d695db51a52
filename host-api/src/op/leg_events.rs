//! What happens on several legs.

use serde::{Deserialize, Serialize};

/// `leg-events.leg-event`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegEvent {
    /// A digit of the leg at this place.
    Digit(u32, char),
    /// The end of the leg at this place.
    Gone(u32),
    /// The time ran out.
    Timeout,
}

/// `leg-events.bridge-until-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeUntilEnd {
    /// The digit that ended it.
    Digit(char),
    /// The first leg's peer hung up.
    FirstHungUp,
    /// The second leg's peer hung up.
    SecondHungUp,
    /// Media or a peer was lost.
    Lost,
}

impl From<super::BridgeEnd> for BridgeUntilEnd {
    fn from(end: super::BridgeEnd) -> Self {
        match end {
            super::BridgeEnd::FirstHungUp => Self::FirstHungUp,
            super::BridgeEnd::SecondHungUp => Self::SecondHungUp,
            super::BridgeEnd::Lost => Self::Lost,
        }
    }
}
