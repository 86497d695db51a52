//! A version that is tried for a share of the calls.

use tandem_directory::records::ScenarioEnd;
use tandem_host_api::End;
use tandem_host_api::op::{LegId, Op};
use tandem_switch::{CallKey, ShardConfig};

use crate::kit::*;

fn world(seed: u64) -> World {
    let config = ShardConfig {
        shard: 0,
        shards: 1,
        calls_max: 1_000,
        calls_per_domain_max: 1_000,
    };
    World::with_config(config, seed)
}

/// Phones that have called, and the versions that their calls started.
fn callers(w: &mut World, count: u16) -> Vec<(Phone, CallKey, String)> {
    let begin = |n: u16| {
        let mut phone = Phone::new("301", 6_000 + 2 * n);
        phone.call_id = format!("{n}-4711@127.0.0.1");
        let call = phone.call(w);
        let (started, version) = w.versions.last().unwrap().clone();
        assert_eq!(started, call);
        (phone, call, version)
    };
    (0..count).map(begin).collect()
}

#[test]
fn about_its_share_of_the_calls_starts_the_version_that_is_tried() {
    let mut w = world(1);
    w.canary = Some((30, "beef"));
    let calls = callers(&mut w, 100);
    let tried = calls.iter().filter(|(_, _, version)| version == "beef").count();
    assert!((15..=45).contains(&tried), "{tried}");
    assert!(
        calls
            .iter()
            .all(|(_, _, version)| version == "beef" || version == "00ff")
    );
}

/// The canary is rolled back, or promoted, while calls are up, and the server dies: they go on with theirs.
#[test]
fn a_call_keeps_its_version_whatever_becomes_of_the_canary() {
    for after in [None, Some((99, "cafe"))] {
        let mut w = world(2);
        w.canary = Some((50, "beef"));
        let calls = callers(&mut w, 20);
        for version in ["beef", "00ff"] {
            assert!(calls.iter().any(|(_, _, of)| of == version), "{version}");
        }
        for (_, call, _) in &calls {
            w.perform(*call, Op::Ring { leg: LegId(0) });
        }
        w.canary = after;
        let before = std::mem::take(&mut w.versions);
        w.crash_and_restore(false);
        let mut resumed = w.versions.clone();
        resumed.sort();
        assert_eq!(resumed, before, "taken up again with the same");
        for (mut phone, call, version) in calls {
            phone.cancel(&mut w);
            w.end(call, End::CallOver);
            w.run(secs(5));
            let summary = &w.records.last().unwrap().summary;
            assert_eq!(summary.scenario_hash.as_ref(), Some(&version));
            assert_eq!(summary.scenario_end, Some(ScenarioEnd::CallOver));
        }
    }
}

/// A call that is asked for twice, as after a challenge, has one version: its Call-ID decides.
#[test]
fn the_same_call_id_starts_the_same_version() {
    let versions = |seed| {
        let mut w = world(seed);
        w.canary = Some((50, "beef"));
        let calls = callers(&mut w, 20);
        calls
            .into_iter()
            .map(|(_, _, version)| version)
            .collect::<Vec<_>>()
    };
    assert_eq!(versions(3), versions(4));
}

#[test]
fn a_record_tells_how_the_scenario_ended_and_why() {
    let ends = [
        (End::Returned, ScenarioEnd::Returned, None),
        (End::CallOver, ScenarioEnd::CallOver, None),
        (
            End::Failed("nobody home".into()),
            ScenarioEnd::Failed,
            Some("nobody home"),
        ),
        (
            End::Trapped {
                message: "unreachable".into(),
                backtrace: vec!["handle".into()],
            },
            ScenarioEnd::Trapped,
            Some("unreachable"),
        ),
        (
            End::OverBudget("CPU".into()),
            ScenarioEnd::OverBudget,
            Some("CPU"),
        ),
        (
            End::Refused("no module".into()),
            ScenarioEnd::Refused,
            Some("no module"),
        ),
        (
            End::Diverged("asked".into()),
            ScenarioEnd::Diverged,
            Some("asked"),
        ),
    ];
    for (end, word, error) in ends {
        let mut w = world(5);
        let call = Phone::new("301", 6010).call(&mut w);
        w.end(call, end);
        w.run(secs(5));
        let summary = &w.record().summary;
        assert_eq!(
            (summary.scenario_end, summary.scenario_error.as_deref()),
            (Some(word), error)
        );
        assert_eq!(summary.cause == "scenario-failed", word.is_failure());
    }
    let mut w = world(6);
    Phone::new("301", 6010).invite_with(&mut w, "999", None, DOMAIN);
    assert_eq!(w.record().summary.scenario_end, None);
}
