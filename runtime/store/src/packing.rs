//! Journals as they lie in the database: small.
//!
//! | codec | the bytes are |
//! |---|---|
//! | 0 | as they were handed in: what the first release wrote, and what does not get smaller |
//! | 1 | raw DEFLATE (RFC 1951) behind the preset dictionary `journals-1.dictionary` |
//!
//! Most calls are short, and most of a short call's journal is what every journal has: names of limits, the world, the
//! words of flows, the usual entries. The dictionary has these, and halves what is left without it. Rows need it for
//! ever: it never changes. A better one is another codec.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::calls::JOURNAL_MOST;

const DICTIONARY: &[u8] = include_bytes!("journals-1.dictionary");
/// Beyond it a journal gets little smaller and takes much longer.
const LEVEL: u32 = 6;
/// No window: the bytes are DEFLATE alone. A journal has a checksum of its own.
const ZLIB_HEADER: bool = false;

const AS_IT_IS: i64 = 0;
const DEFLATE_1: i64 = 1;

/// A journal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedJournal {
    pub(crate) codec: i64,
    /// When it is unpacked; 0 where it is stored as it is.
    pub(crate) length_bytes: i64,
    pub(crate) bytes: Vec<u8>,
}

/// Why stored bytes are not a journal any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// A newer release wrote it.
    #[error("it is stored by codec {0}, which this release does not know")]
    UnknownCodec(i64),
    /// Its length is none that a journal can have.
    #[error("it says that it is {0} bytes long")]
    Length(i64),
    /// It does not decompress, or to another length.
    #[error("it does not decompress to the {expected} bytes that it says: {why}")]
    Damaged {
        /// What it should be, in bytes.
        expected: usize,
        /// What was found.
        why: String,
    },
}

impl PackedJournal {
    /// Packs a journal. Takes some 20 µs a kilobyte: call it where computing is allowed.
    pub fn pack(journal: Vec<u8>) -> Self {
        match deflate(&journal) {
            Some(bytes) => Self {
                codec: DEFLATE_1,
                length_bytes: journal.len() as i64,
                bytes,
            },
            None => Self {
                codec: AS_IT_IS,
                length_bytes: 0,
                bytes: journal,
            },
        }
    }

    /// How many bytes it takes in the database.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The journal as it was handed in. Never allocates more than [`JOURNAL_MOST`], whatever the bytes say. Call it
    /// where computing is allowed.
    pub fn unpack(self) -> Result<Vec<u8>, UnpackError> {
        match self.codec {
            AS_IT_IS => Ok(self.bytes),
            DEFLATE_1 => {
                let length = usize::try_from(self.length_bytes)
                    .ok()
                    .filter(|length| *length <= JOURNAL_MOST)
                    .ok_or(UnpackError::Length(self.length_bytes))?;
                inflate(&self.bytes, length)
            }
            unknown => Err(UnpackError::UnknownCodec(unknown)),
        }
    }
}

/// None: it would not get smaller.
fn deflate(journal: &[u8]) -> Option<Vec<u8>> {
    let mut deflate = Compress::new(Compression::new(LEVEL), ZLIB_HEADER);
    deflate.set_dictionary(DICTIONARY).ok()?;
    // What does not fit into one byte less than the journal is no gain.
    let mut packed = Vec::with_capacity(journal.len().checked_sub(1)?);
    match deflate.compress_vec(journal, &mut packed, FlushCompress::Finish) {
        Ok(Status::StreamEnd) => {
            packed.shrink_to_fit();
            Some(packed)
        }
        Ok(Status::Ok | Status::BufError) | Err(_) => None,
    }
}

fn inflate(packed: &[u8], length: usize) -> Result<Vec<u8>, UnpackError> {
    /// DEFLATE makes at most 1,032 bytes of one: what claims more is not given room for it.
    const RATIO_MOST: usize = 1_032;
    let damaged = |why: &str| UnpackError::Damaged {
        expected: length,
        why: why.to_owned(),
    };
    if length > packed.len().saturating_mul(RATIO_MOST) {
        return Err(damaged("so few bytes cannot hold so many"));
    }
    let mut inflate = Decompress::new(ZLIB_HEADER);
    inflate
        .set_dictionary(DICTIONARY)
        .map_err(|error| damaged(&error.to_string()))?;
    let mut journal = Vec::with_capacity(length);
    let status = inflate
        .decompress_vec(packed, &mut journal, FlushDecompress::Finish)
        .map_err(|error| damaged(&error.to_string()))?;
    match status {
        Status::StreamEnd if journal.len() == length => Ok(journal),
        Status::StreamEnd => Err(damaged(&format!("there are {}", journal.len()))),
        Status::Ok | Status::BufError if journal.len() < length => Err(damaged("its end is missing")),
        Status::Ok | Status::BufError => Err(damaged("there are more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> PackedJournal {
        PackedJournal::pack(bytes.to_vec())
    }

    #[test]
    fn what_is_packed_comes_back() {
        let long: Vec<u8> = (0..3_000_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for journal in [&b""[..], b"j", b"\0\xff", DICTIONARY, &long] {
            assert_eq!(packed(journal).unpack().as_deref(), Ok(journal));
        }
        assert!(packed(&long).len_bytes() < long.len() / 2);
    }

    #[test]
    fn the_dictionary_never_changes() {
        let hash = blake3::hash(DICTIONARY).to_hex();
        assert_eq!(
            hash.as_str(),
            "7b6afaa199546875f66c20ffdd2fa52508b61541d01f97f99117987bfbbf23fd"
        );
    }

    /// What this codec wrote once, it reads for ever, whatever library does it.
    #[test]
    fn bytes_of_the_first_release_with_it_are_read() {
        let stored = PackedJournal {
            codec: DEFLATE_1,
            length_bytes: 4_279,
            bytes: include_bytes!("../tests/data/menu.deflate-1").to_vec(),
        };
        let journal = stored.unpack().unwrap();
        assert_eq!(journal, include_bytes!("../tests/data/menu.journal"));
    }

    #[test]
    fn what_does_not_get_smaller_is_stored_as_it_is() {
        let mut noise = [0; 64];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        assert_eq!(packed(&noise).codec, AS_IT_IS);
        assert_eq!(packed(&noise).unpack().unwrap(), noise);
    }

    #[test]
    fn damage_is_told_and_allocates_no_more_than_a_journal() {
        let good = packed(&b"tandem ".repeat(1_000));
        for length in [-1, i64::MAX, JOURNAL_MOST as i64 + 1] {
            let stored = PackedJournal {
                length_bytes: length,
                ..good.clone()
            };
            assert_eq!(stored.unpack(), Err(UnpackError::Length(length)));
        }
        // A bomb: more than it says, or a claim that its bytes cannot make true.
        for length in [0, 6_999, 7_001, JOURNAL_MOST as i64] {
            let stored = PackedJournal {
                length_bytes: length,
                ..good.clone()
            };
            assert!(
                matches!(stored.unpack(), Err(UnpackError::Damaged { .. })),
                "{length}"
            );
        }
        for cut in 0..good.bytes.len() {
            let stored = PackedJournal {
                bytes: good.bytes[..cut].to_vec(),
                ..good.clone()
            };
            assert!(stored.unpack().is_err(), "cut at {cut}");
        }
        let unknown = PackedJournal { codec: 9, ..good };
        assert_eq!(unknown.unpack(), Err(UnpackError::UnknownCodec(9)));
    }

    /// Nothing but an error or other bytes of the same length comes of flipped bits; a journal's own checksum tells the
    /// latter.
    #[test]
    fn flipped_bits_harm_nobody() {
        let good = packed(include_bytes!("../tests/data/menu.journal"));
        for bit in 0..good.bytes.len() * 8 {
            let mut stored = good.clone();
            stored.bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(journal) = stored.unpack() {
                assert_eq!(journal.len() as i64, good.length_bytes);
            }
        }
    }
}
