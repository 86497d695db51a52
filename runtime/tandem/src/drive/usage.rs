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
    /// Scenarios that failed, by domain, since they were taken for a sample.
    failures: Arc<Mutex<HashMap<String, u64>>>,
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
                self.failed(domain);
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

    fn failed(&self, domain: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(domain.to_owned()).or_default() += 1;
    }

    /// How many scenarios failed since this was asked last, by domain.
    pub fn take_failures(&self) -> HashMap<String, u64> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
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
