//! Services of the scripted world: a guest asks them, a script says what they answer.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use tandem_host_api::{Engine, EngineConfig};
use tandem_simulator::{Script, play, script::Beside};

const WORLD: &str = r#"
[world]
start = 2026-12-24T11:59:30
time_zone = "Europe/Berlin"
settings.steps = [
  { http = { method = "get", url = "https://crm.example.com/callers/301", bearer = "crm" } },
  { http = { method = "get", url = "https://crm.example.com/callers/301" } },
  { post-json = { url = "https://crm.example.com/orders", value = { n = 7 } } },
  { http = { method = "get", url = "https://slow.example.com/", timeout_ms = 800 } },
  { http = { method = "get", url = "https://else.example.com/" } },
  { http = { method = "get", url = "gopher://else.example.com/" } },
  { schedule = "office" },
  { schedule = "none" },
  { count = ["orders", 2] },
  { count = ["orders", 3] },
  { gauge = ["queue", 1.5] },
  { gauge = ["orders", 1.5] },
  { find = "0171 1234567" },
  { find = "302" },
  { search = ["ACME", 5] },
]

[world.schedules.office]
week = { mon-fri = ["09:00-17:00"] }
exceptions = { "2026-12-24" = [] }
"#;

const ANSWERS: &str = r#"
[[world.contacts]]
name = "Ann"
company = "Acme"
numbers = { mobile = "+49 171 1234567" }

[[world.http]]
url = "https://crm.example.com/callers/*"
answer = [{ json = { name = "Ann" }, after = "300ms" }, { status = 503 }]

[[world.http]]
method = "POST"
url = "https://crm.example.com/orders"
answer = { status = 201, json = { id = 7 } }

[[world.http]]
url = "https://slow.example.com/"
answer = { after = "2s", body = "late" }

[[case]]
name = "all that services answer"
[case.expect]
log = [
  '0: 200 14 bytes {"name":"Ann"}',
  '1: 503 0 bytes',
  '2: {"id":7}',
  '3: HttpError::TimeOut',
  'the script has no [[world.http]] for GET https://else.example.com/',
  '5: HttpError::BadArgument',
  '6: State::Closed until Some(1798185600000)',
  '7: schedule: there is none of this name',
  '8: Ok(())',
  'orders is a counter already',
  '12: Ann, mobile of Acme',
  '13: nobody',
  '14: Ann',
]
requests = [
  'GET https://crm.example.com/callers/301 Authorization: Bearer <crm>',
  'POST https://crm.example.com/orders Content-Type: application/json Accept: application/json {"n":7}',
]
metrics = { orders = 5, queue = 1.5 }
lasts = "1100ms"

[[case]]
name = "a service that is down"
[[case.world.http]]
url = "https://crm.example.com/*"
answer = { error = "tls" }
[case.expect]
log = ["0: HttpError::Tls"]
requests = ["GET https://nobody.example.com/"]
metrics = { orders = 6 }
"#;

#[test]
fn a_script_answers_for_services_and_knows_what_was_asked() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/dist/services.wasm");
    let bytes = std::fs::read(file).expect("`make scenarios` makes the test guests");
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let module = engine.load(&bytes).unwrap();
    let script = Script::parse(&format!("{WORLD}{ANSWERS}"), &Beside::default()).unwrap();
    let [all, down] = &script.cases[..] else {
        panic!("two cases")
    };
    let played = play(&engine, &module, &Arc::new(all.clone()));
    assert!(
        played.failures.is_empty(),
        "{:#?}\n{}",
        played.failures,
        played.trace.join("\n")
    );
    let trace = played.trace.join("\n");
    for line in [
        r#"http.send POST https://crm.example.com/orders with "{\"n\":7}" → 201 "{\"id\":7}""#,
        r#"http.send → 200 "{\"name\":\"Ann\"}""#,
        "schedule.look-up \"office\" → closed",
        "metrics.count orders by 2 → ok",
        "contacts.find-by-number \"302\" → nobody",
    ] {
        assert!(trace.contains(line), "no {line} in\n{trace}");
    }
    let played = play(&engine, &module, &Arc::new(down.clone()));
    let failures = played.failures.join("\n");
    assert!(
        failures.contains("the scenario requests \"GET https://nobody.example.com/\""),
        "{failures}"
    );
    assert!(
        failures.contains("metric orders: expected 6, got 5"),
        "{failures}"
    );
    assert_eq!(played.failures.len(), 2, "{failures}");
}

const TIMERS: &str = r#"
[[case]]
name = "a timer is set"
request = { path = "/timer", query = "remind/301&60000&call back" }
[case.expect]
timers = ["remind/301 60000 call back"]

[[case]]
name = "a timer has another name"
request = { path = "/timer", query = "Remind&60000" }
[case.expect]
response = { status = 409 }
timers = ["remind/301 60000"]

[[case]]
name = "a text is sent without a call"
request = { path = "/text", query = "302&hello" }
[case.world.users.302]
registered = true
[case.expect]
response = { status = 200 }
"#;

#[test]
fn timers_that_wait_and_texts_without_a_call_can_be_expected() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/dist/web.wasm");
    let bytes = std::fs::read(file).expect("`make scenarios` makes the test guests");
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let module = engine.load(&bytes).unwrap();
    let script = Script::parse(TIMERS, &Beside::default()).unwrap();
    let failures = |case: &tandem_simulator::case::Case| {
        let played = play(&engine, &module, &Arc::new(case.clone()));
        (played.failures, played.trace.join("\n"))
    };
    let [set, refused, text] = &script.cases[..] else {
        panic!("three cases")
    };
    let (none, trace) = failures(set);
    assert!(none.is_empty(), "{none:?}\n{trace}");
    let line = "timers.set \"remind/301\" in 60000 ms with \"call back\" → none waited";
    assert!(trace.contains(line), "no {line} in\n{trace}");
    let (one, trace) = failures(refused);
    assert_eq!(
        one,
        ["timers: expected \"remind/301 60000\", got nothing"],
        "{trace}"
    );
    let (none, trace) = failures(text);
    assert!(none.is_empty(), "{none:?}\n{trace}");
}

#[test]
fn mistakes_about_services_are_told() {
    for (extra, words) in [
        (
            "[[world.http]]\nurl = 'https://a'\nanswer = { error = 'odd' }\n",
            "\"odd\" is no error",
        ),
        (
            "[[world.http]]\nurl = 'https://a'\nanswer = { status = 99 }\n",
            "no service answers with 99",
        ),
        (
            "[[world.http]]\nurl = 'https://a'\nanswer = { body = 'a', json = 1 }\n",
            "both given",
        ),
        (
            "[[world.http]]\nurl = 'https://a'\nanswer = []\n",
            "there is no answer",
        ),
        (
            "[world.schedules.other]\nweek = { monday = [] }\n",
            "\"monday\" is no day",
        ),
    ] {
        let text = format!("{WORLD}{extra}[[case]]\nname = 'a'\n");
        let error = Script::parse(&text, &Beside::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}
