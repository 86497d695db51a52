//! `voicemail`: boxes that keep messages.

use tandem_bindings::tandem::pbx::types::Address as WitAddress;
use tandem_bindings::tandem::pbx::voicemail as wit;
use wasmtime::Result;

use super::misfit;
use super::types::{address, address_to_wit};
use crate::door::{Door, Stop};
use crate::op::{Op, Outcome, VoicemailError, VoicemailMessage, VoicemailOp, VoicemailState, VoicemailValue};

type Answer<T> = Result<Result<T, wit::VoicemailError>>;

impl Door {
    /// All five functions: `pick` takes the value out of the shape that the function gives.
    async fn voicemail<T>(
        &mut self,
        name: String,
        op: VoicemailOp,
        pick: impl FnOnce(VoicemailValue) -> Option<T>,
    ) -> Answer<T> {
        let op = Op::Voicemail { name, op };
        let function = op.name();
        match self.ask(op).await? {
            Outcome::Voicemail(Ok(value)) => pick(value).map(Ok).ok_or_else(|| {
                let found = format!("{function} was answered with another function's value");
                wasmtime::Error::new(Stop::Broken(found))
            }),
            Outcome::Voicemail(Err(why)) => Ok(Err(error(why))),
            other => misfit(&other),
        }
    }
}

impl wit::Host for Door {
    async fn store(
        &mut self,
        name: String,
        recording: String,
        caller: WitAddress,
        duration_ms: u64,
    ) -> Answer<wit::Message> {
        let op = VoicemailOp::Store {
            recording,
            caller: address(caller),
            duration_ms,
        };
        self.voicemail(name, op, |value| match value {
            VoicemailValue::Stored(stored) => Some(message(*stored)),
            _ => None,
        })
        .await
    }

    async fn list(
        &mut self,
        name: String,
        state: Option<wit::State>,
        offset: u32,
        limit: u32,
    ) -> Answer<Vec<wit::Message>> {
        let state = state.map(state_from_wit);
        let op = VoicemailOp::List { state, offset, limit };
        self.voicemail(name, op, |value| match value {
            VoicemailValue::Listed(listed) => Some(listed.into_iter().map(message).collect()),
            _ => None,
        })
        .await
    }

    async fn mark(&mut self, name: String, id: u64, state: wit::State) -> Answer<()> {
        let state = state_from_wit(state);
        self.voicemail(name, VoicemailOp::Mark { id, state }, done).await
    }

    async fn delete(&mut self, name: String, id: u64) -> Answer<()> {
        self.voicemail(name, VoicemailOp::Delete { id }, done).await
    }

    async fn count(&mut self, name: String) -> Answer<wit::Counts> {
        self.voicemail(name, VoicemailOp::Count, |value| match value {
            VoicemailValue::Counted(counts) => Some(wit::Counts {
                new: counts.new,
                heard: counts.heard,
                saved: counts.saved,
            }),
            _ => None,
        })
        .await
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it stands where others take what is in it"
)]
fn done(value: VoicemailValue) -> Option<()> {
    matches!(value, VoicemailValue::Done).then_some(())
}

fn message(message: VoicemailMessage) -> wit::Message {
    wit::Message {
        id: message.id,
        recording: message.recording,
        caller: address_to_wit(message.caller),
        stored_ms: message.stored_ms,
        duration_ms: message.duration_ms,
        state: match message.state {
            VoicemailState::New => wit::State::New,
            VoicemailState::Heard => wit::State::Heard,
            VoicemailState::Saved => wit::State::Saved,
        },
    }
}

fn state_from_wit(state: wit::State) -> VoicemailState {
    match state {
        wit::State::New => VoicemailState::New,
        wit::State::Heard => VoicemailState::Heard,
        wit::State::Saved => VoicemailState::Saved,
    }
}

fn error(error: VoicemailError) -> wit::VoicemailError {
    match error {
        VoicemailError::NoBox => wit::VoicemailError::NoBox,
        VoicemailError::NotFound => wit::VoicemailError::NotFound,
        VoicemailError::Full(words) => wit::VoicemailError::Full(words),
        VoicemailError::BadArgument(words) => wit::VoicemailError::BadArgument(words),
        VoicemailError::Unavailable => wit::VoicemailError::Unavailable,
    }
}
