//! A talk about a box, whoever has it: how it begins and ends.

use tandem_sdk::voicemail::{self, VoicemailError};
use tandem_sdk::{Cause, Leg, LegError};

/// Why a talk cannot go on.
#[derive(Debug)]
pub enum Over {
    /// Nobody is left to talk to.
    Gone,
    /// What no caller can bring about: in words.
    Failed(String),
}

impl From<LegError> for Over {
    fn from(error: LegError) -> Self {
        match error {
            LegError::Gone => Self::Gone,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<VoicemailError> for Over {
    fn from(error: VoicemailError) -> Self {
        Self::Failed(error.into())
    }
}

/// Talks with the caller about the box `name`, and hangs up; where there is no such box, at once and with `without`.
pub fn about_box(
    caller: &Leg,
    name: &str,
    without: Cause,
    talk: impl FnOnce() -> Result<(), Over>,
) -> Result<(), String> {
    match voicemail::count(name) {
        Ok(_) => (),
        Err(VoicemailError::NoBox) => return Ok(caller.hang_up(without)?),
        Err(other) => return Err(other.into()),
    }
    match talk() {
        Ok(()) | Err(Over::Gone) => Ok(caller.hang_up(Cause::Normal)?),
        Err(Over::Failed(why)) => Err(why),
    }
}
