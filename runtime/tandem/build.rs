//! The stock scenarios are part of the program: says what to do where they have not been built.

use std::path::Path;

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    for name in ["entry", "flow"] {
        let file = dist.join(name).with_extension("wasm");
        if !file.is_file() {
            println!(
                "cargo::error={} is missing: run `make scenarios` first",
                file.display()
            );
        }
    }
}
