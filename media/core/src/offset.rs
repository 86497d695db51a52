//! Instants that leave their process: told by their distance from one that both sides know.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Nanoseconds from a known instant, before it where negative. Whole nanoseconds, so that clocks of samples that are
/// taken up again fall on the same sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offset(i64);

impl Offset {
    pub(crate) fn of(at: Instant, known: Instant) -> Offset {
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        match at.checked_duration_since(known) {
            Some(after) => Offset(nanos(after)),
            None => Offset(-nanos(known.saturating_duration_since(at))),
        }
    }

    /// The instant; the known one itself where the system's clock does not reach so far.
    pub(crate) fn from(self, known: Instant) -> Instant {
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        if self.0 < 0 {
            known.checked_sub(distance)
        } else {
            known.checked_add(distance)
        }
        .unwrap_or(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_come_back_on_both_sides() {
        let known = Instant::now();
        for at in [
            known,
            known + Duration::from_nanos(20_000_001),
            known.checked_sub(Duration::from_nanos(1)).unwrap(),
        ] {
            assert_eq!(Offset::of(at, known).from(known), at);
        }
    }
}
