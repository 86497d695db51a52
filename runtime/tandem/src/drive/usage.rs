//! Meters what domains use: added up in memory where scenarios and calls end, and brought to the store every few seconds.
//!
//! What a process that dies had not brought there is lost: a few seconds' worth.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use tandem_host_api::{End, Finished};
use tandem_store::{Amount, Store};

/// How often the store is told.
const EVERY: Duration = Duration::from_secs(5);

type Amounts = BTreeMap<String, Amount>;

/// What was used since the store was told; a clone is another hold on the same.
#[derive(Clone, Default)]
pub struct Meters {
    waiting: Arc<Mutex<HashMap<String, Amounts>>>,
    /// Sums of all domains since the start.
    totals: Arc<Mutex<BTreeMap<String, u64>>>,
    /// By domain, since they were taken for a sample.
    runs: Arc<Mutex<HashMap<String, Runs>>>,
}

/// What scenarios of a domain that ended had used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Runs {
    /// Those that failed.
    pub failures: u64,
    /// Time in which they had computed, in microseconds.
    pub cpu_us: u64,
    /// The most memory that one of them had used, in bytes.
    pub memory_peak_bytes: u64,
}

impl Meters {
    /// A call is over.
    pub fn call(&self, domain: &str) {
        self.add(domain, |it| more(it, "calls", 1));
    }

    /// A scenario is started; so many of the domain run then.
    pub fn started(&self, domain: &str, instances: u32) {
        self.add(domain, |it| {
            more(it, "scenario-starts", 1);
            peak(it, "instances-peak", instances.into());
        });
    }

    /// A scenario has ended, or could not be started.
    pub fn ended(&self, domain: &str, finished: &Result<Finished, End>) {
        self.run_ended(domain, finished);
        let mut totals = Amounts::new();
        self.add(domain, |all| {
            let it = &mut totals;
            let end = match finished {
                Ok(finished) => {
                    more(
                        it,
                        "cpu-us",
                        u64::try_from(finished.cpu.as_micros()).unwrap_or(u64::MAX),
                    );
                    peak(it, "memory-peak-bytes", finished.usage.memory_bytes);
                    for (interface, count) in finished.usage.host_calls() {
                        more(it, &format!("host-calls.{interface}"), count.into());
                    }
                    &finished.end
                }
                Err(end) => end,
            };
            if !matches!(end, End::Returned | End::CallOver) {
                more(it, "scenario-failures", 1);
            }
            if let Some(limit) = end.limit() {
                more(it, &format!("limits-met.{limit}"), 1);
            }
            join(all, it.clone());
        });
        let mut sums = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for (what, amount) in totals {
            if let Amount::More(amount) = amount {
                let sum = sums.entry(what).or_default();
                *sum = sum.saturating_add(amount);
            }
        }
    }

    fn run_ended(&self, domain: &str, finished: &Result<Finished, End>) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let it = runs.entry(domain.to_owned()).or_default();
        let end = match finished {
            Ok(finished) => {
                let cpu_us = u64::try_from(finished.cpu.as_micros()).unwrap_or(u64::MAX);
                it.cpu_us = it.cpu_us.saturating_add(cpu_us);
                it.memory_peak_bytes = it.memory_peak_bytes.max(finished.usage.memory_bytes);
                &finished.end
            }
            Err(end) => end,
        };
        it.failures += u64::from(!matches!(end, End::Returned | End::CallOver));
    }

    /// What scenarios that ended since this was asked last had used, by domain.
    pub fn take_runs(&self) -> HashMap<String, Runs> {
        std::mem::take(&mut *self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The sum of all domains since the start.
    pub fn total(&self, what: &str) -> u64 {
        let sums = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        sums.get(what).copied().unwrap_or_default()
    }

    /// The sums whose names begin so, by the rest of their names.
    pub fn totals(&self, prefix: &str) -> Vec<(String, u64)> {
        let sums = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        sums.iter()
            .filter_map(|(what, sum)| Some((what.strip_prefix(prefix)?.to_owned(), *sum)))
            .collect()
    }

    fn add(&self, domain: &str, add: impl FnOnce(&mut Amounts)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(amounts) = waiting.get_mut(domain) {
            return add(amounts);
        }
        add(waiting.entry(domain.to_owned()).or_default());
    }

    /// Brings what waits to the store. What cannot be written now is tried again with what comes until then.
    pub async fn write(&self, store: &Store) {
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let day = Timestamp::now().to_zoned(TimeZone::UTC).date();
        for (domain, mut amounts) in taken {
            let Ok(scope) = store.domain_scope(&domain).await else {
                continue; // it was deleted, and its usage with it
            };
            if let Ok(pairs) = store.kv_taken(&scope).await {
                peak(&mut amounts, "kv-peak-bytes", pairs.bytes);
            }
            if let Err(error) = store.add_usage(&scope, day, &amounts).await {
                tracing::warn!(%domain, %error, "usage could not be stored, and will be tried again");
                self.add(&domain, |it| join(it, amounts));
            }
        }
    }

    /// As [`Self::write`], again and again.
    pub async fn write_on(self, store: Store) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.write(&store).await;
        }
    }
}

fn join(all: &mut Amounts, amounts: Amounts) {
    for (what, amount) in amounts {
        match amount {
            Amount::More(amount) => more(all, &what, amount),
            Amount::Peak(amount) => peak(all, &what, amount),
        }
    }
}

fn more(amounts: &mut Amounts, what: &str, amount: u64) {
    match amounts.get_mut(what) {
        Some(Amount::More(sum)) => *sum = sum.saturating_add(amount),
        _ => drop(amounts.insert(what.to_owned(), Amount::More(amount))),
    }
}

fn peak(amounts: &mut Amounts, what: &str, amount: u64) {
    match amounts.get_mut(what) {
        Some(Amount::Peak(highest)) => *highest = amount.max(*highest),
        _ => drop(amounts.insert(what.to_owned(), Amount::Peak(amount))),
    }
}
