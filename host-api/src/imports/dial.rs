//! `dial`: calling out.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::dial as wit;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::misfit;
use super::types::address;
use crate::door::Door;
use crate::op::{DialFailure, DialOptions, Op, Outcome, Strategy, Target};

impl wit::Host for Door {
    async fn dial(
        &mut self,
        caller: Resource<LegHandle>,
        targets: Vec<wit::Target>,
        options: wit::DialOptions,
    ) -> Result<Result<Resource<LegHandle>, wit::DialFailure>> {
        let Some(caller) = self.leg(&caller) else {
            return Ok(Err(wit::DialFailure::CallerGone));
        };
        let targets = targets.into_iter().map(target).collect();
        match self
            .ask(Op::Dial {
                caller,
                targets,
                options: dial_options(options),
            })
            .await?
        {
            Outcome::Dialled(Ok(leg)) => Ok(Ok(self.hold(leg)?)),
            Outcome::Dialled(Err(failure)) => Ok(Err(dial_failure(failure))),
            other => misfit(&other),
        }
    }
}

pub(super) fn target(target: wit::Target) -> Target {
    match target {
        wit::Target::User(name) => Target::User(name),
        wit::Target::Number(number) => Target::Number(number),
    }
}

fn dial_options(options: wit::DialOptions) -> DialOptions {
    DialOptions {
        strategy: match options.strategy {
            wit::Strategy::Parallel => Strategy::Parallel,
            wit::Strategy::InTurn => Strategy::InTurn,
        },
        timeout_ms: options.timeout_ms,
        caller_id: options.caller_id.map(address),
        ringback: options.ringback,
    }
}

fn dial_failure(failure: DialFailure) -> wit::DialFailure {
    match failure {
        DialFailure::NotFound(name) => wit::DialFailure::NotFound(name),
        DialFailure::Unreachable => wit::DialFailure::Unreachable,
        DialFailure::Busy => wit::DialFailure::Busy,
        DialFailure::NoAnswer => wit::DialFailure::NoAnswer,
        DialFailure::Declined => wit::DialFailure::Declined,
        DialFailure::Rejected(status, reason) => wit::DialFailure::Rejected((status, reason)),
        DialFailure::CallerGone => wit::DialFailure::CallerGone,
        DialFailure::Media(words) => wit::DialFailure::Media(words),
        DialFailure::BadArgument(words) => wit::DialFailure::BadArgument(words),
        DialFailure::Limit(words) => wit::DialFailure::Limit(words),
    }
}
