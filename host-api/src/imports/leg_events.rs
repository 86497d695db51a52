//! `leg-events`: what happens on several legs at once.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::{leg as wit_leg, leg_events as wit};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::leg::leg_error;
use super::misfit;
use crate::door::Door;
use crate::op::{BridgeUntilEnd, LegEvent, Op, Outcome};

impl wit::Host for Door {
    async fn wait(
        &mut self,
        legs: Vec<Resource<LegHandle>>,
        timeout_ms: u32,
    ) -> Result<Result<wit::LegEvent, wit_leg::LegError>> {
        let legs: Option<Vec<_>> = legs.iter().map(|leg| self.leg(leg)).collect();
        let Some(legs) = legs else {
            return Ok(Err(wit_leg::LegError::Gone));
        };
        match self.ask(Op::WaitLegs { legs, timeout_ms }).await? {
            Outcome::LegEvent(event) => Ok(event.map(leg_event).map_err(leg_error)),
            other => misfit(&other),
        }
    }

    async fn bridge_until(
        &mut self,
        first: Resource<LegHandle>,
        second: Resource<LegHandle>,
        digits: String,
    ) -> Result<Result<wit::BridgeUntilEnd, wit_leg::LegError>> {
        let (Some(first), Some(second)) = (self.leg(&first), self.leg(&second)) else {
            return Ok(Err(wit_leg::LegError::Gone));
        };
        let op = Op::BridgeUntil {
            first,
            second,
            digits,
        };
        match self.ask(op).await? {
            Outcome::BridgedUntil(end) => Ok(end.map(bridge_until_end).map_err(leg_error)),
            other => misfit(&other),
        }
    }
}

fn leg_event(event: LegEvent) -> wit::LegEvent {
    match event {
        LegEvent::Digit(place, digit) => wit::LegEvent::Digit((place, digit.to_string())),
        LegEvent::Gone(place) => wit::LegEvent::Gone(place),
        LegEvent::Timeout => wit::LegEvent::Timeout,
    }
}

fn bridge_until_end(end: BridgeUntilEnd) -> wit::BridgeUntilEnd {
    match end {
        BridgeUntilEnd::Digit(digit) => wit::BridgeUntilEnd::Digit(digit.to_string()),
        BridgeUntilEnd::FirstHungUp => wit::BridgeUntilEnd::FirstHungUp,
        BridgeUntilEnd::SecondHungUp => wit::BridgeUntilEnd::SecondHungUp,
        BridgeUntilEnd::Lost => wit::BridgeUntilEnd::Lost,
    }
}
