//! Parts of the program that are not Rust: the stock scenarios, whose absence is said in words, and the SDKs with their
//! project templates, which `tandem scenario new` writes out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Folders of `sdk-wit` that hold what was built or fetched.
const SKIPPED: [&str; 5] = ["target", "dist", "node_modules", "__pycache__", ".venv"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dist = root.join("scenarios/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    for name in [
        "callback",
        "callback-watch",
        "crm",
        "entry",
        "flow",
        "hours",
        "line",
        "recorder",
        "reminder",
        "reminder-watch",
        "ring-group",
        "voicemail",
    ] {
        let file = dist.join(name).with_extension("wasm");
        if !file.is_file() {
            println!(
                "cargo::error={} is missing: run `make scenarios` first",
                file.display()
            );
        }
    }
    if let Err(error) = embed(&root.join("sdk-wit")) {
        println!("cargo::error=sdk-wit cannot be read: {error}");
    }
}

/// Writes a table of all files of the SDKs: paths within `sdk-wit`, and contents.
fn embed(sdk: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    walk(sdk, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(sdk).unwrap_or(&file);
        let full = file.canonicalize()?;
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "    ({:?}, include_bytes!({:?})),",
            name.display().to_string(),
            full.display().to_string()
        );
    }
    table.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    std::fs::write(out.join("sdk.rs"), table)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                walk(&path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}
