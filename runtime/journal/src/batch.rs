//! What is written at once.

use crate::entry::{Change, Entry, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::record;

/// The longest batch, as it is written.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Changes that are kept together or not at all, in their order. Kept and reused by its owner, it allocates only to
/// grow.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The record as it will be written: room for its head, then the entries.
    bytes: Vec<u8>,
}

/// Why a change was not taken into a batch; the batch is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The key is too long.
    #[error("a key of {bytes} bytes, at most {KEY_BYTES_MAX} are allowed")]
    Key {
        /// Its length.
        bytes: usize,
    },
    /// The value is too long.
    #[error("a value of {bytes} bytes, at most {VALUE_BYTES_MAX} are allowed")]
    Value {
        /// Its length.
        bytes: usize,
    },
    /// The batch has no room for it: commit, then try again.
    #[error("the batch would have {bytes} bytes, at most {BATCH_BYTES_MAX} are written at once")]
    Batch {
        /// Its length with this change.
        bytes: usize,
    },
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            bytes: vec![0; record::HEAD_BYTES],
        }
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The key has this value from now on.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), EntryError> {
        self.push(key, Change::Put { value }, value.len())
    }

    /// The key's value continues with these bytes; a key that is not there begins with them.
    pub fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), EntryError> {
        // What it follows is known when it is committed.
        self.push(key, Change::Append { follows: 0, value }, value.len())
    }

    /// The key is there no more.
    pub fn delete(&mut self, key: &[u8]) -> Result<(), EntryError> {
        self.push(key, Change::Delete, 0)
    }

    /// Nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == record::HEAD_BYTES
    }

    /// What a commit would write.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes everything out and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.truncate(record::HEAD_BYTES);
    }

    /// The record, its head not yet filled in.
    pub(crate) fn record_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn push(&mut self, key: &[u8], change: Change<'_>, value_bytes: usize) -> Result<(), EntryError> {
        /// Kind, key's length, `follows` and value's length at most.
        const AROUND: usize = 2 + 8 + 4;
        if key.len() > KEY_BYTES_MAX {
            return Err(EntryError::Key { bytes: key.len() });
        }
        if value_bytes > VALUE_BYTES_MAX {
            return Err(EntryError::Value { bytes: value_bytes });
        }
        let bytes = self.bytes.len() + AROUND + key.len() + value_bytes;
        if bytes > BATCH_BYTES_MAX {
            return Err(EntryError::Batch { bytes });
        }
        Entry { key, change }.push_to(&mut self.bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_that_is_too_long_leaves_the_batch_as_it_was() {
        let mut batch = Batch::new();
        assert_eq!(batch.put(&[0; 65], b""), Err(EntryError::Key { bytes: 65 }));
        let value = vec![0; VALUE_BYTES_MAX + 1];
        assert_eq!(
            batch.append(b"k", &value),
            Err(EntryError::Value { bytes: value.len() })
        );
        assert!(batch.is_empty());
        let value = vec![0; VALUE_BYTES_MAX];
        for _ in 0..3 {
            batch.put(b"k", &value).unwrap();
        }
        let before = batch.len_bytes();
        assert!(matches!(batch.put(b"k", &value), Err(EntryError::Batch { .. })));
        assert_eq!(batch.len_bytes(), before);
        batch.clear();
        assert!(batch.is_empty());
    }
}
