//! What scenarios log, read as their authors do: at the command line and over HTTP, by domain, across restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tandem_kit::folder::Folder;
use tandem_kit::roles::Role;
use tandem_kit::tandem::{Tandem, binary};
use tandem_kit::wait;
use tandem_tests::modules::{add_domain, offer, offer_file};
use tandem_tests::phones::{SOON, phone, refusal};
use tandem_tests::web::{get, request};

const OTHER: &str = "other.local";

fn token(tandem: &Tandem, domain: &str, name: &str, scopes: &str) -> String {
    let command = ["token", "add", name, "--scopes", scopes, "--domain", domain];
    let token = tandem.json(&command).unwrap();
    token["token"].as_str().unwrap().to_owned()
}

/// The line, from 1, of a source that has `text`.
fn line_of(source: &str, text: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let source = std::fs::read_to_string(path).unwrap();
    1 + source.lines().position(|line| line.contains(text)).unwrap()
}

/// `tandem scenario logs --follow`, as a process of its own; ended by Ctrl-C.
struct Follower {
    child: Child,
    out: PathBuf,
    errors: PathBuf,
}

impl Follower {
    fn start(folder: &Folder, tandem: &Tandem, token: &str, more: &[&str]) -> Self {
        let (out, errors) = (folder.path().join("followed"), folder.path().join("errors"));
        let child = Command::new(binary().unwrap())
            .args(["scenario", "logs", "--follow", "--last", "0", "--server"])
            .arg(format!("http://{}", tandem.web()))
            .args(more)
            .env("TANDEM_TOKEN", token)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&errors).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, out, errors }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap()
    }

    /// Waits until it has shown so many lines with this text.
    fn shows(&self, text: &str, times: usize) {
        wait::until(SOON, text, || {
            (self.text().matches(text).count() >= times).then_some(())
        })
        .unwrap_or_else(|error| {
            let errors = std::fs::read_to_string(&self.errors).unwrap();
            panic!("{error}\n{}\n{errors}", self.text())
        });
        assert_eq!(self.text().matches(text).count(), times, "{}", self.text());
    }

    fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
        self.text()
    }
}

/// What `tandem scenario logs` prints for programs.
fn lines(tandem: &Tandem, domain: &str, more: &[&str]) -> Vec<Value> {
    let command = ["scenario", "logs", "--json", "--domain", domain];
    let output = tandem.cli(&[&command[..], more].concat()).unwrap();
    assert_eq!(output.code, Some(0), "{output:?}");
    let lines = output.stdout.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a stream was opened for so many times: a line that comes then is shown.
fn followed(tandem: &Tandem, times: usize) {
    wait::until(SOON, "the stream", || {
        (tandem.log().matches("a log is followed").count() >= times).then_some(())
    })
    .unwrap();
}

#[test]
fn uncaught_errors_of_each_language_are_seen_with_file_and_line() {
    let mut tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    let folder = Folder::new("logs").unwrap();
    let numbers = [
        ("701", "panics", "rust-panics", "{}"),
        ("702", "ts/sandbox", "ts-sandbox", "\"throw\""),
        ("703", "py/sandbox", "py-sandbox", "\"raise\""),
    ];
    for (number, guest, name, settings) in numbers {
        offer_file(&tandem, &domain, guest, name, number, settings).unwrap();
    }
    offer(&tandem, &domain, "trap", "704", &[]).unwrap();
    let calls = token(&tandem, &domain, "calls", "calls:read");
    let follower = Follower::start(&folder, &tandem, &calls, &[]);
    followed(&tandem, 1);

    let caller = phone(&tandem, "301").unwrap().start().unwrap();
    for (number, ..) in numbers {
        refusal(&caller, number, SOON).unwrap();
    }
    refusal(&caller, "704", SOON).unwrap();

    let places = [
        (
            "no department has 999",
            "src/lib.rs",
            line_of("guests/rust/panics/src/lib.rs", "panic!("),
        ),
        (
            "no department has 999",
            "main.ts",
            line_of("guests/ts/sandbox/main.ts", "throw new Error(`no department"),
        ),
        (
            "no department has 999",
            "main.py",
            line_of("guests/py/sandbox/main.py", "raise LookupError"),
        ),
    ];
    for (message, file, line) in places {
        let place = format!("{file}:{line}");
        wait::until(SOON, &place, || {
            let found = follower
                .text()
                .lines()
                .any(|shown| shown.contains(message) && shown.contains(&place));
            found.then_some(())
        })
        .unwrap_or_else(|error| panic!("{error}\n{}", follower.text()));
    }
    follower.shows("it trapped:", 2);

    // By call, by number, by scenario, by level; as JSON; out of the data directory and over HTTP the same.
    let lines = |more: &[&str]| lines(&tandem, &domain, more);
    let of_number = lines(&["--number", "702"]);
    assert!(of_number.iter().all(|line| line["scenario"] == "ts-sandbox"));
    let id = of_number[0]["run"].as_str().unwrap().to_owned();
    assert_eq!(lines(&["--call", &id]), of_number);
    assert_eq!(lines(&["--module", "ts-sandbox", "--level", "error"]), of_number);
    assert_eq!(of_number.last().unwrap()["kind"], "end");
    let ask = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        request(tandem.web(), "GET", path, &[("Authorization", &bearer)], "").unwrap()
    };
    let answer = ask(&format!("/api/v1/logs?call={id}"), &calls);
    let page: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(page["lines"], Value::Array(of_number));

    // Another domain sees nothing of it, whoever asks how; nor does who may not.
    add_domain(&tandem, OTHER, &[]).unwrap();
    let theirs = token(&tandem, OTHER, "calls", "calls:read");
    let answer = ask(&format!("/api/v1/logs?call={id}"), &theirs);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\"lines\":[]"), "{}", answer.body);
    let other = tandem
        .cli(&["scenario", "logs", "--domain", OTHER, "--call", &id])
        .unwrap();
    assert_eq!((other.code, other.stdout.as_str()), (Some(0), ""));
    let scenarios = token(&tandem, &domain, "reader", "scenarios:read");
    assert_eq!(ask("/api/v1/logs", &scenarios).status, 403);
    assert_eq!(get(tandem.web(), "/api/v1/logs").unwrap().status, 401);

    // The server dies: what was logged is there, and who follows goes on where it was.
    let before = lines(&[]).len();
    let pid = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, pid).unwrap();
    assert_eq!(lines(&[]).len(), before);
    tandem.wait_healthy().unwrap();
    followed(&tandem, 2);
    refusal(&caller, "704", SOON).unwrap();
    follower.shows("it trapped:", 3);
    let shown = follower.interrupt();
    assert_eq!(shown.matches("  704  ").count(), 2, "{shown}");
    assert!(!shown.contains("lines were gone"), "{shown}");
}
