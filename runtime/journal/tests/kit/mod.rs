//! What the tests share: chance with a seed, and a map that a log is compared with.

#![allow(dead_code, unreachable_pub)] // each test file uses a part

use std::collections::{BTreeMap, HashMap, HashSet};

use tandem_journal::{Batch, Disk, Log, Opened, Options};

pub type Map = BTreeMap<Box<[u8]>, Vec<u8>>;

/// xorshift64*: a seed gives the same run everywhere.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// What the log should hold, and all that it ever held.
#[derive(Default, Clone)]
pub struct Model {
    pub map: Map,
    pub ever: HashMap<Box<[u8]>, HashSet<Vec<u8>>>,
}

impl Model {
    pub fn put(&mut self, batch: &mut Batch, key: &[u8], value: &[u8]) {
        batch.put(key, value).unwrap();
        self.set(key, value.to_vec());
    }

    pub fn append(&mut self, batch: &mut Batch, key: &[u8], value: &[u8]) {
        batch.append(key, value).unwrap();
        let mut whole = self.map.get(key).cloned().unwrap_or_default();
        whole.extend_from_slice(value);
        self.set(key, whole);
    }

    pub fn delete(&mut self, batch: &mut Batch, key: &[u8]) {
        batch.delete(key).unwrap();
        self.map.remove(key);
    }

    fn set(&mut self, key: &[u8], value: Vec<u8>) {
        self.ever.entry(key.into()).or_default().insert(value.clone());
        self.map.insert(key.into(), value);
    }

    /// A few changes of a few keys.
    pub fn change(&mut self, batch: &mut Batch, chance: &mut Chance) {
        for _ in 0..=chance.below(5) {
            let key = key(chance.below(12));
            // Each value is a value of its own: a stale one cannot pass for the latest.
            let value: Vec<u8> = (0..=chance.below(24)).map(|_| chance.below(256) as u8).collect();
            match chance.below(10) {
                0..4 => self.put(batch, &key, &value),
                4..8 => self.append(batch, &key, &value),
                _ => self.delete(batch, &key),
            }
        }
    }

    /// Puts again what holds the oldest segment.
    pub fn tidy<D: Disk>(&self, log: &mut Log<D>, batch: &mut Batch, at_most: usize) {
        for key in log.stale_keys(at_most) {
            batch.put(&key, &self.map[&key]).unwrap();
        }
    }

    /// Every value was once written for its key.
    pub fn assert_nothing_invented(&self, map: &Map, context: &str) {
        for (key, value) in map {
            let known = self.ever.get(key).is_some_and(|values| values.contains(value));
            assert!(known, "{context}: {key:?} never was {value:?}");
        }
    }
}

/// Some short keys, some long ones.
pub fn key(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(4) { 40 } else { 13 };
    let mut key = vec![b'k'; length];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}

/// Segments so small that every test sees many.
pub fn small(options: Options) -> Options {
    Options {
        segment_bytes: 600,
        keep_bytes: 2_000,
        ..options
    }
}

pub fn open<D: Disk>(disk: D, options: Options) -> (Log<D>, Opened) {
    Log::open(disk, options).unwrap()
}
