//! Tells events to the domains' event scenarios: what the store has noted, timers that are due, and the time that passes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tandem_directory::{EventKind, StartedBy};
use tandem_host_api::{End, Event};
use tandem_store::{DueEvent, Store, StoreError};
use tokio::task::JoinSet;

use super::off_call::{OffCall, failure};

/// How often the store is asked for events at least.
const LOOK: Duration = Duration::from_secs(1);
/// Events that are fetched at once.
const BATCH: u32 = 256;
/// How long one may take.
const TIME: Duration = Duration::from_mins(1);
/// When one that failed is told again; after the last it is given up.
const AGAIN: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(10),
    Duration::from_hours(1),
];

/// Runs until it is dropped.
pub async fn tell_all(off_call: OffCall) {
    let store = off_call.answers.store.clone();
    let mut timers_seen = Timestamp::now();
    loop {
        let now = Timestamp::now();
        if let Err(error) = note_timers(&store, timers_seen, now).await {
            tracing::warn!(%error, "timers could not be noted");
        } else {
            timers_seen = now;
        }
        if let Err(error) = store.ring_timers(BATCH).await {
            tracing::warn!(%error, "timers that are due wait on");
        }
        match store.due_events(BATCH).await {
            Ok(due) if due.is_empty() => tokio::time::sleep(LOOK).await,
            Ok(due) => tell_batch(&off_call, due).await,
            Err(error) => {
                tracing::warn!(%error, "events could not be read");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// Notes the timers that have run out since `after`. Their moments are whole multiples of their time since the epoch, so
/// that every server has the same ones; of several that were missed the last one is told.
async fn note_timers(store: &Store, after: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    for (domain, name) in store.entry_points_named("event:every-").await? {
        let Ok(StartedBy::Event(EventKind::Every(every))) = StartedBy::parse(&name) else {
            continue;
        };
        let every_s = every.as_secs().max(1) as i64;
        let moment = now.as_second() / every_s * every_s;
        if moment <= after.as_second() {
            continue;
        }
        let Ok(at) = Timestamp::from_second(moment) else {
            continue;
        };
        let scope = match store.domain_scope(&domain).await {
            Ok(scope) => scope,
            Err(StoreError::NotFound { .. }) => continue, // deleted meanwhile
            Err(error) => return Err(error),
        };
        let data = format!("{{\"every_s\":{every_s}}}");
        store
            .note_event(&scope, &format!("{name}/{moment}"), &name, at, &data)
            .await?;
    }
    Ok(())
}

/// Tells a batch: domains side by side, the events of each one after another.
async fn tell_batch(off_call: &OffCall, due: Vec<DueEvent>) {
    let mut domains: BTreeMap<String, Vec<DueEvent>> = BTreeMap::new();
    for event in due {
        domains.entry(event.domain.clone()).or_default().push(event);
    }
    let mut telling = JoinSet::new();
    for events in domains.into_values() {
        let off_call = off_call.clone();
        telling.spawn(async move {
            for event in events {
                if let Err(error) = tell_one(&off_call, &event).await {
                    tracing::warn!(domain = %event.domain, event = %event.id, %error, "event could not be told");
                }
            }
        });
    }
    while telling.join_next().await.is_some() {}
}

async fn tell_one(off_call: &OffCall, due: &DueEvent) -> Result<(), StoreError> {
    let store = &off_call.answers.store;
    let scope = store.domain_scope(&due.domain).await?;
    // A run that a crash interrupts is made again under its name, and what it did is not done twice.
    let run = format!("{}#{}", due.id, due.failures);
    let Some(entry) = off_call.entry_point(&due.domain, &due.entry_point).await? else {
        return store.remove_event(&scope, &due.id, &run).await; // nobody hears it any more
    };
    let event = Event {
        id: due.id.clone(),
        kind: kind(&due.entry_point),
        at_ms: due.happened_at.as_millisecond().max(0) as u64,
        data: due.data.clone(),
    };
    let told = tokio::time::timeout(TIME, off_call.tell(&due.domain, &entry, &run, event)).await;
    let end = told.unwrap_or_else(|_| End::OverBudget(format!("it took more than {} s", TIME.as_secs())));
    let Some(why) = failure(&end) else {
        return store.remove_event(&scope, &due.id, &run).await;
    };
    let log = off_call.log(&due.domain, &run, &entry);
    log.ended(&end);
    let (domain, event) = (&due.domain, &due.id);
    let Some(pause) = AGAIN.get(due.failures as usize) else {
        tracing::error!(target: "scenario", %domain, %event, scenario = %entry.module, "given up: {why}");
        log.failed(format!(
            "the event is given up: it was told {} times",
            due.failures + 1
        ));
        return store.remove_event(&scope, &due.id, &run).await;
    };
    tracing::warn!(
        target: "scenario", %domain, %event, scenario = %entry.module, again_s = pause.as_secs(), "{why}"
    );
    let pause = SignedDuration::try_from(*pause).unwrap_or(SignedDuration::from_mins(1));
    store
        .defer_event(&scope, &due.id, &run, Timestamp::now() + pause)
        .await
}

fn kind(entry_point: &str) -> String {
    match StartedBy::parse(entry_point) {
        Ok(StartedBy::Event(kind)) => kind.to_string(),
        _ => String::new(),
    }
}
