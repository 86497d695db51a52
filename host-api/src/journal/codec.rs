//! A journal as bytes.
//!
//! ```text
//! "TNDMJRNL"  version u16  header length u32  header  entries length u64  entries  rolling hash 16  checksum 16
//! entry: length u32 (of what follows)  moment u64 (ms)  Entry in postcard
//! ```
//! All numbers are little-endian; the checksum is XXH3-128 of everything before it. Version 1 is this form with the
//! enums of `op.rs` as they stand: variants are only ever added at the end.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use twox_hash::XxHash3_128;

use super::{Chain, Entry, EntryRef, JournalHeader, RecordedJournal, TimedEntry};

const MAGIC: &[u8; 8] = b"TNDMJRNL";
const VERSION: u16 = 1;
/// Nothing larger is read: four times the largest journal that [`Limits`](crate::Limits) allows by default.
const BYTES_MAX: usize = 32 << 20;
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Why bytes are not a journal that this version can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It does not begin as a journal.
    #[error("this is no journal: it does not begin with TNDMJRNL")]
    NoJournal,
    /// Written by another version.
    #[error("the journal is of version {found}, this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u16,
    },
    /// It is larger than any journal that is written.
    #[error("the journal is {bytes} bytes long, at most {BYTES_MAX} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It ends before it should.
    #[error("the journal is cut: {what} is missing at byte {at}")]
    Cut {
        /// What was to be read.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// The bytes were changed after they were written.
    #[error("the journal's checksum does not match its content")]
    Checksum,
    /// A part cannot be understood.
    #[error("the journal's {what} at byte {at} cannot be read: {reason}")]
    Malformed {
        /// The part.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Appends one entry and tells where its hashed part (the `Entry` itself) begins.
pub(super) fn push_entry(entries: &mut Vec<u8>, at_ms: u64, entry: &EntryRef<'_>) -> usize {
    let start = entries.len();
    entries.extend_from_slice(&[0; 4]);
    entries.extend_from_slice(&at_ms.to_le_bytes());
    let body = entries.len();
    encode(entries, entry);
    let length = (entries.len() - start - 4) as u32;
    if let Some(slot) = entries.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
    body
}

/// Appends the postcard form of `value`.
pub(super) fn encode(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing plain enums into a Vec cannot fail: postcard's errors are about full buffers and unsized sequences.
    let written = postcard::serialize_with_flavor(value, Append(out));
    debug_assert!(written.is_ok(), "{written:?}");
}

struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

pub(super) fn write(header: &JournalHeader, entries: &[u8], rolling_hash: [u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() + 512);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let mut encoded = Vec::new();
    encode(&mut encoded, header);
    out.extend_from_slice(&(encoded.len() as u32).to_le_bytes());
    out.extend_from_slice(&encoded);
    out.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    out.extend_from_slice(entries);
    out.extend_from_slice(&rolling_hash);
    let checksum = XxHash3_128::oneshot(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

impl RecordedJournal {
    /// Reads what [`Journal::to_bytes`](super::Journal::to_bytes) wrote. Bounded: nothing is allocated that the bytes
    /// themselves do not pay for.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JournalError> {
        if bytes.len() > BYTES_MAX {
            return Err(JournalError::TooLarge { bytes: bytes.len() });
        }
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len(), "the mark").ok() != Some(MAGIC) {
            return Err(JournalError::NoJournal);
        }
        let found = u16::from_le_bytes(reader.array("the version")?);
        if found != VERSION {
            return Err(JournalError::Version { found });
        }
        let header_len = u32::from_le_bytes(reader.array("the header's length")?) as usize;
        if header_len > HEADER_BYTES_MAX {
            let reason = format!("{header_len} bytes, at most {HEADER_BYTES_MAX} are read");
            return Err(JournalError::Malformed {
                what: "header",
                at: reader.at,
                reason,
            });
        }
        let header_at = reader.at;
        let header_bytes = reader.take(header_len, "the header")?;
        let entries_len = u64::from_le_bytes(reader.array("the entries' length")?);
        let entries_at = reader.at;
        let entries_bytes = reader.take(
            usize::try_from(entries_len).unwrap_or(usize::MAX),
            "an entry or more",
        )?;
        let rolling_hash = reader.array("the rolling hash")?;
        let checked = reader.at;
        let checksum = u128::from_le_bytes(reader.array("the checksum")?);
        if XxHash3_128::oneshot(bytes.get(..checked).unwrap_or_default()) != checksum {
            return Err(JournalError::Checksum);
        }
        let header = decode(header_bytes, "header", header_at)?;
        let entries = read_entries(entries_bytes, entries_at)?;
        Ok(Self {
            header,
            entries,
            rolling_hash,
        })
    }

    /// The journal as bytes again, its rolling hash counted anew: for journals that were cut or edited.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        let mut chain = Chain::default();
        for timed in &self.entries {
            let entry = timed.entry.as_ref();
            let body = push_entry(&mut entries, timed.at_ms, &entry);
            if matches!(
                entry,
                EntryRef::Started { .. } | EntryRef::Ended { .. } | EntryRef::Cancelled { .. }
            ) {
                chain.add(entries.get(body..).unwrap_or_default());
            }
        }
        write(&self.header, &entries, chain.hash())
    }
}

fn read_entries(bytes: &[u8], base: usize) -> Result<Vec<TimedEntry>, JournalError> {
    let mut reader = Reader { bytes, at: 0 };
    let mut entries = Vec::new();
    while reader.at < bytes.len() {
        let at = base + reader.at;
        let malformed = |reason: &str| JournalError::Malformed {
            what: "entry",
            at,
            reason: reason.to_owned(),
        };
        let length = u32::from_le_bytes(reader.array("an entry's length")?) as usize;
        let frame = reader.take(length, "an entry")?;
        let (moment, body) = frame
            .split_first_chunk::<8>()
            .ok_or_else(|| malformed("it has no moment"))?;
        let entry: Entry = decode(body, "entry", at)?;
        entries.push(TimedEntry {
            at_ms: u64::from_le_bytes(*moment),
            entry,
        });
    }
    Ok(entries)
}

fn decode<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    at: usize,
) -> Result<T, JournalError> {
    let malformed = |reason: String| JournalError::Malformed { what, at, reason };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes too many", rest.len())));
    }
    Ok(value)
}

impl Entry {
    fn as_ref(&self) -> EntryRef<'_> {
        match self {
            Self::Began { limits } => EntryRef::Began { limits },
            Self::Started { index, parent, op } => EntryRef::Started {
                index: *index,
                parent: *parent,
                op,
            },
            Self::Ended { index, outcome } => EntryRef::Ended {
                index: *index,
                outcome,
            },
            Self::Cancelled { index } => EntryRef::Cancelled { index: *index },
            Self::Input(input) => EntryRef::Input(input),
            Self::Finished { end } => EntryRef::Finished { end },
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], JournalError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(JournalError::Cut { what, at: self.at })?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], JournalError> {
        let at = self.at;
        self.take(N, what)?
            .try_into()
            .map_err(|_| JournalError::Cut { what, at })
    }
}
