//! What is over age goes, in batches, and nothing else does.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row, SqlitePool};
use tandem_store::retention::PURGE_MOST;
use tandem_store::{
    CallFilter, DomainChange, DomainScope, Due, JournalState, Keep, NewCall, Purged, Retention, StoreError,
};

use crate::{Home, call, home};

const DAY: Duration = Duration::from_hours(24);

/// Calls that began each a second after the one before, from "0000" on; each lasted 10.5 s.
async fn calls(home: &Home, scope: &DomainScope, count: i64) {
    let records: Vec<_> = (0..count)
        .map(|number| call(&format!("{number:04}"), number))
        .collect();
    let new: Vec<_> = records
        .iter()
        .map(|record| NewCall {
            scope,
            record,
            journal: Some(b"journal"),
        })
        .collect();
    assert!(home.insert_calls(&new).await.unwrap().iter().all(Result::is_ok));
}

/// The end of the call that began so many seconds in.
fn end_of(second: i64) -> Timestamp {
    call("", second).summary.ended_at
}

fn due(journals_before: Option<Timestamp>, calls_before: Option<Timestamp>) -> Due {
    Due {
        journals_before,
        calls_before,
    }
}

async fn purge_all(home: &Home, scope: &DomainScope, due: &Due) -> Vec<(u64, u64)> {
    let mut batches = Vec::new();
    loop {
        let Purged { journals, calls } = home.purge(scope, due).await.unwrap();
        if (journals, calls) == (0, 0) {
            return batches;
        }
        batches.push((journals, calls));
    }
}

#[tokio::test]
async fn journals_over_age_go_in_batches_oldest_first() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    calls(&home, &ours, 450).await;
    calls(&home, &theirs, 450).await;
    let due = due(Some(end_of(300)), None);
    let most = u64::from(PURGE_MOST);
    home.purge(&ours, &due).await.unwrap();
    assert!(home.journal(&ours, "0199").await.unwrap().is_none());
    assert!(home.journal(&ours, "0200").await.unwrap().is_some());
    assert_eq!(purge_all(&home, &ours, &due).await, [(300 - most, 0)]);

    // The record stays and says what became of its journal; the boundary itself is not over age.
    let removed = home.call(&ours, "0299").await.unwrap().unwrap();
    assert!(!removed.summary.journal_stored);
    let state = |scope, id| home.journal_state(scope, id);
    assert_eq!(state(&ours, "0299").await.unwrap(), Some(JournalState::Removed));
    assert_eq!(state(&ours, "0300").await.unwrap(), Some(JournalState::Stored));
    assert_eq!(state(&ours, "none").await.unwrap(), None);
    assert_eq!(home.journal(&ours, "0300").await.unwrap().unwrap(), b"journal");
    assert_eq!(state(&theirs, "0000").await.unwrap(), Some(JournalState::Stored));
    home.check().await.unwrap();
}

#[tokio::test]
async fn call_records_over_age_go_with_legs_and_journals() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    calls(&home, &ours, 250).await;
    calls(&home, &theirs, 3).await;
    let due = due(None, Some(end_of(240)));
    assert_eq!(purge_all(&home, &ours, &due).await, [(0, 200), (0, 40)]);
    assert_eq!(home.call(&ours, "0239").await.unwrap(), None);
    assert_eq!(home.journal(&ours, "0239").await.unwrap(), None);
    assert_eq!(home.call(&ours, "0240").await.unwrap().unwrap().legs.len(), 2);
    let left = home.calls(&theirs, &CallFilter::default()).await.unwrap().calls;
    assert_eq!(left.len(), 3);
    home.check().await.unwrap();
}

/// A call that began long ago and ended just now is new.
#[tokio::test]
async fn age_counts_from_the_calls_end() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let mut long = call("long", 0);
    long.summary.ended_at = end_of(0) + SignedDuration::from_hours(30);
    home.insert_call(&scope, &long, Some(b"journal")).await.unwrap();
    let due = due(Some(end_of(60)), Some(end_of(60)));
    assert!(purge_all(&home, &scope, &due).await.is_empty());
}

#[tokio::test]
async fn a_domain_says_how_long_it_keeps_what_calls_leave() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    assert_eq!(home.store.domain(&ours).await.unwrap().keep, Retention::default());
    let revision = home.directory_revision().await.unwrap();
    let change = DomainChange {
        keep_journals: Some(Keep::For(DAY)),
        keep_calls: Some(Keep::For(365 * DAY)),
        ..DomainChange::default()
    };
    let changed = home.set_domain(&ours, &change).await.unwrap();
    let keep = Retention {
        journals: Some(DAY),
        calls: Some(365 * DAY),
    };
    assert_eq!((changed.keep, changed.time_zone.as_str()), (keep, "UTC"));
    assert!(home.directory_revision().await.unwrap() > revision);

    // What is not named stays; for ever is a value.
    let change = DomainChange {
        keep_calls: Some(Keep::ForEver),
        ..DomainChange::default()
    };
    let changed = home.set_domain(&ours, &change).await.unwrap();
    assert_eq!(changed.keep, Retention { calls: None, ..keep });
    assert_eq!(home.store.domain(&ours).await.unwrap(), changed);
    assert_eq!(
        home.store.domain(&theirs).await.unwrap().keep,
        Retention::default()
    );

    for wrong in [
        DomainChange {
            keep_journals: Some(Keep::For(Duration::from_mins(59))),
            ..DomainChange::default()
        },
        DomainChange {
            keep_calls: Some(Keep::For(40_000 * DAY)),
            ..DomainChange::default()
        },
        DomainChange {
            time_zone: Some("Mars/Olympus"),
            ..DomainChange::default()
        },
    ] {
        let refused = home.set_domain(&ours, &wrong).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    home.delete_domain(&theirs).await.unwrap();
    let gone = home.set_domain(&theirs, &DomainChange::default()).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
}

/// A million calls whose journals are gone are not read to find one whose journal is due.
#[tokio::test]
async fn what_is_due_is_found_by_an_index() {
    let home = home().await;
    let path = format!("sqlite:{}", home.directory.path().join("tandem.db").display());
    let beside = SqlitePool::connect(&path).await.unwrap();
    for (query, index) in [
        (
            "EXPLAIN QUERY PLAN SELECT id FROM calls WHERE domain_id = 1 AND journal = 1 AND ended_at < 2 \
             ORDER BY ended_at, id LIMIT 3",
            "COVERING INDEX calls_by_journal (domain_id=? AND ended_at<?)",
        ),
        (
            "EXPLAIN QUERY PLAN SELECT id FROM calls WHERE domain_id = 1 AND started_at < 2 AND ended_at < 2 \
             ORDER BY started_at, id LIMIT 3",
            "INDEX calls_by_time (domain_id=? AND started_at<?)",
        ),
    ] {
        let rows = sqlx::query(query).fetch_all(&beside).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(plan.len() == 1 && plan[0].contains(index), "{plan:?}");
    }
}
