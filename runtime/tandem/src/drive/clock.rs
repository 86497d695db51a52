//! The process's clock: the world's time, read once, carried on by the monotonic clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tandem_sip::Moment;

static BEGIN: OnceLock<(Instant, Moment)> = OnceLock::new();

fn begin() -> (Instant, Moment) {
    *BEGIN.get_or_init(|| {
        // A clock before 1970 is wrong by more than anything here can mend.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), Moment::default() + since)
    })
}

/// The time now.
pub fn now() -> Moment {
    let (instant, moment) = begin();
    moment + instant.elapsed()
}

/// The same moment on the monotonic clock; now, where it is past.
pub fn instant_of(at: Moment) -> Instant {
    let wait: Duration = at - now();
    Instant::now() + wait.min(Duration::from_hours(24))
}
