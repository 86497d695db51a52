//! Prompts in memory under a bound of bytes; the one unused for longest goes first.

use std::collections::HashMap;

use super::Samples;

struct Entry {
    samples: Samples,
    used: u64,
}

pub(crate) struct Memory {
    entries: HashMap<blake3::Hash, Entry>,
    bytes: usize,
    max_bytes: usize,
    clock: u64,
}

/// What an entry costs beside its samples.
const ENTRY_BYTES: usize = 96;

fn cost(samples: &Samples) -> usize {
    std::mem::size_of_val::<[i16]>(samples) + ENTRY_BYTES
}

impl Memory {
    pub(crate) fn new(max_bytes: usize) -> Memory {
        Memory {
            entries: HashMap::new(),
            bytes: 0,
            max_bytes,
            clock: 0,
        }
    }

    pub(crate) fn get(&mut self, key: &blake3::Hash) -> Option<Samples> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(Samples::clone(&entry.samples))
    }

    /// Keeps a prompt, unless it alone is past the bound.
    pub(crate) fn put(&mut self, key: blake3::Hash, samples: Samples) {
        let added = cost(&samples);
        if added > self.max_bytes {
            return;
        }
        self.clock += 1;
        if let Some(before) = self.entries.insert(
            key,
            Entry {
                samples,
                used: self.clock,
            },
        ) {
            self.bytes -= cost(&before.samples);
        }
        self.bytes += added;
        while self.bytes > self.max_bytes {
            let Some(oldest) = self
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| *key)
            else {
                return;
            };
            if let Some(gone) = self.entries.remove(&oldest) {
                self.bytes -= cost(&gone.samples);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes_first() {
        let key = |n: u8| blake3::hash(&[n]);
        let prompt = || Samples::from(vec![0_i16; 1_000]);
        let mut memory = Memory::new(3 * (2_000 + ENTRY_BYTES));
        for n in 0..3 {
            memory.put(key(n), prompt());
        }
        assert!(memory.get(&key(0)).is_some());
        memory.put(key(3), prompt());
        assert!(memory.get(&key(1)).is_none());
        assert!(memory.get(&key(0)).is_some() && memory.get(&key(3)).is_some());
        memory.put(key(9), Samples::from(vec![0; 10_000]));
        assert!(memory.get(&key(9)).is_none());
        memory.put(key(3), prompt());
        assert_eq!(memory.bytes, 3 * (2_000 + ENTRY_BYTES));
    }
}
