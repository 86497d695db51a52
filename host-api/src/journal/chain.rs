//! The rolling hash.

use twox_hash::XxHash3_128;

use super::{EntryRef, RollingHash, codec};

/// Each link is the hash of the link before it and of one entry.
#[derive(Default)]
pub(super) struct Chain {
    link: u128,
    scratch: Vec<u8>,
}

impl Chain {
    pub(super) fn add(&mut self, encoded: &[u8]) {
        let before = self.link.to_le_bytes();
        let seed = u64::from_le_bytes([
            before[0], before[1], before[2], before[3], before[4], before[5], before[6], before[7],
        ]);
        // Both halves of the link before enter: one as the seed, one by addition to the result.
        let high = self.link >> 64;
        self.link = XxHash3_128::oneshot_with_seed(seed, encoded).wrapping_add(high);
    }

    pub(super) fn add_entry(&mut self, entry: &EntryRef<'_>) {
        if let EntryRef::Anew { .. } = entry {
            *self = Self::default();
        }
        if !entry.is_hashed() {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        codec::encode(&mut scratch, entry);
        self.add(&scratch);
        self.scratch = scratch;
    }

    pub(super) fn hash(&self) -> RollingHash {
        self.link.to_le_bytes()
    }
}
