//! Writes the records of calls that are over, many in one transaction, on the store's runtime.

use std::time::Duration;

use tandem_store::{CallRecord, NewCall, Store};
use tandem_web::Health;
use tokio::sync::mpsc;

/// Records that go into one transaction at most.
const BATCH_MAX: usize = 200;
/// A store that does not take records is tried again so many times, with a pause between.
const TRIES: u32 = 5;
/// Its name in `/healthz`.
const ROLE: &str = "store";
const PAUSE: Duration = Duration::from_millis(500);

/// A call that is over.
#[derive(Debug)]
pub struct Ended {
    /// The domain's name.
    pub domain: String,
    /// The record.
    pub record: CallRecord,
    /// The journal's bytes, where a scenario ran.
    pub journal: Option<Vec<u8>>,
}

/// Runs until every sender is gone, then has written all.
pub async fn write(store: Store, mut ended: mpsc::Receiver<Ended>, health: Health) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while ended.recv_many(&mut batch, BATCH_MAX).await > 0 {
        for attempt in 1..=TRIES {
            match write_batch(&store, &batch).await {
                Ok(()) => {
                    health.set_repaired(ROLE);
                    break;
                }
                Err(error) if attempt < TRIES => {
                    tracing::warn!(%error, attempt, calls = batch.len(), "call records not written yet");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    health.set_broken(ROLE, format!("call records cannot be written: {error}"));
                    lose_nothing(&error.to_string(), &batch);
                }
            }
        }
        batch.clear();
    }
}

async fn write_batch(store: &Store, batch: &[Ended]) -> Result<(), tandem_store::StoreError> {
    let mut scopes = Vec::with_capacity(batch.len());
    for ended in batch {
        scopes.push(store.domain_scope(&ended.domain).await?);
    }
    let calls: Vec<_> = scopes
        .iter()
        .zip(batch)
        .map(|(scope, ended)| NewCall {
            scope,
            record: &ended.record,
            journal: ended.journal.as_deref(),
        })
        .collect();
    for (written, ended) in store.insert_calls(&calls).await?.into_iter().zip(batch) {
        if let Err(error) = written {
            lose_nothing(&error.to_string(), std::slice::from_ref(ended));
        }
    }
    Ok(())
}

/// The store is full or gone: the log keeps what is needed to bill and to look into a call.
fn lose_nothing(error: &str, batch: &[Ended]) {
    for ended in batch {
        let record = serde_json::to_string(&ended.record).unwrap_or_default();
        tracing::error!(%error, domain = %ended.domain, %record, "call record could not be written");
    }
}
