//! A journal as bytes.
//!
//! ```text
//! "TNDMJRNL"  version u16  header length u32  header  entries length u64  entries  rolling hash 16  checksum 16
//! entry: length u32 (of what follows)  moment u64 (ms)  Entry in postcard
//! ```
//! All numbers are little-endian; the checksum is XXH3-128 of everything before it.
//!
//! What may change: variants are added to the end of the enums in `op.rs`, `Entry` and `End`, which needs no new
//! version; a reader that does not know one says that the entry cannot be read. A variant's fields never change: what
//! needs other fields is another variant. Limits are written by name, so they may come and go. All else is a new
//! version. A program reads its own version and every one before it, and refuses a newer one by name.
//!
//! | version | what it brought |
//! |---|---|
//! | 1 | this form, limits by position |
//! | 2 | limits by name; the form of `saved.rs` |

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use twox_hash::XxHash3_128;

use super::{
    Chain, Entry, EntryRef, JournalHeader, RecordedJournal, RollingHash, TimedEntry, saved, version1,
};

const MAGIC: &[u8; 8] = b"TNDMJRNL";
pub(super) const VERSION: u16 = 2;
/// Nothing larger is read: four times the largest journal that [`Limits`](crate::Limits) allows by default.
const BYTES_MAX: usize = 32 << 20;
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Why bytes are not a journal that this version can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It does not begin as a journal.
    #[error("this is no journal: it begins with neither TNDMJRNL nor TNDMSAVE")]
    NoJournal,
    /// Written by a newer version.
    #[error("the journal is of version {found}, this program reads versions up to {VERSION}")]
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
    #[error("the journal's checksum at byte {at} does not match what is before it")]
    Checksum {
        /// Where the checksum is.
        at: usize,
    },
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

/// Appends one entry, and adds its bytes without length and moment to the chain if they belong there.
pub(super) fn push_entry(entries: &mut Vec<u8>, at_ms: u64, entry: &EntryRef<'_>, chain: &mut Chain) {
    let start = entries.len();
    entries.extend_from_slice(&[0; 4]);
    entries.extend_from_slice(&at_ms.to_le_bytes());
    let body = entries.len();
    encode(entries, entry);
    let length = (entries.len() - start - 4) as u32;
    if let Some(slot) = entries.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
    if entry.is_hashed() {
        chain.add(entries.get(body..).unwrap_or_default());
    } else if let EntryRef::Anew { .. } = entry {
        *chain = Chain::default();
    }
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

/// Appends the mark, the version and the header with its length: both forms begin so.
pub(super) fn push_head(out: &mut Vec<u8>, mark: &[u8], header: &JournalHeader) {
    out.extend_from_slice(mark);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let header_at = out.len();
    encode(out, header);
    let length = (out.len() - header_at) as u32;
    if let Some(slot) = out.get_mut(length_at..header_at) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

pub(super) fn write(header: &JournalHeader, entries: &[u8], rolling_hash: [u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() + 512);
    push_head(&mut out, MAGIC, header);
    out.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    out.extend_from_slice(entries);
    out.extend_from_slice(&rolling_hash);
    let checksum = XxHash3_128::oneshot(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

impl RecordedJournal {
    /// Reads what [`Journal::to_bytes`](super::Journal::to_bytes) wrote, or all that
    /// [`Journal::take_unsaved`](super::Journal::take_unsaved) gave. Bounded: nothing is allocated that the bytes
    /// themselves do not pay for.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JournalError> {
        let stored = read(bytes)?;
        let mut recorded = Self {
            header: stored.header,
            entries: stored.entries,
            rolling_hash: stored.rolling_hash.unwrap_or_default(),
        };
        if stored.rolling_hash.is_none() {
            recorded.rolling_hash = encode_entries(&recorded.entries).1.hash();
        }
        Ok(recorded)
    }

    /// The journal as bytes again, its rolling hash counted anew: for journals that were cut or edited.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (entries, chain) = encode_entries(&self.entries);
        write(&self.header, &entries, chain.hash())
    }
}

/// A journal as it was read, in either form.
pub(super) struct Stored {
    pub(super) header: JournalHeader,
    pub(super) entries: Vec<TimedEntry>,
    /// None: this form has none.
    pub(super) rolling_hash: Option<RollingHash>,
    /// The checksum that the next piece goes on from; none: what is saved next begins with a head.
    pub(super) link: Option<u64>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Stored, JournalError> {
    if bytes.len() > BYTES_MAX {
        return Err(JournalError::TooLarge { bytes: bytes.len() });
    }
    let mut reader = Reader { bytes, at: 0 };
    match reader.take(MAGIC.len(), "the mark") {
        Ok(mark) if mark == MAGIC => whole(&mut reader),
        Ok(mark) if mark == saved::MAGIC => saved::read(&mut reader),
        Ok(_) | Err(_) => Err(JournalError::NoJournal),
    }
}

/// All entries as this version writes them, and the hash over them.
pub(super) fn encode_entries(entries: &[TimedEntry]) -> (Vec<u8>, Chain) {
    let mut encoded = Vec::with_capacity(entries.len() * 32);
    let mut chain = Chain::default();
    for timed in entries {
        push_entry(&mut encoded, timed.at_ms, &timed.entry.as_ref(), &mut chain);
    }
    (encoded, chain)
}

/// A whole journal, after its mark.
fn whole(reader: &mut Reader<'_>) -> Result<Stored, JournalError> {
    let (version, header_at, header_bytes) = read_head(reader, 1)?;
    let entries_len = u64::from_le_bytes(reader.array("the entries' length")?);
    let entries_at = reader.at;
    let entries_bytes = reader.take(
        usize::try_from(entries_len).unwrap_or(usize::MAX),
        "an entry or more",
    )?;
    let rolling_hash = reader.array("the rolling hash")?;
    let at = reader.at;
    let checksum = u128::from_le_bytes(reader.array("the checksum")?);
    if XxHash3_128::oneshot(reader.bytes.get(..at).unwrap_or_default()) != checksum {
        return Err(JournalError::Checksum { at });
    }
    let header = decode(header_bytes, "header", header_at)?;
    let mut entries = Vec::new();
    read_entries(version, entries_bytes, entries_at, &mut entries)?;
    Ok(Stored {
        header,
        entries,
        rolling_hash: Some(rolling_hash),
        link: None,
    })
}

/// What stands between the mark and the entries: the version, and where the header is.
pub(super) fn read_head<'a>(
    reader: &mut Reader<'a>,
    oldest: u16,
) -> Result<(u16, usize, &'a [u8]), JournalError> {
    let version = u16::from_le_bytes(reader.array("the version")?);
    if !(oldest..=VERSION).contains(&version) {
        return Err(JournalError::Version { found: version });
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
    Ok((version, header_at, reader.take(header_len, "the header")?))
}

/// Appends the entries in `bytes`, which begin at byte `base` of the journal.
pub(super) fn read_entries(
    version: u16,
    bytes: &[u8],
    base: usize,
    entries: &mut Vec<TimedEntry>,
) -> Result<(), JournalError> {
    let mut reader = Reader { bytes, at: 0 };
    while reader.at < bytes.len() {
        let at = base + reader.at;
        let malformed = |reason: &str| JournalError::Malformed {
            what: "entry",
            at,
            reason: reason.to_owned(),
        };
        let cut = |what| JournalError::Cut { what, at };
        let length = reader.array("").map_err(|_| cut("an entry's length"))?;
        let frame = reader
            .take(u32::from_le_bytes(length) as usize, "")
            .map_err(|_| cut("an entry"))?;
        let (moment, body) = frame
            .split_first_chunk::<8>()
            .ok_or_else(|| malformed("it has no moment"))?;
        let entry = match version {
            1 => version1::entry(body, at)?,
            _ => decode(body, "entry", at)?,
        };
        entries.push(TimedEntry {
            at_ms: u64::from_le_bytes(*moment),
            entry,
        });
    }
    Ok(())
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(
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
            Self::Anew { after, start } => EntryRef::Anew { after: *after, start },
            Self::FellBack {
                after,
                end,
                scenario,
                module_hash,
            } => EntryRef::FellBack {
                after: *after,
                end,
                scenario,
                module_hash,
            },
        }
    }
}

pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], JournalError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(JournalError::Cut { what, at: self.at })?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], JournalError> {
        let at = self.at;
        self.take(N, what)?
            .try_into()
            .map_err(|_| JournalError::Cut { what, at })
    }
}
