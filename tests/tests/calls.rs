//! Calls by HTTP: lists, spreadsheets, what a scenario did, what phones said by SIP, and what goes on at this moment.
//! The client is Python's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::folder::Folder;
use tandem_kit::tandem::Tandem;
use tandem_kit::wait;
use tandem_tests::calls;
use tandem_tests::modules::{add_domain, offer_file};
use tandem_tests::phones::{SOON, menu_greets, phone, refusal, registered};
use tandem_tests::web::{Answer, request};

const OTHER: &str = "other.local";
const PASSWORD: &str = "long enough";

fn token(tandem: &Tandem, domain: &str) -> String {
    let command = [
        "token",
        "add",
        "reader",
        "--scopes",
        "calls:read",
        "--domain",
        domain,
    ];
    let token = tandem.json(&command).unwrap();
    format!("Bearer {}", token["token"].as_str().unwrap())
}

fn ask(tandem: &Tandem, bearer: &str, path: &str) -> Answer {
    let path = format!("/api/v1{path}");
    request(tandem.web(), "GET", &path, &[("Authorization", bearer)], "").unwrap()
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|call| call["id"].as_str().unwrap()).collect()
}

/// Asks as somebody who has logged in: method, path, body.
struct Person<'a> {
    tandem: &'a Tandem,
    cookie: String,
    csrf: String,
}

impl<'a> Person<'a> {
    /// Makes an account and logs in with it.
    fn new(tandem: &'a Tandem, domain: &str, name: &str, role: &[&str]) -> Self {
        let made = ["account", "add", name, "--domain", domain, "--password", PASSWORD];
        let made = tandem.cli(&[&made[..], role].concat()).unwrap();
        assert_eq!(made.code, Some(0), "{made:?}");
        let login = json!({ "login": format!("{name}@{domain}"), "password": PASSWORD }).to_string();
        let answer = request(tandem.web(), "POST", "/api/v1/session", &[], login).unwrap();
        let cookie = answer.header("set-cookie")[0]
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let csrf = body(&answer)["csrf"].as_str().unwrap().to_owned();
        Self { tandem, cookie, csrf }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/api/v1{path}");
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("X-CSRF-Token", self.csrf.as_str()),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        request(self.tandem.web(), method, &path, &headers, body).unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }
}

/// A call's messages, once its last ones are there.
fn messages(tandem: &Tandem, bearer: &str, id: &str) -> Value {
    wait::until(SOON, "the call's messages", || {
        let told = body(&ask(tandem, bearer, &format!("/calls/{id}/messages")));
        (!told["items"].as_array()?.is_empty()).then_some(told)
    })
    .unwrap()
}

/// What was said on a leg, in order. What was said again, because an answer was late, counts once.
fn summaries<'a>(messages: &'a Value, leg: u64) -> Vec<(&'a str, &'a str)> {
    let items = messages["items"].as_array().unwrap().iter();
    let mut seen = Vec::new();
    items
        .filter(|item| item["leg"] == leg)
        .filter(|item| {
            let said = [&item["direction"], &item["cseq"], &item["summary"]];
            let is_new = !seen.contains(&said);
            seen.push(said);
            is_new
        })
        .map(|item| {
            let summary = item["summary"].as_str().unwrap();
            let first = if summary.starts_with(|letter: char| letter.is_ascii_digit()) {
                summary
            } else {
                summary.split(' ').next().unwrap()
            };
            (item["direction"].as_str().unwrap(), first)
        })
        .collect()
}

/// 301 calls 302, which answers; 301 hangs up. The Call-ID that 301's phone used, and the one that 302's saw.
fn talk(a: &Baresip, b: &Baresip) -> (String, String) {
    a.dial("302").unwrap();
    let rings = b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    let up = a.wait_for(&EventKind::Established, SOON).unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    (up.call_id, rings.call_id)
}

#[test]
fn calls_are_listed_with_their_steps_and_the_messages_that_phones_said() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    let ours = token(&tandem, &domain);
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    menu_greets(&tandem, &a).unwrap();
    let menu = calls::call_to(&tandem, &tandem.demo().menu)
        .unwrap()
        .id()
        .unwrap();
    let (call_id, other_call_id) = talk(&a, &b);
    let talked = calls::call_to(&tandem, "302").unwrap().id().unwrap();
    refusal(&a, "404404", SOON).unwrap();
    let refused = calls::call_to(&tandem, "404404").unwrap().id().unwrap();

    // Newest first, a page at a time, by each filter.
    let all = body(&ask(&tandem, &ours, "/calls"));
    assert_eq!(ids(&all), [refused.as_str(), talked.as_str(), menu.as_str()]);
    assert_eq!(all["next"], Value::Null);
    let first = body(&ask(&tandem, &ours, "/calls?limit=2"));
    let next = first["next"].as_str().unwrap();
    let last = body(&ask(&tandem, &ours, &format!("/calls?limit=2&cursor={next}")));
    assert_eq!((ids(&first).len(), ids(&last)), (2, vec![menu.as_str()]));
    let since = all["items"][1]["started_at"].as_str().unwrap();
    for (query, found) in [
        ("user=302".to_owned(), vec![talked.as_str()]),
        ("number=404404".to_owned(), vec![refused.as_str()]),
        (format!("number=404404&until={since}"), vec![]),
        (format!("since={since}"), vec![refused.as_str(), talked.as_str()]),
        ("q=4404".to_owned(), vec![refused.as_str()]),
        ("scenario=none".to_owned(), vec![]),
    ] {
        let page = body(&ask(&tandem, &ours, &format!("/domains/{domain}/calls?{query}")));
        assert_eq!(ids(&page), found, "{query}");
    }
    for (query, status) in [
        ("limit=0", 422),
        ("cursor=x", 422),
        ("since=x", 400),
        ("colour=red", 400),
    ] {
        let answer = ask(&tandem, &ours, &format!("/calls?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }

    // One, as the command line shows it.
    let shown = body(&ask(&tandem, &ours, &format!("/calls/{talked}")));
    assert_eq!(shown, tandem.json(&["call", "show", &talked]).unwrap());

    // What its scenario did is what a replay shows.
    let told = body(&ask(&tandem, &ours, &format!("/calls/{menu}/steps")));
    let replayed = calls::replay(&tandem, &menu, &["--json"]).unwrap();
    let replayed: Value = serde_json::from_str(&replayed.stdout).unwrap();
    let (told, replayed) = (
        told["steps"].as_array().unwrap(),
        replayed["steps"].as_array().unwrap(),
    );
    assert_eq!(told.len(), replayed.len());
    for (told, step) in told.iter().zip(replayed) {
        assert_eq!(
            [
                &told["index"],
                &told["op"],
                &told["at_ms"],
                &told["outcome"],
                &told["ended_ms"]
            ],
            [
                &step["step"],
                &step["name"],
                &step["at_ms"],
                &step["outcome"],
                &step["ended_ms"]
            ]
        );
        assert_eq!(
            (&told["node"], &told["node_name"]),
            (&step["node"]["id"], &step["node"]["name"])
        );
        if let Some(request) = step["request"].as_object() {
            assert_eq!(request.values().next(), Some(&told["arguments"]));
        }
    }
    assert!(
        told.iter()
            .any(|step| step["op"] == "leg.collect" && step["node"].is_string()),
        "{told:?}"
    );
    // A number that leads to nobody: that is what the scenario for all the others found.
    let found_nobody = body(&ask(&tandem, &ours, &format!("/calls/{refused}/steps")));
    assert!(
        found_nobody.to_string().contains("directory.find-user"),
        "{found_nobody}"
    );

    // All that was said, from the first INVITE to the answer to BYE, of both phones.
    let said = messages(&tandem, &ours, &talked);
    let caller = summaries(&said, 0);
    let expected = [
        ("in", "INVITE"),
        ("out", "401 Unauthorized"),
        ("in", "ACK"),
        ("in", "INVITE"),
        ("out", "200 OK"),
        ("in", "ACK"),
        ("in", "BYE"),
        ("out", "200 OK"),
    ];
    let mut rest = caller.iter();
    for one in expected {
        assert!(rest.any(|said| *said == one), "{one:?} in {caller:?}");
    }
    assert_eq!(caller.first(), Some(&("in", "INVITE")));
    assert_eq!(rest.next(), None, "{caller:?}");
    let callee = summaries(&said, 1);
    for one in [
        ("out", "INVITE"),
        ("in", "180 Ringing"),
        ("in", "200 OK"),
        ("out", "ACK"),
        ("out", "BYE"),
    ] {
        assert!(callee.contains(&one), "{one:?} in {callee:?}");
    }
    assert_eq!(callee.last(), Some(&("in", "200 OK")), "{callee:?}");
    let mut before = 0;
    for item in said["items"].as_array().unwrap() {
        let text = item["text"].as_str().unwrap();
        let (its, transport) = if item["leg"] == 0 {
            (&call_id, "UDP")
        } else {
            (&other_call_id, "TCP")
        };
        assert!(text.contains(&format!("Call-ID: {its}")), "{text}");
        assert_eq!(item["transport"], transport);
        let from_start = item["from_start_us"].as_u64().unwrap();
        assert!(from_start >= before, "{said}");
        before = from_start;
        // Nobody can log in with what is kept.
        assert!(!text.contains("response="), "{text}");
    }
    let text = said["items"].to_string();
    assert!(text.contains("Authorization: (left out)"), "{text}");
    assert_eq!(
        (&said["left_out"], &said["items"][0]["status"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        said["items"][0]["cseq"].as_str().unwrap().split(' ').nth(1),
        Some("INVITE")
    );
    let remote = a.sip_addr().to_string();
    assert_eq!(said["items"][0]["remote"], remote.as_str());
    assert_eq!(said["items"][0]["local"], tandem.sip().to_string().as_str());

    // Of a call that no scenario took, too.
    let said = messages(&tandem, &ours, &refused);
    let said = summaries(&said, 0);
    assert_eq!(
        said[said.len() - 2..],
        [("out", "404 Not Found"), ("in", "ACK")],
        "{said:?}"
    );

    others_see_nothing(&tandem, &domain, [&menu, &talked]);
}

/// Of another domain, without the right, and of a user who sees his own calls.
fn others_see_nothing(tandem: &Tandem, domain: &str, [menu, talked]: [&str; 2]) {
    add_domain(tandem, OTHER, &[]).unwrap();
    let theirs = token(tandem, OTHER);
    assert!(ids(&body(&ask(tandem, &theirs, "/calls"))).is_empty());
    for more in ["", "/steps", "/messages"] {
        let answer = ask(tandem, &theirs, &format!("/calls/{talked}{more}"));
        assert_eq!(answer.status, 404, "{more}: {}", answer.body);
        let answer = ask(
            tandem,
            &theirs,
            &format!("/domains/{domain}/calls/{talked}{more}"),
        );
        assert_eq!(answer.status, 404, "{more}: {}", answer.body);
    }
    assert_eq!(ask(tandem, "Bearer tandem_x", "/calls").status, 401);

    let password = "long enough";
    let made = tandem
        .cli(&[
            "account",
            "add",
            "ben",
            "--role",
            "user",
            "--user",
            "302",
            "--domain",
            domain,
            "--password",
            password,
        ])
        .unwrap();
    assert_eq!(made.code, Some(0), "{made:?}");
    let login = json!({ "login": format!("ben@{domain}"), "password": password }).to_string();
    let session = request(tandem.web(), "POST", "/api/v1/session", &[], &login).unwrap();
    assert_eq!(session.status, 200, "{}", session.body);
    let cookie = session.header("set-cookie")[0].split(';').next().unwrap();
    let own = |path: &str| {
        let path = format!("/api/v1{path}");
        request(tandem.web(), "GET", &path, &[("Cookie", cookie)], "").unwrap()
    };
    assert_eq!(ids(&body(&own("/calls"))), [talked]);
    assert_eq!(own("/calls?user=302").status, 200);
    assert_eq!(own("/calls?user=301").status, 403);
    assert_eq!(own(&format!("/calls/{talked}")).status, 200);
    assert_eq!(own(&format!("/calls/{menu}")).status, 404);
    for path in ["/calls/active", "/events", "/status"] {
        assert_eq!(own(path).status, 403, "{path}");
    }
    for more in ["steps", "messages"] {
        assert_eq!(own(&format!("/calls/{talked}/{more}")).status, 403, "{more}");
    }
}

/// Reads an export as a program of somebody else's does.
const READ_CSV: &str = "
import csv, json, sys
rows = list(csv.DictReader(sys.stdin, strict=True))
print(json.dumps(rows))
";

#[test]
fn an_export_is_read_by_a_spreadsheet_and_runs_nothing() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    let ours = token(&tandem, &domain);
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    for dialled in ["=1+1", "+4930555", "5,\"5"] {
        let escaped = dialled
            .replace('"', "%22")
            .replace(',', "%2C")
            .replace('=', "%3D");
        refusal(&a, &format!("sip:{escaped}@{domain}"), SOON).unwrap();
        calls::call_to(&tandem, dialled).unwrap();
    }
    let answer = ask(&tandem, &ours, "/calls.csv?user=301");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.header("content-type"),
        ["text/csv; charset=utf-8; header=present"]
    );
    let mut python = Command::new("python3")
        .args(["-c", READ_CSV])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, answer.body.as_bytes()).unwrap();
    drop(input);
    let rows = python.wait_with_output().unwrap().stdout;
    let rows: Value = serde_json::from_slice(&rows).unwrap();
    let dialled: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["to_number"].as_str().unwrap())
        .collect();
    assert_eq!(dialled, ["5,\"5", "+4930555", "'=1+1"]);
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["sip_status"] == "404"),
        "{rows}"
    );
    let one = ask(&tandem, &ours, "/calls.csv?limit=1");
    assert_eq!(one.body.lines().count(), 2, "{}", one.body);
}

/// Reads a stream of events, and writes each line down as it comes.
const FOLLOW: &str = "
import http.client, sys
address, path, bearer, out = sys.argv[1:]
connection = http.client.HTTPConnection(address, timeout=60)
connection.request('GET', path, headers={'Authorization': bearer})
answer = connection.getresponse()
with open(out, 'w', buffering=1) as told:
    print(answer.status, answer.getheader('content-type'), file=told)
    for line in answer:
        print(line.decode().rstrip('\\n'), file=told)
";

/// A reader of events, ended when it is dropped.
struct Follower {
    child: Child,
    out: PathBuf,
}

impl Follower {
    fn start(tandem: &Tandem, bearer: &str, out: &Path) -> Self {
        let child = Command::new("python3")
            .args(["-c", FOLLOW, &tandem.web().to_string(), "/api/v1/events", bearer])
            .arg(out)
            .stderr(File::create(out.with_extension("errors")).unwrap())
            .spawn()
            .unwrap();
        let follower = Self {
            child,
            out: out.to_owned(),
        };
        // The first comment says that it is heard.
        wait::until(SOON, "the stream", || {
            follower.text().contains("\n:\n").then_some(())
        })
        .unwrap();
        follower
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// The data of events of this name so far.
    fn events(&self, name: &str) -> Vec<Value> {
        let text = self.text();
        let mut lines = text.lines();
        let mut events = Vec::new();
        while let Some(line) = lines.next() {
            if line == format!("event: {name}")
                && let Some(data) = lines.next().and_then(|line| line.strip_prefix("data: "))
                && let Ok(data) = serde_json::from_str(data)
            {
                events.push(data);
            }
        }
        events
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    add_domain(&tandem, OTHER, &[]).unwrap();
    let (ours, theirs) = (token(&tandem, &domain), token(&tandem, OTHER));
    offer_file(&tandem, &domain, "panics", "rust-panics", "701", "{}").unwrap();
    let folder = Folder::new("events").unwrap();
    let follower = Follower::start(&tandem, &ours, &folder.path().join("ours"));
    let foreigner = Follower::start(&tandem, &theirs, &folder.path().join("theirs"));
    assert!(
        follower.text().starts_with("200 text/event-stream"),
        "{}",
        follower.text()
    );

    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = phone(&tandem, "302").unwrap().start().unwrap();
    b.wait_registered(SOON).unwrap();
    let registrations = wait::until(SOON, "two registrations", || {
        let told = follower.events("registration");
        (told.len() >= 2).then_some(told)
    })
    .unwrap();
    assert_eq!(registrations[0]["user"], "301");
    assert_eq!(registrations[0]["what"], "added");
    let contact = registrations[0]["contact"].as_str().unwrap();
    assert!(contact.contains(&a.sip_addr().to_string()), "{contact}");

    // In progress: in the list, and at its step.
    a.dial(&tandem.demo().menu).unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    let active = wait::until(SOON, "the call at a step", || {
        let active = body(&ask(&tandem, &ours, "/calls/active"))["items"].clone();
        active[0]["node"].is_string().then_some(active)
    })
    .unwrap();
    assert_eq!(
        (&active[0]["caller"], &active[0]["dialled"]),
        (&json!("301"), &json!(tandem.demo().menu))
    );
    assert!(
        active[0]["answered_at"].is_string() && active[0]["scenario"] == "flow",
        "{active}"
    );
    assert!(ids(&body(&ask(&tandem, &theirs, "/calls/active"))).is_empty());
    let status = body(&ask(&tandem, &ours, "/status"));
    assert_eq!(
        (&status["calls_active"], &status["registrations"]),
        (&json!(1), &json!(2)),
        "{status}"
    );
    let status = body(&ask(&tandem, &theirs, "/status"));
    assert_eq!(
        (&status["calls_active"], &status["registrations"]),
        (&json!(0), &json!(0)),
        "{status}"
    );
    a.hangup().unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();

    let told = wait::until(SOON, "the call's end", || {
        let told = follower.events("call");
        (told.len() >= 3).then_some(told)
    })
    .unwrap();
    let states: Vec<_> = told
        .iter()
        .map(|event| event["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["started", "answered", "ended"]);
    assert!(
        told.iter().all(|event| event["id"] == active[0]["id"]),
        "{told:?}"
    );
    let status = body(&ask(&tandem, &ours, "/status"));
    let minutes = status["calls_per_minute"].as_array().unwrap();
    assert_eq!(
        (minutes.len(), &status["answered_share"]),
        (60, &json!(1.0)),
        "{status}"
    );
    assert_eq!(
        minutes.iter().filter_map(Value::as_u64).sum::<u64>(),
        1,
        "{status}"
    );

    // What scenarios log.
    a.dial("701").unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    wait::until(SOON, "a line of the log", || {
        let told = follower.events("log");
        told.iter()
            .any(|event| event["level"] == "error" && event["scenario"] == "rust-panics")
            .then_some(())
    })
    .unwrap();

    // As many as may look on; who has no right any more, does no longer.
    let more: Vec<_> = (0..7)
        .map(|number| Follower::start(&tandem, &ours, &folder.path().join(format!("more-{number}"))))
        .collect();
    assert_eq!(ask(&tandem, &ours, "/events").status, 429);
    drop(more);
    let removed = tandem
        .cli(&["token", "remove", "reader", "--domain", &domain])
        .unwrap();
    assert_eq!(removed.code, Some(0), "{removed:?}");
    wait::until(SOON * 3, "the end of the stream", || {
        (!follower.events("dropped").is_empty()).then_some(())
    })
    .unwrap();
    devices_are_told_to_whom_they_belong(&tandem, &domain, &a);
    for name in ["call", "registration", "log"] {
        assert!(foreigner.events(name).is_empty(), "{}", foreigner.text());
    }
}

/// A user sees himself, his phone and his voicemail box, and nothing of others; a supervisor sees, and changes nothing.
fn devices_are_told_to_whom_they_belong(tandem: &Tandem, domain: &str, phone: &Baresip) {
    let ute = Person::new(tandem, domain, "ute", &["--role", "user", "--user", "301"]);
    let sven = Person::new(tandem, domain, "sven", &["--role", "supervisor"]);
    let eve = Person::new(tandem, OTHER, "eve", &["--role", "administrator"]);
    for who in [&ute, &sven] {
        let devices = body(&who.get("/users/301/registrations"));
        let device = &devices["items"][0];
        assert_eq!(device["received_from"], phone.sip_addr().to_string(), "{devices}");
        assert_eq!(
            (&device["transport"], &device["reachable"]),
            (&json!("UDP"), &json!(true)),
            "{devices}"
        );
        assert!(
            device["user_agent"].as_str().unwrap().contains("baresip"),
            "{devices}"
        );
        assert_eq!(devices["items"].as_array().unwrap().len(), 1, "{devices}");
        assert_eq!(body(&who.get("/users/301"))["name"], "301");
        assert_eq!(who.get("/voicemail/301").status, 200);
    }
    let boxes = body(&ute.get("/voicemail"));
    let names: Vec<_> = boxes["boxes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, [&json!("301")]);
    let (state, nothing) = (json!({ "state": "saved" }), Value::Null);
    for (method, path, sent, users, supervisors) in [
        ("GET", "/users/302", &nothing, 403, 200),
        ("GET", "/users/302/registrations", &nothing, 403, 200),
        ("POST", "/users/302/password", &json!({}), 403, 403),
        ("POST", "/users/301/password", &json!({}), 200, 403),
        ("GET", "/voicemail/302", &nothing, 403, 200),
        ("GET", "/voicemail/302/1", &nothing, 403, 404),
        ("GET", "/voicemail/301/1", &nothing, 404, 404),
        ("PATCH", "/voicemail/302/1", &state, 403, 403),
        ("PATCH", "/voicemail/301/1", &state, 404, 403),
        ("DELETE", "/voicemail/302/1", &nothing, 403, 403),
        ("DELETE", "/voicemail/301/1", &nothing, 404, 403),
        ("GET", "/samples", &nothing, 403, 200),
        ("GET", "/users", &nothing, 403, 200),
    ] {
        assert_eq!(
            ute.ask(method, path, sent).status,
            users,
            "a user: {method} {path}"
        );
        assert_eq!(
            sven.ask(method, path, sent).status,
            supervisors,
            "a supervisor: {method} {path}"
        );
        let path = format!("/domains/{domain}{path}");
        assert_eq!(
            eve.ask(method, &path, sent).status,
            404,
            "another domain: {method} {path}"
        );
    }
    // Who is somebody else from now on has to log in again.
    let sue = Person::new(tandem, domain, "sue", &["--role", "administrator"]);
    let path = format!("/accounts/ute@{domain}");
    assert_eq!(
        sue.ask("PATCH", &path, &json!({ "role": "user", "user": "399" }))
            .status,
        422
    );
    assert_eq!(sue.ask("PATCH", &path, &json!({ "user": "302" })).status, 200);
    assert_eq!(ute.get("/users/301").status, 401);
    let own = format!("/accounts/sue@{domain}");
    assert_eq!(
        sue.ask("PATCH", &own, &json!({ "role": "supervisor" })).status,
        409
    );
    let found = body(&sue.get("/audit?who=sue&what=ute&action=change"));
    assert_eq!(found["items"][0]["after"]["user"], "302", "{found}");
    assert_eq!(body(&sue.get("/audit?who=nobody"))["items"], json!([]));
    let points = body(&sue.get("/samples"));
    assert_eq!(
        (&points["step_s"], points["items"].as_array().unwrap().len() >= 60),
        (&json!(60), true),
        "{points}"
    );
    assert_eq!(sue.get("/samples?step=90").status, 422);
}
