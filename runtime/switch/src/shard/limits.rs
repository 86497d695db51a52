//! How many calls there are, as the limits count them.
//!
//! After a restart some calls may have nobody left: their peers died with the same power failure, or hung up meanwhile.
//! They are found out when the gate does not hear them and they do not answer, which takes its time. Until a peer has
//! said something its call counts against no limit, so that none of them keeps a new caller out. How many they may be
//! is bounded all the same: the limits held when they began, and each needs a media port.

use super::{CallKey, Shard};

impl Shard {
    /// Calls that count, and INVITEs that may become some.
    pub(super) fn busy(&self) -> usize {
        self.calls.len() - self.silent.len() + self.admissions.len()
    }

    /// Calls of a domain that count.
    pub(super) fn busy_in(&self, domain: &str) -> usize {
        self.per_domain.get(domain).copied().unwrap_or(0)
    }

    pub(super) fn count_in(&mut self, domain: &str) {
        *self.per_domain.entry(domain.to_owned()).or_default() += 1;
    }

    pub(super) fn count_out(&mut self, key: CallKey, domain: &str) {
        if self.silent.remove(&key) {
            return;
        }
        if let Some(count) = self.per_domain.get_mut(domain) {
            *count -= 1;
            if *count == 0 {
                self.per_domain.remove(domain);
            }
        }
    }

    /// A peer of the call has said something, or its media gate has lived on.
    pub(crate) fn note_alive(&mut self, key: CallKey) {
        if self.silent.remove(&key)
            && let Some(domain) = self.calls.get(&key).map(|call| call.origin.domain.clone())
        {
            self.count_in(&domain);
        }
    }
}
