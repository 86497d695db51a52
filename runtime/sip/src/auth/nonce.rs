//! Nonces that prove their own age, and the counts of those in use.
//!
//! A nonce is its time (ms since the verifier began), 64 bits of chance and a MAC over both and the
//! realm, in hex. So a flood of challenges costs no memory, and a nonce of one domain is none in
//! another.

use super::digest::hex;
use hmac::{Hmac, Mac};
use rand::Rng;
use rand::rngs::StdRng;
use sha2::Sha256;
use std::collections::BTreeMap;

const MAC_LEN: usize = 16;
const LEN: usize = 8 + 8 + MAC_LEN;

/// When a nonce was made (ms) and its chance: names it.
pub(super) type NonceId = (u64, u64);

/// Makes and recognises nonces.
#[derive(Clone)]
pub(super) struct Mint {
    key: [u8; 32],
}

impl Mint {
    pub fn new(rng: &mut StdRng) -> Self {
        Mint { key: rng.random() }
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
        Some((
            u64::from_be_bytes(at_ms.try_into().ok()?),
            u64::from_be_bytes(chance.try_into().ok()?),
        ))
    }

    fn mac(&self, head: &[u8], realm: &str) -> [u8; MAC_LEN] {
        let mut out = [0; MAC_LEN];
        // HMAC takes keys of any length, so this cannot fail; were it to, no nonce would be known.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) {
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

/// The highest count seen of each nonce in use.
#[derive(Debug, Default)]
pub(super) struct Counts {
    highest: BTreeMap<NonceId, u32>,
    /// Nonces as old as this may have been forgotten, so an unknown one of that age is not taken.
    forgotten_ms: Option<u64>,
}

impl Counts {
    /// Counts a use; `false` if it was there before (a replay) or may have been.
    pub fn count(&mut self, nonce: NonceId, nc: u32, max: usize) -> bool {
        if let Some(highest) = self.highest.get_mut(&nonce) {
            let fresh = nc > *highest;
            *highest = nc.max(*highest);
            return fresh;
        }
        if nc == 0 || self.forgotten_ms.is_some_and(|forgotten| nonce.0 <= forgotten) {
            return false;
        }
        self.highest.insert(nonce, nc);
        while self.highest.len() > max {
            if let Some(((at_ms, _), _)) = self.highest.pop_first() {
                self.forgotten_ms = self.forgotten_ms.max(Some(at_ms));
            }
        }
        true
    }

    /// Lets go of nonces made before `oldest_ms`: they are refused for their age.
    pub fn expire(&mut self, oldest_ms: u64) {
        while let Some(entry) = self
            .highest
            .first_entry()
            .filter(|entry| entry.key().0 < oldest_ms)
        {
            entry.remove();
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.highest.len()
    }
}
