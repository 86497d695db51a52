//! Where the live keys' data begins: what tells which segments are still needed.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use crate::entry::{Change, Entry};
use crate::key::{Key, KeyHasher};

/// What is known of a live key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The segment of its last `Put`, or of the `Append` that made it.
    pub(crate) first: u32,
    /// The length of its value.
    pub(crate) value: u32,
    /// The batch that changed it last.
    pub(crate) last: u64,
}

/// A segment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) bytes: u64,
    /// How many live keys begin here.
    pub(crate) live: u32,
}

/// What an entry did to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// It has this value now.
    Put,
    /// Its value grew.
    Grown,
    /// It is gone.
    Deleted,
    /// It was appended to, but what the entry follows is not what is known: it is gone.
    Baseless,
}

/// A table by key.
pub(crate) type Keys<T> = HashMap<Key, T, BuildHasherDefault<KeyHasher>>;

/// The live keys and the segments.
#[derive(Default)]
pub(crate) struct Index {
    keys: Keys<Slot>,
    /// From the oldest to the one that is written to.
    pub(crate) segments: VecDeque<Segment>,
    live_bytes: u64,
}

/// What is to be restored if a batch is not written after all.
pub(crate) type Undo = Vec<(Key, Option<Slot>)>;

impl Index {
    /// Every live key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.keys()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Slot> {
        self.keys.get(key).copied()
    }

    pub(crate) fn live_keys(&self) -> usize {
        self.keys.len()
    }

    /// What the log would take if each live key were one `Put`.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// What the segments take.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The live keys whose data begins in this segment.
    pub(crate) fn keys_of(&self, segment: u32) -> impl Iterator<Item = &Key> {
        self.keys
            .iter()
            .filter(move |(_, slot)| slot.first == segment)
            .map(|(key, _)| key)
    }

    /// An entry of this batch lies in this segment, the last.
    pub(crate) fn apply(&mut self, entry: &Entry<'_>, batch: u64, segment: u32) -> Became {
        let known = self.get(entry.key);
        let (slot, became) = match (entry.change, known) {
            (Change::Put { value } | Change::Append { follows: 0, value }, _) => {
                let slot = Slot {
                    first: segment,
                    value: value.len() as u32,
                    last: batch,
                };
                (Some(slot), Became::Put)
            }
            (Change::Append { follows, value }, Some(known)) if known.last == follows => {
                let value = known.value.saturating_add(value.len() as u32);
                (
                    Some(Slot {
                        first: known.first,
                        value,
                        last: batch,
                    }),
                    Became::Grown,
                )
            }
            (Change::Append { .. }, _) => (None, Became::Baseless),
            (Change::Delete, _) => (None, Became::Deleted),
        };
        self.set(entry.key, slot);
        became
    }

    /// A batch was not written: `undo` is what was known before each of its entries.
    pub(crate) fn roll_back(&mut self, undo: &mut Undo) {
        for (key, slot) in undo.drain(..).rev() {
            self.set(std::borrow::Borrow::borrow(&key), slot);
        }
    }

    fn set(&mut self, key: &[u8], slot: Option<Slot>) {
        let before = match (self.keys.get_mut(key), slot) {
            (Some(known), Some(slot)) => Some(std::mem::replace(known, slot)),
            (Some(_), None) => self.keys.remove(key),
            (None, Some(slot)) => self.keys.insert(Key::new(key), slot),
            (None, None) => None,
        };
        if let Some(before) = before {
            self.live_bytes -= cost(key, before);
            self.count(before.first, u32::wrapping_sub);
        }
        if let Some(slot) = slot {
            self.live_bytes += cost(key, slot);
            self.count(slot.first, u32::wrapping_add);
        }
    }

    fn count(&mut self, segment: u32, one: fn(u32, u32) -> u32) {
        // Nearly always the last: keys are changed where they were just written.
        let found = self
            .segments
            .iter_mut()
            .rev()
            .find(|known| known.number == segment);
        if let Some(known) = found {
            known.live = one(known.live, 1);
        }
    }
}

/// What a live key would take in a log: kind, lengths, and a part of the record's head.
fn cost(key: &[u8], slot: Slot) -> u64 {
    const AROUND: u64 = 8;
    key.len() as u64 + u64::from(slot.value) + AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_takes_40_bytes_of_table() {
        assert_eq!(size_of::<(Key, Slot)>(), 40);
    }

    #[test]
    fn roll_back_restores_what_was_known() {
        let mut index = Index::default();
        index.segments.push_back(Segment {
            number: 1,
            bytes: 0,
            live: 0,
        });
        index.apply(
            &Entry {
                key: b"a",
                change: Change::Put { value: b"1" },
            },
            1,
            1,
        );
        index.segments.push_back(Segment {
            number: 2,
            bytes: 0,
            live: 0,
        });
        let (segments, live_bytes) = (index.segments.clone(), index.live_bytes);
        let mut undo = Undo::new();
        for entry in [
            Entry {
                key: b"a",
                change: Change::Delete,
            },
            Entry {
                key: b"b",
                change: Change::Put { value: b"123" },
            },
            Entry {
                key: b"a",
                change: Change::Put { value: b"12345" },
            },
        ] {
            undo.push((Key::new(entry.key), index.get(entry.key)));
            index.apply(&entry, 2, 2);
        }
        index.roll_back(&mut undo);
        assert_eq!(
            index.get(b"a"),
            Some(Slot {
                first: 1,
                value: 1,
                last: 1
            })
        );
        assert_eq!(index.get(b"b"), None);
        assert_eq!((index.segments, index.live_bytes), (segments, live_bytes));
    }
}
