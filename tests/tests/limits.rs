//! Limits of a domain, set at the command line, each met by a real call; another domain does not notice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::Duration;

use serde_json::Value;
use tandem_kit::baresip::Baresip;
use tandem_kit::tandem::Tandem;
use tandem_kit::wait;
use tandem_tests::phones::{menu_greets, phone, refusal};
use tandem_tests::{calls, modules};

const LONG: Duration = Duration::from_secs(30);

/// A server with these guests, each under a number from 700 on.
fn start(guests: &[&str]) -> (Tandem, Baresip) {
    let tandem = Tandem::builder().start().unwrap();
    for (number, guest) in (700..).zip(guests) {
        let number = number.to_string();
        modules::offer(&tandem, &tandem.demo().domain, guest, &number, &[]).unwrap();
    }
    let caller = phone(&tandem, "301").unwrap().expires_s(0).start().unwrap();
    (tandem, caller)
}

fn set(tandem: &Tandem, limits: &[&str]) -> Value {
    let domain = tandem.demo().domain.clone();
    let own = tandem
        .json(&[&["domain", "limits", &domain][..], limits].concat())
        .unwrap();
    // What another process changes is seen within a second.
    std::thread::sleep(Duration::from_millis(1_200));
    own
}

/// The record of a call to `number` that its scenario's limit ended.
fn met(tandem: &Tandem, caller: &Baresip, number: &str) -> Value {
    let before = calls::list(tandem).unwrap().len();
    let refused = refusal(caller, number, LONG).unwrap();
    assert!(refused.starts_with("480"), "{number}: {refused}");
    let id = wait::until(LONG, "the call's record", || {
        let calls = calls::list(tandem).ok()?;
        (calls.len() > before).then(|| calls[0]["id"].as_str().map(str::to_owned))?
    })
    .unwrap();
    tandem.json(&["call", "show", &id]).unwrap()
}

fn error(call: &Value) -> &str {
    call["scenario_error"].as_str().unwrap()
}

#[test]
fn limits_of_a_call_end_it_with_words_that_say_which() {
    let (tandem, caller) = start(&["loop", "memory-bomb", "storm"]);
    let limits = [
        (["--call-cpu", "100ms"], "700", "CPU", "at most 100 allowed"),
        (["--call-wall", "60ms"], "700", "wall time", "at most 60 allowed"),
        (
            ["--call-memory", "2MiB"],
            "701",
            "memory",
            "at most 2097152 allowed",
        ),
        (
            ["--call-host-calls-per-second", "5"],
            "702",
            "more than 5",
            "host calls per second",
        ),
    ];
    for (limit, number, begins, ends) in limits {
        set(&tandem, &limit);
        let call = met(&tandem, &caller, number);
        assert_eq!(call["scenario_end"], "over-budget", "{limit:?}");
        let text = error(&call);
        assert!(
            text.starts_with(begins) && text.ends_with(ends),
            "{limit:?}: {text}"
        );
        assert!(tandem.log().contains(text), "{text} is not in the log");
        set(&tandem, &[limit[0], "default"]);
    }
    // One scenario's are its own, and never more than the domain's.
    let limits = [
        "scenario",
        "limits",
        "loop",
        "--call-cpu",
        "70ms",
        "--call-wall",
        "1h",
    ];
    let domain = tandem.demo().domain.clone();
    let own = tandem
        .json(&[&limits[..], &["--domain", &domain]].concat())
        .unwrap();
    assert_eq!(own["call-wall-ms"]["value"], 30_000, "{own}");
    std::thread::sleep(Duration::from_millis(1_200));
    let call = met(&tandem, &caller, "700");
    assert!(error(&call).ends_with("at most 70 allowed"), "{call}");
    let call = met(&tandem, &caller, "702");
    assert!(error(&call).starts_with("more than 1000"), "{call}");
    menu_greets(&tandem, &caller).unwrap();
}

#[test]
fn limits_of_a_domain_are_met_by_its_calls_together() {
    let (tandem, caller) = start(&["loop", "storm", "tally"]);
    set(&tandem, &["--cpu-per-second", "5ms"]);
    let call = met(&tandem, &caller, "700");
    assert!(error(&call).starts_with("CPU: the domain's scenarios"), "{call}");
    set(
        &tandem,
        &["--cpu-per-second", "default", "--host-calls-per-second", "3"],
    );
    let call = met(&tandem, &caller, "701");
    assert_eq!(error(&call), "more than 3 host calls per second in the domain");

    // What the key-value store refuses is an outcome that the scenario sees.
    let keys = ["--host-calls-per-second", "default", "--kv-keys", "0"];
    set(&tandem, &keys);
    let call = met(&tandem, &caller, "702");
    assert_eq!(call["scenario_end"], "returned", "{call}");
    let replay = calls::replay(&tandem, call["id"].as_str().unwrap(), &["--json"]).unwrap();
    assert!(
        replay.stdout.contains("Full") && replay.stdout.contains("more than 0"),
        "{}",
        replay.stdout
    );
    set(&tandem, &["--kv-keys", "default", "--kv-bytes", "3B"]);
    let call = met(&tandem, &caller, "702");
    let replay = calls::replay(&tandem, call["id"].as_str().unwrap(), &["--json"]).unwrap();
    assert!(replay.stdout.contains("Full"), "{}", replay.stdout);

    // One scenario's pairs: the rest of the domain's store is there for the others.
    let of_scenario = |limit: &[&str]| {
        let limits = ["scenario", "limits", "tally", "--domain", &tandem.demo().domain];
        tandem.json(&[&limits[..], limit].concat()).unwrap()
    };
    let own = of_scenario(&["--kv-keys", "0"]);
    assert_eq!(own["kv-keys"]["value"], 0, "{own}");
    assert_eq!(own["kv-bytes"]["own"], false, "{own}");
    set(&tandem, &["--kv-bytes", "default"]);
    let call = met(&tandem, &caller, "702");
    assert_eq!(call["scenario_end"], "returned", "{call}");
    let replay = calls::replay(&tandem, call["id"].as_str().unwrap(), &["--json"]).unwrap();
    assert!(
        replay.stdout.contains("Full") && replay.stdout.contains("more than 0 keys of the scenario"),
        "{}",
        replay.stdout
    );
    of_scenario(&["--kv-keys", "default"]);

    set(&tandem, &["--instances", "0"]);
    let call = met(&tandem, &caller, "702");
    assert_eq!(call["scenario_end"], "refused");
    assert!(error(&call).contains("runs 0 scenarios already"), "{call}");

    let own = set(&tandem, &["--instances", "default"]);
    assert_eq!(own["instances"]["own"], false);
    menu_greets(&tandem, &caller).unwrap();
}

#[test]
fn limits_are_shown_and_checked() {
    let (tandem, _caller) = start(&[]);
    let domain = tandem.demo().domain.clone();
    tandem.json(&["domain", "add", "other.example"]).unwrap();
    let own = set(&tandem, &["--kv-bytes", "16MiB", "--instances", "7"]);
    assert_eq!(own["kv-bytes"]["value"], 16 << 20);
    assert_eq!(own["instances"]["own"], true);
    let shown = tandem.cli(&["domain", "show", &domain]).unwrap();
    assert!(
        shown.stdout.contains("scenarios at once") && shown.stdout.contains("16 MiB"),
        "{}",
        shown.stdout
    );
    let other = tandem.json(&["domain", "show", "other.example"]).unwrap();
    assert_eq!(other["limits"]["instances"]["own"], false);
    for (limit, words) in [
        (["--call-memory", "1KiB"], "not from"),
        (["--call-cpu", "soon"], "a time with its unit"),
        (["--kv-bytes", "lots"], "a size"),
    ] {
        let refused = tandem
            .cli(&[&["domain", "limits", &domain][..], &limit].concat())
            .unwrap();
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
}

/// What calls used is told by day, for their domain alone, and on the metrics.
#[test]
fn usage_is_metered_by_domain_and_day() {
    let (tandem, caller) = start(&["tally", "trap"]);
    let domain = tandem.demo().domain.clone();
    met(&tandem, &caller, "700");
    met(&tandem, &caller, "701");
    tandem.json(&["domain", "add", "other.example"]).unwrap();
    let used = wait::until(LONG, "usage in the store", || {
        let days = tandem.json(&["usage", &domain]).ok()?;
        let amounts = days.as_array()?.last()?.get("amounts")?.clone();
        (amounts["calls"] == 2 && amounts["scenario-starts"] == 2).then_some(amounts)
    })
    .unwrap();
    assert_eq!(used["scenario-failures"], 1, "{used}");
    assert_eq!(used["host-calls.key-value"], 2, "{used}");
    assert_eq!(used["instances-peak"], 1, "{used}");
    assert!(used["cpu-us"].as_u64().unwrap() > 0 && used["memory-peak-bytes"].as_u64().unwrap() >= 64 << 10);
    let other = tandem.json(&["usage", "other.example"]).unwrap();
    assert_eq!(other.as_array().map(Vec::len), Some(0), "{other}");
    assert!(tandem.metric("tandem_scenario_cpu_microseconds_total").unwrap() > 0.0);
}
