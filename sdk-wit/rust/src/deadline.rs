//! One time limit for all that a scenario waits for.

use std::time::Duration;

use crate::bindings::tandem::pbx::deadline as raw;
use crate::clock::millis;

/// Sets the deadline, in the place of the one before; more than 24 hours is taken for that. When it has passed, what the
/// scenario waits for ends, and what would wait ends at once, until [`set`] or [`clear`]: playing, collecting, dialling,
/// bridges, transfers, HTTP and [`leg_events`](crate::leg_events) with the error `Limit`, a recording with what there is,
/// a sleep by returning. Legs stay up.
pub fn set(after: Duration) {
    raw::set(millis(after));
}

/// Takes the deadline away.
pub fn clear() {
    raw::clear();
}

/// Whether there is a deadline, and it has passed.
pub fn passed() -> bool {
    raw::passed()
}
