//! Digit collection: a pure machine fed with digits, the prompts' end and time.
//!
//! It is here, not in the switch, so that the simulator collects digits by the very same rules. Whose time it runs on
//! is its owner's choice: a moment of the wall clock, or the virtual time since a call began.

use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::op::{CollectEnd, CollectRule, Collected};

/// What the owner does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nothing; the next deadline is [`Collector::deadline`].
    Going,
    /// A digit stops the prompts; collecting goes on.
    StopPrompts,
    /// It is over. Prompts still playing are to be stopped.
    Over(Collected),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State<T> {
    Playing,
    Waiting { until: T },
}

/// Collects the digits of one [`CollectRule`]; `T` is a moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Collector<T> {
    rule: CollectRule,
    digits: String,
    state: State<T>,
}

impl<T: Copy + Ord + Add<Duration, Output = T>> Collector<T> {
    /// Starts; with prompts in the rule, the first-digit time begins at [`Self::handle_prompts_ended`].
    pub fn new(rule: CollectRule, now: T) -> Self {
        let state = if rule.prompts.is_empty() {
            State::Waiting {
                until: now + Duration::from_millis(u64::from(rule.first_digit_timeout_ms)),
            }
        } else {
            State::Playing
        };
        Self {
            rule,
            digits: String::new(),
            state,
        }
    }

    /// Takes a digit.
    pub fn handle_digit(&mut self, digit: char, now: T) -> Progress {
        let was_playing = self.state == State::Playing;
        if was_playing && !self.rule.barge_in {
            return Progress::Going; // the caller cannot answer a question he has not heard
        }
        if self.rule.terminators.contains(digit) {
            return self.over(CollectEnd::Terminator);
        }
        self.digits.push(digit);
        if self.digits.len() >= self.rule.max as usize {
            return self.over(CollectEnd::Full);
        }
        self.wait(self.rule.inter_digit_timeout_ms, now);
        if was_playing {
            Progress::StopPrompts
        } else {
            Progress::Going
        }
    }

    /// The prompts have been played, or were stopped.
    pub fn handle_prompts_ended(&mut self, now: T) {
        if self.state == State::Playing {
            self.wait(self.rule.first_digit_timeout_ms, now);
        }
    }

    /// Time passed; over when the deadline has come.
    pub fn handle_timeout(&mut self, now: T) -> Progress {
        match self.state {
            State::Waiting { until } if now >= until => self.over(CollectEnd::Timeout),
            State::Waiting { .. } | State::Playing => Progress::Going,
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<T> {
        match self.state {
            State::Waiting { until } => Some(until),
            State::Playing => None,
        }
    }

    fn wait(&mut self, timeout_ms: u32, now: T) {
        self.state = State::Waiting {
            until: now + Duration::from_millis(u64::from(timeout_ms)),
        };
    }

    fn over(&mut self, end: CollectEnd) -> Progress {
        let digits = std::mem::take(&mut self.digits);
        Progress::Over(Collected {
            complete: digits.len() >= self.rule.min as usize,
            digits,
            end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Prompt;

    fn rule() -> CollectRule {
        CollectRule {
            prompts: vec![Prompt::Silence(100)],
            barge_in: true,
            min: 1,
            max: 3,
            terminators: "#".into(),
            first_digit_timeout_ms: 5_000,
            inter_digit_timeout_ms: 2_000,
        }
    }

    fn over(digits: &str, complete: bool, end: CollectEnd) -> Progress {
        Progress::Over(Collected {
            digits: digits.into(),
            complete,
            end,
        })
    }

    #[test]
    fn barge_in_stops_the_prompts_and_counts() {
        let now = Duration::ZERO;
        let mut c = Collector::new(rule(), now);
        assert_eq!(c.deadline(), None);
        assert_eq!(c.handle_digit('1', now), Progress::StopPrompts);
        assert_eq!(c.handle_digit('2', now), Progress::Going);
        assert_eq!(c.handle_digit('3', now), over("123", true, CollectEnd::Full));
    }

    #[test]
    fn without_barge_in_digits_under_the_prompts_are_dropped() {
        let now = Duration::ZERO;
        let mut c = Collector::new(
            CollectRule {
                barge_in: false,
                ..rule()
            },
            now,
        );
        assert_eq!(c.handle_digit('1', now), Progress::Going);
        c.handle_prompts_ended(now);
        assert_eq!(c.handle_digit('#', now), over("", false, CollectEnd::Terminator));
    }

    #[test]
    fn first_digit_time_runs_from_the_prompts_end_and_inter_digit_time_from_the_last_digit() {
        let now = Duration::ZERO;
        let ms = Duration::from_millis;
        let mut c = Collector::new(rule(), now);
        c.handle_prompts_ended(now + ms(700));
        assert_eq!(c.deadline(), Some(now + ms(5_700)));
        assert_eq!(c.handle_digit('4', now + ms(1_000)), Progress::Going);
        assert_eq!(c.handle_timeout(now + ms(2_999)), Progress::Going);
        assert_eq!(
            c.handle_timeout(now + ms(3_000)),
            over("4", true, CollectEnd::Timeout)
        );
    }
}
