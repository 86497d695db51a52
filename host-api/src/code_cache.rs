//! Compiled code on disk, so that a restart does not compile every module again.
//!
//! A file is named after the module's hash and after everything that the compiled code depends on (wasmtime's version
//! and settings, the processor's features); it begins with a checksum of the rest. Whatever is missing, damaged or of
//! another version is compiled again and written anew.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::EngineError;

const CHECKSUM_BYTES: usize = 32;
const SUFFIX: &str = "cwasm";

pub(crate) struct CodeCache {
    dir: PathBuf,
    /// Of everything that compiled code depends on besides the module.
    compatibility: u64,
    bytes_max: u64,
}

/// Makes the directory of compiled code, or checks that it is this user's alone.
pub(crate) fn make_dir(dir: &Path) -> Result<(), EngineError> {
    let failed = |reason: String| EngineError::CacheDir {
        path: dir.to_owned(),
        reason,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| failed(error.to_string()))?;
    let found = fs::metadata(dir).map_err(|error| failed(error.to_string()))?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(format!(
            "others may enter it (mode {mode:o}); it must have mode 700"
        )));
    }
    // A file that this process makes tells who this process is, and that it may write here.
    let probe = dir.join(format!(".probe-{}", unique()));
    let made = File::create(&probe).and_then(|file| file.metadata());
    let _ = fs::remove_file(&probe);
    if made.map_err(|error| failed(error.to_string()))?.uid() != found.uid() {
        return Err(failed("it belongs to another user".to_owned()));
    }
    Ok(())
}

impl CodeCache {
    /// In a directory that [`make_dir`] found good.
    pub(crate) fn new(dir: &Path, engine: &Engine, bytes_max: u64) -> Self {
        let mut hasher = twox_hash::XxHash3_64::with_seed(0);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        crate::WORLD.hash(&mut hasher); // its number is in the names that compiled code has
        Self {
            dir: dir.to_owned(),
            compatibility: hasher.finish(),
            bytes_max,
        }
    }

    /// The component of the module `hash`, if its code is on disk and sound.
    pub(crate) fn find(&self, engine: &Engine, hash: &str) -> Option<Component> {
        let path = self.path(hash);
        match Self::read(engine, &path) {
            Ok(found) => found,
            Err(reason) => {
                tracing::warn!(path = %path.display(), reason, "compiled code is made anew");
                None
            }
        }
    }

    /// Writes a component's code; says whether it is there now. A full disk costs the next start some time, nothing
    /// else.
    pub(crate) fn keep(&self, hash: &str, component: &Component) -> bool {
        let path = self.path(hash);
        let kept = match component.serialize() {
            Ok(code) => self.write(&path, &code).map_err(|error| error.to_string()),
            Err(error) => Err(format!("{error:#}")),
        };
        if let Err(error) = &kept {
            tracing::warn!(path = %path.display(), %error, "compiled code is not kept");
        }
        kept.is_ok()
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.dir
            .join(format!("{hash}-{:016x}.{SUFFIX}", self.compatibility))
    }

    fn read(engine: &Engine, path: &Path) -> Result<Option<Component>, String> {
        let file = match fs::read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let (checksum, code) = file
            .split_first_chunk::<CHECKSUM_BYTES>()
            .ok_or("the file is cut")?;
        if *blake3::hash(code).as_bytes() != *checksum {
            return Err("the checksum does not match".to_owned());
        }
        // SAFETY: wasmtime asks that these bytes be what `Component::serialize` gave. `write` below, in this process or
        // in the one that compiles, is the only place that makes files of this name; the directory is this user's alone
        // (`make_dir` checked it), so nobody else could have put the file there; the checksum shows that it was neither
        // cut nor damaged since. The bytes are copied, so a later change of the file does not reach the code. wasmtime
        // itself then refuses code of another version or configuration.
        let component = unsafe { Component::deserialize(engine, code) };
        component.map(Some).map_err(|error| format!("{error:#}"))
    }

    /// Writes beside the name and renames, so that nobody reads half a file.
    fn write(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        self.make_room(code.len() as u64);
        let beside = self.dir.join(format!(".new-{}", unique()));
        let written = File::create_new(&beside).and_then(|mut file| {
            file.write_all(blake3::hash(code).as_bytes())?;
            file.write_all(code)?;
            file.sync_data()
        });
        let moved = written.and_then(|()| fs::rename(&beside, path));
        if moved.is_err() {
            let _ = fs::remove_file(&beside);
        }
        moved
    }

    /// Removes the oldest files until `coming` more bytes fit.
    fn make_room(&self, coming: u64) {
        let Ok(listing) = fs::read_dir(&self.dir) else {
            return;
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = listing
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|suffix| suffix == SUFFIX))
            .filter_map(|entry| {
                let found = entry.metadata().ok()?;
                Some((found.modified().ok()?, found.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files {
            if total.saturating_add(coming) <= self.bytes_max {
                return;
            }
            if fs::remove_file(&path).is_ok() {
                total -= bytes;
            }
        }
    }
}

/// A name that no other file of this process or of another one has.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
