//! A new version is tried with a tenth of the calls: one that fails is taken back by itself, one that works gets all
//! calls in the end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tandem_kit::sipp::{Sipp, scenario};
use tandem_kit::tandem::Tandem;
use tandem_kit::wait;
use tandem_tests::load::caller;
use tandem_tests::{calls, modules};

const NUMBER: &str = "700";
const CALLS: usize = 1_000;
/// So many begin after a decision: a canary that still had a tenth of the calls would have twenty of them.
const CALLS_AFTER: usize = 200;
const PER_SECOND: u64 = 100;
/// A call that was being admitted when the versions changed may still begin with the one before, and a busy machine
/// may hold up whoever is to see the change.
const ADMITTING: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// A version of the scenario that fails so many of a thousand calls.
fn upload(tandem: &Tandem, failing: i32) -> String {
    let text = std::fs::read_to_string(modules::source("flaky")).unwrap();
    let other = text.replace("(i64.const 200)", &format!("(i64.const {failing})"));
    assert_eq!(text == other, failing == 200);
    modules::upload(tandem, &tandem.demo().domain, "flaky", &other).unwrap()
}

/// So many calls, a thousand at most, none of which is lost; their records, oldest first.
fn make_calls(tandem: &Tandem, calls: usize) -> Vec<Value> {
    let since = jiff::Timestamp::now().to_string();
    let outcome = Sipp::new(scenario("short_call"))
        .remote(tandem.sip())
        .callers([caller(tandem, "301", NUMBER).unwrap()])
        .calls(calls as u64)
        .rate(PER_SECOND)
        .within(Duration::from_mins(2))
        .run()
        .unwrap();
    assert_eq!(
        (outcome.successful, outcome.failed),
        (calls as u64, 0),
        "{outcome:?}"
    );
    wait::until(Duration::from_secs(30), "the records of all calls", || {
        let list = [
            "call", "list", "--number", NUMBER, "--limit", "1000", "--since", &since,
        ];
        let mut records = tandem.json(&list).ok()?["calls"].as_array()?.clone();
        records.reverse();
        (records.len() == calls).then_some(records)
    })
    .unwrap()
}

/// The versions that calls have which begin later than [`ADMITTING`] after `at`.
fn versions_after(tandem: &Tandem, at: jiff::Timestamp) -> Vec<Value> {
    wait::until(Duration::from_mins(1), "calls to be admitted", || {
        (jiff::Timestamp::now() > at + ADMITTING).then_some(())
    })
    .unwrap();
    let mut versions: Vec<Value> = make_calls(tandem, CALLS_AFTER)
        .iter()
        .map(|record| record["scenario_hash"].clone())
        .collect();
    versions.dedup();
    versions
}

/// How many calls each version had.
fn by_version(records: &[Value]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts
            .entry(record["scenario_hash"].as_str().unwrap())
            .or_default() += 1;
    }
    counts
}

fn began(record: &Value) -> jiff::Timestamp {
    time(&record["started_at"])
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The newest entry of the number's history.
fn newest(tandem: &Tandem) -> Value {
    tandem.json(&["number", "history", NUMBER]).unwrap()[0].clone()
}

/// The canary's part of the calls from its first one to `until`.
fn share(records: &[Value], canary: &str, until: jiff::Timestamp) -> f64 {
    let first = records
        .iter()
        .position(|record| record["scenario_hash"] == canary)
        .unwrap();
    let between = records[first..]
        .iter()
        .take_while(|record| began(record) < until)
        .collect::<Vec<_>>();
    let tried = between
        .iter()
        .filter(|record| record["scenario_hash"] == canary)
        .count();
    tried as f64 / between.len() as f64
}

/// One call of the version is replayed: its journal is of the version that its record names.
fn replays(tandem: &Tandem, records: &[Value], hash: &str) {
    let mut of_version = records.iter().filter(|record| record["scenario_hash"] == hash);
    let id = of_version.next_back().unwrap()["id"].as_str().unwrap();
    let replay = calls::replay(tandem, id, &["--json"]).unwrap();
    assert_eq!(replay.code, Some(0), "{replay:?}");
    let report: Value = serde_json::from_str(&replay.stdout).unwrap();
    assert_eq!(report["scenario_hash"], hash);
}

#[test]
fn a_version_that_fails_is_rolled_back_and_one_that_works_is_promoted() {
    let mut tandem = Tandem::builder().media_ports(1_000).start().unwrap();
    let good = upload(&tandem, 0);
    tandem
        .json(&["number", "add", NUMBER, "--scenario", "flaky"])
        .unwrap();

    let bad = upload(&tandem, 200);
    let tries = [
        "number",
        "canary",
        NUMBER,
        "--version",
        &bad[..8],
        "--share",
        "10",
    ];
    assert_eq!(tandem.json(&tries).unwrap()["canary"]["hash"], bad);
    let records = make_calls(&tandem, CALLS);
    let counts = by_version(&records);
    println!("with the version that fails: {counts:?}");
    assert_eq!(counts.len(), 2, "{counts:?}");

    // Taken back by the judge, as history and log tell with the share, the figures and the moment.
    let entry = newest(&tandem);
    println!("{entry:#}");
    assert_eq!(
        (&entry["what"], &entry["by"]),
        (&"rolled-back".into(), &"judge".into())
    );
    assert_eq!(
        (&entry["hash"], &entry["active_hash"]),
        (&bad.as_str().into(), &good.as_str().into())
    );
    assert_eq!(entry["share_percent"], 10);
    assert!(entry["why"].as_str().unwrap().contains("failed"));
    let log = tandem.log();
    let line = log
        .lines()
        .find(|line| line.contains("canary rolled back"))
        .unwrap();
    for words in [bad.as_str(), &good, NUMBER, "share=10", "failed"] {
        assert!(line.contains(words), "{words} is not in {line}");
    }
    let at = time(&entry["at"]);
    assert_eq!(
        versions_after(&tandem, at),
        [good.as_str()],
        "rolled back at {at}"
    );
    // It is judged after twenty of its calls, of which a tenth of all are: 50 to 1,000 calls, but for one run in 10⁷.
    let shared = share(&records, &bad, at);
    assert!((0.02..0.4).contains(&shared), "{shared}");

    // What was counted is what the records tell.
    for record in &records {
        let failed = record["scenario_end"] == "failed";
        assert_eq!(failed, record["cause"] == "scenario-failed", "{record}");
        assert_eq!(failed, record["scenario_error"] == "bad luck", "{record}");
        assert!(!failed || record["scenario_hash"] == bad.as_str(), "{record}");
    }
    replays(&tandem, &records, &bad);
    replays(&tandem, &records, &good);

    // The same with one that works: after thirty of its calls all get it.
    let better = upload(&tandem, -1);
    let tries = [
        "number",
        "canary",
        NUMBER,
        "--share",
        "10",
        "--promote-after",
        "30",
    ];
    assert_eq!(tandem.json(&tries).unwrap()["canary"]["hash"], better);
    let records = make_calls(&tandem, CALLS);
    println!("with the version that works: {:?}", by_version(&records));
    let entry = newest(&tandem);
    println!("{entry:#}");
    assert_eq!(
        (&entry["what"], &entry["by"]),
        (&"promoted".into(), &"judge".into())
    );
    assert_eq!(entry["active_hash"], better.as_str());
    assert!(tandem.log().contains("canary promoted"));
    let at = time(&entry["at"]);
    let shared = share(&records, &better, at);
    assert!((0.04..0.35).contains(&shared), "{shared}");
    assert!(
        records
            .iter()
            .any(|record| record["scenario_hash"] == good.as_str())
    );
    assert_eq!(versions_after(&tandem, at), [better.as_str()], "promoted at {at}");
    assert!(records.iter().all(|record| record["scenario_end"] == "returned"));

    // And back by hand.
    let back = tandem.json(&["number", "rollback", NUMBER]).unwrap();
    assert_eq!(back["hash"], good.as_str());
    tandem.assert_alive().unwrap();
}
