//! docs/flow.schema.json is what the Rust types say.
#![cfg(feature = "schema")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;

/// The golden file is rewritten by `UPDATE_GOLDEN=1 cargo test --features schema`; read the diff.
#[test]
fn the_schema_is_up_to_date() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(flow::Flow)).unwrap() + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/flow.schema.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &schema).unwrap();
    }
    assert_eq!(schema, std::fs::read_to_string(&golden).unwrap());
}
