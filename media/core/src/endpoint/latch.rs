//! Where an endpoint's peer truly is: symmetric RTP with a lock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The locked source must have been silent so long before a stranger may follow it, and only after a new agreement.
const SILENT_BEFORE_MOVE: Duration = Duration::from_secs(2);

/// Latches on the first source of valid packets and stays with it, so that nobody else who finds the port can speak to
/// the call or have its sound sent to himself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latch<T = Instant> {
    signalled: SocketAddr,
    locked: Option<Locked<T>>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Locked<T> {
    source: SocketAddr,
    heard_at: T,
    may_move: bool,
}

impl<T: Copy> Latch<T> {
    /// The same latch with its times told in another way.
    pub(crate) fn timed<U>(&self, time: impl Fn(T) -> U) -> Latch<U> {
        Latch {
            signalled: self.signalled,
            locked: self.locked.map(|locked| Locked {
                source: locked.source,
                heard_at: time(locked.heard_at),
                may_move: locked.may_move,
            }),
        }
    }
}

impl Latch {
    pub(crate) fn new(signalled: SocketAddr) -> Latch {
        Latch {
            signalled,
            locked: None,
        }
    }

    /// Locked on a source that was heard before, as if it had just been heard.
    pub(crate) fn locked_on(signalled: SocketAddr, source: SocketAddr, now: Instant) -> Latch {
        let locked = Some(Locked {
            source,
            heard_at: now,
            may_move: false,
        });
        Latch { signalled, locked }
    }

    /// The true source, once heard.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.locked.map(|locked| locked.source)
    }

    /// The peer's description was agreed anew. Only a changed address lets the lock move.
    pub(crate) fn agree(&mut self, signalled: SocketAddr) {
        if self.signalled != signalled {
            self.signalled = signalled;
            if let Some(locked) = &mut self.locked {
                locked.may_move = true;
            }
        }
    }

    /// A packet that is valid in itself came from `from`; false: from a stranger, to be dropped.
    pub(crate) fn admits(&mut self, from: SocketAddr, now: Instant) -> bool {
        match &mut self.locked {
            Some(locked) if locked.source == from => {
                locked.heard_at = now;
                true
            }
            // The address that the peer itself named outranks a source that was merely first.
            Some(locked)
                if from == self.signalled
                    || (locked.may_move
                        && now.saturating_duration_since(locked.heard_at) >= SILENT_BEFORE_MOVE) =>
            {
                *locked = Locked {
                    source: from,
                    heard_at: now,
                    may_move: false,
                };
                true
            }
            Some(_) => false,
            None => {
                self.locked = Some(Locked {
                    source: from,
                    heard_at: now,
                    may_move: false,
                });
                true
            }
        }
    }

    /// Where to send: the true source once heard; after a change of agreement the new address, until heard again.
    pub(crate) fn destination(&self) -> SocketAddr {
        match self.locked {
            Some(locked) if !locked.may_move => locked.source,
            Some(_) | None => self.signalled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn the_first_source_holds_the_lock() {
        let now = Instant::now();
        let mut latch = Latch::new(addr(1));
        assert_eq!(latch.destination(), addr(1));
        assert!(latch.admits(addr(2), now));
        assert!(!latch.admits(addr(3), now + Duration::from_mins(1)));
        assert_eq!(latch.destination(), addr(2));
        // The named address takes the lock from who was faster, and keeps it.
        assert!(latch.admits(addr(1), now));
        assert!(!latch.admits(addr(2), now));
    }

    #[test]
    fn a_new_agreement_lets_the_lock_move_after_silence() {
        let now = Instant::now();
        let mut latch = Latch::new(addr(1));
        assert!(latch.admits(addr(2), now));
        latch.agree(addr(1));
        assert!(
            !latch.admits(addr(3), now + Duration::from_secs(9)),
            "nothing new was agreed"
        );
        latch.agree(addr(5));
        assert_eq!(latch.destination(), addr(5));
        assert!(latch.admits(addr(2), now), "the old source is still heard");
        assert!(!latch.admits(addr(3), now + Duration::from_secs(1)));
        assert!(latch.admits(addr(3), now + Duration::from_secs(2)));
        assert_eq!(latch.destination(), addr(3));
        assert!(!latch.admits(addr(2), now + Duration::from_secs(2)));
    }
}
