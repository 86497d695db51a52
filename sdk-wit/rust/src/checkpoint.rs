//! For calls of hours: begin again from what one has to know, with an empty journal.
//!
//! ```no_run
//! # use tandem_sdk::{Leg, checkpoint};
//! fn handle(caller: Leg) -> Result<(), String> {
//!     let mut heard = match checkpoint::load() {
//!         Some(saved) => saved.state,
//!         None => Vec::new(),
//!     };
//!     // ... an hour's work, then:
//!     heard.push(1);
//!     Err(checkpoint::renew(&heard).into())
//! }
//! ```

use crate::Leg;
use crate::bindings::tandem::pbx::checkpoint as raw;

pub use raw::CheckpointError;

/// What the scenario handed over.
#[derive(Debug)]
pub struct Saved {
    /// As it was given.
    pub state: Vec<u8>,
    /// The legs that the scenario held besides the caller's, in the order in which they were dialled.
    pub legs: Vec<Leg>,
}

/// What was handed over, once. `None`: the call has only begun, or it was asked before.
pub fn load() -> Option<Saved> {
    let saved = raw::load()?;
    Some(Saved {
        state: saved.state,
        legs: saved.legs.into_iter().map(Leg::from).collect(),
    })
}

/// Ends this instance and calls the handler again, with the same caller, in a new instance that can [`load`] the state,
/// at most 65,536 bytes. Legs stay as they are; memory and journal begin anew, the time to compute only after a minute.
/// Comes back only where it is refused.
#[must_use]
pub fn renew(state: &[u8]) -> CheckpointError {
    match raw::renew(state) {
        Err(error) => error,
        Ok(()) => unreachable!("the host never lets this function return well"),
    }
}

/// For `?` in a scenario: the text of its error.
impl From<CheckpointError> for String {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::BadArgument(what) => format!("renew: {what}"),
            CheckpointError::NoCall => "renew: there is no call".to_owned(),
        }
    }
}
