//! All that can be wrong with a file, each by a file that has it.

use std::time::{Duration, Instant};

use tandem_host_api::{Code, Engine, EngineConfig, Grants, Limits, Rules, Verdict, WORLD};

use crate::modules::code_in;
use crate::support::{engine, guest};

async fn look(bytes: &[u8]) -> Verdict {
    engine().validate(bytes, &Rules::default()).await
}

async fn look_at(text: &str) -> Verdict {
    look(&wat::parse_str(text).unwrap()).await
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.problems.iter().map(|problem| problem.code).collect()
}

fn only(verdict: &Verdict) -> (Code, &str) {
    match verdict.problems.as_slice() {
        [one] => (one.code, &one.detail),
        other => panic!("{other:?}"),
    }
}

/// These problems and no others, in this order, each with some of its words.
fn assert_told(verdict: &Verdict, expected: &[(Code, &str)]) {
    assert_eq!(verdict.problems.len(), expected.len(), "{verdict:?}");
    for (problem, (code, words)) in verdict.problems.iter().zip(expected) {
        assert_eq!(problem.code, *code, "{problem}");
        assert!(problem.detail.contains(words), "{}", problem.detail);
    }
}

/// A whole scenario, with more imports and another core module.
fn scenario(imports: &str, code: &str) -> String {
    format!(
        r#"(component
  (import "tandem:pbx/leg@0.2.0" (instance $leg (export "leg" (type (sub resource)))))
  (alias export $leg "leg" (type $leg-type))
  {imports}
  (core module $code
    (func (export "handle") (param i32) (result i32) (i32.const 0))
    {code})
  (core instance $main (instantiate $code))
  (func $handle (param "caller" (own $leg-type)) (result (result (error string)))
    (canon lift (core func $main "handle") (memory (core memory $main "memory"))))
  (instance $handler (export "handle" (func $handle)))
  (export "tandem:pbx/call-handler@0.2.0" (instance $handler)))"#
    )
}

const MEMORY: &str = r#"(memory (export "memory") 1)"#;

#[tokio::test]
async fn good_scenario_has_no_problem_and_its_code_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let config = || EngineConfig {
        cache_dir: Some(dir.path().join("code")),
        instances_max: 4,
        ..EngineConfig::default()
    };
    let bytes = guest("idle");
    let verdict = Engine::new(config())
        .unwrap()
        .validate(&bytes, &Rules::default())
        .await;
    assert!(verdict.is_good(), "{verdict:?}");
    assert_eq!(verdict.world.as_deref(), Some(WORLD));
    assert_eq!(verdict.hash, blake3::hash(&bytes).to_hex().as_str());
    assert!(verdict.compiled);
    // An engine of another pool, as the server's is, finds it.
    let config = EngineConfig {
        instances_max: 100,
        memory_max_bytes: 64 << 20,
        ..config()
    };
    let server = Engine::new(config).unwrap();
    assert!(server.load_compiled(&bytes).unwrap().is_some());
    assert!(server.load_compiled(&guest("trap")).unwrap().is_none());
}

#[tokio::test]
async fn what_is_refused_leaves_no_code() {
    let dir = tempfile::tempdir().unwrap();
    let config = EngineConfig {
        cache_dir: Some(dir.path().join("code")),
        instances_max: 4,
        ..EngineConfig::default()
    };
    let engine = Engine::new(config).unwrap();
    let rules = Rules {
        grants: Grants::only(&[]).unwrap(),
        ..Rules::default()
    };
    let verdict = engine.validate(&guest("idle"), &rules).await;
    assert_eq!(codes(&verdict), [Code::ImportNotGranted]);
    assert!(code_in(&dir.path().join("code")).is_empty());
}

#[tokio::test]
async fn what_is_no_component_is_told_what_it_is() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"PK\x03\x04 and so on", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x7fELF", "Linux"),
        (b"(component)", "WAT"),
        (b"export function handle() {}", "no WASM component"),
    ] {
        let verdict = look(bytes).await;
        let (code, detail) = only(&verdict);
        assert_eq!(code, Code::NotWasm);
        assert!(detail.contains(word), "{detail}");
    }
    let core = wat::parse_str("(module)").unwrap();
    assert_eq!(only(&look(&core).await).0, Code::NotComponent);
}

/// A hundred megabytes cost no more than their hash.
#[tokio::test]
async fn too_large_a_file_is_not_read() {
    let mut large = guest("idle");
    large.resize(100 << 20, 0);
    let began = Instant::now();
    let verdict = look(&large).await;
    let (code, detail) = only(&verdict);
    assert_eq!(code, Code::TooLarge);
    assert!(detail.contains("104857600 bytes"), "{detail}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn nonsense_behind_a_right_beginning_is_malformed() {
    let mut nonsense = b"\0asm\x0d\0\x01\0".to_vec();
    nonsense.extend((0..1_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()));
    let verdict = look(&nonsense).await;
    assert!(codes(&verdict).contains(&Code::Malformed), "{verdict:?}");
    let mut cut = guest("idle");
    cut.truncate(cut.len() - 10);
    assert!(codes(&look(&cut).await).contains(&Code::Malformed));
}

#[tokio::test]
async fn every_import_that_cannot_be_had_is_named_at_once() {
    let imports = r#"
  (import "tandem:pbx/claendar@0.2.0" (instance (export "a" (func))))
  (import "tandem:pbx/dail@0.2.0" (instance (export "a" (func))))
  (import "tandem:pbx/random@0.9.0" (instance (export "next" (func (result u64)))))
  (import "wasi:cli/environment@0.2.0" (instance (export "a" (func))))
  (import "wasi:sockets/tcp@0.2.0" (instance (export "a" (func))))
  (import "tandem:pbx/key-value@0.2.0" (instance))"#;
    let rules = Rules {
        grants: Grants::only(&["leg".to_owned()]).unwrap(),
        ..Rules::default()
    };
    let bytes = wat::parse_str(scenario(imports, MEMORY)).unwrap();
    let verdict = engine().validate(&bytes, &rules).await;
    let expected = [
        (Code::UnknownImport, "claendar"),
        (Code::UnknownImport, "did you mean `tandem:pbx/dial@0.2.0`?"),
        (Code::UnknownImport, "there is `tandem:pbx/random@0.2.0`"),
        (Code::WasiImport, "wasi:cli/environment@0.2.0"),
        (Code::WasiImport, "wasi:sockets/tcp@0.2.0"),
        (Code::ImportNotGranted, "tandem:pbx/key-value@0.2.0"),
    ];
    assert_told(&verdict, &expected);
}

#[tokio::test]
async fn other_worlds_and_no_world_are_told_apart() {
    let verdict = look_at("(component)").await;
    let (code, detail) = only(&verdict);
    assert_eq!((code, &verdict.world), (Code::NoHandler, &None));
    assert!(detail.ends_with("it exports nothing"), "{detail}");
    let verdict =
        look_at(r#"(component (instance $i) (export "tandem:pbx/fax-handler@3.0.0" (instance $i)))"#).await;
    let (code, detail) = only(&verdict);
    assert_eq!(code, Code::UnknownWorld);
    assert!(detail.contains("`tandem:pbx/fax-handler@3.0.0`"), "{detail}");
}

#[tokio::test]
async fn an_import_or_a_handler_of_another_shape_is_told() {
    let import = r#"(import "tandem:pbx/clock@0.2.0" (instance (export "now-ms" (func (result u32)))))"#;
    let verdict = look_at(&scenario(import, MEMORY)).await;
    let (code, detail) = only(&verdict);
    assert_eq!(code, Code::WrongShape);
    assert!(detail.contains("now-ms"), "{detail}");
    // Each of them, and what does not exist beside them.
    let imports = r#"
        (import "tandem:pbx/clock@0.2.0" (instance
            (export "now-ms" (func (result u32))) (export "wait" (func (param "ms" u64)))))
        (import "tandem:pbx/random@0.2.0" (instance (export "dice" (func (result u32)))))
        (import "tandem:pbx/log@0.2.0" (instance (export "log" (type (sub resource)))))
        (import "tandem:pbx/config@0.2.0" (instance (export "document" (func (result string)))))
        (import "tandem:pbx/fax@0.2.0" (instance (export "send" (func)) (export "page" (type (sub resource)))))
        (import "loose" (func))"#;
    let verdict = look_at(&scenario(imports, MEMORY)).await;
    let expected = [
        (Code::UnknownImport, "fax"),
        (Code::UnknownImport, "loose"),
        (Code::WrongShape, "now-ms"),
        (Code::WrongShape, "dice"),
        (Code::WrongShape, "tandem:pbx/log@0.2.0"),
    ];
    assert_told(&verdict, &expected);
    let handler = r#"(component (instance $i) (export "tandem:pbx/call-handler@0.2.0" (instance $i)))"#;
    assert_eq!(only(&look_at(handler).await).0, Code::WrongShape);
}

/// As any component has it that dials: what one interface uses of another is no fault of either.
#[tokio::test]
async fn the_interface_is_named_that_does_not_fit_and_none_that_shares_a_resource_with_others() {
    let shares = |name: &str, more: &str| {
        format!(
            r#"(import "tandem:pbx/{name}@0.2.0" (instance
                (alias outer 1 $leg-type (type $of-leg))
                (export "leg" (type $own (eq $of-leg))) {more}))"#
        )
    };
    let imports = |clock: &str, unknown: &str| {
        let bridge = r#"(type $e (enum "first-hung-up")) (export "x" (type (eq $e)))"#;
        let clock = format!(
            r#"(import "tandem:pbx/clock@0.2.0" (instance (export "now-ms" (func (result {clock})))))"#
        );
        format!(
            "{} {} {clock} {unknown}",
            shares("dial", ""),
            shares("bridge", bridge)
        )
    };
    let verdict = look_at(&scenario(&imports("u64", ""), MEMORY)).await;
    assert!(verdict.is_good(), "{verdict:?}");
    let verdict = look_at(&scenario(&imports("u32", ""), MEMORY)).await;
    let (code, detail) = only(&verdict);
    assert_eq!(code, Code::WrongShape);
    assert!(detail.contains("now-ms") && !detail.contains("dial@"), "{detail}");
    // Its start is tried although something does not exist.
    let unknown = r#"(import "tandem:pbx/fax@0.2.0" (instance (export "send" (func))))"#;
    let traps = format!("{MEMORY} (func $no unreachable) (start $no)");
    let verdict = look_at(&scenario(&imports("u64", unknown), &traps)).await;
    assert_eq!(
        codes(&verdict),
        [Code::UnknownImport, Code::StartTraps],
        "{verdict:?}"
    );
}

#[tokio::test]
async fn what_a_file_says_is_not_repeated_without_end() {
    let long = "x".repeat(5_000);
    let import =
        format!(r#"(import "tandem:pbx/clock@0.2.0" (instance (export "{long}" (func (result u32)))))"#);
    let verdict = look_at(&scenario(&import, MEMORY)).await;
    let (code, detail) = only(&verdict);
    assert_eq!((code, detail.chars().count()), (Code::WrongShape, 1_001));
}

#[tokio::test]
async fn what_it_takes_from_its_start_is_bounded() {
    let verdict = look(&guest("memory-huge")).await;
    assert_eq!(codes(&verdict), [Code::MemoryAtStart], "{verdict:?}");
    let many = format!("{MEMORY} {}", "(memory 1)".repeat(4));
    assert_eq!(
        only(&look_at(&scenario("", &many)).await).0,
        Code::TooManyMemories
    );
    let tables = format!("{MEMORY} {}", "(table 1 funcref)".repeat(65));
    assert_eq!(
        codes(&look_at(&scenario("", &tables)).await),
        [Code::TooManyTables]
    );
    let table = format!("{MEMORY} (table 99999999 funcref)");
    assert_eq!(
        codes(&look_at(&scenario("", &table)).await),
        [Code::TablesAtStart]
    );
    let instances = "(core module $n) ".to_owned() + &"(core instance (instantiate $n))".repeat(65);
    let verdict = look_at(&scenario(&instances, MEMORY)).await;
    assert_eq!(codes(&verdict), [Code::TooManyInstances], "{verdict:?}");
}

/// Those that the survey cannot count: they are a nested component's.
#[tokio::test]
async fn nested_instances_are_counted_by_the_compiler() {
    let nested = "(component $c (core module $n) ".to_owned()
        + &"(core instance (instantiate $n))".repeat(65)
        + ") (instance (instantiate $c))";
    assert_eq!(
        only(&look_at(&scenario(&nested, MEMORY)).await).0,
        Code::TooManyInstances
    );
    let nested = "(component $c (core module $n (memory 1)) ".to_owned()
        + &"(core instance (instantiate $n))".repeat(9)
        + ") (instance (instantiate $c))";
    assert_eq!(
        only(&look_at(&scenario(&nested, MEMORY)).await).0,
        Code::TooManyMemories
    );
    let nested = r"(component $c (core module $n (memory 600)) (core instance (instantiate $n)) (core instance (instantiate $n)))
        (instance (instantiate $c))";
    assert_eq!(
        only(&look_at(&scenario(nested, MEMORY)).await).0,
        Code::MemoryAtStart
    );
}

#[tokio::test]
async fn a_start_that_traps_or_never_ends_is_told() {
    let traps = format!("{MEMORY} (func $lay_the_fire (unreachable)) (start $lay_the_fire)");
    let verdict = look_at(&scenario("", &traps)).await;
    let (code, detail) = only(&verdict);
    assert_eq!(code, Code::StartTraps);
    assert!(detail.contains("in lay_the_fire: "), "{detail}");

    let spins = format!("{MEMORY} (func $spin (loop (br 0))) (start $spin)");
    let bytes = wat::parse_str(scenario("", &spins)).unwrap();
    // Half of it, but no less than what others may take of the machine meanwhile.
    for (cpu_ms, allowed) in [(600, "at most 300 allowed"), (10, "at most 200 allowed")] {
        let limits = Limits {
            cpu: Duration::from_millis(cpu_ms),
            wall: Duration::from_millis(10),
            ..Limits::default()
        };
        let rules = Rules {
            limits,
            ..Rules::default()
        };
        let verdict = engine().validate(&bytes, &rules).await;
        let (code, detail) = only(&verdict);
        assert_eq!(code, Code::StartTooLong);
        assert!(detail.contains(allowed), "{detail}");
    }

    let eats = format!("{MEMORY} (func $eat (loop (drop (memory.grow (i32.const 16))) (br 0))) (start $eat)");
    assert_eq!(only(&look_at(&scenario("", &eats)).await).0, Code::MemoryAtStart);
}

#[tokio::test]
async fn names_of_a_file_cannot_flood_whoever_reads_the_answer() {
    let imports: Vec<String> = (0..1_000)
        .map(|n| format!("(import \"{}x{n}\" (func))", "long-".repeat(200)))
        .collect();
    let imports = imports.concat();
    let verdict = look_at(&scenario(&imports, MEMORY)).await;
    assert_eq!(verdict.problems.len(), 64);
    assert!(verdict.problems_untold > 0);
    let told: usize = verdict.problems.iter().map(|problem| problem.detail.len()).sum();
    assert!(told < 64 * 300, "{told}");
}

#[tokio::test]
async fn every_test_guest_that_is_not_too_large_could_run() {
    for name in [
        "branch",
        "error",
        "loop",
        "memory-bomb",
        "sleeper",
        "storm",
        "thousand",
        "trap",
    ] {
        let verdict = look(&guest(name)).await;
        assert!(verdict.is_good(), "{name}: {verdict:?}");
    }
}
