//! Stock scenarios with real phones and a web service of Python: a ring group, opening hours, callers that a service
//! knows, a line with its rules, a flow that decides. One server for all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "services/web_service.rs"]
mod web_service;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::roles::Role;
use tandem_kit::tandem::{Tandem, binary};
use tandem_kit::wav::Wav;
use tandem_kit::{sameness, tone, wait};
use tandem_tests::calls;
use tandem_tests::listening::{SILENCE_DBFS, speech_then_silence};
use tandem_tests::phones::{SOON, registered, tone_hz};
use tandem_tests::recovery::until_answered;
use web_service::WebService;

fn ok(tandem: &Tandem, arguments: &[&str]) -> String {
    let output = tandem.cli(arguments).unwrap();
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    output.stdout
}

/// Points a number at a stock scenario: the one command of the book.
fn point(tandem: &Tandem, number: &str, scenario: &str, settings: &Value) {
    let file = tandem.folder().join(format!("{number}.json"));
    std::fs::write(&file, settings.to_string()).unwrap();
    let settings = file.to_str().unwrap();
    ok(
        tandem,
        &[
            "number",
            "add",
            number,
            "--scenario",
            scenario,
            "--settings",
            settings,
        ],
    );
}

fn count(phone: &Baresip, kind: &EventKind) -> usize {
    phone.events().iter().filter(|event| event.kind == *kind).count()
}

/// baresip names a recording after the second in which it begins: the next call must begin in another one.
fn another_second() {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = second();
    wait::until(SOON, "the next second", || (second() > before).then_some(())).unwrap();
}

/// 301 dials, and of these the one that rings answers; both hear the other's tone. Gives who it was.
fn answered_by<'a>(caller: &Baresip, number: &str, phones: &[(&'a str, &Baresip)]) -> &'a str {
    another_second();
    let before: Vec<usize> = phones
        .iter()
        .map(|(_, phone)| count(phone, &EventKind::Incoming))
        .collect();
    let (closed, heard) = (count(caller, &EventKind::Closed), caller.recordings());
    caller.dial(number).unwrap();
    let rings = || {
        let mut all = phones.iter().zip(&before);
        all.find(|((_, phone), before)| count(phone, &EventKind::Incoming) > **before)
    };
    let ((user, callee), _) = wait::until(SOON, &format!("a phone that {number} rings"), rings).unwrap();
    let there = callee.recordings();
    callee.accept().unwrap();
    for (ear, before, hz) in [(*callee, there, tone_hz("301")), (caller, heard, tone_hz(user))] {
        wait::until(SOON, &format!("a tone of {hz} Hz after {number}"), || {
            let wav = (ear.recordings() > before).then(|| ear.received().ok())??;
            let spans = tone::tone_spans(&wav, hz, TONE_LEAST_DBFS);
            spans
                .iter()
                .any(|span| span.length() >= Duration::from_millis(300))
                .then_some(())
        })
        .unwrap();
    }
    callee.hangup().unwrap();
    wait::until(SOON, "the end of the call", || {
        (count(caller, &EventKind::Closed) > closed).then_some(())
    })
    .unwrap();
    user
}

/// Dials, hears speech where there is some, and gives the status that refuses the call.
fn refused(caller: &Baresip, number: &str, speech: bool) -> String {
    another_second();
    let (before, closed) = (caller.recordings(), count(caller, &EventKind::Closed));
    caller.dial(number).unwrap();
    if speech {
        wait::until(SOON, &format!("speech at {number}"), || {
            let heard = (caller.recordings() > before).then(|| caller.received().ok())??;
            let levels = tone::levels(&heard, Duration::from_millis(20));
            (levels.iter().filter(|level| **level > SILENCE_DBFS).count() >= 25).then_some(())
        })
        .unwrap();
    }
    wait::until(SOON, &format!("the refusal of {number}"), || {
        let events = caller.events();
        let mut ends = events.into_iter().filter(|event| event.kind == EventKind::Closed);
        ends.nth(closed).map(|event| event.param)
    })
    .unwrap()
}

#[test]
fn groups_hours_and_known_callers_are_served_by_the_stock_scenarios() {
    let service = WebService::start();
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    let c = registered(&tandem, "303", Transport::Udp).unwrap();
    let both = [("302", &b), ("303", &c)];
    ok(&tandem, &["user", "add", "304"]);
    offer_groups(&tandem);
    offer_hours(&tandem);
    offer_look_up(&tandem, &service);
    offer_line(&tandem);
    offer_flows(&tandem, &service);
    // A running server sees new numbers within about a second.
    std::thread::sleep(Duration::from_secs(2));

    a_group_rings_in_its_order(&tandem, &a, &both);
    hours_decide(&a, &both);
    a_service_is_asked(&tandem, &a, &both, &service);
    rules_decide(&tandem, &a, &both);
    a_flow_decides(&tandem, &a, &both, &service);
}

fn offer_groups(tandem: &Tandem) {
    point(
        tandem,
        "600",
        "ring-group",
        &json!({ "members": ["302", "303"], "strategy": "round_robin" }),
    );
    point(
        tandem,
        "601",
        "ring-group",
        &json!({ "members": ["304", "302", "303"], "strategy": "in_turn" }),
    );
    point(tandem, "602", "ring-group", &json!({ "members": ["302", "303"] }));
    point(
        tandem,
        "603",
        "ring-group",
        &json!({ "members": ["304"], "language": "ru", "words": { "nobody": "Никого нет." } }),
    );
    point(tandem, "604", "ring-group", &json!({ "members": [] }));
}

fn offer_hours(tandem: &Tandem) {
    let domain = tandem.demo().domain.clone();
    for (name, hours) in [
        ("always", json!({ "week": { "mon-sun": ["00:00-24:00"] } })),
        (
            "never",
            json!({ "week": {}, "holidays": { "2000-01-01/2999-12-31": "Holidays" } }),
        ),
    ] {
        let file = tandem.folder().join(format!("{name}.json"));
        std::fs::write(&file, hours.to_string()).unwrap();
        ok(
            tandem,
            &["schedule", "set", &domain, name, file.to_str().unwrap()],
        );
    }
    let settings = |schedule: &str| {
        json!({ "schedule": schedule, "open": { "ring": { "numbers": ["302"] } },
                "words": { "holiday": "We have {holiday}." } })
    };
    point(tandem, "610", "hours", &settings("always"));
    point(tandem, "611", "hours", &settings("never"));
}

fn offer_look_up(tandem: &Tandem, service: &WebService) {
    let domain = tandem.demo().domain.clone();
    ok(
        tandem,
        &["domain", "http", &domain, "allow", &service.host(), "--private"],
    );
    let mut secret = Command::new(binary().unwrap())
        .args([
            "secret",
            "set",
            &domain,
            "crm-token",
            "--host",
            &service.host(),
            "--data",
        ])
        .arg(tandem.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(secret.stdin.take().unwrap(), "sesame").unwrap();
    assert!(secret.wait().unwrap().success());
    let settings = |path: &str, timeout_ms: u32| {
        json!({ "url": service.url(path), "secret": "crm-token", "timeout_ms": timeout_ms,
                "vip": { "number": "303" }, "others": { "number": "302" }, "miss_url": service.url("/json"),
                "words": { "greeting": "Hi, {name}." } })
    };
    point(tandem, "620", "crm", &settings("/vip/{number}", 10_000));
    point(tandem, "621", "crm", &settings("/nobody/{number}", 10_000));
    point(tandem, "622", "crm", &settings("/slow?{number}", 500));
}

fn a_group_rings_in_its_order(tandem: &Tandem, a: &Baresip, both: &[(&str, &Baresip)]) {
    let (b, c) = (both[0].1, both[1].1);
    // The turn is the domain's: it goes on over the death of the process that counted it.
    assert_eq!(answered_by(a, "600", both), "302");
    let old = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    until_answered(tandem).unwrap();
    assert_eq!(answered_by(a, "600", both), "303");

    // 304 has no phone, 302 is busy: 303 rings.
    let before = count(b, &EventKind::Incoming);
    let busy = std::thread::scope(|scope| {
        let refuses = scope.spawn(|| {
            wait::until(SOON, "302 rings", || {
                (count(b, &EventKind::Incoming) > before).then_some(())
            })
            .unwrap();
            b.hangup().unwrap();
        });
        let user = answered_by(a, "601", &[("303", c)]);
        refuses.join().unwrap();
        user
    });
    assert_eq!(busy, "303");

    // All ring; the one that did not answer is told that somebody else did.
    let (rang, ended) = (count(c, &EventKind::Incoming), count(c, &EventKind::Closed));
    assert_eq!(answered_by(a, "602", &[("302", b)]), "302");
    wait::until(SOON, "303 stops ringing", || {
        (count(c, &EventKind::Closed) > ended).then_some(())
    })
    .unwrap();
    assert_eq!(count(c, &EventKind::Incoming), rang + 1);

    assert!(refused(a, "603", true).starts_with("480"), "nobody is there");
    assert!(refused(a, "604", false).starts_with("480"));
    // The caller is told before the log is.
    wait::until(SOON, "why 604 fails, in the log", || {
        let why = "ring-group configuration: members: 0 members, not 1 to 16";
        tandem.log().contains(why).then_some(())
    })
    .unwrap();
    assert_eq!(
        calls::call_to(tandem, "601").unwrap().text("scenario").unwrap(),
        "ring-group"
    );
}

fn hours_decide(a: &Baresip, both: &[(&str, &Baresip)]) {
    assert_eq!(answered_by(a, "610", both), "302");
    assert!(refused(a, "611", true).starts_with("480"), "it is a holiday");
}

fn a_service_is_asked(tandem: &Tandem, a: &Baresip, both: &[(&str, &Baresip)], service: &WebService) {
    // Who is known is greeted first: the caller is answered before anybody rings.
    let before = count(a, &EventKind::Established);
    assert_eq!(answered_by(a, "620", both), "303");
    assert_eq!(count(a, &EventKind::Established), before + 1);
    let asked = &service.seen("/vip/301")[0];
    assert_eq!(asked["headers"]["authorization"], "Bearer sesame");

    assert_eq!(answered_by(a, "621", both), "302");
    let missed = &service.seen("/json")[0];
    let told: Value = serde_json::from_str(missed["body"].as_str().unwrap()).unwrap();
    assert_eq!((&told["caller"], &told["called"]), (&json!("301"), &json!("621")));

    assert_eq!(answered_by(a, "622", both), "302");
    let log = tandem.log();
    assert!(log.contains("http: time-out"), "{log}");
}

/// A line of ten numbers, whose rules look at the dialled number, the hours and the caller.
fn offer_line(tandem: &Tandem) {
    let user = |name: &str| json!({ "user": { "user": name } });
    let rules = json!([
        { "name": "Off", "enabled": false, "to": { "hang_up": "busy" } },
        { "name": "Others", "caller": ["+49*", "302"], "to": user("303") },
        { "name": "Open", "called": ["640"], "schedule": "always",
          "to": { "group": { "members": ["304", "302"], "strategy": "in_turn" } } },
        { "name": "Closed", "called": ["640", "643"], "schedule": "never", "when": "holiday",
          "before": { "say": "We are on holiday, please call again." }, "to": { "hang_up": "declined" } },
        { "name": "Known", "called": ["641"], "caller": ["30X"], "to": user("303") },
    ]);
    let settings = json!({ "rules": rules, "otherwise": { "hang_up": "not_found" }, "language": "en" });
    point(tandem, "64X", "line", &settings);
}

fn rules_decide(tandem: &Tandem, a: &Baresip, both: &[(&str, &Baresip)]) {
    assert_eq!(
        answered_by(a, "640", both),
        "302",
        "it is open, and 304 has no phone"
    );
    assert_eq!(answered_by(a, "641", both), "303", "301 is a caller of the rule");
    assert!(refused(a, "643", true).starts_with("603"), "it is a holiday");
    assert!(refused(a, "644", false).starts_with("404"), "no rule fits");

    let call = calls::call_to(tandem, "641").unwrap();
    assert_eq!(call.text("scenario").unwrap(), "line");
    let shown = calls::replay(tandem, &call.id().unwrap(), &[]).unwrap().stdout;
    for why in [
        "Rule 1, Off does not fit",
        "301 calls, which is none of its callers",
        "Rule 5, Known decides",
    ] {
        assert!(shown.contains(why), "{why}: {shown}");
    }
}

/// A flow that by day asks the service who calls, calls a group, greets by a tone of 620 Hz where nobody answers, takes a
/// message for 302, and says goodbye by one of 1,700 Hz; and one that sends its caller to another number.
fn offer_flows(tandem: &Tandem, service: &WebService) {
    let tone = |hz: u32, time_ms: u32| json!([{ "tone": { "hz": hz, "duration_ms": time_ms } }]);
    let flow = |users: Value| {
        let open = json!({ "all": [{ "open": "always" }, { "matches": [{ "variable": "caller" }, "30?"] },
            { "less": [{ "variable": "year" }, { "fixed": "3000" }] }] });
        let ask = json!({ "method": "POST", "url": service.url("/vip/{caller}"), "body": "{\"called\": \"{dialled}\"}",
            "headers": { "Authorization": "Bearer {secret.crm-token}" }, "into": { "vip": "/vip" },
            "next": "vip", "default": "bye" });
        let vip = json!({ "equals": [{ "variable": "vip" }, { "fixed": "true" }] });
        json!({ "version": 1, "name": "Office", "language": "en", "start": "hours", "nodes": [
            { "id": "hours", "name": "By day", "do": { "if": { "when": open, "then": "ask", "else": "bye" } } },
            { "id": "ask", "name": "Who calls", "do": { "http": ask } },
            { "id": "vip", "name": "Known?", "do": { "if": { "when": vip, "then": "box", "else": "bye" } } },
            { "id": "box", "name": "Whose box", "do": { "set": {
                "variable": "box", "value": { "fixed": "302" }, "next": "group" } } },
            { "id": "group", "name": "The office", "do": { "group": {
                "users": users, "strategy": "in_turn", "timeout_s": 20, "next": "bye", "default": "message" } } },
            { "id": "message", "name": "Leave a message", "do": { "voicemail": {
                "box": { "variable": "box" }, "greeting": tone(620, 800), "next": "bye" } } },
            { "id": "bye", "name": "Goodbye", "do": { "say": { "prompts": tone(1_700, 800) } } },
        ] })
    };
    point(tandem, "630", "flow", &flow(json!(["304", "302"])));
    point(tandem, "631", "flow", &flow(json!(["304"])));
    // The tone is longer than a second: see `another_second`.
    let sends_on = json!({ "version": 1, "name": "Moved", "start": "wait", "nodes": [
        { "id": "wait", "name": "A moment", "do": { "say": { "prompts": tone(620, 1_500), "next": "on" } } },
        { "id": "on", "name": "Send on", "do": { "scenario": { "number": { "fixed": "610" } } } },
    ] });
    point(tandem, "632", "flow", &sends_on);
}

/// A tone of at least half a second in what the phone hears of this call, which began after `before` others.
fn hears(phone: &Baresip, before: usize, hz: f64, what: &str) {
    wait::until(Duration::from_secs(40), what, || {
        let heard = (phone.recordings() > before).then(|| phone.received().ok())??;
        let spans = tone::tone_spans(&heard, hz, TONE_LEAST_DBFS);
        spans
            .iter()
            .any(|span| span.length() >= Duration::from_millis(500))
            .then_some(())
    })
    .unwrap();
}

fn a_flow_decides(tandem: &Tandem, a: &Baresip, both: &[(&str, &Baresip)], service: &WebService) {
    // 304 has no phone: 302 rings, and after the talk the flow goes on.
    let before = a.recordings();
    assert_eq!(answered_by(a, "630", both), "302");
    hears(a, before, 1_700.0, "the goodbye after the talk");
    let asked = service.seen("/vip/301");
    let asked = asked.iter().find(|request| request["method"] == "POST").unwrap();
    assert_eq!(asked["headers"]["authorization"], "Bearer sesame");
    assert_eq!(asked["body"], r#"{"called": "630"}"#);

    another_second();
    let (before, closed) = (a.recordings(), count(a, &EventKind::Closed));
    a.dial("631").unwrap();
    hears(a, before, 620.0, "the greeting of the box");
    std::thread::sleep(Duration::from_secs(4));
    a.press('#').unwrap();
    std::thread::sleep(Duration::from_millis(700));
    a.press('1').unwrap();
    hears(a, before, 1_700.0, "the goodbye after the message");
    wait::until(SOON, "the end of the call", || {
        (count(a, &EventKind::Closed) > closed).then_some(())
    })
    .unwrap();

    let domain = tandem.demo().domain.clone();
    let listed = tandem.json(&["voicemail", "list", &domain, "302"]).unwrap();
    let [message] = &listed.as_array().unwrap()[..] else {
        panic!("one message: {listed}")
    };
    assert_eq!(message["caller"], "301");
    let recordings = tandem.data().join("recordings").join(&domain);
    let message = format!("{}.wav", message["recording"].as_str().unwrap());
    let left = Wav::read(&recordings.join(message)).unwrap();
    let spans = tone::tone_spans(&left, tone_hz("301"), TONE_LEAST_DBFS);
    assert!(tone::whole(&spans) >= Duration::from_secs(2), "{spans:?}");

    let call = calls::call_to(tandem, "631").unwrap();
    let shown = calls::replay(tandem, &call.id().unwrap(), &[]).unwrap().stdout;
    for node in ["hours", "ask", "group", "message", "bye"] {
        assert!(shown.contains(node), "{node}: {shown}");
    }

    // The caller's phone is asked to call 610, which rings 302.
    assert_eq!(answered_by(a, "632", both), "302");
}

/// What the phone hears of a text that number `number` speaks.
fn spoken(phone: &Baresip, number: &str) -> Wav {
    another_second();
    let closed = count(phone, &EventKind::Closed);
    let before = phone.recordings();
    phone.dial(number).unwrap();
    wait::until(SOON, "a new recording", || {
        (phone.recordings() > before).then_some(())
    })
    .unwrap();
    speech_then_silence(phone, Duration::from_millis(1_500), Duration::from_secs(40)).unwrap();
    let heard = phone.received().unwrap();
    phone.hangup().unwrap();
    wait::until(SOON, "the end of the call", || {
        (count(phone, &EventKind::Closed) > closed).then_some(())
    })
    .unwrap();
    heard
}

#[test]
fn a_text_that_names_no_language_is_spoken_in_the_domains() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    for (number, language) in [("640", "ru"), ("641", "en"), ("642", "")] {
        let flow = json!({ "version": 1, "name": "Numbers", "language": language, "start": "say", "nodes": [
            { "id": "say", "name": "Say", "do": { "say": { "prompts": [{ "say": "11, 12, 13, 14" }], "next": "wait" } } },
            { "id": "wait", "name": "Wait", "do": { "say": { "prompts": [{ "silence_ms": 20_000 }], "next": "bye" } } },
            { "id": "bye", "name": "End", "do": { "hang_up": {} } },
        ] });
        point(&tandem, number, "flow", &flow);
    }
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let (russian, english) = (spoken(&a, "640"), spoken(&a, "641"));
    let same = |one: &Wav, other: &Wav| {
        let length = Duration::from_secs(3);
        sameness::compare(one, other, length).longest() < Duration::from_millis(100)
    };
    assert!(!same(&russian, &english), "they would say nothing");
    assert!(same(&english, &spoken(&a, "642")));
    ok(&tandem, &["domain", "set", &domain, "--language", "ru"]);
    assert!(same(&russian, &spoken(&a, "642")));
}
