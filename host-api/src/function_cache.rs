//! Compiled functions on disk, from which a component is made that has much in common with an earlier one: each Python
//! component has the whole interpreter in it, and each change of one gives a new component.
//!
//! Cranelift asks by a hash over the function's code, the compiler's version and all its settings, so a wrong answer is
//! no question of names. One file, to which functions are only ever added; one that is full is removed, and begun anew.
//! Any number of processes may use it: who adds locks it. Whatever is damaged counts as not there.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmtime::CacheStore;

const NAME: &str = "functions";
const KEY_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 16;
/// A key, the length of the code (32 bits, the lowest byte first), a checksum of both and of the code, the code.
const HEAD_BYTES: usize = KEY_BYTES + 4 + CHECKSUM_BYTES;
/// What is added at once, so that a large component's functions are not all held in memory.
const ADDED_AT_ONCE: usize = 16 << 20;

type Key = [u8; KEY_BYTES];

#[derive(Debug)]
pub(crate) struct FunctionCache {
    path: PathBuf,
    bytes_max: u64,
    state: Mutex<State>,
}

/// What is known of the file while a component is compiled; between two nothing is held.
#[derive(Debug, Default)]
struct State {
    known: Option<Known>,
    /// Records to be added.
    new: Vec<u8>,
    failed: bool,
}

#[derive(Debug)]
struct Known {
    file: File,
    functions: HashMap<Key, Place>,
    /// Where the last sound record ends.
    end: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    len: u32,
    checksum: [u8; CHECKSUM_BYTES],
}

impl FunctionCache {
    /// In a directory that is this user's alone, with at most `bytes_max` bytes.
    pub(crate) fn new(dir: &Path, bytes_max: u64) -> Self {
        Self {
            path: dir.join(NAME),
            bytes_max,
            state: Mutex::default(),
        }
    }

    /// Writes what was compiled, and forgets what was read. A full disk costs later compilations some time, nothing
    /// else.
    pub(crate) fn write(&self) {
        let mut state = self.state();
        self.add(&mut state);
        *state = State::default();
    }

    fn add(&self, state: &mut State) {
        let new = std::mem::take(&mut state.new);
        if new.is_empty() || state.failed {
            return;
        }
        if let Err(error) = self.append(&mut state.known, &new) {
            state.failed = true;
            tracing::warn!(path = %self.path.display(), %error, "compiled functions are not kept");
        }
    }

    fn append(&self, known: &mut Option<Known>, new: &[u8]) -> io::Result<()> {
        let mut file = self.open()?;
        file.lock()?;
        let found = file.metadata()?;
        let mut now = match known.take() {
            Some(known) if known.file.metadata()?.ino() == found.ino() => known,
            _ => Known::none(file.try_clone()?),
        };
        now.read_on(); // others may have added to it
        if now.end.saturating_add(new.len() as u64) > self.bytes_max {
            fs::remove_file(&self.path)?;
            file = self.open()?;
            file.lock()?;
            now = Known::none(file.try_clone()?);
        }
        // What a process that died has left half written.
        file.set_len(now.end)?;
        file.write_all(new)?;
        now.read_on();
        *known = Some(now);
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
    }

    fn find(&self, key: &[u8]) -> Option<Vec<u8>> {
        let key: &Key = key.try_into().ok()?;
        let (file, place) = {
            let mut state = self.state();
            if state.known.is_none() {
                let mut known = Known::none(File::open(&self.path).ok()?);
                known.read_on();
                state.known = Some(known);
            }
            let known = state.known.as_ref()?;
            let place = *known.functions.get(key)?;
            (known.file.try_clone().ok()?, place)
        };
        let mut code = vec![0; place.len as usize];
        file.read_exact_at(&mut code, place.at).ok()?;
        (checksum(key, &code) == place.checksum).then_some(code)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.find(key).map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        let (Ok(key), Ok(len)) = (<&Key>::try_from(key), u32::try_from(code.len())) else {
            return false;
        };
        let mut state = self.state();
        if state.failed || code.is_empty() || code.len() as u64 > self.bytes_max {
            return false;
        }
        state.new.extend_from_slice(key);
        state.new.extend_from_slice(&len.to_le_bytes());
        state.new.extend_from_slice(&checksum(key, &code));
        state.new.extend_from_slice(&code);
        if state.new.len() >= ADDED_AT_ONCE {
            self.add(&mut state);
        }
        true
    }
}

impl Known {
    fn none(file: File) -> Self {
        Self {
            file,
            functions: HashMap::new(),
            end: 0,
        }
    }

    /// Reads the records from the known end on, up to the end of the file or the first that is not whole.
    fn read_on(&mut self) {
        let Ok(bytes) = self.file.metadata().map(|found| found.len()) else {
            return;
        };
        let mut reader = BufReader::new(&self.file);
        if reader.seek(SeekFrom::Start(self.end)).is_err() {
            return;
        }
        let mut head = [0; HEAD_BYTES];
        while reader.read_exact(&mut head).is_ok() {
            let Some((key, place)) = record(&head, self.end + HEAD_BYTES as u64) else {
                return;
            };
            let end = place.at + u64::from(place.len);
            if end > bytes || reader.seek_relative(i64::from(place.len)).is_err() {
                return;
            }
            self.functions.insert(key, place);
            self.end = end;
        }
    }
}

/// The record that a head begins, whose code is at `at`. None has no code, so zeros are no record.
fn record(head: &[u8; HEAD_BYTES], at: u64) -> Option<(Key, Place)> {
    let (key, rest) = head.split_first_chunk::<KEY_BYTES>()?;
    let (len, checksum) = rest.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len);
    let checksum = checksum.try_into().ok()?;
    (len > 0).then_some((*key, Place { at, len, checksum }))
}

fn checksum(key: &Key, code: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key).update(code);
    let mut short = [0; CHECKSUM_BYTES];
    hasher.finalize_xof().fill(&mut short);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 1 << 20;

    fn key(of: u8) -> Key {
        [of; KEY_BYTES]
    }

    fn added(cache: &FunctionCache, of: &[u8]) {
        for of in of {
            assert!(cache.insert(&key(*of), vec![*of; 1_000]));
        }
        cache.write();
    }

    fn found(cache: &FunctionCache) -> Vec<u8> {
        let found = (1..=9).filter(|of| cache.get(&key(*of)).is_some_and(|code| code[..] == [*of; 1_000]));
        let found = found.collect();
        cache.write();
        found
    }

    #[test]
    fn what_two_processes_add_is_found_by_a_third() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two, three] = [(); 3].map(|()| FunctionCache::new(dir.path(), MAX));
        assert!(found(&one).is_empty());
        assert!(one.get(&key(9)).is_none()); // it has read the file now
        added(&two, &[1, 2]);
        added(&one, &[3]);
        assert_eq!(found(&three), [1, 2, 3]);
    }

    #[test]
    fn half_a_record_is_cut_off_and_a_damaged_one_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let cache = FunctionCache::new(dir.path(), MAX);
        added(&cache, &[1, 2, 3]);
        let path = dir.path().join(NAME);
        let whole = fs::read(&path).unwrap();

        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        added(&cache, &[4]);
        assert_eq!(found(&cache), [1, 2, 4]);

        let mut damaged = fs::read(&path).unwrap();
        damaged[HEAD_BYTES + 500] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(found(&cache), [2, 4]);
        fs::write(&path, [0; 10_000]).unwrap();
        assert!(found(&cache).is_empty());
        added(&cache, &[5]);
        assert_eq!(found(&cache), [5]);
    }

    #[test]
    fn a_full_file_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let cache = FunctionCache::new(dir.path(), 3 * (1_000 + HEAD_BYTES as u64));
        added(&cache, &[1, 2, 3]);
        assert_eq!(found(&cache), [1, 2, 3]);
        added(&cache, &[4]);
        assert_eq!(found(&cache), [4]);
    }
}
