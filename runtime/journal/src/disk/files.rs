//! Segments as files of a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use super::{Aside, Disk, Found};
use crate::error::OpenError;
use crate::segment::Name;

const LOCK: &str = "lock";
const NEWER: &str = ".newer";
const UNREADABLE: &str = ".unreadable";

/// A folder that this process alone writes to, as long as this lives.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    /// The segment that was written to last.
    open: Option<(u32, File)>,
    /// The system frees it when the process ends, however it ends. None: the folder cannot be taken, and is not
    /// written to before it is.
    lock: Option<File>,
}

impl Files {
    /// Takes the folder; makes it if it is not there. What callers do is nobody else's business: folder and files are
    /// for the owner alone. A folder that can be neither made nor written to is read as far as it is there, and taken
    /// when something is to be written.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let mut files = Self {
            folder: folder.into(),
            open: None,
            lock: None,
        };
        match files.take() {
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: files.folder }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(files),
        }
    }

    fn take(&mut self) -> Result<(), TryLockError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.map_err(TryLockError::Error)?;
        let path = self.folder.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            // One that cannot be written to can be locked all the same.
            .or_else(|refused| File::open(&path).map_err(|_| refused))
            .map_err(TryLockError::Error)?;
        lock.try_lock()?;
        self.lock = Some(lock);
        Ok(())
    }

    fn taken(&mut self) -> io::Result<()> {
        self.take().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another process has the log")
            }
        })
    }

    fn path(&self, segment: u32) -> PathBuf {
        self.folder.join(Name(segment).to_string())
    }

    fn writable(&mut self, segment: u32) -> io::Result<&mut File> {
        self.taken()?;
        let open = match self.open.take() {
            Some((number, file)) if number == segment => (number, file),
            _ => (segment, OpenOptions::new().append(true).open(self.path(segment))?),
        };
        Ok(&mut self.open.insert(open).1)
    }
}

/// The segment that a file name stands for, and whether it is set aside.
fn parse(name: &str) -> Option<(u32, bool)> {
    let (name, aside) = [NEWER, UNREADABLE]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .map_or((name, false), |name| (name, true));
    let digits = name.strip_suffix(".log")?;
    let written = digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| written && *number > 0)?;
    Some((number, aside))
}

impl Disk for Files {
    fn list(&mut self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            // It could not be made.
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(found);
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if let Some((segment, aside)) = entry.file_name().to_str().and_then(parse) {
                found.push(Found {
                    segment,
                    bytes: entry.metadata()?.len(),
                    aside,
                });
            }
        }
        Ok(found)
    }

    fn read(&mut self, segment: u32, at_most: u64) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(segment))?;
        let bytes = file.metadata()?.len().min(at_most);
        let mut content = Vec::with_capacity(bytes as usize);
        file.take(at_most).read_to_end(&mut content)?;
        Ok(content)
    }

    fn create(&mut self, segment: u32) -> io::Result<()> {
        self.taken()?;
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path(segment))?;
        self.open = Some((segment, file));
        Ok(())
    }

    fn append(&mut self, segment: u32, bytes: &[u8]) -> io::Result<()> {
        self.writable(segment)?.write_all(bytes)
    }

    fn truncate(&mut self, segment: u32, bytes: u64) -> io::Result<()> {
        self.writable(segment)?.set_len(bytes)
    }

    fn sync(&mut self, segment: u32) -> io::Result<()> {
        self.writable(segment)?.sync_data()
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn set_aside(&mut self, segment: u32, why: Aside) -> io::Result<()> {
        self.taken()?;
        let suffix = match why {
            Aside::Newer => NEWER,
            Aside::Unreadable => UNREADABLE,
        };
        let path = self.path(segment);
        let mut aside = path.clone().into_os_string();
        aside.push(suffix);
        fs::rename(path, aside)
    }

    fn remove(&mut self, segment: u32) -> io::Result<()> {
        self.taken()?;
        fs::remove_file(self.path(segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_segments_are_taken_for_segments() {
        assert_eq!(parse("00000001.log"), Some((1, false)));
        assert_eq!(parse("4294967295.log"), Some((u32::MAX, false)));
        assert_eq!(parse("00000012.log.newer"), Some((12, true)));
        assert_eq!(parse("00000012.log.unreadable"), Some((12, true)));
        for other in [
            "lock",
            "1.log",
            "00000000.log",
            "+0000001.log",
            "00000001.log~",
            "99999999999.log",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
