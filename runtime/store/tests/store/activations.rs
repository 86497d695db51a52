//! Versions of an entry point: the active one, the one that is tried, the one before, and their history.

use jiff::SignedDuration;
use tandem_store::{
    Activation, By, Canary, CanaryChange, Counts, DomainScope, Event, Fallback, NewCall, NewEntryPoint,
    NewFallback, ScenarioEnd, Settlement, StoreError, Trial, TrialCounts,
};

use crate::{Home, call, home};

/// A domain whose number 300 starts the first of three versions of a module; their hashes.
async fn house() -> (Home, DomainScope, [String; 3]) {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let hashes = versions(&home, &scope).await;
    (home, scope, hashes)
}

async fn versions(home: &Home, scope: &DomainScope) -> [String; 3] {
    let mut hashes = Vec::new();
    for bytes in [b"first ", b"second", b"third "] {
        let module = home
            .put_module(scope, "flow", "call-scenario", bytes)
            .await
            .unwrap();
        hashes.push(module.hash);
    }
    let first = NewEntryPoint {
        hash: Some(hashes[0].clone()),
        ..NewEntryPoint::new("300", "flow")
    };
    home.add_entry_point(scope, &first).await.unwrap();
    hashes.try_into().unwrap()
}

fn tried(hash: &str, share: u8) -> CanaryChange {
    CanaryChange {
        version: Some(hash.to_owned()),
        share_percent: Some(share),
        ..CanaryChange::default()
    }
}

/// Active, tried, before.
fn versions_of(activation: &Activation) -> (&str, Option<(&str, u8)>, Option<&str>) {
    let canary = activation.canary.as_ref();
    (
        &activation.entry_point.hash,
        canary.map(|canary| (canary.hash.as_str(), canary.share_percent)),
        activation.previous.as_deref(),
    )
}

/// What happened, to which version, which was active then, and the share; oldest first.
async fn history(home: &Home, scope: &DomainScope) -> Vec<(Event, String, String, Option<u8>, By)> {
    let mut entries = home.activation_history(scope, "300").await.unwrap();
    entries.reverse();
    assert!(entries.is_sorted_by_key(|entry| entry.at));
    entries
        .into_iter()
        .map(|it| (it.what, it.hash, it.active_hash, it.share_percent, it.by))
        .collect()
}

#[tokio::test]
async fn a_version_is_activated_and_the_one_before_returned_to_once() {
    let (home, scope, [first, second, third]) = house().await;
    let done = home.activate(&scope, "300", None).await.unwrap();
    assert_eq!(versions_of(&done), (third.as_str(), None, Some(first.as_str())));
    assert_eq!(home.activation(&scope, "300").await.unwrap(), Some(done.clone()));
    assert_eq!(
        home.activations(&scope).await.unwrap(),
        std::slice::from_ref(&done)
    );
    assert_eq!(home.activate(&scope, "300", None).await.unwrap(), done, "again");
    home.activate(&scope, "300", Some(&second)).await.unwrap();

    let back = home.roll_back(&scope, "300").await.unwrap();
    assert_eq!(versions_of(&back), (third.as_str(), None, None));
    let again = home.roll_back(&scope, "300").await;
    assert!(
        matches!(&again, Err(StoreError::NotFound { what, .. }) if what.contains("previous")),
        "{again:?}"
    );
    let hand = |what, hash: &String, active: &String| (what, hash.clone(), active.clone(), None, By::Hand);
    assert_eq!(
        history(&home, &scope).await,
        [
            hand(Event::Activated, &first, &first),
            hand(Event::Activated, &third, &third),
            hand(Event::Activated, &second, &second),
            hand(Event::RolledBack, &second, &third),
        ]
    );
    for number in ["301", "+49"] {
        let nowhere = home.activate(&scope, number, None).await;
        assert!(
            matches!(
                nowhere,
                Err(StoreError::NotFound {
                    what: "entry point",
                    ..
                })
            ),
            "{nowhere:?}"
        );
        let nowhere = home.activation_history(&scope, number).await;
        assert!(matches!(nowhere, Err(StoreError::NotFound { .. })), "{nowhere:?}");
    }
    home.check().await.unwrap();
}

#[tokio::test]
async fn a_canary_begins_changes_and_ends() {
    let (home, scope, [first, second, third]) = house().await;
    let begun = home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap();
    assert_eq!(
        versions_of(&begun),
        (first.as_str(), Some((second.as_str(), 10)), None)
    );
    let began_at = begun.canary.as_ref().unwrap().began_at;

    // Another share of the same: it goes on.
    let change = CanaryChange {
        share_percent: Some(50),
        margin: Some(7),
        ..CanaryChange::default()
    };
    let changed = home.set_canary(&scope, "300", &change).await.unwrap();
    let canary = changed.canary.clone().unwrap();
    assert_eq!(
        (canary.share_percent, canary.margin, canary.began_at),
        (50, 7, began_at)
    );
    assert_eq!(
        home.set_canary(&scope, "300", &change).await.unwrap(),
        changed,
        "again"
    );

    // Another version takes its place; all calls get it; the one before is kept.
    home.set_canary(&scope, "300", &tried(&third, 20)).await.unwrap();
    let promoted = home.promote(&scope, "300").await.unwrap();
    assert_eq!(
        versions_of(&promoted),
        (third.as_str(), None, Some(first.as_str()))
    );

    // What is tried goes first when a step is taken back.
    home.set_canary(&scope, "300", &tried(&second, 30)).await.unwrap();
    let back = home.roll_back(&scope, "300").await.unwrap();
    assert_eq!(versions_of(&back), versions_of(&promoted));
    home.set_canary(&scope, "300", &tried(&second, 40)).await.unwrap();
    home.end_canary(&scope, "300").await.unwrap();
    home.set_canary(&scope, "300", &tried(&second, 60)).await.unwrap();
    let activated = home.activate(&scope, "300", Some(&third)).await.unwrap();
    assert_eq!(versions_of(&activated), versions_of(&promoted), "for all calls");

    for nothing in [
        home.end_canary(&scope, "300").await,
        home.promote(&scope, "300").await,
    ] {
        assert!(
            matches!(&nothing, Err(StoreError::NotFound { what, .. }) if what.contains("canary")),
            "{nothing:?}"
        );
    }
    let hand =
        |what, hash: &String, active: &String, share| (what, hash.clone(), active.clone(), share, By::Hand);
    assert_eq!(
        history(&home, &scope).await,
        [
            hand(Event::Activated, &first, &first, None),
            hand(Event::CanaryBegun, &second, &first, Some(10)),
            hand(Event::CanaryChanged, &second, &first, Some(50)),
            hand(Event::CanaryEnded, &second, &first, Some(50)),
            hand(Event::CanaryBegun, &third, &first, Some(20)),
            hand(Event::Promoted, &third, &third, Some(20)),
            hand(Event::CanaryBegun, &second, &third, Some(30)),
            hand(Event::RolledBack, &second, &third, Some(30)),
            hand(Event::CanaryBegun, &second, &third, Some(40)),
            hand(Event::CanaryEnded, &second, &third, Some(40)),
            hand(Event::CanaryBegun, &second, &third, Some(60)),
            hand(Event::CanaryEnded, &second, &third, Some(60)),
        ]
    );
    home.check().await.unwrap();
}

#[tokio::test]
async fn a_version_is_named_by_enough_of_its_hash() {
    let (home, scope, [first, second, _]) = house().await;
    let done = home.activate(&scope, "300", Some(&second[..6])).await.unwrap();
    assert_eq!(done.entry_point.hash, second);
    let upper = first[..12].to_uppercase();
    let canary = home.set_canary(&scope, "300", &tried(&upper, 5)).await.unwrap();
    assert_eq!(versions_of(&canary).1, Some((first.as_str(), 5)));

    for (wanted, is_known) in [("12345", false), ("nothex", false), ("000000", true)] {
        match home.activate(&scope, "300", Some(wanted)).await {
            Err(StoreError::Invalid { what: "version", .. }) => assert!(!is_known, "{wanted}"),
            Err(StoreError::NotFound { what: "module", name }) => {
                assert!(is_known && name == format!("flow@{wanted}"), "{name}");
            }
            other => panic!("{wanted}: {other:?}"),
        }
    }
    // Enough modules that two begin alike.
    let mut begins = std::collections::HashSet::new();
    let twice = (0..).find_map(|number: u32| {
        let hash = blake3::hash(&number.to_le_bytes()).to_hex();
        (!begins.insert(hash[..6].to_owned())).then(|| hash[..6].to_owned())
    });
    let twice = twice.unwrap();
    for number in 0..=begins.len() as u32 {
        if blake3::hash(&number.to_le_bytes()).to_hex().starts_with(&twice) {
            home.put_module(&scope, "flow", "call-scenario", &number.to_le_bytes())
                .await
                .unwrap();
        }
    }
    let ambiguous = home.activate(&scope, "300", Some(&twice)).await;
    assert!(
        matches!(&ambiguous, Err(StoreError::Invalid { what: "version", why }) if why.contains("several")),
        "{ambiguous:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused() {
    let (home, scope, [first, second, _]) = house().await;
    let active = home.set_canary(&scope, "300", &tried(&first, 10)).await;
    assert!(
        matches!(&active, Err(StoreError::Invalid { what: "canary", why }) if why.contains("active")),
        "{active:?}"
    );
    let share = home.set_canary(&scope, "300", &tried(&second, 100)).await;
    assert!(
        matches!(share, Err(StoreError::Invalid { what: "share", .. })),
        "{share:?}"
    );
    let other = home
        .put_module(&scope, "other", "call-scenario", b"x")
        .await
        .unwrap();
    let foreign = home.set_canary(&scope, "300", &tried(&other.hash, 10)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
    assert_eq!(home.activation_history(&scope, "300").await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_tried_or_may_be_returned_to_stays() {
    let (home, scope, [first, second, third]) = house().await;
    home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap();
    let used_by = async |hash: &str, words: &str| match home.delete_module(&scope, "flow", Some(hash)).await {
        Err(StoreError::InUse { by, .. }) => assert_eq!(by, format!("entry point 300{words}")),
        other => panic!("{other:?}"),
    };
    used_by(&first, "").await;
    used_by(&second[..8], " (canary)").await;
    home.promote(&scope, "300").await.unwrap();
    used_by(&first, " (previous version)").await;
    home.activate(&scope, "300", Some(&third)).await.unwrap();
    // Nobody can return to it any more.
    home.delete_module(&scope, "flow", Some(&first)).await.unwrap();
    used_by(&second, " (previous version)").await;
    home.set_canary(&scope, "300", &tried(&second, 1)).await.unwrap();
    // With the number all of it goes, and with the domain.
    home.remove_entry_point(&scope, "300").await.unwrap();
    home.delete_module(&scope, "flow", None).await.unwrap();
    let [_, second, _] = versions(&home, &scope).await;
    home.set_canary(&scope, "300", &tried(&second, 1)).await.unwrap();
    assert_eq!(home.activation_history(&scope, "300").await.unwrap().len(), 2);
    home.delete_domain(&scope).await.unwrap();
    home.check().await.unwrap();
}

/// Its settings would mean nothing to the module before.
#[tokio::test]
async fn another_module_leaves_nothing_to_return_to() {
    let (home, scope, [_, second, _]) = house().await;
    home.activate(&scope, "300", None).await.unwrap();
    home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap();
    let other = home
        .put_module(&scope, "other", "call-scenario", b"x")
        .await
        .unwrap();
    let change = tandem_store::EntryPointChange {
        module: Some(("other".to_owned(), None)),
        ..Default::default()
    };
    home.set_entry_point(&scope, "300", &change).await.unwrap();
    let now = home.activation(&scope, "300").await.unwrap().unwrap();
    assert_eq!(versions_of(&now), (other.hash.as_str(), None, None));
    assert!(home.roll_back(&scope, "300").await.is_err());
    let entries = history(&home, &scope).await;
    let events: Vec<_> = entries.iter().map(|entry| entry.0).collect();
    assert_eq!(
        events,
        [
            Event::Activated,
            Event::Activated,
            Event::CanaryBegun,
            Event::CanaryEnded,
            Event::Activated
        ]
    );
}

/// Calls of a version, each so many seconds after the canary began; those at the places in `failed` failed.
async fn calls(
    home: &Home,
    scope: &DomainScope,
    canary: &Canary,
    hash: &str,
    seconds: &[i64],
    end: impl Fn(i64) -> Option<ScenarioEnd>,
) {
    let records: Vec<_> = seconds
        .iter()
        .map(|second| {
            let mut record = call(&format!("{}-{second}", &hash[..6]), 0);
            let summary = &mut record.summary;
            summary.started_at = canary.began_at + SignedDuration::from_secs(*second);
            summary.entry_point = Some("300".to_owned());
            summary.scenario_hash = Some(hash.to_owned());
            summary.scenario_end = end(*second);
            record
        })
        .collect();
    let new: Vec<_> = records
        .iter()
        .map(|record| NewCall {
            scope,
            record,
            journal: None,
        })
        .collect();
    assert!(home.insert_calls(&new).await.unwrap().iter().all(Result::is_ok));
}

async fn trial(home: &Home, scope: &DomainScope) -> Trial {
    home.trial(scope, "300").await.unwrap().unwrap()
}

#[tokio::test]
async fn the_latest_calls_of_both_versions_are_counted_and_the_canarys_since_it_began() {
    let (home, scope, [first, second, third]) = house().await;
    assert_eq!(home.trial(&scope, "300").await.unwrap(), None);
    let change = CanaryChange {
        window: Some(10),
        promote_after: Some(12),
        ..tried(&second, 10)
    };
    home.set_canary(&scope, "300", &change).await.unwrap();
    let of = trial(&home, &scope).await;
    assert_eq!(
        (of.active_hash.as_str(), of.canary.hash.as_str()),
        (first.as_str(), second.as_str())
    );
    assert_eq!(
        home.trial_counts(&scope, &of).await.unwrap(),
        TrialCounts::default()
    );

    // Of the canary those failed that leave the window.
    let failed = |below: i64| {
        move |second| {
            Some(if second < below {
                ScenarioEnd::Trapped
            } else {
                ScenarioEnd::Returned
            })
        }
    };
    calls(&home, &scope, &of.canary, &first, &[-2, -1, 0, 1, 2], failed(1)).await;
    let seconds: Vec<i64> = (0..15).collect();
    calls(&home, &scope, &of.canary, &second, &[-2, -1], failed(0)).await;
    calls(&home, &scope, &of.canary, &second, &seconds, failed(8)).await;
    calls(&home, &scope, &of.canary, &third, &seconds, failed(99)).await;
    let other = home.domain("other.local").await;
    calls(&home, &other, &of.canary, &second, &[20, 21], failed(99)).await;

    let counts = home.trial_counts(&scope, &of).await.unwrap();
    let expected = |calls, failures| Counts { calls, failures };
    assert_eq!(counts.active, expected(5, 3), "those before too");
    assert_eq!(counts.canary, expected(10, 3));
    assert_eq!(counts.canary_calls, 12, "no further than it matters");
}

#[tokio::test]
async fn every_bad_end_is_a_failure_and_an_unknown_one_is_none() {
    let (home, scope, [_, second, _]) = house().await;
    home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap();
    let of = trial(&home, &scope).await;
    let ends = [
        None,
        Some(ScenarioEnd::Returned),
        Some(ScenarioEnd::CallOver),
        Some(ScenarioEnd::Failed),
        Some(ScenarioEnd::Trapped),
        Some(ScenarioEnd::OverBudget),
        Some(ScenarioEnd::Refused),
        Some(ScenarioEnd::Diverged),
    ];
    let seconds: Vec<i64> = (0..ends.len() as i64).collect();
    calls(&home, &scope, &of.canary, &second, &seconds, |second| {
        ends[second as usize]
    })
    .await;
    let failures = ends.iter().flatten().filter(|end| end.is_failure()).count() as u32;
    let counts = home.trial_counts(&scope, &of).await.unwrap();
    assert_eq!((counts.canary.calls, counts.canary.failures), (8, failures));
    assert_eq!(failures, 5);
}

#[tokio::test]
async fn the_judge_acts_only_on_what_it_judged() {
    let (home, scope, [first, second, third]) = house().await;
    home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap();
    let judged = trial(&home, &scope).await;
    let settle = async |judged: &Trial, what| home.settle(&scope, judged, what, "figures").await.unwrap();

    let epoch = home.directory_epoch();
    // Somebody changed the share, then another version was activated, then the number was removed.
    home.set_canary(&scope, "300", &tried(&second, 11)).await.unwrap();
    assert!(!settle(&judged, Settlement::RollBack).await);
    let judged = trial(&home, &scope).await;
    home.activate(&scope, "300", Some(&third)).await.unwrap();
    home.set_canary(&scope, "300", &tried(&second, 11)).await.unwrap();
    assert!(!settle(&judged, Settlement::Promote).await);
    assert_eq!(home.directory_epoch(), epoch + 3, "the judge changed nothing");

    let judged = trial(&home, &scope).await;
    assert!(settle(&judged, Settlement::RollBack).await);
    let now = home.activation(&scope, "300").await.unwrap().unwrap();
    assert_eq!(versions_of(&now), (third.as_str(), None, Some(first.as_str())));
    assert!(!settle(&judged, Settlement::RollBack).await, "it is over");

    home.set_canary(&scope, "300", &tried(&second, 12)).await.unwrap();
    let judged = trial(&home, &scope).await;
    assert!(settle(&judged, Settlement::Promote).await);
    assert_eq!(home.directory_epoch(), epoch + 6, "everybody sees it");
    let now = home.activation(&scope, "300").await.unwrap().unwrap();
    assert_eq!(versions_of(&now), (second.as_str(), None, Some(third.as_str())));

    let entries = home.activation_history(&scope, "300").await.unwrap();
    let by_judge: Vec<_> = entries.iter().filter(|it| it.by == By::Judge).collect();
    let [promoted, rolled_back] = by_judge.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(
        (promoted.what, promoted.share_percent),
        (Event::Promoted, Some(12))
    );
    assert_eq!(
        (rolled_back.what, rolled_back.share_percent),
        (Event::RolledBack, Some(11))
    );
    assert_eq!(promoted.why.as_deref(), Some("figures"));

    home.remove_entry_point(&scope, "300").await.unwrap();
    assert!(!settle(&judged, Settlement::RollBack).await);
}

#[tokio::test]
async fn history_keeps_the_newest_thousand() {
    let (home, scope, [first, second, _]) = house().await;
    for number in 0..1_001 {
        let hash = if number % 2 == 0 { &second } else { &first };
        home.activate(&scope, "300", Some(hash)).await.unwrap();
    }
    let entries = home.activation_history(&scope, "300").await.unwrap();
    assert_eq!(entries.len(), 1_000);
    assert_eq!(entries[0].hash, second, "the latest is there");
    assert_eq!(
        entries[999].hash, first,
        "the first two are not: {:?}",
        entries[999]
    );
}

#[tokio::test]
async fn a_page_has_numbers_in_their_order_without_their_settings() {
    let (home, scope, _) = house().await;
    for (number, title) in [("4", "Four%"), ("100", "Hundred"), ("web", "")] {
        let new = NewEntryPoint {
            title: title.to_owned(),
            config: r#"{"long": true}"#.to_owned(),
            ..NewEntryPoint::new(number, "flow")
        };
        home.add_entry_point(&scope, &new).await.unwrap();
    }
    let page = async |words: &str, after: &str, limit| {
        let (page, more) = home.activations_page(&scope, words, after, limit).await.unwrap();
        assert!(page.iter().all(|it| it.entry_point.config.is_empty()));
        let numbers: Vec<String> = page.into_iter().map(|it| it.entry_point.number).collect();
        (numbers.join(" "), more)
    };
    let is = |numbers: &str, more| (numbers.to_owned(), more);
    assert_eq!(page("", "", 2).await, is("100 300", true));
    assert_eq!(page("", "300", 2).await, is("4 web", false));
    assert_eq!(page("", "100", 3).await, is("300 4 web", false));
    assert_eq!(page("hundr", "", 9).await, is("100", false));
    assert_eq!(page("%", "", 9).await, is("4", false));
    assert_eq!(page("flow", "", 1).await, is("100", true));
    let other = home.domain("other.local").await;
    let (none, more) = home.activations_page(&other, "", "", 9).await.unwrap();
    assert!(none.is_empty() && !more);
    let unbounded = home.activations_page(&scope, "", "", 0).await;
    assert!(matches!(unbounded, Err(StoreError::Invalid { .. })));
}

#[tokio::test]
async fn a_version_and_what_takes_over_change_together_or_not_at_all() {
    let (home, scope, [first, second, _]) = house().await;
    let change = |fallback: &str| tandem_store::EntryPointChange {
        module: Some(("flow".to_owned(), Some(second.clone()))),
        fallback: Some(NewFallback::parse(fallback, "{}".to_owned())),
        ..tandem_store::EntryPointChange::default()
    };
    let refused = home.set_entry_point(&scope, "300", &change("nothing")).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
    let now = home.activation(&scope, "300").await.unwrap().unwrap();
    assert_eq!((now.entry_point.hash, now.fallback), (first, None));
    let set = home
        .set_entry_point(&scope, "300", &change("busy"))
        .await
        .unwrap();
    assert_eq!((set.hash, set.fallback_cause.as_str()), (second.clone(), "busy"));
    let what: Vec<Event> = history(&home, &scope).await.into_iter().map(|it| it.0).collect();
    assert_eq!(what, [Event::Activated, Event::Activated, Event::FallbackChanged]);
    home.set_entry_point(&scope, "300", &change("busy"))
        .await
        .unwrap();
    assert_eq!(history(&home, &scope).await.len(), 3, "nothing changed");
}

/// The same numbers, modules and calls in another domain.
#[tokio::test]
async fn a_second_domain_sees_and_changes_nothing_of_versions() {
    let (home, ours, [first, second, _]) = house().await;
    let theirs = home.domain("other.local").await;
    home.set_canary(&ours, "300", &tried(&second, 10)).await.unwrap();
    let before = home.activation(&ours, "300").await.unwrap();
    let judged = trial(&home, &ours).await;

    assert!(home.activations(&theirs).await.unwrap().is_empty());
    assert_eq!(home.activation(&theirs, "300").await.unwrap(), None);
    assert_eq!(home.trial(&theirs, "300").await.unwrap(), None);
    for refused in [
        home.activate(&theirs, "300", Some(&first)).await.err(),
        home.set_canary(&theirs, "300", &tried(&second, 20)).await.err(),
        home.end_canary(&theirs, "300").await.err(),
        home.promote(&theirs, "300").await.err(),
        home.roll_back(&theirs, "300").await.err(),
        home.activation_history(&theirs, "300").await.err(),
    ] {
        assert!(
            matches!(refused, Some(StoreError::NotFound { .. })),
            "{refused:?}"
        );
    }
    assert!(
        !home
            .settle(&theirs, &judged, Settlement::RollBack, "")
            .await
            .unwrap()
    );

    versions(&home, &theirs).await;
    home.set_canary(&theirs, "300", &tried(&second, 20))
        .await
        .unwrap();
    calls(&home, &theirs, &judged.canary, &second, &[1, 2], |_| {
        Some(ScenarioEnd::Failed)
    })
    .await;
    assert_eq!(
        home.trial_counts(&ours, &judged).await.unwrap(),
        TrialCounts::default()
    );
    home.promote(&theirs, "300").await.unwrap();
    home.roll_back(&theirs, "300").await.unwrap();
    home.remove_entry_point(&theirs, "300").await.unwrap();
    home.delete_module(&theirs, "flow", None).await.unwrap();
    home.delete_domain(&theirs).await.unwrap();

    assert_eq!(home.activation(&ours, "300").await.unwrap(), before);
    assert_eq!(home.activation_history(&ours, "300").await.unwrap().len(), 2);
    home.check().await.unwrap();
}

#[tokio::test]
async fn each_change_of_versions_counts_as_one_of_the_directory() {
    let (home, scope, [first, second, _]) = house().await;
    let start = home.directory_revision().await.unwrap();
    home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap();
    home.set_canary(&scope, "300", &tried(&second, 10)).await.unwrap(); // changes nothing
    home.set_canary(&scope, "300", &tried(&second, 20)).await.unwrap();
    home.end_canary(&scope, "300").await.unwrap();
    home.activate(&scope, "300", Some(&first)).await.unwrap(); // changes nothing
    home.activate(&scope, "300", Some(&second)).await.unwrap();
    home.roll_back(&scope, "300").await.unwrap();
    assert!(home.promote(&scope, "300").await.is_err());
    assert_eq!(home.directory_revision().await.unwrap(), start + 5);
}

#[tokio::test]
async fn a_fallback_is_set_kept_told_and_taken_away() {
    let (home, scope, hashes) = house().await;
    let night = home
        .put_module(&scope, "night", "call-scenario", b"night")
        .await
        .unwrap();
    let to_night = NewFallback::parse(&format!("night@{}", &night.hash[..8]), r#"{"a":1}"#.into());
    let set = home.set_fallback(&scope, "300", &to_night).await.unwrap();
    let expected = Fallback {
        module: "night".into(),
        hash: night.hash.clone(),
        config: r#"{"a":1}"#.into(),
    };
    assert_eq!(set.fallback.as_ref(), Some(&expected));
    assert_eq!(
        home.activations(&scope).await.unwrap(),
        std::slice::from_ref(&set)
    );
    // Another version of the number's own scenario leaves it.
    let next = home.activate(&scope, "300", Some(&hashes[1])).await.unwrap();
    assert_eq!(next.fallback, Some(expected));
    let refused = home.delete_module(&scope, "night", None).await.unwrap_err();
    assert!(refused.to_string().contains("300 (fall-back)"), "{refused}");

    let busy = NewFallback::parse("busy", "{}".into());
    let cause = home.set_fallback(&scope, "300", &busy).await.unwrap();
    assert_eq!(
        (cause.fallback, cause.entry_point.fallback_cause.as_str()),
        (None, "busy")
    );
    let events: Vec<Event> = history(&home, &scope)
        .await
        .into_iter()
        .map(|entry| entry.0)
        .collect();
    assert_eq!(
        events,
        [
            Event::Activated,
            Event::FallbackChanged,
            Event::Activated,
            Event::FallbackChanged
        ]
    );

    let nobody = NewFallback::parse("nobody", "{}".into());
    assert!(matches!(
        home.set_fallback(&scope, "300", &nobody).await,
        Err(StoreError::NotFound { what: "module", .. })
    ));
    let spoilt = NewFallback::parse("night", "{".into());
    assert!(matches!(
        home.set_fallback(&scope, "300", &spoilt).await,
        Err(StoreError::Invalid { .. })
    ));
    let other = home.domain("other.local").await;
    assert!(matches!(
        home.set_fallback(&other, "300", &busy).await,
        Err(StoreError::NotFound {
            what: "entry point",
            ..
        })
    ));
    let to_other = NewEntryPoint::new("301", "night");
    assert!(matches!(
        home.add_entry_point(&other, &to_other).await,
        Err(StoreError::NotFound { .. })
    ));
}
