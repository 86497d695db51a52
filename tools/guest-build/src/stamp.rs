//! Whether anything changed since the last build: one hash over all that goes into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::metadata::{Guest, Plan};

/// Folders that hold nothing that is built from.
const SKIPPED: [&str; 3] = ["target", "dist", ".git"];

/// The hash of sources, lock file, contract, compiler and of this program itself.
pub fn of(plan: &Plan, rustc: &Path) -> Result<String, Error> {
    let mut hash = blake3::Hasher::new();
    let version = Command::new(rustc)
        .arg("-vV")
        .output()
        .map_err(Error::io(format!("guest compiler {}", rustc.display())))?;
    hash.update(&version.stdout);
    hash.update(rustc.as_os_str().as_encoded_bytes());
    let this = std::env::current_exe().map_err(Error::io("this program's path"))?;
    hash.update(&std::fs::read(&this).map_err(Error::io(this.display().to_string()))?);

    let mut files = vec![
        plan.workspace.join("Cargo.toml"),
        plan.workspace.join("Cargo.lock"),
    ];
    for source in &plan.sources {
        walk(source, &mut files)?;
        // The SDK's contract lies beside it; a workspace member of that name would be walked as a source anyway.
        let contract = source.join("../wit");
        if contract.is_dir() {
            walk(&contract, &mut files)?;
        }
    }
    files.sort();
    files.dedup();
    for file in files {
        hash.update(file.as_os_str().as_encoded_bytes());
        let bytes = std::fs::read(&file).map_err(Error::io(file.display().to_string()))?;
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hash.finalize().to_hex().to_string())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder.display().to_string()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !SKIPPED.iter().any(|skipped| *entry.file_name() == **skipped) {
                walk(&path, files)?;
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether `dist/` holds every guest, made from what `stamp` stands for.
pub fn is_current(dist: &Path, stamp: &str, guests: &[Guest]) -> bool {
    std::fs::read_to_string(dist.join(".stamp")).is_ok_and(|last| last == stamp)
        && guests
            .iter()
            .all(|guest| dist.join(format!("{}.wasm", guest.name)).is_file())
}

/// Remembers what `dist/` was made from.
pub fn write(dist: &Path, stamp: &str) -> Result<(), Error> {
    let file = dist.join(".stamp");
    std::fs::write(&file, stamp).map_err(Error::io(file.display().to_string()))
}
