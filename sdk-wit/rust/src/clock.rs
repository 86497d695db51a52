//! Time as the journal knows it: a replay sees the same.

use std::time::Duration;

use crate::bindings::tandem::pbx::clock;
pub use crate::bindings::tandem::pbx::clock::LocalTime;

/// Time since 1970-01-01T00:00:00Z, to the millisecond.
pub fn since_epoch() -> Duration {
    Duration::from_millis(clock::now_ms())
}

/// The same moment in the domain's time zone.
pub fn local() -> LocalTime {
    clock::local()
}

/// Waits, up to 24 hours; more is taken for that.
pub fn sleep(time: Duration) {
    clock::sleep_ms(millis(time));
}

/// Milliseconds for the host, which refuses or caps what is above its range anyway.
pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
