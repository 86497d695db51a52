//! Calls that scenarios ask for: one that rings somebody without a caller, one that is picked up elsewhere; and what
//! event scenarios hear of calls and users.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::Path;
use std::time::Duration;

use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::roles::Role;
use tandem_kit::tandem::Tandem;
use tandem_kit::{tone, wait};
use tandem_tests::calls::{self, call_to};
use tandem_tests::modules::{add_domain, offer_built};
use tandem_tests::phones::{SOON, registered, tone_hz};
use tandem_tests::web::{Answer, Request, get, request, request_all};

const OTHER: &str = "other.local";
const BEEP_HZ: f64 = 1_000.0;

/// A server whose demo domain originates calls by `/s/DOMAIN/call`, handles them at 722 and picks up at 8NNN.
fn start() -> (Tandem, String) {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    offer_built(&tandem, &domain, "web", "web:/", "{}").unwrap();
    offer_built(&tandem, &domain, "calls", "722", "{}").unwrap();
    let number = [
        "number",
        "add",
        "8XXX",
        "--scenario",
        "calls",
        "--domain",
        &domain,
    ];
    run(&tandem, &number);
    (tandem, domain)
}

fn run(tandem: &Tandem, command: &[&str]) {
    let output = tandem.cli(command).unwrap();
    assert_eq!(output.code, Some(0), "{command:?}: {output:?}");
}

/// Has the domain's web scenario originate a call.
fn originate(tandem: &Tandem, domain: &str, user: &str, entry_point: &str, data: &str) -> Answer {
    get(
        tandem.web(),
        &format!("/s/{domain}/call?{user}&{entry_point}&{data}"),
    )
    .unwrap()
}

/// How long a phone has heard a tone, all together.
fn heard_for(phone: &Baresip, hz: f64) -> Duration {
    let Ok(heard) = phone.received() else {
        return Duration::ZERO;
    };
    let spans = tone::tone_spans(&heard, hz, TONE_LEAST_DBFS);
    tone::whole(&spans)
}

/// Waits until a phone has heard half a second more of a tone.
fn hears(phone: &Baresip, hz: f64, what: &str) {
    hears_beyond(phone, heard_for(phone, hz), hz, what);
}

fn hears_beyond(phone: &Baresip, before: Duration, hz: f64, what: &str) {
    wait::until(Duration::from_secs(20), what, || {
        (heard_for(phone, hz) >= before + Duration::from_millis(500)).then_some(())
    })
    .unwrap();
}

/// Stores a stock scenario and lets `entry` start it.
fn offer_stock(tandem: &Tandem, domain: &str, name: &str, entry: &str, settings: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/dist/{name}.wasm"));
    run(
        tandem,
        &[
            "scenario",
            "add",
            file.to_str().unwrap(),
            "--name",
            name,
            "--domain",
            domain,
        ],
    );
    let document = tandem.folder().join(format!("{name}.json"));
    std::fs::write(&document, settings).unwrap();
    let number = ["number", "add", entry, "--scenario", name, "--domain", domain];
    run(
        tandem,
        &[&number[..], &["--settings", document.to_str().unwrap()]].concat(),
    );
}

fn accepts(phone: &Baresip) {
    phone.wait_for(&EventKind::Incoming, SOON).unwrap();
    phone.accept().unwrap();
    phone.wait_for(&EventKind::Established, SOON).unwrap();
}

#[test]
fn a_request_rings_a_user_whose_answer_a_scenario_handles() {
    let (tandem, domain) = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();

    // It rings on through a death of the call logic; then the phone hears the scenario.
    let answer = originate(&tandem, &domain, "301", "722", "appointment+7");
    assert_eq!(answer.status, 200, "{}", answer.body);
    a.wait_for(&EventKind::Incoming, SOON).unwrap();
    let old = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    a.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    hears_beyond(&a, Duration::ZERO, BEEP_HZ, "the scenario's tone");
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(tandem.log().contains("originated with appointment 7 for 301"));
    let call = call_to(&tandem, "722").unwrap();
    assert_eq!(call.id().unwrap(), answer.body);
    assert_eq!(call.text("from_number").unwrap(), "301");
    assert_eq!(call.text("cause").unwrap(), "normal");

    // Click to call: first one is rung, then the other, then they talk.
    assert_eq!(
        originate(&tandem, &domain, "302", "722", "connect+301").status,
        200
    );
    accepts(&b);
    accepts(&a);
    hears(&a, tone_hz("302"), "302 at 301's ear");
    hears(&b, tone_hz("301"), "301 at 302's ear");
    b.hangup().unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
}

#[test]
fn what_cannot_be_originated_is_told_and_what_nobody_answers_is_recorded() {
    let (tandem, domain) = start();
    let refused = |domain: &str, user: &str, entry_point: &str| {
        let answer = originate(&tandem, domain, user, entry_point, "");
        assert_eq!(answer.status, 409, "{}", answer.body);
        answer.body
    };
    assert!(refused(&domain, "399", "722").contains("399 leads to nobody"));
    assert!(refused(&domain, "301", "web:/").contains("web:/ leads to no call scenario"));
    // Another domain rings its own users only.
    add_domain(&tandem, OTHER, &[]).unwrap();
    offer_built(&tandem, OTHER, "web", "web:/", "{}").unwrap();
    assert!(refused(OTHER, "301", "722").contains("301 leads to nobody"));

    // 303 has no phone: each of these calls is over at once. One client asks for all, to be done within a minute.
    let one = Request {
        method: "GET".to_owned(),
        path: format!("/s/{domain}/call?303&722&"),
        headers: Vec::new(),
        body: String::new(),
    };
    let answers = request_all(tandem.web(), &vec![one; 61]).unwrap();
    let limit = answers.iter().find(|(status, _)| *status != 200);
    assert!(limit.is_some_and(|(_, words)| words.contains("limit")));
    wait::until(Duration::from_secs(20), "the record of a call to nobody", || {
        let recorded = calls::list_in(&tandem, &domain).ok()?;
        let is_it = |call: &serde_json::Value| call["to_number"] == "722" && call["cause"] == "unavailable";
        recorded.iter().any(is_it).then_some(())
    })
    .unwrap();
    assert_eq!(calls::list_in(&tandem, OTHER).unwrap().len(), 0);
}

#[test]
fn what_rings_at_one_phone_is_picked_up_at_another_and_goes_on_after_a_crash() {
    let (tandem, domain) = start();
    let [a, b, c] = ["301", "302", "303"].map(|user| registered(&tandem, user, Transport::Udp).unwrap());
    let group = tandem.folder().join("group.json");
    std::fs::write(&group, "[\"302\", \"305\"]").unwrap();
    let number = [
        "number",
        "add",
        "8000",
        "--scenario",
        "calls",
        "--domain",
        &domain,
    ];
    run(
        &tandem,
        &[&number[..], &["--settings", group.to_str().unwrap()]].concat(),
    );

    // Directed, then by the group's number.
    for (number, caller_ends) in [("8302", false), ("8000", true)] {
        a.dial("302").unwrap();
        b.wait_for(&EventKind::Incoming, SOON).unwrap();
        c.dial(number).unwrap();
        c.wait_for(&EventKind::Established, SOON).unwrap();
        a.wait_for(&EventKind::Established, SOON).unwrap();
        b.wait_for(&EventKind::Closed, SOON).unwrap();
        hears(&a, tone_hz("303"), "303 at 301's ear");
        hears(&c, tone_hz("301"), "301 at 303's ear");
        if !caller_ends {
            let old = tandem.kill(Role::CallLogic).unwrap();
            tandem.wait_for_restart(Role::CallLogic, old).unwrap();
            hears(&a, tone_hz("303"), "303 at 301's ear after the crash");
            hears(&c, tone_hz("301"), "301 at 303's ear after the crash");
        }
        let (ends, other) = if caller_ends { (&a, &c) } else { (&c, &a) };
        ends.hangup().unwrap();
        other.wait_for(&EventKind::Closed, SOON).unwrap();
    }
    let heard = b.log();
    assert!(heard.contains("CANCEL sip:302"), "{heard}");
    assert!(
        heard.contains("Reason: SIP;cause=200;text=\"Call completed elsewhere\""),
        "{heard}"
    );
    let rang = call_to(&tandem, "302").unwrap();
    assert_eq!(
        rang.leg_of("302").unwrap().text("cause").unwrap(),
        "picked up by 303"
    );
    assert!(rang.leg_of("303").unwrap().talk().unwrap() > Duration::from_millis(500));
    let picker = call_to(&tandem, "8302").unwrap();
    assert!(picker.leg_of("301").unwrap().talk().unwrap() > Duration::from_millis(500));

    // Nothing rings now.
    c.dial("8302").unwrap();
    wait::until(SOON, "the refusal", || {
        tandem
            .log()
            .contains("not picked up by 303: pick-up: nothing rings")
            .then_some(())
    })
    .unwrap();
}

#[test]
fn an_event_scenario_hears_of_calls_as_they_begin_and_of_users() {
    let (tandem, domain) = start();
    offer_built(&tandem, &domain, "events", "event:call-started", "{}").unwrap();
    for kind in ["call-answered", "user-registered"] {
        let entry = format!("event:{kind}");
        run(
            &tandem,
            &[
                "number",
                "add",
                &entry,
                "--scenario",
                "events",
                "--domain",
                &domain,
            ],
        );
    }
    let last = |kind: &str| {
        let data = wait::until(Duration::from_secs(20), kind, || {
            let answer = get(tandem.web(), &format!("/s/{domain}/kv?last/{kind}")).unwrap();
            (answer.status == 200).then_some(answer.body)
        })
        .unwrap();
        serde_json::from_str::<serde_json::Value>(&data).unwrap()
    };
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    assert_eq!(last("user-registered")["user"], "301");
    a.dial(&tandem.demo().menu).unwrap();
    let started = last("call-started");
    assert_eq!(
        (started["from"].as_str(), started["to"].as_str()),
        (Some("301"), Some(tandem.demo().menu.as_str()))
    );
    let answered = last("call-answered");
    assert_eq!(answered["call"], started["call"]);
    assert!(
        answered["answered_ms"].as_u64() >= started["started_ms"].as_u64(),
        "{answered}"
    );
    a.hangup().unwrap();
}

#[test]
fn who_asks_is_called_back_and_reminded() {
    let (tandem, domain) = start();
    let [a, b] = ["301", "302"].map(|user| registered(&tandem, user, Transport::Udp).unwrap());
    offer_stock(&tandem, &domain, "callback", "30X", "{\"timeout_s\": 4}");
    let watch = "{\"entry_point\": \"302\"}";
    offer_stock(&tandem, &domain, "callback-watch", "event:call-ended", watch);
    offer_stock(&tandem, &domain, "reminder", "730", "{}");
    let watch = "{\"entry_point\": \"730\"}";
    offer_stock(&tandem, &domain, "reminder-watch", "event:every-10s", watch);
    // A running server sees new numbers within about a second.
    std::thread::sleep(Duration::from_secs(2));
    let kept = |key: &str| {
        let answer = get(tandem.web(), &format!("/s/{domain}/kv?{key}")).unwrap();
        (answer.status == 200).then_some(answer.body)
    };

    // 302 does not answer; 301 wants to be called back. Nothing happens before a call of 302 ends.
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    a.press('1').unwrap();
    wait::until(SOON, "the wish", || kept("callback/302/301")).unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    b.dial("722").unwrap(); // where nothing is to be picked up: the call ends by itself
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    accepts(&a);
    accepts(&b);
    hears(&a, tone_hz("302"), "302 at 301's ear");
    hears(&b, tone_hz("301"), "301 at 302's ear");
    assert_eq!(kept("callback/302/301"), None);
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();

    let appointment = "{\"at_ms\": 1, \"user\": \"301\", \"text\": \"Tomorrow at nine.\"}";
    let path = format!("/s/{domain}/set?reminder/7");
    assert_eq!(
        request(tandem.web(), "PUT", &path, &[], appointment)
            .unwrap()
            .status,
        204
    );
    a.wait_for(&EventKind::Incoming, Duration::from_secs(30)).unwrap();
    a.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    a.press('1').unwrap();
    wait::until(SOON, "the answer", || {
        kept("reminder/7").filter(|kept| kept.contains("\"state\":\"confirmed\""))
    })
    .unwrap();
}
