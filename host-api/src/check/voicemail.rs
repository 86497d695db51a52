//! The ranges of `voicemail`.

use super::{NAME_BYTES_MAX, at_most, check_identity, check_recording_name, within};
use crate::op::VoicemailOp;

const MESSAGES_MAX: u32 = 100;

pub(super) fn check(name: &str, op: &VoicemailOp) -> Result<(), String> {
    at_most("the box's name", name.len(), NAME_BYTES_MAX, "bytes")?;
    match op {
        VoicemailOp::Store {
            recording, caller, ..
        } => {
            check_recording_name(recording)?;
            at_most("caller", caller.host.len(), NAME_BYTES_MAX, "bytes")?;
            check_identity("caller", Some(caller))
        }
        VoicemailOp::List { limit, .. } => within("limit", *limit, 1, MESSAGES_MAX),
        VoicemailOp::Mark { .. } | VoicemailOp::Delete { .. } | VoicemailOp::Count => Ok(()),
    }
}
