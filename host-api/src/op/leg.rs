//! One peer's side of a call: what it plays and collects.

use serde::{Deserialize, Serialize};

use super::Prompt;

/// `leg.collect-rule`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectRule {
    /// Played first.
    pub prompts: Vec<Prompt>,
    /// A digit stops the prompts.
    pub barge_in: bool,
    /// Fewest digits of a whole entry.
    pub min: u32,
    /// Most digits.
    pub max: u32,
    /// Digits that end the entry.
    pub terminators: String,
    /// From the prompts' end to the first digit.
    pub first_digit_timeout_ms: u32,
    /// Between two digits.
    pub inter_digit_timeout_ms: u32,
}

/// `leg.collected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// What was pressed, without the terminator.
    pub digits: String,
    /// At least `min` of them.
    pub complete: bool,
    /// What ended it.
    pub end: CollectEnd,
}

/// `leg.collect-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectEnd {
    /// `max` digits are there.
    Full,
    /// A terminator was pressed.
    Terminator,
    /// The time ran out.
    Timeout,
}

/// `leg.play-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlayEnd {
    /// Everything was played.
    Finished,
    /// Something else on the leg ended it.
    Stopped,
}

/// `leg.leg-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegError {
    /// The leg has ended.
    Gone,
    /// Not in this state.
    WrongState(String),
    /// Outside its range.
    BadArgument(String),
    /// No codec, port, file or speech.
    Media(String),
    /// A domain's limit.
    Limit(String),
}
