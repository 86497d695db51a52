//! `transfer`: a peer's phone is asked to call somebody else.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::transfer as wit;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome, TransferFailure, TransferTarget};

impl wit::Host for Door {
    async fn transfer(
        &mut self,
        handle: Resource<LegHandle>,
        target: wit::TransferTarget,
        timeout_ms: u32,
    ) -> Result<Result<(), wit::TransferFailure>> {
        let Some(leg) = self.leg(&handle) else {
            return Ok(Err(wit::TransferFailure::Gone));
        };
        let target = match target {
            wit::TransferTarget::Number(number) => TransferTarget::Number(number),
            wit::TransferTarget::Uri(uri) => TransferTarget::Uri(uri),
        };
        let op = Op::Transfer {
            leg,
            target,
            timeout_ms,
        };
        match self.ask(op).await? {
            Outcome::Transferred(done) => Ok(done.map_err(failure)),
            other => misfit(&other),
        }
    }
}

fn failure(failure: TransferFailure) -> wit::TransferFailure {
    match failure {
        TransferFailure::Gone => wit::TransferFailure::Gone,
        TransferFailure::WrongState(words) => wit::TransferFailure::WrongState(words),
        TransferFailure::BadArgument(words) => wit::TransferFailure::BadArgument(words),
        TransferFailure::NotAccepted(status, reason) => wit::TransferFailure::NotAccepted((status, reason)),
        TransferFailure::Failed(status, reason) => wit::TransferFailure::Failed((status, reason)),
        TransferFailure::TimedOut => wit::TransferFailure::TimedOut,
        TransferFailure::Limit(words) => wit::TransferFailure::Limit(words),
    }
}
