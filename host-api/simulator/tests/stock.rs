//! The stock scenarios, by their test scripts: what `tandem scenario test scenarios/flow`, `… scenarios/entry` and others
//! play; and the templates for web and event scenarios, by theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tandem_host_api::{End, Engine, EngineConfig, Module};
use tandem_simulator::{Case, Played, Script, load, play, script::Beside, snapshot};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One engine for all tests of the process.
fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let config = EngineConfig {
        instances_max: 16,
        ..EngineConfig::default()
    };
    ENGINE.get_or_init(|| Engine::new(config).unwrap()).clone()
}

fn stock(name: &str) -> Module {
    let file = root().join(format!("scenarios/dist/{name}.wasm"));
    let bytes = std::fs::read(&file).expect("`make scenarios` makes the stock scenarios");
    engine().load(&bytes).unwrap()
}

fn guest(name: &str) -> Module {
    let file = root().join(format!("tests/guests/{name}.wat"));
    engine().load(&wat::parse_file(file).unwrap()).unwrap()
}

fn played(script: &str, module: &Module) -> Vec<(String, Played)> {
    let script = load(&root().join(script)).unwrap_or_else(|error| panic!("{error}"));
    let cases = script.cases.into_iter().map(|case| {
        let case = Arc::new(case);
        (case.name.clone(), play(&engine(), module, &case))
    });
    cases.collect()
}

/// Every case passes, and the traces are those of the snapshot. `UPDATE_GOLDEN=1` rewrites it; the diff is read.
fn passes(script: &str, module: &Module) {
    let cases = played(script, module);
    for (name, played) in &cases {
        assert!(
            played.failures.is_empty(),
            "{name}: {:#?}\n{}",
            played.failures,
            played.trace.join("\n")
        );
    }
    let text = snapshot::text(cases.iter().map(|(name, played)| (name.as_str(), played)));
    let file = root().join(script).with_extension("trace");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let before = std::fs::read_to_string(&file).unwrap();
    if let Some(lines) = snapshot::difference(&before, &text) {
        panic!("{}:\n{}", file.display(), lines.join("\n"));
    }
}

fn case(text: &str) -> Arc<Case> {
    let script = Script::parse(text, &Beside::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Arc::new(script.cases.into_iter().next().unwrap())
}

#[test]
fn the_demo_menu_passes_its_script() {
    passes("scenarios/flow/tests/menu.toml", &stock("flow"));
}

#[test]
fn extensions_pass_their_script() {
    passes("scenarios/entry/tests/extension.toml", &stock("entry"));
}

#[test]
fn ring_groups_pass_their_script() {
    passes("scenarios/ring-group/tests/group.toml", &stock("ring-group"));
}

#[test]
fn opening_hours_pass_their_script() {
    passes("scenarios/hours/tests/hours.toml", &stock("hours"));
}

#[test]
fn inbound_lines_pass_their_script() {
    passes("scenarios/line/tests/line.toml", &stock("line"));
}

#[test]
fn callers_that_a_service_knows_pass_their_script() {
    passes("scenarios/crm/tests/crm.toml", &stock("crm"));
}

#[test]
fn voicemail_passes_its_scripts() {
    passes("scenarios/voicemail/tests/leave.toml", &stock("voicemail"));
    passes("scenarios/voicemail/tests/listen.toml", &stock("voicemail"));
}

#[test]
fn call_backs_pass_their_script() {
    passes("scenarios/callback/tests/callback.toml", &stock("callback"));
    passes(
        "scenarios/callback-watch/tests/callback-watch.toml",
        &stock("callback-watch"),
    );
}

#[test]
fn prompts_recorded_by_phone_pass_their_script() {
    passes("scenarios/recorder/tests/recorder.toml", &stock("recorder"));
}

#[test]
fn reminders_pass_their_script() {
    passes("scenarios/reminder/tests/reminder.toml", &stock("reminder"));
}

/// What rings elsewhere in the script's world is picked up once.
#[test]
fn a_script_has_calls_that_ring_elsewhere() {
    let file = root().join("tests/guests/dist/calls.wasm");
    let calls = engine().load(&std::fs::read(file).unwrap()).unwrap();
    let world = "
        [world]
        number = '8302'
        [world.ringing.302]
        from = '305'
        acts = [{ talk = '7s' }, 'hang-up']
    ";
    let talks = format!(
        "{world}
        [[case]]
        name = 'a'
        [case.expect]
        bridged = '7s'
        log = ['picked up 305 for 302', 'SecondHungUp']
        "
    );
    let played = play(&engine(), &calls, &case(&talks));
    assert!(played.failures.is_empty(), "{:#?}", played.failures);
    let nothing = format!(
        "{world}
        [[case]]
        name = 'a'
        world.number = '8303'
        [case.expect]
        log = ['pick-up: nothing rings']
        "
    );
    let played = play(&engine(), &calls, &case(&nothing));
    assert!(played.failures.is_empty(), "{:#?}", played.failures);
}

#[test]
fn the_same_seed_gives_the_same_trace_and_hash() {
    let flow = stock("flow");
    let one = played("scenarios/flow/tests/menu.toml", &flow);
    let other = played("scenarios/flow/tests/menu.toml", &flow);
    assert_eq!(one, other);
}

#[test]
fn chance_comes_from_the_seed() {
    let tally = guest("tally");
    let hash = |seed: u64| {
        let case = case(&format!("[world]\nseed = {seed}\n[[case]]\nname = 'a'"));
        play(&engine(), &tally, &case).rolling_hash
    };
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(8));
}

/// As the command line plays them: tokio would have one task make room for others now and then.
#[test]
fn a_call_goes_on_within_a_runtime_too() {
    let thousand = guest("thousand");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let cases = runtime.block_on(async { played("scenarios/flow/tests/menu.toml", &stock("flow")) });
    assert!(cases.iter().all(|(_, played)| played.failures.is_empty()));
    let played = runtime.block_on(async { play(&engine(), &thousand, &case("[[case]]\nname = 'a'")) });
    assert_eq!((played.end, played.host_calls), (End::Returned, 1_000));
}

#[test]
fn a_call_that_nobody_ends_is_given_up_and_says_why() {
    let entry = stock("entry");
    let text = "
        [world]
        number = '302'
        [world.users.302]
        dialled = { then = 'answer' }
        [[case]]
        name = 'a'
    ";
    let played = play(&engine(), &entry, &case(text));
    assert_eq!(
        played.failures,
        ["nothing ends the call any more: the caller 301 and 302 talk, and neither has an act that hangs up"]
    );
}

#[test]
fn what_did_not_come_is_told_in_words() {
    let entry = stock("entry");
    let text = "
        [world]
        number = '302'
        [world.users.302]
        dialled = { after = '3s', then = 'answer', acts = [{ talk = '10s' }, 'hang-up'] }
        [[case]]
        name = 'a'
        acts = [{ wait = '1h' }]
        [case.expect]
        hears = ['Sorry']
        steps = ['dial', 'find']
        dials = ['303']
        bridged = '1m'
        ended_by = 'caller'
        cause = 'busy'
        scenario = 'failed'
        log = ['a line']
        key_values = { visits = '1' }
    ";
    let played = play(&engine(), &entry, &case(text));
    assert_eq!(
        played.failures,
        [
            "the scenario returned",
            "the call ended before the caller's act 1 of 1: wait = 3600s",
            "the caller hears \"Sorry\": there was nothing",
            "the scenario enters the step \"find\" after \"dial\": there was \"find\", \"dial\", \"talk\"",
            "the scenario logs \"a line\": there was nothing",
            "dials: expected \"303\", got \"302\"",
            "bridged: expected 60s, got 10s",
            "ended_by: expected caller, got callee",
            "cause: expected busy, got normal (200)",
            "key \"visits\": expected \"1\", got no such key",
        ]
    );
}

#[test]
fn a_call_has_a_longest_time() {
    let entry = stock("entry");
    let text = "
        [world]
        number = '302'
        lasts_at_most = '5m'
        [world.users.302]
        dialled = { then = 'answer', acts = [{ wait = '10m' }, 'hang-up'] }
        [[case]]
        name = 'a'
    ";
    let played = play(&engine(), &entry, &case(text));
    assert_eq!(played.failures, ["the call lasts longer than 300s"]);
}

/// Requests and events. The web template in Python has the script of the one in TypeScript, and takes long to compile:
/// `tests/tests/web_and_events.rs` asks it.
#[test]
fn templates_of_web_and_event_scenarios_pass_their_scripts() {
    for (language, world, script) in [
        ("ts", "web", "requests"),
        ("ts", "event", "events"),
        ("py", "event", "events"),
    ] {
        let file = root().join(format!("tests/guests/dist/{language}/{world}.wasm"));
        let bytes = std::fs::read(&file).expect("`make guests` makes the templates");
        let module = engine().load(&bytes).unwrap();
        let script = format!("sdk-wit/templates/{language}-{world}/tests/{script}.toml");
        for (name, played) in self::played(&script, &module) {
            assert!(
                played.failures.is_empty(),
                "{language}: {name}: {:#?}\n{}",
                played.failures,
                played.trace.join("\n")
            );
        }
    }
    let file = root().join("tests/guests/dist/ts/web.wasm");
    let web = engine().load(&std::fs::read(file).unwrap()).unwrap();
    let failures = |rest: &str| {
        let text = format!("[[case]]\nname = 'a'\n{rest}");
        play(&engine(), &web, &case(&text)).failures.join("; ")
    };
    // What came otherwise is told.
    let told = failures(
        "request = { path = '/orders', body = 'tea' }\n[case.expect.response]\nstatus = 200\n\
         headers = { content-type = 'text/html' }\njson = { order = 2 }\ncontains = ['x']\n",
    );
    for part in [
        "status: expected 200, got 201",
        "header content-type: expected \"text/html\", got \"application/json\"",
        "json: expected {\"order\":2}, got \"{\\\"order\\\":1}\"",
        "the body contains \"x\"",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    // A web scenario is started by no call, and by no event.
    let told = failures("event = { kind = 'timer' }\n");
    assert!(told.contains("web-scenario"), "{told}");
    // What it does not catch is told with its place: a key has 512 bytes at most.
    let key = "x".repeat(600);
    let told = failures(&format!("request = {{ path = '/orders', query = '{key}' }}\n"));
    assert!(
        told.contains("KvError") && told.contains("src/main.ts:"),
        "{told}"
    );
}

#[test]
fn the_book_shows_the_templates_as_they_are() {
    let book = std::fs::read_to_string(root().join("docs/scenarios/web-and-events.md")).unwrap();
    for template in [
        "rust-web/src/lib.rs",
        "rust-event/src/lib.rs",
        "ts-web/src/main.ts",
        "ts-event/src/main.ts",
        "py-web/main.py",
        "py-event/main.py",
    ] {
        let source = std::fs::read_to_string(root().join("sdk-wit/templates").join(template)).unwrap();
        assert!(book.contains(&source), "{template}");
    }
}
