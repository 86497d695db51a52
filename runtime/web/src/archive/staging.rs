//! A folder for the files of one archive, until they go to their places or are thrown away.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Folders that a crash left are thrown away by the first import so much later.
const LEFT_AFTER: Duration = Duration::from_hours(24);

/// Tells imports of one process apart.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The folder, which goes with it.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
}

impl Staging {
    /// A new one in the store's directory, so that its files need only be renamed. May block.
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let imports = directory.join("imports");
        private(&imports)?;
        remove_left(&imports);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "{}-{}-{number}",
            Timestamp::now().as_microsecond(),
            std::process::id()
        );
        let folder = imports.join(name);
        private(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Throws it away.
    pub(super) async fn remove(self) {
        let _ = tokio::task::spawn_blocking(move || drop(self)).await; // a later import looks again
    }
}

impl Drop for Staging {
    /// Where it is dropped on an async thread, its request was given up: then it is some files, rarely many.
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "files of an import are kept");
        }
    }
}

fn private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn remove_left(imports: &Path) {
    let Ok(folders) = fs::read_dir(imports) else {
        return;
    };
    let old = |modified: SystemTime| modified.elapsed().is_ok_and(|age| age > LEFT_AFTER);
    for folder in folders.flatten() {
        let modified = folder.metadata().and_then(|found| found.modified());
        if modified.is_ok_and(old) {
            let _ = fs::remove_dir_all(folder.path()); // the next import looks again
        }
    }
}
