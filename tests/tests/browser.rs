//! The console in Debian's Chromium (`tests/browser`): an administrator draws a flow, a phone dials it, and the call is
//! found again on the drawing; a line is led by rules; a person sees what is his own. In English, and in Russian. Pictures of every page are in `target/pictures`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::{tone, wait};
use tandem_tests::phones::SOON;

/// What the uploaded prompt sounds like.
const WELCOME_HZ: f64 = 640.0;
/// Bytes of scripts, packed, until one can work.
const FIRST_LOAD_BYTES_MAX: u64 = 400_000;
/// Of the person whose own pages are looked at.
const PASSWORD: &str = "long enough for now";
/// What the menu plays, as it is drawn.
const MENU_HZ: f64 = 700.0;

#[test]
fn a_flow_that_was_drawn_answers_a_phone_and_the_call_is_seen_on_the_drawing() {
    draw_dial_and_look("en");
}

#[test]
fn all_of_it_in_russian() {
    draw_dial_and_look("ru");
}

fn draw_dial_and_look(language: &str) {
    let tandem = Tandem::builder().start().unwrap();
    let sound = tandem.folder().join("welcome.wav");
    let made = Command::new("sox")
        .args(["-n", "-r", "44100", "-c", "2", "-b", "16"])
        .arg(&sound)
        .args(["synth", "1.5", "sine", &WELCOME_HZ.to_string(), "gain", "-6"])
        .status()
        .unwrap();
    assert!(made.success());
    let domain = format!("office-{language}.example");
    let drawn = walk(
        &tandem,
        "draw.mjs",
        language,
        &json!({ "domain": domain, "sound": sound }),
    );
    let scripts = &drawn["scripts"];
    assert!(
        scripts["first"].as_u64().unwrap() <= FIRST_LOAD_BYTES_MAX,
        "{scripts}"
    );
    assert!(scripts["first"].as_u64().unwrap() > 50_000, "{scripts}");
    // The editor comes when it is opened.
    assert!(scripts["late"].as_u64().unwrap() > 50_000, "{scripts}");
    let phone = |user: &str| {
        let password = drawn["users"][user].as_str().unwrap();
        let phone = Baresip::builder(user, &domain, password, tandem.sip())
            .start()
            .unwrap();
        phone.wait_registered(SOON).unwrap();
        phone
    };
    let (eva, other) = (phone("501"), phone("502"));
    reception(&eva, &other);
    let seen = walk(&tandem, "after.mjs", language, &json!({ "domain": domain }));
    assert!(seen["path"].as_array().unwrap().len() >= 3, "{}", seen["path"]);
    let whole = seen["whole"].as_str().unwrap();
    for message in ["INVITE", "180", "200", "ACK", "BYE"] {
        assert!(whole.contains(message), "{message} is missing: {whole}");
    }
    let tried = seen["tried"].as_str().unwrap();
    assert!(
        tried.starts_with("200") && tried.contains(&format!("\"language\": \"{language}\"")),
        "{tried}"
    );
    assert!(
        seen["chosen"].as_str().unwrap().contains("Call-ID"),
        "{}",
        seen["chosen"]
    );

    let made = [
        "account",
        "add",
        "eva",
        "--domain",
        &domain,
        "--password",
        PASSWORD,
        "--role",
        "user",
        "--user",
        "501",
    ];
    assert_eq!(tandem.cli(&made).unwrap().code, Some(0));
    let person = json!({ "login": format!("eva@{domain}"), "password": PASSWORD });
    let order = json!({ "domain": domain, "person": person });
    let line = walk(&tandem, "line.mjs", language, &order);
    assert!(line["tested"].as_str().unwrap().contains("502"), "{line}");
    eva.dial("800").unwrap();
    talk(&eva, &other);
}

/// Runs a walk of `tests/browser` as the system's administrator, and gives what it saw.
fn walk(tandem: &Tandem, script: &str, language: &str, more: &Value) -> Value {
    let demo: Value =
        serde_json::from_str(&fs::read_to_string(tandem.data().join("demo.json")).unwrap()).unwrap();
    let mut order = json!({
        "url": format!("http://{}", tandem.web()),
        "language": language,
        "login": demo["admin"]["name"],
        "password": demo["admin"]["password"],
        "shots": pictures(script),
    });
    let fields = order.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
    let mut node = Command::new("node")
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin
        .take()
        .unwrap()
        .write_all(order.to_string().as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} in {language}: {said}",
        script.display()
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["errors"], json!([]), "the browser complains");
    assert_eq!(told["findings"], json!([]), "axe complains");
    told
}

/// Where the pictures of a walk are kept: beside what was built.
fn pictures(script: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    target.join("pictures").join(script.trim_end_matches(".mjs"))
}

/// Dials what was drawn, hears prompt and menu, and by 1 talks to the other.
fn reception(caller: &Baresip, callee: &Baresip) {
    caller.dial("700").unwrap();
    for hz in [WELCOME_HZ, MENU_HZ] {
        hears(caller, hz);
    }
    caller.press('1').unwrap();
    talk(caller, callee);
}

fn talk(caller: &Baresip, callee: &Baresip) {
    callee.wait_for(&EventKind::Incoming, SOON).unwrap();
    callee.accept().unwrap();
    callee.wait_for(&EventKind::Established, SOON).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    caller.hangup().unwrap();
    callee.wait_for(&EventKind::Closed, SOON).unwrap();
}

fn hears(phone: &Baresip, hz: f64) {
    wait::until(SOON, &format!("a tone of {hz} Hz"), || {
        let heard = phone.received().ok()?;
        let spans = tone::tone_spans(&heard, hz, TONE_LEAST_DBFS);
        spans
            .iter()
            .any(|span| span.length() >= Duration::from_millis(300))
            .then_some(())
    })
    .unwrap();
}
