//! A durable map of byte strings: a log of segments on disk, written in atomic batches, read back as its final state.
//!
//! The owner keeps its state in memory and says here what changed: [`Batch::put`], [`Batch::append`],
//! [`Batch::delete`], then [`Log::commit`]. A commit is one record and one write, whatever the number of entries
//! (group commit). After a restart [`Log::open`] folds the log to the map as of the last whole batch. There are no
//! reads between: what is in memory is the owner's. Not here: what keys and values mean, clocks, threads.
//!
//! Reading order: [`Batch`] → `entry` and `record` (bytes) → `segment` (a file's head) → [`Log`] → `index` (which
//! segments are still needed) → `fold` (reading, and what damage costs) → [`Disk`] and its two kinds, [`Files`] and
//! [`SimDisk`].
//!
//! ```
//! use tandem_journal::{Batch, Log, Options, SimDisk};
//!
//! let disk = SimDisk::new(1); // or Files::open(folder)?
//! let (mut log, _) = Log::open(disk.clone(), Options::default())?;
//! let mut batch = Batch::new(); // kept and used again
//! batch.put(b"call 1", b"ringing")?;
//! batch.append(b"journal 1", b"began;")?;
//! log.commit(&mut batch)?; // now the effects may be let out
//! drop(log);
//!
//! let (mut log, opened) = Log::open(disk, Options::default())?;
//! assert_eq!(opened.map[&b"call 1"[..]], b"ringing");
//! for problem in &opened.problems {
//!     eprintln!("{problem}");
//! }
//! // Before each commit, so that the log stays small.
//! for key in log.stale_keys(64) {
//!     match opened.map.get(&key) {
//!         Some(whole) => batch.put(&key, whole)?,
//!         None => batch.delete(&key)?,
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What survives
//!
//! | [`Durability`] | a commit that returned survives |
//! |---|---|
//! | `Off` | nothing: for measurement |
//! | `Flush` | the end of the process, `kill -9` too: the bytes are the kernel's. Not a power loss or a kernel panic |
//! | `Sync` | also power loss, as far as the disk tells the truth about `fdatasync` |
//!
//! With `Flush`, a power loss may take any of what the kernel had not written back, usually the last half minute. It
//! may take it out of the middle: then a [`Problem::Gap`] says so, but a key that was rewritten within that time to
//! free an old segment can be lost without a word.
//!
//! A commit that failed may still be found if the process ends before the next one: the failure can have come after
//! the bytes.
//!
//! # Format 1
//!
//! A folder holds `00000001.log`, `00000002.log` and so on, and `lock`, which the writing process holds. All numbers
//! are little-endian, `varint` is LEB128 of a u32.
//!
//! ```text
//! segment: "TNDMSEGM"  version u16  zero u16  segment u32  first batch u64  checksum u64  record...
//! record:  checksum u64  length u32 (of the entries)  batch u64  entry...
//! entry:   1 key value                Put
//!          2 key follows u64 value    Append
//!          3 key                      Delete
//! key:     length u8 (at most 64)  bytes          value:  length varint (at most 16 MiB)  bytes
//! ```
//!
//! Checksums are XXH3-64: a segment's of its first 24 bytes, a record's of all that follows it, seeded with the
//! segment's number. Batches are numbered from 1 without gaps. `first batch` is the number that the segment's first
//! record has: whatever an earlier segment holds from that number on is void (a commit that failed and could not be
//! cut off). The first 32 bytes of a segment keep this form in every version, so that damage is told from age.
//!
//! `follows` is the batch that last changed the key, 0 if the key did not exist. An `Append` whose predecessor is
//! missing is thereby recognised, however it got lost.
//!
//! # Damage
//!
//! Opening never fails because of what the bytes say, allocates nothing that they do not pay for, and takes time in
//! proportion to them. What is lost is told as a [`Problem`].
//!
//! - What does not end in a whole record at the end of the last segment was being written: it is cut off.
//! - A damaged record is left out. The next one is believed if it lies where the damaged one's length points and its
//!   checksum is right; several damaged records in a row are stepped over likewise. Where the lengths lead to no whole
//!   record, the rest of the segment is left out. Then the next segment is read.
//! - Batches after a gap apply. A key whose `Put` was in the gap has its older value, a key whose `Delete` was in the
//!   gap is there again: [`Problem::Gap`]. A key that was appended to after a change in the gap is left out:
//!   [`Problem::LostBase`].
//! - A segment of a newer version, or one that the disk cannot read, is renamed aside and kept.
//!
//! # Size
//!
//! A segment is full at [`Options::segment_bytes`]. Segments leave from the head only, once no key's data begins
//! there, so a `Delete` always outlives what it deleted. When the log is larger than [`Options::keep_bytes`] and than
//! four times what lives in it, [`Log::stale_keys`] names the keys that hold the oldest segment; their owner puts them
//! again. In memory a live key takes 41 bytes of hash table, so 47 to 94 with its load (keys over 22 bytes one
//! allocation more); 600,000 keys take 43 MB.

mod batch;
mod disk;
mod entry;
mod error;
mod fold;
mod index;
mod key;
mod log;
mod options;
mod problem;
mod record;
mod segment;

pub use batch::{BATCH_BYTES_MAX, Batch, EntryError};
pub use disk::files::Files;
pub use disk::sim::{Death, Fault, SimDisk};
pub use disk::{Aside, Disk, Found};
pub use entry::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use error::{CommitError, DiskError, OpenError};
pub use fold::Opened;
pub use log::{Log, Stats};
pub use options::{Durability, Options};
pub use problem::{Problem, Reason};
