//! Modules from a file to a running server: looked at and compiled in a process of its own, pushed by HTTP, signed,
//! collected when nothing refers to them. Run as processes on directories of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_tandem");
/// Long enough for a loaded machine: a test ends as soon as what it waits for has come.
const SOON: Duration = Duration::from_mins(1);

/// A data directory with two domains.
struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = Self { folder };
        house.ok("domain add ours.org --empty");
        house.ok("domain add theirs.org --empty");
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A test guest as a component's file.
    fn guest(&self, name: &str) -> PathBuf {
        let text = format!("{}/../../tests/guests/{name}.wat", env!("CARGO_MANIFEST_DIR"));
        self.component(name, &fs::read_to_string(text).unwrap())
    }

    fn component(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path(&format!("{name}.wasm"));
        fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
        file
    }

    fn run(&self, line: &str) -> Output {
        self.run_with(line, &[])
    }

    fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Output {
        Command::new(BINARY)
            .arg("--data")
            .arg(self.path("data"))
            .args(line.split(' '))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(&format!("{line} --json"))).unwrap()
    }

    fn refused(&self, line: &str) -> (i32, String) {
        told(&self.run(line))
    }

    fn compiled(&self) -> Vec<PathBuf> {
        let folder = self.path("data").join("compiled");
        let listing = fs::read_dir(folder).into_iter().flatten();
        let files = listing.map(|entry| entry.unwrap().path());
        // What their functions are made of faster lies beside them.
        files.filter(|file| !file.ends_with("functions")).collect()
    }
}

/// The exit code and the standard error.
fn told(output: &Output) -> (i32, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

#[test]
fn every_problem_of_a_file_is_told_in_a_line() {
    let house = House::new();
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance (export "a" (func))))
        (import "tandem:pbx/dail@0.2.0" (instance (export "b" (func)))))"#;
    let file = house.component("bad", text);
    let (code, said) = house.refused(&format!("scenario validate {}", file.display()));
    assert_eq!(code, 1);
    for word in [
        "tandem: wasi-import: ",
        "tandem: unknown-import: ",
        "tandem: no-handler: ",
    ] {
        assert!(said.contains(word), "{said}");
    }
    let output = house.run(&format!("scenario validate {} --json", file.display()));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["problems"].as_array().unwrap().len(), 3);

    let large = house.path("large.wasm");
    fs::File::create(&large).unwrap().set_len(100 << 20).unwrap();
    let (code, said) = house.refused(&format!("scenario validate {}", large.display()));
    assert_eq!(code, 1);
    assert!(said.contains("too-large: "), "{said}");
}

#[test]
fn added_scenario_is_compiled_for_the_server() {
    let house = House::new();
    let idle = house.guest("idle");
    let line = format!(
        "scenario add {} --name idle --domain ours.org --note first",
        idle.display()
    );
    let added = house.json(&line);
    assert_eq!(added["note"], "first");
    let hash = added["hash"].as_str().unwrap();
    let [code] = &house.compiled()[..] else {
        panic!("{:?}", house.compiled())
    };
    assert!(code.file_name().unwrap().to_str().unwrap().starts_with(hash));
}

/// Instances of instances: each level doubles what the compiler has to make of a few hundred bytes.
fn bomb(levels: usize) -> String {
    let mut text = "(component $c0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for level in 1..=levels {
        let inner = level - 1;
        text = format!(
            "(component $c{level} {text} (instance (instantiate $c{inner})) (instance (instantiate $c{inner})))"
        );
    }
    format!("(component {text} (instance (instantiate $c{levels})))")
}

#[test]
fn a_file_that_never_compiles_meets_a_limit_and_its_name_is_told() {
    let house = House::new();
    let file = house.component("bomb", &bomb(40));
    assert!(fs::metadata(&file).unwrap().len() < 8_192);
    let limits = "--set scenario.compile_cpu=1s --set scenario.compile_memory=256MiB";
    let began = Instant::now();
    let (code, said) = house.refused(&format!("scenario validate {} {limits}", file.display()));
    assert_eq!(code, 1);
    assert!(
        said.contains("compile-limit: the compiler was stopped: it "),
        "{said}"
    );
    // Which one comes first is the machine's to say.
    let limits = [
        "more than 1 s of CPU time",
        "more than 256 MiB of memory",
        "longer than 4 s",
    ];
    assert!(limits.iter().any(|limit| said.contains(limit)), "{said}");
    assert!(began.elapsed() < SOON);
}

/// The process's own side: what it does with limits that even a small module exceeds.
#[test]
fn the_compilers_process_dies_of_its_limits_and_answers_nonsense_with_an_error() {
    let house = House::new();
    let spin = r"(component
        (core module $m (func $spin (loop (br 0))) (start $spin)) (core instance (instantiate $m)))";
    let component = wat::parse_str(spin).unwrap();
    let order = |start: bool, cpu_us: u64| {
        let limits = json!({ "cpu_us": cpu_us, "memory_bytes": 64 << 20 });
        let order = json!({
            "cache_dir": null, "memory_max_bytes": 64 << 20, "module_bytes_max": 1 << 20, "grants": null,
            "limits": limits, "start": start, "allocate_max_bytes": 512 << 20, "cpu_s": 1
        });
        format!("{order}\n").into_bytes()
    };
    // Its own budget is longer than the process's: SIGXCPU.
    let output = compile(&house, &[order(true, 60_000_000), component.clone()].concat());
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(output.status.signal(), Some(24), "{output:?}");
    // Not started, it is only compiled.
    let output = compile(&house, &[order(false, 60_000_000), component].concat());
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["problems"][0]["code"], "no-handler");
    let (code, said) = told(&compile(&house, b"nonsense\nmore"));
    assert_eq!(code, 2);
    assert!(said.contains("only the server itself starts this"), "{said}");
}

fn compile(house: &House, input: &[u8]) -> Output {
    let mut child = Command::new(BINARY)
        .arg("compile-module")
        .current_dir(house.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(input); // it may be gone before it has read everything
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn signatures_are_made_and_demanded() {
    let house = House::new();
    let (key, idle) = (house.path("release.key"), house.guest("idle"));
    let public = house.ok(&format!("scenario keygen {}", key.display()));
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(house.refused(&format!("scenario keygen {}", key.display())).0, 2);
    house.ok(&format!(
        "scenario sign {} --key {}",
        idle.display(),
        key.display()
    ));
    let signature = idle.with_extension("wasm.sig");

    house.ok(&format!(
        "domain key add release {} --domain ours.org",
        public.trim()
    ));
    let add = format!("scenario add {} --name idle --domain ours.org", idle.display());
    house.ok("domain signatures required --domain ours.org");
    let (code, said) = house.refused(&add);
    assert_eq!(code, 1);
    assert!(said.contains("takes signed modules only"), "{said}");
    let added = house.json(&format!("{add} --signature {}", signature.display()));
    assert_eq!(added["signed_by"], public.trim());
    let error = house.guest("error");
    let other = format!("scenario add {} --name e --domain ours.org", error.display());
    let (code, said) = house.refused(&format!("{other} --signature {}", signature.display()));
    assert_eq!((code, said.contains("not of this module")), (1, true), "{said}");
    house.ok("domain key remove release --domain ours.org");
    assert_eq!(
        house
            .refused(&format!("{add} --signature {}", signature.display()))
            .0,
        1
    );
    house.ok("domain signatures optional --domain ours.org");
    house.ok(&other);

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = house.refused(&format!(
        "scenario sign {} --key {}",
        idle.display(),
        key.display()
    ));
    assert_eq!((code, said.contains("must have mode 600")), (2, true), "{said}");
}

#[test]
fn grants_are_a_domains_own_and_named_rightly() {
    let house = House::new();
    let idle = house.guest("idle");
    house.ok("domain grants --only dial,log --domain ours.org");
    let (code, said) = house.refused(&format!(
        "scenario add {} --name i --domain ours.org",
        idle.display()
    ));
    assert_eq!(code, 1);
    assert!(said.contains("import-not-granted: "), "{said}");
    house.ok(&format!(
        "scenario add {} --name i --domain theirs.org",
        idle.display()
    ));
    let (code, said) = house.refused("domain grants --only dail --domain ours.org");
    assert_eq!((code, said.contains("did you mean `dial`?")), (2, true), "{said}");
    house.ok("domain grants --all --domain ours.org");
    house.ok(&format!(
        "scenario add {} --name i --domain ours.org",
        idle.display()
    ));
}

#[test]
fn a_component_must_fit_into_what_its_domain_and_its_scenario_may_use() {
    let house = House::new();
    let text = fs::read_to_string(format!(
        "{}/../../tests/guests/idle.wat",
        env!("CARGO_MANIFEST_DIR")
    ));
    let large = text
        .unwrap()
        .replace(r#"(export "memory") 1)"#, r#"(export "memory") 32)"#);
    let (small, large) = (house.guest("idle"), house.component("large", &large));
    let add = |file: &PathBuf, name: &str, domain: &str| {
        format!("scenario add {} --name {name} --domain {domain}", file.display())
    };
    house.ok("domain limits ours.org --call-memory 1MiB");
    let (code, said) = house.refused(&add(&large, "large", "ours.org"));
    assert_eq!(code, 1, "{said}");
    let words = "memory-at-start: it has 2097152 bytes of memory at its start, at most 1048576 are allowed";
    assert!(said.contains(words), "{said}");
    house.ok(&add(&small, "small", "ours.org"));
    house.ok(&add(&large, "large", "theirs.org"));
    house.ok("scenario limits large --call-memory 1MiB --domain theirs.org");
    let again = house.component("again", "(component)");
    fs::copy(&large, &again).unwrap();
    let (_, said) = house.refused(&add(&again, "large", "theirs.org"));
    assert!(said.contains(words), "{said}");
    house.ok(&add(&again, "other", "theirs.org"));
}

#[test]
fn grants_of_a_scenario_are_within_its_domains_and_ask_before_a_number_starts_it() {
    let house = House::new();
    let idle = house.guest("idle");
    for domain in ["ours.org", "theirs.org"] {
        house.ok(&format!(
            "scenario add {} --name i --domain {domain}",
            idle.display()
        ));
    }
    let (code, said) = house.refused("scenario grants i --only dail --domain ours.org");
    assert_eq!((code, said.contains("did you mean `dial`?")), (2, true), "{said}");
    assert_eq!(house.refused("scenario grants j --all --domain ours.org").0, 3);
    house.ok("domain grants --only leg,log --domain ours.org");
    let (_, said) = house.refused("scenario grants i --only http --domain ours.org");
    assert!(
        said.contains("not given `http`: they may import leg, log"),
        "{said}"
    );

    let own = house.json("scenario grants i --only log --http-only API.example.com --domain ours.org");
    assert_eq!(
        own,
        json!({ "interfaces": ["log"], "http_hosts": ["api.example.com"] })
    );
    let (_, said) = house.refused("number add 1 --scenario i --domain ours.org");
    assert!(
        said.contains("imports leg, which the scenario is not granted"),
        "{said}"
    );
    house.ok("number add 1 --scenario i --domain theirs.org");
    // Stock scenarios are looked at as they are installed.
    house.ok("domain grants --all --domain ours.org");
    house.ok("number add 8 --scenario entry --domain ours.org");
    house.ok("scenario grants entry --only leg --domain ours.org");
    let (_, said) = house.refused("number activate 8 --domain ours.org");
    assert!(said.contains("imports dial, bridge, "), "{said}");

    let own = house.json("scenario grants i --all --http-all --domain ours.org");
    assert_eq!(own, json!({ "interfaces": null, "http_hosts": null }));
    house.ok("number add 1 --scenario i --domain ours.org");
}

#[test]
fn a_token_is_shown_once_and_listed_without_its_text() {
    let house = House::new();
    let added = house.json("token add ci --scopes scenarios:read,calls:read --expires 90d --domain ours.org");
    let token = added["token"].as_str().unwrap();
    assert!(token.starts_with("tandem_") && token.len() == 71);
    let listed = house.json("token list --domain ours.org");
    assert_eq!(listed[0]["scopes"], json!(["scenarios:read", "calls:read"]));
    assert!(!listed.to_string().contains(token));
    assert_eq!(house.json("token list --domain theirs.org"), json!([]));
    assert_eq!(house.refused("token add ci --domain ours.org").0, 5);
    for wrong in ["--scopes scenarios:wriet", "--expires 90", "--scopes "] {
        assert_eq!(
            house.refused(&format!("token add x --domain ours.org {wrong}")).0,
            2,
            "{wrong}"
        );
    }
    house.ok("token remove ci --domain ours.org");
    assert_eq!(house.refused("token remove ci --domain ours.org").0, 3);
}

#[test]
fn gc_takes_what_nothing_refers_to_and_says_what() {
    let house = House::new();
    let mut hashes = Vec::new();
    for name in ["idle", "error", "trap", "storm", "loop"] {
        let file = house.guest(name);
        let line = format!("scenario add {} --name menu --domain ours.org", file.display());
        hashes.push(house.json(&line)["hash"].as_str().unwrap().to_owned());
    }
    house.ok(&format!(
        "number add 100 --scenario menu --version {} --domain ours.org",
        hashes[0]
    ));
    // A call in progress has its version's hash in a log.
    let log = house.path("data").join("journal/shard-0");
    fs::create_dir_all(&log).unwrap();
    fs::write(
        log.join("00000001.log"),
        [b"\x00\x40", hashes[1].as_bytes(), b"\x01"].concat(),
    )
    .unwrap();
    let stray = house.path("data").join("modules").join("ab".repeat(32) + ".wasm");
    fs::write(&stray, "left by a crash").unwrap();

    let dry = house.json("scenario gc --keep 2 --dry-run");
    assert_eq!(dry["versions"][0]["hash"], hashes[2]);
    assert_eq!(dry["versions"].as_array().unwrap().len(), 1);
    assert_eq!(dry["files"], json!([stray]));
    assert_eq!(house.compiled().len(), 5);
    let freed = house.json("scenario gc --keep 2");
    assert_eq!(freed["versions"], dry["versions"]);
    assert_eq!(
        freed["files"].as_array().unwrap().len(),
        2,
        "the stray file and the version's code"
    );
    assert!(freed["bytes"].as_u64().unwrap() > 1_000);
    assert!(!stray.exists());
    assert_eq!(house.compiled().len(), 4);
    let left = house.json("scenario list --domain ours.org");
    assert_eq!(left.as_array().unwrap().len(), 4);
    assert_eq!(house.ok("scenario gc --keep 2"), "nothing to remove\n");
}

/// A server with no phones.
struct Server {
    process: Child,
    web: SocketAddr,
}

impl Server {
    fn start(house: &House) -> Self {
        let web = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let process = Command::new(BINARY)
            .arg("serve")
            .arg("--data")
            .arg(house.path("data"))
            .args(["--set", "sip.udp=127.0.0.1:0", "--set", "sip.tcp="])
            .args([
                "--set",
                &format!("web.listen={web}"),
                "--set",
                "call.stop_deadline=1s",
            ])
            .args([
                "--set",
                "scenario.compile_cpu=5s",
                "--set",
                "scenario.compile_memory=256MiB",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(house.path("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { process, web };
        let began = Instant::now();
        while !server.is_up() {
            let log = fs::read_to_string(house.path("log")).unwrap_or_default();
            assert!(began.elapsed() < SOON, "the server does not come up: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn is_up(&self) -> bool {
        use std::io::Read as _;
        let Ok(mut stream) = std::net::TcpStream::connect(self.web) else {
            return false;
        };
        let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn push(server: &Server, file: &Path, more: &str) -> String {
    let line = format!(
        "scenario push {} --name menu --server http://{}",
        file.display(),
        server.web
    );
    line + more
}

#[test]
fn a_version_is_pushed_to_a_running_server_and_activated() {
    let house = House::new();
    let idle = house.guest("idle");
    house.ok(&format!(
        "scenario add {} --name menu --domain ours.org",
        idle.display()
    ));
    house.ok("number add 100 --scenario menu --domain ours.org");
    let token = house.json("token add ci --domain ours.org")["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let reads = house.json("token add reader --scopes scenarios:read --domain ours.org");
    let theirs = house.json("token add ci --domain theirs.org")["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let server = Server::start(&house);

    let error = house.guest("error");
    let line = push(&server, &error, " --note better --activate 100 --json");
    let output = house.run_with(&line, &[("TANDEM_TOKEN", &token)]);
    let (_, said) = told(&output);
    let pushed: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(pushed["version"]["note"], "better");
    assert_eq!(pushed["number"]["version"], pushed["version"]["hash"]);
    let numbers = house.json("number list --domain ours.org");
    assert_eq!(numbers[0]["hash"], pushed["version"]["hash"]);
    let hash = pushed["version"]["hash"].as_str().unwrap();
    let is_code = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(hash);
    assert!(house.compiled().iter().any(is_code), "compiled on the server");

    // All problems of a bad one; a domain's own; nobody's.
    let bad = house.component("bad", r#"(component (import "wasi:a/b@0.2.0" (func)))"#);
    let (code, said) = told(&house.run_with(&push(&server, &bad, ""), &[("TANDEM_TOKEN", &token)]));
    assert_eq!(code, 1);
    assert!(
        said.contains("wasi-import: ") && said.contains("no-handler: "),
        "{said}"
    );
    let reader = reads["token"].as_str().unwrap();
    for (token, code, word) in [
        (reader, 1, "lacks the scope scenarios:write"),
        (&format!("tandem_{}", "0".repeat(64)), 1, "wrong or has expired"),
    ] {
        let refused = told(&house.run_with(&push(&server, &error, ""), &[("TANDEM_TOKEN", token)]));
        assert_eq!(refused.0, code);
        assert!(refused.1.contains(word), "{}", refused.1);
    }
    let line = push(&server, &error, " --activate 100");
    let (code, said) = told(&house.run_with(&line, &[("TANDEM_TOKEN", &theirs)]));
    assert_eq!(code, 3, "their 100 does not exist: {said}");
    assert_eq!(
        house
            .json("scenario list --domain ours.org")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let (code, said) = told(&house.run_with(&push(&server, &error, ""), &[]));
    assert_eq!((code, said.contains("a token is needed")), (2, true), "{said}");
}

/// A file that would take the server with it takes a process of its own.
#[test]
fn a_bomb_that_is_pushed_costs_the_server_nothing() {
    let house = House::new();
    let token = house.json("token add ci --domain ours.org")["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let server = Server::start(&house);
    let bomb = house.component("bomb", &bomb(40));
    let pushed = house.run_with(&push(&server, &bomb, ""), &[("TANDEM_TOKEN", &token)]);
    let (code, said) = told(&pushed);
    assert_eq!(code, 1);
    assert!(said.contains("compile-limit: "), "{said}");
    assert!(server.is_up());
    let idle = house.guest("idle");
    let pushed = house.run_with(&push(&server, &idle, ""), &[("TANDEM_TOKEN", &token)]);
    assert!(pushed.status.success(), "{}", told(&pushed).1);
}
