//! What one call's scenario may use, and the accountant that watches its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wasmtime::ResourceLimiter;

use crate::door::Stop;

/// What one call's scenario may use. A limit met ends the scenario with [`End::OverBudget`](crate::End::OverBudget)
/// and says which it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time that the scenario may compute, waiting not counted.
    pub cpu: Duration,
    /// Time that may pass between two of its host calls, or before the first: it computes then, or others do in its
    /// place. Waiting in a host call is not counted.
    pub wall: Duration,
    /// Bytes of all its linear memories together.
    pub memory_bytes: u64,
    /// Elements of all its tables together.
    pub table_elements: u64,
    /// Core instances within the component: 1 or 2 for Rust, 38 for Python.
    pub core_instances: u32,
    /// Tables within the component.
    pub tables: u32,
    /// Linear memories within the component.
    pub memories: u32,
    /// Bytes that the scenario may hand over in one host call.
    pub hostcall_bytes: u32,
    /// Host calls per second, as a lasting rate.
    pub host_calls_per_s: u32,
    /// Host calls at once, above the rate.
    pub host_calls_burst: u32,
    /// Legs that the scenario may hold at the same time, its caller's included.
    pub legs: u32,
    /// Bytes of log text in the whole call; what comes later is dropped, after a line that says so.
    pub log_bytes: u32,
    /// Bytes of the call's journal.
    pub journal_bytes: u64,
}

impl Default for Limits {
    /// Generous for an honest scenario in any of the languages, harmless for everybody else.
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(30),
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            core_instances: 64,
            tables: 64,
            memories: 4,
            hostcall_bytes: 256 << 10,
            host_calls_per_s: 1_000,
            host_calls_burst: 20_000,
            legs: 64,
            log_bytes: 1 << 20,
            journal_bytes: 8 << 20,
        }
    }
}

/// A limit as journals have it: by name, as a number.
struct Named {
    name: &'static str,
    read: fn(&Limits) -> u64,
    write: fn(&mut Limits, u64),
}

macro_rules! named {
    ($($field:ident),* $(,)?) => {
        [
            Named {
                name: "cpu_us",
                read: |limits| u64::try_from(limits.cpu.as_micros()).unwrap_or(u64::MAX),
                write: |limits, us| limits.cpu = Duration::from_micros(us),
            },
            Named {
                name: "wall_us",
                read: |limits| u64::try_from(limits.wall.as_micros()).unwrap_or(u64::MAX),
                write: |limits, us| limits.wall = Duration::from_micros(us),
            },
            $(Named {
                name: stringify!($field),
                read: |limits| limits.$field.into(),
                write: |limits, value| limits.$field = value.try_into().unwrap_or(limits.$field),
            }),*
        ]
    };
}

/// All of them. A name is never used for anything else again.
const NAMED: [Named; 13] = named![
    memory_bytes,
    table_elements,
    core_instances,
    tables,
    memories,
    hostcall_bytes,
    host_calls_per_s,
    host_calls_burst,
    legs,
    log_bytes,
    journal_bytes,
];

/// By name: journals outlive the release that knew just these.
impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(NAMED.iter().map(|limit| (limit.name, (limit.read)(self))))
    }
}

/// A name that is missing is at its default; a name that is unknown is passed over.
impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;

        impl<'de> Visitor<'de> for ByName {
            type Value = Limits;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("limits by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Limits, A::Error> {
                let mut limits = Limits::default();
                while let Some((name, value)) = map.next_entry::<String, u64>()? {
                    if let Some(limit) = NAMED.iter().find(|limit| limit.name == name) {
                        (limit.write)(&mut limits, value);
                    }
                }
                Ok(limits)
            }
        }

        deserializer.deserialize_map(ByName)
    }
}

/// The linear memories of a domain's scenarios, in bytes.
#[derive(Debug, Default)]
pub(crate) struct DomainMemory {
    now: AtomicU64,
    peak: AtomicU64,
}

impl DomainMemory {
    fn take(&self, bytes: u64) {
        let now = self.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: u64) {
        self.now.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The most that there was at once since this was asked last.
    pub(crate) fn take_peak(&self) -> u64 {
        let peak = self.peak.swap(0, Ordering::Relaxed);
        peak.max(self.now.load(Ordering::Relaxed))
    }
}

/// Counts a scenario's linear memories and tables and refuses growth past its limits.
#[derive(Debug)]
pub(crate) struct Accountant {
    /// What the domain's scenarios have together.
    domain: Option<Arc<DomainMemory>>,
    memory_bytes: u64,
    memory_bytes_max: u64,
    table_elements: u64,
    table_elements_max: u64,
    core_instances: usize,
    tables: usize,
    memories: usize,
}

impl Accountant {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            domain: None,
            memory_bytes: 0,
            memory_bytes_max: limits.memory_bytes,
            table_elements: 0,
            table_elements_max: limits.table_elements,
            core_instances: limits.core_instances as usize,
            tables: limits.tables as usize,
            memories: limits.memories as usize,
        }
    }
}

impl Accountant {
    /// Memory never shrinks, so what there is now is the most that there was.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Counts for the domain too, from now on: nothing was counted yet.
    pub(crate) fn count_for(&mut self, domain: Arc<DomainMemory>) {
        self.domain = Some(domain);
    }
}

impl Drop for Accountant {
    fn drop(&mut self) {
        if let Some(domain) = &self.domain {
            domain.give_back(self.memory_bytes);
        }
    }
}

impl ResourceLimiter for Accountant {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A memory that states a maximum of its own and passes it hears "no", as the specification has it.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let total = self
            .memory_bytes
            .saturating_add(desired.saturating_sub(current) as u64);
        if total > self.memory_bytes_max {
            return Err(Stop::over_budget(format!(
                "memory: {total} bytes asked for, at most {} allowed",
                self.memory_bytes_max
            )));
        }
        if let Some(domain) = &self.domain {
            domain.take(total - self.memory_bytes);
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop::over_budget(format!("memory: {error}")))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current) as u64);
        if total > self.table_elements_max {
            return Err(Stop::over_budget(format!(
                "tables: {total} elements asked for, at most {} allowed",
                self.table_elements_max
            )));
        }
        self.table_elements = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(Stop::over_budget(format!("tables: {error}")))
    }

    fn instances(&self) -> usize {
        self.core_instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that differs from the default in every field.
    fn odd() -> Limits {
        let mut limits = Limits::default();
        for (number, limit) in NAMED.iter().enumerate() {
            (limit.write)(&mut limits, 1_000 + number as u64);
        }
        limits
    }

    #[test]
    fn limits_are_written_by_name_and_each_comes_back() {
        let limits = odd();
        for limit in &NAMED {
            assert_ne!(
                (limit.read)(&limits),
                (limit.read)(&Limits::default()),
                "{}",
                limit.name
            );
        }
        let bytes = postcard::to_stdvec(&limits).unwrap();
        assert_eq!(postcard::from_bytes::<Limits>(&bytes).unwrap(), limits);
    }

    #[test]
    fn limits_of_another_release_are_read_as_far_as_they_are_known() {
        let written: std::collections::BTreeMap<&str, u64> = [("legs", 3), ("unheard_of", 7)].into();
        let read: Limits = postcard::from_bytes(&postcard::to_stdvec(&written).unwrap()).unwrap();
        let expected = Limits {
            legs: 3,
            ..Limits::default()
        };
        assert_eq!(read, expected);
    }
}
