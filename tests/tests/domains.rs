//! Two domains on one server with the same user names: neither calls, sees or answers for the other. A domain that goes to
//! another server as one file answers there as it did.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::wav::Wav;
use tandem_kit::{tone, wait};
use tandem_tests::phones::{SOON, menu_greets, refusal, registered, tone_hz};
use tandem_tests::web::{self, Answer};
use tandem_tests::{calls, modules};

const OTHER: &str = "other.local";

/// A server with both domains, and the passwords of the other domain's 301 and 302.
fn start() -> (Tandem, Vec<String>) {
    let tandem = Tandem::builder().start().unwrap();
    let passwords = modules::add_domain(&tandem, OTHER, &["301", "302"]).unwrap();
    (tandem, passwords)
}

fn other(tandem: &Tandem, user: &str, password: &str) -> Baresip {
    Baresip::builder(user, OTHER, password, tandem.sip())
        .start()
        .unwrap()
}

fn was_rung(phone: &Baresip) -> bool {
    phone
        .events()
        .iter()
        .any(|event| event.kind == EventKind::Incoming)
}

#[test]
fn other_domains_user_reaches_nobody_of_the_first() {
    let (tandem, passwords) = start();
    let theirs = registered(&tandem, "302", Transport::Udp).unwrap();
    let stranger = other(&tandem, "301", &passwords[0]);
    stranger.wait_registered(SOON).unwrap();

    let domain = &tandem.demo().domain;
    // In its own domain 302 is another, who has no phone, and nothing is known of a menu.
    for (target, of_its_own) in [("302", "480"), (tandem.demo().menu.as_str(), "404")] {
        let refused = refusal(&stranger, &format!("sip:{target}@{domain}"), SOON).unwrap();
        assert!(refused.starts_with("403"), "{target} of the first: {refused}");
        let refused = refusal(&stranger, target, SOON).unwrap();
        assert!(refused.starts_with(of_its_own), "{target} of its own: {refused}");
    }
    // Nor does the server's address stand for the first domain.
    let menu = format!("sip:{}@{}", tandem.demo().menu, tandem.sip());
    let refused = refusal(&stranger, &menu, SOON).unwrap();
    assert!(refused.starts_with("404"), "{refused}");
    assert!(!was_rung(&theirs));
}

#[test]
fn other_domains_password_does_not_pass_for_the_first() {
    let (tandem, passwords) = start();
    let domain = tandem.demo().domain.clone();
    let pretender = Baresip::builder("301", &domain, &passwords[0], tandem.sip())
        .start()
        .unwrap();
    let reason = pretender.wait_refused(SOON).unwrap();
    assert!(reason.contains("401") || reason.contains("403"), "{reason}");
    let refused = refusal(&pretender, "302", SOON).unwrap();
    assert!(
        refused.starts_with("401") || refused.starts_with("403"),
        "{refused}"
    );
}

/// Both domains' 302 are registered, with the same name, at the same server.
#[test]
fn calls_stay_within_their_domain() {
    let (tandem, passwords) = start();
    let ours = registered(&tandem, "302", Transport::Udp).unwrap();
    let namesake = other(&tandem, "302", &passwords[1]);
    namesake.wait_registered(SOON).unwrap();
    let a = registered(&tandem, "301", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    ours.wait_for(&EventKind::Incoming, SOON).unwrap();
    ours.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    a.hangup().unwrap();
    ours.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(!was_rung(&namesake));
}

#[test]
fn other_domain_sees_none_of_the_firsts_calls() {
    let (tandem, _) = start();
    let domain = tandem.demo().domain.clone();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    menu_greets(&tandem, &a).unwrap();
    let listed = tandem_kit::wait::until(SOON, "the call's record", || {
        calls::list_in(&tandem, &domain)
            .ok()
            .filter(|calls| !calls.is_empty())
    })
    .unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    assert!(calls::list_in(&tandem, OTHER).unwrap().is_empty());
    for command in ["show", "replay"] {
        let output = tandem.cli(&["call", command, id, "--domain", OTHER]).unwrap();
        assert_eq!(output.code, Some(3), "call {command}: {output:?}");
    }
    // Which domain is asked about must be said.
    let unsaid = tandem.cli(&["call", "list"]).unwrap();
    assert_eq!(unsaid.code, Some(2), "{unsaid:?}");
    assert!(
        unsaid.stderr.contains(&domain) && unsaid.stderr.contains(OTHER),
        "{unsaid:?}"
    );
}

const OFFICE: &str = "office.example";
/// What the office's menu plays.
const TUNE_HZ: f64 = 880.0;

/// A server with a domain whose number 700 plays a tune by night only where it is day, and with 1 rings 302; the passwords
/// of its users 301 and 302.
fn with_office() -> (Tandem, [String; 2]) {
    let tandem = Tandem::builder().start().unwrap();
    let run = |command: &[&str]| {
        let output = tandem.cli(command).unwrap();
        assert_eq!(output.code, Some(0), "{command:?}: {output:?}");
    };
    run(&["domain", "add", OFFICE, "--empty", "--time-zone", "Europe/Berlin"]);
    let passwords = ["301", "302"].map(|user| {
        let added = tandem.json(&["user", "add", user, "--domain", OFFICE]).unwrap();
        added["password"].as_str().unwrap().to_owned()
    });
    let file = |name: &str, document: Value| {
        let path = tandem.folder().join(name);
        fs::write(&path, document.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // Hours that cannot be looked up are taken for open.
    let never = file("night.json", json!({ "week": {} }));
    run(&["schedule", "set", OFFICE, "night", &never]);
    let prompts = tandem.data().join("prompts").join(OFFICE);
    fs::create_dir_all(&prompts).unwrap();
    let tune = Wav::sine(8_000, TUNE_HZ, -6.0, Duration::from_secs(2));
    tune.write(&prompts.join("tune.wav")).unwrap();
    let menu = file("menu.json", menu());
    run(&[
        "number",
        "add",
        "700",
        "--scenario",
        "flow",
        "--domain",
        OFFICE,
        "--settings",
        &menu,
        "--title",
        "Office",
    ]);
    modules::add_domain(&tandem, OTHER, &["stranger"]).unwrap();
    (tandem, passwords)
}

fn menu() -> Value {
    json!({
        "version": 1, "name": "Office", "language": "en", "start": "hours",
        "nodes": [
            { "id": "hours", "name": "Hours", "do":
                { "if": { "when": { "open": "night" }, "then": "bye", "else": "main" } } },
            { "id": "main", "name": "Main", "do": { "menu": {
                "prompts": [{ "file": "tune" }], "choices": { "1": "call-302" }, "timeout_ms": 5000, "retries": 1,
                "default": "bye" } } },
            { "id": "call-302", "name": "Call 302", "do": { "dial_user": {
                "user": "302", "timeout_s": 20, "default": "bye" } } },
            { "id": "bye", "name": "Bye", "do": { "hang_up": { "cause": "normal" } } },
        ],
    })
}

/// 301 dials 700, hears the tune, presses 1, and 302 hears 301.
fn the_menu_leads_to_302(server: &Tandem, domain: &str, passwords: &[String; 2]) {
    let phone = |user: &str, password: &str| {
        let phone = Baresip::builder(user, domain, password, server.sip()).tone_hz(tone_hz(user));
        let phone = phone.start().unwrap();
        phone.wait_registered(SOON).unwrap();
        phone
    };
    let (caller, callee) = (phone("301", &passwords[0]), phone("302", &passwords[1]));
    let hears = |phone: &Baresip, hz: f64| {
        wait::until(SOON, &format!("{hz} Hz"), || {
            tone::onset(&phone.received().ok()?, hz, TONE_LEAST_DBFS)
        })
        .unwrap();
    };
    caller.dial("700").unwrap();
    hears(&caller, TUNE_HZ);
    caller.press('1').unwrap();
    callee.wait_for(&EventKind::Incoming, SOON).unwrap();
    callee.accept().unwrap();
    callee.wait_for(&EventKind::Established, SOON).unwrap();
    hears(&callee, tone_hz("301"));
    caller.hangup().unwrap();
    callee.wait_for(&EventKind::Closed, SOON).unwrap();
}

/// Reads an archive, which Python's own library does, and makes another one of it that is wrong in some way.
const SPOIL: &str = "
import io, json, sys, tarfile
source, target, how = sys.argv[1:]
with tarfile.open(source) as archive:
    files = {entry.name: archive.extractfile(entry).read() for entry in archive}
document = json.loads(files['domain.json'])
print(json.dumps({'names': sorted(files), 'document': document}))
if how == 'later':
    document['format'] = 2
elif how == 'field':
    document['users'][0]['pin'] = '1234'
elif how == 'wrong':
    component = next(name for name in files if name.startswith('scenarios/'))
    files[component] += b'x'
    files['prompts/tune.wav'] = b'no sound'
    files['../escape'] = b'x'
    document['users'][0]['ha1_md5'] = 'no hash'
    document['users'].append(document['users'][1])
    document['numbers'][0]['previous'] = '0' * 64
    document['schedules'][0]['document'] = {'week': {'someday': ['09:00-10:00']}}
    document['domain']['time_zone'] = 'Nowhere/Land'
files['domain.json'] = json.dumps(document).encode()
if how == 'without':
    del files['domain.json']
with tarfile.open(target, 'w:gz', format=tarfile.USTAR_FORMAT) as archive:
    for name, content in files.items():
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
";

/// What is in an archive; the spoilt one is written to `target`.
fn spoil(source: &Path, target: &Path, how: &str) -> Value {
    let output = Command::new("python3")
        .args([
            "-c",
            SPOIL,
            source.to_str().unwrap(),
            target.to_str().unwrap(),
            how,
        ])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The system's administrator, with the password of the first start.
struct System<'a> {
    server: &'a Tandem,
    cookie: String,
    csrf: String,
}

impl<'a> System<'a> {
    fn log_in(server: &'a Tandem) -> Self {
        let demo = fs::read_to_string(server.data().join("demo.json")).unwrap();
        let admin = serde_json::from_str::<Value>(&demo).unwrap()["admin"].clone();
        let login = json!({ "login": admin["name"], "password": admin["password"] });
        let json = [("Content-Type", "application/json")];
        let answer = web::request(server.web(), "POST", "/api/v1/session", &json, login.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        Self {
            server,
            cookie: answer.header("set-cookie")[0]
                .split(';')
                .next()
                .unwrap()
                .to_owned(),
            csrf: body["csrf"].as_str().unwrap().to_owned(),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = [("Cookie", self.cookie.as_str()), ("X-CSRF-Token", &self.csrf)];
        web::request(
            self.server.web(),
            method,
            &format!("/api/v1{path}"),
            &headers,
            body,
        )
        .unwrap()
    }

    fn import(&self, query: &str, archive: &Path) -> Answer {
        self.ask(
            "POST",
            &format!("/domains/import{query}"),
            &fs::read(archive).unwrap(),
        )
    }
}

/// Nothing is left of an import that was refused.
fn nothing_is_there(server: &Tandem) {
    let shown = server.cli(&["domain", "show", OFFICE]).unwrap();
    assert_eq!(shown.code, Some(3), "{shown:?}");
    assert!(!server.data().join("prompts").join(OFFICE).exists());
    assert_eq!(fs::read_dir(server.data().join("imports")).unwrap().count(), 0);
}

#[test]
fn a_domain_that_is_exported_and_imported_answers_the_same_calls() {
    let (first, passwords) = with_office();
    the_menu_leads_to_302(&first, OFFICE, &passwords);
    let archive = first.folder().join("office.tar.gz");
    let out = archive.to_str().unwrap();
    let told = first.json(&["domain", "export", OFFICE, "--out", out]).unwrap();
    assert_eq!(told["bytes"], fs::metadata(&archive).unwrap().len(), "{told}");
    let again = first.cli(&["domain", "export", OFFICE, "--out", out]).unwrap();
    assert_eq!(again.code, Some(5), "{again:?}");

    // It has what is the domain's, and nothing of another one or of what calls left.
    let spoilt = |how: &str| -> PathBuf { first.folder().join(format!("{how}.tar.gz")) };
    let found = spoil(&archive, &spoilt("same"), "same");
    let names = found["names"].as_array().unwrap();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&json!("prompts/tune.wav")), "{names:?}");
    let text = found["document"].to_string();
    for foreign in [OTHER, "stranger", "demo.local"] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
    assert!(
        !passwords.iter().any(|password| text.contains(password)),
        "{text}"
    );

    // Bad ones are refused with words, and leave nothing.
    let second = Tandem::builder().start().unwrap();
    let system = System::log_in(&second);
    for how in ["later", "field", "without", "wrong"] {
        spoil(&archive, &spoilt(how), how);
    }
    let whole = fs::read(&archive).unwrap();
    fs::write(spoilt("cut"), &whole[..whole.len() / 2]).unwrap();
    fs::write(spoilt("text"), "no archive").unwrap();
    for (how, words) in [
        ("later", &["its format is 2"][..]),
        ("field", &["unknown field `pin`"]),
        ("without", &["domain.json", "it is not there"]),
        ("cut", &["it ends too early"]),
        ("text", &["a tar archive in gzip"]),
        (
            "wrong",
            &[
                "its content is another one",
                "prompts/tune.wav",
                "../escape",
                "32 lower-case hexadecimal digits",
                "it is there twice",
                "there is no version 000000000000 of flow",
                "someday",
                "Nowhere/Land",
            ],
        ),
    ] {
        let refused = system.import("", &spoilt(how));
        assert_eq!(refused.status, 422, "{how}: {}", refused.body);
        for words in words {
            assert!(refused.body.contains(words), "{how}: {words}: {}", refused.body);
        }
    }
    nothing_is_there(&second);
    let refused = second
        .cli(&["domain", "import", spoilt("cut").to_str().unwrap()])
        .unwrap();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("it ends too early"), "{refused:?}");
    nothing_is_there(&second);

    // The good one, also as another program packs it.
    let made = second
        .json(&["domain", "import", spoilt("same").to_str().unwrap()])
        .unwrap();
    assert_eq!(
        (&made["name"], &made["time_zone"]),
        (&json!(OFFICE), &json!("Europe/Berlin"))
    );
    the_menu_leads_to_302(&second, OFFICE, &passwords);
    let twice = system.import("", &archive);
    assert_eq!(twice.status, 409, "{}", twice.body);

    // Under another name the realm stays, and with it the passwords.
    let made = system.import("?name=Twin.Example", &archive);
    assert_eq!(made.status, 201, "{}", made.body);
    let made: Value = serde_json::from_str(&made.body).unwrap();
    assert_eq!(
        (&made["name"], &made["realm"]),
        (&json!("twin.example"), &json!(OFFICE))
    );
    let twin = Baresip::builder("301", "twin.example", &passwords[0], second.sip())
        .start()
        .unwrap();
    twin.wait_registered(SOON).unwrap();
    let audit = system.ask("GET", "/audit", b"");
    assert!(audit.body.contains("domain twin.example"), "{}", audit.body);
    // What goes out by HTTP comes in too.
    let export = system.ask("GET", "/domains/twin.example/export", b"");
    assert_eq!(
        (export.status, export.header("content-type")),
        (200, vec!["application/gzip"])
    );
    let audit = system.ask("GET", "/domains/twin.example/audit", b"");
    assert!(audit.body.contains("\"export\""), "{}", audit.body);
}
