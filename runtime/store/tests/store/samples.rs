//! Samples: minutes that become hours, what is forgotten, domains that see nothing of each other.

use jiff::{SignedDuration, Timestamp};
use tandem_store::{Sample, SampleSpan, StoreError};

use crate::home;

fn sample(calls: u64, active: u64) -> Sample {
    Sample {
        registrations: 3,
        calls_active: active,
        calls_begun: calls,
        calls_ended: calls,
        calls_answered: calls / 2,
        scenario_failures: 1,
        cpu_us: 500,
        memory_peak_bytes: 65_536 * calls,
    }
}

fn span(at: Timestamp, hours: i64, step_s: i64) -> SampleSpan {
    SampleSpan {
        since: at,
        until: at + SignedDuration::from_hours(hours),
        step_s,
    }
}

/// Counters add up, gauges keep their peak; the whole server's are rows of their own.
#[tokio::test]
async fn minutes_become_hours_and_each_domain_has_its_own() {
    let store = home().await;
    let (ours, theirs) = (
        store.domain("demo.local").await,
        store.domain("other.local").await,
    );
    let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let minute = SignedDuration::from_mins(1);
    let mut whole = sample(2, 5);
    whole.beside(&sample(4, 1));
    let first = [(ours.clone(), sample(2, 5)), (theirs.clone(), sample(4, 1))];
    store.add_samples(at, &whole, &first).await.unwrap();
    // Two processes that took turns within a minute.
    for sample in [sample(1, 2), sample(3, 1)] {
        store
            .add_samples(at + minute, &sample, &[(ours.clone(), sample)])
            .await
            .unwrap();
    }

    let minutes = store.samples(Some(&ours), span(at, 1, 60)).await.unwrap();
    let begun: Vec<_> = minutes
        .iter()
        .map(|(at, sample)| (*at, sample.calls_begun, sample.calls_active))
        .collect();
    assert_eq!(begun, [(at, 2, 5), (at + minute, 4, 2)]);
    let hours = store.samples(Some(&ours), span(at, 1, 3_600)).await.unwrap();
    assert_eq!(hours.len(), 1);
    let (begins, hour) = hours[0];
    assert_eq!(begins, at);
    assert_eq!(
        (
            hour.calls_begun,
            hour.calls_active,
            hour.registrations,
            hour.cpu_us
        ),
        (6, 5, 3, 1_500)
    );
    assert_eq!(hour.memory_peak_bytes, 3 * 65_536);
    let others = store.samples(Some(&theirs), span(at, 1, 300)).await.unwrap();
    assert_eq!(
        others.iter().map(|(_, sample)| sample.calls_begun).sum::<u64>(),
        4
    );
    let all = store.samples(None, span(at, 24, 86_400)).await.unwrap();
    assert_eq!((all[0].1.calls_begun, all[0].1.calls_active), (10, 6));

    store.delete_domain(&ours).await.unwrap();
    assert!(
        store
            .samples(Some(&ours), span(at, 1, 60))
            .await
            .unwrap()
            .is_empty()
    );
    // One that is counted after its domain was removed is nobody's, and no error.
    store
        .add_samples(at, &Sample::default(), &[(ours, sample(1, 1))])
        .await
        .unwrap();
    assert_eq!(
        store.samples(Some(&theirs), span(at, 1, 60)).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn minutes_are_forgotten_before_hours() {
    let store = home().await;
    let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    store.add_samples(at, &sample(1, 1), &[]).await.unwrap();
    let later = |hours| at + SignedDuration::from_hours(hours);
    store.add_samples(later(49), &sample(1, 1), &[]).await.unwrap();
    assert!(store.samples(None, span(at, 1, 60)).await.unwrap().is_empty());
    assert_eq!(store.samples(None, span(at, 1, 3_600)).await.unwrap().len(), 1);
    store
        .add_samples(later(401 * 24), &sample(1, 1), &[])
        .await
        .unwrap();
    assert!(store.samples(None, span(at, 1, 3_600)).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_would_be_too_much_or_nothing_is_refused() {
    let store = home().await;
    let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    for (span, field) in [
        (span(at, 48, 60), "step"),
        (span(at, 1, 90), "step"),
        (span(at, 1, 5_400), "step"),
        (span(at, 1, 0), "step"),
        (span(at, 1, -60), "step"),
        (span(at, 1, i64::MAX / 3_600 * 3_600), "step"),
        (span(at, 0, 60), "until"),
        (span(at, -1, 60), "until"),
    ] {
        let refused = store.samples(None, span).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { what, .. }) if what == field),
            "{span:?}: {refused:?}"
        );
    }
}
