//! Calls that no caller began.

use std::time::Duration;

use crate::bindings::tandem::pbx::originate as raw;
pub use crate::bindings::tandem::pbx::originate::OriginateFailure;
use crate::clock::millis;
use crate::{Address, Target};

/// How to ring. By default: for 30 s, showing the entry point's number.
#[derive(Debug, Clone)]
pub struct Originate {
    /// Who the target sees; `None`: the entry point's number. Its host is always the domain.
    pub caller_id: Option<Address>,
    /// How long the target rings: 1 s to 10 min.
    pub ring: Duration,
}

impl Default for Originate {
    fn default() -> Self {
        Self {
            caller_id: None,
            ring: Duration::from_secs(30),
        }
    }
}

/// Begins a call to a target and gives its id, without waiting for the answer. When a device of the target answers, the
/// scenario behind `entry_point` handles the call, with the leg that answered as its caller; it reads `data` (at most
/// 8,192 bytes) by [`data`]. A domain originates at most 60 calls a minute.
pub fn call(
    target: &Target,
    entry_point: &str,
    data: &str,
    how: &Originate,
) -> Result<String, OriginateFailure> {
    let options = raw::CallOptions {
        caller_id: how.caller_id.clone(),
        ring_ms: millis(how.ring),
    };
    raw::call(target, entry_point, data, &options)
}

/// What this call was originated with; `None`: a caller began it, or there is no call.
pub fn data() -> Option<String> {
    raw::data()
}

/// For `?` in a scenario: the text of its error.
impl From<OriginateFailure> for String {
    fn from(failure: OriginateFailure) -> Self {
        match failure {
            OriginateFailure::NotFound(target) => format!("originate: {target} leads to nobody"),
            OriginateFailure::NoEntryPoint(number) => {
                format!("originate: {number} leads to no call scenario")
            }
            OriginateFailure::BadArgument(why) => format!("originate: bad argument: {why}"),
            OriginateFailure::Limit(why) => format!("originate: limit: {why}"),
            OriginateFailure::Unavailable => "originate: unavailable".into(),
        }
    }
}
