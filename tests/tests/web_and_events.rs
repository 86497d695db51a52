//! Scenarios that no call starts: one answers HTTP, one hears of what has happened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::Duration;

use tandem_kit::roles::Role;
use tandem_kit::tandem::Tandem;
use tandem_kit::wait;
use tandem_tests::modules::{add_domain, limit_cpu, offer_built, offer_file};
use tandem_tests::phones::{SOON, menu_greets, phone};
use tandem_tests::web::{Answer, get, request};

const OTHER: &str = "other.local";

/// A server whose demo domain has the web scenario at `/s/DOMAIN/app`.
fn start() -> (Tandem, String) {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    offer_built(&tandem, &domain, "web", "web:/", "{}").unwrap();
    (tandem, domain)
}

fn ask(tandem: &Tandem, domain: &str, path: &str) -> Answer {
    get(tandem.web(), &format!("/s/{domain}{path}")).unwrap()
}

/// What the domain's store has under a key, asked of its web scenario.
fn kept(tandem: &Tandem, domain: &str, key: &str) -> Option<String> {
    let answer = ask(tandem, domain, &format!("/kv?{key}"));
    (answer.status == 200).then_some(answer.body)
}

#[test]
fn a_scenario_answers_http_for_its_own_domain_alone() {
    let (tandem, domain) = start();
    let hello = ask(&tandem, &domain, "/hello?who");
    assert_eq!(hello.status, 200);
    assert_eq!(hello.body, format!("<p>Hello from {domain}</p>"));
    // Its page is of no origin that the API's cookies would go to.
    assert!(hello.header("content-security-policy")[0].starts_with("sandbox"));

    let count = |domain: &str| {
        let path = format!("/s/{domain}/count");
        request(tandem.web(), "POST", &path, &[], "").unwrap()
    };
    assert_eq!(count(&domain).body, "{\"count\":1}");
    assert_eq!(count(&domain).body, "{\"count\":2}");
    assert_eq!(ask(&tandem, &domain, "/count").status, 405);

    // Another domain has no scenario, then one with a store of its own.
    add_domain(&tandem, OTHER, &[]).unwrap();
    assert_eq!(count(OTHER).status, 404);
    offer_built(&tandem, OTHER, "web", "web:/", "{}").unwrap();
    assert_eq!(kept(&tandem, OTHER, "web/count"), None);
    assert_eq!(count(OTHER).body, "{\"count\":1}");
    assert_eq!(count("nobody.local").status, 404);
}

#[test]
fn what_passes_in_either_direction_is_bounded() {
    let (tandem, domain) = start();
    let echo = |headers: &[(&str, &str)], body: &str| {
        let path = format!("/s/{domain}/echo");
        request(tandem.web(), "PUT", &path, headers, body).unwrap()
    };
    let body = "Grüße, ".repeat(1_000);
    let answer = echo(
        &[("Content-Type", "text/plain"), ("Cookie", "session=secret")],
        &body,
    );
    assert_eq!((answer.status, answer.body.as_str()), (200, body.as_str()));
    assert_eq!(answer.header("x-kind"), ["text/plain"]);
    let seen = answer.header("x-headers").join("");
    assert!(
        seen.contains("content-type: text/plain") && !seen.contains("secret"),
        "{seen}"
    );
    assert!(answer.header("set-cookie").is_empty());

    assert_eq!(echo(&[], &"x".repeat(1 << 20)).body.len(), 1 << 20);
    assert_eq!(echo(&[], &"x".repeat((1 << 20) + 1)).status, 413);
    let large = |bytes: usize| ask(&tandem, &domain, &format!("/large?{bytes}"));
    let most = large(4 << 20);
    assert_eq!((most.status, most.body.len()), (200, 4 << 20));
    let more = large((4 << 20) + 1);
    assert_eq!(more.status, 502, "{}", more.body);
    assert_eq!(large(5 << 20).status, 500, "it is not copied");
    let many: Vec<(String, String)> = (0..99).map(|n| (format!("X-{n}"), "y".repeat(400))).collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let status = echo(&many, "").status;
    assert!([400, 431].contains(&status), "{status}");
}

#[test]
fn a_scenario_that_fails_costs_its_own_request() {
    let (mut tandem, domain) = start();
    offer_file(&tandem, &domain, "web", "spinning", "web:/spin", "{}").unwrap();
    limit_cpu(&tandem, &domain, "spinning").unwrap();
    for (path, status, logged) in [
        ("/odd", 502, None),
        ("/error", 500, Some("the customer's file is gone")),
        ("/panic", 500, Some("no page has this number")),
        ("/spin", 500, Some("CPU")),
        ("/nap", 504, Some("it took more than 30 s")),
        ("/nothing", 404, None),
    ] {
        let answer = ask(&tandem, &domain, path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        if let Some(words) = logged {
            assert!(!answer.body.contains(words), "{path} tells {}", answer.body);
            let log = tandem.log();
            assert!(log.contains(words), "{path}: {words} is not in\n{log}");
        }
        assert_eq!(ask(&tandem, &domain, "/hello").status, 200);
    }
    assert!(tandem.log().contains("src/lib.rs:"), "the panic's place");
    tandem.assert_alive().unwrap();
}

#[test]
fn entry_points_start_scenarios_of_their_world_only() {
    let (tandem, domain) = start();
    let add = |entry: &str, scenario: &str| {
        let command = [
            "number",
            "add",
            entry,
            "--scenario",
            scenario,
            "--domain",
            &domain,
        ];
        tandem.cli(&command).unwrap()
    };
    let refused = add("701", "web");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("701 starts a call-scenario"),
        "{refused:?}"
    );
    let refused = add("web:/menu", "flow");
    assert!(
        refused.stderr.contains("web:/menu starts a web-scenario"),
        "{refused:?}"
    );
    let refused = add("event:calls", "web");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("every-5m"), "{refused:?}");
    let canary = ["number", "canary", "web:/", "--share", "10", "--domain", &domain];
    let refused = tandem.cli(&canary).unwrap();
    assert!(refused.stderr.contains("only numbers have one"), "{refused:?}");
}

#[test]
fn an_event_scenario_hears_of_calls_once_and_again_after_a_failure() {
    let (mut tandem, domain) = start();
    offer_built(&tandem, &domain, "events", "event:call-ended", "{\"fail\": true}").unwrap();
    add_domain(&tandem, OTHER, &[]).unwrap();
    offer_built(&tandem, OTHER, "web", "web:/", "{}").unwrap();
    offer_built(&tandem, OTHER, "events", "event:call-ended", "{}").unwrap();
    let caller = phone(&tandem, "301").unwrap().start().unwrap();
    menu_greets(&tandem, &caller).unwrap();

    // It fails the first time, the server dies, it is given again ten seconds after the failure.
    let told = || tandem.log().contains("not today");
    wait::until(SOON, "the event's failure", || told().then_some(())).unwrap();
    let pid = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, pid).unwrap();
    tandem.wait_healthy().unwrap();
    let count = || kept(&tandem, &domain, "count/call-ended");
    wait::until(Duration::from_secs(40), "the event", count).unwrap();
    assert_eq!(count().as_deref(), Some("1"));
    let data = kept(&tandem, &domain, "last/call-ended").unwrap();
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["from"], "301");
    assert_eq!(data["to"], tandem.demo().menu.as_str());
    assert!(data["duration_ms"].as_u64().unwrap() > 0, "{data}");
    let id = data["call"].as_str().unwrap();
    assert_eq!(
        kept(&tandem, &domain, &format!("given/call-ended/{id}")).as_deref(),
        Some("2")
    );
    assert_eq!(kept(&tandem, OTHER, "count/call-ended"), None);
}

#[test]
fn an_event_scenario_hears_of_time() {
    let (tandem, domain) = start();
    offer_built(&tandem, &domain, "events", "event:every-10s", "{}").unwrap();
    timers_that_scenarios_set_outlive_the_server(&tandem, &domain);
    let count = || kept(&tandem, &domain, "count/timer").and_then(|count| count.parse::<u32>().ok());
    wait::until(Duration::from_secs(30), "two timers", || {
        count().filter(|count| *count >= 2)
    })
    .unwrap();
    assert_eq!(
        kept(&tandem, &domain, "last/timer").as_deref(),
        Some("{\"every_s\":10}")
    );
}

/// In a domain of its own, while the other waits for its time.
fn timers_that_scenarios_set_outlive_the_server(tandem: &Tandem, domain: &str) {
    add_domain(tandem, OTHER, &[]).unwrap();
    offer_built(tandem, OTHER, "web", "web:/", "{}").unwrap();
    let timer = |domain: &str, query: &str| {
        let answer = ask(tandem, domain, &format!("/timer?{query}"));
        (answer.status, answer.body)
    };
    let set = (200, "set".to_owned());
    let deaf = "timer: there is no entry point event:timer-remind".to_owned();
    assert_eq!(timer(OTHER, "remind/1&0&early"), (409, deaf.clone()));
    offer_built(tandem, OTHER, "events", "event:timer-remind", "{}").unwrap();
    assert_eq!(timer(domain, "remind/1&0&early"), (409, deaf));
    assert_eq!(timer(OTHER, "Remind&0").0, 409);
    assert_eq!(timer(OTHER, "remind/1&86400000&tomorrow"), set);
    assert_eq!(timer(OTHER, "remind/2&86400000&never"), set);
    assert_eq!(timer(OTHER, "remind/3&86400000&later"), set);
    assert_eq!(timer(OTHER, "remind/2"), (200, "true".to_owned()));
    assert_eq!(timer(OTHER, "remind/2"), (200, "false".to_owned()));

    // Moved, it is the next.
    assert_eq!(timer(OTHER, "remind/1&3600000&today"), set);
    let listed = tandem.json(&["timer", "list", OTHER]).unwrap();
    assert_eq!(listed[0]["name"], "remind/1");
    assert_eq!(listed[1]["entry_point"], "event:timer-remind");
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(
        tandem.json(&["timer", "list", domain]).unwrap(),
        serde_json::json!([])
    );
    let refused = tandem.cli(&["timer", "cancel", domain, "remind/3"]).unwrap();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let cancelled = tandem.cli(&["timer", "cancel", OTHER, "remind/3"]).unwrap();
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    // It is due while the server is down.
    assert_eq!(timer(OTHER, "remind/1&1500&soon"), set);
    let pid = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, pid).unwrap();
    wait::until(SOON, "the web server", || get(tandem.web(), "/healthz").ok()).unwrap();

    let told = wait::until(Duration::from_secs(20), "the timer", || {
        kept(tandem, OTHER, "last/timer")
    })
    .unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["name"], &told["data"]),
        (&"remind/1".into(), &"soon".into())
    );
    assert!(told["due_ms"].as_u64().unwrap() > 1_700_000_000_000, "{told}");
    assert_eq!(kept(tandem, OTHER, "count/timer").as_deref(), Some("1"));
    assert_eq!(
        tandem.json(&["timer", "list", OTHER]).unwrap(),
        serde_json::json!([])
    );
}

/// In each of the languages that `make guests` builds: the templates of `tandem scenario new --world web|event`.
#[test]
fn scenarios_in_typescript_and_python_answer_http_and_hear_of_events() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    add_domain(&tandem, OTHER, &[]).unwrap();
    let logged = |number: &str| {
        let logs = ["scenario", "logs", "--domain", &domain, "--number", number];
        tandem.cli(&logs).unwrap().stdout
    };
    let first = phone(&tandem, "301").unwrap().start().unwrap();
    for (language, place) in [("ts", "src/main.ts:"), ("py", "main.py:")] {
        let (web, path) = (
            format!("{language}-web"),
            format!("/s/{domain}/{language}/orders"),
        );
        let entry = format!("web:/{language}");
        offer_file(&tandem, &domain, &format!("{language}/web"), &web, &entry, "{}").unwrap();
        let order = |item: &str| request(tandem.web(), "POST", &path, &[], item).unwrap();
        let tea = order("grüner Tee");
        assert_eq!(
            (tea.status, tea.header("content-type")),
            (201, vec!["application/json"])
        );
        let number: serde_json::Value = serde_json::from_str(&tea.body).unwrap();
        let noted = format!("order {}: grüner Tee", number["order"]);
        let shown = get(tandem.web(), &format!("{path}?{}", number["order"])).unwrap();
        assert_eq!((shown.status, shown.body.as_str()), (200, "grüner Tee"));
        assert_eq!(order("").status, 400);
        let elsewhere = get(tandem.web(), &format!("/s/{domain}/{language}/elsewhere")).unwrap();
        assert_eq!(elsewhere.status, 404, "{}", elsewhere.body);
        assert_eq!(
            get(tandem.web(), &format!("/s/{OTHER}/{language}/orders?1"))
                .unwrap()
                .status,
            404
        );

        // Nobody catches that a key has 512 bytes at most: the client hears nothing of it, the author where it was.
        let broken = get(tandem.web(), &format!("{path}?{}", "x".repeat(600))).unwrap();
        assert_eq!(
            (broken.status, broken.body.as_str()),
            (500, "the scenario failed\n")
        );
        let log = wait::until(SOON, "the exception", || {
            let log = logged(&entry);
            (log.contains("KvError") && log.contains(&noted)).then_some(log)
        });
        let log = log.unwrap_or_else(|error| panic!("{error}\n{}", logged(&entry)));
        assert!(log.contains(place), "{log}");

        let (event, guest) = (format!("{language}-event"), format!("{language}/event"));
        offer_file(&tandem, &domain, &guest, &event, "event:call-ended", "{}").unwrap();
        menu_greets(&tandem, &first).unwrap();
        let told = format!("301 to {}", tandem.demo().menu.as_str());
        wait::until(SOON, "the event", || {
            let log = logged("event:call-ended");
            let heard = log
                .lines()
                .any(|line| line.contains(&event) && line.contains(&told));
            heard.then_some(())
        })
        .unwrap_or_else(|error| panic!("{error}\n{}", logged("event:call-ended")));
        // The next language hears of the next call.
        let remove = ["number", "remove", "event:call-ended", "--domain", &domain];
        assert_eq!(tandem.cli(&remove).unwrap().code, Some(0));
    }
}
