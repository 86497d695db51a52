//! A call's replay by HTTP: the same as at the command line, by its own domain alone, and never many at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use serde_json::{Value, json};
use tandem_kit::tandem::Tandem;
use tandem_tests::calls;
use tandem_tests::modules::{add_domain, offer_file};
use tandem_tests::phones::{SOON, menu_greets, phone, refusal};
use tandem_tests::web::{Answer, request};

const OTHER: &str = "other.local";

fn token(tandem: &Tandem, domain: &str, name: &str, scopes: &str) -> String {
    let command = ["token", "add", name, "--scopes", scopes, "--domain", domain];
    let token = tandem.json(&command).unwrap();
    token["token"].as_str().unwrap().to_owned()
}

fn replay(tandem: &Tandem, token: &str, call: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/calls/{call}/replay");
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    request(tandem.web(), "POST", &path, &headers, &body.to_string()).unwrap()
}

fn report(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn a_call_is_replayed_over_http_as_at_the_command_line() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    let caller = phone(&tandem, "301").unwrap().start().unwrap();
    menu_greets(&tandem, &caller).unwrap();
    let id = calls::call_to(&tandem, tandem.demo().menu.as_str())
        .unwrap()
        .id()
        .unwrap();
    let reader = token(&tandem, &domain, "reader", "calls:read");

    // Its steps with their values, and that nothing differs: byte for byte what the command prints.
    let plain = report(&replay(&tandem, &reader, &id, &json!({})));
    let printed = calls::replay(&tandem, &id, &["--json"]).unwrap();
    assert_eq!(plain, serde_json::from_str::<Value>(&printed.stdout).unwrap());
    assert_eq!(
        (&plain["diverged"], &plain["same_hash"]),
        (&json!(false), &json!(true))
    );
    let steps = plain["steps"].as_array().unwrap();
    assert!(steps.len() > 3, "{plain}");

    // To a step, with the memory's hash; the same again.
    let cut = report(&replay(
        &tandem,
        &reader,
        &id,
        &json!({ "until": 3, "memory": true }),
    ));
    assert_eq!(cut["steps"].as_array().unwrap().len(), 3);
    assert!(
        cut["steps"][2]["memory_hash"].as_str().unwrap().len() == 64,
        "{cut}"
    );
    let again = report(&replay(
        &tandem,
        &reader,
        &id,
        &json!({ "until": 3, "memory": true }),
    ));
    assert_eq!(cut, again);

    // Another answer, and where that leads elsewhere.
    let collect = steps.iter().find(|step| step["name"] == "leg.collect").unwrap();
    let set = format!("{}=9", collect["step"]);
    let other = report(&replay(&tandem, &reader, &id, &json!({ "set": [set] })));
    assert_eq!(other["diff"][0]["step"], collect["step"], "{other}");

    // Another version of the scenario: one that is stored under its name.
    offer_file(&tandem, &domain, "phone", "flow", "790", "{}").unwrap();
    let listed = tandem.json(&["scenario", "list", "--domain", &domain]).unwrap();
    let versions = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["name"] == "flow");
    let hashes: Vec<&str> = versions.map(|one| one["hash"].as_str().unwrap()).collect();
    let newer = hashes
        .iter()
        .find(|hash| **hash != plain["scenario_hash"])
        .unwrap();
    let other = report(&replay(&tandem, &reader, &id, &json!({ "version": newer[..12] })));
    assert_eq!(other["replayed_scenario_hash"], **newer);
    assert_eq!(other["diverged"], true);
    assert!(!other["diff"].as_array().unwrap().is_empty());

    // What cannot be is told; so is who may not.
    for (body, status, words) in [
        (json!({ "set": ["999=1"] }), 422, "the call has no step 999"),
        (json!({ "set": ["x"] }), 422, "expected N=VALUE"),
        (json!({ "version": "abcdef" }), 404, "abcdef"),
        (json!({ "version": "--help" }), 422, "--help"),
        (json!({ "speed": 2 }), 422, "unknown field"),
    ] {
        let answer = replay(&tandem, &reader, &id, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.body.contains(words), "{body}: {}", answer.body);
    }
    assert_eq!(replay(&tandem, &reader, "--help", &json!({})).status, 404);
    let writer = token(&tandem, &domain, "writer", "scenarios:write");
    assert_eq!(replay(&tandem, &writer, &id, &json!({})).status, 403);
    add_domain(&tandem, OTHER, &[]).unwrap();
    let theirs = token(&tandem, OTHER, "reader", "calls:read");
    let foreign = replay(&tandem, &theirs, &id, &json!({}));
    assert_eq!(foreign.status, 404, "{}", foreign.body);
    assert!(
        foreign.body.contains(OTHER) && !foreign.body.contains(&domain),
        "{}",
        foreign.body
    );

    // One at a time; calls go on meanwhile. On a busy machine those who ask may miss each other: then they ask again.
    let round = |_| -> Vec<Answer> {
        std::thread::scope(|scope| {
            let ask = || replay(&tandem, &reader, &id, &json!({ "memory": true }));
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            refusal(&caller, "404404", SOON).unwrap();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        })
    };
    let mut rounds = (0..10).map(round);
    let answers = rounds
        .find(|answers| answers.iter().any(|answer| answer.status == 429))
        .expect("one is refused");
    let busy = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert!(busy.body.contains("one replay under way"), "{}", busy.body);
    assert_eq!(busy.header("retry-after"), ["5"]);
    assert!(answers.iter().any(|answer| answer.status == 200));
}
