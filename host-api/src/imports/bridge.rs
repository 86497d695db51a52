//! `bridge`: two legs that hear each other.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::{bridge as wit, leg as wit_leg};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::leg::leg_error;
use super::misfit;
use crate::door::Door;
use crate::op::{BridgeEnd, Op, Outcome};

impl wit::Host for Door {
    async fn bridge(
        &mut self,
        first: Resource<LegHandle>,
        second: Resource<LegHandle>,
    ) -> Result<Result<wit::BridgeEnd, wit_leg::LegError>> {
        let (Some(first), Some(second)) = (self.leg(&first), self.leg(&second)) else {
            return Ok(Err(wit_leg::LegError::Gone));
        };
        match self.ask(Op::Bridge { first, second }).await? {
            Outcome::Bridged(bridged) => Ok(bridged.map(bridge_end).map_err(leg_error)),
            other => misfit(&other),
        }
    }
}

fn bridge_end(end: BridgeEnd) -> wit::BridgeEnd {
    match end {
        BridgeEnd::FirstHungUp => wit::BridgeEnd::FirstHungUp,
        BridgeEnd::SecondHungUp => wit::BridgeEnd::SecondHungUp,
        BridgeEnd::Lost => wit::BridgeEnd::Lost,
    }
}
