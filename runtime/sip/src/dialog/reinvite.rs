//! Re-INVITEs that cross each other (RFC 3261 §14).

use crate::message::Reject;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which INVITE of a dialog is open now. One at a time, of either side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reinvite {
    /// None.
    #[default]
    Idle,
    /// Ours has no final response.
    Sent,
    /// We have not answered the peer's, or have no ACK of our 2xx.
    Received,
}

impl Reinvite {
    /// Whether we may send one now; if so it is open until [`Self::end`].
    pub fn send(&mut self) -> bool {
        match self {
            Reinvite::Idle => {
                *self = Reinvite::Sent;
                true
            }
            Reinvite::Sent | Reinvite::Received => false,
        }
    }

    /// The peer's came (§14.2): 491 if it crosses ours, 500 if its last one is open still (add
    /// Retry-After of 0 to 10 s). Otherwise it is open until [`Self::end`].
    pub fn receive(&mut self) -> Result<(), Reject> {
        match self {
            Reinvite::Idle => {
                *self = Reinvite::Received;
                Ok(())
            }
            Reinvite::Sent => Err(Reject::new(491, "Request Pending")),
            Reinvite::Received => Err(Reject::new(500, "INVITE Still Open")),
        }
    }

    /// The open one came to its end: final response to ours, refusal or ACK of the peer's.
    pub fn end(&mut self) {
        *self = Reinvite::Idle;
    }
}

/// How long to wait after a 491 before trying again (§14.1): who made the Call-ID waits 2.1 to 4 s,
/// the other 0 to 2 s, in steps of 10 ms, so that they do not meet again.
pub fn glare_delay(made_call_id: bool, rng: &mut StdRng) -> Duration {
    let steps = if made_call_id {
        rng.random_range(210..=400)
    } else {
        rng.random_range(0..=200)
    };
    Duration::from_millis(10 * steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn crossing_reinvites_are_refused_with_491() {
        let mut open = Reinvite::default();
        assert!(open.send());
        assert_eq!(open.receive().map_err(|reject| reject.status), Err(491));
        open.end();
        assert!(open.receive().is_ok());
        assert!(!open.send());
        assert_eq!(open.receive().map_err(|reject| reject.status), Err(500));
    }

    #[test]
    fn the_two_sides_of_a_glare_never_wait_equally_long() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..1_000 {
            let (long, short) = (glare_delay(true, &mut rng), glare_delay(false, &mut rng));
            assert!((2_100..=4_000).contains(&long.as_millis()), "{long:?}");
            assert!(short.as_millis() <= 2_000, "{short:?}");
        }
    }
}
