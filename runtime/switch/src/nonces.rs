//! The nonces of a role: made with a secret that is written down with them, so that a phone is not challenged anew
//! after a restart, and what was used before it is not taken again.

use std::collections::HashMap;

use rand::rngs::StdRng;
use tandem_sip::Moment;
use tandem_sip::auth::{self, NonceId, NonceRecord, Verifier, VerifierKey};

use crate::keys::{Change, Key, Kind};
use crate::written::Written;

/// What a role challenges with. `rng` must not be guessable: the secret of a first life comes from it.
#[derive(Debug, Clone)]
pub struct Nonces {
    /// Algorithms, and how long a nonce is good for.
    pub config: auth::Config,
    /// Chance for the secret and for each nonce.
    pub rng: StdRng,
}

/// A verifier that can be written down.
#[derive(Debug)]
pub(crate) struct Challenger {
    pub verifier: Verifier,
    pub key: VerifierKey,
    /// Whose numbers are written down.
    ids: HashMap<u64, NonceId>,
    /// To be looked at.
    touched: Vec<NonceId>,
}

impl Challenger {
    /// With the secret of a former life, or a new one.
    pub fn new(mut nonces: Nonces, former: Option<VerifierKey>) -> Self {
        let key = former.unwrap_or_else(|| VerifierKey::new(&mut nonces.rng));
        Self {
            verifier: Verifier::new(nonces.config, key.clone(), nonces.rng),
            key,
            ids: HashMap::new(),
            touched: Vec::new(),
        }
    }

    /// Takes what a former life counted.
    pub fn restore(&mut self, records: Vec<NonceRecord>, now: Moment) {
        for record in records {
            self.ids.insert(record.nonce().number(), record.nonce());
            self.verifier.restore(record, now);
        }
    }

    pub fn changes(&mut self, written: &mut Written, write: &mut impl FnMut(Change<'_>)) {
        self.verifier.drain_touched(&mut self.touched);
        for nonce in self.touched.drain(..) {
            let key = Key::new(Kind::Nonce, nonce.number(), 0);
            if let Some(record) = self.verifier.record(nonce) {
                self.ids.insert(nonce.number(), nonce);
                written.put(key, &record, write);
            } else {
                self.ids.remove(&nonce.number());
                written.delete(key, write);
            }
        }
    }

    /// Has a nonce looked at by the next [`Self::changes`].
    pub fn again(&mut self, number: u64) {
        self.touched.extend(self.ids.get(&number));
    }
}
