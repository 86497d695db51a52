//! What a shard has changed since it was last written down.
//!
//! Calls say so themselves whenever they are given an input; the transaction layer keeps a list. A value that comes out
//! as it was is not written again, so a leg that merely stood by costs a serialisation and no write.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tandem_host_api::op::LegId;
use tandem_sip::auth::VerifierKey;
use tandem_sip::transactions::TransactionId;

use crate::admission::Admission;
use crate::call::Core;
use crate::context::Numbers;
use crate::errand::Seeking;
use crate::keys::{Change, Key, Kind};
use crate::shard::{CallKey, Shard};
use crate::written::Written;

/// Numbers are written down so many at a time: those in between are never given again.
const NUMBERS_RESERVED: u64 = 1_024;

/// What has changed.
#[derive(Debug, Default)]
pub struct Unwritten {
    pub(crate) written: Written,
    calls: BTreeSet<CallKey>,
    waiting: BTreeSet<u64>,
    /// Keys that mean nothing any more.
    stale: Vec<Key>,
    /// Kept for its memory.
    transactions: Vec<TransactionId>,
}

impl Unwritten {
    /// A call was given something.
    pub fn note_call(&mut self, call: CallKey) {
        self.calls.insert(call);
    }

    /// A call is over.
    pub fn note_over(&mut self, call: CallKey, legs: usize) {
        self.calls.remove(&call);
        for key in call_keys(call, legs) {
            self.note_stale(key);
        }
    }

    /// Something that waits for an answer has begun to, or has its answer.
    pub fn note_waiting(&mut self, number: u64) {
        self.waiting.insert(number);
    }

    /// A transaction is to be looked at.
    pub fn note_transaction(&mut self, transaction: TransactionId) {
        self.transactions.push(transaction);
    }

    /// A value that was found and means nothing.
    pub fn note_stale_at(&mut self, key: Key, value: &[u8]) {
        self.written.found(key, value);
        self.stale.push(key);
    }

    /// A value that means nothing any more.
    pub fn note_stale(&mut self, key: Key) {
        if self.written.has(key) {
            self.stale.push(key);
        }
    }
}

/// The part of a client transaction's key under which it says what it is for.
pub(crate) const OWNER: u32 = 1;

fn transaction_key(id: TransactionId) -> Key {
    let kind = match id {
        TransactionId::Server(_) => Kind::ServerTransaction,
        TransactionId::Client(_) => Kind::ClientTransaction,
    };
    Key::new(kind, id.number(), 0)
}

/// The keys of a call.
fn call_keys(call: CallKey, legs: usize) -> impl Iterator<Item = Key> {
    [
        Kind::Call,
        Kind::Origin,
        Kind::Tapes,
        Kind::Fallback,
        Kind::Originated,
        Kind::Deadline,
    ]
    .into_iter()
    .map(move |kind| Key::new(kind, call.0, 0))
    .chain((0..legs as u32).map(move |leg| Key::new(Kind::Leg, call.0, leg)))
}

/// The value of [`Kind::Meta`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The secret of its nonces.
    pub key: VerifierKey,
    /// Among how many shards this was one. A Call-ID of ours leads back to it only while they are as many.
    pub shards: u64,
    /// No number up to these is given again.
    pub numbers: Numbers,
}

/// The value of [`Kind::Call`], to write.
#[derive(Serialize)]
struct CallValue<'a>(u32, &'a Core);

/// The value of [`Kind::Waiting`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Waiting<A = Admission, S = Seeking> {
    /// An INVITE that may become a call.
    Admission(A),
    /// A request within a dialog that has no way.
    Seeking(S),
}

impl Shard {
    /// Gives what must be written down since the last time, in any order; all of it belongs to one step. Call it after
    /// each batch of inputs, before what they cause takes effect: what it has not given yet is kept here and grows.
    pub fn changes(&mut self, write: &mut impl FnMut(Change<'_>)) {
        let mut journal = std::mem::take(&mut self.journal);
        let written = &mut journal.written;
        for key in journal.stale.drain(..) {
            written.delete(key, write);
        }
        self.challenger.changes(written, write);
        let meta = Meta {
            key: self.challenger.key.clone(),
            shards: self.config.shards,
            numbers: self.numbers.reserved(),
        };
        written.put(Key::new(Kind::Meta, 0, 0), &meta, write);
        for call in std::mem::take(&mut journal.calls) {
            self.write_call(call, written, write);
        }
        for number in std::mem::take(&mut journal.waiting) {
            let key = Key::new(Kind::Waiting, number, 0);
            match (self.admissions.get(&number), self.errands.at(number)) {
                (Some(admission), _) => written.put(key, &Waiting::<_, ()>::Admission(admission), write),
                (None, Some(seeking)) => written.put(key, &Waiting::<(), _>::Seeking(seeking), write),
                (None, None) => written.delete(key, write),
            }
        }
        self.sip.drain_touched(&mut journal.transactions);
        for id in journal.transactions.drain(..) {
            let key = transaction_key(id);
            match self.sip.record(id) {
                Some(record) => written.put(key, &record, write),
                None => written.delete(key, write),
            }
            if let TransactionId::Client(client) = id {
                // Apart, because it stays as it is while the transaction goes its way.
                let key = Key { part: OWNER, ..key };
                match self.indexes.clients.get(&client) {
                    Some(owner) => written.put(key, owner, write),
                    None => written.delete(key, write),
                }
            }
        }
        self.journal = journal;
    }

    fn write_call(&self, call: CallKey, written: &mut Written, write: &mut impl FnMut(Change<'_>)) {
        let Some(it) = self.calls.get(&call) else { return };
        written.put_once(Key::new(Kind::Origin, call.0, 0), &it.origin, write);
        if let Some(fallback) = &it.fallback {
            written.put(Key::new(Kind::Fallback, call.0, 0), fallback, write);
        }
        if let Some(originated) = &it.originated {
            written.put(Key::new(Kind::Originated, call.0, 0), originated, write);
        }
        let deadline = Key::new(Kind::Deadline, call.0, 0);
        match &it.deadline {
            Some(moment) => written.put(deadline, moment, write),
            None => written.delete(deadline, write),
        }
        let core = CallValue(it.legs.len() as u32, &it.core);
        written.put(Key::new(Kind::Call, call.0, 0), &core, write);
        if !it.tapes.is_empty() {
            written.put(Key::new(Kind::Tapes, call.0, 0), &it.tapes, write);
        }
        for leg in &it.legs {
            let LegId(part) = leg.id;
            written.put(Key::new(Kind::Leg, call.0, part), leg, write);
        }
    }
}

impl Numbers {
    /// What is written down: the end of the block that each number stands in.
    fn reserved(self) -> Self {
        let end = |number: u64| (number / NUMBERS_RESERVED + 1).saturating_mul(NUMBERS_RESERVED);
        Self {
            endpoint: end(self.endpoint),
            play: end(self.play),
            send: end(self.send),
            question: end(self.question),
            call: end(self.call),
        }
    }
}
