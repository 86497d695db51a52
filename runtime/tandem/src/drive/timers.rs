//! Timers that scenarios set, in the store's words.

use std::time::Duration;

use tandem_host_api::op::{TimerError, TimerOp, entry_point_of_timer};
use tandem_store::{NewTimer, Once, Store, StoreError, Writer};

/// Answers a scenario's request about the timer of this name; `once` says which request it is. True: one waited.
pub async fn answer(
    store: &Store,
    domain: &str,
    name: &str,
    op: TimerOp,
    once: &(String, u64),
) -> Result<bool, TimerError> {
    answer_in(store, domain, name, op, once)
        .await
        .map_err(|error| refusal(&error))
}

async fn answer_in(
    store: &Store,
    domain: &str,
    name: &str,
    op: TimerOp,
    (call, op_index): &(String, u64),
) -> Result<bool, StoreError> {
    let scope = store.domain_scope(domain).await?;
    let once = Once {
        call,
        op_index: *op_index as u32,
        writer: Writer::default(), // no pair is written
    };
    match op {
        TimerOp::Set { after_ms, data } => {
            let new = NewTimer {
                name,
                entry_point: &entry_point_of_timer(name),
                after: Duration::from_millis(after_ms),
                data: &data,
            };
            store.set_timer_once(&scope, once, new).await
        }
        TimerOp::Cancel => store.cancel_timer_once(&scope, once, name).await,
    }
}

fn refusal(error: &StoreError) -> TimerError {
    match error {
        StoreError::NotFound {
            what: "entry point",
            name,
        } => TimerError::NoEntryPoint(name.clone()),
        StoreError::TooMany { .. } | StoreError::DiskFull => TimerError::Limit(error.to_string()),
        _ => {
            tracing::warn!(%error, "a timer is neither set nor cancelled");
            TimerError::Unavailable
        }
    }
}
