//! Timers: set once, moved, bounded, made events when they are due, and their domain's own.

use std::time::Duration;

use tandem_store::{DomainScope, NewEntryPoint, NewTimer, Once, StoreError, Writer};

use crate::{Home, home};

const STARTS: &str = "event:timer-remind";

async fn domain(home: &Home, name: &str) -> DomainScope {
    let scope = home.domain(name).await;
    home.put_module(&scope, "watch", "event-scenario", b"watch")
        .await
        .unwrap();
    let entry = NewEntryPoint::new(STARTS, "watch");
    home.add_entry_point(&scope, &entry).await.unwrap();
    scope
}

fn once(op_index: u32) -> Once<'static> {
    Once {
        call: "call-1",
        op_index,
        writer: Writer::default(),
    }
}

fn timer(name: &str, after_s: u64) -> NewTimer<'_> {
    NewTimer {
        name,
        entry_point: STARTS,
        after: Duration::from_secs(after_s),
        data: "Ann \"called\"",
    }
}

#[tokio::test]
async fn a_timer_that_is_due_is_an_event_once_however_often_it_is_asked_for() {
    let home = home().await;
    let (ours, theirs) = (
        domain(&home, "demo.local").await,
        domain(&home, "other.local").await,
    );
    let set = |op_index, new| home.set_timer_once(&ours, once(op_index), new);
    assert!(!set(1, timer("remind/1", 0)).await.unwrap());
    assert!(!set(2, timer("remind/2", 60)).await.unwrap());
    assert_eq!(home.timers(&ours).await.unwrap().len(), 2);
    assert!(home.timers(&theirs).await.unwrap().is_empty());

    assert_eq!(home.ring_timers(10).await.unwrap(), 1);
    assert_eq!(home.ring_timers(10).await.unwrap(), 0);
    // A crash lost the answer: asked again, it is not set again.
    assert!(!set(1, timer("remind/1", 0)).await.unwrap());
    assert_eq!(home.ring_timers(10).await.unwrap(), 0);

    let due = home.due_events(10).await.unwrap();
    assert_eq!(due.len(), 1, "{due:?}");
    assert_eq!(
        (due[0].domain.as_str(), due[0].entry_point.as_str()),
        ("demo.local", STARTS)
    );
    let at = due[0].happened_at;
    assert_eq!(due[0].id, format!("timer/remind/1/{}", at.as_microsecond()));
    let due_ms = at.as_millisecond();
    assert_eq!(
        due[0].data,
        format!("{{\"name\":\"remind/1\",\"due_ms\":{due_ms},\"data\":\"Ann \\\"called\\\"\"}}")
    );
}

#[tokio::test]
async fn a_timer_is_moved_and_cancelled_in_its_own_domain() {
    let home = home().await;
    let (ours, theirs) = (
        domain(&home, "demo.local").await,
        domain(&home, "other.local").await,
    );
    home.set_timer_once(&ours, once(1), timer("remind/1", 0))
        .await
        .unwrap();
    assert!(
        home.set_timer_once(&ours, once(2), timer("remind/1", 60))
            .await
            .unwrap()
    );
    assert_eq!(home.ring_timers(10).await.unwrap(), 0);
    let moved = home.timers(&ours).await.unwrap();
    assert_eq!(moved[0].due_at.duration_since(moved[0].set_at).as_secs(), 60);

    assert!(
        !home
            .cancel_timer_once(&theirs, once(3), "remind/1")
            .await
            .unwrap()
    );
    let refused = home.cancel_timer(&theirs, "remind/1").await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "timer", .. })));
    assert!(home.cancel_timer_once(&ours, once(3), "remind/1").await.unwrap());
    // Again, after a crash: as it was answered the first time.
    assert!(home.cancel_timer_once(&ours, once(3), "remind/1").await.unwrap());
    assert!(!home.cancel_timer_once(&ours, once(4), "remind/1").await.unwrap());
}

#[tokio::test]
async fn timers_are_bounded_and_need_somebody_who_listens() {
    let home = home().await;
    let scope = domain(&home, "demo.local").await;
    let deaf = NewTimer {
        entry_point: "event:timer-nobody",
        ..timer("nobody", 0)
    };
    let refused = home.set_timer_once(&scope, once(0), deaf).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::NotFound {
                what: "entry point",
                ..
            })
        ),
        "{refused:?}"
    );

    for number in 1..=1_000 {
        let name = format!("remind/{number}");
        home.set_timer_once(&scope, once(number), timer(&name, 0))
            .await
            .unwrap();
    }
    let refused = home
        .set_timer_once(&scope, once(1_001), timer("remind/1001", 0))
        .await;
    assert!(
        matches!(refused, Err(StoreError::TooMany { most: 1_000, .. })),
        "{refused:?}"
    );
    // One that is there is moved all the same.
    assert!(
        home.set_timer_once(&scope, once(1_002), timer("remind/1", 60))
            .await
            .unwrap()
    );

    // Nobody listens any more: what is due starts nothing, and waits for nothing.
    home.remove_entry_point(&scope, STARTS).await.unwrap();
    while home.ring_timers(256).await.unwrap() > 0 {}
    assert!(home.due_events(10).await.unwrap().is_empty());
    assert_eq!(home.timers(&scope).await.unwrap().len(), 1);
}
