//! A disk that is soon full, or read-only.

use std::path::Path;
use std::process::Command;

use tandem_kit::folder::Folder;

/// A file system of a few megabytes. Its content goes with it.
pub struct Tiny {
    folder: Folder,
}

impl Tiny {
    /// None where mounting is not allowed.
    pub fn mount() -> Option<Self> {
        let tiny = Self {
            folder: Folder::new("tiny").ok()?,
        };
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tandem-test"])
            .arg(tiny.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(tiny)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left; false: nothing can be written as it is.
    pub fn fill(&self) -> bool {
        let Ok(mut file) = std::fs::File::create(self.path().join("ballast")) else {
            return false;
        };
        for size in [64 * 1024, 512, 1] {
            while std::io::Write::write(&mut file, &vec![b'x'; size]).is_ok_and(|written| written > 0) {}
        }
        true
    }

    /// Gives the space back.
    pub fn make_room(&self) -> bool {
        std::fs::remove_file(self.path().join("ballast")).is_ok()
    }

    /// Lets it be read only, or written again; false: the kernel refuses.
    pub fn set_read_only(&self, on: bool) -> bool {
        let options = if on { "remount,ro" } else { "remount,rw" };
        let mounted = Command::new("mount")
            .args(["-o", options])
            .arg(self.path())
            .output();
        mounted.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        // Lazily: a server that a failed test leaves may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
