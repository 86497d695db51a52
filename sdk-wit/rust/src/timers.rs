//! Times at which an event scenario of the domain is started. They outlive calls and restarts.

use std::time::Duration;

use crate::bindings::tandem::pbx::timers as raw;
pub use crate::bindings::tandem::pbx::timers::TimerError;

/// Sets a timer of the domain, or moves the one of this name: after the time, at most 400 days, the event scenario behind
/// `event:timer-NAME` is given an event of the kind `timer`, whose data has `name`, `due_ms` and `data` (at most 16,384
/// bytes).
///
/// A name is 1 to 64 bytes: `a` to `z`, `0` to `9`, `-`, `_`, `.`; behind a `/` may stand more. What stands before the `/`
/// chooses the entry point: `reminder/4711` starts `event:timer-reminder`. A domain has at most 1,000 timers that wait.
pub fn set(name: &str, after: Duration, data: &str) -> Result<(), TimerError> {
    raw::set(name, u64::try_from(after.as_millis()).unwrap_or(u64::MAX), data)
}

/// Takes a timer away; true: there was one that waited. What was due already is given all the same.
pub fn cancel(name: &str) -> Result<bool, TimerError> {
    raw::cancel(name)
}

/// For `?` in a scenario: the text of its error.
impl From<TimerError> for String {
    fn from(error: TimerError) -> Self {
        match error {
            TimerError::NoEntryPoint(name) => format!("timer: there is no entry point {name}"),
            TimerError::BadArgument(why) => format!("timer: bad argument: {why}"),
            TimerError::Limit(why) => format!("timer: limit: {why}"),
            TimerError::Unavailable => "timer: unavailable".into(),
        }
    }
}
