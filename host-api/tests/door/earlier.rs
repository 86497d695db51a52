//! What was written against an earlier version of the contract goes on working.

use std::path::Path;

use tandem_host_api::{End, Rules};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::support::{Call, engine, plain};

/// A component that imports every function of a released version and exports its handler.
fn component_of(version: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../sdk-wit/released")
        .join(version);
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&folder).unwrap();
    let world = resolve.select_world(&[package], Some("call-scenario")).unwrap();
    let mangling = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = wit_component::dummy_module(&resolve, world, mangling);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap().encode().unwrap()
}

#[tokio::test]
async fn every_function_of_each_released_version_is_served() {
    let released = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk-wit/released")).unwrap();
    let mut seen = 0;
    for version in released {
        let version = version.unwrap().file_name().into_string().unwrap();
        let bytes = component_of(&version);
        engine().load(&bytes).unwrap();
        let rules = Rules {
            start: true,
            ..Rules::default()
        };
        let verdict = engine().validate(&bytes, &rules).await;
        assert!(verdict.is_good(), "{verdict:?}");
        let world = format!("tandem:pbx/call-scenario@{version}.0");
        assert_eq!(verdict.world.as_deref(), Some(world.as_str()));
        seen += 1;
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn a_module_built_against_0_1_runs_and_keeps_its_hash() {
    let bytes = include_bytes!("../data/panics-0.1.wasm");
    let module = engine().load(bytes).unwrap();
    assert_eq!(module.hash(), blake3::hash(bytes).to_hex().as_str());
    let left = Call::default().run(&module, plain(0)).await;
    assert!(
        matches!(&left.finished.end, End::Trapped { .. }),
        "{:?}",
        left.finished.end
    );
    assert!(!left.asked.is_empty());
}
