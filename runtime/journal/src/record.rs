//! One batch as bytes, and the walk over a segment's records.

use twox_hash::XxHash3_64;

use crate::batch::BATCH_BYTES_MAX;
use crate::entry;
use crate::problem::Reason;

/// Checksum, length, batch number.
pub(crate) const HEAD_BYTES: usize = 20;

/// Fills in the head of a record whose entries are in place.
pub(crate) fn seal(record: &mut [u8], segment: u32, batch: u64) {
    let length = record.len().saturating_sub(HEAD_BYTES) as u32;
    let Some((checksum, covered)) = record.split_first_chunk_mut::<8>() else {
        return;
    };
    let Some((slot, rest)) = covered.split_first_chunk_mut::<4>() else {
        return;
    };
    *slot = length.to_le_bytes();
    let Some((slot, _)) = rest.split_first_chunk_mut::<8>() else {
        return;
    };
    *slot = batch.to_le_bytes();
    *checksum = XxHash3_64::oneshot_with_seed(segment.into(), covered).to_le_bytes();
}

/// A record that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) batch: u64,
    /// Every one of them makes sense.
    pub(crate) entries: &'a [u8],
}

/// What a walk meets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Record(Record<'a>),
    /// No record can be believed from `at` on for so many bytes; behind them is one, or the segment's end.
    Dropped {
        at: usize,
        bytes: usize,
        reason: Reason,
    },
}

/// The walk over a segment's records.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    segment: u32,
    /// Where the next record begins.
    at: usize,
    /// The last batch seen.
    after: u64,
    /// The first batch of the next segment: from it on, this one holds nothing that counts.
    until: u64,
}

/// Why there is no record, and where the next would be if the length were right.
struct Fault {
    reason: Reason,
    bytes: Option<usize>,
}

impl<'a> Walk<'a> {
    /// `bytes` is a whole segment with its head, `after` the last batch before it.
    pub(crate) fn new(bytes: &'a [u8], segment: u32, after: u64, until: u64) -> Self {
        Self {
            bytes,
            segment,
            at: crate::segment::HEAD_BYTES,
            after,
            until,
        }
    }

    fn record_at(&self, at: usize) -> Result<(Record<'a>, usize), Fault> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let cut = |needs: usize| Reason::Cut {
            needs: needs as u64,
            left: rest.len() as u64,
        };
        let last = |reason| Fault { reason, bytes: None };
        let (checksum, covered) = rest
            .split_first_chunk::<8>()
            .ok_or_else(|| last(cut(HEAD_BYTES)))?;
        let (length, body) = covered
            .split_first_chunk::<4>()
            .ok_or_else(|| last(cut(HEAD_BYTES)))?;
        let (batch, body) = body
            .split_first_chunk::<8>()
            .ok_or_else(|| last(cut(HEAD_BYTES)))?;
        let length = u32::from_le_bytes(*length) as usize;
        let bytes = HEAD_BYTES + length;
        if bytes > BATCH_BYTES_MAX {
            return Err(last(Reason::Length { bytes: bytes as u64 }));
        }
        let entries = body.get(..length).ok_or_else(|| last(cut(bytes)))?;
        let covered = covered.get(..length + 12).unwrap_or_default();
        let fault = |reason| Fault {
            reason,
            bytes: Some(bytes),
        };
        if XxHash3_64::oneshot_with_seed(self.segment.into(), covered) != u64::from_le_bytes(*checksum) {
            return Err(fault(Reason::Checksum));
        }
        let batch = u64::from_le_bytes(*batch);
        if batch <= self.after || batch >= self.until {
            return Err(fault(Reason::Order {
                batch,
                after: self.after,
            }));
        }
        if let Some(what) = entry::entries(entries).find_map(Result::err) {
            return Err(fault(Reason::Entry(what)));
        }
        Ok((Record { batch, entries }, bytes))
    }

    /// From a record that is not to be believed, the lengths lead to one that is, or to the end.
    fn step_over(&self, mut at: usize) -> usize {
        while at < self.bytes.len() {
            match self.record_at(at) {
                Ok(_) => return at,
                Err(Fault {
                    bytes: Some(bytes), ..
                }) => at += bytes,
                Err(Fault { bytes: None, .. }) => break,
            }
        }
        self.bytes.len()
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if self.at >= self.bytes.len() || self.after.saturating_add(1) >= self.until {
            return None;
        }
        match self.record_at(self.at) {
            Ok((record, bytes)) => {
                self.at += bytes;
                self.after = record.batch;
                Some(Step::Record(record))
            }
            Err(Fault { reason, .. }) => {
                let at = self.at;
                self.at = self.step_over(at);
                Some(Step::Dropped {
                    at,
                    bytes: self.at - at,
                    reason,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;

    fn segment(batches: &[u64]) -> Vec<u8> {
        let mut bytes = crate::segment::head(1, 1).to_vec();
        for number in batches {
            let mut batch = Batch::new();
            batch.put(b"key", &number.to_le_bytes()).unwrap();
            seal(batch.record_mut(), 1, *number);
            bytes.extend_from_slice(batch.record_mut());
        }
        bytes
    }

    fn batches(bytes: &[u8], until: u64) -> (Vec<u64>, usize) {
        let (mut seen, mut dropped) = (Vec::new(), 0);
        for step in Walk::new(bytes, 1, 0, until) {
            match step {
                Step::Record(record) => seen.push(record.batch),
                Step::Dropped { bytes, .. } => dropped += bytes,
            }
        }
        (seen, dropped)
    }

    #[test]
    fn two_damaged_records_in_a_row_are_stepped_over() {
        let mut bytes = segment(&[1, 2, 3, 4]);
        let record = (bytes.len() - 32) / 4;
        bytes[32 + record + 30] ^= 1;
        bytes[32 + 2 * record + 30] ^= 1;
        assert_eq!(batches(&bytes, u64::MAX), (vec![1, 4], 2 * record));
    }

    #[test]
    fn damaged_length_leaves_out_the_rest() {
        let mut bytes = segment(&[1, 2, 3, 4]);
        let record = (bytes.len() - 32) / 4;
        bytes[32 + record + 8] ^= 1;
        assert_eq!(batches(&bytes, u64::MAX), (vec![1], 3 * record));
    }

    #[test]
    fn records_from_the_next_segments_first_batch_on_are_void() {
        let bytes = segment(&[1, 2, 3]);
        assert_eq!(batches(&bytes, 3), (vec![1, 2], 0));
        // Also behind a record that is missing.
        let bytes = segment(&[1, 3]);
        assert_eq!(batches(&bytes, 3).0, [1]);
    }

    #[test]
    fn zeroes_are_walked_in_one_step() {
        let mut bytes = segment(&[1]);
        bytes.resize(bytes.len() + 10_000, 0);
        assert_eq!(batches(&bytes, u64::MAX), (vec![1], 10_000));
    }
}
