use std::time::Duration;

use crate::Leg;
use crate::bindings::tandem::pbx::transfer as raw;
use crate::clock::millis;
use crate::{TransferFailure, TransferTarget};

/// Asks the phone of an answered leg to call somebody else (REFER), and returns with the outcome of that call, or after
/// `timeout` (1 s to 10 min). The leg stays up: hang it up after success, or go on with it after a failure.
pub fn transfer(leg: &Leg, target: &TransferTarget, timeout: Duration) -> Result<(), TransferFailure> {
    raw::transfer(leg.raw(), target, millis(timeout))
}

impl TransferTarget {
    /// A number or user of the domain.
    pub fn number(number: impl Into<String>) -> Self {
        Self::Number(number.into())
    }

    /// A `sip:`, `sips:` or `tel:` URI.
    pub fn uri(uri: impl Into<String>) -> Self {
        Self::Uri(uri.into())
    }
}

/// For `?` in a scenario: the text of its error.
impl From<TransferFailure> for String {
    fn from(failure: TransferFailure) -> Self {
        match failure {
            TransferFailure::Gone => "transfer: the peer hung up".into(),
            TransferFailure::WrongState(why) => format!("transfer: wrong state: {why}"),
            TransferFailure::BadArgument(why) => format!("transfer: bad argument: {why}"),
            TransferFailure::NotAccepted((status, reason)) => {
                format!("transfer: not accepted: {status} {reason}")
            }
            TransferFailure::Failed((status, reason)) => format!("transfer: failed: {status} {reason}"),
            TransferFailure::TimedOut => "transfer: timed out".into(),
            TransferFailure::Limit(why) => format!("transfer: limit: {why}"),
        }
    }
}
