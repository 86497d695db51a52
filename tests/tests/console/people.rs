//! Accounts and sessions, and that a user who was made by HTTP has a phone that registers.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::Baresip;
use tandem_kit::tandem::Tandem;
use tandem_tests::phones::SOON;

use crate::browser::{Browser, PASSWORD, body, system, text};
use crate::users::{file_of_users, phones_of};

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
    let first = code(0);
    let shown = dora.ask("PUT", "/session/totp", &json!({ "code": first }));
    assert_eq!(shown.status, 204, "{}", shown.body);
    let login = |code: Value| {
        let login = json!({ "login": "dora@demo.local", "password": PASSWORD, "code": code });
        Browser::nobody(&tandem).ask("POST", "/session", &login)
    };
    for missing in [Value::Null, json!(first)] {
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
