//! `message`: short texts to users' phones.

use tandem_bindings::tandem::pbx::message as wit;
use tandem_bindings::tandem::pbx::types as wit_types;
use wasmtime::Result;

use super::misfit;
use super::types::address;
use crate::door::Door;
use crate::op::{MessageFailure, Op, Outcome};

impl wit::Host for Door {
    async fn send(
        &mut self,
        user: String,
        text: String,
        sender: Option<wit_types::Address>,
    ) -> Result<Result<wit::Delivery, wit::MessageFailure>> {
        let sender = sender.map(address);
        match self.ask(Op::SendMessage { user, text, sender }).await? {
            Outcome::Messaged(sent) => Ok(sent
                .map(|delivery| wit::Delivery {
                    accepted: delivery.accepted,
                    devices: delivery.devices,
                })
                .map_err(failure)),
            other => misfit(&other),
        }
    }
}

fn failure(failure: MessageFailure) -> wit::MessageFailure {
    match failure {
        MessageFailure::NotFound(user) => wit::MessageFailure::NotFound(user),
        MessageFailure::NoDevice => wit::MessageFailure::NoDevice,
        MessageFailure::Refused(status, reason) => wit::MessageFailure::Refused((status, reason)),
        MessageFailure::TimedOut => wit::MessageFailure::TimedOut,
        MessageFailure::BadArgument(words) => wit::MessageFailure::BadArgument(words),
        MessageFailure::Limit(words) => wit::MessageFailure::Limit(words),
        MessageFailure::Unavailable => wit::MessageFailure::Unavailable,
    }
}
