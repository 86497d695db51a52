//! Recorded calls: replayed one by one and by the hundred, and removed when they are over age.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tandem_host_api::op::{Address, BridgeEnd, User};
use tandem_host_api::{
    DomainLimits, DomainQuota, Engine, EngineConfig, Journal, JournalHeader, LegId, Limits, LiveGrants,
    Module, Op, OpIndex, Outcome, Reply, Run, Switch, WORLD, monotonic_clock,
};
use tandem_store::{CallRecord, CallSummary, Direction, DomainScope, JournalState, Options, Store, due};

/// Answers what the stock scenario `entry` asks: the extension is there, answers, and hangs up.
struct Extension {
    dialled: String,
}

impl Switch for Extension {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        let address = |user: &str| {
            Outcome::Address(Address {
                user: user.to_owned(),
                ..Address::default()
            })
        };
        Reply::Now(match op {
            Op::ConfigDocument => Outcome::Text("{}".to_owned()),
            Op::Peer { .. } => address("301"),
            Op::Local { .. } => address(&self.dialled),
            Op::FindUser { number } => Outcome::User(Some(User {
                name: number.clone(),
                display_name: String::new(),
                registered: true,
            })),
            Op::Dial { .. } => Outcome::Dialled(Ok(LegId(1))),
            Op::Bridge { .. } => Outcome::Bridged(Ok(BridgeEnd::SecondHungUp)),
            Op::Answer { .. } | Op::HangUp { .. } => Outcome::Leg(Ok(())),
            _ => Outcome::Done,
        })
    }
}

/// A data directory with a domain of stock scenarios.
struct House {
    directory: tempfile::TempDir,
    store: Store,
    scope: DomainScope,
    engine: Engine,
    entry: Module,
    /// When the newest call began.
    now: Timestamp,
}

impl House {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let made = tandem(&data, "domain add example.org");
        assert!(made.status.success(), "{made:?}");
        let store = Store::open(&data, Options::default()).await.unwrap();
        let scope = store.domain_scope("example.org").await.unwrap();
        let config = EngineConfig {
            instances_max: 4,
            ..EngineConfig::default()
        };
        let engine = Engine::new(config).unwrap();
        let hash = store.module(&scope, "entry").await.unwrap().unwrap().hash;
        let entry = engine
            .load(&store.module_bytes(&scope, &hash).await.unwrap())
            .unwrap();
        Self {
            directory,
            store,
            scope,
            engine,
            entry,
            now: Timestamp::from_second(Timestamp::now().as_second()).unwrap(),
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A call to an extension, as a server would have recorded it.
    async fn journal(&self, id: &str, dialled: &str) -> Vec<u8> {
        let header = JournalHeader {
            call: id.to_owned(),
            domain: "example.org".to_owned(),
            entry: "*".to_owned(),
            module_hash: self.entry.hash().to_owned(),
            world: WORLD.to_owned(),
            began_ms: 1_795_000_000_000,
        };
        let run = Run {
            domain: DomainQuota::new(DomainLimits::default(), monotonic_clock()),
            grants: LiveGrants::default(),
            limits: Limits::default(),
            switch: Box::new(Extension {
                dialled: dialled.to_owned(),
            }),
            journal: Journal::new(header, monotonic_clock()),
        };
        let journal = run.journal.clone();
        self.engine.run(&self.entry, run).await;
        journal.to_bytes()
    }

    /// Writes the record of a call that began so many minutes ago.
    async fn insert(&self, id: &str, dialled: &str, minutes_ago: i64, journal: Option<&[u8]>) {
        let at = self.now - SignedDuration::from_mins(minutes_ago);
        let record = CallRecord {
            summary: CallSummary {
                id: id.to_owned(),
                direction: Direction::Internal,
                from_number: "301".to_owned(),
                to_number: dialled.to_owned(),
                entry_point: Some("*".to_owned()),
                scenario: Some("entry".to_owned()),
                scenario_hash: Some(self.entry.hash().to_owned()),
                started_at: at,
                answered_at: None,
                ended_at: at,
                duration_ms: 0,
                cause: "normal".to_owned(),
                sip_status: None,
                ended_by: "callee".to_owned(),
                rolling_hash: None,
                journal_stored: false,
                recoveries: 0,
                scenario_end: None,
                scenario_error: None,
                fallback: None,
            },
            legs: Vec::new(),
        };
        self.store
            .insert_call(&self.scope, &record, journal)
            .await
            .unwrap();
    }

    /// Records calls, the first one the newest: to 300, 301, … 309 in turn.
    async fn record(&self, count: usize) {
        for number in 0..count {
            let (id, dialled) = (format!("call-{number}"), format!("30{}", number % 10));
            let journal = self.journal(&id, &dialled).await;
            self.insert(&id, &dialled, number as i64, Some(&journal)).await;
        }
    }

    /// The stock scenario with another name for one of its steps.
    fn renamed(&self) -> PathBuf {
        let bytes = std::fs::read(stock("entry")).unwrap();
        let (then, now) = (b"Find the user", b"Seek the user");
        let at = bytes.windows(then.len()).position(|part| part == then).unwrap();
        let mut changed = bytes;
        changed[at..at + now.len()].copy_from_slice(now);
        self.file("renamed.wasm", &changed)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// What is printed, with this exit code.
    fn says(&self, code: i32, line: &str) -> String {
        let output = tandem(&self.data(), line);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, code: i32, line: &str) -> Value {
        serde_json::from_str(&self.says(code, &format!("{line} --json"))).unwrap()
    }
}

fn stock(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenarios/dist/{name}.wasm"))
}

fn tandem(data: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.arg("--data").arg(data).args(line.split(' '));
    command.output().unwrap()
}

#[tokio::test]
async fn a_changed_module_is_shown_beside_the_record_step_by_step() {
    let house = House::new().await;
    house.record(1).await;
    let same = house.says(0, "replay call-0");
    assert!(same.contains("as recorded"), "{same}");
    assert_eq!(
        same,
        house.says(0, "call replay call-0"),
        "one command by two names"
    );
    let report = house.json(0, "replay call-0 --memory");
    assert_eq!(report["same_hash"], true);
    assert_eq!(report["diff"], serde_json::json!([]));
    assert_eq!(report["steps"][0]["memory_hash"].as_str().unwrap().len(), 64);

    let module = house.renamed();
    let told = house.says(4, &format!("replay call-0 --module {}", module.display()));
    let both = |line: &str| line.contains("Find the user") && line.contains("Seek the user");
    assert!(told.contains("RECORDED") && told.lines().any(both), "{told}");
    assert!(
        told.contains("(not known)"),
        "what would have come after is not known: {told}"
    );
    let report = house.json(4, &format!("replay call-0 --module {}", module.display()));
    let first = &report["diff"][0];
    assert_eq!(first["step"], 2);
    assert_eq!(
        first["recorded"]["asked"]["request"]["Step"]["name"],
        "Find the user"
    );
    assert_eq!(
        first["replayed"]["asked"]["request"]["Step"]["name"],
        "Seek the user"
    );
    assert_eq!(report["diff"][1]["replayed"], Value::Null);
    assert_ne!(report["scenario_hash"], report["replayed_scenario_hash"]);
}

#[tokio::test]
async fn many_calls_are_replayed_and_equal_differences_are_one_line() {
    let house = House::new().await;
    house.record(230).await; // more than a page
    let all = house.json(0, "replay --last 1000");
    for (what, count) in [
        ("calls", 230),
        ("same", 230),
        ("different", 0),
        ("missing", 0),
        ("unreadable", 0),
    ] {
        assert_eq!(all[what], count, "{what}: {all}");
    }
    let words = house.says(0, "replay --last 1000");
    assert!(
        words.contains("230 calls: 230 same, 0 different, 0 failed"),
        "{words}"
    );

    let module = house.renamed();
    let told = house.says(4, &format!("replay --last 1000 --module {}", module.display()));
    let lines: Vec<_> = told.lines().filter(|line| line.starts_with("230 ")).collect();
    assert!(
        lines[0].contains("trace.step find") && lines[0].contains("call-"),
        "{told}"
    );
    assert_eq!(lines.len(), 2, "the group, and the summary: {told}");
    let changed = house.json(4, &format!("replay --last 1000 --module {}", module.display()));
    let groups = changed["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["calls"], 230);
    assert_eq!(groups[0]["step_most"], 2);
    assert_eq!(groups[0]["changed"], serde_json::json!(["name"]));
    assert_eq!(changed["different"], 230);

    // Newest first, of those that are asked for.
    for (filter, count) in [
        ("--last 7", 7),
        ("--last 1000 --number 303", 23),
        ("--last 1000 --number 30X", 230),
        ("--last 5 --number 303", 5),
        ("--last 1000 --scenario entry", 230),
    ] {
        assert_eq!(
            house.json(0, &format!("replay {filter}"))["calls"],
            count,
            "{filter}"
        );
    }
    let since = house.now - SignedDuration::from_mins(10);
    let newest = house.json(0, &format!("replay --last 1000 --since {since}"));
    assert_eq!(newest["calls"], 11, "the oldest of them began just then");
    house.says(3, "replay --last 10 --scenario flow");
    let other = tandem(&house.data(), "domain add other.org");
    assert!(other.status.success());
    house.says(3, "replay --last 10 --domain other.org");
    house.says(2, "replay");
    house.says(2, "replay --last 0");
    house.says(2, "replay call-0 --last 5");
    house.says(2, "replay --last 5 --set 1=2");
    house.says(2, "replay --last 5 --module /nowhere.wasm --domain example.org");
}

#[tokio::test]
async fn traps_and_journals_that_are_not_there_are_told_apart() {
    let house = House::new().await;
    house.record(3).await;
    house.insert("never", "302", 10, None).await;
    house.insert("junk", "302", 11, Some(b"no journal at all")).await;

    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/trap.wat");
    let trap = house.file("trap.wasm", &wat::parse_file(guest).unwrap());
    let told = house.json(4, &format!("replay --last 10 --module {}", trap.display()));
    for (what, count) in [("calls", 5), ("failed", 3), ("missing", 1), ("unreadable", 1)] {
        assert_eq!(told[what], count, "{what}: {told}");
    }
    let replayed = told["groups"][0]["replayed"].as_str().unwrap();
    assert!(replayed.starts_with("ended: trapped"), "{replayed}");
    assert_eq!(told["unread"][0]["call"], "junk");
    assert!(
        told["unread"][0]["why"].as_str().unwrap().contains("TNDMJRNL"),
        "{told}"
    );
    // What cannot be replayed is no difference.
    assert_eq!(house.json(0, "replay --last 10")["same"], 3);
}

#[tokio::test]
async fn a_removed_journal_is_said_to_be_removed() {
    let house = House::new().await;
    house.record(1).await;
    assert_eq!(house.json(0, "call show call-0")["journal"], "stored");
    house
        .insert(
            "old",
            "302",
            60 * 24 * 31,
            Some(&house.journal("old", "302").await),
        )
        .await;
    let domain = house.store.domain(&house.scope).await.unwrap();
    let due = due(&domain.keep, Timestamp::now());
    assert_eq!(house.store.purge(&house.scope, &due).await.unwrap().journals, 1);
    let shown = house.says(0, "call show old");
    assert!(
        shown.contains("removed: the domain keeps journals for 30d"),
        "{shown}"
    );
    assert_eq!(house.json(0, "call show old")["journal"], "removed");
    let refused = tandem(&house.data(), "replay old");
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("call old has no journal: removed"), "{said}");
}

/// Ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_server_removes_at_its_start_what_is_over_age() {
    let house = House::new().await;
    house.says(0, "domain set example.org --keep-journals 1d --keep-calls 2d");
    for (id, days) in [("new", 0), ("older", 1), ("oldest", 3)] {
        house
            .insert(id, "302", days * 24 * 60 + 1, Some(b"journal"))
            .await;
    }
    let server = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["serve", "--data"])
        .arg(house.data())
        .args([
            "--set",
            "server.processes=false",
            "--set",
            "sip.udp=127.0.0.1:0",
            "--set",
            "sip.tcp=",
        ])
        .args(["--set", "web.listen=127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Running(server);
    let state = |id: &'static str| {
        let (store, scope) = (house.store.clone(), house.scope.clone());
        async move { store.journal_state(&scope, id).await.unwrap() }
    };
    let until = Instant::now() + Duration::from_mins(1);
    while state("older").await != Some(JournalState::Removed) {
        assert!(Instant::now() < until, "nothing was removed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(state("new").await, Some(JournalState::Stored));
    assert_eq!(state("oldest").await, None, "records go before journals");
}
