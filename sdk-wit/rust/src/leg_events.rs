//! What happens on several legs at once: digits that their peers press, and their ends.

use std::time::Duration;

use crate::bindings::tandem::pbx::leg_events as raw;
use crate::clock::millis;
use crate::{Leg, LegError};

/// What has happened. A leg is told by its place in the list, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEvent {
    /// The peer of this leg pressed a digit, one of `0-9*#A-D`.
    Digit(usize, char),
    /// This leg is gone.
    Gone(usize),
    /// Nothing of that, for as long as was waited.
    Timeout,
}

/// Why a bridge ended that a digit can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BridgeUntilEnd {
    /// The peer of the first leg pressed this digit. Both legs stay up.
    Digit(char),
    /// The peer of the first leg hung up.
    FirstHungUp,
    /// The peer of the second leg hung up.
    SecondHungUp,
    /// Media of one leg failed, or its peer was lost.
    Lost,
}

/// Waits for the first thing that happens on up to 8 legs, for up to 24 hours, without a sound of its own. Digits pressed
/// before, since the last collection on their leg, count, one a call; of several legs the first in the list is told first.
pub fn wait(legs: &[&Leg], timeout: Duration) -> Result<LegEvent, LegError> {
    let legs: Vec<_> = legs.iter().map(|leg| leg.raw()).collect();
    Ok(match raw::wait(&legs, millis(timeout))? {
        raw::LegEvent::Digit((place, digit)) => LegEvent::Digit(place as usize, one(&digit)),
        raw::LegEvent::Gone(place) => LegEvent::Gone(place as usize),
        raw::LegEvent::Timeout => LegEvent::Timeout,
    })
}

/// As [`bridge`](crate::bridge()), until the peer of `first` presses one of `digits` (1 to 16 out of `0-9*#A-D`), which
/// parts the two and leaves both legs up: for codes within a call. What is pressed after it waits for the next collection.
pub fn bridge_until(first: &Leg, second: &Leg, digits: &str) -> Result<BridgeUntilEnd, LegError> {
    Ok(match raw::bridge_until(first.raw(), second.raw(), digits)? {
        raw::BridgeUntilEnd::Digit(digit) => BridgeUntilEnd::Digit(one(&digit)),
        raw::BridgeUntilEnd::FirstHungUp => BridgeUntilEnd::FirstHungUp,
        raw::BridgeUntilEnd::SecondHungUp => BridgeUntilEnd::SecondHungUp,
        raw::BridgeUntilEnd::Lost => BridgeUntilEnd::Lost,
    })
}

/// The host says a digit as a text of one character.
fn one(digit: &str) -> char {
    digit.chars().next().unwrap_or_default()
}
