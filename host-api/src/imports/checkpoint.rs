//! `checkpoint`: a scenario that begins anew with what it hands over. No host call of its own: what was handed over is an
//! argument of the next instance, as the caller's leg is.

use tandem_bindings::tandem::pbx::checkpoint as wit;
use wasmtime::Result;

use crate::door::{Door, Stop};

/// Bytes of state.
const STATE_MAX: usize = 65_536;

impl wit::Host for Door {
    async fn load(&mut self) -> Result<Option<wit::Saved>> {
        let Some(state) = self.take_start() else {
            return Ok(None);
        };
        let legs = state.legs.into_iter().map(|leg| self.hold(leg));
        Ok(Some(wit::Saved {
            legs: legs.collect::<Result<_>>()?,
            state: state.state,
        }))
    }

    async fn renew(&mut self, state: Vec<u8>) -> Result<Result<(), wit::CheckpointError>> {
        if state.len() > STATE_MAX {
            let why = format!("state: {} bytes, at most {STATE_MAX} are kept", state.len());
            return Ok(Err(wit::CheckpointError::BadArgument(why)));
        }
        match self.start_again(state) {
            Some(start) => {
                self.admit_again().map_err(wasmtime::Error::new)?;
                Err(wasmtime::Error::new(Stop::Anew(start)))
            }
            None => Ok(Err(wit::CheckpointError::NoCall)),
        }
    }
}
