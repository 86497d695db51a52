//! The registrar role outlives its process: what to write down of it, and how it goes on from that.

use std::collections::{BTreeSet, HashMap};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tandem_sip::Moment;
use tandem_sip::auth::{NonceRecord, VerifierKey};
use tandem_sip::registrar::{Aor, AorRecord, Registrar};
use tandem_sip::transactions::{TransactionId, TransactionRecord};
use twox_hash::XxHash3_64;

use super::{Registration, Waiting};
use crate::keys::{Change, Key, Kind};
use crate::nonces::{Challenger, Nonces};
use crate::restore::RestoreProblem;
use crate::written::{Written, read};

/// Questions are numbered so many at a time in what is written down.
const NUMBERS_RESERVED: u64 = 1_024;

/// What has changed.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    written: Written,
    waiting: BTreeSet<u64>,
    stale: Vec<Key>,
    /// To be looked at.
    transactions: Vec<TransactionId>,
    aors: Vec<Aor>,
    /// Whose bindings are written down.
    names: HashMap<u64, Aor>,
}

impl Unwritten {
    /// A REGISTER has begun to wait, or waits no more.
    pub fn note_waiting(&mut self, number: u64) {
        self.waiting.insert(number);
    }
}

/// The value of [`Kind::Meta`].
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    /// The secret of its nonces.
    key: VerifierKey,
    /// No question up to this one is numbered so again.
    question: u64,
}

/// What was found, but for what could be put in its place at once.
#[derive(Default)]
struct Found {
    key: Option<VerifierKey>,
    nonces: Vec<NonceRecord>,
    waiting: Vec<(u64, Waiting)>,
    problems: Vec<RestoreProblem>,
}

impl Found {
    fn problem(&mut self, why: String) {
        self.problems.push(RestoreProblem {
            call: None,
            id: None,
            why,
        });
    }

    fn read<T: DeserializeOwned>(&mut self, key: Key, value: &[u8]) -> Option<T> {
        read(value)
            .map_err(|error| self.problem(format!("{:?} {}: {error}", key.kind, key.id)))
            .ok()
    }
}

fn key_of(aor: &Aor) -> Key {
    let mut text = Vec::with_capacity(aor.domain.len() + aor.user.len() + 1);
    text.extend_from_slice(aor.user.as_bytes());
    text.push(b'@');
    text.extend_from_slice(aor.domain.as_bytes());
    Key::new(Kind::Binding, XxHash3_64::oneshot(&text), 0)
}

impl Registration {
    /// Gives what must be written down since the last time: see [`Shard::changes`](crate::Shard::changes).
    pub fn changes(&mut self, write: &mut impl FnMut(Change<'_>)) {
        let mut journal = std::mem::take(&mut self.journal);
        let written = &mut journal.written;
        for key in journal.stale.drain(..) {
            written.delete(key, write);
        }
        let meta = Meta {
            key: self.challenger.key.clone(),
            question: (self.next_question / NUMBERS_RESERVED + 1) * NUMBERS_RESERVED,
        };
        written.put(Key::new(Kind::Meta, 0, 0), &meta, write);
        self.challenger.changes(written, write);
        for number in std::mem::take(&mut journal.waiting) {
            let key = Key::new(Kind::Waiting, number, 0);
            match self.waiting.get(&number) {
                Some(waiting) => written.put(key, waiting, write),
                None => written.delete(key, write),
            }
        }
        self.registrar.drain_touched(&mut journal.aors);
        for aor in journal.aors.drain(..) {
            let key = key_of(&aor);
            if let Some(record) = self.registrar.record(&aor) {
                written.put(key, &record, write);
                journal.names.insert(key.id, aor);
            } else {
                written.delete(key, write);
                journal.names.remove(&key.id);
            }
        }
        self.sip.drain_touched(&mut journal.transactions);
        for id in journal.transactions.drain(..) {
            let key = Key::new(Kind::ServerTransaction, id.number(), 0);
            match self.sip.record(id) {
                Some(record) => written.put(key, &record, write),
                None => written.delete(key, write),
            }
        }
        self.journal = journal;
    }

    /// Has the next [`Self::changes`] give a value again, though it has not changed, or its deletion; false: there is
    /// no such value.
    pub fn write_again(&mut self, key: Key) -> bool {
        let journal = &mut self.journal;
        if !journal.written.doubt(key) {
            return false;
        }
        match key.kind {
            Kind::Nonce => self.challenger.again(key.id),
            Kind::Waiting => journal.note_waiting(key.id),
            Kind::Binding => journal.aors.extend(journal.names.get(&key.id).cloned()),
            Kind::ServerTransaction => journal.transactions.push(TransactionId::server(key.id)),
            // Looked at in each step, or not ours.
            Kind::Meta
            | Kind::Call
            | Kind::Leg
            | Kind::Origin
            | Kind::Scenario
            | Kind::ClientTransaction
            | Kind::Cursor
            | Kind::Fallback
            | Kind::Originated
            | Kind::Deadline
            | Kind::Ended
            | Kind::Tapes => (),
        }
        true
    }

    /// Has the next [`Self::changes`] give every value again.
    pub fn write_all(&mut self) {
        for key in self.journal.written.keys() {
            self.write_again(key);
        }
    }

    /// The role as [`Self::changes`] left it, and what was lost of it. `registrar` is empty. Entries of other kinds are
    /// passed over.
    pub fn restore<'a>(
        registrar: Registrar,
        nonces: Nonces,
        seed: u64,
        entries: impl IntoIterator<Item = (Key, &'a [u8])>,
        now: Moment,
    ) -> (Self, Vec<RestoreProblem>) {
        let mut role = Self::new(registrar, nonces.clone(), seed);
        let mut found = Found::default();
        for (key, value) in entries {
            role.find(&mut found, key, value, now);
        }
        if let Some(key) = found.key.take() {
            role.challenger = Challenger::new(nonces, Some(key));
            role.challenger.restore(std::mem::take(&mut found.nonces), now);
        }
        for (number, waiting) in std::mem::take(&mut found.waiting) {
            role.next_question = role.next_question.max(number);
            role.wait(number, waiting);
        }
        role.sip.resend(now);
        role.drain_sip(now);
        (role, found.problems)
    }

    fn find(&mut self, found: &mut Found, key: Key, value: &[u8], now: Moment) {
        let is_taken = match key.kind {
            Kind::Meta => match found.read::<Meta>(key, value) {
                Some(meta) if meta.question < 1 << 62 => {
                    self.next_question = self.next_question.max(meta.question);
                    found.key = Some(meta.key);
                    true
                }
                _ => false,
            },
            Kind::Nonce => found
                .read(key, value)
                .map(|record| found.nonces.push(record))
                .is_some(),
            Kind::Waiting => match found.read(key, value) {
                Some(waiting) if key.id < 1 << 62 => {
                    found.waiting.push((key.id, waiting));
                    true
                }
                _ => false,
            },
            Kind::Binding => match found.read::<AorRecord>(key, value) {
                Some(record) if key_of(&record.aor) == key => {
                    self.journal.names.insert(key.id, record.aor.clone());
                    self.registrar.restore(record, now);
                    true
                }
                Some(_) => {
                    found.problem(format!("Binding {}: it is of another user", key.id));
                    false
                }
                None => false,
            },
            Kind::ServerTransaction => match found.read::<TransactionRecord>(key, value) {
                Some(record) => match self.sip.restore(record) {
                    Ok(()) => true,
                    Err(error) => {
                        found.problem(error.to_string());
                        false
                    }
                },
                None => false,
            },
            Kind::Call
            | Kind::Leg
            | Kind::Origin
            | Kind::Scenario
            | Kind::ClientTransaction
            | Kind::Cursor
            | Kind::Fallback
            | Kind::Originated
            | Kind::Deadline
            | Kind::Ended
            | Kind::Tapes => return,
        };
        self.journal.written.found(key, value);
        if !is_taken {
            self.journal.stale.push(key);
        }
    }
}
