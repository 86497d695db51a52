//! What all calls of a domain may use together: instances at the same time, host calls per second.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::journal::Clock;

/// The figures of one domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainLimits {
    /// Scenarios running at the same time.
    pub instances: u32,
    /// Host calls per second of all of them, as a lasting rate.
    pub host_calls_per_s: u32,
    /// Host calls at once, above the rate.
    pub host_calls_burst: u32,
}

impl Default for DomainLimits {
    fn default() -> Self {
        Self {
            instances: 1_000,
            host_calls_per_s: 50_000,
            host_calls_burst: 100_000,
        }
    }
}

/// One domain's share, held by all its calls; a clone is another hold on the same share.
#[derive(Clone)]
pub struct DomainQuota {
    shared: Arc<Shared>,
}

struct Shared {
    limits: DomainLimits,
    clock: Clock,
    instances: AtomicU32,
    host_calls: Mutex<TokenBucket>,
}

impl DomainQuota {
    /// A share with nothing used yet. `clock` drives the refill: the wall's, or a simulator's.
    pub fn new(limits: DomainLimits, clock: Clock) -> Self {
        let bucket = TokenBucket::new(limits.host_calls_per_s, limits.host_calls_burst, clock());
        Self {
            shared: Arc::new(Shared {
                limits,
                clock,
                instances: AtomicU32::new(0),
                host_calls: Mutex::new(bucket),
            }),
        }
    }

    /// Scenarios of the domain that run now.
    pub fn instances(&self) -> u32 {
        self.shared.instances.load(Ordering::Relaxed)
    }

    /// Takes a place for one instance; dropping it gives it back. The error says the limit in words.
    pub(crate) fn enter(&self) -> Result<Place, String> {
        let max = self.shared.limits.instances;
        self.shared
            .instances
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                (now < max).then(|| now + 1)
            })
            .map_err(|_| format!("the domain runs {max} scenarios already, which is its limit"))?;
        Ok(Place {
            shared: Arc::clone(&self.shared),
        })
    }

    /// As [`Self::enter`], for a scenario that ran already when its server died: it is not refused now, whatever the
    /// limit has become.
    pub(crate) fn enter_again(&self) -> Place {
        self.shared.instances.fetch_add(1, Ordering::Relaxed);
        Place {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Takes up to `wanted` host calls out of the domain's rate and tells how many there were.
    pub(crate) fn take_host_calls(&self, wanted: u32) -> u32 {
        let now = (self.shared.clock)();
        let mut bucket = self
            .shared
            .host_calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        bucket.take_up_to(wanted, now)
    }

    /// Gives back what [`Self::take_host_calls`] took and the call did not use.
    pub(crate) fn return_host_calls(&self, unused: u32) {
        let mut bucket = self
            .shared
            .host_calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        bucket.give_back(unused);
    }

    /// The domain's rate, for messages.
    pub(crate) fn host_calls_per_s(&self) -> u32 {
        self.shared.limits.host_calls_per_s
    }
}

/// A running instance's place in its domain.
pub(crate) struct Place {
    shared: Arc<Shared>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.instances.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A rate with a burst. Tokens are counted in millionths, so that slow rates refill evenly.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    micro_tokens: u64,
    per_s: u64,
    micro_tokens_max: u64,
    refilled: Duration,
}

const MICRO: u64 = 1_000_000;

impl TokenBucket {
    pub(crate) fn new(per_s: u32, burst: u32, now: Duration) -> Self {
        // A burst of nothing would refuse everybody for ever.
        let micro_tokens_max = u64::from(burst.max(1)) * MICRO;
        Self {
            micro_tokens: micro_tokens_max,
            per_s: u64::from(per_s),
            micro_tokens_max,
            refilled: now,
        }
    }

    /// Takes one token; false: there is none.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        self.take_up_to(1, now) == 1
    }

    fn take_up_to(&mut self, wanted: u32, now: Duration) -> u32 {
        // Refilling only an empty bucket would be cheaper, but would let an idle call save up more than its burst.
        let elapsed_us = u64::try_from(now.saturating_sub(self.refilled).as_micros()).unwrap_or(u64::MAX);
        if elapsed_us > 0 {
            self.refilled = now;
            self.micro_tokens = self
                .micro_tokens
                .saturating_add(elapsed_us.saturating_mul(self.per_s))
                .min(self.micro_tokens_max);
        }
        let taken = u64::from(wanted).min(self.micro_tokens / MICRO);
        self.micro_tokens -= taken * MICRO;
        taken as u32
    }

    fn give_back(&mut self, unused: u32) {
        self.micro_tokens = (self.micro_tokens + u64::from(unused) * MICRO).min(self.micro_tokens_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_gives_its_burst_then_its_rate() {
        let mut bucket = TokenBucket::new(10, 3, Duration::ZERO);
        assert_eq!(bucket.take_up_to(5, Duration::ZERO), 3);
        assert!(!bucket.take(Duration::from_millis(99)));
        assert!(bucket.take(Duration::from_millis(100)));
        assert!(!bucket.take(Duration::from_millis(100)));
        assert_eq!(
            bucket.take_up_to(100, Duration::from_hours(1)),
            3,
            "never more than the burst"
        );
    }

    #[test]
    fn place_is_given_back_when_dropped() {
        let limits = DomainLimits {
            instances: 1,
            ..DomainLimits::default()
        };
        let quota = DomainQuota::new(limits, Arc::new(|| Duration::ZERO));
        let place = quota.enter().unwrap();
        let refusal = quota.clone().enter().err().unwrap();
        assert!(refusal.contains("1 scenarios"), "{refusal}");
        drop(place);
        assert!(quota.enter().is_ok());
    }
}
