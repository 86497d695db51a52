//! Spoken text on disk, so that a restart need not speak it again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::SystemTime;

use tandem_media::wav::{Wav, write_8khz};

use crate::cell::lock;

/// Files under the name of their content's key, in a bound of bytes; the oldest go first.
pub(crate) struct SpeechDisk {
    dir: PathBuf,
    max_bytes: u64,
    bytes: Mutex<u64>,
    serial: AtomicU64,
    warned: Once,
}

impl SpeechDisk {
    /// Counts what is there; a folder that cannot be read or written costs only the cache.
    pub(crate) fn new(dir: PathBuf, max_bytes: u64) -> SpeechDisk {
        let disk = SpeechDisk {
            dir,
            max_bytes,
            bytes: Mutex::new(0),
            serial: AtomicU64::new(0),
            warned: Once::new(),
        };
        *lock(&disk.bytes) = disk.files().iter().map(|(_, _, length)| length).sum();
        disk
    }

    pub(crate) fn read(&self, key: &blake3::Hash) -> Option<Vec<i16>> {
        let file = fs::read(self.path(key)).ok()?;
        Wav::parse(&file).and_then(|wav| wav.to_8khz(u32::MAX)).ok()
    }

    /// Keeps a text; a full disk is told once and harms nobody.
    pub(crate) fn write(&self, key: &blake3::Hash, samples: &[i16]) {
        if let Err(error) = self.try_write(key, samples) {
            self.warned.call_once(|| {
                tracing::warn!(dir = %self.dir.display(), %error, "speech cannot be kept on disk");
            });
        }
    }

    fn path(&self, key: &blake3::Hash) -> PathBuf {
        self.dir.join(format!("{key}.wav"))
    }

    fn try_write(&self, key: &blake3::Hash, samples: &[i16]) -> io::Result<()> {
        let file = write_8khz(samples);
        let length = file.len() as u64;
        if length > self.max_bytes {
            return Ok(());
        }
        fs::create_dir_all(&self.dir)?;
        // Renamed only when whole: nobody reads half a file.
        let draft = self.dir.join(format!(
            "{key}.{}.draft",
            self.serial.fetch_add(1, Ordering::Relaxed)
        ));
        let written = fs::write(&draft, &file).and_then(|()| fs::rename(&draft, self.path(key)));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written?;
        let mut bytes = lock(&self.bytes);
        *bytes += length;
        if *bytes > self.max_bytes {
            *bytes = self.make_room();
        }
        Ok(())
    }

    /// Deletes the oldest until a fifth is free; returns the bytes left.
    fn make_room(&self) -> u64 {
        let mut files = self.files();
        files.sort();
        let mut left: u64 = files.iter().map(|(_, _, length)| length).sum();
        for (_, path, length) in files {
            if left <= self.max_bytes / 5 * 4 {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                left -= length;
            }
        }
        left
    }

    fn files(&self) -> Vec<(SystemTime, PathBuf, u64)> {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return Vec::new();
        };
        let stamped = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((metadata.modified().ok()?, entry.path(), metadata.len()))
        });
        stamped.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_the_bound_holds() {
        let dir = tempfile::tempdir().unwrap();
        let disk = SpeechDisk::new(dir.path().join("speech"), 10_000);
        for n in 0..20_u8 {
            disk.write(&blake3::hash(&[n]), &[i16::from(n); 500]);
        }
        assert_eq!(disk.read(&blake3::hash(&[19])).unwrap(), [19; 500]);
        assert!(disk.read(&blake3::hash(&[0])).is_none());
        let again = SpeechDisk::new(dir.path().join("speech"), 10_000);
        assert!(*lock(&again.bytes) <= 10_000);
        assert_eq!(*lock(&again.bytes), *lock(&disk.bytes));
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_only_the_cache() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let disk = SpeechDisk::new(file.path().join("speech"), 10_000);
        disk.write(&blake3::hash(b"x"), &[0; 10]);
        assert!(disk.read(&blake3::hash(b"x")).is_none());
    }
}
