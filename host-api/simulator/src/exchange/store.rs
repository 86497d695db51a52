//! The key-value store of the scripted domain, with the rules of the real one.

use std::collections::BTreeMap;

use tandem_host_api::op::{KvError, KvValue};

/// Most bytes of keys and values together, as a server has it.
const BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub struct KeyValues {
    pairs: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl KeyValues {
    pub fn new(pairs: BTreeMap<String, Vec<u8>>) -> Self {
        let bytes = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
        Self { pairs, bytes }
    }

    pub fn take_pairs(&mut self) -> BTreeMap<String, Vec<u8>> {
        self.bytes = 0;
        std::mem::take(&mut self.pairs)
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.pairs.get(key).cloned()
    }

    pub fn set(&mut self, key: &str, value: &[u8]) -> Result<KvValue, KvError> {
        let before = self.pairs.get(key).map_or(0, |old| key.len() + old.len());
        let after = self.bytes - before + key.len() + value.len();
        // One that was too large already may become smaller.
        if after > BYTES_MAX && after >= self.bytes {
            return Err(KvError::Full(format!(
                "the domain's key-value store would take {after} bytes, its cap is {BYTES_MAX}"
            )));
        }
        self.bytes = after;
        self.pairs.insert(key.to_owned(), value.to_vec());
        Ok(KvValue::Written)
    }

    pub fn delete(&mut self, key: &str) -> bool {
        let old = self.pairs.remove(key);
        self.bytes -= old.as_ref().map_or(0, |old| key.len() + old.len());
        old.is_some()
    }

    pub fn increment(&mut self, key: &str, by: i64) -> Result<KvValue, KvError> {
        let number = match self.pairs.get(key) {
            None => 0,
            Some(value) => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or(KvError::NotANumber)?,
        };
        // As the real store: a sum that leaves its 64 bits is a write that did not happen.
        let sum = number.checked_add(by).ok_or(KvError::Unavailable)?;
        self.set(key, sum.to_string().as_bytes())?;
        Ok(KvValue::Sum(sum))
    }

    pub fn keys(&self, prefix: &str, after: &str, limit: u32) -> Vec<String> {
        self.pairs
            .keys()
            .filter(|key| key.starts_with(prefix) && key.as_str() > after)
            .take(limit as usize)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_anything_else_does_not() {
        let mut store = KeyValues::new([("name".to_owned(), b"Bob".to_vec())].into());
        assert_eq!(store.increment("visits", 2), Ok(KvValue::Sum(2)));
        assert_eq!(store.increment("visits", -3), Ok(KvValue::Sum(-1)));
        assert_eq!(store.increment("name", 1), Err(KvError::NotANumber));
        assert_eq!(store.increment("visits", i64::MIN), Err(KvError::Unavailable));
        assert_eq!(store.get("visits"), Some(b"-1".to_vec()));
        assert_eq!(store.keys("", "name", 9), ["visits"]);
        assert!(store.delete("name") && !store.delete("name"));
    }

    #[test]
    fn a_full_store_takes_less_and_no_more() {
        let big = vec![0; BYTES_MAX];
        let mut store = KeyValues::new([("a".to_owned(), big)].into());
        assert!(matches!(store.set("b", b""), Err(KvError::Full(_))));
        assert_eq!(store.set("a", b"1"), Ok(KvValue::Written));
        assert_eq!(store.set("b", b""), Ok(KvValue::Written));
    }
}
