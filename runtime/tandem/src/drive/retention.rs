//! Removes journals, call records and voicemail that are over age: at the start, then every hour, on the store's runtime.

use std::time::Duration;

use jiff::Timestamp;
use tandem_store::retention::PURGE_MOST;
use tandem_store::{Purged, Store, StoreError, due};

const EVERY: Duration = Duration::from_hours(1);
/// Between two batches: records of calls that end now are written meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until it is aborted; between two batches nothing is half done.
pub async fn remove_hourly(store: Store) {
    let mut hours = tokio::time::interval(EVERY);
    loop {
        hours.tick().await;
        let domains = match store.domains().await {
            Ok(domains) => domains,
            Err(error) => {
                tracing::warn!(%error, "what is over age stays for another hour");
                continue;
            }
        };
        for domain in domains {
            let due = due(&domain.keep, Timestamp::now());
            match remove(&store, &domain.name, &due).await {
                Ok(Purged {
                    journals: 0,
                    calls: 0,
                }) => (),
                Ok(Purged { journals, calls }) => {
                    tracing::info!(domain = %domain.name, journals, calls, "removed what was over age");
                }
                Err(error) => {
                    tracing::warn!(domain = %domain.name, %error, "what is over age stays for another hour");
                }
            }
            match remove_voicemail(&store, &domain.name).await {
                Ok(0) => (),
                Ok(messages) => tracing::info!(domain = %domain.name, messages, "removed old voicemail"),
                Err(error) => {
                    tracing::warn!(domain = %domain.name, %error, "old voicemail stays for another hour");
                }
            }
        }
    }
}

async fn remove(store: &Store, domain: &str, due: &tandem_store::Due) -> Result<Purged, StoreError> {
    let mut sum = Purged::default();
    let scope = match store.domain_scope(domain).await {
        Err(StoreError::NotFound { .. }) => return Ok(sum), // deleted meanwhile
        other => other?,
    };
    loop {
        let purged = store.purge(&scope, due).await?;
        sum.journals += purged.journals;
        sum.calls += purged.calls;
        let most = u64::from(PURGE_MOST);
        if purged.journals < most && purged.calls < most {
            return Ok(sum);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn remove_voicemail(store: &Store, domain: &str) -> Result<u64, StoreError> {
    let scope = match store.domain_scope(domain).await {
        Err(StoreError::NotFound { .. }) => return Ok(0), // deleted meanwhile
        other => other?,
    };
    let mut sum = 0;
    loop {
        let removed = store.purge_voicemail(&scope, Timestamp::now()).await?;
        sum += removed;
        if removed < u64::from(PURGE_MOST) {
            return Ok(sum);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
