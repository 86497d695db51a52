//! Nonces that prove their own age, and the counts of those in use.
//!
//! A nonce is its time (ms since 1970), 64 bits of chance and a MAC over both and the
//! realm, in hex. So a flood of challenges costs no memory, and a nonce of one domain is none in
//! another.

use super::digest::hex;
use hmac::{Hmac, Mac};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const MAC_LEN: usize = 16;
const LEN: usize = 8 + 8 + MAC_LEN;

/// Names a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NonceId {
    /// When it was made, ms since 1970.
    pub(super) at_ms: u64,
    chance: u64,
}

impl NonceId {
    /// A number for it: 64 bits of chance, so that no two nonces in use share theirs.
    pub fn number(self) -> u64 {
        self.chance
    }
}

/// A nonce in use and its highest count: to be written down and read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceRecord {
    pub(super) nonce: NonceId,
    pub(super) highest: u32,
}

impl NonceRecord {
    /// Whose record it is.
    pub fn nonce(&self) -> NonceId {
        self.nonce
    }
}

/// The secret by which a verifier knows its own nonces. Keep it with the nonces' records, and give it to one verifier
/// only: what one has counted, another with the same key would take once more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifierKey([u8; 32]);

impl VerifierKey {
    /// A new one.
    pub fn new(rng: &mut StdRng) -> Self {
        VerifierKey(rng.random())
    }
}

/// Without the secret.
impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifierKey(..)")
    }
}

/// Makes and recognises nonces.
#[derive(Clone)]
pub(super) struct Mint {
    pub key: VerifierKey,
}

impl Mint {
    pub fn new(key: VerifierKey) -> Self {
        Mint { key }
    }

    pub fn make(&self, at_ms: u64, realm: &str, rng: &mut StdRng) -> String {
        let chance: u64 = rng.random();
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(&at_ms.to_be_bytes());
        bytes.extend_from_slice(&chance.to_be_bytes());
        let mac = self.mac(&bytes, realm);
        bytes.extend_from_slice(&mac);
        hex(&bytes)
    }

    /// What `nonce` says, if it is one of ours for this realm.
    pub fn read(&self, nonce: &str, realm: &str) -> Option<NonceId> {
        let bytes = unhex(nonce)?;
        let (head, mac) = bytes.split_at_checked(LEN - MAC_LEN)?;
        if !equal(&self.mac(head, realm), mac) {
            return None;
        }
        let (at_ms, chance) = head.split_at_checked(8)?;
        Some(NonceId {
            at_ms: u64::from_be_bytes(at_ms.try_into().ok()?),
            chance: u64::from_be_bytes(chance.try_into().ok()?),
        })
    }

    fn mac(&self, head: &[u8], realm: &str) -> [u8; MAC_LEN] {
        let mut out = [0; MAC_LEN];
        // HMAC takes keys of any length, so this cannot fail; were it to, no nonce would be known.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key.0) {
            mac.update(head);
            mac.update(realm.as_bytes());
            let mac = mac.finalize().into_bytes();
            for (to, from) in out.iter_mut().zip(mac) {
                *to = from;
            }
        }
        out
    }
}

/// Whether both are equal, in a time that does not tell where they differ.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && std::hint::black_box(a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b))) == 0
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * LEN {
        return None;
    }
    let digit = |c: &u8| (*c as char).to_digit(16).map(|digit| digit as u8);
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

/// What is known of a nonce in use.
#[derive(Debug)]
struct Use {
    highest: u32,
    /// It was told as touched, so it may be written down somewhere.
    told: bool,
}

/// The highest count seen of each nonce in use.
#[derive(Debug, Default)]
pub(super) struct Counts {
    uses: BTreeMap<NonceId, Use>,
    /// Nonces as old as this may have been forgotten, so an unknown one of that age is not taken.
    forgotten_ms: Option<u64>,
    /// What is not as it was written down: some of `uses`, and those gone that were told.
    touched: BTreeSet<NonceId>,
}

impl Counts {
    /// Counts a use; `false` if it was there before (a replay) or may have been.
    pub fn count(&mut self, nonce: NonceId, nc: u32, max: usize) -> bool {
        if let Some(seen) = self.uses.get_mut(&nonce) {
            let fresh = nc > seen.highest;
            if fresh {
                seen.highest = nc;
                self.touched.insert(nonce);
            }
            return fresh;
        }
        if nc == 0
            || self
                .forgotten_ms
                .is_some_and(|forgotten| nonce.at_ms <= forgotten)
        {
            return false;
        }
        let (highest, told) = (nc, false);
        self.uses.insert(nonce, Use { highest, told });
        self.touched.insert(nonce);
        self.forget_beyond(max);
        true
    }

    /// Lets go of nonces made before `oldest_ms`: they are refused for their age.
    pub fn expire(&mut self, oldest_ms: u64) {
        while let Some(entry) = self
            .uses
            .first_entry()
            .filter(|entry| entry.key().at_ms < oldest_ms)
        {
            let (nonce, used) = entry.remove_entry();
            self.let_go(nonce, &used);
        }
    }

    pub fn drain_touched(&mut self, nonces: &mut Vec<NonceId>) {
        for nonce in std::mem::take(&mut self.touched) {
            if let Some(used) = self.uses.get_mut(&nonce) {
                used.told = true;
            }
            nonces.push(nonce);
        }
    }

    pub fn record(&self, nonce: NonceId) -> Option<NonceRecord> {
        let highest = self.uses.get(&nonce)?.highest;
        Some(NonceRecord { nonce, highest })
    }

    /// Takes a nonce back. What the old life forgot for want of room is older than all of a full table.
    pub fn restore(&mut self, record: NonceRecord, max: usize) {
        let NonceRecord { nonce, highest } = record;
        self.uses.insert(nonce, Use { highest, told: true });
        self.forget_beyond(max);
        if self.uses.len() == max
            && let Some((oldest, _)) = self.uses.first_key_value()
        {
            self.forgotten_ms = self.forgotten_ms.max(Some(oldest.at_ms));
        }
    }

    /// Tells a nonce that was written down and is not taken back as gone.
    pub fn drop_record(&mut self, nonce: NonceId) {
        self.touched.insert(nonce);
    }

    fn forget_beyond(&mut self, max: usize) {
        while self.uses.len() > max {
            if let Some((nonce, used)) = self.uses.pop_first() {
                self.forgotten_ms = self.forgotten_ms.max(Some(nonce.at_ms));
                self.let_go(nonce, &used);
            }
        }
    }

    fn let_go(&mut self, nonce: NonceId, used: &Use) {
        if used.told {
            self.touched.insert(nonce);
        } else {
            self.touched.remove(&nonce);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.uses.len()
    }
}
