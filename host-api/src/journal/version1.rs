//! What journals of version 1 had otherwise: limits by position.

use std::time::Duration;

use serde::Deserialize;

use super::Entry;
use super::codec::{JournalError, decode};
use crate::limits::Limits;

/// The first of `Entry`'s variants.
const BEGAN: u8 = 0;

/// An entry of version 1, which begins at byte `at` of its journal.
pub(super) fn entry(body: &[u8], at: usize) -> Result<Entry, JournalError> {
    match body.split_first() {
        Some((&BEGAN, limits)) => {
            let limits: ByPosition = decode(limits, "entry", at)?;
            Ok(Entry::Began {
                limits: limits.into(),
            })
        }
        Some(_) | None => decode(body, "entry", at),
    }
}

#[derive(Deserialize)]
struct ByPosition {
    cpu: Duration,
    memory_bytes: u64,
    table_elements: u64,
    core_instances: u32,
    tables: u32,
    memories: u32,
    hostcall_bytes: u32,
    host_calls_per_s: u32,
    host_calls_burst: u32,
    legs: u32,
    log_bytes: u32,
    journal_bytes: u64,
}

impl From<ByPosition> for Limits {
    fn from(old: ByPosition) -> Self {
        Self {
            cpu: old.cpu,
            wall: Self::default().wall,
            memory_bytes: old.memory_bytes,
            table_elements: old.table_elements,
            core_instances: old.core_instances,
            tables: old.tables,
            memories: old.memories,
            hostcall_bytes: old.hostcall_bytes,
            host_calls_per_s: old.host_calls_per_s,
            host_calls_burst: old.host_calls_burst,
            legs: old.legs,
            log_bytes: old.log_bytes,
            journal_bytes: old.journal_bytes,
        }
    }
}
