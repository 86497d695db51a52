//! Writes the records of calls that are over, many in one transaction, on the store's runtime.
//!
//! A record lies in the log until the store has confirmed it, so one that cannot be written before the end is tried
//! again at the next start.

use std::time::Duration;

use tandem_logic::{Ended, Said};
use tandem_store::{NewCall, NewMessages, Store, StoreError};
use tandem_web::Health;
use tokio::sync::mpsc;

use super::canary;

/// Records that go into one transaction at most.
const BATCH_MAX: usize = 200;
/// So many times in vain, and a store counts as broken; it is tried again for as long as we run.
const TRIES: u32 = 5;
/// Its name in `/healthz`.
const ROLE: &str = "store";
const PAUSE: Duration = Duration::from_millis(500);
/// Between two tries of a broken store.
const BROKEN_PAUSE: Duration = Duration::from_secs(2);

/// Tells that a record is stored.
pub type Confirm = Box<dyn FnOnce() + Send + Sync>;

/// What is on its way to the store.
pub enum ToStore {
    /// A call that is over.
    Call {
        /// The call.
        ended: Box<Ended>,
        /// Called once it is stored, or can never be.
        confirm: Confirm,
    },
    /// The SIP messages of a call whose record came before.
    Messages(Said),
}

impl ToStore {
    fn ended(&self) -> Option<&Ended> {
        match self {
            Self::Call { ended, .. } => Some(ended),
            Self::Messages(_) => None,
        }
    }
}

/// Runs until every sender is gone, then has written all.
pub async fn write(store: Store, mut ended: mpsc::Receiver<ToStore>, health: Health) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while ended.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (mut attempt, mut told) = (1, 0);
        while let Err(error) = write_batch(&store, &batch).await {
            if attempt < TRIES {
                tracing::warn!(%error, attempt, calls = batch.len(), "call records not written yet");
            } else {
                health.set_broken(ROLE, format!("call records cannot be written: {error}"));
                for ended in batch.iter().skip(told).filter_map(ToStore::ended) {
                    tell(&error, ended);
                }
                told = batch.len();
                if ended.is_closed() && ended.is_empty() {
                    return; // we are stopping: they lie in the log
                }
            }
            tokio::time::sleep(if attempt < TRIES { PAUSE } else { BROKEN_PAUSE }).await;
            while batch.len() < BATCH_MAX
                && let Ok(more) = ended.try_recv()
            {
                batch.push(more);
            }
            attempt += 1;
        }
        health.set_repaired(ROLE);
        let entry_points = canary::entry_points(batch.iter().filter_map(ToStore::ended));
        for stored in batch.drain(..) {
            if let ToStore::Call { confirm, .. } = stored {
                confirm();
            }
        }
        canary::judge_all(&store, entry_points).await;
    }
}

async fn write_batch(store: &Store, batch: &[ToStore]) -> Result<(), StoreError> {
    let mut scopes = Vec::with_capacity(batch.len());
    for ended in batch.iter().filter_map(ToStore::ended) {
        match store.domain_scope(&ended.domain).await {
            Ok(scope) => scopes.push((scope, ended)),
            // Its domain was deleted meanwhile.
            Err(error @ StoreError::NotFound { .. }) => tell(&error, ended),
            Err(error) => return Err(error),
        }
    }
    let calls: Vec<_> = scopes
        .iter()
        .map(|(scope, ended)| NewCall {
            scope,
            record: &ended.record,
            journal: ended.journal.as_deref(),
        })
        .collect();
    for (written, (_, ended)) in store.insert_calls(&calls).await?.into_iter().zip(&scopes) {
        if let Err(error) = written {
            tell(&error, ended);
        }
    }
    write_messages(store, batch).await
}

/// After the records: those of this batch may be among what the messages belong to.
async fn write_messages(store: &Store, batch: &[ToStore]) -> Result<(), StoreError> {
    let mut scopes = Vec::new();
    for stored in batch {
        let ToStore::Messages(said) = stored else { continue };
        match store.domain_scope(&said.domain).await {
            Ok(scope) => scopes.push((scope, said)),
            Err(StoreError::NotFound { .. }) => (), // its domain was deleted meanwhile
            Err(error) => return Err(error),
        }
    }
    let new: Vec<_> = scopes
        .iter()
        .map(|(scope, said)| NewMessages {
            scope,
            call: &said.call,
            messages: &said.messages,
        })
        .collect();
    store.insert_call_messages(&new).await
}

/// The store is full or gone, or refuses this record: the log keeps what is needed to bill and to look into a call.
fn tell(error: &StoreError, ended: &Ended) {
    let record = serde_json::to_string(&ended.record).unwrap_or_default();
    tracing::error!(%error, domain = %ended.domain, %record, "call record could not be written");
}
