//! The head of a segment file.

use std::fmt;

use twox_hash::XxHash3_64;

/// The version that is written, and the latest that is read.
pub(crate) const VERSION: u16 = 1;
/// Bytes of the head.
pub(crate) const HEAD_BYTES: usize = 32;
const MAGIC: &[u8; 8] = b"TNDMSEGM";

/// What a sound head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of the first batch that the segment holds or will hold.
    pub(crate) first_batch: u64,
}

/// Why a head says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// The file ends within it.
    Short,
    /// A later program wrote it.
    Newer { version: u16 },
    /// It is not what was written.
    Damaged(&'static str),
}

/// The head of a new segment.
pub(crate) fn head(segment: u32, first_batch: u64) -> [u8; HEAD_BYTES] {
    let mut bytes = [0; HEAD_BYTES];
    let parts: [&[u8]; 5] = [
        MAGIC,
        &VERSION.to_le_bytes(),
        &[0; 2],
        &segment.to_le_bytes(),
        &first_batch.to_le_bytes(),
    ];
    let mut slots = bytes.iter_mut();
    for byte in parts.into_iter().flatten() {
        if let Some(slot) = slots.next() {
            *slot = *byte;
        }
    }
    if let Some((covered, checksum)) = bytes.split_last_chunk_mut::<8>() {
        *checksum = XxHash3_64::oneshot(covered).to_le_bytes();
    }
    bytes
}

/// Reads the head of the segment of this number.
pub(crate) fn parse(segment: u32, bytes: &[u8]) -> Result<Head, HeadFault> {
    let head = bytes.first_chunk::<HEAD_BYTES>().ok_or(HeadFault::Short)?;
    let (covered, checksum) = head.split_last_chunk::<8>().ok_or(HeadFault::Short)?;
    let (magic, rest) = covered.split_first_chunk::<8>().ok_or(HeadFault::Short)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(HeadFault::Short)?;
    let (_zero, rest) = rest.split_first_chunk::<2>().ok_or(HeadFault::Short)?;
    let (number, rest) = rest.split_first_chunk::<4>().ok_or(HeadFault::Short)?;
    let first_batch = rest.first_chunk::<8>().ok_or(HeadFault::Short)?;
    if magic != MAGIC {
        return Err(HeadFault::Damaged("it does not begin with TNDMSEGM"));
    }
    // Before the version: a flipped bit must not pass for a newer program.
    if XxHash3_64::oneshot(covered) != u64::from_le_bytes(*checksum) {
        return Err(HeadFault::Damaged("its checksum does not match"));
    }
    if u32::from_le_bytes(*number) != segment {
        return Err(HeadFault::Damaged("it is of another segment"));
    }
    match u16::from_le_bytes(*version) {
        VERSION => Ok(Head {
            first_batch: u64::from_le_bytes(*first_batch),
        }),
        0 => Err(HeadFault::Damaged("it is of version 0")),
        version => Err(HeadFault::Newer { version }),
    }
}

/// A segment's file name; of 0, which is none, the word for all of them.
pub(crate) struct Name(pub(crate) u32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("the segments"),
            number => write!(f, "{number:08}.log"),
        }
    }
}
