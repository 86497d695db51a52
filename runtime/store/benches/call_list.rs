//! How long a page of a domain's calls takes, of a million: each kind of filter, with many values. Criterion tells of means;
//! what people wait for is the slow page, so this prints the 95th percentile.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection};
use tandem_store::{CallFilter, NewDomain, Options, Store};

const CALLS: i64 = 1_000_000;
const USERS: u32 = 10_000;
/// Pages that are asked for with each kind of filter.
const PAGES: u32 = 60;
/// 2025-01-01; a call begins every 2.5 seconds from then on. In microseconds.
const BEGIN: i64 = 1_735_689_600_000_000;
const APART: i64 = 2_500_000;

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    store
        .create_domain(&NewDomain::named("demo.local"))
        .await
        .unwrap();
    let began = Instant::now();
    fill(&folder.path().join("tandem.db")).await;
    println!(
        "{CALLS} calls of {USERS} users, filled in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let scope = store.domain_scope("demo.local").await.unwrap();
    println!(
        "{:<50} {:>6} {:>9} {:>9} {:>9}",
        "pages of 100", "calls", "p50 ms", "p95 ms", "max ms"
    );
    for (what, filter) in filters() {
        let (mut times, mut calls) = (Vec::new(), 0);
        for page in 0..PAGES {
            let filter = filter(page);
            let began = Instant::now();
            let given = store.calls(&scope, &filter).await.unwrap();
            times.push(began.elapsed());
            calls += given.calls.len();
        }
        times.sort_unstable();
        let at = |share: usize| {
            ms(times
                .get((times.len() - 1) * share / 100)
                .copied()
                .unwrap_or_default())
        };
        println!(
            "{what:<50} {calls:>6} {:>9.2} {:>9.2} {:>9.2}",
            at(50),
            at(95),
            at(100)
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// User 10000 has one call in fifty, as a number that everybody calls has; entry points and scenarios as in a domain of
/// one menu and some groups.
async fn fill(file: &std::path::Path) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        // What does not fit into memory is written twice. In KiB.
        .pragma("cache_size", "-2000000");
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let numbered = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}), c AS (SELECT i, \
         printf('%08x%06x', (i * 2654435761) % 4294967296, i) AS id, {BEGIN} + i * {APART} AS at, \
         10000 + (i * 7919 + i / 10000) % {USERS} AS caller, \
         CASE WHEN i % 50 = 0 THEN 10000 ELSE 10000 + (i * 104729 + i / 977) % {USERS} END AS called FROM n)",
        last = CALLS - 1
    );
    for insert in [
        "INSERT INTO calls (domain_id, id, direction, from_number, to_number, entry_point, scenario, scenario_hash, started_at, \
         answered_at, ended_at, duration_ms, cause, sip_status, ended_by, rolling_hash) SELECT d.id, c.id, 'inbound', \
         CAST(caller AS TEXT), CAST(called AS TEXT), CASE WHEN i % 3 = 0 THEN '_X.' ELSE CAST(called AS TEXT) END, \
         CASE WHEN i % 3 = 0 THEN 'entry' ELSE 'flow' || (i % 12) END, 'b3:1', at, at + 3000000, at + 63000000, 63000, \
         'hangup', 200, 'caller', NULL FROM c, domains d",
        "INSERT INTO legs (domain_id, call_id, leg_index, role, peer_uri, user_name, started_at, answered_at, ended_at, talk_ms, \
         cause, sip_status, codec, rtp_sent, rtp_received, rtp_lost, call_started_at) SELECT d.id, c.id, 0, 'caller', \
         'sip:' || caller || '@10.0.0.1', CAST(caller AS TEXT), at, at + 3000000, at + 63000000, 60000, 'hangup', 200, 'PCMA', \
         3000, 3000, 0, at FROM c, domains d",
        "INSERT INTO legs (domain_id, call_id, leg_index, role, peer_uri, user_name, started_at, answered_at, ended_at, talk_ms, \
         cause, sip_status, codec, rtp_sent, rtp_received, rtp_lost, call_started_at) SELECT d.id, c.id, 1, 'callee', \
         'sip:' || called || '@10.0.0.2', CAST(called AS TEXT), at, at + 3000000, at + 63000000, 60000, 'hangup', 200, 'PCMA', \
         3000, 3000, 0, at FROM c, domains d",
    ] {
        let statement = AssertSqlSafe(format!("{numbered} {insert}"));
        sqlx::raw_sql(statement).execute(&mut database).await.unwrap();
    }
    database.close().await.unwrap();
}

type Filter = fn(u32) -> CallFilter;

/// Another one for each page.
fn someone(page: u32) -> String {
    (10_001 + page * 37 % (USERS - 1)).to_string()
}

fn at(call: i64) -> Timestamp {
    Timestamp::from_microsecond(BEGIN + call * APART).unwrap()
}

fn filters() -> Vec<(&'static str, Filter)> {
    vec![
        ("all", |_| CallFilter::default()),
        ("of one hour, long ago", |page| CallFilter {
            since: Some(at(i64::from(page) * 10_000)),
            until: Some(at(i64::from(page) * 10_000 + 1_440)),
            ..CallFilter::default()
        }),
        ("a number", |page| CallFilter {
            number: Some(someone(page)),
            ..CallFilter::default()
        }),
        ("a number that nobody has", |page| CallFilter {
            number: Some(format!("9{page}")),
            ..CallFilter::default()
        }),
        ("a user", |page| CallFilter {
            user: Some(someone(page)),
            ..CallFilter::default()
        }),
        ("a user and another number", |page| CallFilter {
            user: Some(someone(page)),
            number: Some(someone(page + 1)),
            ..CallFilter::default()
        }),
        ("the user of most calls, a rare number", |page| CallFilter {
            user: Some("10000".to_owned()),
            number: Some(format!("9{page}")),
            ..CallFilter::default()
        }),
        ("a scenario", |page| CallFilter {
            scenario: Some(format!("flow{}", page % 12)),
            ..CallFilter::default()
        }),
        ("a scenario and a number", |page| CallFilter {
            scenario: Some(format!("flow{}", page % 12)),
            number: Some(someone(page)),
            ..CallFilter::default()
        }),
        ("the number of most calls, no such scenario", |_| CallFilter {
            number: Some("10000".to_owned()),
            scenario: Some("none".to_owned()),
            ..CallFilter::default()
        }),
        ("words that stand somewhere", |page| CallFilter {
            words: Some(someone(page)),
            ..CallFilter::default()
        }),
        ("words that stand nowhere", |page| CallFilter {
            words: Some(format!("nowhere{page}")),
            ..CallFilter::default()
        }),
        ("the user of most calls, words that stand nowhere", |page| {
            CallFilter {
                user: Some("10000".to_owned()),
                words: Some(format!("nowhere{page}")),
                ..CallFilter::default()
            }
        }),
    ]
}
