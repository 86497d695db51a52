use crate::{BridgeEnd, Leg, LegError};

/// Connects two legs and returns when one of them is gone; answers `first` if it is not answered yet.
///
/// The other leg stays up: hang it up or go on with it. [`LegError::Gone`]: one was gone already, nothing was bridged.
pub fn bridge(first: &Leg, second: &Leg) -> Result<BridgeEnd, LegError> {
    crate::bindings::tandem::pbx::bridge::bridge(first.raw(), second.raw())
}
