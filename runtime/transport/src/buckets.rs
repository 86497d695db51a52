//! Bounds what one source can make us say: a token bucket per IP address, in a table that never grows.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Instant;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f32,
    filled_at: Instant,
}

/// The buckets of all sources.
///
/// Two sources that fall into one slot share it: that only makes us quieter, and a table of fixed size cannot be
/// filled up by sources that nobody owns. The hash is keyed, so that nobody can choose whom to share with.
#[derive(Debug)]
pub(crate) struct Buckets {
    slots: Vec<Bucket>,
    hash: RandomState,
    per_second: f32,
}

impl Buckets {
    pub fn new(slots: usize, per_second: u32, now: Instant) -> Self {
        let per_second = per_second as f32;
        let full = Bucket {
            tokens: 2.0 * per_second,
            filled_at: now,
        };
        Self {
            slots: vec![full; slots.max(1)],
            hash: RandomState::new(),
            per_second,
        }
    }

    fn slot_of(&self, source: IpAddr) -> usize {
        self.hash.hash_one(source) as usize % self.slots.len()
    }

    /// Takes a token of `source`; false: it had its share.
    pub fn take(&mut self, source: IpAddr, now: Instant) -> bool {
        let slot = self.slot_of(source);
        let Some(bucket) = self.slots.get_mut(slot) else {
            return false;
        };
        let passed = now.saturating_duration_since(bucket.filled_at).as_secs_f32();
        bucket.tokens = (bucket.tokens + passed * self.per_second).min(2.0 * self.per_second);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_source_gets_its_burst_then_its_rate_and_others_are_unharmed() {
        let now = Instant::now();
        let mut buckets = Buckets::new(4_096, 10, now);
        let (noisy, quiet): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!((0..100).filter(|_| buckets.take(noisy, now)).count(), 20);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| buckets.take(noisy, later)).count(), 10);
        // One chance in 4,096 that both share a slot.
        if buckets.slot_of(noisy) != buckets.slot_of(quiet) {
            assert!(buckets.take(quiet, later));
        }
    }
}
