//! `tandem scenario gc`: removes versions that nothing refers to, and files that no version has.
//!
//! Calls in progress, and those that a start would take up again, have their version's hash in the logs of
//! `DATA/journal`. Every file there is searched for it: what a log still holds of calls that ended spares a version
//! too, until that part of the log is gone. A server that runs is not disturbed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use serde::Serialize;
use tandem_store::{DomainScope, Module, Spare, Store, StoreError, Stray};

use super::number::short;
use super::{Context, Failure};
use crate::output::{self, Table};

/// Digits of a hash.
const HASH_DIGITS: usize = 64;
/// For how long a server might at most begin calls by what it knew before a number was changed: it looks every 50 ms.
const STALE_WITHIN: Duration = Duration::from_secs(3);
/// Compiled code is written before its version is stored.
const UPLOAD_WITHIN: Duration = Duration::from_hours(1);
/// How often the logs are looked at again because a part of them went away meanwhile.
const TRIES: usize = 10;

/// Remove versions of scenarios that nothing refers to.
#[derive(Debug, Args)]
pub struct Gc {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Keep this many of the newest versions of each scenario
    #[arg(long, default_value_t = 3, value_name = "NUMBER")]
    keep: usize,
    /// Also remove versions whose calls could still be replayed
    #[arg(long)]
    journals: bool,
}

/// What was freed, or would be.
#[derive(Debug, Default, Serialize)]
struct Freed {
    versions: Vec<Version>,
    files: Vec<PathBuf>,
    /// Of files; a version's own file is one, unless another version or domain has the same content.
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Version {
    domain: String,
    name: String,
    hash: String,
    size_bytes: u64,
}

impl Gc {
    /// In one domain; none: in all.
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        domain: Option<&str>,
    ) -> Result<(), Failure> {
        let mut scopes = Vec::new();
        match domain {
            Some(name) => scopes.push(store.domain_scope(name).await?),
            None => {
                for domain in store.domains().await? {
                    scopes.push(store.domain_scope(&domain.name).await?);
                }
            }
        }
        let spare = Spare {
            newest: self.keep,
            journals: !self.journals,
        };
        let mut unused = Vec::new();
        for scope in scopes {
            let modules = store.unused_versions(&scope, spare).await?;
            unused.extend(modules.into_iter().map(|module| (scope.clone(), module)));
        }
        if !unused.is_empty() && !self.dry_run {
            tokio::time::sleep(STALE_WITHIN).await;
        }
        let spoken_of = hashes_in(&context.data.join("journal"))?;
        unused.retain(|(_, module)| !spoken_of.contains(&module.hash));

        let mut freed = Freed::default();
        for (scope, module) in unused {
            self.remove(store, &scope, module, &mut freed).await?;
        }
        for Stray { path, bytes } in store.stray_module_files(!self.dry_run).await? {
            freed.bytes += bytes;
            freed.files.push(path);
        }
        let wanted = store.all_module_hashes().await?;
        self.remove_compiled(&context.data.join("compiled"), &wanted, &mut freed)?;
        self.tell(context, &freed)
    }

    async fn remove(
        &self,
        store: &Store,
        scope: &DomainScope,
        module: Module,
        freed: &mut Freed,
    ) -> Result<(), Failure> {
        if !self.dry_run {
            match store.delete_module(scope, &module.name, Some(&module.hash)).await {
                Ok(()) => (),
                // Somebody activated it, or removed it, meanwhile.
                Err(StoreError::InUse { .. } | StoreError::NotFound { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        freed.bytes += module.size_bytes;
        freed.versions.push(Version {
            domain: scope.name().to_owned(),
            name: module.name,
            hash: module.hash,
            size_bytes: module.size_bytes,
        });
        Ok(())
    }

    /// Code of modules that are not there, and what a process that died was writing.
    fn remove_compiled(
        &self,
        folder: &Path,
        wanted: &HashSet<String>,
        freed: &mut Freed,
    ) -> Result<(), Failure> {
        let Ok(listing) = fs::read_dir(folder) else {
            return Ok(()); // nothing was compiled yet
        };
        for entry in listing.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let code_of = name
                .strip_suffix(".cwasm")
                .and_then(|name| name.get(..HASH_DIGITS));
            let stray = match code_of {
                Some(hash) => !wanted.contains(hash),
                None => name.starts_with(".new-") || name.starts_with(".probe-"),
            };
            let Ok(found) = entry.metadata() else { continue };
            let age = found
                .modified()
                .ok()
                .and_then(|at| SystemTime::now().duration_since(at).ok());
            let vanished = code_of.is_some_and(|hash| freed.versions.iter().any(|v| v.hash == hash));
            if !stray || !(vanished || age.is_some_and(|age| age > UPLOAD_WITHIN)) {
                continue;
            }
            if !self.dry_run {
                fs::remove_file(entry.path())?;
            }
            freed.bytes += found.len();
            freed.files.push(entry.path());
        }
        Ok(())
    }

    fn tell(&self, context: &Context, freed: &Freed) -> Result<(), Failure> {
        output::print(context.json, freed, || {
            let mut table = Table::new(["WHAT", "DOMAIN", "NAME", "SIZE"], "nothing to remove");
            for version in &freed.versions {
                let name = format!("{} {}", version.name, short(&version.hash));
                let size = format!("{} B", version.size_bytes);
                table.row(["version".to_owned(), version.domain.clone(), name, size]);
            }
            for file in &freed.files {
                let name = file.display().to_string();
                table.row(["file".to_owned(), String::new(), name, String::new()]);
            }
            table
        })?;
        if !context.json && freed.bytes > 0 {
            let verb = if self.dry_run { "would be" } else { "were" };
            output::write(&format!("{} bytes {verb} freed\n", freed.bytes))?;
        }
        Ok(())
    }
}

/// Everything in the files below a folder that could be a hash.
fn hashes_in(folder: &Path) -> Result<HashSet<String>, Failure> {
    for _ in 0..TRIES {
        let mut hashes = HashSet::new();
        match collect(folder, &mut hashes) {
            Ok(()) => return Ok(hashes),
            // The log moved on: what it still needed of this file is in a newer one now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.exists() => (),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(hashes),
            Err(error) => return Err(Failure::Failed(format!("{}: {error}", folder.display()))),
        }
    }
    let why = "its files change too fast to be read; try again";
    Err(Failure::Failed(format!("{}: {why}", folder.display())))
}

fn collect(folder: &Path, hashes: &mut HashSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), hashes)?;
        } else {
            hashes_of(&fs::read(entry.path())?, hashes);
        }
    }
    Ok(())
}

/// Each 64 digits in a row, wherever a longer row begins.
fn hashes_of(bytes: &[u8], hashes: &mut HashSet<String>) {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    for row in bytes.split(|byte| !is_digit(byte)) {
        for hash in row.windows(HASH_DIGITS) {
            // It is ASCII.
            hashes.extend(std::str::from_utf8(hash).map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_found_wherever_it_stands() {
        let hash = "0123456789abcdef".repeat(4);
        let log = [b"\x01\xff\x40", hash.as_bytes(), b"a\x00", &hash.as_bytes()[..63]].concat();
        let mut hashes = HashSet::new();
        hashes_of(&log, &mut hashes);
        assert!(hashes.contains(&hash), "though a digit follows it");
        assert_eq!(hashes.len(), 2);
    }

    #[test]
    fn no_logs_are_no_hashes() {
        let empty = tempfile::tempdir().unwrap();
        assert!(hashes_in(&empty.path().join("journal")).unwrap().is_empty());
    }
}
