//! The log of scenarios: numbered, bounded, filtered, walled.

use jiff::{Timestamp, ToSpan as _};
use tandem_store::scenario_log::LINES_MOST;
use tandem_store::{Due, LogFilter, LogKind, LogLevel, LogPage, NewLogLine, StoreError};

use crate::home;

fn line(level: LogLevel, run: &str, text: &str) -> NewLogLine {
    NewLogLine {
        at: Timestamp::now(),
        level,
        kind: LogKind::Log,
        run: run.to_owned(),
        entry_point: "300".to_owned(),
        scenario: "menu".to_owned(),
        scenario_hash: "ab12".to_owned(),
        text: text.to_owned(),
    }
}

fn texts(page: &LogPage) -> Vec<&str> {
    page.lines.iter().map(|line| line.said.text.as_str()).collect()
}

#[tokio::test]
async fn lines_are_read_by_filter_in_their_order_and_by_their_own_domain() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let theirs = home.domain("other.local").await;
    let lines = [
        line(LogLevel::Info, "c1", "one"),
        line(LogLevel::Error, "c2", "two\0"),
        line(LogLevel::Debug, "c1", "three"),
    ];
    home.add_log(&ours, &lines).await.unwrap();
    home.add_log(&theirs, &[line(LogLevel::Info, "c1", "theirs")])
        .await
        .unwrap();

    let all = LogFilter::default();
    assert_eq!(
        texts(&home.newest_log(&ours, &all, 2).await.unwrap()),
        ["two", "three"]
    );
    let of_call = LogFilter {
        run: Some("c1".to_owned()),
        ..LogFilter::default()
    };
    assert_eq!(
        texts(&home.newest_log(&ours, &of_call, 9).await.unwrap()),
        ["one", "three"]
    );
    let grave = LogFilter {
        level: Some(LogLevel::Warn),
        ..LogFilter::default()
    };
    assert_eq!(texts(&home.newest_log(&ours, &grave, 9).await.unwrap()), ["two"]);
    let others = LogFilter {
        scenario: Some("flow".to_owned()),
        ..LogFilter::default()
    };
    assert!(home.newest_log(&ours, &others, 9).await.unwrap().lines.is_empty());
    assert_eq!(
        texts(&home.newest_log(&theirs, &all, 9).await.unwrap()),
        ["theirs"]
    );

    let page = home.log_after(&ours, &all, 0, 2).await.unwrap();
    assert_eq!((texts(&page), page.next, page.lost), (vec!["one", "two"], 2, 0));
    let page = home.log_after(&ours, &all, page.next, 2).await.unwrap();
    assert_eq!((texts(&page), page.next), (vec!["three"], 3));
    let page = home.log_after(&ours, &all, 3, 2).await.unwrap();
    assert_eq!((page.lines.len(), page.next, page.lost), (0, 3, 0));
    let refused = home.newest_log(&ours, &all, 0).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_storm_keeps_the_newest_lines_and_who_is_slow_is_told_what_is_gone() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let many: Vec<NewLogLine> = (1..=LINES_MOST + 50)
        .map(|n| line(LogLevel::Info, "c1", &n.to_string()))
        .collect();
    home.add_log(&scope, &many).await.unwrap();
    let page = home
        .log_after(&scope, &LogFilter::default(), 10, 3)
        .await
        .unwrap();
    assert_eq!((texts(&page), page.lost), (vec!["51", "52", "53"], 40));
}

/// The last line stays: numbers go on where they were, and a reader's place means the same.
#[tokio::test]
async fn lines_over_age_go_and_numbers_are_not_given_twice() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let mut old = line(LogLevel::Info, "c1", "old");
    old.at = Timestamp::now() - 48.hours();
    home.add_log(&scope, &[old.clone(), old.clone(), old])
        .await
        .unwrap();
    let due = Due {
        journals_before: Some(Timestamp::now() - 24.hours()),
        calls_before: None,
    };
    home.purge(&scope, &due).await.unwrap();
    let page = home.log_after(&scope, &LogFilter::default(), 0, 9).await.unwrap();
    assert_eq!((page.lines.len(), page.lines[0].line), (1, 3));
    home.add_log(&scope, &[line(LogLevel::Info, "c1", "new")])
        .await
        .unwrap();
    let page = home.log_after(&scope, &LogFilter::default(), 3, 9).await.unwrap();
    assert_eq!((texts(&page), page.next), (vec!["new"], 4));
}
