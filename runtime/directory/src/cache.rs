//! A map that stays within its bound.
//!
//! Two generations: what is asked for moves to the young one; when that is full, it becomes the old one and what was
//! old, and so not asked for since, is dropped. No list to keep in order, and a hit costs one or two look-ups.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A bounded map. What it holds weighs at most twice the capacity, and one value more.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    capacity: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_weight: 0,
            capacity,
        }
    }

    /// The value of a key, which is kept the longer for it.
    pub(crate) fn find<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Keeps a value of about `weight`, in the capacity's unit.
    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize) {
        if self.young_weight.saturating_add(weight) > self.capacity && !self.young.is_empty() {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        if let Some((_, replaced)) = self.young.insert(key, (value, weight)) {
            self.young_weight = self.young_weight.saturating_sub(replaced);
        }
        self.young_weight = self.young_weight.saturating_add(weight);
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.young_weight = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut cache = Cache::new(10);
        cache.insert("asked".to_owned(), 0, 1);
        for number in 1..1_000 {
            cache.insert(number.to_string(), number, 1);
            assert_eq!(cache.find("asked"), Some(0), "after {number}");
            assert!(cache.young.len() + cache.old.len() <= 20);
        }
        assert_eq!(cache.find("1"), None);
    }

    #[test]
    fn weight_bounds_it_too() {
        let mut cache = Cache::new(100);
        for number in 0..1_000 {
            cache.insert(number, number, 40);
            assert!(cache.young.len() + cache.old.len() <= 4);
        }
        cache.insert(0, 7, 1_000);
        assert_eq!(cache.find(&0), Some(7), "one value may be heavier than all");
        cache.insert(0, 8, 1);
        assert_eq!(cache.find(&0), Some(8));
        cache.clear();
        assert_eq!(cache.find(&0), None);
    }
}
