//! The walk over every route, as the API's own document has them: with every role, with a token of each scope, with
//! nobody's, and with what another domain has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tandem_kit::baresip::Transport;
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::wait;
use tandem_tests::phones::{SOON, registered};
use tandem_tests::web::{self, Request};

use crate::browser::{Browser, body, system, text};

/// The domain whose things nobody else sees, and the one whose people try to.
const THEIRS: &str = "demo.local";
const OURS: &str = "ours.example";

/// Who reads and who changes what is under a path: a scope, for roles too, or `system`, `people`.
const RIGHTS: [(&str, &str, &str); 25] = [
    ("", "domain:read", "domain:write"),
    // Whoever has the file can register as any of its users.
    ("export", "domain:write", ""),
    ("accounts", "domain:read", "domain:write"),
    ("audit", "domain:read", ""),
    ("tokens", "domain:read", "domain:write"),
    ("users", "users:read", "users:write"),
    ("voicemail", "voicemail:read", "voicemail:write"),
    ("calls", "calls:read", "calls:read"),
    ("calls.csv", "calls:read", ""),
    ("logs", "calls:read", ""),
    ("usage", "calls:read", ""),
    ("samples", "calls:read", ""),
    ("status", "calls:read", ""),
    ("events", "calls:read", ""),
    ("scenarios", "scenarios:read", "scenarios:write"),
    ("numbers", "scenarios:read", "scenarios:write"),
    ("lines", "", "scenarios:read"),
    ("flows", "scenarios:read", "scenarios:write"),
    ("schedules", "scenarios:read", "scenarios:write"),
    ("prompts", "scenarios:read", "scenarios:write"),
    ("music", "scenarios:read", "scenarios:write"),
    ("limits", "scenarios:read", ""),
    ("grants", "scenarios:read", ""),
    ("domains", "domain:read", "system"),
    ("session", "people", "people"),
];

/// What does not go by its path.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("DELETE /domains/{domain}", "system"),
    ("POST /domains/{domain}/flows/check", "scenarios:read"),
    ("POST /session", "nobody"),
];

/// What a supervisor may.
const SUPERVISOR: [&str; 4] = ["users:read", "voicemail:read", "calls:read", "scenarios:read"];
/// What people of the role `user` may: what there is of their own.
const USER: [&str; 4] = [
    "GET /domains/{domain}/calls",
    "GET /domains/{domain}/calls.csv",
    "GET /domains/{domain}/calls/{id}",
    "GET /domains/{domain}/voicemail",
];
/// What a domain has one of, and [`OURS`] none.
const NONE: [&str; 1] = ["/domains/{domain}/music"];
/// It would end the walker's own session.
const NOT_WALKED: [&str; 1] = ["DELETE /session"];

/// The names in paths, as they are in [`THEIRS`].
fn names(call: &str, version: &str) -> BTreeMap<&'static str, String> {
    [
        ("accounts/{login}", "anna@demo.local"),
        ("users/{name}", "301"),
        ("numbers/{number}", "100"),
        ("scenarios/{name}", "flow"),
        ("versions/{hash}", version),
        ("schedules/{name}", "office"),
        ("prompts/{name}", "hello"),
        ("tokens/{name}", "ci"),
        ("flows/{name}", "desk"),
        ("calls/{id}", call),
        ("voicemail/{box}", "301"),
        ("{box}/{id}", "1"),
    ]
    .map(|(place, name)| (place, name.to_owned()))
    .into()
}

/// Somebody, or a program.
struct Walker {
    name: String,
    is: Is,
    headers: Vec<(String, String)>,
}

enum Is {
    Nobody,
    /// Of a role.
    Person(&'static str),
    /// With a scope.
    Program(String),
}

impl Walker {
    fn person(role: &'static str, browser: &Browser<'_>) -> Self {
        Self {
            name: role.to_owned(),
            is: Is::Person(role),
            headers: vec![
                ("Cookie".to_owned(), browser.cookie.clone()),
                ("X-CSRF-Token".to_owned(), browser.csrf.clone()),
            ],
        }
    }

    fn may(&self, operation: &str, right: &str) -> bool {
        match &self.is {
            _ if right == "nobody" => true,
            Is::Nobody => false,
            Is::Program(scope) => scope == right,
            Is::Person(_) if right == "people" => true,
            Is::Person("system") => true,
            Is::Person("administrator") => right != "system",
            Is::Person("supervisor") => SUPERVISOR.contains(&right),
            Is::Person(_) => USER.contains(&operation),
        }
    }

    fn asks(&self, method: &str, path: String, more: &[(&str, &str)]) -> Request {
        let mut headers = self.headers.clone();
        headers.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Request {
            method: method.to_owned(),
            path: format!("/api/v1{path}"),
            headers,
            body: if method == "GET" { "" } else { "{}" }.to_owned(),
        }
    }
}

/// What the document has: methods with their paths. Reading comes first, for what is made must not be found.
fn operations(document: &Value) -> Vec<(String, String)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            operations.push((method.to_ascii_uppercase(), path.clone()));
        }
    }
    operations.retain(|(method, path)| !NOT_WALKED.contains(&format!("{method} {path}").as_str()));
    operations.sort_by_key(|(method, _)| method != "GET");
    operations
}

/// Who may do this.
fn right(method: &str, path: &str) -> &'static str {
    let operation = format!("{method} {path}");
    let exception = EXCEPTIONS.iter().find(|(named, _)| *named == operation);
    if let Some((_, right)) = exception {
        return right;
    }
    let place = path.strip_prefix("/domains/{domain}").unwrap_or(path);
    let place = place.trim_start_matches('/').split('/').next().unwrap();
    let (_, reads, changes) = RIGHTS
        .iter()
        .find(|(named, _, _)| *named == place)
        .unwrap_or_else(|| panic!("say who may {operation}"));
    let right = if method == "GET" { reads } else { changes };
    assert!(!right.is_empty(), "say who may {operation}");
    right
}

/// The path with names for its holes.
fn filled(path: &str, domain: &str, names: &BTreeMap<&'static str, String>) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut before = "";
    for part in path.split('/') {
        let place = format!("{before}/{part}");
        parts.push(match part {
            "{domain}" => domain.to_owned(),
            _ if part.starts_with('{') => names
                .get(place.as_str())
                .unwrap_or_else(|| panic!("name a {place} for {path}"))
                .clone(),
            _ => part.to_owned(),
        });
        before = part;
    }
    parts.join("/")
}

#[test]
fn every_route_is_closed_to_those_it_is_not_for() {
    let tandem = Tandem::builder().start().unwrap();
    let system = system(&tandem);
    let names = furnish(&tandem, &system);
    let walkers = walkers(&tandem, &system);
    let document = body(&system.get("/openapi.json"));
    let operations = operations(&document);
    assert!(operations.len() >= 79, "{}", operations.len());

    let before = all_of_theirs(&system);
    theirs_is_seen_by_nobody(&tandem, &walkers, &operations, &names);
    ours_is_open_to_those_it_is_for(&tandem, &walkers, &operations, &names);
    assert_eq!(all_of_theirs(&system), before);

    let own = walkers
        .iter()
        .find(|walker| walker.name == "administrator")
        .unwrap();
    let seen = ["/accounts", "/audit", "/domains"].map(|path| own.asks("GET", path.to_owned(), &[]));
    for (status, seen) in web::request_all(tandem.web(), &seen).unwrap() {
        assert_eq!(status, 200, "{seen}");
        assert!(!seen.contains(THEIRS), "{seen}");
    }
}

/// Something of everything, in [`THEIRS`]. Its names.
pub(crate) fn furnish(tandem: &Tandem, system: &Browser<'_>) -> BTreeMap<&'static str, String> {
    let phone = registered(tandem, "301", Transport::Udp).unwrap();
    phone.dial("100").unwrap();
    phone.wait_for(&EventKind::Established, SOON).unwrap();
    phone.hangup().unwrap();
    phone.wait_for(&EventKind::Closed, SOON).unwrap();
    system.make(THEIRS, "anna", "administrator", None);
    let flow = json!({ "version": 1, "name": "Desk", "start": "end",
        "nodes": [{ "id": "end", "name": "End", "do": { "hang_up": {} } }] });
    for (method, path, is) in [
        (
            "PUT",
            "/schedules/office",
            json!({ "week": { "mon": ["09:00-17:00"] } }),
        ),
        ("POST", "/prompts/hello/speak", json!({ "text": "Hello." })),
        (
            "POST",
            "/prompts/music-on-hold/speak",
            json!({ "text": "La la." }),
        ),
        ("PUT", "/flows/desk", json!({ "flow": flow })),
        (
            "POST",
            "/tokens",
            json!({ "name": "ci", "scopes": ["users:read"] }),
        ),
    ] {
        let made = system.ask(method, &format!("/domains/{THEIRS}{path}"), &is);
        assert_eq!(made.status, 201, "{path}: {}", made.body);
    }
    let version = body(&system.get(&format!("/domains/{THEIRS}/scenarios/flow/versions")));
    let call = wait::until(SOON, "the call", || {
        let calls = body(&system.get(&format!("/domains/{THEIRS}/calls")));
        calls["items"][0]["id"].as_str().map(str::to_owned)
    });
    names(&call.unwrap(), &text(&version["versions"][0]["hash"]))
}

/// Nobody, the system's administrator, and of [`OURS`], which has nothing: each role, and a token of each scope.
fn walkers(tandem: &Tandem, system: &Browser<'_>) -> Vec<Walker> {
    let made = system.ask("POST", "/domains", &json!({ "name": OURS, "empty": true }));
    assert_eq!(made.status, 201, "{}", made.body);
    let made = system.ask(
        "POST",
        &format!("/domains/{OURS}/users"),
        &json!({ "name": "901" }),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    let mut walkers = vec![
        Walker {
            name: "nobody".to_owned(),
            is: Is::Nobody,
            headers: Vec::new(),
        },
        Walker::person("system", system),
        Walker::person("administrator", &system.make(OURS, "eve", "administrator", None)),
        Walker::person("supervisor", &system.make(OURS, "sven", "supervisor", None)),
        Walker::person("user", &system.make(OURS, "ute", "user", Some("901"))),
    ];
    let scopes: BTreeSet<&str> = RIGHTS
        .iter()
        .flat_map(|(_, reads, changes)| [*reads, *changes])
        .filter(|right| right.contains(':'))
        .collect();
    for scope in scopes {
        let name = scope.replace(':', "-");
        let told = tandem
            .json(&["token", "add", &name, "--domain", OURS, "--scopes", scope])
            .unwrap();
        walkers.push(Walker {
            name: format!("a token for {scope}"),
            is: Is::Program(scope.to_owned()),
            headers: vec![(
                "Authorization".to_owned(),
                format!("Bearer {}", text(&told["token"])),
            )],
        });
    }
    walkers
}

/// What the system's administrator sees of [`THEIRS`].
fn all_of_theirs(system: &Browser<'_>) -> Vec<Value> {
    let parts = [
        "",
        "/users",
        "/numbers",
        "/schedules",
        "/prompts",
        "/flows",
        "/tokens",
        "/accounts",
        "/audit",
        "/scenarios",
    ];
    let all = parts.map(|part| body(&system.get(&format!("/domains/{THEIRS}{part}"))));
    all.to_vec()
}

/// By what is there, in the name of its domain: it is not there for anybody of another, whoever asks.
fn theirs_is_seen_by_nobody(
    tandem: &Tandem,
    walkers: &[Walker],
    operations: &[(String, String)],
    names: &BTreeMap<&'static str, String>,
) {
    let strangers = walkers.iter().filter(|walker| walker.name != "system");
    let of_domain = operations.iter().filter(|(_, path)| path.contains("{domain}"));
    let trials: Vec<(&Walker, Request)> = of_domain
        .flat_map(|(method, path)| {
            let path = filled(path, THEIRS, names);
            let asks = move |walker: &Walker| walker.asks(method, path.clone(), &[("If-Match", "*")]);
            strangers.clone().map(move |walker| (walker, asks(walker)))
        })
        .collect();
    let asked: Vec<Request> = trials.iter().map(|(_, request)| request.clone()).collect();
    let answers = web::request_all(tandem.web(), &asked).unwrap();
    for ((walker, request), (status, said)) in trials.iter().zip(answers) {
        let wanted = if matches!(walker.is, Is::Nobody) { 401 } else { 404 };
        let (method, path) = (&request.method, &request.path);
        assert_eq!(status, wanted, "{}: {method} {path}: {said}", walker.name);
    }
}

/// In one's own domain, by the names that things have in another: who may, is told that they are not there; who may not,
/// that he may not.
fn ours_is_open_to_those_it_is_for(
    tandem: &Tandem,
    walkers: &[Walker],
    operations: &[(String, String)],
    names: &BTreeMap<&'static str, String>,
) {
    let trials: Vec<(&Walker, &str, &str, Request)> = operations
        .iter()
        .flat_map(|(method, path)| {
            let there = filled(path, OURS, names);
            let asks = move |walker: &Walker| walker.asks(method, there.clone(), &[]);
            walkers
                .iter()
                .map(move |walker| (walker, method.as_str(), path.as_str(), asks(walker)))
        })
        .collect();
    let asked: Vec<Request> = trials.iter().map(|(.., request)| request.clone()).collect();
    let answers = web::request_all(tandem.web(), &asked).unwrap();
    for ((walker, method, path, _), (status, said)) in trials.iter().zip(answers) {
        let operation = format!("{method} {path}");
        let names_one = path.replace("{domain}", "").contains('{') || NONE.contains(path);
        let what = format!("{}: {operation}: {status} {said}", walker.name);
        match (&walker.is, walker.may(&operation, right(method, path))) {
            (_, true) if *method == "GET" && names_one => assert_eq!(status, 404, "{what}"),
            (_, true) if *method == "GET" => assert_eq!(status, 200, "{what}"),
            (_, true) => assert!(!matches!(status, 401 | 403 | 500..), "{what}"),
            (Is::Nobody, false) => assert_eq!(status, 401, "{what}"),
            (_, false) => assert_eq!(status, 403, "{what}"),
        }
    }
}
