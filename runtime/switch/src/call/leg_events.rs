//! What happens on several legs at once: a wait for digits and ends, and a bridge that a digit ends.

use std::time::Duration;

use tandem_host_api::op::{BridgeEnd, BridgeUntilEnd, LegError, LegEvent, LegId, Outcome};

use super::{Call, Pending};
use crate::context::Context;

impl Pending {
    /// The legs of a bridge, and whether they are connected.
    pub fn bridge(&self) -> Option<(LegId, LegId, bool)> {
        match self {
            Self::Bridging {
                first,
                second,
                joined,
            }
            | Self::BridgingUntil {
                first,
                second,
                joined,
                ..
            } => Some((*first, *second, *joined)),
            _ => None,
        }
    }

    /// The legs of a bridge are connected.
    pub(super) fn set_joined(&mut self) {
        if let Self::Bridging { joined, .. } | Self::BridgingUntil { joined, .. } = self {
            *joined = true;
        }
    }
}

impl Call {
    /// Ends a bridge, in the words of the request that began it.
    pub(crate) fn bridged(&mut self, end: Result<BridgeEnd, LegError>, cx: &mut Context<'_>) {
        let outcome = match self.core.pending {
            Pending::BridgingUntil { .. } => Outcome::BridgedUntil(end.map(BridgeUntilEnd::from)),
            _ => Outcome::Bridged(end),
        };
        self.done(outcome, cx);
    }

    /// A digit of a conversation: it may be the one that ends it.
    pub(super) fn bridge_digit(&mut self, id: LegId, digit: char, cx: &mut Context<'_>) {
        let Pending::BridgingUntil {
            first,
            second,
            digits,
            ..
        } = &self.core.pending
        else {
            return;
        };
        if *first == id && digits.contains(digit) {
            let (first, second) = (*first, *second);
            self.part(first, second, cx);
            self.done(Outcome::BridgedUntil(Ok(BridgeUntilEnd::Digit(digit))), cx);
        }
    }

    /// `leg-events.wait`
    pub(crate) fn wait_legs(&mut self, legs: Vec<LegId>, timeout_ms: u32, cx: &mut Context<'_>) {
        for (place, id) in (0..).zip(&legs) {
            let happened = match self.leg(*id) {
                None => Some(LegEvent::Gone(place)),
                Some(leg) => match leg.digits.pop_front() {
                    Some(digit) => Some(LegEvent::Digit(place, digit)),
                    None => leg.is_over().then_some(LegEvent::Gone(place)),
                },
            };
            if let Some(event) = happened {
                return self.done(Outcome::LegEvent(Ok(event)), cx);
            }
        }
        self.core.pending = Pending::WaitingLegs {
            legs,
            until: cx.now + Duration::from_millis(u64::from(timeout_ms)),
        };
    }

    /// Where in the list of legs that are waited for this one is.
    pub(super) fn waited_place(&self, id: LegId) -> Option<u32> {
        let Pending::WaitingLegs { legs, .. } = &self.core.pending else {
            return None;
        };
        let place = legs.iter().position(|leg| *leg == id)?;
        Some(place as u32)
    }
}
