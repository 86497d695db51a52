//! Builds guests: every scenario of a cargo workspace becomes a component in the workspace's `dist/`.
//!
//! ```text
//! guest-build [WORKSPACE…]      by default: scenarios, and tests/guests where it is there
//! ```
//!
//! A guest is a member of the workspace with a library of crate type `cdylib`. Its package may say how it is packed:
//! `[package.metadata.guest] kind = "module"` leaves a core module as it is instead of making it a component.
//!
//! The way: [`toolchain`] finds the compiler → [`metadata`] lists the guests → [`stamp`] says whether anything changed
//! → [`compile`] runs cargo so that equal inputs give equal bytes → [`pack`] makes components and writes them.
//!
//! Exit codes: 0 all guests are there and up to date · 1 a build failed, its messages are above · 2 wrong arguments.

mod compile;
mod metadata;
mod pack;
mod stamp;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Why there are no guests.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{what}: {error}")]
    Io { what: String, error: std::io::Error },
    #[error("no guest compiler: {0}")]
    Toolchain(String),
    #[error("cargo metadata for {}: {why}", workspace.display())]
    Metadata { workspace: PathBuf, why: String },
    #[error("{} has no member with crate type cdylib", .0.display())]
    NoGuests(PathBuf),
    #[error("cargo build failed in {}", .0.display())]
    Build(PathBuf),
    #[error("{guest}: {why}")]
    Component { guest: String, why: String },
}

impl Error {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        |error| Self::Io { what, error }
    }
}

fn main() -> ExitCode {
    // Cargo runs this very program around rustc: see `compile`.
    if let Some(code) = compile::wrapped_rustc() {
        return code;
    }
    let mut workspaces = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument.starts_with('-') {
            println!(
                "usage: guest-build [WORKSPACE…]   (by default scenarios and tests/guests of this checkout)"
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
        if let Err(error) = build(&root, workspace) {
            eprintln!("guest-build: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The checkout this program was built in.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Brings one workspace's `dist/` up to date and lists it.
fn build(root: &Path, workspace: &Path) -> Result<(), Error> {
    let workspace = workspace
        .canonicalize()
        .map_err(Error::io(format!("workspace {}", workspace.display())))?;
    let rustc = toolchain::rustc(root)?;
    let plan = metadata::read(&workspace)?;
    if plan.guests.is_empty() {
        return Err(Error::NoGuests(workspace));
    }
    let dist = workspace.join("dist");
    std::fs::create_dir_all(&dist).map_err(Error::io(dist.display().to_string()))?;
    let stamp = stamp::of(&plan, &rustc)?;
    if stamp::is_current(&dist, &stamp, &plan.guests) {
        for guest in &plan.guests {
            pack::report(&dist, &guest.name, "up to date")?;
        }
        return Ok(());
    }
    let modules = compile::compile(&plan, &rustc)?;
    for (guest, module) in plan.guests.iter().zip(&modules) {
        pack::pack(guest, module, &dist)?;
        pack::report(&dist, &guest.name, "built")?;
    }
    pack::remove_others(&dist, &plan.guests)?;
    stamp::write(&dist, &stamp)
}
