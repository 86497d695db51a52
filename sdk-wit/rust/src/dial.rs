use std::time::Duration;

use crate::bindings::tandem::pbx::dial as raw;
use crate::clock::millis;
use crate::{Address, DialFailure, Leg, Strategy, Target};

/// How to dial. By default: all targets at once, for 30 s, showing the caller, with ringback.
#[derive(Debug, Clone)]
pub struct Dial {
    /// All targets at once, or one after another.
    pub strategy: Strategy,
    /// How long each target rings: 1 s to 10 min.
    pub timeout: Duration,
    /// Who the callee sees; `None`: the caller. Its host is always the domain.
    pub caller_id: Option<Address>,
    /// Lets the caller hear ringback while a target rings; a caller without media yet is sent 180 instead.
    pub ringback: bool,
}

impl Default for Dial {
    fn default() -> Self {
        Self {
            strategy: Strategy::Parallel,
            timeout: Duration::from_secs(30),
            caller_id: None,
            ringback: true,
        }
    }
}

/// Calls 1 to 16 targets for `caller`, whose end cancels the attempt, and gives the leg that answered.
///
/// The failure is that of the target whose reason says most: busy over no answer over unreachable.
pub fn dial(caller: &Leg, targets: &[Target], how: &Dial) -> Result<Leg, DialFailure> {
    let options = raw::DialOptions {
        strategy: how.strategy,
        timeout_ms: millis(how.timeout),
        caller_id: how.caller_id.clone(),
        ringback: how.ringback,
    };
    raw::dial(caller.raw(), targets, &options).map(Leg::from)
}

impl Target {
    /// A user of the domain, by name: all its devices ring.
    pub fn user(name: impl Into<String>) -> Self {
        Self::User(name.into())
    }

    /// A number of the domain: an extension, or a number that leads to a user.
    pub fn number(number: impl Into<String>) -> Self {
        Self::Number(number.into())
    }
}

/// For `?` in a scenario: the text of its error.
impl From<DialFailure> for String {
    fn from(failure: DialFailure) -> Self {
        match failure {
            DialFailure::NotFound(target) => format!("dial: {target} leads to nobody"),
            DialFailure::Unreachable => "dial: no device could be reached".into(),
            DialFailure::Busy => "dial: busy".into(),
            DialFailure::NoAnswer => "dial: no answer".into(),
            DialFailure::Declined => "dial: declined".into(),
            DialFailure::Rejected((status, reason)) => format!("dial: rejected with {status} {reason}"),
            DialFailure::CallerGone => "dial: the caller hung up".into(),
            DialFailure::Media(why) => format!("dial: media: {why}"),
            DialFailure::BadArgument(why) => format!("dial: bad argument: {why}"),
            DialFailure::Limit(why) => format!("dial: limit: {why}"),
        }
    }
}
