//! Transactions that outlive a process: which changed, what to write of each, and how it goes on from that.
//!
//! After each input, once the outputs are drained, ask [`Transactions::drain_touched`] which to write down, and write
//! what [`Transactions::record`] gives before the outputs take effect. After a restart give each record to
//! [`Transactions::restore`] and call [`Transactions::resend`] once: what may have been lost between writing and sending
//! is said again, and to the peer that is a repeat like any other.

use super::event::{ClientId, ServerId};
use super::role::Role;
use super::{Entry, Slot, Transactions};
use crate::flow::Flow;
use crate::message::Message;
use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A transaction of either side. It means the same after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TransactionId {
    /// A request of a peer.
    Server(ServerId),
    /// A request of ours.
    Client(ClientId),
}

impl TransactionId {
    /// The server transaction of a [`Self::number`].
    pub fn server(number: u64) -> Self {
        TransactionId::Server(ServerId(number))
    }

    /// The client transaction of a [`Self::number`].
    pub fn client(number: u64) -> Self {
        TransactionId::Client(ClientId(number))
    }

    /// Its number. Server and client numbers never meet among the living.
    pub fn number(self) -> u64 {
        match self {
            TransactionId::Server(ServerId(number)) | TransactionId::Client(ClientId(number)) => number,
        }
    }

    fn slot(self) -> u32 {
        self.number() as u32
    }

    fn generation(self) -> u32 {
        (self.number() >> 32) as u32
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionId::Server(ServerId(number)) => write!(f, "server transaction {number:#x}"),
            TransactionId::Client(ClientId(number)) => write!(f, "client transaction {number:#x}"),
        }
    }
}

/// All that one transaction needs to go on: to be written down and read back. Its messages share their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecord {
    id: TransactionId,
    entry: Entry,
}

impl TransactionRecord {
    /// Whose record it is.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// The way its messages go.
    pub fn flow(&self) -> Flow {
        self.entry.flow
    }

    /// Whether the table alone knows it (a CANCEL of either side): its events are told to nobody.
    pub fn is_internal(&self) -> bool {
        self.entry.internal
    }

    fn check(&self) -> Result<(), RestoreError> {
        let broken = |why| Err(RestoreError::Broken(why));
        let entry = &self.entry;
        if entry.role.is_client() != matches!(self.id, TransactionId::Client(_)) {
            return broken("its id is of the other side");
        }
        if !entry.role.is_sound() {
            return broken("its timers do not fit its state");
        }
        let is_request = |bytes| Message::parse(bytes).is_ok_and(|message| message.is_request());
        let is_response = |bytes| Message::parse(bytes).is_ok_and(|message| !message.is_request());
        match &entry.role {
            Role::ClientInvite(_) | Role::ClientOther(_) => {
                if !is_request(entry.wire.clone()) {
                    return broken("what it sent is no request");
                }
            }
            Role::ServerInvite(_) | Role::ServerOther(_) => {
                if !entry.wire.is_empty() && !is_response(entry.wire.clone()) {
                    return broken("what it answered is no response");
                }
                let open = matches!(&entry.role, Role::ServerInvite(machine) if machine.is_open());
                if open && !is_request(entry.request.clone()) {
                    return broken("what it is to answer is no request");
                }
            }
        }
        Ok(())
    }
}

/// Why a record was not taken. The table is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Its place is beyond what this configuration can ever use.
    #[error("{id} lies beyond the {slots_max} places of the table")]
    Bound {
        /// Whose record it is.
        id: TransactionId,
        /// Places at most.
        slots_max: usize,
    },
    /// Another transaction lives in its place, or was restored from the same record.
    #[error("the place of {0} is taken")]
    Taken(TransactionId),
    /// Another transaction answers to the same branch, or to the same Call-ID and CSeq.
    #[error("another transaction has the key of {0}")]
    Known(TransactionId),
    /// Nothing that [`Transactions::record`] ever gave.
    #[error("no transaction can be like this: {0}")]
    Broken(&'static str),
}

impl Transactions {
    /// Appends to `ids` the transactions that were made, changed or ended since the last call, each once. Of one that
    /// ended [`Self::record`] gives `None`; one that came and went in between is not told at all.
    pub fn drain_touched(&mut self, ids: &mut Vec<TransactionId>) {
        for slot in self.touched.drain(..) {
            let Some(place) = self.slots.get_mut(slot as usize) else {
                continue;
            };
            place.touched = false;
            let id = place.id(slot);
            ids.extend(place.told.filter(|told| Some(*told) != id));
            ids.extend(id);
            place.told = id;
        }
    }

    /// What to write down of a transaction; `None`: it is over.
    pub fn record(&self, id: TransactionId) -> Option<TransactionRecord> {
        let place = self.slots.get(id.slot() as usize)?;
        let entry = place.entry.as_ref().filter(|_| place.id(id.slot()) == Some(id))?;
        Some(TransactionRecord {
            id,
            entry: entry.clone(),
        })
    }

    /// Puts a transaction back under its id, its timers where they stood. Those that came due meanwhile fire once, at
    /// the next [`Self::handle_timeout`]. A record that is refused disturbs nothing.
    pub fn restore(&mut self, record: TransactionRecord) -> Result<(), RestoreError> {
        let (id, slot) = (record.id, record.id.slot());
        // Each INVITE may have a CANCEL beside it, which no bound refuses.
        let slots_max = self.config.servers_max + 2 * self.config.clients_max + 1;
        if slot as usize >= slots_max {
            return Err(RestoreError::Bound { id, slots_max });
        }
        record.check()?;
        if self
            .slots
            .get(slot as usize)
            .is_some_and(|place| place.entry.is_some())
        {
            return Err(RestoreError::Taken(id));
        }
        let mut entry = record.entry;
        let merged_known = entry
            .merged
            .as_ref()
            .is_some_and(|merged| self.by_merged.contains_key(merged));
        if merged_known || self.by_key.contains_key(&entry.key) {
            return Err(RestoreError::Known(id));
        }
        while self.slots.len() <= slot as usize {
            self.free.push(self.slots.len() as u32);
            self.slots.push(Slot::new(self.first_generation));
        }
        entry.role.adopt(self.config.times);
        self.by_key.insert(Arc::clone(&entry.key), slot);
        if let Some(merged) = &entry.merged {
            self.by_merged.insert(Arc::clone(merged), slot);
        }
        *self.living(&entry.role) += 1;
        self.schedule.set(slot, entry.role.timers().next());
        if let Some(place) = self.slots.get_mut(slot as usize) {
            // `free` names this slot still: `take_slot` passes over what is taken.
            place.generation = id.generation();
            place.told = Some(id);
            place.entry = Some(entry);
        }
        Ok(())
    }

    /// Sends the last message of each transaction whose peer may wait for it once more: requests without a response,
    /// responses without a further step of the peer. Not a 2xx to INVITE: [`crate::dialog::UasInvite`] repeats that.
    ///
    /// Call it once: when all records are restored and what arrived meanwhile is handled, as far as it is at hand, for it
    /// may answer what would be sent again; and before [`Self::handle_timeout`]. What a timer due by `now` repeats or ends is left to
    /// [`Self::handle_timeout`], so that nothing goes out twice.
    pub fn resend(&mut self, now: Moment) {
        for slot in 0..self.slots.len() as u32 {
            let Some(entry) = self.entry_mut(slot) else {
                continue;
            };
            if !entry.role.wants_resend(now) || entry.wire.is_empty() {
                continue;
            }
            let (flow, message) = (entry.flow, entry.wire.clone());
            self.send_bytes(flow, message);
        }
    }

    /// Notes that what is in `slot` is no longer what was written down.
    pub(super) fn touch(&mut self, slot: u32) {
        if let Some(place) = self.slots.get_mut(slot as usize)
            && !place.touched
        {
            place.touched = true;
            self.touched.push(slot);
        }
    }
}

impl Slot {
    pub(super) fn new(generation: u32) -> Self {
        Slot {
            generation,
            entry: None,
            touched: false,
            told: None,
        }
    }

    /// The transaction in it, were its place `slot`.
    fn id(&self, slot: u32) -> Option<TransactionId> {
        let number = u64::from(self.generation) << 32 | u64::from(slot);
        self.entry.as_ref().map(|entry| {
            if entry.role.is_client() {
                TransactionId::Client(ClientId(number))
            } else {
                TransactionId::Server(ServerId(number))
            }
        })
    }
}
