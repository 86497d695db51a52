//! What a guest workspace holds, as cargo tells it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::{Error, Lock};

/// A workspace's guests, and the folders whose change means building again.
pub struct Plan {
    pub workspace: PathBuf,
    pub target_directory: PathBuf,
    pub guests: Vec<Guest>,
    /// The folders of all packages that come from a path: members, the SDK, others.
    pub sources: Vec<PathBuf>,
}

/// One member to build.
pub struct Guest {
    /// The package's name, and of its file in `dist/`.
    pub name: String,
    /// The name of the library, as rustc writes its file.
    pub library: String,
    pub kind: Kind,
}

/// How a guest is packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A component of the world that its module names.
    #[default]
    Component,
    /// The core module as it is: a test of what a host refuses.
    Module,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    /// None: the package comes from a path.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    metadata: Option<PackageMetadata>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct PackageMetadata {
    guest: Option<GuestMetadata>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuestMetadata {
    kind: Kind,
}

/// Asks cargo. Guests come sorted by name.
pub fn read(workspace: &Path, lock: Lock) -> Result<Plan, Error> {
    let refuse = |why: String| Error::Metadata {
        workspace: workspace.to_path_buf(),
        why,
    };
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1"])
        .args((lock == Lock::Strict).then_some("--locked"))
        .current_dir(workspace)
        // The guests' target directory is their own, also when this program was started by a build that names another.
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .map_err(Error::cargo)?;
    if !output.status.success() {
        return Err(refuse(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| refuse(error.to_string()))?;
    let mut guests = Vec::new();
    let mut sources = Vec::new();
    for package in metadata.packages {
        if package.source.is_none()
            && let Some(folder) = package.manifest_path.parent()
        {
            sources.push(folder.to_path_buf());
        }
        let library = package
            .targets
            .iter()
            .find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"));
        if let Some(library) = library.filter(|_| metadata.workspace_members.contains(&package.id)) {
            guests.push(Guest {
                name: package.name,
                library: library.name.replace('-', "_"),
                kind: package
                    .metadata
                    .and_then(|all| all.guest)
                    .map(|guest| guest.kind)
                    .unwrap_or_default(),
            });
        }
    }
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    sources.sort();
    Ok(Plan {
        workspace: workspace.to_path_buf(),
        target_directory: metadata.target_directory,
        guests,
        sources,
    })
}
