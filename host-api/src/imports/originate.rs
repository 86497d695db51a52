//! `originate`: calls that no caller began.

use tandem_bindings::tandem::pbx::dial as wit_dial;
use tandem_bindings::tandem::pbx::originate as wit;
use wasmtime::Result;

use super::dial::target;
use super::misfit;
use super::types::address;
use crate::door::Door;
use crate::op::{Op, OriginateFailure, Outcome};

impl wit::Host for Door {
    async fn call(
        &mut self,
        to: wit_dial::Target,
        entry_point: String,
        data: String,
        options: wit::CallOptions,
    ) -> Result<Result<String, wit::OriginateFailure>> {
        let op = Op::Originate {
            target: target(to),
            entry_point,
            data,
            caller_id: options.caller_id.map(address),
            ring_ms: options.ring_ms,
        };
        match self.ask(op).await? {
            Outcome::Originated(call) => Ok(call.map_err(failure)),
            other => misfit(&other),
        }
    }

    async fn data(&mut self) -> Result<Option<String>> {
        match self.ask(Op::OriginateData).await? {
            Outcome::OptionalText(data) => Ok(data),
            other => misfit(&other),
        }
    }
}

fn failure(failure: OriginateFailure) -> wit::OriginateFailure {
    match failure {
        OriginateFailure::NotFound(name) => wit::OriginateFailure::NotFound(name),
        OriginateFailure::NoEntryPoint(number) => wit::OriginateFailure::NoEntryPoint(number),
        OriginateFailure::BadArgument(words) => wit::OriginateFailure::BadArgument(words),
        OriginateFailure::Limit(words) => wit::OriginateFailure::Limit(words),
        OriginateFailure::Unavailable => wit::OriginateFailure::Unavailable,
    }
}
