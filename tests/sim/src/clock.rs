//! Virtual time: one clock for each thread, because a world lives on one thread.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tandem_host_api::Clock;
use tandem_sip::Moment;

thread_local! {
    static NOW: Cell<Moment> = const { Cell::new(BEGIN) };
}

/// When every world begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Moment = Moment::from_unix_micros(1_767_225_600_000_000);

/// The time in this thread's world.
pub fn now() -> Moment {
    NOW.get()
}

/// Sets it.
pub fn set(now: Moment) {
    NOW.set(now);
}

/// The same, as guests are told it.
pub fn timestamp() -> Timestamp {
    Timestamp::from_microsecond(now().unix_micros() as i64).unwrap_or_default()
}

/// What journals and quotas count by.
pub fn clock() -> Clock {
    Arc::new(|| now() - BEGIN)
}

/// Milliseconds.
pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Seconds.
pub const fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}
