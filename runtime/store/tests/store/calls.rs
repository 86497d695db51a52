//! Call records, their legs and journals.

use std::str::FromStr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tandem_store::{
    CallCursor, CallFilter, CallMessages, CallRecord, Due, Inserted, MessageWay, NewCall, NewMessages,
    ScenarioEnd, SipMessage, StoreError,
};

use crate::{call, home};

#[tokio::test]
async fn a_call_comes_back_as_it_was_written() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let mut record = call("0001", 0);
    home.insert_call(&scope, &record, Some(b"journal\0\xff"))
        .await
        .unwrap();
    record.summary.journal_stored = true;
    assert_eq!(home.call(&scope, "0001").await.unwrap(), Some(record.clone()));
    assert_eq!(
        home.journal(&scope, "0001").await.unwrap().unwrap(),
        b"journal\0\xff"
    );
    assert_eq!(
        home.calls(&scope, &CallFilter::default()).await.unwrap().calls,
        [record.summary]
    );

    // One that failed at once: nothing that is optional.
    let mut failed = call("0002", 1);
    failed.legs.truncate(1);
    failed.legs[0].user = None;
    failed.legs[0].sip_status = None;
    let summary = &mut failed.summary;
    (summary.entry_point, summary.scenario, summary.scenario_hash) = (None, None, None);
    (summary.answered_at, summary.sip_status, summary.rolling_hash) = (None, None, None);
    summary.recoveries = 3;
    (summary.scenario_end, summary.scenario_error) = (None, None);
    home.insert_call(&scope, &failed, None).await.unwrap();
    assert_eq!(home.call(&scope, "0002").await.unwrap(), Some(failed));

    let ends = [
        (ScenarioEnd::CallOver, None),
        (ScenarioEnd::Failed, Some("nobody home")),
        (ScenarioEnd::Trapped, Some("unreachable")),
        (ScenarioEnd::OverBudget, Some("CPU")),
        (ScenarioEnd::Refused, Some("no module")),
        (ScenarioEnd::Diverged, Some("asked for something else")),
    ];
    for (number, (end, error)) in ends.into_iter().enumerate() {
        let mut ended = call(&format!("end-{number}"), 2);
        ended.summary.scenario_end = Some(end);
        ended.summary.scenario_error = error.map(str::to_owned);
        home.insert_call(&scope, &ended, None).await.unwrap();
        let read = home.call(&scope, &ended.summary.id).await.unwrap();
        assert_eq!(read.as_ref(), Some(&ended));
        assert_eq!(serde_json::to_value(end).unwrap(), end.as_str());
    }
    assert_eq!(home.journal(&scope, "0002").await.unwrap(), None);
    assert_eq!(home.call(&scope, "0003").await.unwrap(), None);
    assert_eq!(home.journal(&scope, "0003").await.unwrap(), None);
}

#[tokio::test]
async fn a_call_is_written_once_and_whole() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    home.insert_call(&scope, &call("0001", 0), None).await.unwrap();
    let again = home.insert_call(&scope, &call("0001", 5), Some(b"other")).await;
    assert!(
        matches!(again, Err(StoreError::Exists { what: "call", .. })),
        "{again:?}"
    );
    assert_eq!(home.call(&scope, "0001").await.unwrap(), Some(call("0001", 0)));
    assert_eq!(home.journal(&scope, "0001").await.unwrap(), None);

    let mut twice = call("0002", 0);
    twice.legs[1].index = 0;
    assert!(matches!(
        home.insert_call(&scope, &twice, None).await,
        Err(StoreError::Invalid { .. })
    ));
    for id in ["", "a b", "é"] {
        let refused = home.insert_call(&scope, &call(id, 0), None).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{id}: {refused:?}"
        );
    }
    let journal = vec![0; (64 << 20) + 1];
    let large = home.insert_call(&scope, &call("0002", 0), Some(&journal)).await;
    assert!(
        matches!(large, Err(StoreError::TooLarge { what: "journal", .. })),
        "{large:?}"
    );
    assert_eq!(
        home.calls(&scope, &CallFilter::default())
            .await
            .unwrap()
            .calls
            .len(),
        1
    );
}

/// After a crash nobody knows whether a record was written, so it is given again.
#[tokio::test]
async fn a_record_given_twice_is_there_once() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let record = call("0001", 0);
    for expected in [Inserted::Now, Inserted::Before] {
        let inserted = home.insert_call(&ours, &record, Some(b"journal")).await;
        assert_eq!(inserted.unwrap(), expected);
    }
    let mut there = record.clone();
    there.summary.journal_stored = true;
    assert_eq!(home.call(&ours, "0001").await.unwrap(), Some(there));
    let inserted = home.insert_call(&theirs, &record, None).await;
    assert_eq!(inserted.unwrap(), Inserted::Now, "of another domain");
    home.check().await.unwrap();
}

/// JSON is flat, for people and their tools; binary forms cannot be.
#[test]
fn a_record_is_written_to_text_and_to_bytes() {
    let record = call("0001", 0);
    let text = serde_json::to_value(&record).unwrap();
    assert_eq!(
        (&text["id"], &text["legs"][1]["role"]),
        (&"0001".into(), &"callee".into())
    );
    assert_eq!(serde_json::from_value::<CallRecord>(text).unwrap(), record);
    let bytes = postcard::to_stdvec(&record).unwrap();
    assert_eq!(postcard::from_bytes::<CallRecord>(&bytes).unwrap(), record);
}

/// What a peer wrote cannot lose its call's record.
#[tokio::test]
async fn text_from_outside_is_cut_not_refused() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let mut record = call("0001", 0);
    record.summary.from_number = "a\0".repeat(5_000);
    record.legs[0].peer_uri = "é".repeat(5_000);
    record.legs[0].rtp_lost = u64::MAX;
    home.insert_call(&scope, &record, None).await.unwrap();
    let read = home.call(&scope, "0001").await.unwrap().unwrap();
    assert_eq!(read.summary.from_number, "a".repeat(1_024));
    assert_eq!(read.legs[0].peer_uri, "é".repeat(512));
    assert_eq!(read.legs[0].rtp_lost, i64::MAX as u64);
}

#[tokio::test]
async fn a_batch_keeps_what_is_good() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let gone = home.domain("gone.local").await;
    home.delete_domain(&gone).await.unwrap();
    let records: Vec<_> = (0..4).map(|number| call(&number.to_string(), number)).collect();
    let new = |scope, number: usize| NewCall {
        scope,
        record: &records[number],
        journal: Some(b"j"),
    };
    let results = home
        .insert_calls(&[
            new(&ours, 0),
            new(&gone, 1),
            new(&ours, 0),
            new(&theirs, 0),
            new(&ours, 2),
        ])
        .await
        .unwrap();
    assert!(
        matches!(
            results.as_slice(),
            [
                Ok(Inserted::Now),
                Err(StoreError::NotFound { what: "domain", .. }),
                Ok(Inserted::Before),
                Ok(Inserted::Now),
                Ok(Inserted::Now)
            ]
        ),
        "{results:?}"
    );
    assert_eq!(
        home.calls(&ours, &CallFilter::default())
            .await
            .unwrap()
            .calls
            .len(),
        2
    );
    assert_eq!(
        home.calls(&theirs, &CallFilter::default())
            .await
            .unwrap()
            .calls
            .len(),
        1
    );
    home.check().await.unwrap();
}

#[tokio::test]
async fn calls_are_paged_latest_first() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    // Three at each second: the id decides.
    let records: Vec<_> = (0..30)
        .map(|number| call(&format!("{number:04}"), number / 3))
        .collect();
    let new: Vec<_> = records
        .iter()
        .map(|record| NewCall {
            scope: &scope,
            record,
            journal: None,
        })
        .collect();
    assert!(home.insert_calls(&new).await.unwrap().iter().all(Result::is_ok));

    let mut seen = Vec::new();
    let mut filter = CallFilter {
        limit: Some(7),
        ..CallFilter::default()
    };
    loop {
        let page = home.calls(&scope, &filter).await.unwrap();
        seen.extend(page.calls.into_iter().map(|call| call.id));
        let Some(next) = page.next else { break };
        assert_eq!(CallCursor::from_str(&next.to_string()).unwrap(), next);
        filter.before = Some(next);
    }
    let expected: Vec<_> = (0..30).rev().map(|number| format!("{number:04}")).collect();
    assert_eq!(seen, expected);

    let exactly = CallFilter {
        limit: Some(30),
        ..CallFilter::default()
    };
    assert_eq!(home.calls(&scope, &exactly).await.unwrap().next, None);
    for limit in [0, 1_001] {
        let filter = CallFilter {
            limit: Some(limit),
            ..CallFilter::default()
        };
        assert!(matches!(
            home.calls(&scope, &filter).await,
            Err(StoreError::Invalid { .. })
        ));
    }
    for cursor in ["", "x", "5", "x:1", &format!("1:{}", "a".repeat(200))] {
        assert!(CallCursor::from_str(cursor).is_err(), "{cursor}");
    }
}

#[tokio::test]
async fn calls_are_found_by_time_and_number() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    for (id, second, from, to, entry_point) in [
        ("1", 10, "301", "300", Some("3XX")),
        ("2", 20, "302", "301", None),
        ("3", 30, "302", "303", Some("*")),
    ] {
        let mut record = call(id, second);
        record.summary.from_number = from.to_owned();
        record.summary.to_number = to.to_owned();
        record.summary.entry_point = entry_point.map(str::to_owned);
        home.insert_call(&scope, &record, None).await.unwrap();
    }
    let start = call("", 0).summary.started_at;
    let at = |seconds| Some(start + SignedDuration::from_secs(seconds));
    for (since, until, number, found) in [
        (None, None, None, "3 2 1"),
        (at(20), None, None, "3 2"),
        (None, at(20), None, "1"),
        (at(20), at(30), None, "2"),
        (at(31), None, None, ""),
        (None, None, Some("301"), "2 1"),
        (None, None, Some("3XX"), "1"),
        (None, None, Some("304"), ""),
        (at(15), None, Some("301"), "2"),
    ] {
        let filter = CallFilter {
            since,
            until,
            number: number.map(str::to_owned),
            ..CallFilter::default()
        };
        let ids: Vec<_> = home
            .calls(&scope, &filter)
            .await
            .unwrap()
            .calls
            .into_iter()
            .map(|call| call.id)
            .collect();
        assert_eq!(ids.join(" "), found, "{filter:?}");
    }
    for (scenario, found) in [("flow", 3), ("entry", 0)] {
        let filter = CallFilter {
            scenario: Some(scenario.to_owned()),
            ..CallFilter::default()
        };
        assert_eq!(
            home.calls(&scope, &filter).await.unwrap().calls.len(),
            found,
            "{scenario}"
        );
    }
}

/// All pages of a filter.
async fn listed(
    home: &crate::Home,
    scope: &tandem_store::DomainScope,
    mut filter: CallFilter,
) -> Vec<String> {
    let mut seen = Vec::new();
    filter.limit = Some(2);
    loop {
        let page = home.calls(scope, &filter).await.unwrap();
        seen.extend(page.calls.into_iter().map(|call| call.id));
        let Some(next) = page.next else { return seen };
        filter.before = Some(next);
    }
}

#[tokio::test]
async fn calls_are_found_by_each_filter_and_by_several() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    for number in 0..12_i64 {
        let mut record = call(&format!("{number:04}"), number);
        if number % 2 == 0 {
            record.summary.from_number = "30%".to_owned();
        }
        if number % 3 == 0 {
            record.summary.to_number = "30%".to_owned();
            record.summary.scenario = Some("Night".to_owned());
        }
        if number % 4 == 0 {
            // Two legs of one user are one call.
            record
                .legs
                .iter_mut()
                .for_each(|leg| leg.user = Some("anna".to_owned()));
        }
        home.insert_call(&ours, &record, None).await.unwrap();
    }
    home.insert_call(&theirs, &call("0000", 0), None).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let all = CallFilter::default;
    let expected = |which: fn(i64) -> bool| -> Vec<String> {
        let numbers = (0..12).rev().filter(|number| which(*number));
        numbers.map(|number| format!("{number:04}")).collect()
    };

    let number = CallFilter {
        number: text("30%"),
        ..all()
    };
    assert_eq!(
        listed(&home, &ours, number.clone()).await,
        expected(|n| n % 2 == 0 || n % 3 == 0)
    );
    let user = CallFilter {
        user: text("anna"),
        ..all()
    };
    assert_eq!(listed(&home, &ours, user.clone()).await, expected(|n| n % 4 == 0));
    let scenario = CallFilter {
        scenario: text("Night"),
        ..all()
    };
    assert_eq!(listed(&home, &ours, scenario).await, expected(|n| n % 3 == 0));
    // What LIKE takes for any letters is a letter here.
    let words = CallFilter {
        words: text("0%"),
        ..all()
    };
    assert_eq!(
        listed(&home, &ours, words).await,
        expected(|n| n % 2 == 0 || n % 3 == 0)
    );
    let words = CallFilter {
        words: text("niGH"),
        ..all()
    };
    assert_eq!(
        listed(&home, &ours, words.clone()).await,
        expected(|n| n % 3 == 0)
    );
    let several = CallFilter {
        scenario: text("Night"),
        words: text("30%"),
        ..user
    };
    assert_eq!(listed(&home, &ours, several).await, expected(|n| n % 12 == 0));
    let since = call("", 4).summary.started_at;
    let until = call("", 9).summary.started_at;
    let some = CallFilter {
        since: Some(since),
        until: Some(until),
        ..number.clone()
    };
    assert_eq!(
        listed(&home, &ours, some).await,
        expected(|n| (4..9).contains(&n) && (n % 2 == 0 || n % 3 == 0))
    );
    for filter in [number, words] {
        assert!(listed(&home, &theirs, filter).await.is_empty());
    }
    let long = CallFilter {
        words: Some("x".repeat(257)),
        ..all()
    };
    assert!(matches!(
        home.calls(&ours, &long).await,
        Err(StoreError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn messages_come_back_and_go_with_their_call() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let said = Arc::new(CallMessages {
        items: vec![SipMessage {
            at_us: 1_795_219_200_000_001,
            way: MessageWay::In,
            leg: 0,
            local: "192.0.2.1:5060".to_owned(),
            remote: "[2001:db8::1]:5062".to_owned(),
            transport: "UDP".to_owned(),
            text: "INVITE sip:300@demo.local SIP/2.0\r\n\r\n\u{fffd}".to_owned(),
        }],
        left_out: 7,
    });
    for id in ["0001", "0002"] {
        home.insert_call(&ours, &call(id, 0), None).await.unwrap();
    }
    let new = |scope, call| NewMessages {
        scope,
        call,
        messages: &said,
    };
    // One that no call has, one of another domain, and twice.
    for call in [
        new(&ours, "0001"),
        new(&ours, "0003"),
        new(&theirs, "0002"),
        new(&ours, "0001"),
    ] {
        home.insert_call_messages(&[call]).await.unwrap();
    }
    home.insert_call_messages(&[]).await.unwrap();
    assert_eq!(
        home.call_messages(&ours, "0001").await.unwrap().as_ref(),
        Some(&*said)
    );
    assert_eq!(home.call_messages(&ours, "0002").await.unwrap(), None);
    assert_eq!(home.call_messages(&theirs, "0001").await.unwrap(), None);

    let due = Due {
        journals_before: None,
        calls_before: Some(Timestamp::MAX),
    };
    assert_eq!(home.purge(&ours, &due).await.unwrap().calls, 2);
    assert_eq!(home.call_messages(&ours, "0001").await.unwrap(), None);
    home.check().await.unwrap();
}
