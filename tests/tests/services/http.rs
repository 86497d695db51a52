//! HTTP: what arrives at a service, with which secrets, how often; what is refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::Baresip;
use tandem_kit::ctrl::EventKind;
use tandem_kit::roles::Role;
use tandem_kit::tandem::Tandem;
use tandem_kit::wait;
use tandem_tests::calls;
use tandem_tests::phones::SOON;
use tandem_tests::{modules, web};

use super::{LONG, WebService, answers, caller, offer, ok, set_secret};

const SECRET: &str = "tok-77b1-not-for-logs";

fn get(url: &str) -> Value {
    json!({ "http": { "method": "get", "url": url } })
}

fn with_bearer(url: &str, secret: &str) -> Value {
    json!({ "http": { "method": "get", "url": url, "bearer": secret } })
}

#[test]
fn a_service_gets_what_the_scenario_sends_with_a_secret_that_nobody_else_sees() {
    let service = WebService::start();
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    let port = service.port;
    ok(
        &tandem,
        &["domain", "http", &domain, "allow", &service.host(), "--private"],
    );
    set_secret(&tandem, &domain, "crm", SECRET, &["--host", &service.host()]);
    set_secret(
        &tandem,
        &domain,
        "elsewhere",
        "other",
        &["--host", "crm.example.com"],
    );

    let closed = tandem_kit::ports::free().unwrap();
    ok(
        &tandem,
        &[
            "domain",
            "http",
            &domain,
            "allow",
            &format!("127.0.0.1:{closed}"),
            "--private",
        ],
    );
    // A name that leads to this machine, without a grant that says so: what an attacker's DNS would answer.
    ok(
        &tandem,
        &["domain", "http", &domain, "allow", &format!("localhost:{port}")],
    );
    let over_tls = format!("https://127.0.0.1:{port}/echo");
    let steps = json!([
        with_bearer(&service.url("/echo"), "crm"),
        { "post-json": { "url": service.url("/json"), "value": { "a": [1, "ä"] }, "bearer": "crm" } },
        with_bearer(&service.url("/echo"), "elsewhere"),
        with_bearer(&service.url("/echo"), "unknown"),
        get(&format!("http://localhost:{port}/echo")),
        get("http://127.0.0.2/echo"),
        get(&service.url(&format!("/to?http://localhost:{port}/echo"))),
        with_bearer(&service.url("/to?/echo"), "crm"),
        get(&service.url("/to?/to?/to?/to?/to?/to?/echo")),
        get(&service.url("/big")),
        get(&service.url("/zip")),
        get(&service.url("/bomb")),
        { "http": { "method": "post", "url": service.url("/busy-once"), "body": "order 7", "retries": 2 } },
        { "http": { "method": "get", "url": service.url("/slow"), "timeout_ms": 500 } },
        get(&format!("http://127.0.0.1:{closed}/")),
        get(&over_tls),
        { "http": { "method": "get", "url": "ftp://a.example/" } },
        { "http": { "method": "get", "url": service.url("/echo"), "headers": [["Host", "evil.example"]] } },
    ]);
    offer(&tandem, &domain, "700", &steps);
    let caller = caller(&tandem);
    let said = answers(&tandem, &caller, "700", steps.as_array().unwrap().len());
    for (step, words) in [
        (0, "200 5 bytes hello"),
        (1, r#"{"got":{"a":[1,"ä"]}}"#),
        (2, "NotAllowed(\"the secret elsewhere is not for 127.0.0.1"),
        (3, "NotAllowed(\"the domain has no secret unknown"),
        (4, "PrivateAddress"),
        (5, "NotAllowed(\"127.0.0.2 is not among the hosts"),
        (6, "PrivateAddress"),
        (7, "200 5 bytes hello"),
        (8, "Limit(\"more than 5 redirects"),
        (9, "TooLarge"),
        (10, "200 8 bytes unzipped"),
        (11, "TooLarge"),
        (12, "200 4 bytes done"),
        (13, "TimeOut"),
        (14, "Connect"),
        (15, "Tls"),
        (16, "BadArgument"),
        (17, "BadArgument(\"the host sets the header Host itself"),
    ] {
        let said = &said[step];
        assert!(said.contains(words), "step {step}: {said}");
    }

    // What the other side saw.
    let bearer = format!("Bearer {SECRET}");
    let echo = service.seen("/echo");
    assert_eq!(echo.len(), 2, "{echo:?}"); // the first, and what the redirect led to: it stays with its origin
    assert!(
        echo.iter()
            .all(|request| request["headers"]["authorization"] == bearer),
        "{echo:?}"
    );
    assert!(echo[0]["headers"].get("idempotency-key").is_none());
    let posted = &service.seen("/json")[0];
    assert_eq!(posted["body"], r#"{"a":[1,"ä"]}"#);
    assert_eq!(posted["headers"]["content-type"], "application/json");
    assert_eq!(posted["headers"]["authorization"], bearer);
    let busy = service.seen("/busy-once");
    assert_eq!(busy.len(), 2);
    let key = |request: &Value| request["headers"]["idempotency-key"].as_str().unwrap().to_owned();
    assert_eq!(key(&busy[0]), key(&busy[1]));
    assert_ne!(key(&busy[0]), key(posted));
    assert_eq!(busy[1]["body"], "order 7");

    // The secret is in no log, journal or list.
    let call = calls::call_to(&tandem, "700").unwrap();
    let replay = calls::replay(&tandem, &call.id().unwrap(), &[]).unwrap();
    assert_eq!(replay.code, Some(0), "{replay:?}");
    assert!(replay.stdout.contains("http.send"), "{}", replay.stdout);
    let listed = ok(&tandem, &["secret", "list", &domain]);
    assert!(
        listed.contains("crm") && listed.contains(&service.host()),
        "{listed}"
    );
    for text in [&tandem.log(), &replay.stdout, &listed] {
        assert!(!text.contains(SECRET));
    }
}

#[test]
fn another_domain_reaches_neither_the_host_nor_the_secret() {
    const OTHER: &str = "other.local";
    let service = WebService::start();
    let tandem = Tandem::builder().start().unwrap();
    let passwords = modules::add_domain(&tandem, OTHER, &["301"]).unwrap();
    let domain = tandem.demo().domain.clone();
    ok(
        &tandem,
        &["domain", "http", &domain, "allow", &service.host(), "--private"],
    );
    set_secret(&tandem, &domain, "crm", SECRET, &[]);
    let steps = json!([
        get(&service.url("/echo")),
        with_bearer(&service.url("/echo"), "crm")
    ]);
    offer(&tandem, OTHER, "700", &steps);
    let stranger = Baresip::builder("301", OTHER, &passwords[0], tandem.sip())
        .expires_s(0)
        .start()
        .unwrap();
    for said in answers(&tandem, &stranger, "700", 2) {
        assert!(
            said.contains("is not among the hosts that the domain may reach"),
            "{said}"
        );
    }
    // With a list of its own it still has no secret of the first.
    ok(
        &tandem,
        &["domain", "http", OTHER, "allow", &service.host(), "--private"],
    );
    let said = answers(&tandem, &stranger, "700", 2);
    assert!(said[0].starts_with("200"), "{said:?}");
    assert!(said[1].contains("the domain has no secret crm"), "{said:?}");
    assert_eq!(service.seen("/echo").len(), 1);
    one_scenario_is_granted_less(&tandem, &service, (OTHER, &stranger));
    ok(&tandem, &["domain", "http", OTHER, "deny", &service.host()]);
    let said = answers(&tandem, &stranger, "700", 1);
    assert!(said[0].contains("NotAllowed"), "{said:?}");
}

/// The hosts of one scenario, and an interface that is withdrawn from a call in progress; the first domain's scenario of
/// the same name goes on as before.
fn one_scenario_is_granted_less(tandem: &Tandem, service: &WebService, (domain, phone): (&str, &Baresip)) {
    let grant = |more: &[&str]| {
        let grants = ["scenario", "grants", "services", "--domain", domain];
        ok(tandem, &[&grants[..], more].concat())
    };
    let told = grant(&["--http-only", "api.example.com,*.example.org"]);
    assert!(
        told.contains("it may reach api.example.com, *.example.org"),
        "{told}"
    );
    let said = answers(tandem, phone, "700", 1);
    let words = format!(
        "{} is not among the hosts that the scenario may reach",
        service.host()
    );
    assert!(said[0].contains(&words), "{said:?}");
    let held = json!({ "http": { "method": "get", "url": service.url("/held"), "timeout_ms": 60_000 } });
    let steps = json!([held, get(&service.url("/echo"))]);
    let settings = json!({ "steps": steps }).to_string();
    modules::offer_built(tandem, domain, "services", "701", &settings).unwrap();
    grant(&["--http-all"]);
    // What another process adds is seen within a second.
    std::thread::sleep(Duration::from_millis(1_200));

    let before = tandem.log().len();
    phone.dial("701").unwrap();
    wait::until(LONG, "a request", || service.seen("/held").first().cloned()).unwrap();
    let told = grant(&["--only", "config,log,leg"]);
    assert!(told.contains("may import config, leg, log; "), "{told}");
    let refused = tandem
        .cli(&["number", "activate", "701", "--domain", domain])
        .unwrap();
    assert!(
        refused.code == Some(2) && refused.stderr.contains("which the scenario is not granted"),
        "{refused:?}"
    );
    // What was withdrawn is seen within 2 s, on a busy machine some later; only then the service answers.
    std::thread::sleep(Duration::from_secs(5));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, service.port));
    assert_eq!(web::get(address, "/release").unwrap().status, 200);
    phone.wait_for(&EventKind::Closed, LONG).unwrap();
    let log = tandem.log();
    let log = log.get(before..).unwrap_or_default();
    assert!(
        log.contains(" 0: 200 4 bytes late"),
        "what it had asked is answered\n{log}"
    );
    let words = "NotAllowed(\"not granted: http.send, as the scenario may no longer use `http`";
    assert!(log.contains(words), "{log}");

    let demo = tandem.demo().domain.clone();
    offer(tandem, &demo, "700", &json!([get(&service.url("/echo"))]));
    let said = answers(tandem, &caller(tandem), "700", 1);
    assert!(said[0].starts_with("200"), "{said:?}");
    grant(&["--all"]);
}

/// The call logic is killed while the service holds its answer back: the request is made again, and the service can
/// tell that it is the same.
#[test]
fn a_request_that_a_crash_cut_off_is_made_again_under_the_same_key() {
    let service = WebService::start();
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    ok(
        &tandem,
        &["domain", "http", &domain, "allow", &service.host(), "--private"],
    );
    let order = json!({ "http": {
        "method": "post", "url": service.url("/hold-first"), "body": "order 7", "timeout_ms": 60_000,
    } });
    offer(
        &tandem,
        &domain,
        "700",
        &json!([{ "count": ["orders", 1] }, order]),
    );
    let caller = caller(&tandem);
    caller.dial("700").unwrap();
    let seen = |count: usize| {
        wait::until(LONG, "a request", || {
            Some(service.seen("/hold-first")).filter(|seen| seen.len() == count)
        })
        .unwrap()
    };
    seen(1);
    let old = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    let both = seen(2);
    let closed = caller
        .wait_for(&tandem_kit::ctrl::EventKind::Closed, LONG)
        .unwrap();
    assert!(closed.param.starts_with("480"), "{}", closed.param);
    let key = |request: &Value| request["headers"]["idempotency-key"].clone();
    // Of the call, the fourth request: the settings, the count and its line come before.
    assert!(key(&both[0]).as_str().is_some_and(|key| key.ends_with("-4\"")));
    assert_eq!(key(&both[0]), key(&both[1]));
    assert_eq!(both[0]["body"], both[1]["body"]);
    let answered = wait::until(SOON, "the answer in the log", || {
        tandem.log().contains(" 1: 201 7 bytes ordered").then_some(())
    });
    answered.unwrap();
    let call = calls::call_to(&tandem, "700").unwrap();
    assert_eq!(call.recoveries().unwrap(), 1);
}
