//! `pickup`: taking over a call that rings elsewhere.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::pickup as wit;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome, PickUpFailure};

impl wit::Host for Door {
    async fn pick_up(
        &mut self,
        picker: Resource<LegHandle>,
        users: Vec<String>,
    ) -> Result<Result<Resource<LegHandle>, wit::PickUpFailure>> {
        let Some(picker) = self.leg(&picker) else {
            return Ok(Err(wit::PickUpFailure::Gone));
        };
        match self.ask(Op::PickUp { picker, users }).await? {
            Outcome::PickedUp(Ok(leg)) => Ok(Ok(self.hold(leg)?)),
            Outcome::PickedUp(Err(failure)) => Ok(Err(self::failure(failure))),
            other => misfit(&other),
        }
    }
}

fn failure(failure: PickUpFailure) -> wit::PickUpFailure {
    match failure {
        PickUpFailure::Gone => wit::PickUpFailure::Gone,
        PickUpFailure::WrongState(words) => wit::PickUpFailure::WrongState(words),
        PickUpFailure::NothingRings => wit::PickUpFailure::NothingRings,
        PickUpFailure::BadArgument(words) => wit::PickUpFailure::BadArgument(words),
        PickUpFailure::Limit(words) => wit::PickUpFailure::Limit(words),
    }
}
