use crate::bindings::tandem::pbx::hold as raw;
use crate::{Leg, LegError};

/// Plays the domain's music, or a short melody where it has none, until [`resume`] or the next playback, collection,
/// recording or bridge on the leg. Returns at once.
pub fn hold(leg: &Leg) -> Result<(), LegError> {
    raw::hold(leg.raw())
}

/// Ends the music. Not held: nothing happens.
pub fn resume(leg: &Leg) -> Result<(), LegError> {
    raw::resume(leg.raw())
}
