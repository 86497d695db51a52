//! People log in to the HTTP API: what each role may, what nobody may of another domain, and that a user who was made
//! there has a phone that registers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs;

use serde_json::{Value, json};
use tandem_kit::baresip::Baresip;
use tandem_kit::tandem::Tandem;
use tandem_tests::phones::SOON;
use tandem_tests::web::{self, Answer};

const PASSWORD: &str = "long enough";

/// A browser with somebody's session; without one, nobody's.
struct Browser<'a> {
    tandem: &'a Tandem,
    cookie: String,
    csrf: String,
}

impl<'a> Browser<'a> {
    fn nobody(tandem: &'a Tandem) -> Self {
        let (cookie, csrf) = (String::new(), String::new());
        Self { tandem, cookie, csrf }
    }

    fn log_in(tandem: &'a Tandem, login: &str, password: &str) -> Self {
        let mut browser = Self::nobody(tandem);
        let answer = browser.ask(
            "POST",
            "/session",
            &json!({ "login": login, "password": password }),
        );
        assert_eq!(answer.status, 200, "{login}: {}", answer.body);
        let cookie = answer.header("set-cookie")[0];
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().clone_into(&mut browser.cookie);
        browser.csrf = text(&body(&answer)["csrf"]);
        browser
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_with(method, path, body, &[])
    }

    fn ask_with(&self, method: &str, path: &str, body: &Value, more: &[(&str, &str)]) -> Answer {
        let mut headers = more.to_vec();
        if !self.cookie.is_empty() {
            headers.push(("Cookie", &self.cookie));
        }
        if !self.csrf.is_empty() {
            headers.push(("X-CSRF-Token", &self.csrf));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let path = format!("/api/v1{path}");
        web::request(self.tandem.web(), method, &path, &headers, &body).unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }

    /// Makes an account and logs in with it.
    fn make(&self, domain: &str, login: &str, role: &str, user: Option<&str>) -> Browser<'a> {
        let account = json!({ "login": login, "role": role, "user": user, "password": PASSWORD });
        let made = self.ask("POST", &format!("/domains/{domain}/accounts"), &account);
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(!made.body.contains("argon2"), "{}", made.body);
        Browser::log_in(self.tandem, &text(&body(&made)["login"]), PASSWORD)
    }
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Whoever administers the system, with the password of the first start.
fn system(tandem: &Tandem) -> Browser<'_> {
    let demo: Value =
        serde_json::from_str(&fs::read_to_string(tandem.data().join("demo.json")).unwrap()).unwrap();
    Browser::log_in(
        tandem,
        &text(&demo["admin"]["name"]),
        &text(&demo["admin"]["password"]),
    )
}

#[test]
fn a_domain_and_its_user_are_made_and_the_users_phone_registers() {
    let tandem = Tandem::builder().start().unwrap();
    let system = system(&tandem);
    let refused = system.ask("POST", "/domains", &json!({ "name": "no spaces" }));
    assert_eq!(
        (refused.status, &body(&refused)["errors"][0]["pointer"]),
        (422, &json!("/name")),
        "{}",
        refused.body
    );
    let made = system.ask(
        "POST",
        "/domains",
        &json!({ "name": "office.example", "time_zone": "UTC" }),
    );
    assert_eq!(made.status, 201, "{}", made.body);
    let anna = system.make("office.example", "Anna", "administrator", None);

    // A person of the domain need not name it.
    let new = json!({ "name": "501", "display_name": "<b>Eva</b>", "numbers": ["4930501"] });
    let made = anna.ask("POST", "/users", &new);
    assert_eq!(made.status, 201, "{}", made.body);
    let sip = body(&made)["sip"].clone();
    let phone = Baresip::builder(
        "501",
        &text(&sip["domain"]),
        &text(&sip["password"]),
        tandem.sip(),
    );
    phone.start().unwrap().wait_registered(SOON).unwrap();

    // Nobody overwrites what he has not seen.
    let path = "/domains/office.example/users/501";
    let read = anna.get(path);
    assert_eq!(body(&read)["display_name"], "<b>Eva</b>");
    let tag = read.header("etag")[0];
    let change = json!({ "display_name": "Eva", "numbers": ["4930501", "4930502"] });
    assert_eq!(anna.ask("PATCH", path, &change).status, 428);
    let changed = anna.ask_with("PATCH", path, &change, &[("If-Match", tag)]);
    assert_eq!(
        (changed.status, &body(&changed)["numbers"][1]),
        (200, &json!("4930502")),
        "{}",
        changed.body
    );
    let late = anna.ask_with(
        "PATCH",
        path,
        &json!({ "display_name": "Ewa" }),
        &[("If-Match", tag)],
    );
    assert_eq!(late.status, 412, "{}", late.body);
    for (words, found) in [("ev", 1), ("0502", 1), ("50", 1), ("%", 0), ("eva%", 0)] {
        let page = body(&anna.get(&format!("/users?q={}", words.replace('%', "%25"))));
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{words}: {page}");
    }

    let log = body(&anna.get("/audit"));
    let newest = &log["items"][0];
    assert_eq!(
        (&newest["who"], &newest["what"]),
        (&json!("anna@office.example"), &json!("user 501")),
        "{log}"
    );
    assert_eq!(
        (
            &newest["before"]["display_name"],
            &newest["after"]["display_name"]
        ),
        (&json!("<b>Eva</b>"), &json!("Eva"))
    );
    assert!(!log.to_string().contains(&text(&sip["password"])), "{log}");
}

/// Every route that a domain has, and a body that it takes where it takes one.
const ROUTES: [(&str, &str); 25] = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("GET", "/users"),
    ("POST", "/users"),
    ("GET", "/users/301"),
    ("PATCH", "/users/301"),
    ("DELETE", "/users/301"),
    ("POST", "/users/301/password"),
    ("GET", "/accounts"),
    ("POST", "/accounts"),
    ("PATCH", "/accounts/anna@demo.local"),
    ("DELETE", "/accounts/anna@demo.local"),
    ("GET", "/audit"),
    ("GET", "/scenarios"),
    ("GET", "/scenarios/flow/versions"),
    ("POST", "/scenarios/flow/versions"),
    ("GET", "/limits"),
    ("GET", "/grants"),
    ("GET", "/logs"),
    ("POST", "/calls/x/replay"),
    ("GET", "/usage"),
    ("GET", "/voicemail"),
    ("GET", "/numbers"),
    ("PUT", "/numbers/100/activation"),
];

/// What a supervisor may.
const SEES: [&str; 8] = [
    "/users",
    "/users/301",
    "/scenarios",
    "/scenarios/flow/versions",
    "/limits",
    "/grants",
    "/logs",
    "/usage",
];

#[test]
fn every_route_is_closed_to_those_it_is_not_for() {
    let tandem = Tandem::builder().start().unwrap();
    let system = system(&tandem);
    assert_eq!(
        system
            .ask("POST", "/domains", &json!({ "name": "theirs.example" }))
            .status,
        201
    );
    let foreigner = system.make("theirs.example", "eve", "administrator", None);
    let supervisor = system.make("demo.local", "sven", "supervisor", None);
    let user = system.make("demo.local", "ute", "user", Some("301"));
    system.make("demo.local", "anna", "administrator", None);
    let before = body(&system.get("/domains/demo.local/users"));

    let empty = json!({});
    for (method, route) in ROUTES {
        let path = format!("/domains/demo.local{route}");
        let status = |who: &Browser<'_>| who.ask_with(method, &path, &empty, &[("If-Match", "*")]).status;
        assert_eq!(status(&Browser::nobody(&tandem)), 401, "nobody: {method} {path}");
        assert_eq!(
            status(&foreigner),
            404,
            "another domain's administrator: {method} {path}"
        );
        assert_eq!(status(&user), 403, "a user: {method} {path}");
        let sees = method == "GET" && (SEES.contains(&route) || matches!(route, "/voicemail" | "/numbers"));
        let supervisors = status(&supervisor);
        if sees {
            assert_eq!(supervisors, 200, "a supervisor: {method} {path}");
        } else if route != "/calls/x/replay" {
            assert_eq!(supervisors, 403, "a supervisor: {method} {path}");
        }
    }
    assert_eq!(body(&system.get("/domains/demo.local/users")), before);
    for route in ["/accounts", "/audit"] {
        assert_eq!(system.get(route).status, 200, "{route}");
        let own = body(&foreigner.get(route)).to_string();
        assert!(!own.contains("demo.local"), "{route}: {own}");
    }
    for (method, path) in [("POST", "/domains"), ("DELETE", "/domains/theirs.example")] {
        let tried = foreigner.ask_with(
            method,
            path,
            &json!({ "name": "third.example" }),
            &[("If-Match", "*")],
        );
        assert_eq!(tried.status, 403, "{method} {path}");
    }
    let listed = body(&foreigner.get("/domains"));
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn a_session_is_shown_with_its_token_and_ends() {
    let tandem = Tandem::builder().start().unwrap();
    let system = system(&tandem);
    let ben = system.make("demo.local", "ben", "administrator", None);

    // A page of another site has the cookie at most.
    let forged = Browser {
        csrf: String::new(),
        cookie: ben.cookie.clone(),
        tandem: &tandem,
    };
    assert_eq!(forged.get("/session").status, 200);
    assert_eq!(forged.ask("POST", "/users", &json!({ "name": "9" })).status, 403);

    // A new password ends all sessions.
    let other = Browser::log_in(&tandem, "BEN@demo.local", PASSWORD);
    let wrong = ben.ask(
        "PUT",
        "/session/password",
        &json!({ "old": "not it at all", "new": "another one" }),
    );
    assert_eq!(
        (wrong.status, &body(&wrong)["errors"][0]["pointer"]),
        (422, &json!("/old")),
        "{}",
        wrong.body
    );
    let short = ben.ask(
        "PUT",
        "/session/password",
        &json!({ "old": PASSWORD, "new": "short" }),
    );
    assert_eq!(
        &body(&short)["errors"][0]["pointer"],
        &json!("/new"),
        "{}",
        short.body
    );
    let set = ben.ask(
        "PUT",
        "/session/password",
        &json!({ "old": PASSWORD, "new": "another one" }),
    );
    assert_eq!(set.status, 204, "{}", set.body);
    assert_eq!(other.get("/session").status, 401);
    let ben = Browser::log_in(&tandem, "ben@demo.local", "another one");
    assert_eq!(ben.ask("DELETE", "/session", &Value::Null).status, 204);
    assert_eq!(ben.get("/session").status, 401);

    // Who is blocked is out at once. Nobody blocks himself.
    let carl = system.make("demo.local", "carl", "administrator", None);
    let path = "/domains/demo.local/accounts/carl@demo.local";
    assert_eq!(carl.ask("PATCH", path, &json!({ "blocked": true })).status, 409);
    assert_eq!(system.ask("PATCH", path, &json!({ "blocked": true })).status, 200);
    assert_eq!(carl.get("/session").status, 401);

    // Guessing ends soon, also with the right password, and says when to come back.
    let nobody = Browser::nobody(&tandem);
    let tried = |password: &str| {
        nobody.ask(
            "POST",
            "/session",
            &json!({ "login": "admin", "password": password }),
        )
    };
    let refused = (0..20)
        .map(|_| tried("a wrong password"))
        .find(|answer| answer.status != 401)
        .unwrap();
    assert_eq!(
        (refused.status, refused.header("retry-after").len()),
        (429, 1),
        "{}",
        refused.body
    );
}
