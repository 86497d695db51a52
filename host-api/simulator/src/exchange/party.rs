//! What people do on their legs: a list of acts, one after another.

use std::time::Duration;

use tandem_host_api::op::LegId;

use super::Exchange;
use super::leg::{By, HeardEnd, Leg};
use crate::case::Act;

/// From one digit to the next, and from the last one to the next act: 100 ms of tone, 100 ms of silence.
const DIGIT: Duration = Duration::from_millis(200);

/// Someone with a list of acts, and how far he has come.
///
/// What he waits for may have happened while he was busy: he has an eye on all that came since he last took notice.
#[derive(Debug, Default)]
pub struct Party {
    acts: Vec<Act>,
    next: usize,
    /// Digits of the act under way that were pressed.
    pressed: usize,
    /// When the act under way began.
    since: Duration,
    /// How far his leg's prompts were looked at: those that begin, those that end.
    begun: usize,
    ended: usize,
    /// How many time-outs and bridges of his leg he has taken notice of.
    timeouts: usize,
    bridges: usize,
}

impl Party {
    /// Someone who begins `now`.
    pub fn new(acts: Vec<Act>, now: Duration) -> Self {
        Self {
            acts,
            since: now,
            ..Self::default()
        }
    }

    /// Begins now: his phone was answered.
    pub fn begin(&mut self, now: Duration) {
        self.since = now;
    }

    /// What was not done.
    pub fn left(&self) -> &[Act] {
        self.acts.get(self.next..).unwrap_or_default()
    }

    /// When the act under way is to be done.
    pub fn acts_at(&mut self, leg: &Leg, now: Duration) -> Option<Duration> {
        // `now`: what is waited for is there, whenever it came.
        let there = |is_there: bool| is_there.then_some(now);
        match self.acts.get(self.next)? {
            Act::Wait(time) => Some(self.since + *time),
            Act::Press(_) => Some(self.since + DIGIT * self.pressed as u32),
            Act::HangUp => Some(self.since),
            Act::Answered => there(leg.is_up()),
            Act::Silence => there(leg.timeouts > self.timeouts),
            Act::Talk(time) => leg.bridges.get(self.bridges).map(|since| *since + *time),
            Act::Hears(text) => {
                // A prompt that begins has its text at once, so what does not fit never will.
                while let Some(heard) = leg.heard.get(self.begun)
                    && !heard.what.contains(text.as_str())
                {
                    self.begun += 1;
                }
                there(self.begun < leg.heard.len())
            }
            Act::After(text) => {
                while let Some(heard) = leg.heard.get(self.ended) {
                    let fits = heard.what.contains(text.as_str());
                    match heard.end {
                        HeardEnd::Whole if fits => return Some(now),
                        HeardEnd::Playing if fits => return None,
                        HeardEnd::Whole | HeardEnd::Cut | HeardEnd::Playing => self.ended += 1,
                    }
                }
                None
            }
        }
    }

    /// The act under way is over; the next one begins.
    fn pass(&mut self, now: Duration) {
        self.next += 1;
        self.pressed = 0;
        self.since = now;
    }
}

/// What an act does to the call.
enum Deed {
    Nothing,
    Digit(char),
    HangUp,
}

impl Exchange {
    /// The party of a leg does what is due.
    pub(super) fn act(&mut self, id: LegId) {
        let now = self.now();
        let Some(leg) = self.leg(id) else { return };
        let (timeouts, heard) = (leg.timeouts, leg.heard.len());
        let party = &mut leg.party;
        let deed = match party.acts.get(party.next) {
            None => return,
            Some(Act::Press(digits)) => match digits.chars().nth(party.pressed) {
                Some(digit) => {
                    party.pressed += 1;
                    // Who presses a key answers what he has heard, and waits for what comes then.
                    party.begun = heard;
                    party.timeouts = timeouts;
                    Deed::Digit(digit)
                }
                None => Deed::Nothing,
            },
            Some(Act::HangUp) => Deed::HangUp,
            Some(Act::Hears(_)) => {
                // The same prompt can be waited for to its end.
                party.ended = party.ended.max(party.begun);
                party.begun += 1;
                Deed::Nothing
            }
            Some(Act::After(_)) => {
                party.ended += 1;
                party.begun = party.begun.max(party.ended);
                Deed::Nothing
            }
            Some(Act::Silence) => {
                party.timeouts += 1;
                Deed::Nothing
            }
            Some(Act::Talk(_)) => {
                party.bridges += 1;
                Deed::Nothing
            }
            Some(Act::Wait(_) | Act::Answered) => Deed::Nothing,
        };
        match deed {
            Deed::Nothing => party.pass(now),
            Deed::Digit(digit) => self.handle_digit(id, digit),
            Deed::HangUp => {
                party.pass(now);
                self.hangs_up(id);
            }
        }
    }

    /// A peer hangs up.
    fn hangs_up(&mut self, id: LegId) {
        let answered = self.leg(id).is_some_and(|leg| leg.is_up());
        let (status, words) = if answered {
            (200, "hung up")
        } else {
            (487, "cancelled by the caller")
        };
        self.end_leg(id, By::Peer, status, words);
        self.after_end(id);
    }
}
