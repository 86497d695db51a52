//! What all calls of a domain may use together: instances at the same time, host calls and time to compute per second.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::journal::Clock;
use crate::limits::DomainMemory;

/// The figures of one domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainLimits {
    /// Scenarios running at the same time.
    pub instances: u32,
    /// Host calls per second of all of them, as a lasting rate.
    pub host_calls_per_s: u32,
    /// Host calls at once, above the rate.
    pub host_calls_burst: u32,
    /// Milliseconds in which its scenarios may compute per second, as a lasting rate: 1,000 are a whole core. They may
    /// do so for [`CPU_BURST_S`] seconds at once.
    pub cpu_ms_per_s: u32,
}

/// Bytes of log text per second of all scenarios of a domain, as a lasting rate.
pub const LOG_BYTES_PER_S: u32 = 1 << 20;
/// Bytes of log text at once, above the rate.
pub const LOG_BYTES_BURST: u32 = 8 << 20;

/// For how long it is remembered of a domain that one of its scenarios computed for long.
const LONG_REMEMBERED_MS: u64 = 10_000;

/// How many seconds' worth of computing time a domain may use at once.
pub const CPU_BURST_S: u32 = 5;

impl Default for DomainLimits {
    fn default() -> Self {
        Self {
            instances: 1_000,
            host_calls_per_s: 50_000,
            host_calls_burst: 100_000,
            cpu_ms_per_s: 1_000_000,
        }
    }
}

/// One domain's share, held by all its calls; a clone is another hold on the same share.
#[derive(Clone)]
pub struct DomainQuota {
    shared: Arc<Shared>,
}

/// What scenarios of a domain used between two questions ([`DomainQuota::take_used`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Time in which they computed, in microseconds.
    pub cpu_us: u64,
    /// The most linear memory that they had together, in bytes.
    pub memory_peak_bytes: u64,
}

struct Shared {
    /// Looked at where a scenario begins or a limit is met, never in a host call.
    limits: Mutex<DomainLimits>,
    clock: Clock,
    instances: AtomicU32,
    host_calls: Mutex<TokenBucket>,
    log_bytes: Mutex<TokenBucket>,
    cpu: CpuBucket,
    cpu_used_ns: AtomicU64,
    memory: Arc<DomainMemory>,
    /// Until when its scenarios compute one slice and no more where they delay others, by the clock.
    long_until_ms: AtomicU64,
    /// Whose turn it is to compute in the background.
    turns: Semaphore,
}

impl DomainQuota {
    /// A share with nothing used yet. `clock` drives the refill: the wall's, or a simulator's.
    pub fn new(limits: DomainLimits, clock: Clock) -> Self {
        let bucket = TokenBucket::new(limits.host_calls_per_s, limits.host_calls_burst, clock());
        Self {
            shared: Arc::new(Shared {
                limits: Mutex::new(limits),
                log_bytes: Mutex::new(TokenBucket::new(LOG_BYTES_PER_S, LOG_BYTES_BURST, clock())),
                cpu: CpuBucket::new(limits.cpu_ms_per_s, clock()),
                clock,
                instances: AtomicU32::new(0),
                host_calls: Mutex::new(bucket),
                cpu_used_ns: AtomicU64::new(0),
                memory: Arc::default(),
                long_until_ms: AtomicU64::new(0),
                turns: Semaphore::new(turns()),
            }),
        }
    }

    /// Has other limits from now on. What was used under those before stays used.
    pub fn set_limits(&self, limits: DomainLimits) {
        let mut now = self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == limits {
            return;
        }
        *now = limits;
        self.shared.cpu.set_rate(limits.cpu_ms_per_s);
        let mut bucket = self
            .shared
            .host_calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        bucket.set_rate(limits.host_calls_per_s, limits.host_calls_burst);
    }

    fn limits(&self) -> DomainLimits {
        *self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scenarios of the domain have computed for so long.
    pub(crate) fn charge_cpu(&self, spent: Duration) {
        let us = i64::try_from(spent.as_micros()).unwrap_or(i64::MAX);
        self.shared.cpu.left_us.fetch_sub(us, Ordering::Relaxed);
        self.shared
            .cpu_used_ns
            .fetch_add(spent.as_nanos() as u64, Ordering::Relaxed);
    }

    /// What the domain's scenarios used since this was asked last, those that run included.
    pub fn take_used(&self) -> Used {
        Used {
            cpu_us: self.shared.cpu_used_ns.swap(0, Ordering::Relaxed) / 1_000,
            memory_peak_bytes: self.shared.memory.take_peak(),
        }
    }

    /// A turn to compute in the background, to the end of what is returned. None never comes.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.turns.acquire().await.ok()
    }

    /// One of its scenarios computes for long.
    pub(crate) fn note_long(&self) {
        let now = (self.shared.clock)().as_millis() as u64;
        self.shared
            .long_until_ms
            .store(now + LONG_REMEMBERED_MS, Ordering::Relaxed);
    }

    /// Whether one of its scenarios has computed for long, lately.
    pub(crate) fn computed_for_long(&self) -> bool {
        let until = self.shared.long_until_ms.load(Ordering::Relaxed);
        ((self.shared.clock)().as_millis() as u64) < until
    }

    pub(crate) fn memory(&self) -> Arc<DomainMemory> {
        Arc::clone(&self.shared.memory)
    }

    /// Whether scenarios of the domain may go on computing. The error says the limit in words.
    pub(crate) fn may_compute(&self) -> Result<(), String> {
        if self.shared.cpu.refill((self.shared.clock)()) >= 0 {
            return Ok(());
        }
        let per_s = self.shared.cpu.per_s_ms.load(Ordering::Relaxed);
        Err(format!(
            "CPU: the domain's scenarios compute for more than {per_s} ms a second"
        ))
    }

    /// Scenarios of the domain that run now.
    pub fn instances(&self) -> u32 {
        self.shared.instances.load(Ordering::Relaxed)
    }

    /// Takes a place for one instance; dropping it gives it back. The error says the limit in words.
    pub(crate) fn enter(&self) -> Result<Place, String> {
        let max = self.limits().instances;
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

    /// Takes a line of so many bytes out of the domain's rate of log text; false: it is not in there.
    pub(crate) fn take_log(&self, bytes: u32) -> bool {
        let now = (self.shared.clock)();
        let mut bucket = self
            .shared
            .log_bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = bucket.take_up_to(bytes, now);
        if taken < bytes {
            bucket.give_back(taken);
        }
        taken == bytes
    }

    /// The domain's rate, for messages.
    pub(crate) fn host_calls_per_s(&self) -> u32 {
        self.limits().host_calls_per_s
    }
}

/// How many scenarios of a domain compute in the background at the same time: on a quarter of the machine.
fn turns() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 4).max(1))
}

/// Time to compute, as a rate with a burst, without a lock: all shards use it at each slice.
struct CpuBucket {
    left_us: AtomicI64,
    per_s_ms: AtomicU32,
    /// When it was refilled, in microseconds of the clock.
    refilled_us: AtomicU64,
}

impl CpuBucket {
    fn new(per_s_ms: u32, now: Duration) -> Self {
        Self {
            left_us: AtomicI64::new(Self::burst_us(per_s_ms)),
            per_s_ms: AtomicU32::new(per_s_ms),
            refilled_us: AtomicU64::new(now.as_micros() as u64),
        }
    }

    fn burst_us(per_s_ms: u32) -> i64 {
        i64::from(per_s_ms) * i64::from(CPU_BURST_S) * 1_000
    }

    fn set_rate(&self, per_s_ms: u32) {
        self.per_s_ms.store(per_s_ms, Ordering::Relaxed);
        self.left_us
            .fetch_min(Self::burst_us(per_s_ms), Ordering::Relaxed);
    }

    /// Adds what has come since the last time; what is left then, in microseconds.
    fn refill(&self, now: Duration) -> i64 {
        /// What is added at once: smaller parts would be rounded away.
        const EVERY_US: u64 = 1_000;
        let now = now.as_micros() as u64;
        let then = self.refilled_us.load(Ordering::Relaxed);
        let passed = now.saturating_sub(then);
        // One of those who come at the same time adds it.
        if passed >= EVERY_US
            && self
                .refilled_us
                .compare_exchange(then, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            let per_s_ms = self.per_s_ms.load(Ordering::Relaxed);
            let come = passed.saturating_mul(u64::from(per_s_ms)) / 1_000;
            let come = i64::try_from(come).unwrap_or(i64::MAX);
            let burst = Self::burst_us(per_s_ms);
            let full = |left: i64| Some(left.saturating_add(come).min(burst));
            // It always gives a value, so this cannot fail.
            let _ = self
                .left_us
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, full);
        }
        self.left_us.load(Ordering::Relaxed)
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
#[derive(Debug, Clone)]
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

    /// Another rate and burst; what is there stays, within the burst.
    fn set_rate(&mut self, per_s: u32, burst: u32) {
        self.per_s = u64::from(per_s);
        self.micro_tokens_max = u64::from(burst.max(1)) * MICRO;
        self.micro_tokens = self.micro_tokens.min(self.micro_tokens_max);
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
    fn a_domain_computes_for_its_burst_then_at_its_rate() {
        let now = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now);
        let limits = DomainLimits {
            cpu_ms_per_s: 10,
            ..DomainLimits::default()
        };
        let quota = DomainQuota::new(
            limits,
            Arc::new(move || Duration::from_millis(clock.load(Ordering::Relaxed))),
        );
        quota.charge_cpu(Duration::from_millis(50));
        assert_eq!(quota.may_compute(), Ok(()), "its burst");
        quota.charge_cpu(Duration::from_millis(1));
        let refusal = quota.may_compute().unwrap_err();
        assert!(refusal.contains("10 ms a second"), "{refusal}");
        now.store(99, Ordering::Relaxed);
        assert!(quota.may_compute().is_err());
        now.store(110, Ordering::Relaxed);
        assert_eq!(quota.may_compute(), Ok(()), "1 ms came in 110 ms");
        quota.set_limits(DomainLimits {
            cpu_ms_per_s: 1_000,
            ..limits
        });
        quota.charge_cpu(Duration::from_millis(500));
        assert!(quota.may_compute().is_err());
        now.store(1_000, Ordering::Relaxed);
        assert_eq!(quota.may_compute(), Ok(()));
    }

    #[test]
    fn other_limits_are_in_force_at_once() {
        let quota = DomainQuota::new(DomainLimits::default(), Arc::new(|| Duration::ZERO));
        let _first = quota.enter().unwrap();
        quota.set_limits(DomainLimits {
            instances: 1,
            host_calls_per_s: 1,
            host_calls_burst: 3,
            ..DomainLimits::default()
        });
        assert!(quota.enter().is_err());
        assert_eq!(quota.take_host_calls(64), 3);
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
