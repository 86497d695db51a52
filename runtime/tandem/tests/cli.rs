//! The command line, run as a process on a directory of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

struct House {
    directory: tempfile::TempDir,
}

impl House {
    /// A data directory with a domain of stock scenarios.
    fn new() -> Self {
        let house = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        house.ok("domain add example.org");
        house
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn run(&self, line: &str) -> Output {
        tandem(&self.data(), line, None)
    }

    fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(&format!("{line} --json"))).unwrap()
    }

    /// The exit code and what was said to the standard error.
    fn refused(&self, line: &str) -> (i32, String) {
        let output = self.run(line);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

fn tandem(data: &Path, line: &str, stdin: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.arg("--data").arg(data).args(line.split(' '));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    if let Some(text) = stdin {
        use std::io::Write as _;
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    }
    child.wait_with_output().unwrap()
}

#[test]
fn help_tells_the_exit_codes() {
    let help = House::new().ok("--help");
    for word in ["Exit codes:", "serve", "scenario", "4  a replay left the record"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn config_show_gives_a_file_that_config_show_takes() {
    let house = House::new();
    let defaults = house.ok("config show --default");
    for key in [
        "udp = [\"127.0.0.1:5060\"]",
        "ports = \"20000-29999\"",
        "listen = \"127.0.0.1:8080\"",
    ] {
        assert!(defaults.contains(key), "{key}");
    }
    let file = house.directory.path().join("tandem.toml");
    std::fs::write(&file, &defaults).unwrap();
    let line = format!("config show --config {} --set log.level=debug", file.display());
    assert!(
        house
            .ok(&line)
            .contains("level = \"debug\" # --set log.level=debug")
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_code_2() {
    let house = House::new();
    let file = house.directory.path().join("tandem.toml");
    std::fs::write(&file, "[sip]\nudp = []\n\n[wep]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    for command in ["config show", "check", "serve"] {
        let (code, said) = house.refused(&format!("{command} --config {}", file.display()));
        assert_eq!(code, 2);
        assert!(
            said.contains("tandem.toml:5: unknown key `wep.listen`, did you mean `web.listen`?"),
            "{said}"
        );
    }
}

#[test]
fn a_domain_is_made_shown_and_removed_only_on_purpose() {
    let house = House::new();
    assert_eq!(house.refused("domain add EXAMPLE.org").0, 5);
    assert_eq!(house.refused("domain add not..a..name").0, 2);
    let shown = house.json("domain show example.org");
    assert_eq!(shown["numbers"][0]["number"], "*");
    assert_eq!(shown["scenarios"].as_array().unwrap().len(), 12);
    let created: jiff::Timestamp = shown["domain"]["created_at"].as_str().unwrap().parse().unwrap();
    assert!(created <= jiff::Timestamp::now());
    assert_eq!(house.refused("domain remove example.org").0, 2);
    house.ok("domain add other.example.org");
    let files = |domain: &str| ["recordings", "prompts"].map(|kind| house.data().join(kind).join(domain));
    for folder in files("example.org").iter().chain(&files("other.example.org")) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("recording-1.wav"), "RIFF").unwrap();
    }
    house.ok("domain remove example.org --yes");
    assert_eq!(house.refused("domain show example.org").0, 3);
    assert!(files("example.org").iter().all(|folder| !folder.exists()));
    for folder in files("other.example.org") {
        assert_eq!(std::fs::read(folder.join("recording-1.wav")).unwrap(), b"RIFF");
    }
    house.ok("domain remove other.example.org --yes");
    assert_eq!(house.ok("domain list"), "no domains\n");
    assert_eq!(house.refused("user list").0, 3);
}

#[test]
fn a_domain_is_changed_and_says_how_long_it_keeps_what_calls_leave() {
    let house = House::new();
    let keep = |line: &str| house.json(line)["domain"]["keep"].clone();
    let of = |journals: Option<u64>, calls: Option<u64>| serde_json::json!({ "journals_s": journals, "calls_s": calls });
    assert_eq!(keep("domain show example.org"), of(Some(2_592_000), None));
    house.ok("domain set example.org --keep-journals 12h --keep-calls 365d --time-zone Europe/Berlin");
    assert_eq!(
        keep("domain show example.org"),
        of(Some(43_200), Some(31_536_000))
    );
    house.ok("domain set example.org --keep-journals never");
    assert_eq!(keep("domain show example.org"), of(None, Some(31_536_000)));
    let listed = house.ok("domain list");
    assert!(listed.contains("for ever") && listed.contains("365d"), "{listed}");
    assert_eq!(house.json("domain list")[0]["time_zone"], "Europe/Berlin");
    assert!(house.ok("domain show example.org").contains("Europe/Berlin"));
    for (line, code) in [
        ("domain set example.org", 2),
        ("domain set example.org --keep-journals 30", 2),
        ("domain set example.org --keep-journals 5m", 2),
        ("domain set example.org --keep-calls always", 2),
        ("domain set example.org --time-zone Mars/Olympus", 2),
        ("domain set nowhere.org --keep-calls 30d", 3),
    ] {
        assert_eq!(house.refused(line).0, code, "{line}");
    }
}

#[test]
fn a_users_password_is_random_and_shown_once() {
    let house = House::new();
    let added = house.json("user add 301 --display-name Anna");
    assert_eq!(added["password"].as_str().unwrap().len(), 20);
    let changed = house.json("user password 301");
    assert_ne!(added["password"], changed["password"]);
    let given = tandem(
        &house.data(),
        "user add 302 --password-stdin --json",
        Some("secret\n"),
    );
    assert!(given.status.success());
    assert!(!String::from_utf8(given.stdout).unwrap().contains("secret"));
    let users = house.json("user list");
    assert_eq!(
        (users[0]["name"].as_str(), users[0]["display_name"].as_str()),
        (Some("301"), Some("Anna"))
    );
    assert!(
        !house
            .ok("user list")
            .contains(changed["password"].as_str().unwrap())
    );
    assert_eq!(house.refused("user add 301").0, 5);
    house.ok("user remove 301");
    assert_eq!(house.refused("user remove 301").0, 3);
    assert_eq!(house.refused("user password 301").0, 3);
}

#[test]
fn users_of_a_file_are_made_all_or_none() {
    let house = House::new();
    house.ok("user add 301");
    let file = house.data().with_file_name("users.csv");
    let import = format!("user import {}", file.display());
    std::fs::write(&file, "name;numbers\n301;\n302;+1 +1\n").unwrap();
    let (code, said) = house.refused(&import);
    assert_eq!(code, 2);
    for words in [
        "line 2: there is a user 301 already",
        "line 3: line 3 has the number +1 too",
    ] {
        assert!(said.contains(words), "{said}");
    }
    std::fs::write(&file, "name;display_name;password\n302;Bob;\n303;;secret words\n").unwrap();
    assert_eq!(house.json(&format!("{import} --dry-run"))["created"], 2);
    assert_eq!(house.json("user list").as_array().unwrap().len(), 1);
    let made = house.json(&import);
    assert_eq!(made["users"][0]["password"].as_str().unwrap().len(), 20);
    assert_eq!(made["users"][1]["password"], "secret words");
    let users = house.json("user list");
    assert_eq!(
        (users.as_array().unwrap().len(), &users[1]["display_name"]),
        (3, &serde_json::json!("Bob"))
    );
    assert_eq!(house.refused("user import /nonexistent.csv").0, 2);
}

#[test]
fn several_domains_must_be_told_apart() {
    let house = House::new();
    house.ok("domain add other.org --empty");
    let (code, said) = house.refused("user list");
    assert_eq!(code, 2);
    assert!(said.contains("example.org, other.org"), "{said}");
    house.ok("user add 301 --domain other.org");
    assert_eq!(
        house.json("user list --domain example.org"),
        serde_json::json!([])
    );
}

#[test]
fn numbers_start_scenarios_that_are_there() {
    let house = House::new();
    let settings = house.directory.path().join("flow.json");
    std::fs::write(&settings, "{\"version\": 1}").unwrap();
    house.ok(&format!(
        "number add 100 --scenario flow --settings {} --fallback busy",
        settings.display()
    ));
    let numbers = house.json("number list");
    assert_eq!(
        (numbers[1]["number"].as_str(), numbers[1]["module"].as_str()),
        (Some("100"), Some("flow"))
    );
    assert_eq!(house.refused("number add 100 --scenario flow").0, 5);
    assert_eq!(house.refused("number add 101 --scenario nothing").0, 3);
    assert_eq!(house.refused("number add 1/2 --scenario flow").0, 2);
    assert_eq!(
        house.refused("number add 101 --scenario flow --fallback later").0,
        3
    );
    assert_eq!(house.refused("scenario remove flow").0, 5);
    house.ok("number remove 100");
    house.ok("scenario remove flow");
    assert_eq!(house.refused("number remove 100").0, 3);
}

/// As in a domain that an earlier release made.
#[test]
fn a_stock_scenario_is_there_for_a_number_also_where_the_domain_lacks_it() {
    let house = House::new();
    house.ok("domain add other.org --empty");
    let added = house.json("number add 600 --scenario ring-group --domain other.org");
    assert_eq!(added["module"], "ring-group");
    let listed = house.json("scenario list --domain other.org");
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    // One that is there stays as it is, whatever version it is.
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/dist/entry.wasm");
    let own = house.json(&format!(
        "scenario add {} --name hours --domain other.org",
        stock.display()
    ));
    let added = house.json("number add 610 --scenario hours --domain other.org");
    assert_eq!(added["hash"], own["hash"]);
}

/// A number that starts the first of two versions of a scenario; the versions.
fn two_versions(house: &House) -> [String; 2] {
    let first = house.json("number add 100 --scenario flow");
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/dist/entry.wasm");
    let second = house.json(&format!("scenario add {} --name flow", stock.display()));
    [first, second].map(|version| version["hash"].as_str().unwrap().to_owned())
}

#[test]
fn a_number_changes_its_version_and_goes_back() {
    let house = House::new();
    let [first, second] = two_versions(&house);
    let done = house.json("number activate 100");
    assert_eq!(
        (&done["hash"], &done["previous"]),
        (&second.clone().into(), &first.clone().into())
    );
    assert!(house.ok("number activate 100").contains(&second[..12]), "again");
    assert_eq!(house.json("number rollback 100")["hash"], first);
    let (code, said) = house.refused("number rollback 100");
    assert_eq!(code, 3);
    assert!(said.contains("number activate"), "{said}");

    house.ok(&format!("number activate 100 --version {}", &second[..6]));
    let (code, said) = house.refused(&format!("scenario remove flow --version {}", &first[..8]));
    assert_eq!(code, 5);
    assert!(said.contains("100 (previous version)"), "{said}");
    for (line, code) in [
        ("number activate 100 --version 12345", 2),
        ("number activate 100 --version 000000", 3),
        ("number activate 999", 3),
        ("number history 999", 3),
    ] {
        assert_eq!(house.refused(line).0, code, "{line}");
    }
    let history = house.json("number history 100");
    let events: Vec<_> = history.as_array().unwrap().iter().map(|it| &it["what"]).collect();
    assert_eq!(events, ["activated", "rolled-back", "activated", "activated"]);
    assert!(house.ok("number history 100").contains("rolled back"));
}

#[test]
fn a_version_is_tried_with_a_share_of_the_calls() {
    let house = House::new();
    let [first, second] = two_versions(&house);
    let tries = format!("number canary 100 --version {} --share 10", &second[..12]);
    let begun = house.json(&tries);
    assert_eq!(begun["hash"], first);
    let canary = &begun["canary"];
    assert_eq!(
        (&canary["hash"], &canary["share_percent"]),
        (&second.clone().into(), &10.into())
    );
    let terms = ["window", "margin", "fewest", "promote_after"].map(|term| canary[term].as_u64().unwrap());
    assert_eq!(terms, [100, 5, 20, 0]);
    let numbers = house.json("number list");
    assert_eq!(numbers[1]["canary"], *canary);
    let shown = house.ok("number list");
    assert!(shown.contains(&format!("{} for 10 %", &second[..12])), "{shown}");

    let changed = house.json("number canary 100 --share 25 --margin 3 --promote-after 500");
    assert_eq!(changed["canary"]["share_percent"], 25);
    assert_eq!(changed["canary"]["began_at"], canary["began_at"]);
    let (code, said) = house.refused(&format!("scenario remove flow --version {second}"));
    assert_eq!(code, 5);
    assert!(said.contains("100 (canary)"), "{said}");
    assert_eq!(house.json("number canary 100 --off")["canary"], Value::Null);
    assert_eq!(house.refused("number canary 100 --off").0, 3);
    assert_eq!(house.refused("number promote 100").0, 3);

    house.ok("number canary 100 --share 99");
    assert_eq!(house.json("number promote 100")["hash"], second);
    // The newest version is the active one now.
    for (more, code) in [
        ("100 --share 10", 2),
        ("100 --version FIRST", 2),
        ("100 --version FIRST --share 0", 2),
        ("100 --version FIRST --share 100", 2),
        ("100 --version FIRST --share 10 --window 9", 2),
        ("100 --version FIRST --share 10 --fewest 101", 2),
        ("100 --version FIRST --share 10 --promote-after 5", 2),
        ("100 --off --share 10", 2),
        ("999 --share 10", 3),
    ] {
        let line = format!("number canary {}", more.replace("FIRST", &first));
        assert_eq!(house.refused(&line).0, code, "{line}");
    }
}

#[test]
fn a_user_has_numbers_besides_its_extension() {
    let house = House::new();
    house.ok("user add 301");
    house.ok("number add +4930123 --user 301");
    let numbers = house.json("number list");
    assert_eq!(
        numbers[1],
        serde_json::json!({ "number": "+4930123", "user": "301" })
    );
    assert_eq!(house.refused("number add +4930123 --user 301").0, 5);
    assert_eq!(house.refused("number add 5 --user 999").0, 3);
    assert_eq!(house.refused("number add 5").0, 2);
    house.ok("number remove +4930123");
    assert_eq!(house.refused("number remove +4930123").0, 3);
}

#[test]
fn what_is_no_scenario_is_refused_by_name() {
    let house = House::new();
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/dist/entry.wasm");
    house.ok(&format!("scenario validate {}", stock.display()));
    let added = house.json(&format!("scenario add {} --name again", stock.display()));
    let names: Vec<_> = house
        .json("scenario list")
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].clone())
        .collect();
    assert!(names.contains(&"again".into()));
    assert_eq!(added["hash"].as_str().unwrap().len(), 64);
    let junk = house.directory.path().join("junk.wasm");
    std::fs::write(&junk, "not wasm").unwrap();
    assert_eq!(
        house.refused(&format!("scenario validate {}", junk.display())).0,
        1
    );
    assert_eq!(
        house
            .refused(&format!("scenario add {} --name junk", junk.display()))
            .0,
        1
    );
    assert_eq!(house.refused("scenario validate /nowhere.wasm").0, 2);
}

#[test]
fn calls_that_are_not_there_are_not_found() {
    let house = House::new();
    assert_eq!(house.ok("call list"), "no calls\n");
    assert_eq!(house.json("call list")["calls"], serde_json::json!([]));
    assert_eq!(house.refused("call show none").0, 3);
    assert_eq!(house.refused("call replay none").0, 3);
    assert_eq!(house.refused("replay none").0, 3);
    assert_eq!(house.refused("replay --last 10").0, 3);
    assert_eq!(house.refused("call list --since yesterday").0, 2);
    assert_eq!(house.refused("call list --after nonsense").0, 2);
}

#[test]
fn check_finds_a_port_in_use() {
    let house = House::new();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let free = "--set sip.tcp= --set web.listen=127.0.0.1:0";
    let output = house.run(&format!("check --json {free} --set sip.udp={address}"));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |what: &str| {
        findings
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["what"] == what)
            .cloned()
            .unwrap()
    };
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(of(&format!("sip.udp {address}"))["ok"], false);
    for what in [
        "configuration",
        "data directory",
        "database",
        "stock scenarios",
        "media.ports",
    ] {
        assert_eq!(of(what)["ok"], true, "{what}");
    }
}

#[test]
fn hosts_and_secrets_are_set_shown_and_removed() {
    let house = House::new();
    let (code, said) = house.refused("domain http example.org allow https://api.example.com");
    assert_eq!(code, 2, "{said}");
    house.ok("domain http example.org allow API.example.com");
    house.ok("domain http example.org allow 10.0.0.7:8080 --private");
    let hosts = house.json("domain http example.org list");
    assert_eq!(hosts[0]["pattern"], "10.0.0.7:8080");
    assert_eq!(
        (&hosts[0]["private"], &hosts[1]["private"]),
        (&true.into(), &false.into())
    );
    assert_eq!(hosts[1]["pattern"], "api.example.com");
    house.ok("domain http example.org deny api.example.com");
    assert_eq!(house.refused("domain http example.org deny api.example.com").0, 3);
    assert_eq!(house.refused("domain http nowhere.org list").0, 3);

    let set = "secret set example.org crm --host api.example.com";
    let output = tandem(&house.data(), set, Some("tok-4711\r\n"));
    assert!(output.status.success(), "{output:?}");
    let listed = house.ok("secret list example.org --json");
    assert!(
        listed.contains("api.example.com") && !listed.contains("4711"),
        "{listed}"
    );
    let output = tandem(&house.data(), "secret set example.org crm", Some("two\nlines\n"));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    house.ok("secret remove example.org crm");
    assert_eq!(house.refused("secret remove example.org crm").0, 3);
}

#[test]
fn opening_hours_are_set_from_a_file_and_tested_at_a_time() {
    let house = House::new();
    house.ok("domain set example.org --time-zone Europe/Berlin");
    let file = house.directory.path().join("office.toml");
    let set = format!("schedule set example.org office {}", file.display());
    std::fs::write(&file, "[week]\nmon-fri = [\"9-17\"]\n").unwrap();
    let (code, said) = house.refused(&set);
    assert!(
        code == 2 && said.contains("\"9-17\" is no span of a day"),
        "{code} {said}"
    );
    let text = "[week]\nmon-fri = [\"09:00-17:00\"]\n\n[holidays]\n12-25 = \"Christmas\"\n";
    std::fs::write(&file, text).unwrap();
    house.ok(&set);
    let at = |time: &str| house.ok(&format!("schedule test example.org office --at {time}"));
    assert_eq!(at("2026-12-24T10:00"), "open until 2026-12-24 17:00\n");
    assert_eq!(
        at("2026-12-25T10:00Z"),
        "holiday (Christmas) until 2026-12-26 00:00\n"
    );
    assert_eq!(house.refused("schedule test example.org office --at noon").0, 2);
    assert_eq!(
        house.json("schedule list example.org")[0]["schedule"]["name"],
        "office"
    );
    let shown = house.ok("schedule show example.org office");
    std::fs::write(&file, &shown).unwrap();
    house.ok(&set); // what is shown is what is taken
    house.ok("schedule delete example.org office");
    assert_eq!(house.refused("schedule show example.org office").0, 3);
}

#[test]
fn contacts_are_imported_whole_or_with_the_line_that_is_wrong() {
    let house = House::new();
    let file = house.directory.path().join("book.csv");
    let import = format!("contacts import example.org {}", file.display());
    std::fs::write(&file, "name,phone\nAnn,+49 30 1234567\nBob,none\n").unwrap();
    let (code, said) = house.refused(&import);
    assert!(
        code == 2 && said.contains("book.csv:3: `none` is no number"),
        "{code} {said}"
    );
    assert_eq!(
        house.json("contacts list example.org").as_array().unwrap().len(),
        0
    );
    std::fs::write(&file, "name;phone\nAnn;+49 30 1234567\nBob;302\n").unwrap();
    assert_eq!(
        house.ok(&import),
        "example.org has 2 contacts: 2 new, 0 replaced\n"
    );
    assert_eq!(
        house.json("contacts find example.org 0301234567")[0]["name"],
        "Ann"
    );
    assert_eq!(house.refused("contacts find example.org 1302").0, 3);
    assert_eq!(
        house.json("contacts list example.org --search bo")[0]["numbers"][0]["number"],
        "302"
    );
    std::fs::write(&file, "name,phone\nCid,303\n").unwrap();
    assert_eq!(
        house.ok(&format!("{import} --replace")),
        "example.org has 1 contacts: 1 new, 0 replaced\n"
    );
    house.ok("contacts remove example.org Cid");
    assert_eq!(house.refused("contacts clear example.org").0, 2);
}
