//! People log in to the HTTP API: what each role may, what nobody may of another domain, and that a user who was made
//! there has a phone that registers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::tandem::Tandem;
use tandem_kit::{tone, wait};
use tandem_tests::modules;
use tandem_tests::phones::{SOON, registered};
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
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, path, body.as_bytes(), more)
    }

    fn send(&self, method: &str, path: &str, body: &[u8], more: &[(&str, &str)]) -> Answer {
        let mut headers = more.to_vec();
        if !self.cookie.is_empty() {
            headers.push(("Cookie", &self.cookie));
        }
        if !self.csrf.is_empty() {
            headers.push(("X-CSRF-Token", &self.csrf));
        }
        let path = format!("/api/v1{path}");
        web::request(self.tandem.web(), method, &path, &headers, body).unwrap()
    }

    /// Changes or removes what it has just read.
    fn edit(&self, method: &str, path: &str, body: &Value) -> Answer {
        let read = self.get(path);
        assert_eq!(read.status, 200, "{path}: {}", read.body);
        self.ask_with(method, path, body, &[("If-Match", read.header("etag")[0])])
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
    let (host, password) = (text(&sip["domain"]), text(&sip["password"]));
    let phone = || {
        Baresip::builder("501", &host, &password, tandem.sip())
            .start()
            .unwrap()
    };
    phone().wait_registered(SOON).unwrap();

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

    phones_of(&tandem, &anna, &password);
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

    file_of_users(&tandem, &anna);

    // A domain that was made has the stock scenarios; its limits are the system's affair.
    assert!(anna.get("/scenarios").body.contains("\"ring-group\""));
    let office = "/domains/office.example";
    let set = |who: &Browser<'_>, change: &Value| who.ask_with("PATCH", office, change, &[("If-Match", "*")]);
    let limits = json!({ "limits": { "kv-keys": 7 } });
    assert_eq!(set(&anna, &limits).status, 403);
    assert_eq!(body(&set(&system, &limits))["limits"]["kv-keys"], 7);
    for (limit, value) in [
        ("kv-keys", json!(-1)),
        ("none", json!(1)),
        ("instances", json!(1_u64 << 60)),
    ] {
        let refused = set(&system, &json!({ "limits": { limit: value } }));
        assert_eq!(refused.status, 422, "{limit}: {}", refused.body);
        assert!(refused.body.contains(limit), "{}", refused.body);
    }

    // Blocked, it is closed to its people and phones, and open again with all that it had.
    assert_eq!(set(&anna, &json!({ "blocked": true })).status, 403);
    assert_eq!(set(&system, &json!({ "blocked": true })).status, 200);
    assert_eq!(anna.get("/users").status, 403);
    let login = json!({ "login": "anna@office.example", "password": PASSWORD });
    assert_eq!(system.ask("POST", "/session", &login).status, 403);
    assert!(phone().wait_registered(Duration::from_secs(2)).is_err());
    assert_eq!(set(&system, &json!({ "blocked": false })).status, 200);
    assert_eq!(anna.get("/users").status, 200);
    phone().wait_registered(SOON).unwrap();
}

/// The phone of 501 is seen as it is registered.
fn phones_of(tandem: &Tandem, anna: &Browser<'_>, password: &str) {
    let phone = Baresip::builder("501", "office.example", password, tandem.sip())
        .start()
        .unwrap();
    phone.wait_registered(SOON).unwrap();
    let address = phone.sip_addr().to_string();
    let devices = body(&anna.get("/users/501/registrations"))["items"].clone();
    // Phones of before are registered until their time is over.
    let devices = devices.as_array().unwrap();
    let device = devices.iter().find(|device| device["received_from"] == address);
    let device = device.unwrap_or_else(|| panic!("{address} is not among {devices:?}"));
    assert!(text(&device["contact"]).contains(&address), "{device}");
    assert!(text(&device["user_agent"]).contains("baresip"), "{device}");
    assert_eq!(
        (&device["transport"], &device["reachable"]),
        (&json!("UDP"), &json!(true))
    );
    let listed = body(&anna.get("/users?q=501"))["items"][0].clone();
    assert_eq!(listed["registrations"], devices.len(), "{listed}");
    assert!(text(&device["expires_at"]).ends_with('Z'), "{device}");
    drop(phone);
    assert_eq!(anna.get("/users/nobody/registrations").status, 404);
}

/// Users as a spreadsheet of Central Europe writes them: a byte order mark, semicolons, quotes; Python's csv module does.
const MAKE_USERS: &str = "
import csv, sys
with open(sys.argv[1], 'w', encoding='utf-8-sig', newline='') as file:
    rows = csv.writer(file, delimiter=';', quoting=csv.QUOTE_ALL)
    rows.writerow(['Name', 'Display name', 'Numbers', 'Password'])
    for number in range(20000, 30000):
        rows.writerow([number, f'Ann; \"{number}\"', f'+49{number}', 'a secret of mine' if number == 29999 else ''])
";

/// Ten thousand users come in one file, or none of them does, and the last one's phone registers.
fn file_of_users(tandem: &Tandem, anna: &Browser<'_>) {
    let csv = [("Content-Type", "text/csv")];
    let wrong = "name,numbers\n501,\n601,4930501\n601,x\n";
    let looked_at = anna.send("POST", "/users/import?dry_run=true", wrong.as_bytes(), &csv);
    assert_eq!(looked_at.status, 200, "{}", looked_at.body);
    let told = |answer: &Answer| {
        let problems = body(answer)["problems"].clone();
        let each = |problem: &Value| format!("{} {} {}", problem["line"], problem["field"], problem["code"]);
        let told: Vec<_> = problems.as_array().unwrap().iter().map(each).collect();
        told.join(", ").replace('"', "")
    };
    let all = "2 name name-there, 3 numbers number-there, 4 name name-twice, 4 numbers bad-number";
    assert_eq!(told(&looked_at), all, "{}", looked_at.body);
    let refused = anna.send("POST", "/users/import", wrong.as_bytes(), &csv);
    assert_eq!(
        (refused.status, told(&refused).as_str()),
        (422, all),
        "{}",
        refused.body
    );
    assert_eq!(anna.get("/users/601").status, 404);
    let long = anna.send("POST", "/users/import", &vec![b'x'; (4 << 20) + 1], &csv);
    assert_eq!(long.status, 413, "{}", long.body);

    let file = tandem.folder().join("users.csv");
    python(MAKE_USERS, &[file.to_str().unwrap()]);
    let file = fs::read(&file).unwrap();
    let looked_at = body(&anna.send("POST", "/users/import?dry_run=true", &file, &csv));
    assert_eq!(
        (&looked_at["created"], &looked_at["problems"]),
        (&json!(10_000), &json!([])),
    );
    assert_eq!(anna.get("/users/20000").status, 404);
    let begun = Instant::now();
    let made = anna.send("POST", "/users/import", &file, &csv);
    let took = begun.elapsed();
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let made = body(&made);
    assert_eq!(made["created"], 10_000);
    let shown = body(&anna.get("/users/20000"));
    assert_eq!(
        (&shown["display_name"], &shown["numbers"]),
        (&json!("Ann; \"20000\""), &json!(["+4920000"]))
    );
    let newest = body(&anna.get("/audit"))["items"][0].clone();
    assert_eq!(newest["after"]["created"], 10_000, "{newest}");
    for (name, place) in [("20000", 0), ("29999", 9_999)] {
        let user = &made["users"][place];
        assert_eq!(user["name"], name);
        let password = text(&user["password"]);
        assert_eq!(password == "a secret of mine", name == "29999");
        assert!(!newest.to_string().contains(&password));
        let phone = Baresip::builder(name, "office.example", &password, tandem.sip());
        phone.start().unwrap().wait_registered(SOON).unwrap();
    }

    // A user may be called as the path is.
    let import = anna.send("POST", "/users/import", b"name\nimport\n", &csv);
    assert_eq!(import.status, 201, "{}", import.body);
    assert_eq!(
        anna.edit("PATCH", "/users/import", &json!({ "display_name": "I" }))
            .status,
        200
    );
    assert_eq!(anna.edit("DELETE", "/users/import", &Value::Null).status, 204);
}

/// Every route that a domain has, and a body that it takes where it takes one.
const ROUTES: [(&str, &str); 56] = [
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
    ("POST", "/numbers"),
    ("GET", "/numbers/100"),
    ("PATCH", "/numbers/100"),
    ("DELETE", "/numbers/100"),
    ("PUT", "/numbers/100/canary"),
    ("DELETE", "/numbers/100/canary"),
    ("POST", "/numbers/100/promote"),
    ("POST", "/numbers/100/rollback"),
    ("GET", "/numbers/100/history"),
    ("GET", "/schedules"),
    ("GET", "/schedules/office"),
    ("PUT", "/schedules/office"),
    ("DELETE", "/schedules/office"),
    ("GET", "/prompts"),
    ("GET", "/prompts/hello"),
    ("PUT", "/prompts/hello"),
    ("DELETE", "/prompts/hello"),
    ("POST", "/prompts/hello/speak"),
    ("GET", "/tokens"),
    ("POST", "/tokens"),
    ("DELETE", "/tokens/ci"),
    ("GET", "/flows"),
    ("PUT", "/flows/desk"),
    ("DELETE", "/flows/desk"),
    ("POST", "/flows/test"),
    ("POST", "/flows/desk/publish"),
    ("POST", "/users/import"),
    ("GET", "/users/301/registrations"),
    ("GET", "/music"),
    ("PUT", "/music"),
    ("DELETE", "/music"),
];

/// What a supervisor may.
const SEES: [&str; 19] = [
    "/users",
    "/users/301",
    "/scenarios",
    "/scenarios/flow/versions",
    "/limits",
    "/grants",
    "/logs",
    "/usage",
    "/voicemail",
    "/numbers",
    "/numbers/100",
    "/numbers/100/history",
    "/schedules",
    "/schedules/office",
    "/prompts",
    "/prompts/hello",
    "/flows",
    "/users/301/registrations",
    "/music",
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
    for (method, route, is) in [
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
    ] {
        let made = system.ask(method, &format!("/domains/demo.local{route}"), &is);
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let all = || {
        let parts = ["/users", "/numbers", "/schedules", "/prompts", "/tokens"];
        parts.map(|part| body(&system.get(&format!("/domains/demo.local{part}"))))
    };
    let before = all();

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
        let sees = method == "GET" && SEES.contains(&route);
        let supervisors = status(&supervisor);
        if sees {
            assert_eq!(supervisors, 200, "a supervisor: {method} {path}");
        } else if route != "/calls/x/replay" {
            assert_eq!(supervisors, 403, "a supervisor: {method} {path}");
        }
    }
    assert_eq!(all(), before);
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

/// What an authenticator app shows so many seconds from now (RFC 6238), as Python reckons.
fn code_of(secret: &str, later: u32) -> String {
    let program = "import base64, hashlib, hmac, struct, sys, time\n\
        secret = base64.b32decode(sys.argv[1] + '=' * (-len(sys.argv[1]) % 8))\n\
        step = struct.pack('>Q', int(time.time() + int(sys.argv[2])) // 30)\n\
        mac = hmac.new(secret, step, hashlib.sha1).digest()\n\
        at = mac[19] & 15\n\
        print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 10**6))";
    let output = Command::new("python3")
        .args(["-c", program, secret, &later.to_string()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
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

    // A second factor is asked for once it was shown to work; each of its codes is good once.
    let dora = system.make("demo.local", "dora", "administrator", None);
    let offer = body(&dora.ask("POST", "/session/totp", &Value::Null));
    let code = |later: u32| code_of(&text(&offer["secret"]), later);
    let wrong = dora.ask("PUT", "/session/totp", &json!({ "code": "123" }));
    assert_eq!(
        &body(&wrong)["errors"][0]["pointer"],
        &json!("/code"),
        "{}",
        wrong.body
    );
    let shown = dora.ask("PUT", "/session/totp", &json!({ "code": code(0) }));
    assert_eq!(shown.status, 204, "{}", shown.body);
    let login = |code: Value| {
        let login = json!({ "login": "dora@demo.local", "password": PASSWORD, "code": code });
        Browser::nobody(&tandem).ask("POST", "/session", &login)
    };
    for missing in [Value::Null, json!(code(0))] {
        let refused = login(missing);
        assert_eq!(
            (refused.status, &body(&refused)["code_needed"]),
            (401, &json!(true))
        );
    }
    assert_eq!(login(json!(code(30))).status, 200);
    let end = dora.ask("DELETE", "/session/totp", &json!({ "password": PASSWORD }));
    assert_eq!(end.status, 204, "{}", end.body);
    assert_eq!(login(Value::Null).status, 200);
    let speaks = dora.ask("PUT", "/session/preferences", &json!({ "language": "ru" }));
    assert_eq!(body(&speaks)["account"]["language"], "ru");
    assert_eq!(body(&dora.get("/session"))["account"]["language"], "ru");

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

/// Runs a program of Python's; what it prints.
fn python(program: &str, arguments: &[&str]) -> String {
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
        let long = |span: &tone::Span| span.length() >= Duration::from_secs(1);
        spans.iter().any(long).then_some(())
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
