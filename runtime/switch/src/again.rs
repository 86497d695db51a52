//! Writing values down that have not changed: their place in the log is to go, or the log had missed them.

use tandem_sip::transactions::TransactionId;

use crate::changes::Unwritten;
use crate::keys::{Key, Kind};
use crate::shard::{CallKey, Shard};

impl Unwritten {
    /// Has the next step write a value again; false: there is none.
    fn again(&mut self, key: Key) -> bool {
        if !self.written.doubt(key) {
            return false;
        }
        match key.kind {
            Kind::Call
            | Kind::Leg
            | Kind::Origin
            | Kind::Tapes
            | Kind::Fallback
            | Kind::Originated
            | Kind::Deadline => {
                self.note_call(CallKey(key.id));
            }
            Kind::ServerTransaction => self.note_transaction(TransactionId::server(key.id)),
            Kind::ClientTransaction => self.note_transaction(TransactionId::client(key.id)),
            Kind::Waiting => self.note_waiting(key.id),
            // Looked at in each step, or not ours.
            Kind::Meta | Kind::Nonce | Kind::Binding | Kind::Scenario | Kind::Cursor | Kind::Ended => (),
        }
        true
    }
}

impl Shard {
    /// Has the next [`Self::changes`] give a value again, though it has not changed, or its deletion; false: there is
    /// no such value.
    pub fn write_again(&mut self, key: Key) -> bool {
        if key.kind == Kind::Nonce {
            self.challenger.again(key.id);
        }
        self.journal.again(key)
    }

    /// Has the next [`Self::changes`] give every value again.
    pub fn write_all(&mut self) {
        for key in self.journal.written.keys() {
            self.write_again(key);
        }
    }
}
