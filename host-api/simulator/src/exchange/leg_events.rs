//! What happens on several legs at once: a wait for digits and ends, and a bridge that a digit ends.

use std::time::Duration;

use tandem_host_api::op::{BridgeEnd, BridgeUntilEnd, LegError, LegEvent, LegId, Outcome};

use super::leg::Leg;
use super::{Exchange, Pending};

impl Exchange {
    /// Ends a bridge, in the words of the request that began it.
    pub(super) fn bridged(&mut self, end: Result<BridgeEnd, LegError>, until: bool) {
        self.done(if until {
            Outcome::BridgedUntil(end.map(BridgeUntilEnd::from))
        } else {
            Outcome::Bridged(end)
        });
    }

    /// A digit of a conversation: it may be the one that ends it.
    pub(super) fn bridge_digit(&mut self, id: LegId, digit: char) {
        let Pending::Bridging {
            first,
            second,
            since,
            until: Some(digits),
        } = &self.pending
        else {
            return;
        };
        if *first == id && digits.contains(digit) {
            let (first, second, since) = (*first, *second, *since);
            self.part(first, second, since);
            self.done(Outcome::BridgedUntil(Ok(BridgeUntilEnd::Digit(digit))));
        }
    }

    /// `leg-events.wait`
    pub(super) fn wait_legs(&mut self, legs: &[LegId], timeout_ms: u32) {
        for (place, id) in (0..).zip(legs) {
            let happened = match self.leg(*id) {
                None => Some(LegEvent::Gone(place)),
                Some(leg) => match leg.digits.pop_front() {
                    Some(digit) => Some(LegEvent::Digit(place, digit)),
                    None => Leg::is_over(leg).then_some(LegEvent::Gone(place)),
                },
            };
            if let Some(event) = happened {
                return self.done(Outcome::LegEvent(Ok(event)));
            }
        }
        self.pending = Pending::WaitingLegs {
            legs: legs.to_vec(),
            until: self.now() + Duration::from_millis(timeout_ms.into()),
        };
    }

    /// Where in the list of legs that are waited for this one is.
    pub(super) fn waited_place(&self, id: LegId) -> Option<u32> {
        let Pending::WaitingLegs { legs, .. } = &self.pending else {
            return None;
        };
        let place = legs.iter().position(|leg| *leg == id)?;
        Some(place as u32)
    }
}
