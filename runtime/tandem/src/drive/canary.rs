//! Judges the canaries of entry points whose calls have just been written: the counts are the store's, so that a new
//! process goes on judging where the one before was.

use std::collections::BTreeSet;

use tandem_logic::Ended;
use tandem_store::{Settlement, Store, StoreError};
use tandem_switch::canary::{Verdict, judge};

/// An entry point: the domain's name, and its number or pattern.
pub type EntryPointName = (String, String);

/// The entry points that the calls of a batch came to and whose scenario ran.
pub fn entry_points<'a>(batch: impl IntoIterator<Item = &'a Ended>) -> BTreeSet<EntryPointName> {
    let name = |ended: &Ended| {
        let call = &ended.record.summary;
        call.scenario_hash.as_ref()?;
        Some((ended.domain.clone(), call.entry_point.clone()?))
    };
    batch.into_iter().filter_map(name).collect()
}

/// Judges those of the entry points that have a canary. One that cannot be judged now is when its next call is over.
pub async fn judge_all(store: &Store, entry_points: BTreeSet<EntryPointName>) {
    for (domain, number) in entry_points {
        match judge_one(store, &domain, &number).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => (), // its domain was deleted meanwhile
            Err(error) => tracing::warn!(%domain, %number, %error, "canary not judged"),
        }
    }
}

async fn judge_one(store: &Store, domain: &str, number: &str) -> Result<(), StoreError> {
    let scope = store.domain_scope(domain).await?;
    let Some(trial) = store.trial(&scope, number).await? else {
        return Ok(());
    };
    let counts = store.trial_counts(&scope, &trial).await?;
    let (settlement, why) = match judge(&trial.canary, &counts) {
        Verdict::Keep => return Ok(()),
        Verdict::RollBack(why) => (Settlement::RollBack, why),
        Verdict::Promote(why) => (Settlement::Promote, why),
    };
    // Whoever changed it meanwhile has the last word; it is judged anew with its next calls.
    if !store.settle(&scope, &trial, settlement, &why).await? {
        return Ok(());
    }
    let (canary, active, share) = (&trial.canary.hash, &trial.active_hash, trial.canary.share_percent);
    match settlement {
        Settlement::RollBack => {
            tracing::warn!(%domain, %number, %canary, %active, share, %why, "canary rolled back");
        }
        Settlement::Promote => {
            tracing::info!(%domain, %number, %canary, previous = %active, share, %why, "canary promoted");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use tandem_store::{
        By, CallRecord, CallSummary, CanaryChange, Direction, DomainScope, Event, NewDomain, NewEntryPoint,
        Options, ScenarioEnd,
    };

    const DOMAIN: &str = "a.example";

    fn ended(id: u32, hash: &str, started_at: Timestamp, end: ScenarioEnd) -> Ended {
        let summary = CallSummary {
            id: format!("{id:04}"),
            direction: Direction::Internal,
            from_number: "301".into(),
            to_number: "300".into(),
            entry_point: Some("3XX".into()),
            scenario: Some("flow".into()),
            scenario_hash: Some(hash.into()),
            started_at,
            answered_at: None,
            ended_at: started_at,
            duration_ms: 0,
            cause: "normal".into(),
            sip_status: None,
            ended_by: "caller".into(),
            rolling_hash: None,
            journal_stored: false,
            recoveries: 0,
            scenario_end: Some(end),
            scenario_error: None,
            fallback: None,
        };
        Ended {
            domain: DOMAIN.into(),
            record: CallRecord {
                summary,
                legs: Vec::new(),
            },
            journal: None,
        }
    }

    /// A store whose number tries the second of two versions; the hashes.
    async fn house(directory: &std::path::Path, promote_after: u32) -> (Store, DomainScope, [String; 2]) {
        let store = Store::open(directory, Options::default()).await.unwrap();
        store.create_domain(&NewDomain::named(DOMAIN)).await.unwrap();
        let scope = store.domain_scope(DOMAIN).await.unwrap();
        let first = store
            .put_module(&scope, "flow", "call-scenario", b"1")
            .await
            .unwrap();
        store
            .add_entry_point(&scope, &NewEntryPoint::new("3XX", "flow"))
            .await
            .unwrap();
        let second = store
            .put_module(&scope, "flow", "call-scenario", b"2")
            .await
            .unwrap();
        let change = CanaryChange {
            share_percent: Some(10),
            promote_after: Some(promote_after),
            ..CanaryChange::default()
        };
        store.set_canary(&scope, "3XX", &change).await.unwrap();
        (store, scope, [first.hash, second.hash])
    }

    async fn write(store: &Store, scope: &DomainScope, calls: &[Ended]) {
        for call in calls {
            store.insert_call(scope, &call.record, None).await.unwrap();
        }
    }

    /// Twenty calls of the canary, of which so many failed.
    async fn twenty(directory: &std::path::Path, failures: u32, promote_after: u32) -> (Store, DomainScope) {
        let (store, scope, [_, canary]) = house(directory, promote_after).await;
        let now = Timestamp::now();
        for n in 0..20 {
            let end = if n < failures {
                ScenarioEnd::Trapped
            } else {
                ScenarioEnd::Returned
            };
            let call = ended(n, &canary, now, end);
            write(&store, &scope, std::slice::from_ref(&call)).await;
            judge_all(&store, entry_points([&call])).await;
        }
        (store, scope)
    }

    #[tokio::test]
    async fn a_canary_that_fails_is_rolled_back_with_its_twentieth_call() {
        let directory = tempfile::tempdir().unwrap();
        let (store, scope) = twenty(directory.path(), 4, 0).await;
        assert_eq!(store.trial(&scope, "3XX").await.unwrap(), None);
        let entry = store.activation_history(&scope, "3XX").await.unwrap().remove(0);
        assert_eq!((entry.what, entry.by), (Event::RolledBack, By::Judge));
        assert!(entry.why.unwrap().contains("4 of 20 calls (20.0 %)"));
    }

    #[tokio::test]
    async fn a_canary_that_works_stays_or_is_promoted() {
        for (promote_after, expected) in [(0, Event::CanaryBegun), (20, Event::Promoted)] {
            let directory = tempfile::tempdir().unwrap();
            let (store, scope) = twenty(directory.path(), 1, promote_after).await;
            let entry = store.activation_history(&scope, "3XX").await.unwrap().remove(0);
            assert_eq!(entry.what, expected);
        }
    }

    /// Nothing is in memory: a new process judges by what the one before has written.
    #[tokio::test]
    async fn a_judgement_outlives_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let (store, scope, [_, canary]) = house(directory.path(), 0).await;
        let now = Timestamp::now();
        let calls: Vec<_> = (0..19)
            .map(|n| ended(n, &canary, now, ScenarioEnd::Failed))
            .collect();
        write(&store, &scope, &calls).await;
        judge_all(&store, entry_points(&calls)).await;
        assert!(store.trial(&scope, "3XX").await.unwrap().is_some());
        store.close().await;

        let store = Store::open(directory.path(), Options::default()).await.unwrap();
        let scope = store.domain_scope(DOMAIN).await.unwrap();
        let last = [ended(20, &canary, now, ScenarioEnd::Returned)];
        write(&store, &scope, &last).await;
        judge_all(&store, entry_points(&last)).await;
        assert_eq!(store.trial(&scope, "3XX").await.unwrap(), None);
    }

    #[test]
    fn entry_points_are_those_whose_scenario_ran() {
        let now = Timestamp::now();
        let one = ended(1, "ab", now, ScenarioEnd::Returned);
        let mut refused = ended(2, "ab", now, ScenarioEnd::Returned);
        refused.record.summary.scenario_hash = None;
        refused.record.summary.entry_point = Some("9".into());
        let found = entry_points([&one, &one, &refused]);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [(DOMAIN.into(), "3XX".into())]
        );
    }
}
