//! Builds guests: every scenario of a cargo workspace becomes a component in the workspace's `dist/`.
//!
//! A guest is a member of the workspace with a library of crate type `cdylib`. Its package may say how it is packed:
//! `[package.metadata.guest] kind = "module"` leaves a core module as it is instead of making it a component.
//!
//! The way: [`toolchain`] finds the compiler → [`metadata`] lists the guests → [`stamp`] says whether anything changed
//! → [`compile`] runs cargo so that equal inputs give equal bytes → [`pack`] makes components and writes them.
//!
//! Aside, for Python: [`merged`] makes one core module of a component's many, where a builder links at instantiation, and
//! [`settle`] keeps calls from copying memory that they only read, or need not write to.
//!
//! Whoever calls [`build`] begins its `main` with [`wrapped_rustc`]: cargo runs the very program around rustc.

mod compile;
mod heap;
mod image;
mod immortal;
mod merge;
mod metadata;
mod pack;
mod stamp;
mod toolchain;

use std::path::{Path, PathBuf};

pub use compile::wrapped_rustc;
pub use merge::merged;
pub use pack::replace;

/// Why there are no guests.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused something.
    #[error("{what}: {error}")]
    Io {
        /// A file, or a program.
        what: String,
        /// How.
        error: std::io::Error,
    },
    /// A program that is needed is not there: what to do about it.
    #[error("{program} is missing: {advice}")]
    Missing {
        /// Which.
        program: &'static str,
        /// Where to get it.
        advice: &'static str,
    },
    /// Rust is there, its target for guests is not, and it could not be had: why.
    #[error("no guest compiler: {0}")]
    Toolchain(String),
    /// Cargo does not understand the workspace.
    #[error("cargo metadata for {}: {why}", workspace.display())]
    Metadata {
        /// The folder.
        workspace: PathBuf,
        /// What cargo says.
        why: String,
    },
    /// There is nothing to build.
    #[error("{} has no member with crate type cdylib", .0.display())]
    NoGuests(PathBuf),
    /// Cargo has said why.
    #[error("cargo build failed in {}", .0.display())]
    Build(PathBuf),
    /// What was built is no component of our world.
    #[error("{guest}: {why}")]
    Component {
        /// The guest's name.
        guest: String,
        /// In words.
        why: String,
    },
}

impl Error {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        |error| Self::Io { what, error }
    }

    fn cargo(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Self::Missing {
                program: "cargo",
                advice: "install Rust from https://rustup.rs",
            };
        }
        Self::io("cargo")(error)
    }
}

/// Whose lock file decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The one at hand, which must fit.
    Strict,
    /// The one at hand; cargo may bring it up to date with the manifest.
    Open,
}

/// Settles the memory that a merged component begins with, so that a call copies less of it: objects that it notes, as
/// ours in Python do, become immortal, and free memory between what is in use is taken out of use. The error says for
/// people what cannot be; the component runs then too.
pub fn settle(component: &mut [u8]) -> Result<(), String> {
    immortal::immortalise(component)?;
    heap::retire(component)?;
    Ok(())
}

/// A guest in `dist/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The package's name.
    pub name: String,
    /// The component, or the core module.
    pub file: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// Whether it was there already.
    pub up_to_date: bool,
}

/// Brings one workspace's `dist/` up to date and tells what is in it.
pub fn build(workspace: &Path, lock: Lock) -> Result<Vec<Built>, Error> {
    let workspace = workspace
        .canonicalize()
        .map_err(Error::io(format!("workspace {}", workspace.display())))?;
    // First what is quick to say.
    let plan = metadata::read(&workspace, lock)?;
    if plan.guests.is_empty() {
        return Err(Error::NoGuests(workspace));
    }
    let rustc = toolchain::rustc()?;
    let dist = workspace.join("dist");
    std::fs::create_dir_all(&dist).map_err(Error::io(dist.display().to_string()))?;
    let stamp = stamp::of(&plan, &rustc)?;
    let up_to_date = stamp::is_current(&dist, &stamp, &plan.guests);
    if !up_to_date {
        let modules = compile::compile(&plan, &rustc)?;
        for (guest, module) in plan.guests.iter().zip(&modules) {
            pack::pack(guest, module, &dist)?;
        }
        pack::remove_others(&dist, &plan.guests)?;
        stamp::write(&dist, &stamp)?;
    }
    let built = plan
        .guests
        .iter()
        .map(|guest| pack::built(&dist, &guest.name, up_to_date));
    built.collect()
}
