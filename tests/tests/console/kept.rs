//! What a domain's calls need is kept by HTTP: prompts, numbers with their versions, opening hours, tokens.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::{TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::wav::Wav;
use tandem_kit::{tone, wait};
use tandem_tests::phones::{SOON, registered, tone_hz};
use tandem_tests::{modules, web};

use crate::browser::{Browser, body, system, text};

/// Runs a program of Python's; what it prints.
pub(crate) fn python(program: &str, arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .args([&["-c", program], arguments].concat())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Two seconds of 600 Hz, as no phone sends it: two channels of 44.1 kHz.
const MAKE_TUNE: &str = "
import math, struct, sys, wave
with wave.open(sys.argv[1], 'wb') as file:
    file.setparams((2, 2, 44100, 0, 'NONE', ''))
    tune = (int(8000 * math.sin(math.tau * 600 * i / 44100)) for i in range(88200))
    file.writeframes(b''.join(struct.pack('<hh', value, value) for value in tune))
";

const FETCH_TUNE: &str = "
import http.client, io, json, sys, wave
address, path, cookie = sys.argv[1:]
connection = http.client.HTTPConnection(address, timeout=60)
connection.request('GET', path, headers={'Cookie': cookie})
answer = connection.getresponse()
kind = answer.getheader('content-type')
with wave.open(io.BytesIO(answer.read())) as file:
    print(json.dumps([kind, file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()]))
";

/// A sound by HTTP, into a file.
const FETCH_TO: &str = "
import http.client, sys
address, path, cookie, to = sys.argv[1:]
connection = http.client.HTTPConnection(address)
connection.request('GET', path, headers={'Cookie': cookie})
with open(to, 'wb') as file:
    file.write(connection.getresponse().read())
";

#[test]
fn what_a_domains_calls_need_is_kept_by_http() {
    let tandem = Tandem::builder().start().unwrap();
    let system = system(&tandem);
    let anna = system.make("demo.local", "anna", "administrator", None);
    let made = system.ask("POST", "/domains", &json!({ "name": "theirs.example" }));
    assert_eq!(made.status, 201, "{}", made.body);
    let eve = system.make("theirs.example", "eve", "administrator", None);

    sounds(&tandem, &anna);
    number_is_made(&anna);
    hours(&tandem, &anna);
    programs(&tandem, &anna);
    for path in ["/prompts", "/schedules", "/tokens"] {
        assert_eq!(body(&eve.get(path))["items"], json!([]), "{path}");
    }
    // A domain that was made by HTTP has what one of the command line has.
    let theirs = body(&eve.get("/numbers"));
    assert_eq!(theirs["items"][0]["scenario"], "entry", "{theirs}");
    // A running server sees new numbers within about a second.
    std::thread::sleep(Duration::from_secs(1));
    tune_is_heard(&tandem);
    a_prompt_is_recorded_by_phone(&tandem, &anna, &eve);
    versions(&tandem, &anna);
}

fn sounds(tandem: &Tandem, anna: &Browser<'_>) {
    let file = tandem.folder().join("tune.wav");
    python(MAKE_TUNE, &[file.to_str().unwrap()]);
    let wav = fs::read(&file).unwrap();
    let put = anna.send("PUT", "/prompts/tune", &wav, &[("Content-Type", "audio/wav")]);
    assert_eq!(put.status, 201, "{}", put.body);
    let prompt = body(&put);
    assert_eq!(
        (&prompt["name"], &prompt["duration_ms"], &prompt["bytes"]),
        (&json!("tune"), &json!(2_000), &json!(32_044))
    );
    let address = tandem.web().to_string();
    let fetched = python(FETCH_TUNE, &[&address, "/api/v1/prompts/tune", &anna.cookie]);
    let fetched: Value = serde_json::from_str(&fetched).unwrap();
    assert_eq!(fetched, json!(["audio/wav", 1, 2, 8_000, 16_000]));

    let again = anna.send("PUT", "/prompts/tune", &wav, &[("If-None-Match", "*")]);
    assert_eq!(again.status, 412, "{}", again.body);
    for (name, sound, status, words) in [
        ("tune", &b"no wave file"[..], 422, "not a WAV file, nor MP3"),
        ("recording-1", wav.as_slice(), 422, "recordings' names do"),
        ("..%2Fdemo.local%2Fx", wav.as_slice(), 422, "is no prompt name"),
    ] {
        let refused = anna.send("PUT", &format!("/prompts/{name}"), sound, &[]);
        assert_eq!(refused.status, status, "{name}: {}", refused.body);
        assert!(refused.body.contains(words), "{name}: {}", refused.body);
    }
    let long = anna.send("PUT", "/prompts/long", &vec![0; (10 << 20) + 1], &[]);
    assert_eq!(long.status, 413, "{}", long.body);

    let spoken = anna.ask(
        "POST",
        "/prompts/good%20day/speak",
        &json!({ "text": "Good day.", "voice": "en" }),
    );
    assert_eq!(spoken.status, 201, "{}", spoken.body);
    assert!(
        body(&spoken)["duration_ms"].as_u64().unwrap() > 300,
        "{}",
        spoken.body
    );
    let voice = anna.ask("POST", "/prompts/x/speak", &json!({ "text": "x", "voice": "-f" }));
    assert_eq!(
        (voice.status, &body(&voice)["errors"][0]["pointer"]),
        (422, &json!("/voice")),
        "{}",
        voice.body
    );
    let listed = body(&anna.get("/prompts"));
    let names: Vec<&Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["name"])
        .collect();
    assert_eq!(names, ["good day", "tune"], "{listed}");
    let path = "/prompts/good%20day";
    assert_eq!(anna.ask("DELETE", path, &Value::Null).status, 204);
    assert_eq!(anna.get(path).status, 404);
}

/// A flow that plays the tune.
fn plays_the_tune() -> Value {
    json!({
        "version": 1, "name": "Tune", "language": "en", "start": "play",
        "nodes": [{ "id": "play", "name": "Play", "do": { "say": { "prompts": [{ "file": "tune" }] } } }],
    })
}

fn number_is_made(anna: &Browser<'_>) {
    let office =
        json!({ "number": "110", "title": "Office", "scenario": "flow", "settings": plays_the_tune() });
    let made = anna.ask("POST", "/numbers", &office);
    assert_eq!(made.status, 201, "{}", made.body);
    let refused_at = |new: Value| {
        let refused = anna.ask("POST", "/numbers", &new);
        (refused.status, body(&refused)["errors"][0]["pointer"].clone())
    };
    assert_eq!(refused_at(office), (409, json!("/number")));
    for (new, pointer) in [
        (json!({ "number": "1 1", "scenario": "flow" }), "/number"),
        (json!({ "number": "112", "scenario": "nothing" }), "/scenario"),
        (
            json!({ "number": "112", "scenario": "flow", "version": "00ff11" }),
            "/version",
        ),
        (
            json!({ "number": "112", "scenario": "flow", "fallback": "nothing" }),
            "/fallback",
        ),
        (
            json!({ "number": "112", "scenario": "flow", "fallback_cause": "late" }),
            "/fallback_cause",
        ),
        (
            json!({ "number": "112", "scenario": "flow", "fallback": "busy", "fallback_settings": {} }),
            "/fallback_settings",
        ),
        (
            json!({ "number": "112", "scenario": "flow", "title": "two\nlines" }),
            "/title",
        ),
        (json!({ "number": 112, "scenario": "flow" }), "/number"),
    ] {
        assert_eq!(refused_at(new.clone()), (422, json!(pointer)), "{new}");
    }
    let found = body(&anna.get("/numbers?q=offi"));
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(
        (&found["items"][0]["number"], &found["items"][0]["settings"]),
        (&json!("110"), &Value::Null)
    );
    let (mut numbers, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = body(&anna.get(&format!("/numbers?limit=1&cursor={cursor}")));
        numbers.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| text(&n["number"])),
        );
        let Some(next) = page["next"].as_str() else { break };
        cursor = next.replace('*', "%2A");
    }
    assert_eq!(numbers, ["*", "100", "110"]);
}

fn hours(tandem: &Tandem, anna: &Browser<'_>) {
    let path = "/schedules/office";
    let office = json!({ "week": { "mon-fri": ["09:00-17:30"] }, "holidays": { "12-25": "Christmas" }, "exceptions": {} });
    let new = [("If-None-Match", "*")];
    let made = anna.ask_with("PUT", path, &office, &new);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(anna.ask_with("PUT", path, &office, &new).status, 412);
    assert_eq!(anna.ask("PUT", path, &office).status, 428);
    assert_eq!(
        tandem
            .json(&["schedule", "show", "demo.local", "office"])
            .unwrap(),
        office
    );
    let wrong = json!({ "week": { "montag": [], "tue": ["9-17"] }, "exceptions": { "24.12.": [] } });
    let refused = anna.edit("PUT", path, &wrong);
    let errors = body(&refused)["errors"].clone();
    let at: Vec<&Value> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(
        (refused.status, at),
        (
            422,
            vec![
                &json!("/week/montag"),
                &json!("/week/tue/0"),
                &json!("/exceptions/24.12.")
            ]
        ),
        "{}",
        refused.body
    );
    let shape = anna.edit("PUT", path, &json!({ "week": { "mon": "09:00-17:00" } }));
    assert_eq!(
        (shape.status, &body(&shape)["errors"][0]["pointer"]),
        (422, &json!("/week/mon")),
        "{}",
        shape.body
    );

    let uses = json!({ "number": "111", "scenario": "hours", "settings": { "schedule": "office", "open": { "number": "302" } } });
    assert_eq!(anna.ask("POST", "/numbers", &uses).status, 201);
    let used = anna.edit("DELETE", path, &Value::Null);
    assert_eq!(used.status, 409, "{}", used.body);
    assert!(used.body.contains("111"), "{}", used.body);
    assert_eq!(anna.edit("DELETE", "/numbers/111", &Value::Null).status, 204);
    assert_eq!(anna.get("/numbers/111").status, 404);
    assert_eq!(anna.edit("DELETE", path, &Value::Null).status, 204);
}

fn programs(tandem: &Tandem, anna: &Browser<'_>) {
    let wrong = anna.ask(
        "POST",
        "/tokens",
        &json!({ "name": "ci", "scopes": ["users:read", "all"] }),
    );
    assert_eq!(
        (wrong.status, &body(&wrong)["errors"][0]["pointer"]),
        (422, &json!("/scopes/1")),
        "{}",
        wrong.body
    );
    let make = |name: &str, scopes: &[&str]| {
        let new = json!({ "name": name, "scopes": scopes, "expires_in_s": 3_600 });
        let made = anna.ask("POST", "/tokens", &new);
        assert_eq!(made.status, 201, "{}", made.body);
        text(&body(&made)["token"])
    };
    let (ci, admin) = (
        make("ci", &["scenarios:read"]),
        make("admin", &["domain:write", "domain:read"]),
    );
    let by = |token: &str, method: &str, path: &str, body: &Value| {
        let (path, shown) = (format!("/api/v1{path}"), format!("Bearer {token}"));
        let headers = [("Authorization", shown.as_str())];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        web::request(tandem.web(), method, &path, &headers, body).unwrap()
    };
    assert_eq!(by(&ci, "GET", "/numbers", &Value::Null).status, 200);
    assert_eq!(by(&ci, "GET", "/tokens", &Value::Null).status, 403);
    // Nobody hands on what he has not.
    let more = by(
        &admin,
        "POST",
        "/tokens",
        &json!({ "name": "more", "scopes": ["domain:read", "users:write"] }),
    );
    assert_eq!(
        (more.status, &body(&more)["errors"][0]["pointer"]),
        (403, &json!("/scopes/1")),
        "{}",
        more.body
    );
    let less = by(
        &admin,
        "POST",
        "/tokens",
        &json!({ "name": "less", "scopes": ["domain:read"] }),
    );
    assert_eq!(less.status, 201, "{}", less.body);
    let listed = anna.get("/tokens").body + &anna.get("/audit").body;
    assert!(
        listed.contains("token less") && listed.contains("token:admin"),
        "{listed}"
    );
    assert!(!listed.contains(&ci) && !listed.contains(&admin), "{listed}");
    for name in ["ci", "admin", "less"] {
        let path = format!("/tokens/{name}");
        assert_eq!(anna.ask("DELETE", &path, &Value::Null).status, 204, "{name}");
    }
    assert_eq!(by(&ci, "GET", "/numbers", &Value::Null).status, 401);
}

fn tune_is_heard(tandem: &Tandem) {
    let phone = registered(tandem, "301", Transport::Udp).unwrap();
    phone.dial("110").unwrap();
    wait::until(SOON, "the tune of 600 Hz", || {
        let heard = phone.received().ok()?;
        let spans = tone::tone_spans(&heard, 600.0, TONE_LEAST_DBFS);
        (tone::whole(&spans) >= Duration::from_secs(1)).then_some(())
    })
    .unwrap();
}

/// How far the recording of `tune` is.
fn recording(anna: &Browser<'_>) -> String {
    text(&body(&anna.get("/prompts/tune/record"))["state"])
}

/// The phone records its own tone in the place of the tune; what plays the tune plays that then.
fn a_prompt_is_recorded_by_phone(tandem: &Tandem, anna: &Browser<'_>, eve: &Browser<'_>) {
    const PATH: &str = "/prompts/tune/record";
    let before = anna.get("/prompts/tune").body;
    assert_eq!(anna.get(PATH).status, 404);
    for (name, asked, at) in [
        ("tune", json!({ "user": "399" }), "/user"),
        ("tune", json!({ "user": "301", "language": "de" }), "/language"),
        ("recording-1", json!({ "user": "301" }), "/name"),
    ] {
        let refused = anna.ask("POST", &format!("/prompts/{name}/record"), &asked);
        assert_eq!(
            (refused.status, &body(&refused)["errors"][0]["pointer"]),
            (422, &json!(at)),
            "{}",
            refused.body
        );
    }
    let new = [("If-None-Match", "*")];
    assert_eq!(
        anna.ask_with("POST", PATH, &json!({ "user": "301" }), &new)
            .status,
        412
    );
    // Another domain rings its own users only.
    assert_eq!(eve.ask("POST", PATH, &json!({ "user": "301" })).status, 422);

    // 303 has no phone.
    let asked = anna.ask("POST", PATH, &json!({ "user": "303" }));
    assert_eq!(
        (asked.status, &body(&asked)["state"]),
        (202, &json!("ringing")),
        "{}",
        asked.body
    );
    wait::until(SOON, "the end of a call that nobody takes", || {
        (recording(anna) == "not_answered").then_some(())
    })
    .unwrap();
    assert_eq!(anna.get("/prompts/tune").body, before);

    let phone = registered(tandem, "301", Transport::Udp).unwrap();
    assert_eq!(anna.ask("POST", PATH, &json!({ "user": "301" })).status, 202);
    phone.wait_for(&EventKind::Incoming, SOON).unwrap();
    assert_eq!(anna.ask("POST", PATH, &json!({ "user": "301" })).status, 429);
    phone.accept().unwrap();
    wait::until(SOON, "the recording's state", || {
        (recording(anna) == "recording").then_some(())
    })
    .unwrap();
    assert_eq!(eve.get(PATH).status, 404);
    // A key skips what is said first.
    phone.press('5').unwrap();
    let heard = |hz: f64| {
        let spans = phone
            .received()
            .map(|wav| tone::tone_spans(&wav, hz, TONE_LEAST_DBFS));
        spans.is_ok_and(|spans| {
            spans
                .iter()
                .any(|span| span.length() >= Duration::from_millis(200))
        })
    };
    wait::until(SOON, "the beep", || heard(1_000.0).then_some(())).unwrap();
    std::thread::sleep(Duration::from_secs(2)); // what is recorded
    phone.press('#').unwrap();
    wait::until(SOON, "what was recorded", || heard(tone_hz("301")).then_some(())).unwrap();
    phone.press('1').unwrap();
    wait::until(SOON, "the new prompt", || {
        (recording(anna) == "kept").then_some(())
    })
    .unwrap();
    phone.wait_for(&EventKind::Closed, SOON).unwrap();

    let file = tandem.folder().join("recorded.wav");
    let (address, to) = (tandem.web().to_string(), file.to_str().unwrap());
    python(FETCH_TO, &[&address, "/api/v1/prompts/tune", &anna.cookie, to]);
    let kept = Wav::read(&file).unwrap();
    let (hz, _) = tone::dominant(&kept).unwrap();
    assert!((hz - tone_hz("301")).abs() < 5.0, "{hz} Hz");
    let entry = &body(&anna.get("/audit?limit=1"))["items"][0];
    assert_eq!(
        (&entry["action"], &entry["what"], &entry["who"]),
        (&json!("change"), &json!("prompt tune"), &json!("anna@demo.local")),
        "{entry}"
    );
    let mut left = fs::read_dir(tandem.folder().join("data/recordings/demo.local")).unwrap();
    assert!(left.next().is_none());

    let listener = registered(tandem, "302", Transport::Udp).unwrap();
    listener.dial("110").unwrap();
    wait::until(SOON, "what 301 has recorded", || {
        let spans = tone::tone_spans(&listener.received().ok()?, tone_hz("301"), TONE_LEAST_DBFS);
        (tone::whole(&spans) >= Duration::from_secs(1)).then_some(())
    })
    .unwrap();
}

fn versions(tandem: &Tandem, anna: &Browser<'_>) {
    let path = "/numbers/110";
    let first = text(&body(&anna.get(path))["version"]);
    let idle = fs::read_to_string(modules::source("idle")).unwrap();
    let second = modules::upload(tandem, "demo.local", "flow", &idle).unwrap();
    let ask = |method: &str, step: &str, terms: Value| {
        let answer = anna.ask(method, &format!("{path}/{step}"), &terms);
        (answer.status, body(&answer))
    };
    for (terms, pointer) in [
        (json!({}), "/share_percent"),
        (json!({ "share_percent": 100 }), "/share_percent"),
        (json!({ "share_percent": 10, "window": 1 }), "/window"),
        (json!({ "share_percent": 10, "version": "00ff11" }), "/version"),
    ] {
        let (status, refused) = ask("PUT", "canary", terms);
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{refused}"
        );
    }
    let terms = json!({ "version": second[..12], "share_percent": 10 });
    let (status, tried) = ask("PUT", "canary", terms);
    assert_eq!(
        (status, &tried["canary"]["version"], &tried["version"]),
        (200, &json!(second), &json!(first)),
        "{tried}"
    );
    let (_, promoted) = ask("POST", "promote", Value::Null);
    assert_eq!(
        (&promoted["version"], &promoted["previous"], &promoted["canary"]),
        (&json!(second), &json!(first), &Value::Null)
    );
    assert_eq!(ask("POST", "rollback", Value::Null).1["version"], first.as_str());
    assert_eq!(ask("POST", "rollback", Value::Null).0, 404);
    assert_eq!(ask("DELETE", "canary", Value::Null).0, 404);
    let history = body(&anna.get(&format!("{path}/history?limit=2")));
    let what: Vec<&Value> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["what"])
        .collect();
    assert_eq!(what, ["rolled-back", "promoted"], "{history}");
    let before = text(&history["next"]);
    let older = body(&anna.get(&format!("{path}/history?cursor={before}")));
    assert_eq!(older["items"][0]["what"], "canary-begun", "{older}");

    // What is sent as it was, ends nothing; what another one changed meanwhile, is not overwritten.
    assert_eq!(
        ask("PUT", "canary", json!({ "version": second, "share_percent": 1 })).0,
        200
    );
    let read = anna.get(path);
    let tag = read.header("etag")[0];
    let change = json!({
        "title": "Main", "scenario": "flow", "version": first, "fallback": { "scenario": "voicemail" },
        "fallback_settings": { "box": "302" }, "fallback_cause": "busy",
    });
    let changed = anna.ask_with("PATCH", path, &change, &[("If-Match", tag)]);
    assert_eq!(changed.status, 200, "{}", changed.body);
    let now = body(&changed);
    assert_eq!(
        (
            &now["title"],
            &now["fallback"]["scenario"],
            &now["fallback_settings"]
        ),
        (&json!("Main"), &json!("voicemail"), &json!({ "box": "302" }))
    );
    assert_eq!(
        (&now["canary"]["version"], &now["settings"]),
        (&json!(second), &plays_the_tune())
    );
    assert_eq!(
        anna.ask_with("PATCH", path, &change, &[("If-Match", tag)]).status,
        412
    );
    let again = body(&anna.edit("PATCH", path, &json!({ "fallback": { "scenario": "voicemail" } })));
    assert_eq!(again["fallback_settings"], json!({ "box": "302" }), "{again}");
    let without = body(&anna.edit("PATCH", path, &json!({ "fallback": null })));
    assert_eq!(
        (&without["fallback"], &without["fallback_cause"]),
        (&Value::Null, &json!("busy"))
    );
}
