//! A living call's journal, saved piece by piece.
//!
//! ```text
//! "TNDMSAVE"  version u16  header length u32  header  checksum u64     the head
//! entries length u32  entries  checksum u64                            a piece, as often as there is something to save
//! ```
//! Entries are those of `codec.rs`. The head's checksum is XXH3-64 of the head; a piece's is XXH3-64 of its length and
//! its entries with the checksum before it as the seed, so a piece that is missing or out of its place is found. A head
//! may come again where a piece could begin: then only what follows it counts. That is how a journal that an older
//! version began goes on in this version's form.

use twox_hash::XxHash3_64;

use super::JournalHeader;
use super::codec::{self, JournalError, Reader, Stored, VERSION};

pub(super) const MAGIC: &[u8; 8] = b"TNDMSAVE";
/// The version that brought this form.
const OLDEST: u16 = 2;

/// How much of a journal has been handed out to be saved.
#[derive(Default)]
pub(super) struct Saved {
    /// The last checksum; none: not even the head has been.
    link: Option<u64>,
    /// Bytes of entries.
    entries: usize,
}

impl Saved {
    /// As far as `link`, which stands behind so many bytes of entries. No link: nothing is saved.
    pub(super) fn up_to(link: Option<u64>, entries: usize) -> Self {
        let entries = link.map_or(0, |_| entries);
        Self { link, entries }
    }

    /// Appends what `entries` has beyond what is saved; false: nothing.
    pub(super) fn take(&mut self, header: &JournalHeader, entries: &[u8], into: &mut Vec<u8>) -> bool {
        let unsaved = entries.get(self.entries..).unwrap_or_default();
        if unsaved.is_empty() {
            return false;
        }
        let link = self.link.unwrap_or_else(|| {
            let start = into.len();
            codec::push_head(into, MAGIC, header);
            seal(into, start, 0)
        });
        let start = into.len();
        into.extend_from_slice(&(unsaved.len() as u32).to_le_bytes());
        into.extend_from_slice(unsaved);
        self.link = Some(seal(into, start, link));
        self.entries = entries.len();
        true
    }
}

/// Appends the checksum of everything from `start` on, and tells it.
fn seal(into: &mut Vec<u8>, start: usize, link: u64) -> u64 {
    let checksum = XxHash3_64::oneshot_with_seed(link, into.get(start..).unwrap_or_default());
    into.extend_from_slice(&checksum.to_le_bytes());
    checksum
}

/// Reads everything after the first mark.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Stored, JournalError> {
    loop {
        let start = reader.at - MAGIC.len();
        let (version, header_at, header_bytes) = codec::read_head(reader, OLDEST)?;
        let mut link = checked(reader, start, 0)?;
        let header = codec::decode(header_bytes, "header", header_at)?;
        let mut entries = Vec::new();
        let begin_again = loop {
            if reader.at == reader.bytes.len() {
                break false;
            }
            let start = reader.at;
            if reader.take(MAGIC.len(), "a piece").ok() == Some(MAGIC) {
                break true;
            }
            reader.at = start;
            let length = u32::from_le_bytes(reader.array("a piece's length")?) as usize;
            let entries_at = reader.at;
            let piece = reader.take(length, "a piece")?;
            link = checked(reader, start, link)?;
            codec::read_entries(version, piece, entries_at, &mut entries)?;
        };
        if begin_again {
            continue;
        }
        return Ok(Stored {
            header,
            entries,
            rolling_hash: None,
            // What an older version began is written anew, head and all.
            link: (version == VERSION).then_some(link),
        });
    }
}

/// Reads the checksum of everything from `start` to here.
fn checked(reader: &mut Reader<'_>, start: usize, link: u64) -> Result<u64, JournalError> {
    let at = reader.at;
    let covered = reader.bytes.get(start..at).unwrap_or_default();
    let checksum = u64::from_le_bytes(reader.array("a checksum")?);
    if XxHash3_64::oneshot_with_seed(link, covered) != checksum {
        return Err(JournalError::Checksum { at });
    }
    Ok(checksum)
}
