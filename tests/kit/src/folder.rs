//! A peer's folder: gone after a test that passed, kept and named after one that failed.

use crate::failure::{Doing, Result};
use std::path::Path;
use tempfile::TempDir;

/// A temporary folder whose content survives a panic of the test that owns it.
#[derive(Debug)]
pub struct Folder {
    dir: Option<TempDir>,
}

impl Folder {
    /// Makes an empty folder named after `who`.
    ///
    /// # Errors
    /// When the temporary directory cannot be written.
    pub fn new(who: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("tandem-{who}-"))
            .tempdir()
            .doing("making a folder")?;
        Ok(Self { dir: Some(dir) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.as_ref().map_or(Path::new("."), TempDir::path)
    }

    /// Writes a file into it and gives its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<std::path::PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, content).doing(&format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("kept for the failed test: {}", dir.keep().display());
        }
    }
}
