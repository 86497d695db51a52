//! Builds the guests of this checkout, or those of the workspaces that are named.
//!
//! ```text
//! guest-build [WORKSPACE…]      by default: scenarios, and tests/guests where it is there
//! guest-build merge FILE        makes one core module of all that the component in FILE links when it is instantiated,
//!                               and settles the memory that it begins with
//! ```
//!
//! Exit codes: 0 all guests are there and up to date · 1 a build failed, its messages are above · 2 wrong arguments.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use guest_build::Lock;

fn main() -> ExitCode {
    if let Some(code) = guest_build::wrapped_rustc() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, file] = &arguments[..]
        && command == "merge"
    {
        return merge(Path::new(file));
    }
    let mut workspaces = Vec::new();
    for argument in arguments {
        if argument.starts_with('-') {
            println!(
                "usage: guest-build [WORKSPACE…]   (by default scenarios and tests/guests of this checkout)\n\
                 \x20      guest-build merge FILE"
            );
            return if argument == "--help" || argument == "-h" {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            };
        }
        workspaces.push(PathBuf::from(argument));
    }
    let root = root();
    if workspaces.is_empty() {
        workspaces.extend(
            ["scenarios", "tests/guests"]
                .iter()
                .map(|folder| root.join(folder))
                .filter(|folder| folder.join("Cargo.toml").exists()),
        );
    }
    for workspace in &workspaces {
        match guest_build::build(workspace, Lock::Strict) {
            Ok(guests) => {
                for guest in guests {
                    let what = if guest.up_to_date { "up to date" } else { "built" };
                    println!(
                        "{:<16} {:>9} bytes  blake3 {}  {what}",
                        guest.name, guest.bytes, guest.hash
                    );
                }
            }
            Err(error) => {
                eprintln!("guest-build: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn merge(file: &Path) -> ExitCode {
    let merged = std::fs::read(file)
        .map_err(|error| error.to_string())
        .and_then(|component| {
            let mut merged = guest_build::merged(&component)?;
            guest_build::settle(&mut merged)?;
            Ok(merged)
        })
        .and_then(|merged| guest_build::replace(file, &merged).map_err(|error| error.to_string()));
    match merged {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("guest-build: {}: {why}", file.display());
            ExitCode::FAILURE
        }
    }
}

/// The checkout this program was built in.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
