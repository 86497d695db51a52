use std::time::Duration;

use crate::bindings::tandem::pbx::leg as raw;
use crate::clock::millis;
use crate::prompt;
use crate::{Address, Cause, Collected, LegError, PlayEnd, Prompt};

/// One peer's side of a call. Dropping a leg that is still up hangs it up with [`Cause::Normal`].
#[derive(Debug)]
pub struct Leg(raw::Leg);

impl Leg {
    /// Who calls (an incoming leg) or is called (a dialled one).
    pub fn peer(&self) -> Address {
        self.0.peer()
    }

    /// What was dialled (an incoming leg), or our caller's identity (a dialled one).
    pub fn local(&self) -> Address {
        self.0.local()
    }

    /// The values of a header of the request that began the leg, one item a line; names are case-insensitive.
    pub fn header(&self, name: &str) -> Vec<String> {
        self.0.header(name)
    }

    /// Tells the caller that it rings (180).
    pub fn ring(&self) -> Result<(), LegError> {
        self.0.ring()
    }

    /// Opens the way for sound before the answer (183).
    pub fn early_media(&self) -> Result<(), LegError> {
        self.0.early_media()
    }

    /// Answers (200). Answered already: nothing happens.
    pub fn answer(&self) -> Result<(), LegError> {
        self.0.answer()
    }

    /// Plays up to 64 prompts one after another, and returns with the end of the last.
    pub fn play(&self, prompts: &[Prompt]) -> Result<PlayEnd, LegError> {
        self.0.play(&prompt::raw(prompts))
    }

    /// Collects digits; see [`Collect`].
    pub fn collect(&self, rule: &Collect) -> Result<Collected, LegError> {
        self.0.collect(&raw::CollectRule {
            prompts: prompt::raw(&rule.prompts),
            barge_in: rule.barge_in,
            min: rule.min,
            max: rule.max,
            terminators: rule.terminators.clone(),
            first_digit_timeout_ms: millis(rule.first_digit_timeout),
            inter_digit_timeout_ms: millis(rule.inter_digit_timeout),
        })
    }

    /// Sends up to 64 digits out of `0-9*#A-D`, 100 ms each; `,` is a pause of 500 ms.
    pub fn send_digits(&self, digits: &str) -> Result<(), LegError> {
        self.0.send_digits(digits)
    }

    /// Ends the leg: BYE, or the final status of `cause` where it was never answered. Ended already: nothing happens.
    pub fn hang_up(&self, cause: Cause) -> Result<(), LegError> {
        self.0.hang_up(cause)
    }

    /// The binding below, for what this face leaves out.
    pub fn raw(&self) -> &raw::Leg {
        &self.0
    }
}

impl From<raw::Leg> for Leg {
    fn from(leg: raw::Leg) -> Self {
        Self(leg)
    }
}

/// How digits are collected. By default: one digit, barge-in, no terminator, 5 s for the first, 3 s between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collect {
    /// Played first; empty: nothing.
    pub prompts: Vec<Prompt>,
    /// A digit stops the prompts and counts.
    pub barge_in: bool,
    /// Fewer digits are not taken for an entry: 0 to 64.
    pub min: u32,
    /// The entry ends with this many digits: 1 to 64, not below `min`.
    pub max: u32,
    /// Digits out of `0-9*#A-D` that end the entry and are not part of it.
    pub terminators: String,
    /// Time for the first digit, counted from the end of the prompts: 1 ms to 10 min.
    pub first_digit_timeout: Duration,
    /// Time between two digits: 1 ms to 10 min.
    pub inter_digit_timeout: Duration,
}

impl Default for Collect {
    fn default() -> Self {
        Self {
            prompts: Vec::new(),
            barge_in: true,
            min: 1,
            max: 1,
            terminators: String::new(),
            first_digit_timeout: Duration::from_secs(5),
            inter_digit_timeout: Duration::from_secs(3),
        }
    }
}

/// For `?` in a scenario: the text of its error.
impl From<LegError> for String {
    fn from(error: LegError) -> Self {
        match error {
            LegError::Gone => "leg: the peer hung up".into(),
            LegError::WrongState(why) => format!("leg: wrong state: {why}"),
            LegError::BadArgument(why) => format!("leg: bad argument: {why}"),
            LegError::Media(why) => format!("leg: media: {why}"),
            LegError::Limit(why) => format!("leg: limit: {why}"),
        }
    }
}
