//! A browser with somebody's session.

use std::fs;

use serde_json::{Value, json};
use tandem_kit::tandem::Tandem;
use tandem_tests::web::{self, Answer};

pub(crate) const PASSWORD: &str = "long enough";

/// A browser with somebody's session; without one, nobody's.
pub(crate) struct Browser<'a> {
    pub(crate) tandem: &'a Tandem,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn nobody(tandem: &'a Tandem) -> Self {
        let (cookie, csrf) = (String::new(), String::new());
        Self { tandem, cookie, csrf }
    }

    pub(crate) fn log_in(tandem: &'a Tandem, login: &str, password: &str) -> Self {
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

    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_with(method, path, body, &[])
    }

    pub(crate) fn ask_with(&self, method: &str, path: &str, body: &Value, more: &[(&str, &str)]) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, path, body.as_bytes(), more)
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &[u8], more: &[(&str, &str)]) -> Answer {
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
    pub(crate) fn edit(&self, method: &str, path: &str, body: &Value) -> Answer {
        let read = self.get(path);
        assert_eq!(read.status, 200, "{path}: {}", read.body);
        self.ask_with(method, path, body, &[("If-Match", read.header("etag")[0])])
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }

    /// Makes an account and logs in with it.
    pub(crate) fn make(&self, domain: &str, login: &str, role: &str, user: Option<&str>) -> Browser<'a> {
        let account = json!({ "login": login, "role": role, "user": user, "password": PASSWORD });
        let made = self.ask("POST", &format!("/domains/{domain}/accounts"), &account);
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(!made.body.contains("argon2"), "{}", made.body);
        Browser::log_in(self.tandem, &text(&body(&made)["login"]), PASSWORD)
    }
}

pub(crate) fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Whoever administers the system, with the password of the first start.
pub(crate) fn system(tandem: &Tandem) -> Browser<'_> {
    let demo: Value =
        serde_json::from_str(&fs::read_to_string(tandem.data().join("demo.json")).unwrap()).unwrap();
    Browser::log_in(
        tandem,
        &text(&demo["admin"]["name"]),
        &text(&demo["admin"]["password"]),
    )
}
