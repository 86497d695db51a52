//! Runs cargo so that equal inputs give equal bytes, wherever the checkout and cargo's cache lie.
//!
//! Two things carry a place into a module. Paths in panic messages: `--remap-path-prefix` gives them names of their
//! own. And the hash by which cargo tells crates of a name apart, which names functions and orders them: for a package
//! outside the workspace's folder (the SDK) it is made from the absolute path. So this program stands between cargo
//! and rustc for the workspace's members and gives them a hash made from the name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::Error;
use crate::metadata::{Guest, Plan};

/// The compilation target of all guests.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Set for the cargo that we start; its presence makes the program that called us a wrapper of rustc.
const WRAPS: &str = "TANDEM_GUEST_BUILD_WRAPS";

/// Builds the guests in release mode and gives their core modules, in the plan's order.
pub fn compile(plan: &Plan, rustc: &Path) -> Result<Vec<PathBuf>, Error> {
    let this = std::env::current_exe().map_err(Error::io("this program's path"))?;
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--quiet", "--locked", "--target", TARGET])
        .args(plan.guests.iter().flat_map(|guest| ["--package", &guest.name]))
        .current_dir(&plan.workspace)
        .env("RUSTC", rustc)
        .env("RUSTC_WORKSPACE_WRAPPER", this)
        .env(WRAPS, "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(plan, rustc).join("\x1f"))
        // What belongs to the build that started us must not leak into this one.
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_BUILD_TARGET");
    let status = cargo.status().map_err(Error::cargo)?;
    if !status.success() {
        return Err(Error::Build(plan.workspace.clone()));
    }
    let folder = plan.target_directory.join(TARGET).join("release");
    Ok(plan
        .guests
        .iter()
        .map(|Guest { library, .. }| folder.join(format!("{library}.wasm")))
        .collect())
}

/// The names under which paths appear in modules: of two that match, rustc takes the last.
fn flags(plan: &Plan, rustc: &Path) -> Vec<String> {
    let mut names = vec![(cargo_home(), "/cargo".to_owned())];
    if let Some(sysroot) = sysroot(rustc) {
        names.push((sysroot, "/rust".to_owned()));
    }
    for source in &plan.sources {
        let name = source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // The SDK's folder is called after its language.
        let name = if name == "rust" {
            "tandem-sdk".to_owned()
        } else {
            name
        };
        names.push((source.clone(), format!("/{name}")));
    }
    names
        .into_iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect()
}

fn cargo_home() -> PathBuf {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let default = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    named.unwrap_or_else(default)
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}

/// Under cargo: runs rustc with the member's own hash, and gives its exit code. Else `None`.
pub fn wrapped_rustc() -> Option<ExitCode> {
    std::env::var_os(WRAPS)?;
    let mut arguments = std::env::args_os().skip(1);
    let rustc = arguments.next()?;
    let arguments = rename(arguments.collect());
    match Command::new(&rustc).args(arguments).status() {
        Ok(status) => Some(ExitCode::from(
            u8::try_from(status.code().unwrap_or(1)).unwrap_or(1),
        )),
        Err(error) => {
            eprintln!("guest-build: {}: {error}", rustc.display());
            Some(ExitCode::FAILURE)
        }
    }
}

/// Replaces `-C metadata=…` by one made from the crate's name. Names of members differ, so no two crates are taken for one.
fn rename(arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments
        .iter()
        .position(|argument| argument == "--crate-name")
        .and_then(|at| arguments.get(at + 1))
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    arguments
        .into_iter()
        .map(|argument| {
            if argument.to_string_lossy().starts_with("metadata=") {
                OsString::from(format!("metadata=tandem-{name}"))
            } else {
                argument
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_told_apart_by_its_name_alone() {
        let line = |hash: &str| {
            [
                "--crate-name",
                "flow",
                "src/lib.rs",
                "-C",
                hash,
                "-C",
                "extra-filename=-1",
            ]
            .map(OsString::from)
            .to_vec()
        };
        let renamed = rename(line("metadata=1f3c"));
        assert_eq!(renamed, rename(line("metadata=77aa")));
        assert!(renamed.contains(&OsString::from("metadata=tandem-flow")));
        assert!(renamed.contains(&OsString::from("extra-filename=-1")));
    }
}
