//! Services that scenarios use: what a web service of Python sees of their requests, opening hours, metrics, contacts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod administered;
mod http;
mod mail;
mod voicemail;
mod web_service;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::Baresip;
use tandem_kit::folder::Folder;
use tandem_kit::tandem::{Tandem, binary};
use tandem_tests::phones::{phone, refusal};
use web_service::WebService;

const LONG: Duration = Duration::from_mins(1);

/// The guest that asks services.
fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/dist/services.wasm")
}

fn ok(tandem: &Tandem, arguments: &[&str]) -> String {
    let output = tandem.cli(arguments).unwrap();
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    output.stdout
}

/// Lets a number of a domain ask these services.
fn offer(tandem: &Tandem, domain: &str, number: &str, steps: &Value) {
    let folder = Folder::new("steps").unwrap();
    let settings = folder
        .write("settings.json", json!({ "steps": steps }).to_string())
        .unwrap();
    let (guest, settings) = (guest(), settings.to_str().unwrap().to_owned());
    let guest = guest.to_str().unwrap();
    ok(
        tandem,
        &["scenario", "add", guest, "--name", "services", "--domain", domain],
    );
    let add = [
        "number",
        "add",
        number,
        "--scenario",
        "services",
        "--domain",
        domain,
    ];
    ok(tandem, &[&add[..], &["--settings", &settings]].concat());
}

fn set_secret(tandem: &Tandem, domain: &str, name: &str, text: &str, more: &[&str]) {
    let mut child = Command::new(binary().unwrap())
        .args(["secret", "set", domain, name])
        .args(more)
        .arg("--data")
        .arg(tandem.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{text}").unwrap();
    assert!(child.wait().unwrap().success());
}

/// A phone of a demo user that calls and registers nothing.
fn caller(tandem: &Tandem) -> Baresip {
    phone(tandem, "301").unwrap().expires_s(0).start().unwrap()
}

/// Calls the number; what the scenario logged in this call, a line for each step.
fn answers(tandem: &Tandem, caller: &Baresip, number: &str, steps: usize) -> Vec<String> {
    let before = tandem.log().len();
    let refused = refusal(caller, number, LONG).unwrap();
    let log = tandem.log();
    let log = log.get(before..).unwrap_or_default();
    assert!(refused.starts_with("480"), "{refused}\n{log}");
    let answer = |step: usize| {
        let mark = format!(" {step}: ");
        let line = log
            .lines()
            .find(|line| line.contains("scenario") && line.contains(&mark));
        let line = line.unwrap_or_else(|| panic!("no answer of step {step} in\n{log}"));
        let said = line.split_once(&mark).unwrap().1;
        // Behind it are the fields of the log's line.
        said.split(" domain=").next().unwrap().to_owned()
    };
    (0..steps).map(answer).collect()
}
