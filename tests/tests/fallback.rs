//! A call whose scenario fails is taken over by another one: the caller hears it, also after the call logic has died.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS};
use tandem_kit::ctrl::EventKind;
use tandem_kit::folder::Folder;
use tandem_kit::roles::Role;
use tandem_kit::tandem::Tandem;
use tandem_kit::tone::{self, Span};
use tandem_kit::wait;
use tandem_tests::listening::GAP_MOST;
use tandem_tests::phones::{SOON, phone, refusal};
use tandem_tests::{calls, modules};

const NUMBER: &str = "700";
const PROMPT_HZ: f64 = 650.0;

/// A flow that answers and plays a tone of so many seconds, then hangs up.
fn tone_flow(seconds: u64) -> Value {
    json!({
        "version": 1, "name": "Tone", "language": "en", "start": "main",
        "nodes": [
            { "id": "main", "name": "Main", "do": { "say": {
                "prompts": [{ "tone": { "hz": PROMPT_HZ as u16, "duration_ms": seconds * 1_000 } }], "next": "end" } } },
            { "id": "end", "name": "Hang up", "do": { "hang_up": {} } }
        ]
    })
}

/// A server whose [`NUMBER`] starts this scenario and falls back to the flow with that tone.
fn offer(text: &str, seconds: u64) -> (Tandem, Baresip, String) {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    let hash = modules::upload(&tandem, &domain, "broken", text).unwrap();
    let folder = Folder::new("settings").unwrap();
    let settings = folder.write("tone.json", tone_flow(seconds).to_string()).unwrap();
    let settings = settings.to_str().unwrap();
    let add = [
        "number",
        "add",
        NUMBER,
        "--scenario",
        "broken",
        "--domain",
        &domain,
    ];
    let fallback = ["--fallback", "flow", "--fallback-settings", settings];
    tandem.json(&[&add[..], &fallback].concat()).unwrap();
    let caller = phone(&tandem, "301").unwrap().expires_s(0).start().unwrap();
    (tandem, caller, hash)
}

fn guest(name: &str) -> String {
    std::fs::read_to_string(modules::source(name)).unwrap()
}

/// Where the tone begins in what the phone hears.
fn onset(phone: &Baresip) -> Duration {
    wait::until(SOON, "the fall-back's tone", || {
        tone::onset(&phone.received().ok()?, PROMPT_HZ, TONE_LEAST_DBFS)
    })
    .unwrap()
}

fn shown(tandem: &Tandem) -> Value {
    let id = calls::call_to(tandem, NUMBER).unwrap().id().unwrap();
    tandem.json(&["call", "show", &id]).unwrap()
}

/// What the record tells of the failure and of what took over.
fn told(tandem: &Tandem, hash: &str, end: &str) -> String {
    let call = shown(tandem);
    assert_eq!(call["scenario"], "broken");
    assert_eq!(call["scenario_hash"], hash);
    assert_eq!(call["scenario_end"], end, "{call}");
    assert_eq!(call["fallback"]["scenario"], "flow");
    assert_eq!(call["fallback"]["end"], "returned", "{call}");
    call["id"].as_str().unwrap().to_owned()
}

#[test]
fn caller_of_a_trapping_scenario_hears_the_fallback() {
    let (mut tandem, caller, hash) = offer(&guest("trap"), 2);
    caller.dial(NUMBER).unwrap();
    caller.wait_for(&EventKind::Established, SOON).unwrap();
    onset(&caller);
    caller.wait_for(&EventKind::Closed, SOON).unwrap();
    let id = told(&tandem, &hash, "trapped");

    let replay = calls::replay(&tandem, &id, &[]).unwrap();
    assert_eq!(replay.code, Some(0), "{replay:?}");
    assert!(
        replay.stdout.contains("the fall-back begins: flow"),
        "{}",
        replay.stdout
    );
    assert!(replay.stdout.contains("as recorded"), "{}", replay.stdout);
    let report: Value =
        serde_json::from_str(&calls::replay(&tandem, &id, &["--json"]).unwrap().stdout).unwrap();
    assert_eq!(report["fallback"]["replayed"], true);
    assert!(report["steps"].as_array().unwrap().len() > 3, "{report}");
    tandem.assert_alive().unwrap();
}

/// It answers, then traps: the answered caller stays and hears the fall-back.
#[test]
fn an_answered_caller_is_taken_over_as_it_is() {
    let text = guest("flaky")
        .replace("(i64.const 200)", "(i64.const 0)")
        .replace("(call $drop-leg (local.get $caller))", "(unreachable)");
    let (tandem, caller, hash) = offer(&text, 2);
    caller.dial(NUMBER).unwrap();
    caller.wait_for(&EventKind::Established, SOON).unwrap();
    onset(&caller);
    caller.wait_for(&EventKind::Closed, SOON).unwrap();
    told(&tandem, &hash, "trapped");
}

/// One tone, so that every hole would be heard.
#[test]
fn the_fallback_goes_on_when_the_call_logic_is_killed_in_it() {
    let (mut tandem, caller, hash) = offer(&guest("trap"), 6);
    caller.dial(NUMBER).unwrap();
    let from = onset(&caller);
    let old = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    tandem.wait_healthy().unwrap();
    caller.wait_for(&EventKind::Closed, 2 * SOON).unwrap();
    let within = Span {
        from,
        to: from + Duration::from_millis(5_900),
    };
    let gap = tone::longest_gap(&caller.received().unwrap(), PROMPT_HZ, TONE_LEAST_DBFS, within);
    assert!(gap <= GAP_MOST, "a hole of {gap:?} in the fall-back's tone");
    let id = told(&tandem, &hash, "trapped");
    assert_eq!(shown(&tandem)["recoveries"], 1);
    let replay = calls::replay(&tandem, &id, &[]).unwrap();
    assert_eq!(replay.code, Some(0), "{replay:?}");
    tandem.assert_alive().unwrap();
}

/// Set by `number activate` and taken away again; a fall-back that fails gives the cause.
#[test]
fn a_fallback_is_set_changed_and_shown_at_the_command_line() {
    let (tandem, caller, _) = offer(&guest("trap"), 1);
    let domain = tandem.demo().domain.clone();
    let error = modules::upload(&tandem, &domain, "gives-up", &guest("error")).unwrap();
    let activate = |more: &[&str]| {
        let command = ["number", "activate", NUMBER, "--domain", &domain];
        let set = tandem.json(&[&command[..], more].concat()).unwrap();
        // What another process changes is seen within a second.
        std::thread::sleep(Duration::from_millis(1_200));
        set
    };
    let set = activate(&["--fallback", &format!("gives-up@{}", &error[..8])]);
    assert_eq!(set["fallback"]["hash"], error);
    let refused = refusal(&caller, NUMBER, SOON).unwrap();
    assert!(refused.starts_with("480"), "{refused}");
    let listed = tandem.cli(&["number", "list", "--domain", &domain]).unwrap();
    assert!(listed.stdout.contains("gives-up"), "{}", listed.stdout);
    let call = shown(&tandem);
    assert_eq!(
        (&call["cause"], &call["fallback"]["end"]),
        (&json!("scenario-failed"), &json!("failed"))
    );

    assert_eq!(activate(&["--fallback", "busy"])["fallback"], Value::Null);
    let refused = refusal(&caller, NUMBER, SOON).unwrap();
    assert!(refused.starts_with("486"), "{refused}");
    let unknown = tandem
        .cli(&[
            "number",
            "activate",
            NUMBER,
            "--fallback",
            "nobody",
            "--domain",
            &domain,
        ])
        .unwrap();
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.stderr.contains("nobody"), "{unknown:?}");
}
