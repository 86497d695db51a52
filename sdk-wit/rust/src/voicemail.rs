//! Boxes that keep messages: one for each user of the domain, and those that the administrator made under a name of their
//! own. A message's sound is a recording of the domain.

use crate::Address;
use crate::bindings::tandem::pbx::voicemail as raw;
pub use crate::bindings::tandem::pbx::voicemail::{Counts, Message, State, VoicemailError};
use crate::recording::Recording;

/// Puts a recording into a box, as a new message; it goes when the message does. Stored again in the same box it is the
/// same message.
pub fn store(of: &str, recording: &Recording, caller: &Address) -> Result<Message, VoicemailError> {
    raw::store(of, &recording.name, caller, recording.duration_ms)
}

/// Up to `limit` (1 to 100) messages of a box, newest first, after the first `offset` of them; with a state only those.
pub fn list(of: &str, state: Option<State>, offset: u32, limit: u32) -> Result<Vec<Message>, VoicemailError> {
    raw::list(of, state, offset, limit)
}

/// Gives a message of a box another state.
pub fn mark(of: &str, id: u64, state: State) -> Result<(), VoicemailError> {
    raw::mark(of, id, state)
}

/// Deletes a message of a box with its recording. There is none: nothing happens.
pub fn delete(of: &str, id: u64) -> Result<(), VoicemailError> {
    raw::delete(of, id)
}

/// How many messages a box has.
pub fn count(of: &str) -> Result<Counts, VoicemailError> {
    raw::count(of)
}

/// For `?` in a scenario: the text of its error.
impl From<VoicemailError> for String {
    fn from(error: VoicemailError) -> Self {
        match error {
            VoicemailError::NoBox => "voicemail: there is no such box".into(),
            VoicemailError::NotFound => "voicemail: there is no such message or recording".into(),
            VoicemailError::Full(why) => format!("voicemail: full: {why}"),
            VoicemailError::BadArgument(why) => format!("voicemail: bad argument: {why}"),
            VoicemailError::Unavailable => "voicemail: unavailable".into(),
        }
    }
}
