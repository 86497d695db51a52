//! Key-value writes take turns: of each domain there is one at a time before the store, and only so many bytes a second.
//! Who writes as fast as it can waits for its own writes, and its neighbours' calls wait for none of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

/// Bytes a second that a domain writes as a lasting rate.
const BYTES_PER_S: f64 = (8 << 20) as f64;
/// Bytes that it may write at once.
const BURST_BYTES: f64 = (16 << 20) as f64;
/// What a write takes besides its key and value: a page of the database.
const WRITE_BYTES: f64 = 4096.0;

/// The turns of all domains; a clone is the same ones.
#[derive(Clone, Default)]
pub struct Pace {
    domains: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<Bucket>>>>>,
}

/// A domain's turn to write, until it is dropped.
pub struct Turn {
    _held: OwnedMutexGuard<Bucket>,
}

impl Pace {
    /// Waits until the domain may write so many bytes. Those who wait come in the order in which they asked.
    pub async fn turn(&self, domain: &str, bytes: usize) -> Turn {
        let bucket = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            match domains.get(domain) {
                Some(bucket) => Arc::clone(bucket),
                None => Arc::clone(domains.entry(domain.to_owned()).or_default()),
            }
        };
        let mut held = bucket.lock_owned().await;
        let wait = held.take(bytes, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Turn { _held: held }
    }
}

/// What a domain may still write at once; below nothing, it waits.
struct Bucket {
    bytes: f64,
    /// None: nothing was written yet.
    filled_at: Option<Instant>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            bytes: BURST_BYTES,
            filled_at: None,
        }
    }
}

impl Bucket {
    /// Takes a write out of it, and tells how long the write has to wait.
    fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        let since = self.filled_at.map_or(Duration::ZERO, |at| now.duration_since(at));
        self.filled_at = Some(now);
        self.bytes = (self.bytes + since.as_secs_f64() * BYTES_PER_S).min(BURST_BYTES);
        self.bytes -= bytes as f64 + WRITE_BYTES;
        Duration::from_secs_f64((-self.bytes / BYTES_PER_S).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_what_may_be_written_at_once_writes_come_at_the_rate() {
        let (mut bucket, begin) = (Bucket::default(), Instant::now());
        let write = (1 << 20) - WRITE_BYTES as usize;
        let mut now = begin;
        for _ in 0..16 {
            assert_eq!(bucket.take(write, now), Duration::ZERO);
        }
        for _ in 0..80 {
            now += bucket.take(write, now);
        }
        let took = now.duration_since(begin).as_secs_f64();
        assert!((9.9..10.1).contains(&took), "80 MiB took {took} s");
        assert_eq!(bucket.take(0, now + Duration::from_mins(1)), Duration::ZERO);
    }

    #[tokio::test]
    async fn one_domain_does_not_wait_for_another() {
        let pace = Pace::default();
        let first = pace.turn("a.local", 10).await;
        let second = pace.turn("b.local", 10).await;
        let third = tokio::time::timeout(Duration::from_millis(20), pace.turn("a.local", 10));
        assert!(third.await.is_err(), "a domain had two turns at once");
        drop((first, second));
        drop(pace.turn("a.local", 10).await);
    }
}
