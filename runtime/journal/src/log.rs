//! The writer.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::entry::{Change, Entry, VALUE_BYTES_MAX};
use crate::error::{CommitError, DiskError, OpenError};
use crate::fold::{Fold, Opened};
use crate::index::{Index, Segment, Undo};
use crate::key::Key;
use crate::options::{Durability, Options};
use crate::record;
use crate::segment::{self, HEAD_BYTES};

/// No segment is filled further, whatever the options say.
const SEGMENT_BYTES_MAX: u64 = 512 << 20;

/// A log that is being written. Dropping it loses nothing that was committed.
pub struct Log<D> {
    disk: D,
    options: Options,
    index: Index,
    /// The state of the segment that is written to, the index's last.
    active: Active,
    /// The highest number that a segment has had.
    highest: u32,
    /// The number of the next batch.
    batch: u64,
    /// A segment was removed and the folder could not be synced since.
    folder_unsynced: bool,
    /// Kept for its memory.
    undo: Undo,
    /// Keys of the oldest segment that were not named yet.
    stale: Vec<Key>,
}

/// Whether the segment at the log's end can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Active {
    /// It ends in a whole record.
    Sound,
    /// It may end in a part of a record that is to be cut off.
    Torn,
    /// It is not known what of it is on the disk, or there is none: a new one is needed.
    Over,
}

/// How large a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Segments on the disk.
    pub segments: usize,
    /// What they take.
    pub bytes: u64,
    /// Keys that have a value.
    pub live_keys: usize,
    /// What a log of only these would take, about.
    pub live_bytes: u64,
    /// The last batch that was committed, 0: none.
    pub batch: u64,
}

impl<D: Disk> Log<D> {
    /// Reads what is there and makes ready to write behind it. Damage is no error: [`Opened::problems`] tells of it.
    /// Nor is a disk that is full or read-only: [`Opened::unwritable`] tells of it, commits fail as they would have
    /// later, and the first that does not is as good as any.
    pub fn open(mut disk: D, options: Options) -> Result<(Self, Opened), OpenError> {
        let options = Options {
            segment_bytes: options.segment_bytes.min(SEGMENT_BYTES_MAX),
            ..options
        };
        let fold = Fold::read(&mut disk)?;
        let (tail, stub, highest) = (fold.tail, fold.stub, fold.highest);
        let (index, mut opened) = fold.finish();
        let mut log = Self {
            disk,
            options,
            index,
            active: Active::Over,
            highest,
            batch: opened.batch + 1,
            folder_unsynced: false,
            undo: Undo::new(),
            stale: Vec::new(),
        };
        if options.durability == Durability::Off {
            opened.unwritable = log.remove_all().err();
            return Ok((log, opened));
        }
        if let Some(stub) = stub {
            // If it stays, it is an empty segment between others.
            _ = log.disk.remove(stub);
        }
        if let Some(tail) = tail.filter(|tail| tail.sound) {
            // Also when nothing is to be cut: a log that cannot be written to is to be known now.
            if log.disk.truncate(tail.segment, tail.bytes).is_ok() {
                log.active = Active::Sound;
                if let Some(active) = log.index.segments.back_mut() {
                    active.bytes = tail.bytes;
                }
            }
        }
        opened.unwritable = log.make_ready().err();
        Ok((log, opened))
    }

    /// Sees to it that the log has an end to write to, and that what was read stays.
    fn make_ready(&mut self) -> Result<(), DiskError> {
        if self.active == Active::Over {
            self.rotate()?;
        }
        if self.options.durability == Durability::Sync {
            // What was read is what the owner goes on from: it must not be lost any more.
            for segment in &self.index.segments {
                self.disk
                    .sync(segment.number)
                    .map_err(DiskError::doing("sync", segment.number))?;
            }
            self.disk
                .sync_folder()
                .map_err(DiskError::doing("sync the folder of", 0))?;
        }
        Ok(())
    }

    /// Writes the batch as one record and empties it. After an error nothing of it counts and the log can go on: a
    /// part that was written is cut off, at the latest by the next commit.
    pub fn commit(&mut self, batch: &mut Batch) -> Result<(), CommitError> {
        if batch.is_empty() || self.options.durability == Durability::Off {
            batch.clear();
            return Ok(());
        }
        let segment = self.room_for(batch.len_bytes() as u64)?;
        self.enter(batch.record_mut(), segment)?;
        let record = batch.record_mut();
        record::seal(record, segment, self.batch);
        if let Err(e) = self.write(record, segment) {
            self.index.roll_back(&mut self.undo);
            return Err(e.into());
        }
        self.undo.clear();
        self.batch += 1;
        batch.clear();
        self.drop_heads();
        Ok(())
    }

    /// When the log is over its size: up to `at_most` keys whose data lies in its oldest segment. Put each again with
    /// its whole value, or delete it; when all are done, the segment is removed within that commit. A key that is
    /// left as it is will be named again. Otherwise: none.
    ///
    /// Asked before each commit with more keys than the commit changes, the log stays within its size and what is
    /// written while one segment is emptied. Once for each such segment all live keys are looked through.
    pub fn stale_keys(&mut self, at_most: usize) -> Vec<Box<[u8]>> {
        let Some(oldest) = self.index.segments.front().filter(|_| self.is_over()).copied() else {
            self.stale = Vec::new();
            return Vec::new();
        };
        let mut named = Vec::new();
        // Twice: what is left of an earlier look may be out of date altogether.
        for _ in 0..2 {
            if self.stale.is_empty() && oldest.live > 0 {
                self.stale = self.index.keys_of(oldest.number).cloned().collect();
            }
            while named.len() < at_most
                && let Some(key) = self.stale.pop()
            {
                let key: &[u8] = std::borrow::Borrow::borrow(&key);
                if self
                    .index
                    .get(key)
                    .is_some_and(|slot| slot.first == oldest.number)
                {
                    named.push(key.into());
                }
            }
            if !named.is_empty() {
                break;
            }
        }
        named
    }

    /// Every key that has a value, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.index.keys().map(std::borrow::Borrow::borrow)
    }

    /// How large the log is.
    pub fn stats(&self) -> Stats {
        Stats {
            segments: self.index.segments.len(),
            bytes: self.index.bytes(),
            live_keys: self.index.live_keys(),
            live_bytes: self.index.live_bytes(),
            batch: self.batch - 1,
        }
    }

    fn is_over(&self) -> bool {
        let allowed = self.options.keep_bytes.max(4 * self.index.live_bytes());
        // The segment that is written to cannot be emptied into itself.
        self.index.segments.len() > 1 && self.index.bytes() > allowed
    }

    /// Sees to it that the last segment can take so many bytes, and gives its number.
    fn room_for(&mut self, bytes: u64) -> Result<u32, DiskError> {
        if self.active == Active::Torn {
            self.mend();
        }
        let last = self.index.segments.back().copied();
        match last.filter(|_| self.active == Active::Sound) {
            // A batch that is longer than a segment has one of its own.
            Some(last)
                if last.bytes + bytes <= self.options.segment_bytes || last.bytes <= HEAD_BYTES as u64 =>
            {
                Ok(last.number)
            }
            _ => self.rotate(),
        }
    }

    /// Cuts off what a failed write left.
    fn mend(&mut self) {
        if let Some(last) = self.index.segments.back() {
            let cut = self.disk.truncate(last.number, last.bytes);
            self.active = if cut.is_ok() { Active::Sound } else { Active::Over };
        }
    }

    /// Begins a new segment.
    fn rotate(&mut self) -> Result<u32, DiskError> {
        let out_of_numbers =
            || DiskError::doing("follow", self.highest)(std::io::Error::other("no number is left"));
        let number = self.highest.checked_add(1).ok_or_else(out_of_numbers)?;
        if let Err(e) = self.disk.create(number) {
            if e.kind() == std::io::ErrorKind::AlreadyExists {
                self.highest = number;
            }
            return Err(DiskError::doing("create", number)(e));
        }
        let begun = self
            .disk
            .append(number, &segment::head(number, self.batch))
            .map_err(DiskError::doing("write to", number))
            .and_then(|()| match self.options.durability {
                Durability::Sync => self
                    .disk
                    .sync_folder()
                    .map_err(DiskError::doing("sync the folder of", number)),
                Durability::Flush | Durability::Off => Ok(()),
            });
        if let Err(e) = begun {
            // Left behind, it would be a segment without a head, which reading steps over.
            if self.disk.remove(number).is_err() {
                self.highest = number;
            }
            return Err(e);
        }
        self.highest = number;
        self.index.segments.push_back(Segment {
            number,
            bytes: HEAD_BYTES as u64,
            live: 0,
        });
        self.active = Active::Sound;
        Ok(number)
    }

    /// Tells the index of the batch's entries, and each `Append` what it follows.
    fn enter(&mut self, record: &mut [u8], segment: u32) -> Result<(), CommitError> {
        let mut at = record::HEAD_BYTES;
        while let Some((entry, rest)) = record.get(at..).and_then(|bytes| Entry::take(bytes).ok()) {
            let next = record.len() - rest.len();
            let known = self.index.get(entry.key);
            self.undo.push((Key::new(entry.key), known));
            let Change::Append { value, .. } = entry.change else {
                self.index.apply(&entry, self.batch, segment);
                at = next;
                continue;
            };
            let bytes = known.map_or(0, |slot| u64::from(slot.value)) + value.len() as u64;
            if bytes > VALUE_BYTES_MAX as u64 {
                let key = entry.key.into();
                self.index.roll_back(&mut self.undo);
                return Err(CommitError::TooLong { key, bytes });
            }
            let follows = known.map_or(0, |slot| slot.last);
            let entry = Entry {
                key: entry.key,
                change: Change::Append { follows, value },
            };
            self.index.apply(&entry, self.batch, segment);
            let slot = entry.follows_at(at);
            if let Some(slot) = record.get_mut(slot..slot + 8) {
                slot.copy_from_slice(&follows.to_le_bytes());
            }
            at = next;
        }
        Ok(())
    }

    fn write(&mut self, record: &[u8], segment: u32) -> Result<(), DiskError> {
        if let Err(e) = self.disk.append(segment, record) {
            self.active = Active::Torn;
            // Now, if it can be: were this process to end, the batch could still be found.
            self.mend();
            if self.active == Active::Over {
                self.active = Active::Torn;
            }
            return Err(DiskError::doing("write to", segment)(e));
        }
        if self.options.durability == Durability::Sync
            && let Err(e) = self.disk.sync(segment)
        {
            // What the kernel could not write it may hold for written: nothing may rely on this file's end again.
            self.mend();
            self.active = Active::Over;
            return Err(DiskError::doing("sync", segment)(e));
        }
        if let Some(last) = self.index.segments.back_mut() {
            last.bytes += record.len() as u64;
        }
        Ok(())
    }

    /// Removes the oldest segments that nothing alive begins in. One after the other: if a later one went first, a
    /// key that it deletes would be back.
    fn drop_heads(&mut self) {
        while self.index.segments.len() > 1
            && let Some(oldest) = self.index.segments.front().filter(|oldest| oldest.live == 0)
        {
            if self.folder_unsynced && self.disk.sync_folder().is_err() {
                return;
            }
            self.folder_unsynced = false;
            match self.disk.remove(oldest.number) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return, // the next commit tries again
                _ => (),
            }
            self.index.segments.pop_front();
            self.stale.clear();
            self.folder_unsynced = self.options.durability == Durability::Sync;
        }
    }

    /// The last first: were the process to end in between, what is left would be an older state, not a false one.
    fn remove_all(&mut self) -> Result<(), DiskError> {
        let segments = std::mem::take(&mut self.index).segments;
        for segment in segments.iter().rev() {
            self.disk
                .remove(segment.number)
                .map_err(DiskError::doing("remove", segment.number))?;
        }
        Ok(())
    }
}

impl<D> std::fmt::Debug for Log<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("batch", &self.batch)
            .field("segments", &self.index.segments)
            .finish_non_exhaustive()
    }
}
