//! What may be loaded, and what is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tandem_host_api::{Engine, EngineConfig, EngineError, LoadError};

use crate::support::{engine, guest};

fn small(cache_dir: &std::path::Path) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(cache_dir.to_owned()),
        instances_max: 4,
        ..EngineConfig::default()
    }
}

#[test]
fn bytes_that_are_no_component_are_named() {
    let engine = engine();
    assert_eq!(engine.load(b"PK\x03\x04 a zip").unwrap_err(), LoadError::NotWasm);
    assert_eq!(engine.load(b"").unwrap_err(), LoadError::NotWasm);
    let core = wat::parse_str("(module)").unwrap();
    assert_eq!(engine.load(&core).unwrap_err(), LoadError::NotComponent);
    let mut cut = guest("idle");
    cut.truncate(40);
    assert!(matches!(engine.load(&cut).unwrap_err(), LoadError::Invalid(_)));
    let large = vec![0; (32 << 20) + 1];
    assert!(matches!(
        engine.load(&large).unwrap_err(),
        LoadError::TooLarge { .. }
    ));
}

#[test]
fn foreign_imports_are_refused_by_name_all_at_once() {
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance (export "a" (func))))
        (import "tandem:pbx/conference@0.2.0" (instance (export "b" (func))))
        (import "tandem:pbx/random@0.2.0" (instance (export "next" (func (result u64))))))"#;
    let refused = engine().load(&wat::parse_str(text).unwrap()).unwrap_err();
    let names = ["wasi:cli/environment@0.2.0", "tandem:pbx/conference@0.2.0"].map(str::to_owned);
    assert_eq!(refused, LoadError::ImportsRefused(names.to_vec()));
}

#[test]
fn missing_handler_and_ill_fitting_import_are_told() {
    let bare = wat::parse_str("(component)").unwrap();
    let refused = engine().load(&bare).unwrap_err();
    assert_eq!(refused, LoadError::NoHandler(Vec::new()));
    assert!(refused.to_string().ends_with("it exports nothing"), "{refused}");
    let text = String::from_utf8(fs::read(guest_path("storm")).unwrap()).unwrap();
    let ill = text
        .replace("(result u64)", "(result u32)")
        .replace("(result i64)", "(result i32)");
    let refused = engine().load(&wat::parse_str(ill).unwrap()).unwrap_err();
    assert!(
        matches!(&refused, LoadError::Interface { why, .. } if why.contains("now-ms")),
        "{refused}"
    );
}

fn guest_path(name: &str) -> String {
    format!("{}/../tests/guests/{name}.wat", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn module_is_found_by_its_hash() {
    let bytes = guest("idle");
    let module = engine().load(&bytes).unwrap();
    assert_eq!(module.hash(), blake3::hash(&bytes).to_hex().as_str());
    assert!(engine().cached(module.hash()).is_some());
    assert!(engine().cached("0000").is_none());
}

#[test]
fn the_module_used_longest_ago_is_forgotten_first() {
    let config = EngineConfig {
        modules_max: 2,
        instances_max: 4,
        ..EngineConfig::default()
    };
    let engine = Engine::new(config).unwrap();
    let [idle, trap, error] = ["idle", "trap", "error"].map(guest);
    let idle_hash = engine.load(&idle).unwrap().hash().to_owned();
    let trap_hash = engine.load(&trap).unwrap().hash().to_owned();
    engine.cached(&idle_hash).unwrap();
    engine.load(&error).unwrap();
    assert!(engine.cached(&idle_hash).is_some());
    assert!(engine.cached(&trap_hash).is_none());
}

/// Files of components' code; what their functions are made of faster lies beside them.
pub fn code_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|suffix| suffix == "cwasm"))
        .collect()
}

#[test]
fn compiled_code_is_kept_private_and_made_anew_when_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("code");
    let bytes = guest("idle");
    Engine::new(small(&cache)).unwrap().load(&bytes).unwrap();
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    let files = code_in(&cache);
    let [file] = &files[..] else { panic!("{files:?}") };
    let written = fs::read(file).unwrap();
    // Read back by another engine.
    Engine::new(small(&cache)).unwrap().load(&bytes).unwrap();
    // One bit in the middle of the machine code.
    let mut damaged = written.clone();
    damaged[written.len() / 2] ^= 1;
    fs::write(file, &damaged).unwrap();
    Engine::new(small(&cache)).unwrap().load(&bytes).unwrap();
    assert_eq!(fs::read(file).unwrap().len(), written.len());
    assert_ne!(fs::read(file).unwrap(), damaged);
    // Cut.
    fs::write(file, &written[..20]).unwrap();
    Engine::new(small(&cache)).unwrap().load(&bytes).unwrap();
    assert!(fs::read(file).unwrap().len() > 1_000);
}

#[test]
fn cache_directory_open_to_others_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let refused = Engine::new(small(dir.path())).err().unwrap();
    assert!(
        matches!(&refused, EngineError::CacheDir { reason, .. } if reason.contains("755")),
        "{refused}"
    );
}
