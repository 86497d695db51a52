//! A key in memory, and how it is hashed.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use twox_hash::XxHash3_64;

/// Short keys lie in the table itself: 22 bytes are what a boxed slice and its tag would take anyway.
const SHORT: usize = 22;

/// At most 64 bytes; up to 22 need no allocation.
#[derive(Clone)]
pub(crate) enum Key {
    Short { bytes: u8, key: [u8; SHORT] },
    Long(Box<[u8]>),
}

impl Key {
    pub(crate) fn new(from: &[u8]) -> Self {
        let mut key = [0; SHORT];
        match key.get_mut(..from.len()) {
            Some(slot) => {
                slot.copy_from_slice(from);
                Self::Short {
                    bytes: from.len() as u8,
                    key,
                }
            }
            None => Self::Long(from.into()),
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        match self {
            Self::Short { bytes, key } => key.get(..usize::from(*bytes)).unwrap_or(key),
            Self::Long(key) => key,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let other: &[u8] = other.borrow();
        other == <Self as Borrow<[u8]>>::borrow(self)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        <Self as Borrow<[u8]>>::borrow(self).hash(state);
    }
}

/// XXH3 without a secret: keys are the owner's, and the order in which a table is walked must not depend on chance.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = XxHash3_64::oneshot_with_seed(self.0, bytes);
    }

    fn write_usize(&mut self, length: usize) {
        self.0 ^= length as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
